"""Palo Alto GlobalProtect over syslog: comma-separated rows of logons and tunnels.

``1,2026/03/02 08:15:00,0123,GLOBALPROTECT,0,2561,2026/03/02 08:15:00,vsys1,gateway-auth,login,LDAP,,ann,DE,PC1,84.1.2.3,…,success,…``

Source: Palo Alto's field descriptions of GlobalProtect logs (PAN-OS 11.0).
"""

from __future__ import annotations

from typing import ClassVar

from gatewatch.lab.moment import SECOND, wall
from gatewatch.lab.writer.device import Entry
from gatewatch.lab.writer.gateway import Gateway


class GlobalProtect(Gateway):
    """The log of a PAN-OS gateway."""

    format: ClassVar[str] = "globalprotect"
    pool = 62
    leases_v6 = True

    def row(
        self,
        time: int,
        event: str,
        stage: str,
        user: str,
        src: str,
        inner: str,
        client: str,
        ok: bool,
        reason: str,
        duration: int,
        mark: int,
        kind: str | None,
    ) -> None:
        """Add a row."""
        at = wall(time + self.host.skew, "UTC", "%Y/%m/%d %H:%M:%S")
        country = self.stage.organisation.atlas.country(src) or "ZZ"
        method, tunnel = ("LDAP", "") if stage == "login" else ("", "IPSec")
        outside = ("0.0.0.0", src) if ":" in src else (src, "0.0.0.0")
        second = self.lease_v6(inner) if self.dual and inner != "0.0.0.0" else "0.0.0.0"
        fields = [
            "1", at, "012301000001", "GLOBALPROTECT", "0", "2561", at, "vsys1", event, stage, method, tunnel, user, country, client, *outside,
            inner, second, "985e865f", "", "6.2.4", "Windows", '"Windows 11 Enterprise , 64-bit"', "1", "", reason, "", "success" if ok else "failure",
            "", str(duration), "user-logon", "0", "GP_GW", str(self.count()), "0x8000000000000000",
        ]  # fmt: skip
        self.log.say(time, f"{self.head(time)} {','.join(fields)}", mark, (kind, user, src) if kind else None)

    def fail(self, time: int, user: str, src: str, *, exists: bool = True, mark: int = 0) -> int:
        """Say a refused logon; the row says nothing of whether the account exists."""
        reason = '"Authentication failed: Invalid username or password"'
        self.row(time, "gateway-auth", "login", user, src, "0.0.0.0", "", False, reason, 0, mark, "auth_failure")
        return time + SECOND

    def enter(self, time: int, user: str, src: str, until: int, client: str = "", mark: int = 0) -> Entry:
        """Say an accepted logon."""
        inner = self.lease(time, until)
        self.row(time, "gateway-auth", "login", user, src, "0.0.0.0", client, True, "", 0, mark, "auth_success")
        self.row(time + 2 * SECOND, "gateway-connected", "connected", user, src, inner, client, True, "", 0, mark, "session_start")
        return Entry(self.host.name, user, src, time, f"{user}@{src}", inner=inner, tty=client)

    def leave(self, time: int, entry: Entry, received: int, sent: int, mark: int = 0) -> None:
        """Say the end of a session."""
        entry.open = False
        duration = max(0, time - entry.time) // SECOND
        self.row(
            time, "gateway-logout", "logout", entry.user, entry.source, entry.inner, entry.tty, True, "client logout", duration, mark, "session_end"
        )

    def resume(self, time: int, entry: Entry, src: str, mark: int = 0) -> None:
        """Say that a tunnel goes on from another address: connected again, with the same inner one."""
        self.row(time, "gateway-connected", "connected", entry.user, src, entry.inner, entry.tty, True, "", 0, mark, "session_start")

    def administer(self, time: int, user: str, src: str, change: str, name: str, mark: int = 0) -> None:
        """Say an administrator's logon (a system row) or change (a configuration row)."""
        at = wall(time + self.host.skew, "UTC", "%Y/%m/%d %H:%M:%S")
        if not change:
            told = f'"User {user} logged in via Web from {src} using https"'
            row = f"1,{at},012301000001,SYSTEM,general,2561,{at},,general,,0,0,general,informational,{told},{self.count()},0x0,0,0,0,0,,{self.host.name},0,0"
            self.log.say(time, f"{self.head(time)} {row}", mark, ("auth_success", user, src))
            return
        command, path = {
            "portal": ("set", "shared response-page global-protect-portal-custom-login-page"),
            "user": ("set", f"shared local-user-database user {name}"),
            "logging": ("delete", "shared log-settings syslog central"),
        }[change]
        row = f"1,{at},012301000001,CONFIG,0,2561,{at},{src},,{command},{user},Web,Succeeded, {path},{self.count()},0x0,0,0,0,0,,{self.host.name},0"
        kind = {"user": "account_change", "portal": "config_change"}.get(change)
        self.log.say(time, f"{self.head(time)} {row}", mark, (kind, user, src) if kind else None)
