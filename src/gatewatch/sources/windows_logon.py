r"""Windows logons and logoffs: Security 4624, 4625, 4634 and 4647; :mod:`~gatewatch.sources.windows_session` has the other events of sessions.

::

    4624 TargetUserName=ann TargetLogonId=0x9a1f3 LogonType=10 WorkstationName=WS01 IpAddress=203.0.113.7 TargetLinkedLogonId=0x9a1d0

What a logon is, its type says, never a localised text; that it is no person's, the SID says. Types 10 and 12 are RDP, and so is 7 where it
bears an address: a return to an RDP session (on a console it bears none, or the loopback). Type 3 counts as SMB until other records prove RDP
or WinRM; a failure of type 3 has no service till then. Type 8 is a password that a program handed over: sshd.exe and w3wp.exe say which
service. With IIS, type 2 may bear a client's address too; such an address is kept. OpenSSH logs the owner of a key on as type 3 with a logon
process of its own: method ``key``.

An account whose name ends in ``$`` is a computer where it logs on as type 3; with any other type it may be a hidden user. Status codes of 4625
come as hexadecimal, decimal or negative numbers, and the sub-status decides where there is one. That some of them mean a right password
(``stopped-…``) is taken from the documentation; releases may differ.

References: learn.microsoft.com, "Advanced security auditing", events 4624, 4625, 4634, 4647, 4648, 4672, 4778, 4779, 4825.
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema import events as ev
from gatewatch.schema.events import AuthMethod, Kind, Service
from gatewatch.sources import windows_session
from gatewatch.sources.windows import Meaning, WindowsSource, as_kind, datum, foreign, silent_where
from gatewatch.sources.windows_code import ANONYMOUS, LOOPBACK, OWN_ACCOUNT, read_status

_TARGET = {"user": "TargetUserName", "domain": "TargetDomainName", "sid": "TargetUserSid", "session": "TargetLogonId"}
_FROM = {"rhost": "IpAddress", "src_port": "IpPort", "src_host": "WorkstationName", "process": "ProcessName"}

_NAMES = {"2": "console", "3": "network", "7": "unlock", "8": "cleartext", "10": "rdp", "11": "console", "12": "rdp", "13": "console"}
_NOBODYS = ("0", "4", "5")  # the system at boot, scheduled jobs, services
_ALONE = ("logon-nobody", "logon-machine", "logon-service", "logon-type-unknown")
_PROCESSES = {"sshd.exe": Service.SSH, "sshd-session.exe": Service.SSH, "sshd": Service.SSH, "w3wp.exe": Service.WEB}
_METHODS = {
    "ntlm": AuthMethod.PASSWORD,
    "negotiate": AuthMethod.PASSWORD,
    "microsoft_authentication_package_v1_0": AuthMethod.PASSWORD,
    "wdigest": AuthMethod.PASSWORD,
    "kerberos": AuthMethod.GSSAPI,
    "schannel": AuthMethod.CERTIFICATE,
}

_type = datum("LogonType").str.strip_chars()
_sid = datum("TargetUserSid").str.strip_chars()
_own = _sid.str.contains(OWN_ACCOUNT).fill_null(False) | (datum("TargetDomainName").str.to_uppercase() == "VIRTUAL USERS").fill_null(False)
_anonymous = (_sid.str.to_uppercase() == ANONYMOUS).fill_null(False) | (
    (datum("TargetUserName").str.to_uppercase() == "ANONYMOUS LOGON") & _sid.is_in(["-", ""]).fill_null(True)
)
_machine = datum("TargetUserName").str.strip_chars().str.ends_with("$").fill_null(False)
_local_source = pl.col("src_ip").is_null() | pl.col("src_ip").str.contains(LOOPBACK).fill_null(False)


def _origin(frame: pl.DataFrame) -> pl.DataFrame:
    """Say where a logon came from and by which service."""
    frame = ev.ensure(frame, "src_host").with_columns(
        foreign("src_host"), _type.replace_strict(_NAMES, default=None, return_dtype=pl.String).alias("zz_name")
    )
    console = (pl.col("zz_name") == "console") | ((pl.col("zz_name") == "unlock") & _local_source)
    frame = frame.with_columns(pl.when(console).then(pl.lit("console")).otherwise(pl.col("zz_name")).alias("zz_name"))
    nowhere = ((pl.col("zz_name") == "console") | (_type == "9")).fill_null(False) & _local_source
    program = (pl.col("process").str.to_lowercase().str.extract(r"([^\\/]+)$", 1), datum("LogonProcessName").str.to_lowercase().str.strip_chars())
    by_program = pl.coalesce(part.replace_strict(_PROCESSES, default=None, return_dtype=pl.String) for part in program)
    by_name = pl.col("zz_name").replace_strict({"rdp": Service.RDP, "unlock": Service.RDP}, default=None, return_dtype=pl.String)
    return frame.with_columns(
        *(pl.when(~nowhere).then(pl.col(name)).alias(name) for name in ("src_ip", "src_port", "src_host")),
        pl.when(nowhere & by_program.is_null()).then(pl.lit("local")).otherwise(pl.coalesce(by_name, by_program)).cast(ev.SERVICE).alias("service"),
    )


def _method() -> pl.Expr:
    package = datum("AuthenticationPackageName").str.to_lowercase().str.strip_chars()
    known = {name: str(method) for name, method in _METHODS.items()}
    networked = package.replace_strict(known, default=str(AuthMethod.UNKNOWN), return_dtype=pl.String)
    return pl.when(pl.col("zz_name") == "network").then(networked).otherwise(pl.lit("password")).cast(ev.AUTH_METHOD)


def _logon(frame: pl.DataFrame) -> pl.DataFrame:
    """4624: an event by the logon type, or the reason why it is nobody's logon."""
    frame = _origin(frame)
    network = pl.col("zz_name") == "network"
    by_key = network & (pl.col("service") == "ssh").fill_null(False)
    borrowed = _type == "9"
    known = pl.coalesce(pl.lit("logon-") + pl.col("zz_name"), pl.when(borrowed).then(pl.lit("logon-new-credentials")), pl.lit("logon-type-unknown"))
    pattern = (
        pl.when(_own | (_type.is_in(_NOBODYS).fill_null(False) & ~_machine))
        .then(pl.when(_own).then(pl.lit("logon-nobody")).otherwise(pl.lit("logon-service")))
        .when(_anonymous)
        .then(pl.lit("logon-anonymous"))
        .when(_machine & (network | _type.is_in(_NOBODYS)).fill_null(True))
        .then(pl.lit("logon-machine"))
        .otherwise(known)
    )
    frame = frame.with_columns(pattern.alias("pattern"))
    name = pl.col("pattern")
    return frame.with_columns(
        pl.when(name.is_in(_ALONE))
        .then(pl.lit(None, ev.KIND))
        .when(name == "logon-anonymous")
        .then(as_kind(Kind.CONNECTION))
        .when(name == "logon-new-credentials")
        .then(as_kind(Kind.PRIVILEGE_USE))
        .otherwise(as_kind(Kind.AUTH_SUCCESS))
        .alias("kind"),
        pl.when(name != "logon-anonymous").then(pl.col("user")).alias("user"),
        pl.when(network & pl.col("service").is_null()).then(pl.lit("smb", ev.SERVICE)).otherwise(pl.col("service")).alias("service"),
        pl.when(borrowed).then(pl.col("target_user")).alias("target_user"),
        pl.when(borrowed)
        .then(pl.lit(None, ev.AUTH_METHOD))
        .when(name == "logon-anonymous")
        .then(pl.lit("none", ev.AUTH_METHOD))
        .when(by_key)
        .then(pl.lit("key", ev.AUTH_METHOD))
        .otherwise(_method())
        .alias("auth_method"),
    ).drop("zz_name")


def _failed(frame: pl.DataFrame) -> pl.DataFrame:
    """4625: a guess, a right password that was stopped, or a failure of the infrastructure."""
    frame = _origin(frame).hstack(read_status(frame["x_Status"], frame["x_SubStatus"]).rename(lambda name: f"zz_{name}"))
    service = _type.is_in(_NOBODYS).fill_null(False)
    stopped = pl.col("zz_reason").is_not_null()
    return frame.with_columns(
        pl.when(service)
        .then(pl.lit(None, ev.KIND))
        .when(stopped)
        .then(as_kind(Kind.AUTH_STOPPED))
        .otherwise(as_kind(Kind.AUTH_FAILURE))
        .alias("kind"),
        pl.when(service)
        .then(pl.lit("failure-service"))
        .when(stopped)
        .then(pl.lit("stopped-") + pl.col("zz_reason"))
        .otherwise(pl.lit("failure-") + pl.col("zz_name").fill_null("unknown"))
        .alias("pattern"),
        pl.when(_anonymous).then(pl.lit(None, pl.String)).otherwise(pl.col("user")).alias("user"),
        pl.col("zz_invalid").alias("invalid_user"),
        pl.when(pl.col("zz_guess")).then(_method()).otherwise(pl.lit("none", ev.AUTH_METHOD)).alias("auth_method"),
    ).drop("zz_name", "zz_code", "zz_reason", "zz_guess", "zz_invalid")


def _ended(frame: pl.DataFrame) -> pl.DataFrame:
    """4634, 4647: sessions whose logon made no event end without one."""
    nobodys = _own | _anonymous | _machine & _type.is_in(["3", *_NOBODYS]).fill_null(False) | _type.is_in(_NOBODYS).fill_null(False)
    return frame.with_columns(silent_where(nobodys, "logoff-nobody"))


_LOGON_EXTRA = (
    "LogonType",
    "AuthenticationPackageName",
    "LogonProcessName",
    "WorkstationName",
    "TargetUserSid",
    "ElevatedToken",
    "RestrictedAdminMode",
)

MEANINGS: tuple[Meaning, ...] = (
    Meaning(
        "logon",
        (4624,),
        Kind.AUTH_SUCCESS,
        columns={**_TARGET, **_FROM, "linked_session": "TargetLinkedLogonId", "target_user": "TargetOutboundUserName"},
        extra=_LOGON_EXTRA,
        kinds=(Kind.AUTH_SUCCESS, Kind.PRIVILEGE_USE, Kind.CONNECTION),
        refine=_logon,
    ),
    Meaning(
        "failure",
        (4625,),
        Kind.AUTH_FAILURE,
        columns={name: _TARGET[name] for name in ("user", "domain", "sid")} | _FROM,
        extra=(
            "LogonType",
            "AuthenticationPackageName",
            "LogonProcessName",
            "WorkstationName",
            "TargetUserSid",
            "Status",
            "SubStatus",
            "FailureReason",
        ),
        kinds=(Kind.AUTH_FAILURE, Kind.AUTH_STOPPED),
        refine=_failed,
    ),
    Meaning("logoff", (4634, 4647), Kind.SESSION_END, columns=_TARGET, reads=("LogonType",), refine=_ended),
    *windows_session.MEANINGS,
    Meaning("logon-groups", (4627,), why="the groups of a logon that 4624 tells of"),
)

SOURCE = WindowsSource(
    name="windows-logon",
    title="Windows Security log: logons, logoffs, sessions",
    channels=("Security",),
    meanings=MEANINGS,
    references=("https://learn.microsoft.com/windows/security/threat-protection/auditing/basic-audit-logon-events",),
)
