r"""Remote Desktop Gateway: who was let through to which inner host, and what was refused.

``{"EventID": 302, "UserData": {"EventInfo": {"Username": "CORP\\ann", "IpAddress": "192.0.2.7", "Resource": "srv01.corp.example", …}}}``

===============  ========================================================================================================
record           becomes
===============  ========================================================================================================
302              ``auth_success``; each transport of one login has its own 302, and that of UDP is a ``session_start``
303, 202         ``session_end`` with bytes and, in ``extra``, the duration in seconds; 202 was ended by an administrator
200, 300         ``session_start``: the policies allow the user, and the user that host; no connection yet
201, 301         ``auth_stopped``: the password was right, a policy refused
304              ``connection_denied``: the host could not be reached
===============  ========================================================================================================

A bad password is no event of this channel but a 4625 on the gateway. ``object``, and ``dst_host`` or ``dst_ip``, are the resource. The session
is ``rdg:<user>@<address>:<resource>``, as nothing in the records names one. Bytes: the data are named from the client's side (Microsoft's text of
202 and 303: "the client transferred %6 bytes and received %5 bytes"), so ``BytesReceived`` is what left through the gateway
(``bytes_out``) and ``BytesTransfered`` what came in.

References: learn.microsoft.com, "RD Gateway Server Connections" (event texts); the provider's manifest.
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema import events as ev
from gatewatch.schema.events import AuthMethod, Kind, Service
from gatewatch.sources.windows import Meaning, WindowsSource, datum
from gatewatch.sources.windows_excerpt import port, quoted

_WHO = {"user": "Username", "rhost": "IpAddress", "dhost": "Resource", "object": "Resource"}
_WHO_TEXT = {"Username": quoted(0), "IpAddress": quoted(1)}
_TEXT = _WHO_TEXT | {"Resource": quoted(2)}
_METHODS = {
    "ntlm": AuthMethod.PASSWORD,
    "password": AuthMethod.PASSWORD,
    "basic": AuthMethod.PASSWORD,
    "smartcard": AuthMethod.CERTIFICATE,
    "certificate": AuthMethod.CERTIFICATE,
    "cookie": AuthMethod.TOKEN,
}


def _session(frame: pl.DataFrame) -> pl.DataFrame:
    """The session's id, and the client's port where the address bears one."""
    who, source = pl.col("user").fill_null(""), pl.col("src_ip")
    name = pl.lit("rdg:") + who + pl.lit("@") + source + pl.lit(":") + datum("Resource").str.to_lowercase().fill_null("")
    return frame.with_columns(port(datum("IpAddress")).alias("src_port"), name.alias("session"))


def _source_port(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(port(datum("IpAddress")).alias("src_port"))


def _connected(frame: pl.DataFrame) -> pl.DataFrame:
    udp = (datum("ConnectionProtocol").str.to_uppercase().str.strip_chars() == "UDP").fill_null(False)
    how = datum("AuthType").str.to_lowercase().str.strip_chars()
    methods = {name: str(method) for name, method in _METHODS.items()}
    return _session(frame).with_columns(
        pl.when(udp).then(pl.lit(str(Kind.SESSION_START), ev.KIND)).otherwise(pl.col("kind")).alias("kind"),
        pl.when(udp).then(pl.lit("gateway-connected-udp")).otherwise(pl.col("pattern")).alias("pattern"),
        how.replace_strict(methods, default=str(AuthMethod.UNKNOWN), return_dtype=pl.String).cast(ev.AUTH_METHOD).alias("auth_method"),
    )


SOURCE = WindowsSource(
    name="windows-gateway",
    title="Windows Remote Desktop Gateway",
    channels=("Microsoft-Windows-TerminalServices-Gateway/Operational",),
    meanings=(
        Meaning(
            "gateway-connected",
            (302,),
            Kind.AUTH_SUCCESS,
            columns=_WHO,
            extra=("AuthType", "ConnectionProtocol"),
            text=_TEXT | {"ConnectionProtocol": quoted(3)},
            kinds=(Kind.AUTH_SUCCESS, Kind.SESSION_START),
            refine=_connected,
        ),
        Meaning(
            "gateway-disconnected",
            (303, 202),
            Kind.SESSION_END,
            columns=_WHO | {"bytes_in": "BytesTransfered", "bytes_out": "BytesReceived"},
            extra=("SessionDuration", "ConnectionProtocol"),
            text=_TEXT,
            refine=_session,
        ),
        Meaning(
            "gateway-policy-met",
            (200,),
            Kind.SESSION_START,
            columns={"user": "Username", "rhost": "IpAddress"},
            extra=("AuthType",),
            text=_WHO_TEXT,
            refine=_source_port,
        ),
        Meaning("gateway-resource-allowed", (300,), Kind.SESSION_START, columns=_WHO, text=_TEXT, refine=_session),
        Meaning(
            "gateway-denied",
            (201,),
            Kind.AUTH_STOPPED,
            columns={"user": "Username", "rhost": "IpAddress"},
            extra=("AuthType", "ErrorCode"),
            text=_WHO_TEXT,
            refine=_source_port,
        ),
        Meaning("gateway-resource-denied", (301,), Kind.AUTH_STOPPED, columns=_WHO, extra=("ErrorCode",), text=_TEXT, refine=_source_port),
        Meaning("gateway-unreachable", (304,), Kind.CONNECTION_DENIED, columns=_WHO, extra=("ErrorCode",), text=_TEXT, refine=_source_port),
        Meaning("gateway-transport", (205, 312, 313), why="a step of a connection that 302 tells as a whole"),
    ),
    service=Service.RDGATEWAY,
    references=("https://learn.microsoft.com/previous-versions/windows/it-pro/windows-server-2008-R2-and-2008/ee891388(v=ws.10)",),
)
