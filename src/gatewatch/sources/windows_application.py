r"""The Application log: remote-access programs by provider and text, remote tools installed, VPNs dialled from here.

``{"EventID": 256, "Provider": "VNC Server", "EventData": {"param1": "Connections: authenticated: 192.0.2.7::61007 (TCP), as ann (d permissions)"}}``

============================  ===========================================================================================
record                        becomes
============================  ===========================================================================================
VNC servers, any id           by their text: ``auth_success``, ``auth_failure``, ``connection``, ``connection_denied``,
                              ``session_end``; RealVNC's and TigerVNC's ``Connections: WHAT: ADDRESS::PORT``, and the
                              sentences of TightVNC and UltraVNC [K]
ScreenConnect 100, 101        ``session_start``, ``session_end``: the name is the technician's in the product
ScreenConnect 200, 201        ``exec`` (the length of the command only), ``file_transfer`` (the names)
MsiInstaller 1033, 11707      ``service_install`` ``software-installed`` of a program for remote access; others are ignored
RasClient 20220-20227         ``connection``: a VPN dialled from this host
============================  ===========================================================================================

AnyDesk and TeamViewer write files of their own, not this log. Texts of VNC servers are known from their sources and forums, not from a documentation;
what fits none of them is ignored.

References: RealVNC help, "Event logging"; EvtxECmd maps (ScreenConnect); learn.microsoft.com, "Windows Installer event logging", "RAS Connection
Establishment".
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema import events as ev
from gatewatch.schema.events import AuthMethod, Kind, Service
from gatewatch.sources.windows import Meaning, WindowsSource, datum
from gatewatch.sources.windows_excerpt import silenced, with_source, with_user

_TEXTS = ("param1", "param2", "param3")
VNC = ("VNC Server*", "RealVNC*", "WinVNC*", "TigerVNC*", "TightVNC*", "tvnserver", "UltraVNC*", "uvnc_service", "vncserver")
TOOLS = (
    r"(?i)\b(?:AnyDesk|TeamViewer|ScreenConnect|ConnectWise|Atera|Splashtop|RustDesk|LogMeIn|GoTo(?:Assist|MyPC|Resolve)|[A-Za-z]*VNC|Ammyy|DW(?:Agent|Service)"
    r"|Mesh ?Agent|NetSupport|Remote Utilities|SimpleHelp|Supremo|UltraViewer|Zoho Assist|Chrome Remote Desktop|OpenSSH|OpenVPN|WireGuard|Tailscale"
    r"|ZeroTier|ngrok|cloudflared|Radmin|SoftEther|Tactical ?RMM|Action1|N-able|Kaseya|FleetDeck|HopToDesk|Parsec|NoMachine|Pulseway|DameWare"
    r"|ISL (?:Light|AlwaysOn)|BeyondTrust|Bomgar|Level RMM|NinjaRMM|Syncro|Datto RMM|Iperius Remote|Distant Desktop|PuTTY|Bitvise|Copssh|freeSSHd)\b"
)
"""Programs that let somebody in from elsewhere."""

# of "Connections: WHAT: ADDRESS::PORT ..." and of the sentences, in this order
_VNC: tuple[tuple[str, str, Kind], ...] = (
    (r"(?s)^.*Connections: authenticated: ", "vnc-authenticated", Kind.AUTH_SUCCESS),
    (r"(?s)^.*Connections: (?:disconnected|closed): .*(?:AuthFailure|[Aa]uthentication fail)", "vnc-failure", Kind.AUTH_FAILURE),
    (r"(?s)^.*Connections: (?:rejected|blacklisted|blocked): ", "vnc-rejected", Kind.CONNECTION_DENIED),
    (r"(?s)^.*Connections: (?:disconnected|closed): ", "vnc-disconnected", Kind.SESSION_END),
    (r"(?s)^.*Connections: (?:connected|accepted): ", "vnc-connection", Kind.CONNECTION),
    (r"(?i)authentication failed from|invalid attempt.* from|failed authentication.* from", "vnc-failure", Kind.AUTH_FAILURE),
    (r"(?i)connection (?:received|accepted) from|authenticated .*from|client .* authenticated", "vnc-authenticated", Kind.AUTH_SUCCESS),
    (r"(?i)client .* disconnected|connection closed.* from", "vnc-disconnected", Kind.SESSION_END),
)
_VNC_PEER = r"Connections: [a-z]+: (\[[0-9A-Fa-f:.%]+\]|[^\s,]+?)::([0-9]+)"
_VNC_FROM = (
    r"(?i)(?:from|client)[ :(]+(?:client )?(\[[0-9A-Fa-f:.%]+\](?::[0-9]+)?"
    r"|[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?::{1,2}[0-9]+)?|[0-9A-Fa-f]*:[0-9A-Fa-f:.]+)"
)
_VNC_USER = r"(?:\), as | using )(?:\(anonymous\)|([^\s()][^()]*?))(?: \(| account\b|$)"
_DIALLER = r"The user (\S+(?: \S+)?) (?:has|is|dial|start|success|try)"
_DIALLED = r"connection (?:profile )?(?:named|to) ([^\r\n]+?)(?: which | using | has |\.|$)"
_IDENTITY = r"^\s*(?:Co[Ii][dD] *= *)?\{[^{}]*\}:?\s*$"


def _text(frame: pl.DataFrame) -> pl.Expr:
    parts = [datum(name) for name in _TEXTS] + ([pl.col("message")] if "message" in frame.columns else [])
    return pl.concat_str(parts, separator="\n", ignore_nulls=True)


def _vnc(frame: pl.DataFrame) -> pl.DataFrame:
    text = frame.select(_text(frame).alias("t"))["t"]
    kind, pattern = pl.lit(None, ev.KIND), pl.lit("vnc-other")
    for regex, name, meant in reversed(_VNC):
        fits = pl.lit(text.str.contains(regex).fill_null(False))
        kind = pl.when(fits).then(pl.lit(str(meant), ev.KIND)).otherwise(kind)
        pattern = pl.when(fits).then(pl.lit(name)).otherwise(pattern)
    peer, port = text.str.extract(_VNC_PEER, 1), text.str.extract(_VNC_PEER, 2)
    sentence = text.str.extract(_VNC_FROM, 1).str.replace(r"^([0-9.]+)::[0-9]+$", "${1}")
    frame = with_user(with_source(frame, pl.coalesce(pl.lit(peer), pl.lit(sentence))), pl.lit(text.str.extract(_VNC_USER, 1)))
    methods = pl.when(kind.cast(pl.String).is_in([str(Kind.AUTH_SUCCESS), str(Kind.AUTH_FAILURE)])).then(pl.lit(str(AuthMethod.PASSWORD)))
    return frame.with_columns(
        kind.alias("kind"),
        pattern.alias("pattern"),
        pl.lit(port.cast(pl.UInt16, strict=False)).alias("src_port"),
        (pl.lit("vnc:") + pl.lit(peer) + pl.lit("::") + pl.lit(port)).alias("session"),
        methods.cast(ev.AUTH_METHOD).alias("auth_method"),
    )


def _technician(frame: pl.DataFrame) -> pl.DataFrame:
    return with_user(frame, _text(frame).str.extract(r"^([^\r\n]+?) (?:Connected|Disconnected)\b", 1))


def _command(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(_text(frame).str.extract(r"^\s*([^\r\n]+)", 1).alias("command"))


def _files(frame: pl.DataFrame) -> pl.DataFrame:
    names = _text(frame).str.extract(r"(?s)^[^\r\n]*action[^\r\n]*:?\r?\n(.*?)(?:\r?\n\s*\r?\n|$)", 1).str.strip_chars()
    names = names.str.replace_all(r"\s*\r?\n\s*", ", ")
    return frame.with_columns(pl.when(names != "").then(names).alias("object"))


def _software(frame: pl.DataFrame) -> pl.DataFrame:
    product = datum("param1").str.replace(r"^Product: ", "").str.replace(r" -- .*$", "").str.strip_chars()
    failed = pl.col("pattern").eq("software-installed") & datum("param4").str.contains(r"^[1-9]").fill_null(False)
    tool = product.str.contains(TOOLS).fill_null(False)
    return silenced(frame.with_columns(product.alias("object")), (~tool, "software-other"), (failed, "software-installation-failed"))


def _dialled(frame: pl.DataFrame) -> pl.DataFrame:
    """User and name of the connection, from the strings after the connection's id or from the one text."""
    text = _text(frame)
    led = datum("param1").str.contains(_IDENTITY).fill_null(False)
    strings = [pl.when(led).then(datum(second)).otherwise(datum(first)) for first, second in (("param1", "param2"), ("param2", "param3"))]
    account = strings[0].str.contains(r"^[^\s\\]+\\[^\\\r\n]+$").fill_null(False)
    user = pl.coalesce(text.str.extract(_DIALLER, 1), pl.when(account).then(strings[0]))
    name = pl.coalesce(text.str.extract(_DIALLED, 1), pl.when(account & (strings[1].str.strip_chars() != "")).then(strings[1]))
    return with_user(frame.with_columns(name.alias("object")), user)


_SCREENCONNECT = ("ScreenConnect", "ScreenConnect*")
SOURCE = WindowsSource(
    reads_message=True,
    name="windows-application",
    title="Windows Application log",
    channels=("Application",),
    meanings=(
        Meaning("screenconnect-connected", (100,), Kind.SESSION_START, providers=_SCREENCONNECT, reads=_TEXTS, refine=_technician),
        Meaning("screenconnect-disconnected", (101,), Kind.SESSION_END, providers=_SCREENCONNECT, reads=_TEXTS, refine=_technician),
        Meaning("screenconnect-command", (200,), Kind.EXEC, providers=_SCREENCONNECT, reads=_TEXTS, refine=_command),
        Meaning("screenconnect-files", (201,), Kind.FILE_TRANSFER, providers=_SCREENCONNECT, reads=_TEXTS, refine=_files),
        Meaning(
            "software-installed",
            (1033, 11707),
            Kind.SERVICE_INSTALL,
            extra=("param2",),
            reads=("param1", "param4"),
            providers=("MsiInstaller",),
            refine=_software,
        ),
        Meaning(
            "ras-client-dialled",
            (20220, 20221, 20222, 20223, 20224, 20225, 20226, 20227),
            Kind.CONNECTION,
            set={"service": str(Service.VPN)},
            reads=_TEXTS,
            providers=("RasClient",),
            refine=_dialled,
        ),
        Meaning(
            "vnc-message",
            (),
            Kind.CONNECTION,
            set={"service": str(Service.VNC)},
            reads=_TEXTS,
            providers=VNC,
            kinds=(Kind.CONNECTION, Kind.CONNECTION_DENIED, Kind.AUTH_SUCCESS, Kind.AUTH_FAILURE, Kind.SESSION_END),
            refine=_vnc,
        ),
    ),
    references=(
        "https://help.realvnc.com/hc/en-us/articles/360002253878",
        "https://learn.microsoft.com/windows/win32/msi/event-logging",
        "https://learn.microsoft.com/previous-versions/windows/it-pro/windows-server-2008-r2-and-2008/cc773769(v=ws.10)",
    ),
)
