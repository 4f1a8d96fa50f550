r"""What happens in Windows sessions: other credentials (Security 4648), privileges (4672), RDP reconnected, left and denied (4778, 4779, 4825).

::

    4648 SubjectUserName=ann SubjectLogonId=0x9a1f3 TargetUserName=svc_sql TargetServerName=db01.corp.example TargetInfo=TERMSRV/db01.corp.example

4648 stands on the host that a logon starts from. Towards another host it is ``logon_out``; its IpAddress is then often the *target's* (port 445),
so it is no source. On the own host somebody uses another account (``privilege_use``), unless it is the system logging a user on, which 4624
tells. A reconnected session keeps its old logon id (4778).

References: learn.microsoft.com, "Advanced security auditing", events 4648, 4672, 4778, 4779, 4825.
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema import events as ev
from gatewatch.schema.addresses import canonical_address
from gatewatch.schema.events import Kind, Service
from gatewatch.sources.resolver import as_name, map_values
from gatewatch.sources.windows import Meaning, as_kind, datum, foreign, silent_where
from gatewatch.sources.windows_code import LOOPBACK, OWN_ACCOUNT

_SHARE_PORTS = (139, 445)
_PRINCIPALS = {"termsrv": Service.RDP, "cifs": Service.SMB, "wsman": Service.WINRM}
_SUBJECT = {"user": "SubjectUserName", "domain": "SubjectDomainName", "sid": "SubjectUserSid", "session": "SubjectLogonId"}
_CLIENT = {"user": "AccountName", "domain": "AccountDomain", "session": "LogonID", "rhost": "ClientAddress"}

_by_system = datum("SubjectUserSid").str.contains(OWN_ACCOUNT).fill_null(False) | datum("SubjectUserName").str.ends_with("$").fill_null(False)
_local_source = pl.col("src_ip").is_null() | pl.col("src_ip").str.contains(LOOPBACK).fill_null(False)


def _explicit(frame: pl.DataFrame) -> pl.DataFrame:
    """4648: a logon towards another host, or another account's password used on this one."""
    frame = ev.ensure(frame, "dst_host", "dst_ip", "src_host")
    named = frame["dst_host"].str.split("/").list.last()  # some programs ask by principal: TERMSRV/ws02
    frame = frame.with_columns(
        pl.lit(map_values(named, as_name)).alias("dst_host"), pl.coalesce("dst_ip", pl.lit(map_values(named, canonical_address))).alias("dst_ip")
    )
    asked = datum("TargetInfo").str.to_lowercase().str.extract(r"^([a-z]+)/", 1).replace_strict(_PRINCIPALS, default=None, return_dtype=pl.String)
    target = pl.coalesce(foreign("dst_host"), pl.col("dst_ip").cast(pl.String))
    outward = target.is_not_null() & ~target.is_in(["localhost", "localhost.localdomain"]) & ~target.str.contains(LOOPBACK)
    frame = frame.with_columns(outward.fill_null(False).alias("zz_out"))
    own = ~pl.col("zz_out") & _by_system
    at_target = pl.col("zz_out") & pl.col("src_port").is_in(_SHARE_PORTS).fill_null(False)
    source = ~pl.col("zz_out") & ~_local_source
    return frame.with_columns(
        pl.when(own).then(pl.lit(None, ev.KIND)).when("zz_out").then(pl.col("kind")).otherwise(as_kind(Kind.PRIVILEGE_USE)).alias("kind"),
        pl.when(own)
        .then(pl.lit("explicit-credentials-system"))
        .when("zz_out")
        .then(pl.col("pattern"))
        .otherwise(pl.lit("explicit-credentials-local"))
        .alias("pattern"),
        pl.when("zz_out").then(asked).cast(ev.SERVICE).alias("service"),
        pl.when("zz_out").then(pl.col("dst_host")).alias("dst_host"),
        pl.when("zz_out").then(pl.coalesce("dst_ip", pl.when(at_target & ~_local_source).then(pl.col("src_ip")))).alias("dst_ip"),
        pl.when(at_target).then(pl.col("src_port")).alias("dst_port"),
        *(pl.when(source).then(pl.col(name)).alias(name) for name in ("src_ip", "src_port", "src_host")),
    ).drop("zz_out")


def _privileged(frame: pl.DataFrame) -> pl.DataFrame:
    """4672: privileges of a person's session."""
    return frame.with_columns(silent_where(_by_system, "special-privileges-system"))


def _window(frame: pl.DataFrame) -> pl.DataFrame:
    """4778, 4779: the console's window station is nobody's remote session."""
    console = (datum("ClientAddress").str.to_uppercase() == "LOCAL") | (datum("SessionName").str.to_lowercase() == "console")
    return ev.ensure(frame, "src_host").with_columns(foreign("src_host"), *silent_where(console, "console-session"))


MEANINGS: tuple[Meaning, ...] = (
    Meaning(
        "explicit-credentials",
        (4648,),
        Kind.LOGON_OUT,
        columns={
            **_SUBJECT,
            "target_user": "TargetUserName",
            "dhost": "TargetServerName",
            "rhost": "IpAddress",
            "src_port": "IpPort",
            "process": "ProcessName",
        },
        extra=("TargetInfo", "ProcessName", "IpAddress"),
        kinds=(Kind.LOGON_OUT, Kind.PRIVILEGE_USE),
        refine=_explicit,
    ),
    Meaning("special-privileges", (4672,), Kind.PRIVILEGE_USE, columns=_SUBJECT, refine=_privileged),
    Meaning(
        "rdp-reconnected",
        (4778,),
        Kind.AUTH_SUCCESS,
        columns={**_CLIENT, "src_host": "ClientName"},
        set={"service": "rdp", "auth_method": "password"},
        extra=("SessionName",),
        refine=_window,
    ),
    Meaning(
        "rdp-disconnected",
        (4779,),
        Kind.SESSION_END,
        columns={**_CLIENT, "src_host": "ClientName"},
        set={"service": "rdp"},
        extra=("SessionName",),
        refine=_window,
    ),
    Meaning("rdp-denied", (4825,), Kind.AUTH_STOPPED, columns=_CLIENT, set={"service": "rdp", "auth_method": "password"}),
)
