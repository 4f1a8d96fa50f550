r"""Windows credential checks, mostly on domain controllers: Kerberos (Security 4768, 4769, 4771) and NTLM (4776).

::

    4771 TargetUserName=ann Status=0x18 PreAuthType=2 IpAddress=::ffff:10.0.0.12 IpPort=49812
    4776 TargetUserName=ann Workstation=\\WS01 Status=0xc000006a

A ticket-granting ticket (4768) proves a password, or a certificate with pre-authentication 15 to 17; without pre-authentication (0) it proves
nothing. Computers fetch theirs all day: connections. 0x18 is a wrong password, 0x6 an unknown user, 0x12 an account locked, disabled or
expired; with other codes nobody guessed. The address is IPv4-mapped, and the loopback where the controller itself asks: no source.
4776 has no address, and its workstation is what the client says.

References: learn.microsoft.com, "Advanced security auditing", events 4768, 4769, 4771, 4776; RFC 4120 7.5.9.
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema import events as ev
from gatewatch.schema.events import Kind
from gatewatch.sources.resolver import map_values
from gatewatch.sources.windows import Meaning, WindowsSource, as_kind, datum, foreign
from gatewatch.sources.windows_code import LOOPBACK, read_status, status_code

_CLIENT = {"user": "TargetUserName", "domain": "TargetDomainName", "sid": "TargetSid", "rhost": "IpAddress", "src_port": "IpPort"}
_REASONS = {"0x6": "kerberos-unknown-user", "0x12": "kerberos-revoked", "0x18": "kerberos-bad-password"}
_METHODS = {"0": "none", "15": "certificate", "16": "certificate", "17": "certificate"}

_machine = pl.col("user").str.ends_with("$").fill_null(False)


def _from_client(frame: pl.DataFrame) -> pl.DataFrame:
    away = ~pl.col("src_ip").str.contains(LOOPBACK).fill_null(True)
    return frame.with_columns(pl.when(away).then(pl.col(name)).alias(name) for name in ("src_ip", "src_port"))


def _ticket(frame: pl.DataFrame) -> pl.DataFrame:
    """4768, 4771: a ticket granted or refused by its status code."""
    frame = _from_client(frame).with_columns(pl.lit(map_values(frame["x_Status"], status_code)).alias("zz_code"))
    granted = (pl.col("zz_code") == "0x0").fill_null(False)
    reason = pl.col("zz_code").replace_strict(_REASONS, default=None, return_dtype=pl.String)
    proof = datum("PreAuthType").str.strip_chars().replace_strict(_METHODS, default="password", return_dtype=pl.String)
    return frame.with_columns(
        pl.when(granted & _machine)
        .then(as_kind(Kind.CONNECTION))
        .when(granted)
        .then(as_kind(Kind.AUTH_SUCCESS))
        .otherwise(as_kind(Kind.AUTH_FAILURE))
        .alias("kind"),
        pl.when(granted).then(pl.lit("kerberos-tgt")).otherwise(reason.fill_null("kerberos-failure")).alias("pattern"),
        pl.when(granted)
        .then(proof)
        .when(reason.is_not_null())
        .then(pl.lit("password"))
        .otherwise(pl.lit("none"))
        .cast(ev.AUTH_METHOD)
        .alias("auth_method"),
        pl.col("zz_code").replace_strict({"0x6": True, "0x18": False}, default=None, return_dtype=pl.Boolean).alias("invalid_user"),
    ).drop("zz_code")


def _validated(frame: pl.DataFrame) -> pl.DataFrame:
    """4776: an NTLM password found right, wrong, or right and stopped."""
    frame = ev.ensure(frame, "src_host").hstack(read_status(frame["x_Status"]).rename(lambda name: f"zz_{name}"))
    right = (pl.col("zz_code") == "0x0").fill_null(False)
    stopped = pl.col("zz_reason").is_not_null()
    return frame.with_columns(
        foreign("src_host"),
        pl.when(right)
        .then(as_kind(Kind.CONNECTION))
        .when(stopped)
        .then(as_kind(Kind.AUTH_STOPPED))
        .otherwise(as_kind(Kind.AUTH_FAILURE))
        .alias("kind"),
        pl.when(right)
        .then(pl.lit("ntlm-validated"))
        .when(stopped)
        .then(pl.lit("stopped-") + pl.col("zz_reason"))
        .otherwise(pl.lit("ntlm-failure"))
        .alias("pattern"),
        pl.when("zz_guess").then(pl.lit("password")).otherwise(pl.lit("none")).cast(ev.AUTH_METHOD).alias("auth_method"),
        pl.col("zz_invalid").alias("invalid_user"),
    ).drop("zz_code", "zz_reason", "zz_guess", "zz_invalid")


MEANINGS: tuple[Meaning, ...] = (
    Meaning(
        "kerberos-tgt",
        (4768,),
        Kind.AUTH_SUCCESS,
        columns=_CLIENT,
        set={"service": "kerberos"},
        extra=("Status", "PreAuthType", "TicketEncryptionType"),
        kinds=(Kind.AUTH_SUCCESS, Kind.AUTH_FAILURE, Kind.CONNECTION),
        refine=_ticket,
    ),
    Meaning(
        "kerberos-failure",
        (4771,),
        Kind.AUTH_FAILURE,
        columns={name: value for name, value in _CLIENT.items() if name != "domain"},
        set={"service": "kerberos"},
        extra=("Status", "PreAuthType"),
        refine=_ticket,
    ),
    Meaning(
        "kerberos-service-ticket",
        (4769,),
        Kind.CONNECTION,
        columns={"user": "TargetUserName", "domain": "TargetDomainName", "rhost": "IpAddress", "src_port": "IpPort", "object": "ServiceName"},
        set={"service": "kerberos"},
        extra=("Status", "TicketEncryptionType"),
        refine=_from_client,
    ),
    Meaning(
        "ntlm-failure",
        (4776,),
        Kind.AUTH_FAILURE,
        columns={"user": "TargetUserName", "src_host": "Workstation"},
        extra=("Status", "Workstation"),
        kinds=(Kind.AUTH_FAILURE, Kind.AUTH_STOPPED, Kind.CONNECTION),
        refine=_validated,
    ),
)

SOURCE = WindowsSource(
    name="windows-kerberos",
    title="Windows Security log: Kerberos tickets and NTLM checks",
    channels=("Security",),
    meanings=MEANINGS,
    references=("https://learn.microsoft.com/windows/security/threat-protection/auditing/audit-kerberos-authentication-service",),
)
