r"""Remote Desktop as its own channels tell it: RdpCoreTS, RemoteConnectionManager, LocalSessionManager, and the client's RDPClient.

``{"EventID": 140, "Channel": "…RdpCoreTS/Operational", "EventData": {"IPString": "192.0.2.10"}}``

=======================================  ==============================================================================
record                                   becomes
=======================================  ==============================================================================
RdpCoreTS 131                            ``connection``: the listener accepted it; the address stands with its port, for
                                         IPv4 mostly in brackets (``[192.0.2.10]:65464``)
RdpCoreTS 140                            ``auth_failure`` without a user: under NLA the only record with the address
RemoteConnectionManager 1149             ``session_start``: the network was authenticated, which is no proof of a logon;
                                         with NLA off it comes before any password was asked, and names nobody
RemoteConnectionManager 1158 (Admin)     ``connection``
LocalSessionManager 21, 25               ``auth_success``: a session, or one taken up again (a new segment)
LocalSessionManager 22                   ``session_start``
LocalSessionManager 23, 24, 39, 40       ``session_end``; 39 tells which session took it over
RDPClient 1024, 1102                     ``logon_out``: a client on this host, towards a name and then its address
=======================================  ==============================================================================

Sessions are ``ts:<id>``, not logon ids; the console is ignored (``LOCAL``). A loopback address stays: it is the end of a tunnel. Exports that
hold only the rendered message are read by the place of its lines, whatever their language.

References: purerds.org, "Auditing Remote Desktop Services logon failures"; ponderthebits.com, "Windows RDP-related event logs" (2018);
nullsec.us, "Windows RDP-related event logs: the client side of the story"; the providers' manifests (EVTX-ETW-Resources). 1158 is known from
its manifest only.
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.events import AuthMethod, Kind, Service
from gatewatch.sources.windows import Meaning, WindowsSource, datum
from gatewatch.sources.windows_excerpt import ADDRESS, ENDPOINT, FIRST_NUMBER, LAST_NUMBER, blank, line, port, session, silenced

_UNKNOWN = {"auth_method": str(AuthMethod.UNKNOWN)}
_SESSION_DATA = {"User": line(0), "SessionID": line(1), "Address": line(2)}


def _endpoint(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(port(datum("ClientIP")).alias("src_port"))


def _remote(frame: pl.DataFrame) -> pl.DataFrame:
    """Sessions that came over the network, with their id."""
    local = datum("Address").str.to_uppercase().str.strip_chars() == "LOCAL"
    return silenced(frame.with_columns(session("ts", datum("SessionID"))), (local, "local-console"), (blank("Address"), "no-address"))


def _ended(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(session("ts", datum("SessionID")))


def _disconnected(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(session("ts", datum("Session")))


def _taken_over(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(session("ts", datum("TargetSession")))


def _outbound(frame: pl.DataFrame) -> pl.DataFrame:
    """The port a client was given after the name (``srv01:3390``) is none of the name."""
    target = datum("Value").str.strip_chars()
    columns = [port(target).alias("dst_port")]
    if "dst_host" in frame.columns:
        columns.append(pl.col("dst_host").str.replace(r":[0-9]+$", ""))
    return silenced(frame.with_columns(columns), (blank("Value"), "no-target"))


MEANINGS: tuple[Meaning, ...] = (
    Meaning(
        "rdp-connection",
        (131,),
        Kind.CONNECTION,
        columns={"rhost": "ClientIP"},
        extra=("ConnType",),
        text={"ClientIP": ENDPOINT},
        always=True,
        refine=_endpoint,
    ),
    Meaning(
        "rdp-failure",
        (140,),
        Kind.AUTH_FAILURE,
        columns={"rhost": "IPString"},
        set={"auth_method": str(AuthMethod.PASSWORD)},
        text={"IPString": ADDRESS},
    ),
    Meaning(
        "rdp-authenticated",
        (1149,),
        Kind.SESSION_START,
        columns={"user": "Param1", "domain": "Param2", "rhost": "Param3"},
        text={"Param1": line(0), "Param2": line(1), "Param3": line(2)},
    ),
    Meaning("rdp-connection-accepted", (1158,), Kind.CONNECTION, columns={"rhost": ("Param1", "param1")}, text={"Param1": ADDRESS}),
    Meaning("listener-received", (261,), why="a connection, without its address"),
    Meaning(
        "rdp-session-logon",
        (21,),
        Kind.AUTH_SUCCESS,
        columns={"user": "User", "rhost": "Address"},
        set=_UNKNOWN,
        reads=("SessionID",),
        text=_SESSION_DATA,
        refine=_remote,
    ),
    Meaning(
        "rdp-session-reconnect",
        (25,),
        Kind.AUTH_SUCCESS,
        columns={"user": "User", "rhost": "Address"},
        set=_UNKNOWN,
        reads=("SessionID",),
        text=_SESSION_DATA,
        refine=_remote,
    ),
    Meaning(
        "rdp-session-shell-started",
        (22,),
        Kind.SESSION_START,
        columns={"user": "User", "rhost": "Address"},
        reads=("SessionID",),
        text=_SESSION_DATA,
        refine=_remote,
    ),
    Meaning(
        "rdp-session-logoff",
        (23,),
        Kind.SESSION_END,
        columns={"user": "User"},
        reads=("SessionID",),
        text={"User": line(0), "SessionID": line(1)},
        refine=_ended,
    ),
    Meaning(
        "rdp-session-disconnect",
        (24,),
        Kind.SESSION_END,
        columns={"user": "User", "rhost": "Address"},
        reads=("SessionID",),
        text=_SESSION_DATA,
        refine=_remote,
    ),
    Meaning(
        "rdp-session-taken-over",
        (39,),
        Kind.SESSION_END,
        extra=("Source",),
        reads=("TargetSession",),
        text={"TargetSession": FIRST_NUMBER, "Source": LAST_NUMBER},
        refine=_taken_over,
    ),
    Meaning(
        "rdp-session-disconnect-reason",
        (40,),
        Kind.SESSION_END,
        extra=("Reason",),
        reads=("Session",),
        text={"Session": FIRST_NUMBER, "Reason": LAST_NUMBER},
        refine=_disconnected,
    ),
    Meaning("session-arbitration", (41, 42), why="a step of every logon, the console's as well"),
    Meaning("rdp-client", (1024,), Kind.LOGON_OUT, columns={"dhost": "Value"}, text={"Value": r"\(([^()]+)\)"}, refine=_outbound),
    Meaning("rdp-client-address", (1102,), Kind.LOGON_OUT, columns={"dhost": "Value"}, text={"Value": ADDRESS}, refine=_outbound),
    Meaning("rdp-client-user-hash", (1029,), why="the user's name only as a hash"),
)

SOURCE = WindowsSource(
    name="windows-rdp",
    title="Windows Remote Desktop Services",
    channels=(
        "Microsoft-Windows-RemoteDesktopServices-RdpCoreTS/Operational",
        "Microsoft-Windows-TerminalServices-RemoteConnectionManager/Operational",
        "Microsoft-Windows-TerminalServices-RemoteConnectionManager/Admin",
        "Microsoft-Windows-TerminalServices-LocalSessionManager/Operational",
        "Microsoft-Windows-TerminalServices-RDPClient/Operational",
    ),
    meanings=MEANINGS,
    service=Service.RDP,
    references=(
        "https://purerds.org/remote-desktop-security/auditing-remote-desktop-services-logon-failures-1/",
        "https://ponderthebits.com/2018/02/windows-rdp-related-event-logs-identification-tracking-and-investigation/",
        "https://nullsec.us/windows-rdp-related-event-logs-the-client-side-of-the-story/",
        "https://github.com/nasbench/EVTX-ETW-Resources",
    ),
)
