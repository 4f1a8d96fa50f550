"""Cisco ASA over syslog: AnyConnect logons, sessions, addresses, resumption; administrators.

``2026-03-02T08:15:00.123456+00:00 asa01 %ASA-6-113039: Group <staff> User <ann> IP <84.1.2.3> AnyConnect parent session started.``

Source: Cisco's syslog guide, per message id.
"""

from __future__ import annotations

from typing import ClassVar

from gatewatch.lab.moment import MS
from gatewatch.lab.writer.device import Entry
from gatewatch.lab.writer.gateway import Gateway, span


class CiscoAsa(Gateway):
    """The log of an ASA."""

    format: ClassVar[str] = "cisco-asa"
    pool = 60
    leases_v6 = True

    def line(
        self, time: int, level: int, number: int, text: str, mark: int = 0, kind: str | None = None, user: str | None = None, src: str | None = None
    ) -> None:
        """Add a message."""
        self.log.say(time, f"{self.head(time)} %ASA-{level}-{number}: {text}", mark, (kind, user, src) if kind else None)

    def fail(self, time: int, user: str, src: str, *, exists: bool = True, mark: int = 0) -> int:
        """Say a refused logon."""
        reason = "Invalid password" if exists else "User was not found"
        text = f"AAA user authentication Rejected : reason = {reason} : server = 10.10.3.2 : user = {user} : user IP = {src}"
        self.line(time, 6, 113005, text, mark, "auth_failure", user, src)
        return time + 900 * MS

    def enter(self, time: int, user: str, src: str, until: int, client: str = "", mark: int = 0) -> Entry:
        """Say an accepted logon."""
        inner = self.lease(time, until)
        group = f"Group <staff> User <{user}> IP <{src}>"
        self.line(time, 6, 113004, f"AAA user authentication Successful : server =  10.10.3.2 : user = {user}", mark)
        self.line(time + 40 * MS, 6, 113039, f"{group} AnyConnect parent session started.", mark, "auth_success", user, src)
        text = f"{group} IPv4 Address <{inner}> IPv6 address <{self.lease_v6(inner) if self.dual else '::'}> assigned to session"
        self.line(time + 90 * MS, 4, 722051, text, mark, "session_start", user, src)
        self.line(time + 140 * MS, 6, 722022, f"{group} TCP SVC connection established without compression", mark)
        return Entry(self.host.name, user, src, time, f"{user}@{src}", inner=inner)

    def leave(self, time: int, entry: Entry, received: int, sent: int, mark: int = 0) -> None:
        """Say the end of a session."""
        entry.open = False
        hours, minutes, seconds = span(max(0, time - entry.time))
        text = f"Group = staff, Username = {entry.user}, IP = {entry.source}, Session disconnected. Session Type: SSL, Duration: "
        text += f"{hours}h:{minutes:02d}m:{seconds:02d}s, Bytes xmt: {sent}, Bytes rcv: {received}, Reason: User Requested"
        self.line(time, 4, 113019, text, mark, "session_end", entry.user, entry.source)

    def resume(self, time: int, entry: Entry, src: str, mark: int = 0) -> None:
        """Say that a session goes on from another address."""
        group = f"Group <staff> User <{entry.user}> IP <{entry.source}>"
        self.line(time - 30_000 * MS, 6, 716058, f"{group} AnyConnect session lost connection. Waiting to resume.", mark)
        self.line(time, 6, 716059, f"{group} AnyConnect session resumed. Connection from <{src}>.", mark, "auth_success", entry.user, src)

    def administer(self, time: int, user: str, src: str, change: str, name: str, mark: int = 0) -> None:
        """Say an administrator's logon or change."""
        if not change:
            text = f'Login permitted from {src}/{self.port()} to outside:{self.outer(src)}/ssh for user "{user}"'
            self.line(time, 6, 605005, text, mark, "auth_success", user, src)
            return
        command = {
            "portal": "import webvpn customization DfltCustomization disk0:/logon.xml",
            "user": f"username {name} password *****",
            "logging": "no logging enable",
        }[change]
        kind = {"user": "account_change", "portal": "config_change"}.get(change)
        self.line(time, 5, 111010, f"User '{user}', running 'CLI' from IP {src}, executed '{command}'", mark, kind, user, src)
