r"""Windows Network Policy Server, the RADIUS server behind VPNs: Security 6272, 6273, 6274 and 6278.

::

    6273 SubjectUserName=CORP\ann CallingStationID=203.0.113.9 NASPortType=Virtual ClientName=vpn01 AuthenticationType=MS-CHAPv2 ReasonCode=16

Ports of type Virtual or Async, and requests that name none, are dial-in: service ``vpn``. Wireless and Ethernet are 802.1X inside the house
and ignored. The calling station is the client's public address (a MAC address with Wi-Fi); ClientIPAddress is the VPN server's. Reason 16 is a wrong
password, 8 an unknown user, 34 to 36 an account disabled, expired or locked. That 48, 65 and 66 (no policy fits, dial-in denied, method not
allowed) come after a right password is documentation read closely, not tested; with other reasons, and with what is discarded (6274),
nobody guessed.

6278 stands beside 6272 where health policies are in force: of one request, 6272 is the logon (:mod:`gatewatch.canonical.nps_grant`).

References: learn.microsoft.com, "Audit Network Policy Server", events 6272, 6273, 6274, 6278; "NPS reason codes".
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema import events as ev
from gatewatch.schema.events import Kind
from gatewatch.sources.windows import Meaning, WindowsSource, as_kind, datum, silent_where

_COLUMNS = {"user": "SubjectUserName", "domain": "SubjectDomainName", "sid": "SubjectUserSid", "rhost": "CallingStationID"}
_EXTRA = ("ClientName", "ClientIPAddress", "NASIPv4Address", "NASIdentifier", "NASPortType", "CallingStationID", "AuthenticationType", "EAPType")
_INSIDE = r"(?i)wireless|ethernet|802\.(?:3|11)|^(?:15|18|19)$"
_PASSWORDS = r"(?i)^(?:PAP|SPAP|CHAP|MS-?CHAP)"
STOPPED = {"48": "policy", "65": "dial-in-denied", "66": "method-not-allowed"}
GUESSES = ("7", "8", "16", "34", "35", "36")

_reason = datum("ReasonCode").str.strip_chars()


def _outside(frame: pl.DataFrame) -> pl.DataFrame:
    """Keep what may come from outside, from an address that is one."""
    inside = datum("NASPortType").str.strip_chars().str.contains(_INSIDE)
    frame = frame.with_columns(pl.lit(None, pl.String).alias("src_host"))  # a MAC address or a telephone number
    return frame.with_columns(silent_where(inside, "802.1x-inside"))


def _granted(frame: pl.DataFrame) -> pl.DataFrame:
    by_password = datum("AuthenticationType").str.contains(_PASSWORDS) | datum("EAPType").str.contains(r"(?i)mschap|ms-chap|password")
    by_certificate = datum("EAPType").str.contains(r"(?i)certificate|smart ?card|\bTLS\b")
    method = pl.when(by_certificate).then(pl.lit("certificate")).when(by_password).then(pl.lit("password")).otherwise(pl.lit("unknown"))
    return _outside(frame.with_columns(method.cast(ev.AUTH_METHOD).alias("auth_method")))


def _refused(frame: pl.DataFrame) -> pl.DataFrame:
    stopped = _reason.replace_strict(STOPPED, default=None, return_dtype=pl.String)
    tried = stopped.is_not_null() | _reason.is_in(GUESSES).fill_null(False)
    return _outside(
        frame.with_columns(
            pl.when(stopped.is_not_null()).then(as_kind(Kind.AUTH_STOPPED)).otherwise(pl.col("kind")).alias("kind"),
            pl.coalesce(pl.lit("nps-stopped-") + stopped, "pattern").alias("pattern"),
            pl.when(tried).then(pl.lit("password")).otherwise(pl.lit("none")).cast(ev.AUTH_METHOD).alias("auth_method"),
            _reason.replace_strict({"8": True, "16": False}, default=None, return_dtype=pl.Boolean).alias("invalid_user"),
        )
    )


MEANINGS: tuple[Meaning, ...] = (
    Meaning("nps-granted", (6272,), Kind.AUTH_SUCCESS, columns=_COLUMNS, set={"service": "vpn"}, extra=_EXTRA, refine=_granted),
    Meaning("nps-granted-fully", (6278,), Kind.AUTH_SUCCESS, columns=_COLUMNS, set={"service": "vpn"}, extra=_EXTRA, refine=_granted),
    Meaning(
        "nps-denied",
        (6273,),
        Kind.AUTH_FAILURE,
        columns=_COLUMNS,
        set={"service": "vpn"},
        extra=(*_EXTRA, "ReasonCode"),
        kinds=(Kind.AUTH_FAILURE, Kind.AUTH_STOPPED),
        refine=_refused,
    ),
    Meaning("nps-discarded", (6274,), Kind.AUTH_FAILURE, columns=_COLUMNS, set={"service": "vpn"}, extra=(*_EXTRA, "ReasonCode"), refine=_refused),
)

SOURCE = WindowsSource(
    name="windows-nps",
    title="Windows Security log: Network Policy Server (RADIUS)",
    channels=("Security",),
    meanings=MEANINGS,
    references=("https://learn.microsoft.com/windows/security/threat-protection/auditing/audit-network-policy-server",),
)
