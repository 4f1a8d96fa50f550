"""OpenVPN in syslog, and FreeRADIUS that it asks: the server's own words, and ``radius.log`` in syslog.

``openvpn[77]: ann/84.1.2.3:50000 MULTI: primary virtual IP for ann/84.1.2.3:50000: 10.63.0.6``
``radiusd[9]: (12) Login OK: [ann/<via Auth-Type = pap>] (from client vpn01 port 0 cli 84.1.2.3)``

Sources: openvpn (multi.c, ssl.c, ssl_verify.c), FreeRADIUS (auth.c).
"""

from __future__ import annotations

from typing import ClassVar

from gatewatch.lab.moment import MS, SECOND
from gatewatch.lab.organisation import Host
from gatewatch.lab.stage import Stage
from gatewatch.lab.writer.device import Entry, bracketed
from gatewatch.lab.writer.gateway import Gateway


class OpenVpn(Gateway):
    """The log of an OpenVPN server and of the RADIUS server behind it."""

    format: ClassVar[str] = "openvpn"
    pool = 63
    leases_v6 = True

    def __init__(self, stage: Stage, host: Host) -> None:
        super().__init__(stage, host)
        self.radius = stage.stream("rad01/var/log/radius.log", rotate=7)

    def line(self, time: int, text: str, mark: int = 0, kind: str | None = None, user: str | None = None, src: str | None = None) -> None:
        """Add a line of the server."""
        self.log.say(time, f"{self.head(time)} openvpn[877]: {text}", mark, (kind, user, src) if kind else None)

    def asked(self, time: int, text: str, mark: int, kind: str, user: str, src: str) -> None:
        """Add a line of the RADIUS server."""
        line = f"{self.stamp(time)} rad01 radiusd[931]: ({self.count()}) {text} (from client {self.host.name} port 0 cli {src})"
        self.radius.say(time, line, mark, (kind, user, src))

    def fail(self, time: int, user: str, src: str, *, exists: bool = True, mark: int = 0) -> int:
        """Say a refused logon: OpenVPN has the address, RADIUS both."""
        port = self.port()
        peer, socket = f"{bracketed(src)}:{port}", f"[AF_INET{'6' if ':' in src else ''}]{src}:{port}"
        self.asked(time, f"{'Login incorrect' if exists else 'Invalid user'}: [{user}/<via Auth-Type = pap>]", mark, "auth_failure", user, src)
        self.line(time + 30 * MS, f"{peer} TLS Auth Error: Auth Username/Password verification failed for peer", mark, "auth_failure", None, src)
        self.line(time + 400 * MS, f"{peer} [{user}] Peer Connection Initiated with {socket}", mark)
        return time + 2 * SECOND

    def enter(self, time: int, user: str, src: str, until: int, client: str = "", mark: int = 0) -> Entry:
        """Say an accepted logon."""
        inner, port = self.lease(time, until), self.port()
        peer, socket = f"{bracketed(src)}:{port}", f"[AF_INET{'6' if ':' in src else ''}]{src}:{port}"
        self.asked(time - 40 * MS, f"Login OK: [{user}/<via Auth-Type = pap>]", mark, "auth_success", user, src)
        self.line(time, f"{peer} TLS: Username/Password authentication succeeded for username '{user}' [CN SET]", mark, "session_start", user, src)
        self.line(time + 60 * MS, f"{peer} [{user}] Peer Connection Initiated with {socket}", mark, "session_start", user, src)
        self.line(time + 90 * MS, f"{user}/{peer} MULTI: Learn: {inner} -> {user}/{peer}", mark, "session_start", user, src)
        self.line(time + 91 * MS, f"{user}/{peer} MULTI: primary virtual IP for {user}/{peer}: {inner}", mark, "auth_success", user, src)
        if self.dual:
            second = self.lease_v6(inner)
            self.line(time + 92 * MS, f"{user}/{peer} MULTI: Learn: {second} -> {user}/{peer}", mark, "session_start", user, src)
            self.line(time + 93 * MS, f"{user}/{peer} MULTI: primary virtual IPv6 for {user}/{peer}: {second}", mark)
        return Entry(self.host.name, user, src, time, peer, port, inner=inner)

    def leave(self, time: int, entry: Entry, received: int, sent: int, mark: int = 0) -> None:
        """Say the end of a session; the server's log has no bytes."""
        entry.open = False
        self.line(
            time,
            f"{entry.user}/{entry.id} SIGTERM[soft,remote-exit] received, client-instance exiting",
            mark,
            "session_end",
            entry.user,
            entry.source,
        )
