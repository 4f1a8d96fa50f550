r"""WatchGuard Firebox (Fireware): logons of Mobile VPN, of firewall users and of administrators.

``msg_id="1100-0005" Authentication of SSLVPN user [ann@Firebox-DB] from 203.0.113.7 was rejected, password is incorrect``

=============================================  ============================================================================
message                                        becomes
=============================================  ============================================================================
Authentication of … user … accepted, rejected  ``auth_success``, ``auth_failure``; of an administrator service web
… user … logged in                             ``session_start`` with ``assigned_ip``; logged out: ``session_end``
User … is locked out                           ``ban``
Management user … modified, added, deleted     ``config_change``
=============================================  ============================================================================

The server that knows the user (``Firebox-DB``, a domain of Active Directory) is ``extra.server``. Packets are ignored.

References: https://www.watchguard.com/help/docs/help-center/en-US/Content/en-US/Fireware/log_message_catalog/log_catalog.html
"""

from __future__ import annotations

from gatewatch.schema.events import Kind, Service
from gatewatch.sources.pattern import Pattern, PatternSource

_IP = r"[0-9A-Fa-f.:]*[0-9A-Fa-f]"
_ID = r'^(?:msg_id="(?P<x_id>[^"]*)" )?'
_USER = r"\[?(?P<user>[^ @\[\]]+)(?:@(?P<x_server>[^ \[\]]+))?\]?"
_MANAGE = r"(?:[Mm]anagement|Administrator|WSM|Fireware Web UI|Firebox System Manager|[Dd]evice administrator)"
_PASSWORD = {"auth_method": "password"}
_WEB = {"service": str(Service.WEB)}

PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "firebox-admin-accepted",
        (),
        (rf"{_ID}Authentication of {_MANAGE} user {_USER} from (?P<rhost>{_IP}) (?:was )?accepted[^\[\]]*$",),
        Kind.AUTH_SUCCESS,
        set={**_PASSWORD, **_WEB},
    ),
    Pattern(
        "firebox-admin-refused",
        (),
        (rf"{_ID}Authentication of {_MANAGE} user {_USER} from (?P<rhost>{_IP}) (?:was )?rejected(?:, (?P<object>[^\[\]]*))?$",),
        Kind.AUTH_FAILURE,
        set={**_PASSWORD, **_WEB},
    ),
    Pattern(
        "firebox-accepted",
        (),
        (rf"{_ID}Authentication of (?P<x_what>[A-Za-z0-9 ]+) {_USER} from (?P<rhost>{_IP}) (?:was )?accepted[^\[\]]*$",),
        Kind.AUTH_SUCCESS,
        set=_PASSWORD,
    ),
    Pattern(
        "firebox-refused",
        (),
        (rf"{_ID}Authentication of (?P<x_what>[A-Za-z0-9 ]+) {_USER} from (?P<rhost>{_IP}) (?:was )?rejected(?:, (?P<object>[^\[\]]*))?$",),
        Kind.AUTH_FAILURE,
        set=_PASSWORD,
    ),
    Pattern(
        "firebox-admin-in",
        (),
        (rf"{_ID}{_MANAGE} user {_USER} from (?P<rhost>{_IP}) logged in\.?$",),
        Kind.SESSION_START,
        set=_WEB,
    ),
    Pattern("firebox-admin-out", (), (rf"{_ID}{_MANAGE} user {_USER} from (?P<rhost>{_IP}) logged out\.?$",), Kind.SESSION_END, set=_WEB),
    Pattern(
        "firebox-in",
        (),
        (
            rf"{_ID}(?P<x_what>[A-Za-z0-9 ]+) user {_USER} from (?P<rhost>{_IP}) logged in(?:,? assigned virtual IP is (?P<assigned_ip>{_IP}))?\.?$",
            (
                rf"{_ID}(?P<x_what>[A-Za-z0-9 ]+) user {_USER} logged in\. Virtual IP address is (?P<assigned_ip>{_IP})\. "
                rf"Real IP address is (?P<rhost>{_IP})\.?$"
            ),
        ),
        Kind.SESSION_START,
    ),
    Pattern(
        "firebox-out",
        (),
        (
            (
                rf"{_ID}(?P<x_what>[A-Za-z0-9 ]+) user {_USER} from (?P<rhost>{_IP}) logged out"
                rf"(?:,? (?:assigned )?virtual IP (?:address )?(?:is|was) (?P<assigned_ip>{_IP}))?\.?$"
            ),
            (
                rf"{_ID}(?P<x_what>[A-Za-z0-9 ]+) user {_USER} logged out\. Virtual IP address is (?P<assigned_ip>{_IP})\.?"
                rf"(?: Real IP address is (?P<rhost>{_IP})\.?)?$"
            ),
        ),
        Kind.SESSION_END,
    ),
    Pattern(
        "firebox-locked",
        (),
        (rf"{_ID}User {_USER} is locked out (?P<object>[a-z ]*after [0-9]+ login failures)$",),
        Kind.BAN,
    ),
    Pattern(
        "firebox-configured",
        (),
        (rf"{_ID}{_MANAGE} user {_USER} from (?P<rhost>{_IP}) (?P<object>(?:modified|added|deleted|changed|updated|imported|restored) [^\[\]]*)$",),
        Kind.CONFIG_CHANGE,
        set=_WEB,
    ),
    Pattern("firebox-other", (), (r'^(?:msg_id="|(?:Allow|Deny|ProxyAllow|ProxyDeny) )',), why="packets, and other events than logons"),
)

SOURCE = PatternSource(
    name="watchguard",
    title="WatchGuard Firebox",
    programs=("admd", "sessiond", "wgagent"),
    patterns=PATTERNS,
    service=Service.VPN,
    claims_message=r'^msg_id="[0-9A-F]{4}-[0-9A-F]{4}" ',
    references=("https://www.watchguard.com/help/docs/help-center/en-US/Content/en-US/Fireware/log_message_catalog/log_catalog.html",),
)
