r"""What a Cisco ASA says about remote access: AAA results, AnyConnect and clientless sessions, IKE, inner addresses.

Texts are those after the number, which :mod:`.cisco_asa` puts before them. The words ``Group``, ``User`` and ``IP`` come with or without angle
brackets, by version; a user's own text is the last thing before the words that end the line.
"""

from __future__ import annotations

from gatewatch.schema.events import Kind, Service
from gatewatch.sources.pattern import Pattern

IP = r"[0-9A-Fa-f.:]+(?:%[0-9A-Za-z_.-]+)?"
IP_END = r"[0-9A-Fa-f.:]*[0-9A-Fa-f:]"  # where a full stop may follow
_PEERS = r"Local: ?[^ ]+:[0-9]+ Remote: ?(?P<rhost>[^ ]+):(?P<src_port>[0-9]+)"
_NAME = r"(?:[Uu]nknown|(?P<user>.*?))(?: IKEv2)?"
_AAA = r"(?P<x_server>[^ ,]*) *[:,] *[Uu]ser ?= ?"
_WHO = rf"(?P<user>.*) ?: user IP ?= ?(?P<rhost>{IP})$"
_METHOD = {"auth_method": "password"}
_UNKNOWN = {"auth_method": "unknown"}
_NEVER = {"auth_method": "none"}
_TOKEN = {"auth_method": "token"}
_TYPES = {"WebVPN": Service.VPN, "Admin": Service.WEB, "admin": Service.WEB}
# the directory tells these only to who knows the password
_EXPIRED = r"(?P<object>Password has expired|Password is expiring|Users? account has expired|Account has been disabled|Account (?:has )?expired)"
_TEXT = "[!-;=?-~ ]*"  # the device's own words
_REASON = r"(?P<object>[^:]*?)"


def who(tail: str) -> tuple[str, ...]:
    """Return the regexes of a text ``Group <g> User <u> IP <ip> tail``, with and without brackets."""
    return (
        rf"^[0-9]{{6}}: Group <(?P<x_group>.*?)> User (?:<(?P<user>.*)> )?IP <(?P<rhost>{IP})> {tail}$",
        rf"^[0-9]{{6}}: Group (?P<x_group>[^<>]*?) User (?P<user>[^<>]*) IP (?P<rhost>{IP}) {tail}$",
    )


def _rejected(reason: str) -> tuple[str, ...]:
    """Return the regexes of an AAA rejection for *reason*, with the address of the user and without."""
    start = (
        rf"^[0-9]{{6}}: AAA (?:user authentication Rejected|credentials rejected) ?: reason ?= ?{reason} ?: (?:server ?= ?{_AAA}|local "
        r"database ?: user ?= ?)"
    )
    return (f"{start}{_WHO}", rf"{start}(?P<user>[^:]*)$")


PATTERNS: tuple[Pattern, ...] = (
    Pattern("anyconnect-started", ("113039: ",), who(r"AnyConnect parent session started\.?"), Kind.AUTH_SUCCESS, set=_UNKNOWN),
    Pattern("webvpn-started", ("716001: ",), who(r"WebVPN session started\.?"), Kind.AUTH_SUCCESS, set=_UNKNOWN),
    Pattern(
        "ikev1-authenticated",
        ("713052: ",),
        (rf"^713052: Group = (?P<x_group>.*?), Username = (?P<user>.*), IP = (?P<rhost>{IP}), User \([^)]*\) authenticated\.?$",),
        Kind.AUTH_SUCCESS,
        set=_UNKNOWN,
    ),
    Pattern(
        "phase-1-completed",
        ("713119: ",),
        ("^713119: ",),
        why="a peer's key or certificate fitted: a site, or a client whose user is asked for next (713052 tells)",
    ),
    Pattern(
        "session-resumed",
        ("716059: ",),
        (
            (
                rf"^716059: Group <(?P<x_group>.*?)> User (?:<(?P<user>.*)> )?IP <(?P<x_previous_ip>{IP})> "
                rf"AnyConnect session resumed(?:\. Connection from| connection from IP) <(?P<rhost>{IP})>\.?$"
            ),
            (
                rf"^716059: Group (?P<x_group>[^<>]*?) User (?P<user>[^<>]*) IP (?P<x_previous_ip>{IP}) "
                rf"AnyConnect session resumed(?:\. Connection from| connection from IP) (?P<rhost>{IP_END})\.?$"
            ),
        ),
        Kind.AUTH_SUCCESS,
        set=_TOKEN,
    ),
    Pattern("session-suspended", ("716058: ",), who(r"AnyConnect session lost connection\. Waiting to resume\.?"), Kind.SESSION_END),
    Pattern(
        "webvpn-authenticated",
        ("716038: ",),
        (
            *who(r"Authentication: successful, Session Type: (?P<service>WebVPN|[Aa]dmin)\.?"),
            r"^716038: Authentication: successful, group = (?P<x_group>[^ ]*) user = (?P<user>.*?) ?, Session Type: (?P<service>WebVPN|[Aa]dmin)\.?$",
        ),
        Kind.SESSION_START,
        services=_TYPES,
    ),
    Pattern(
        "webvpn-refused",
        ("716039: ",),
        (
            *who(r"Authentication: rejected, Session Type: (?P<service>WebVPN|[Aa]dmin)\.?"),
            r"^716039: Authentication: rejected, group = (?P<x_group>[^ ]*) user = (?P<user>.*?) ?, Session Type: (?P<service>WebVPN|[Aa]dmin)\.?$",
        ),
        Kind.AUTH_FAILURE,
        set=_METHOD,
        services=_TYPES,
    ),
    Pattern(
        "aaa-expired",
        ("113005: ", "113015: ", "113016: ", "113017: "),
        _rejected(_EXPIRED),
        Kind.AUTH_STOPPED,
        set=_METHOD,
    ),
    Pattern(
        "aaa-unknown-user",
        ("113005: ", "113015: ", "113016: ", "113017: "),
        _rejected("(?P<object>User was not found)"),
        Kind.AUTH_FAILURE,
        set={**_METHOD, "invalid_user": True},
    ),
    Pattern("aaa-rejected", ("113005: ", "113015: ", "113016: ", "113017: "), _rejected(_REASON), Kind.AUTH_FAILURE, set=_METHOD),
    Pattern(
        "aaa-unauthorized",
        ("113005: ", "113015: "),
        tuple(
            regex.replace("(?:user authentication Rejected|credentials rejected)", "user (?:authorization|accounting) Rejected")
            for regex in _rejected(_REASON)
        ),
        Kind.AUTH_STOPPED,
        set=_UNKNOWN,
    ),
    Pattern(
        "aaa-accepted",
        ("113004: ",),
        (rf"^113004: AAA user authentication Successful ?: server ?= *{_AAA}(?P<user>.*)$",),
        Kind.SESSION_START,
    ),
    Pattern(
        "aaa-step",
        ("113004: ", "113012: "),
        (r"^113(?:004|012): AAA user (?:authorization|accounting) Successful",),
        why="a step after the authentication, which another message reports",
    ),
    Pattern(
        "aaa-local-accepted",
        ("113012: ",),
        (r"^113012: AAA user authentication Successful ?: local database ?: user ?= ?(?P<user>.*)$",),
        Kind.SESSION_START,
    ),
    Pattern(
        "aaa-simultaneous",
        ("113013: ",),
        (
            (
                r"^113013: AAA unable to complete the request Error ?: reason ?= ?(?P<object>Simultaneous logins exceeded for user) ?: "
                r"user ?= ?(?P<user>.*)$"
            ),
        ),
        Kind.AUTH_STOPPED,
        set=_UNKNOWN,
    ),
    Pattern(
        "aaa-error",
        ("113013: ", "113014: "),
        (
            r"^113013: AAA unable to complete the request Error ?: reason ?= ?(?P<object>[^:]*?) ?: user ?= ?(?P<user>.*)$",
            rf"^113014: (?P<object>AAA authentication server not accessible) ?: server ?= *{_AAA}(?P<user>.*)$",
        ),
        Kind.AUTH_FAILURE,
        set=_NEVER,
    ),
    Pattern(
        "aaa-locked",
        ("113006: ",),
        (r"^113006: User '?(?P<target_user>.*?)'? locked out on exceeding '?(?P<x_failures>[0-9]+)'? successive failed authentication attempts$",),
        Kind.ACCOUNT_CHANGE,
        set={"object": "locked"},
    ),
    Pattern(
        "aaa-unlocked",
        ("113007: ",),
        (r"^113007: User '?(?P<target_user>.*?)'? unlocked by '?(?P<user>.*?)'?$",),
        Kind.ACCOUNT_CHANGE,
        set={"object": "unlocked"},
    ),
    Pattern(
        "session-refused",
        ("113029: ", "113030: ", "113033: ", "113035: ", "113038: ", "716023: "),
        who(
            rf"(?P<object>Session could not be established: {_TEXT}|User ACL {_TEXT} terminating connection\.?|"
            rf"AnyConnect session not allowed\. {_TEXT}|Session terminated: {_TEXT}|Unable to create AnyConnect parent session\.?)"
        ),
        Kind.AUTH_STOPPED,
        set=_UNKNOWN,
    ),
    Pattern(
        "group-refused",
        ("113037: ", "113040: "),
        (
            r"^113040: Terminating the VPN connection attempt from (?P<x_group>.*)\. Reason: (?P<object>.*)$",
            r"^113037: (?P<object>Reboot pending, .*)$",
        ),
        Kind.AUTH_STOPPED,
        set=_UNKNOWN,
    ),
    Pattern(
        "policy-refused",
        ("734002: ",),
        (rf"^734002: DAP: User (?P<user>.*), Addr (?P<rhost>{IP}): Connection terminated by the following DAP records: (?P<object>[!-~]+)$",),
        Kind.AUTH_STOPPED,
        set=_UNKNOWN,
    ),
    Pattern(
        "disconnected",
        ("113019: ",),
        (
            (
                rf"^113019: Group = (?P<x_group>.*?), Username = (?P<user>.*), IP = (?P<rhost>{IP}), Session disconnected\. "
                r"Session Type: (?P<x_type>[^,]*), Duration: (?P<x_duration>[0-9dhms: ]+), Bytes xmt: (?P<bytes_out>[0-9]+), "
                r"Bytes rcv: (?P<bytes_in>[0-9]+), Reason: (?P<object>[^=<>]*)$"
            ),
        ),
        Kind.SESSION_END,
    ),
    Pattern(
        "torn-down",
        ("713259: ",),
        (
            (
                rf"^713259: Group = (?P<x_group>.*?), Username = (?P<user>.*), IP = (?P<rhost>{IP}), Session is being torn down\. "
                r"Reason: (?P<object>[^=<>]*)$"
            ),
        ),
        Kind.CONNECTION_CLOSED,
    ),
    Pattern("webvpn-ended", ("716002: ",), who(r"WebVPN session terminated: (?P<object>[A-Za-z0-9 :-]+)\.?"), Kind.SESSION_END),
    Pattern(
        "svc-established",
        ("722022: ", "722033: ", "722034: "),
        who(
            r"(?P<object>(?:First |New )?(?:TCP|UDP) SVC connection(?: established(?: for SVC session)?(?: with(?:out)? compression)?)?(?:, "
            r"no existing connection)?)\.?"
        ),
        Kind.SESSION_START,
    ),
    Pattern(
        "ikev1-terminated",
        ("713050: ",),
        (
            (
                rf"^713050: Group = (?P<x_group>.*?), Username = (?P<user>.*), IP = (?P<rhost>{IP}), Connection terminated for peer [^=]*?\. +"
                r"Reason: (?P<object>[^=]*?)(?: +Remote Proxy [^=]*)?$"
            ),
        ),
        Kind.SESSION_END,
    ),
    Pattern("ikev1-site-terminated", ("713050: ",), ("^713050: ",), why="the end of a tunnel between sites"),
    Pattern(
        "svc-terminated",
        ("722023: ", "722028: ", "722037: ", "722012: ", "722010: "),
        who(
            r"(?P<object>(?:TCP|UDP) SVC connection terminated with(?:out)? compression\.?|Stale SVC connection closed\.?|"
            rf"SVC closing connection: {_TEXT}|SVC Message: {_TEXT})"
        ),
        Kind.CONNECTION_CLOSED,
    ),
    Pattern("svc-replaced", ("722032: ",), who(r"New (?:TCP |UDP )?SVC connection replacing old connection\.?"), Kind.CONNECTION),
    Pattern(
        "address-assigned",
        ("722051: ",),
        who(rf"IPv4 Address <?(?P<assigned_ip>{IP})>? IPv6 [Aa]ddress <?(?P<x_ipv6>[^ <>]+)>? assigned to session\.?"),
        Kind.SESSION_START,
    ),
    Pattern(
        "ikev2-address-assigned",
        ("751025: ",),
        (
            (
                r"^751025: Local:(?P<dhost>[^ ]+):(?P<dst_port>[0-9]+) Remote:(?P<rhost>[^ ]+):(?P<src_port>[0-9]+) "
                r"Username:(?P<user>.*?)(?: IKEv2)? "
                rf"Group:(?P<x_group>.*) IPv4 Address=(?P<assigned_ip>{IP}) IPv6 address=(?P<x_ipv6>[^ ]+) assigned to session$"
            ),
        ),
        Kind.SESSION_START,
    ),
    Pattern(
        "ikev1-address-assigned",
        ("713228: ",),
        (
            (
                rf"^713228: Group = (?P<x_group>.*?), Username = (?P<user>.*), IP = (?P<rhost>{IP}), Assigned private IP address "
                rf"(?P<assigned_ip>{IP})(?: to remote user(?: [^,=]*)?)?$"
            ),
        ),
        Kind.SESSION_START,
    ),
    Pattern(
        "pool-assigned",
        ("737026: ",),
        (
            (
                r"^737026: IPAA: (?:Session=(?P<session>0x[0-9A-Fa-f]+), )?Client assigned (?P<assigned_ip>[0-9A-Fa-f.:]+) from (?:local "
                r")?pool(?: (?P<object>.*))?$"
            ),
            r"^737026: IPAA: (?:Session=(?P<session>0x[0-9A-Fa-f]+), )?Client assigned from local pool (?P<assigned_ip>[0-9A-Fa-f.:]+)$",
        ),
        Kind.SESSION_START,
        session_prefix="asa:",
    ),
    Pattern(
        "pool-freed",
        ("737016: ",),
        (
            (
                r"^737016: IPAA: (?:Session=(?P<session>0x[0-9A-Fa-f]+), )?Freeing local pool(?: (?P<object>.*))? address "
                r"(?P<assigned_ip>[0-9A-Fa-f.:]+)$"
            ),
        ),
        Kind.SESSION_END,
        session_prefix="asa:",
    ),
    Pattern(
        "uauth-added",
        ("109201: ", "109207: "),
        (
            (
                r"^109(?:201|207): UAUTH: Session=(?P<session>0x[0-9A-Fa-f]+), User=(?P<user>.*), Assigned IP=(?P<assigned_ip>[0-9A-Fa-f.:]+), "
                r"Succeeded (?:adding|updating) entry\.?$"
            ),
        ),
        Kind.SESSION_START,
        session_prefix="asa:",
    ),
    Pattern(
        "uauth-removed",
        ("109210: ", "109213: "),
        (
            (
                r"^109(?:210|213): UAUTH: Session=(?P<session>0x[0-9A-Fa-f]+), User=(?P<user>.*), Assigned IP=(?P<assigned_ip>[0-9A-Fa-f.:]+), "
                r"(?:Successfully removed the rules|Succeeded deleting entry|[Rr]emov).*$"
            ),
        ),
        Kind.SESSION_END,
        session_prefix="asa:",
    ),
    Pattern(
        "webvpn-created",
        ("721016: ",),
        (rf"^721016: \([^)]*\) WebVPN session for client user (?P<user>.*), (?:IP|IPv4|IPv6) (?P<rhost>{IP}) has been created\.?$",),
        Kind.SESSION_START,
    ),
    Pattern(
        "webvpn-deleted",
        ("721018: ",),
        (rf"^721018: \([^)]*\) WebVPN session for client user (?P<user>.*), (?:IP|IPv4|IPv6) (?P<rhost>{IP}) has been deleted\.?$",),
        Kind.SESSION_END,
    ),
    Pattern(
        "ikev2-failed",
        ("750003: ", "751011: "),
        (
            (
                rf"^750003: {_PEERS} Username:{_NAME} Negotiation aborted due to "
                r"ERROR: (?P<object>Auth exchange failed|.*[Aa]uthenticat.*)$"
            ),
            rf"^751011: {_PEERS} Username:{_NAME} (?P<object>Failed user authentication.*)$",
        ),
        Kind.AUTH_FAILURE,
        set=_UNKNOWN,
    ),
    Pattern(
        "ikev1-failed",
        ("713167: ", "713198: "),
        (
            (
                rf"^713167: Group = (?P<x_group>.*?), Username = (?P<user>.*), IP = (?P<rhost>{IP}), (?P<object>Remote peer has failed user "
                r"authentication)[^,]*$"
            ),
            rf"^713198: Group = (?P<x_group>.*?), Username = (?P<user>.*), IP = (?P<rhost>{IP}), (?P<object>User Authorization failed)[^,]*$",
        ),
        Kind.AUTH_FAILURE,
        set=_UNKNOWN,
    ),
    Pattern(
        "ikev1-simultaneous",
        ("713905: ",),
        (
            (
                rf"^713905: Group = (?P<x_group>.*?), Username = (?P<user>.*), IP = (?P<rhost>{IP}), (?P<object>Login authentication failed due to "
                r"max simultaneous-login restriction)\.?$"
            ),
        ),
        Kind.AUTH_STOPPED,
        set=_UNKNOWN,
    ),
    Pattern("ikev1-other", ("713905: ",), ("^713905: ",), why="the course of a key exchange"),
    Pattern(
        "dial-in-started",
        ("603104: ", "603106: ", "603108: "),
        (
            (
                rf"^603108: Built PPTP Tunnel at [^ ,]+, tunnel-id = [0-9]+, remote-peer = (?P<rhost>{IP}), virtual-interface = [0-9]+, "
                rf"client-dynamic-ip = (?P<assigned_ip>{IP}), username = (?P<user>.*), MPPE-key-strength = [^ ,]+$"
            ),
            (
                rf"^60310[46]: (?:PPTP|L2TP) Tunnel created, tunnel_id is [0-9]+, remote_peer_ip is (?P<rhost>{IP}), ppp_virtual_interface_id is "
                rf"[0-9]+, client_dynamic_ip is (?P<assigned_ip>{IP}), username is (?P<user>.*?)(?:, MPPE_key_strength is [^ ,]+)?$"
            ),
        ),
        Kind.AUTH_SUCCESS,
        set=_UNKNOWN,
    ),
    Pattern(
        "dial-in-ended",
        ("603105: ", "603107: ", "603109: "),
        (
            rf"^603109: Teardown PPP?[TO]E? Tunnel at [^ ,]+, tunnel-id = [0-9]+, remote-peer = (?P<rhost>{IP})$",
            rf"^60310[57]: (?:PPTP|L2TP) Tunnel deleted, tunnel_id = [0-9]+, remote_peer_ip ?= ?(?P<rhost>{IP})$",
        ),
        Kind.SESSION_END,
    ),
    Pattern(
        "ikev2-request",
        ("750002: ",),
        (rf"^750002: {_PEERS} Username:{_NAME} Received a IKE_INIT_SA request$",),
        Kind.CONNECTION,
    ),
    Pattern(
        "ikev2-up",
        ("750006: ",),
        (rf"^750006: {_PEERS} Username:{_NAME} SA UP\. Reason: (?P<object>[^:]*)$",),
        Kind.SESSION_START,
    ),
    Pattern(
        "ikev2-down",
        ("750007: ",),
        (rf"^750007: {_PEERS} Username:{_NAME} SA DOWN\. Reason: (?P<object>[^:]*)$",),
        Kind.SESSION_END,
    ),
)
