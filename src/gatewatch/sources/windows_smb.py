r"""SMB as server and client: sessions that failed, shares that were denied.

``{"EventID": 551, "UserData": {"EventData": {"ClientName": "\\\\192.0.2.7", "ClientAddress": "0200F4D5C0000207…", "Status": "0xC000006D"}}}``

===============  ========================================================================================================
record           becomes
===============  ========================================================================================================
SMBServer 551    ``auth_failure``, or ``auth_stopped`` by its status as with 4625. The user is often empty; the 4625 beside it has it
SMBServer 1006   ``privilege_denied``: a share its user may not open
SMBServer 1009   ``connection_denied``: anonymous
SMBServer 3000   ``connection``: a client that still speaks SMB 1 (audit)
SMBClient 31001  ``logon_out``: a session towards another host failed; ``target_user`` is the account that was tried
===============  ========================================================================================================

``ClientAddress`` is a socket address in hexadecimal (with or without dashes), in rendered text ``192.0.2.7:50022``. ``ClientName`` is mostly the
address again, after two backslashes.

References: the providers' manifests (EVTX-ETW-Resources); EvtxECmd maps; MS-ERREF. 1006, 1009 and 3000 are known from manifest and forums only.
"""

from __future__ import annotations

import ipaddress

import polars as pl

from gatewatch.schema import events as ev
from gatewatch.schema.events import AuthMethod, Kind, Service
from gatewatch.sources.resolver import map_values
from gatewatch.sources.windows import Meaning, WindowsSource, datum
from gatewatch.sources.windows_code import NO_GUESS, NO_SUCH_USER, STOPPED, status_code
from gatewatch.sources.windows_excerpt import blank, port, silenced, with_source, with_target

_DENIED = "0xc0000022"  # refused by policy (signing, target name, guest); no password was judged
_CLIENT = ("ClientAddress", "ClientName")
_INET, _INET6 = 2, 23  # AF_INET and AF_INET6 of Windows


def socket_address(text: str) -> str | None:
    """Return the endpoint that a socket address in hexadecimal means; other text as it is.

    >>> socket_address("02-00-F4-D5-C0-00-02-07-00-00"), socket_address("192.0.2.7:50022"), socket_address("0000")
    ('192.0.2.7:62677', '192.0.2.7:50022', None)
    """
    try:
        raw = bytes.fromhex(text.replace("-", "").replace(" ", ""))
    except ValueError:
        return text
    family = int.from_bytes(raw[:2], "little")
    number = int.from_bytes(raw[2:4], "big")
    if family == _INET and len(raw) >= 8:
        return f"{ipaddress.IPv4Address(raw[4:8])}:{number}"
    if family == _INET6 and len(raw) >= 24:
        return f"[{ipaddress.IPv6Address(raw[8:24])}]:{number}"
    return None


def _from_client(frame: pl.DataFrame) -> pl.DataFrame:
    """Source address and port from the socket address, else from the name."""
    endpoint = pl.lit(map_values(frame["x_ClientAddress"], socket_address))
    name = datum("ClientName").str.strip_chars_start("\\")
    known = pl.when(~endpoint.is_in(["", "-"])).then(endpoint)
    return with_source(frame, pl.coalesce(known, name)).with_columns(port(known).alias("src_port"))


def _failure(frame: pl.DataFrame) -> pl.DataFrame:
    frame = _from_client(frame).with_columns(pl.lit(map_values(frame["x_Status"], status_code)).alias("x_code"))
    code = pl.col("x_code")
    stopped = code.is_in(list(STOPPED)).fill_null(False)
    reason = code.replace_strict(STOPPED, default="", return_dtype=pl.String)
    method = pl.when(code.is_in([*NO_GUESS, _DENIED]).fill_null(False)).then(pl.lit(str(AuthMethod.NONE)))
    return frame.with_columns(
        pl.when(stopped).then(pl.lit(str(Kind.AUTH_STOPPED), ev.KIND)).otherwise(pl.col("kind")).alias("kind"),
        pl.when(stopped).then(pl.lit("smb-stopped-") + reason).otherwise(pl.col("pattern")).alias("pattern"),
        method.otherwise(pl.lit(str(AuthMethod.PASSWORD))).cast(ev.AUTH_METHOD).alias("auth_method"),
        pl.when(code == NO_SUCH_USER).then(pl.lit(True)).alias("invalid_user"),
    )


def _outbound(frame: pl.DataFrame) -> pl.DataFrame:
    frame = with_target(frame, datum("ServerName").str.strip_chars_start("\\"))
    return silenced(frame, (blank("ServerName"), "no-target"))


SOURCE = WindowsSource(
    name="windows-smb",
    title="Windows SMB server and client",
    channels=(
        "Microsoft-Windows-SMBServer/Security",
        "Microsoft-Windows-SMBServer/Operational",
        "Microsoft-Windows-SMBServer/Audit",
        "Microsoft-Windows-SmbClient/Security",
    ),
    meanings=(
        Meaning(
            "smb-failure",
            (551,),
            Kind.AUTH_FAILURE,
            columns={"user": "UserName"},
            extra=("Status",),
            text={
                "UserName": r"User Name:[ \t]*([^\r\n]*)",
                "ClientName": r"Client Name:[ \t]*(\S+)",
                "ClientAddress": r"Client Address:[ \t]*(\S+)",
                "Status": r"(0x[0-9A-Fa-f]{8})",
            },
            reads=_CLIENT,
            kinds=(Kind.AUTH_FAILURE, Kind.AUTH_STOPPED),
            refine=_failure,
        ),
        Meaning(
            "smb-share-denied",
            (1006,),
            Kind.PRIVILEGE_DENIED,
            columns={"user": "UserName", "object": "ShareName"},
            reads=_CLIENT,
            refine=_from_client,
        ),
        Meaning("smb-anonymous-denied", (1009,), Kind.CONNECTION_DENIED, reads=_CLIENT, refine=_from_client),
        Meaning("smb1-client", (3000,), Kind.CONNECTION, reads=_CLIENT, refine=_from_client),
        Meaning(
            "smb-client-failure",
            (31001,),
            Kind.LOGON_OUT,
            columns={"target_user": "UserName", "session": "LogonId"},
            extra=("Status", "PrincipalName"),
            reads=("ServerName",),
            refine=_outbound,
        ),
    ),
    service=Service.SMB,
    references=("https://github.com/nasbench/EVTX-ETW-Resources", "https://learn.microsoft.com/windows-server/storage/file-server/troubleshoot/"),
)
