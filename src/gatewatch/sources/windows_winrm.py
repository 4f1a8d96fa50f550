r"""Windows Remote Management: shells opened here, and sessions opened from here.

``{"EventID": 91, "EventData": {"resourceUri": "http://schemas.microsoft.com/powershell/Microsoft.PowerShell (CORP\\ann clientIP: 192.0.2.234)"}}``

===============  ========================================================================================================
record           becomes
===============  ========================================================================================================
91               ``session_start``: a shell; user and address stand inside the text, on older builds they do not
6                ``logon_out``: on the host it starts from, towards the host of ``connection`` (``srv01/wsman?PSVersion=…``)
169              ``auth_success`` without an address; older and server builds only [manifest]
===============  ========================================================================================================

References: the provider's manifest (EVTX-ETW-Resources); jpcertcc.github.io/ToolAnalysisResultSheet (WinRM).
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema import events as ev
from gatewatch.schema.events import AuthMethod, Kind, Service
from gatewatch.sources.windows import Meaning, WindowsSource, datum, foreign
from gatewatch.sources.windows_excerpt import blank, silenced, with_source, with_target, with_user

_WHO = r"\((.*) clientIP: *([^()\s]+)\)\s*$"
_PEER = r"^(?:https?://)?(\[[^\]]*\]|[^/:?\s]+)(?::([0-9]{1,5}))?"
_METHODS = {
    "kerberos": AuthMethod.GSSAPI,
    "ntlm": AuthMethod.PASSWORD,
    "negotiate": AuthMethod.PASSWORD,
    "basic": AuthMethod.PASSWORD,
    "digest": AuthMethod.PASSWORD,
    "credssp": AuthMethod.PASSWORD,
    "certificate": AuthMethod.CERTIFICATE,
    "client certificate": AuthMethod.CERTIFICATE,
}


def _shell(frame: pl.DataFrame) -> pl.DataFrame:
    uri = datum("resourceUri")
    frame = with_source(with_user(frame, uri.str.extract(_WHO, 1)), uri.str.extract(_WHO, 2))
    return frame.with_columns(uri.str.replace(r"\s*\(.*$", "").alias("object"))


def _client(frame: pl.DataFrame) -> pl.DataFrame:
    peer = datum("connection").str.strip_chars()
    frame = with_target(frame, peer.str.extract(_PEER, 1))
    frame = frame.with_columns(peer.str.extract(_PEER, 2).cast(pl.UInt16, strict=False).alias("dst_port"))
    own = peer.str.extract(_PEER, 1).str.to_lowercase().is_in(["localhost", "127.0.0.1", "[::1]"])
    if "dst_host" in frame.columns:
        own = own | (pl.col("dst_host").is_not_null() & frame.select(foreign("dst_host"))["dst_host"].is_null())
    return silenced(frame, (blank("connection"), "no-target"), (own, "own-host"))


def _method(frame: pl.DataFrame) -> pl.DataFrame:
    how = datum("authenticationMechanism").str.to_lowercase().str.strip_chars()
    methods = {name: str(method) for name, method in _METHODS.items()}
    return frame.with_columns(
        how.replace_strict(methods, default=str(AuthMethod.UNKNOWN), return_dtype=pl.String).cast(ev.AUTH_METHOD).alias("auth_method")
    )


SOURCE = WindowsSource(
    name="windows-winrm",
    title="Windows Remote Management",
    channels=("Microsoft-Windows-WinRM/Operational",),
    meanings=(
        Meaning("winrm-shell", (91,), Kind.SESSION_START, reads=("resourceUri",), text={"resourceUri": r"(https?://\S.*)$"}, refine=_shell),
        Meaning("winrm-client", (6,), Kind.LOGON_OUT, reads=("connection",), text={"connection": r":\s*(\S+/wsman\S*)"}, refine=_client),
        Meaning(
            "winrm-authenticated",
            (169,),
            Kind.AUTH_SUCCESS,
            columns={"user": "username"},
            extra=("authenticationMechanism",),
            refine=_method,
        ),
        Meaning("winrm-operation-failed", (142, 161, 162), why="an operation failed, without saying whose"),
    ),
    service=Service.WINRM,
    references=("https://github.com/nasbench/EVTX-ETW-Resources", "https://learn.microsoft.com/windows/win32/winrm/portal"),
)
