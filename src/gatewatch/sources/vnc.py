r"""VNC servers of Linux: TigerVNC and its kin (Xvnc, x0vncserver, KasmVNC), RealVNC, x11vnc, vino and TightVNC, and noVNC's websockify.

``Connections: accepted: 203.0.113.7::51234`` … ``SConnection: Client requests security type VncAuth(2)`` …
``VNCSConnST: Server default pixel format …``
``Connections: authenticated: 203.0.113.7::51234 (TCP), as ann (f permissions)``
``Got connection from client 203.0.113.7`` … ``rfbAuthProcessClientMessage: authentication failed from 203.0.113.7``

TigerVNC and x11vnc say of a login only how it was asked for and that the client went on to the desktop; that is the ``auth_success``, of the one
connection of that server that waits for it, with no address where several wait. A desktop that asks for nothing has ``auth_method`` none. A VNC
password names nobody: ``user`` is known where RealVNC asks for the account. ``session`` is ``vnc:<address>:<port>``.

=====================================================================  ===================================================================
line                                                                   becomes
=====================================================================  ===================================================================
Connections: accepted, connected; Got connection from client           ``connection``
Server default pixel format, Pixel format for client …, authenticated  ``auth_success``
closed, disconnected, authentication failed from … (password refused)  ``auth_failure``
Connections: closed, disconnected; Client … gone                       ``session_end`` of what was authenticated, else ``connection_closed``
blacklisted, Too many security failures, refusing new client           ``connection_denied``
websockify: WebSocket connection, connecting to                        ``connection``; to the server behind it, with ``dst_host``
=====================================================================  ===================================================================

What gnome-remote-desktop writes of its logins is not documented and not read. PAM's lines under these programs are PAM's.

References: Xvnc(1), x11vnc(1), https://help.realvnc.com (VNC Server logging), https://github.com/novnc/websockify, libvncserver (src/libvncserver)
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import polars as pl

from gatewatch.schema.events import AuthMethod, Kind, Service, ensure
from gatewatch.sources import pam
from gatewatch.sources.key_value import ANY, SEPARATOR
from gatewatch.sources.pattern import Pattern, PatternSource

_TOLD = "vnc"  # what a line that tells something begins with once it is laid out
_WAITING = 256  # connections remembered per server
_HEAD = r"^(?:[0-9]{2}/[0-9]{2}/[0-9]{2}(?:[0-9]{2})? [0-9:]{8} )?(?:\[IPv[46]\] )? *"
_END = r"\[?(?P<{0}>[0-9A-Fa-f.:]+?)\]?::(?P<{0}_port>[0-9]+)"
_REFUSED = r"(?:Authentication (?:failure|failed)|\[AuthFailure\]|Password (?:check failed|incorrect))"
_MANY = r"(?:Too many security failures|\[?Blacklisted)"
_TYPES = {"1": "none", "2": "password"}
_LINE = re.compile(
    rf"^(?:Connections: (?P<came>accepted|connected): {_END.format('new')}(?: \([A-Za-z]+\))?$"
    rf"|Connections: authenticated: {_END.format('in')} \([A-Za-z]+\), as (?P<who>.*) \((?P<rights>[a-z]*) permissions\)$"
    rf"|(?:Connections: (?:closed|disconnected): |VNCSConnST: +(?P<closing>closing) )"
    rf"{_END.format('out')}(?: \([A-Za-z]+\))?(?::)? ?\(?(?P<reason>.*?)\)?$"
    r"|Connections: (?P<denied>blacklisted|rejected): \[?(?P<barred>[0-9A-Fa-f.:]+?)\]?(?:::[0-9]+)?(?: .*)?$"
    r"|S[A-Za-z]+: +Client requests security type (?P<security>[A-Za-z0-9]+) ?\([0-9]+\)$"
    r"|VNCSConnST: +(?P<desktop>Server default pixel format) "
    r"|Got connection from client (?P<client>[!-~]+)$"
    r"|rfbProcessClientSecurityType: executing handler for type (?P<handler>[0-9]+)$"
    r"|rfbAuthProcessClientMessage: (?:[Aa]uthentication failed from (?P<wrong>[!-~]+)(?: \(Incorrect Password\))?|(?P<check>password check failed))$"
    r"|(?:Full-control|View-only) authentication (?:passed by|enabled for) (?P<passed>[!-~]+)$"
    r"|Pixel format for client (?P<painted>[!-~]+):$"
    r"|Client (?P<gone>[!-~]+) gone$"
    r"|refusing new client (?P<refused>[!-~]+)$)"
)
_RELEVANT = (
    r"^(?:Connections: |VNCSConnST: +(?:closing|Server default)|S[A-Za-z]+: +Client requests|Got connection|rfbProcessClientSecurityType|"
    r"rfbAuthProcessClientMessage|Full-control|View-only|Pixel format for|Client [!-~]+ gone|refusing new)"
)
_METHODS = {"password": AuthMethod.PASSWORD, "none": AuthMethod.NONE}
_FIELDS = "".join(f"{SEPARATOR}(?P<{name}>{ANY})" for name in ("rhost", "src_port", "session", "method", "user")) + "$"


def _told(name: str, word: str, kind: Kind) -> Pattern:
    return Pattern(name, (f"{_TOLD} {word}",), (rf"^{_TOLD} {word}{_FIELDS}",), kind, methods=_METHODS)


PATTERNS: tuple[Pattern, ...] = (
    _told("vnc-connection", "connection", Kind.CONNECTION),
    _told("vnc-accepted", "accepted", Kind.AUTH_SUCCESS),
    _told("vnc-failed", "failed", Kind.AUTH_FAILURE),
    _told("vnc-ended", "ended", Kind.SESSION_END),
    _told("vnc-closed", "closed", Kind.CONNECTION_CLOSED),
    _told("vnc-denied", "denied", Kind.CONNECTION_DENIED),
    Pattern("vnc-repeated", (f"{_TOLD} repeate",), (rf"^{_TOLD} repeated{SEPARATOR}",), why="the end of a connection, told before"),
    Pattern(
        "websockify-relay",
        (),
        (
            (
                r"^(?P<rhost>[0-9A-Fa-f.:]+) - - \[[^\]]*\] connecting to: (?P<dhost>[^ :\[\]]+|\[[0-9A-Fa-f:]+\]):(?P<dst_port>[0-9]{1,5})"
                r"(?: \(using SSL\))?$"
            ),
        ),
        Kind.CONNECTION,
    ),
    Pattern(
        "websockify-connection",
        (),
        (r"^(?P<rhost>[0-9A-Fa-f.:]+) - - \[[^\]]*\] [0-9A-Fa-f.:]+: (?:Plain non-SSL \(ws://\)|SSL/TLS \(wss://\)) WebSocket connection$",),
        Kind.CONNECTION,
    ),
    Pattern("websockify-request", (), (r"^[0-9A-Fa-f.:]+ - - \[[^\]]*\] ",), why="a request of the web page, or a step of a connection"),
    Pattern("xvnc-date", ("date",), (r"^date$",), why="the date that the lines below it bear"),
    Pattern(
        "x11vnc-many",
        ("rfbAuthNewCl", "Too many aut", "rfbAuthProce"),
        (r"^(?:rfbAuthNewClient: )?[Tt]oo many authentication failures",),
        Kind.CONNECTION_DENIED,
    ),
    Pattern(
        "vnc-course",
        (),
        (
            (
                r"^(?:Connections|SConnection|VNCSConnST|VNCServerST|SVncAuth|SSecurity[A-Za-z]*|SVeNCrypt|TcpSocket|vncext|XserverDesktop|"
                r"EncodeManager|"
                r"ComparingUpdateTracker|Selection|Input|InputXKB|XDesktop|HTTPServer|Blacklist|Clipboard|PollingManager): "
            ),
            (
                r"^(?:rfb[A-Za-z]+: |Pixel format |Using |Client |Protocol |Enabling |Disabling |Switching |Statistics|Listening |Copyright|"
                r"All Rights|"
                r"See http|Desktop name|Framebuffer|New |Maximum |VNC |Xvnc |x11vnc |[ 0-9]+ bpp|  |true colou?r|no translation|other clients|"
                r"client_|copy_tiles|caught |XOpenDisplay|blackout|autoprobing|scan|The |created |initialize|Screen|fb|Normal socket|incr |"
                r"Ignoring |active |killed |-|\*)"
            ),
        ),
        why="the course of a connection or the server about itself",
    ),
)


@dataclass(slots=True)
class _Peer:
    """A connection of a server: its address and port, how it was asked to prove itself, whether it did."""

    address: str
    port: str
    method: str = ""
    inside: bool = False
    failed: bool = False

    @property
    def session(self) -> str:
        return f"vnc:{self.address}:{self.port}".rstrip(":")


@dataclass(slots=True)
class _Server:
    """The connections of one server, by address and port, in the order they came."""

    peers: dict[tuple[str, str], _Peer] = field(default_factory=dict)
    method: str = ""

    def come(self, address: str, port: str) -> _Peer:
        if len(self.peers) >= _WAITING:
            del self.peers[next(iter(self.peers))]
        self.peers.pop((address, port), None)
        made = self.peers[address, port] = _Peer(address, port)
        return made

    def waiting(self) -> _Peer | None:
        """Return the one connection that has not proved itself; None where there are several or none."""
        found = [peer for peer in self.peers.values() if not peer.inside and not peer.failed]
        return found[0] if len(found) == 1 else None

    def of(self, address: str) -> _Peer:
        """Return the connection from *address* that began last, or one nobody saw begin."""
        return next((peer for peer in reversed(self.peers.values()) if peer.address == address), _Peer(address, ""))


def _joined(records: pl.DataFrame) -> pl.DataFrame:
    """Lay out what each line tells, with what lines before it told of the same connection; other lines lose their stamps."""
    text = records.select(pl.col("message").fill_null("").str.replace(_HEAD, "").str.replace_all(f"[{SEPARATOR}\n]", " ").alias("t"))["t"]
    rows = text.str.contains(_RELEVANT).arg_true().to_list()
    lines: list[str] = text.to_list()
    keys = records.select("host", "pid").rows() if rows else []
    servers: dict[tuple[str | None, str | None], _Server] = {}
    for place in rows:
        found = _LINE.match(lines[place])
        if found is None:
            continue
        made = _follow(servers.setdefault(keys[place], _Server()), found.groupdict())
        if made is not None:
            lines[place] = made
    return records.with_columns(pl.Series("message", lines, dtype=pl.String))


def _lay(word: str, peer: _Peer | None, *, method: str = "", user: str = "") -> str:
    address, port, session = (peer.address, peer.port, peer.session) if peer is not None else ("", "", "")
    return SEPARATOR.join((f"{_TOLD} {word}", address, port, session, method, user))


def _follow(server: _Server, parts: dict[str, str | None]) -> str | None:
    """Take one line into *server*; return what it tells, laid out, or None."""
    if parts["came"] is not None:
        return _lay("connection", server.come(parts["new"] or "", parts["new_port"] or ""))
    if parts["client"] is not None:
        return _lay("connection", server.come(parts["client"], ""))
    if parts["rights"] is not None:
        key = (parts["in"] or "", parts["in_port"] or "")
        peer = server.peers.get(key) or server.come(*key)
        return _enter(peer, "password", "" if parts["who"] == "(anonymous)" else parts["who"] or "")
    if parts["out"] is not None:
        return _leave(server, parts)
    if parts["denied"] is not None:
        return _lay("denied", _Peer(parts["barred"] or "", ""))
    if parts["security"] is not None or parts["handler"] is not None:
        server.method = _TYPES.get(parts["handler"] or "", "") or ("" if parts["handler"] else _method(parts["security"] or ""))
        one = server.waiting()
        if one is not None:
            one.method = server.method
        return None
    if parts["desktop"] is not None:
        one = server.waiting()
        return _enter(one, one.method, "") if one is not None else _lay("accepted", None, method=server.method)
    if parts["wrong"] is not None or parts["check"] is not None:
        one = server.of(parts["wrong"]) if parts["wrong"] is not None else server.waiting()
        if one is not None:
            one.failed = True
        return _lay("failed", one, method="password")
    if parts["passed"] is not None:
        return _enter(server.of(parts["passed"]), "password", "")
    if parts["painted"] is not None:
        one = server.of(parts["painted"])
        return None if one.inside or (one.address, one.port) not in server.peers else _enter(one, one.method, "")
    if parts["gone"] is not None:
        one = server.of(parts["gone"])
        server.peers.pop((one.address, one.port), None)
        return _lay("ended" if one.inside else "closed", one)
    return _lay("denied", _Peer(parts["refused"] or "", ""))


def _enter(peer: _Peer, method: str, user: str) -> str:
    peer.inside = True
    return _lay("accepted", peer, method=method, user=user)


def _leave(server: _Server, parts: dict[str, str | None]) -> str:
    """Return what the end of a connection tells: that the password was refused, that it was turned away, or that it is over."""
    key = (parts["out"] or "", parts["out_port"] or "")
    peer, reason = server.peers.get(key) or _Peer(*key), parts["reason"] or ""
    told = peer.failed
    refused = re.match(_REFUSED, reason) is not None and "No password" not in reason
    if parts["closing"] is None:
        server.peers.pop(key, None)
    elif not refused:
        return _lay("repeated", peer)  # "Connections: closed" follows
    if refused:
        if key in server.peers:
            peer.failed = True
        return _lay("repeated" if told else "failed", peer, method="password")
    if re.match(_MANY, reason):
        return _lay("denied", peer)
    return _lay("ended" if peer.inside else "closed", peer)


def _method(security: str) -> str:
    """Return how the security type *security* asks for proof."""
    if security in {"Tight", "VeNCrypt"}:  # another type within is named next
        return ""
    return "none" if security.endswith("None") else "password"


def _settled(events: pl.DataFrame) -> pl.DataFrame:
    """Return *events* with what is empty as null, and a method only where somebody proved who they are."""
    events = ensure(events, "session", "user", "auth_method")
    logon = pl.col("kind").cast(pl.String).is_in([str(Kind.AUTH_SUCCESS), str(Kind.AUTH_FAILURE), str(Kind.AUTH_STOPPED)])
    return events.with_columns(
        *[pl.when(pl.col(name) != "").then(pl.col(name)).alias(name) for name in ("session", "user")],
        pl.when(logon).then(pl.col("auth_method")).alias("auth_method"),
    )


SOURCE = PatternSource(
    name="vnc",
    title="VNC servers of Linux and websockify",
    programs=(
        *("Xvnc", "Xtigervnc", "Xtightvnc", "Xvnc4", "Xkasmvnc", "vncserver", "vncsession", "x0vncserver", "x0tigervncserver"),
        *("x11vnc", "vino-server", "vncserver-x11", "vncserver-x11-core", "vncserver-virtual", "vncserverui", "vncagent", "websockify", "novnc"),
    ),
    patterns=PATTERNS + pam.PATTERNS,
    service=Service.VNC,
    prepare=_joined,
    finish=_settled,
    references=("Xvnc(1)", "x11vnc(1)", "https://help.realvnc.com", "https://github.com/novnc/websockify"),
)
