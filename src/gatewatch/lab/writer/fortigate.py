"""Fortinet FortiGate over syslog: SSL VPN and administrators, as key=value pairs.

``date=2026-03-02 time=08:15:00 devname="fgt01" … logid="0101039424" … action="tunnel-up" tunnelid=7 remip=84.1.2.3 user="ann" …``

Source: Fortinet's FortiOS log message reference.
"""

from __future__ import annotations

from typing import ClassVar

from gatewatch.lab.moment import SECOND, second_of
from gatewatch.lab.writer.device import Entry
from gatewatch.lab.writer.gateway import Gateway


class FortiGate(Gateway):
    """The log of a FortiGate."""

    format: ClassVar[str] = "fortigate"
    pool = 61

    def line(
        self,
        time: int,
        number: str,
        level: str,
        text: str,
        mark: int = 0,
        kind: str | None = None,
        user: str | None = None,
        src: str | None = None,
        sub: str = "vpn",
    ) -> None:
        """Add an event."""
        at = time + self.host.skew
        day, _, clock = second_of(at).partition("T")
        head = f'date={day} time={clock} devname="{self.host.name}" devid="FG100FTK20000001" eventtime={at * 1000} tz="+0000" logid="{number}" type="event"'
        fact = (kind, user, src) if kind else None
        self.log.say(time, f'{self.head(time)} {head} subtype="{sub}" level="{level}" vd="root" {text}', mark, fact)

    def fail(self, time: int, user: str, src: str, *, exists: bool = True, mark: int = 0) -> int:
        """Say a refused logon."""
        reason = "sslvpn_login_permission_denied" if exists else "sslvpn_login_unknown_user"
        text = f'logdesc="SSL VPN login fail" action="ssl-login-fail" tunneltype="ssl-web" tunnelid=0 remip={src} user="{user}" group="N/A" '
        text += f'dst_host="N/A" reason="{reason}" msg="SSL user failed to logged in"'
        self.line(time, "0101039426", "alert", text, mark, "auth_failure", user, src)
        return time + SECOND

    def enter(self, time: int, user: str, src: str, until: int, client: str = "", mark: int = 0) -> Entry:
        """Say an accepted logon."""
        self._tunnel += 1
        inner = self.lease(time, until)
        pairs = f'tunnelid={self._tunnel} remip={src} user="{user}" group="staff" dst_host="N/A"'
        text = f'logdesc="SSL VPN tunnel up" action="tunnel-up" tunneltype="ssl-web" {pairs} reason="login successfully" msg="SSL tunnel established"'
        self.line(time, "0101039424", "information", text, mark, "auth_success", user, src)
        pairs = f'tunnelid={self._tunnel} remip={src} tunnelip={inner} user="{user}" group="staff" dst_host="N/A"'
        text = (
            f'logdesc="SSL VPN tunnel up" action="tunnel-up" tunneltype="ssl-tunnel" {pairs} reason="tunnel established" msg="SSL tunnel established"'
        )
        self.line(time + SECOND, "0101039947", "information", text, mark, "auth_success", user, src)
        return Entry(self.host.name, user, src, time, str(self._tunnel), inner=inner)

    def leave(self, time: int, entry: Entry, received: int, sent: int, mark: int = 0) -> None:
        """Say the end of a session."""
        entry.open = False
        pairs = f'tunnelid={entry.id} remip={entry.source} tunnelip={entry.inner} user="{entry.user}" group="staff" dst_host="N/A" reason="N/A"'
        text = f'logdesc="SSL VPN tunnel down" action="tunnel-down" tunneltype="ssl-tunnel" {pairs} duration={max(0, time - entry.time) // SECOND} '
        text += f'sentbyte={sent} rcvdbyte={received} msg="SSL tunnel shutdown"'
        self.line(time, "0101039948", "information", text, mark, "session_end", entry.user, entry.source)

    def resume(self, time: int, entry: Entry, src: str, mark: int = 0) -> None:
        """Say that a tunnel goes on from another address: the same id, another remote address."""
        pairs = f'tunnelid={entry.id} remip={src} tunnelip={entry.inner} user="{entry.user}" group="staff" dst_host="N/A"'
        text = (
            f'logdesc="SSL VPN tunnel up" action="tunnel-up" tunneltype="ssl-tunnel" {pairs} reason="tunnel established" msg="SSL tunnel established"'
        )
        self.line(time, "0101039947", "information", text, mark, "auth_success", entry.user, src)

    def administer(self, time: int, user: str, src: str, change: str, name: str, mark: int = 0) -> None:
        """Say an administrator's logon or change."""
        if not change:
            text = f'logdesc="Admin login successful" sn="{time // SECOND}" user="{user}" ui="https({src})" method="https" srcip={src} dstip={self.outer(src)} '
            text += f'action="login" status="success" reason="none" profile="super_admin" msg="Administrator {user} logged in successfully from https({src})"'
            self.line(time, "0100032001", "information", text, mark, "auth_success", user, src, sub="system")
            return
        action, path, thing, attribute = {
            "portal": ("Edit", "system.replacemsg.sslvpn", "sslvpn-login", "buffer[<html>]"),
            "user": ("Add", "user.local", name, "type[password]passwd[*]"),
            "logging": ("Edit", "log.syslogd.setting", "", "status[enable->disable]"),
        }[change]
        text = f'logdesc="Object attribute configured" user="{user}" ui="GUI({src})" action="{action}" cfgtid=4456463 cfgpath="{path}" '
        text += f'cfgobj="{thing}" cfgattr="{attribute}" msg="{action} {path} {thing}"'
        kind = {"user": "account_change", "portal": "config_change"}.get(change)
        self.line(time, "0100044547", "information", text, mark, kind, user, src, sub="system")
