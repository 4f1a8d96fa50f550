"""Audit messages of user space (PAM, sshd, sudo, shadow, systemd): one record, one fact, decoded in columns.

A table of :class:`Rule` says what a message means; the first rule that fits wins. The traps it knows:

- sshd's ``USER_LOGIN`` failure stands for every failed method, ``none`` and refused keys included; its method is ``unknown``.
- ``USER_AUTH`` success is one step of PAM or sshd, not an entry (a second factor or the account check may follow), so it only lends its
  method to the ``USER_LOGIN`` success of the same process; ``USER_LOGIN`` decides, or without it ``USER_START``.
- ``acct`` may be hex, ``(unknown user)`` or ``(invalid user)``; a successful ``USER_LOGIN`` has only ``id=<uid>``. Its user is then the
  enriched name, else the account that the same process named in this batch.
- cron, sudo and systemd open PAM sessions too; those are no logins.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from gatewatch.schema import events as ev
from gatewatch.schema.addresses import canonical_address, is_placeholder
from gatewatch.schema.events import AuthMethod, Kind, Service
from gatewatch.schema.secret import mask
from gatewatch.schema.users import split_user
from gatewatch.sources import audit_field as af

_SERVICES: dict[str, Service] = {
    **dict.fromkeys(("sshd", "sshd-session", "sshd-auth", "dropbear"), Service.SSH),
    **dict.fromkeys(("vsftpd", "proftpd", "pure-ftpd"), Service.FTP),
    **dict.fromkeys(("xrdp-sesman", "xrdp"), Service.RDP),
    **dict.fromkeys(("openvpn", "charon", "ocserv"), Service.VPN),
    **dict.fromkeys(("in.telnetd", "telnetd"), Service.TELNET),
    **dict.fromkeys(("smbd",), Service.SMB),
    **dict.fromkeys(("cockpit-session",), Service.WEB),
}
_HELPERS = (
    "cron",
    "crond",
    "atd",
    "sudo",
    "sudo-rs",
    "runuser",
    "systemd",
    "systemd-executor",
    "pkexec",
    "polkit-agent-helper-1",
    "useradd",
)
_METHODS: dict[str, AuthMethod] = {
    "password": AuthMethod.PASSWORD,
    **dict.fromkeys(("pubkey", "pubkey_auth", "publickey", "key"), AuthMethod.KEY),
    **dict.fromkeys(("hostbased", "hostbased_auth"), AuthMethod.HOSTBASED),
    **dict.fromkeys(("gssapi", "gssapi-with-mic"), AuthMethod.GSSAPI),
    **dict.fromkeys(("keyboard-interactive", "challenge-response"), AuthMethod.KEYBOARD),
}
_ACCOUNT = re.compile(r"[A-Za-z0-9_.@\\+-]{1,64}\$?")
_FAILED = pl.col("res").is_in(["failed", "0", "no", "Failure", "Authentication", "User"])
_SSH = pl.col("service") == str(Service.SSH)
_HELPER = pl.col("program_of").is_in(_HELPERS)
_BY_USER = pl.col("ses").is_not_null()
_ANY = pl.lit(value=True)


def _op(pattern: str) -> pl.Expr:
    return pl.col("op").str.contains(pattern).fill_null(value=False)


@dataclass(frozen=True, slots=True)
class Rule:
    """What messages of *types* mean when *when* holds: an event of *kind*, or (without one) nothing, for the reason ``name``."""

    name: str
    types: tuple[str, ...]
    when: pl.Expr = _ANY
    kind: Kind | None = None


_ACCOUNTS = (
    "ADD_USER",
    "DEL_USER",
    "ADD_GROUP",
    "DEL_GROUP",
    "USER_MGMT",
    "USER_CHAUTHTOK",
    "GRP_MGMT",
    "GRP_CHAUTHTOK",
    "ACCT_LOCK",
    "ACCT_UNLOCK",
)
RULES: tuple[Rule, ...] = (
    Rule("user-login-failed", ("USER_LOGIN",), _FAILED, Kind.AUTH_FAILURE),
    Rule("user-login", ("USER_LOGIN",), _ANY, Kind.AUTH_SUCCESS),
    Rule("user-auth-failed", ("USER_AUTH",), _FAILED, Kind.AUTH_FAILURE),
    Rule("user-acct-denied", ("USER_ACCT",), _FAILED & ~_HELPER, Kind.AUTH_STOPPED),
    Rule("pam-step", ("USER_AUTH", "USER_ACCT", "CRED_ACQ", "CRED_REFR", "CRED_DISP", "USER_ERR")),
    Rule("su", ("USER_START",), (pl.col("program_of") == "su") & ~_FAILED, Kind.PRIVILEGE_USE),
    Rule("session-of-helper", ("USER_START", "USER_END"), _HELPER | (pl.col("program_of") == "su")),
    Rule("session-refused", ("USER_START",), _FAILED),
    Rule("session-open", ("USER_START",), ~_op("^login$"), Kind.SESSION_START),
    Rule("session-close", ("USER_END",), ~_op("^login$"), Kind.SESSION_END),
    Rule("login-step", ("USER_START", "USER_END")),
    Rule("user-logout", ("USER_LOGOUT",), _ANY, Kind.SESSION_END),
    Rule("sudo-refused", ("USER_CMD",), _FAILED, Kind.PRIVILEGE_DENIED),
    Rule("sudo", ("USER_CMD",), _ANY, Kind.PRIVILEGE_USE),
    Rule("account-change-failed", _ACCOUNTS, _FAILED),
    Rule("account-files", _ACCOUNTS, _op("home[ -]dir|mail|shadow[ -]group|in faillog|lastlog")),
    Rule("user-created", ("ADD_USER",), _op("add") & ~_op("group"), Kind.ACCOUNT_CHANGE),
    Rule("user-deleted", ("DEL_USER",), ~_op("group"), Kind.ACCOUNT_CHANGE),
    Rule("group-created", ("ADD_GROUP",), _ANY, Kind.ACCOUNT_CHANGE),
    Rule("group-deleted", ("DEL_GROUP",), _ANY, Kind.ACCOUNT_CHANGE),
    Rule("group-member-removed", _ACCOUNTS, _op("^(?:delet|remov).*(?:group|member)"), Kind.ACCOUNT_CHANGE),
    Rule("group-member-added", _ACCOUNTS, _op("add.*(?:group|member)"), Kind.ACCOUNT_CHANGE),
    Rule("password-changed", ("USER_CHAUTHTOK",), _op("chauthtok|passw"), Kind.ACCOUNT_CHANGE),
    Rule("user-changed", _ACCOUNTS, _ANY, Kind.ACCOUNT_CHANGE),
    Rule("service-start-failed", ("SERVICE_START",), _FAILED),
    Rule("service-start", ("SERVICE_START",), _ANY, Kind.SERVICE_START),
    Rule("boot", ("SYSTEM_BOOT",), _ANY, Kind.BOOT),
    Rule("audit-rules-refused", ("CONFIG_CHANGE",), _FAILED),
    Rule("audit-rules-at-boot", ("CONFIG_CHANGE",), ~_BY_USER & ~_op("remove_rule") & ~pl.col("message").str.contains("audit_enabled=0")),
    Rule("audit-rules-changed", ("CONFIG_CHANGE",), _ANY, Kind.CONFIG_CHANGE),
    Rule("audit-daemon-end", ("DAEMON_END", "DAEMON_ABORT"), _BY_USER, Kind.CONFIG_CHANGE),
)
TYPES = frozenset(name for rule in RULES for name in rule.types)
"""The message types that :data:`RULES` decide, completely or in part."""


def decode(table: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return ``(events, ignored)`` of messages whose ``type`` is in :data:`TYPES`: event rows (narrow), and ``record, why`` of the others.

    *table*: records after :func:`gatewatch.sources.audit_field.header`.
    """
    wide = _extract(table)
    pattern = pl.lit(None, pl.String)
    kind = pl.lit(None, pl.String)
    for rule in reversed(RULES):
        fits = pl.col("type").is_in(rule.types) & rule.when.fill_null(value=False)
        pattern = pl.when(fits).then(pl.lit(rule.name)).otherwise(pattern)
        kind = pl.when(fits).then(pl.lit(str(rule.kind) if rule.kind else None, pl.String)).otherwise(kind)
    wide = wide.with_columns(pattern.alias("pattern"), kind.alias("kind"))
    ignored = wide.filter(pl.col("kind").is_null()).select("record", pl.coalesce("pattern", "type").alias("why"))
    methods = _steps(wide)
    names = _names(wide)
    return _shape(wide.filter(pl.col("kind").is_not_null()), methods, names), ignored


def _extract(table: pl.DataFrame) -> pl.DataFrame:
    wide = table.with_columns(
        af.plain("pid").alias("apid"),
        af.plain("auid").alias("auid"),
        af.plain("uid").alias("uid"),
        af.audit_session().alias("ses"),
        pl.coalesce(af.plain("op"), pl.col("message").str.extract(r"msg='(PAM: ?[a-z_ ]+?) acct=")).alias("op"),
        af.result().alias("res"),
        af.value("acct").alias("acct"),
        af.value("exe").alias("exe"),
        af.plain("hostname").alias("hostname"),
        af.plain("addr").alias("addr"),
        af.plain("terminal").alias("terminal"),
        af.enriched("AUID").alias("auid_name"),
        af.enriched("ID").alias("id_name"),
        af.value("id").alias("id"),
        pl.coalesce(af.plain("unit"), af.plain("grp"), af.plain("new_group"), af.plain("path"), af.plain("key")).alias("thing"),
        af.value("cmd").alias("cmd"),
    )
    wide = wide.with_columns(
        af.decode(wide["acct"]).alias("acct"),
        af.decode(wide["exe"]).alias("exe"),
        af.decode(wide["cmd"]).alias("cmd"),
        pl.col("op").str.replace_all('"', "").alias("op"),
    )
    program = pl.col("exe").str.extract(r"([^/]+)$").str.replace(r" \(deleted\)$", "")
    wide = wide.with_columns(program.alias("program_of"))
    service = pl.col("program_of").replace_strict(
        list(_SERVICES), [str(name) for name in _SERVICES.values()], default=str(Service.LOCAL), return_dtype=pl.String
    )
    return wide.with_columns(
        pl.when(pl.col("terminal").is_in(["ssh", "sshd"])).then(pl.lit(str(Service.SSH))).otherwise(service).alias("service")
    )


def _steps(wide: pl.DataFrame) -> pl.DataFrame:
    """Return ``host, apid, step_method``: how the processes of this batch that end in a login proved the user.

    A key beside a PAM step counts as the key: then a guess alone does not let anybody in.
    """
    steps = wide.filter((pl.col("type") == "USER_AUTH") & ~_FAILED & _SSH & pl.col("apid").is_not_null())
    key = _op("^(?:pubkey|publickey|key)")
    pam = _op("^(?:password|PAM:)")
    grouped = steps.group_by("host", "apid").agg(key.any().alias("key"), pam.any().alias("pam"), _op("^gssapi").any().alias("gssapi"))
    method = (
        pl.when("key")
        .then(pl.lit(str(AuthMethod.KEY)))
        .when("gssapi")
        .then(pl.lit(str(AuthMethod.GSSAPI)))
        .when("pam")
        .then(pl.lit(str(AuthMethod.PASSWORD)))
    )
    return grouped.select("host", "apid", method.alias("step_method"))


def _names(wide: pl.DataFrame) -> pl.DataFrame:
    """Return ``host, apid, step_user``: the account that a process of this batch named when its PAM session or credentials opened."""
    named = wide.filter(
        pl.col("type").is_in(["USER_START", "CRED_ACQ", "USER_ACCT"])
        & ~_FAILED
        & pl.col("acct").is_not_null()
        & pl.col("apid").is_not_null()
    )
    return named.sort("record").group_by("host", "apid").agg(pl.col("acct").first().alias("step_user"))


def _shape(wide: pl.DataFrame, methods: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    joined = wide.join(methods, on=["host", "apid"], how="left", nulls_equal=True)
    joined = joined.join(names, on=["host", "apid"], how="left", nulls_equal=True).sort("record")
    failed = pl.col("kind") == str(Kind.AUTH_FAILURE)
    login = pl.col("kind").is_in(
        [str(k) for k in (Kind.AUTH_FAILURE, Kind.AUTH_SUCCESS, Kind.AUTH_STOPPED, Kind.SESSION_START, Kind.SESSION_END)]
    )
    account = pl.col("kind") == str(Kind.ACCOUNT_CHANGE)
    su = pl.col("pattern") == "su"
    stranger = pl.col("acct").str.contains(r"^\((?:unknown|invalid) user\)$").fill_null(value=False)
    odd = af.mapped(joined["acct"], lambda name: None if _ACCOUNT.fullmatch(name) else "yes")
    redacted = failed & ~stranger & (odd == "yes").fill_null(value=False)
    named = pl.coalesce("acct", pl.when(~failed).then(pl.coalesce("id_name", "step_user", "auid_name")))
    actor = pl.when(login).then(pl.when(~redacted).then(named)).otherwise(pl.col("auid_name"))
    group = pl.col("type").is_in(["ADD_GROUP", "DEL_GROUP"])  # their acct is the group
    target = pl.when((account | su) & ~group).then(pl.coalesce("acct", pl.when(account).then("id_name")))
    process_session = pl.lit("pid:") + pl.col("apid")
    own_method = af.mapped(joined["op"], lambda op: str(_METHODS.get(op, AuthMethod.UNKNOWN)))
    authenticates = pl.col("kind").is_in([str(Kind.AUTH_FAILURE), str(Kind.AUTH_SUCCESS), str(Kind.AUTH_STOPPED)])
    method = (
        pl.when(failed)
        .then(own_method.fill_null(str(AuthMethod.UNKNOWN)))
        .when(authenticates)
        .then(pl.col("step_method").fill_null(str(AuthMethod.UNKNOWN)))
        .when(pl.col("kind") == str(Kind.SESSION_START))
        .then(pl.col("step_method"))
    )
    staged = joined.with_columns(
        actor.alias("zz_user"),
        target.alias("zz_target"),
        method.alias("zz_method"),
        redacted.alias("user_redacted"),
        pl.when(login).then(pl.when(stranger).then(True)).alias("invalid_user"),
        pl.when(login).then(process_session).otherwise(pl.col("ses")).alias("session"),
        pl.when(login).then(pl.col("ses")).alias("linked_session"),
        pl.when(login | su | (pl.col("type") == "USER_CMD")).then(pl.col("service")).alias("service"),
    )
    address = af.mapped(joined["addr"], canonical_address)
    from_name = af.mapped(joined["hostname"], canonical_address)
    name = af.mapped(joined["hostname"], lambda raw: None if canonical_address(raw) or is_placeholder(raw) else raw.casefold())
    whole = af.mapped(joined["cmd"], mask)
    extra = pl.struct(
        "auid", "uid", "op", "terminal", "id", pl.when("user_redacted").then(True).alias("user_redacted")
    ).struct.json_encode()
    return staged.select(
        *("record", "offset", "time", "time_err", "time_basis", "received", "host", "count"),
        pl.col("kind").cast(ev.KIND),
        pl.col("service").cast(ev.SERVICE),
        pl.col("host").alias("observer"),
        af.mapped(staged["zz_user"], lambda raw: split_user(raw)[0]).alias("user"),
        af.mapped(staged["zz_user"], lambda raw: split_user(raw)[1]).alias("user_domain"),
        af.mapped(staged["zz_target"], lambda raw: split_user(raw)[0]).alias("target_user"),
        pl.coalesce(address, from_name).alias("src_ip"),
        pl.when(pl.col("service") != str(Service.LOCAL)).then(name).alias("src_host"),  # su and its like name their own machine
        "session",
        "linked_session",
        pl.col("zz_method").cast(ev.AUTH_METHOD).alias("auth_method"),
        "invalid_user",
        pl.col("exe").alias("process"),
        pl.when(pl.col("type") == "USER_CMD").then(whole).alias("command"),
        pl.when(~login).then(pl.coalesce("thing", pl.when(pl.col("type").is_in(["ADD_GROUP", "DEL_GROUP"])).then("acct"))).alias("object"),
        pl.lit("auditd").alias("source"),
        "pattern",
        extra.alias("extra"),
    )
