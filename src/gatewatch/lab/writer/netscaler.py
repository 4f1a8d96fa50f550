"""Citrix ADC (NetScaler) over syslog: the gateway's logons and sessions.

``default SSLVPN LOGIN 2345680 0 : Context ann@84.1.2.3 - SessionId: 1234 - User ann - Client_ip 84.1.2.3 - Nat_ip "Mapped Ip" - …``

Source: Citrix ADC syslog message reference.
"""

from __future__ import annotations

from typing import ClassVar

from gatewatch.lab.moment import SECOND, wall
from gatewatch.lab.writer.device import Entry
from gatewatch.lab.writer.gateway import Gateway, span

_LAYOUT = "%m/%d/%Y:%H:%M:%S GMT"


class NetScaler(Gateway):
    """The log of a NetScaler gateway."""

    format: ClassVar[str] = "netscaler"
    pool = 64

    def line(self, time: int, text: str, mark: int = 0, kind: str | None = None, user: str | None = None, src: str | None = None) -> None:
        """Add a message."""
        at = wall(time + self.host.skew, "UTC", _LAYOUT)
        self.log.say(time, f"{self.head(time)} {at} {self.host.name} 0-PPE-0 : default {text}", mark, (kind, user, src) if kind else None)

    def fail(self, time: int, user: str, src: str, *, exists: bool = True, mark: int = 0) -> int:
        """Say a refused logon."""
        text = f'AAA LOGIN_FAILED {self.count()} 0 : User {user} - Client_ip {src} - Failure_reason "External authentication server denied access" - Browser Mozilla/5.0'
        self.line(time, text, mark, "auth_failure", user, src)
        return time + SECOND

    def enter(self, time: int, user: str, src: str, until: int, client: str = "", mark: int = 0) -> Entry:
        """Say an accepted logon."""
        self._tunnel += 1
        inner = self.lease(time, until)
        text = f"SSLVPN LOGIN {self.count()} 0 : Context {user}@{src} - SessionId: {self._tunnel} - User {user} - Client_ip {src} - "
        text += f'Nat_ip "Mapped Ip" - Vserver {self.outer(src)}:443 - Browser_type "Mozilla/5.0 (Windows NT 10.0; Win64; x64)" - '
        self.line(time, f'{text}SSLVPN_client_type ICA - Group(s) "staff"', mark, "auth_success", user, src)
        return Entry(self.host.name, user, src, time, str(self._tunnel), inner=inner)

    def leave(self, time: int, entry: Entry, received: int, sent: int, mark: int = 0) -> None:
        """Say the end of a session."""
        entry.open = False
        hours, minutes, seconds = span(max(0, time - entry.time))
        text = f"SSLVPN LOGOUT {self.count()} 0 : Context {entry.user}@{entry.source} - SessionId: {entry.id} - User {entry.user} - Client_ip {entry.source} - "
        text += f'Nat_ip "Mapped Ip" - Vserver {self.outer(entry.source)}:443 - Start_time "{wall(entry.time, "UTC", _LAYOUT)}" - End_time "{wall(time, "UTC", _LAYOUT)}" - '
        text += f"Duration {hours:02d}:{minutes:02d}:{seconds:02d}  - Http_resources_accessed 0 - NonHttp_services_accessed 0 - Total_TCP_connections 11 - "
        text += f"Total_UDP_flows 0 - Total_policies_allowed 11 - Total_policies_denied 0 - Total_bytes_send {sent} - Total_bytes_recv {received} - "
        text += "Total_compressedbytes_send 0 - Total_compressedbytes_recv 0 - Compression_ratio_send 0.00% - Compression_ratio_recv 0.00% - "
        self.line(time, f'{text}LogoutMethod "Explicit" - Group(s) "staff"', mark, "session_end", entry.user, entry.source)
