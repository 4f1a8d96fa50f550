r"""OpenVPN, the server's own log or its lines in syslog.

``ann/192.0.2.7:50000 MULTI: primary virtual IP for ann/192.0.2.7:50000: 10.8.0.6``

A TLS handshake ends in ``Peer Connection Initiated`` whether or not the user's password was right (``AUTH_FAILED`` is sent over that connection), and
a right password is asked for again at every renegotiation. So the ``auth_success`` is the address given to the client, once per connection:

=============================================  ======================================================================
line                                           becomes
=============================================  ======================================================================
MULTI: primary virtual IP for …                ``auth_success`` with ``assigned_ip``; needs verb 3, as in the sample configuration
Username/Password authentication succeeded     ``session_start``, as are Peer Connection Initiated and MULTI: Learn
TLS Auth Error: … verification failed          ``auth_failure``; the line has no user
SENT CONTROL […]: 'AUTH_FAILED'                ``auth_failure``: the same attempt, told again
VERIFY ERROR                                   ``auth_failure``, method certificate
TLS Error: …                                   ``connection_denied``: nothing was asked yet
SIGTERM[…] received, client-instance …         ``session_end``
user '…' authenticated, could not authenticate ``session_start``, ``auth_failure``, without address (pfSense, OPNsense)
=============================================  ======================================================================

The name before the address is the client's certificate or, with ``username-as-common-name``, its user; ``UNDEF`` is null. ``session`` is
``ovpn:address:port``. Access Server's ``OVPN 0 OUT: '…'`` is read as the line it quotes. A password that the directory refused has neither user nor
address: the plug-in that logs it knows a DN (``extra.dn``).

References: https://github.com/OpenVPN/openvpn (src/openvpn/multi.c, ssl.c, ssl_verify.c), openvpn(8)
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.events import Kind, Service
from gatewatch.sources.key_value import ANY, SEPARATOR, behind, lay_out
from gatewatch.sources.pattern import Pattern, PatternSource

_IP = r"(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*[0-9A-Fa-f:])"
_PEER = rf"(?:\[AF_INET6?\]|(?:udp|tcp)[46](?:-server)?:)?\[?(?P<ip>{_IP})\]?:(?P<port>[0-9]{{1,5}})"
_HEADER = rf"(?:(?P<name>[^ ]+(?: [^ :/]+){{0,4}})/)?{_PEER}(?:/(?P<after>[^ ]+))? "
# where the line has no such header, the text itself names the peer
_WITHIN = (
    rf"^(?:(?:TCP connection established|Connection Attempt|TLS Error: |\[[^\]]*\] Peer Connection)[^']* (?:with|from)|OTP-AUTH: .*', remote) "
    rf"{_PEER}(?:[, ][^']*)?$"
)
_TAIL = rf"{SEPARATOR}(?P<rhost>{ANY}){SEPARATOR}(?P<src_port>{ANY}){SEPARATOR}(?P<session>{ANY[:-1]}+)?"
# what OpenVPN Access Server writes around the daemon's lines, which bear a stamp of their own
_SERVED = (
    r"^(?:\[[a-z#-]*\] )*\[?OVPN [0-9]+\]? OUT: ['\"](?:[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8} [0-9]{4}|[0-9-]{10} [0-9:]{8})? ?"
    r"(.*?)['\"]$"
)
_UNNAMED = rf"{_TAIL}{SEPARATOR}{ANY}$"
_NAMED = rf"{_TAIL}{SEPARATOR}(?P<user>{ANY})$"
_WITH = r"[^ ]+(?: \(via [^ )]+\))?"
_PASSWORD = {"auth_method": "password"}
_ADDRESS = r"[0-9A-Fa-f.:]+"


def _named(*texts: str) -> tuple[str, ...]:
    """Return the regexes of laid-out lines whose user is the name before the address."""
    return tuple(f"^{text}{_NAMED}" for text in texts)


def _other(*texts: str) -> tuple[str, ...]:
    """Return the regexes of laid-out lines whose text names the user itself, or nobody."""
    return tuple(f"^{text}{_UNNAMED}" for text in texts)


def _script(what: str) -> tuple[str, ...]:
    """Return the regex of what pfSense's script says of a client that has *what*."""
    told = rf"user '(?P<user>{ANY}?)' address '(?P<rhost>{_IP})(?::(?P<src_port>[0-9]+))?'"
    return (rf"^openvpn server '[^']*' {told} - {what}{SEPARATOR}.*$",)


PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "address-assigned",
        ("MULTI: prima",),
        _named(rf"MULTI: primary virtual IP for [^:]+(?::[^ ]+)?: (?P<assigned_ip>{_ADDRESS})"),
        Kind.AUTH_SUCCESS,
        set={"auth_method": "unknown"},
        session_prefix="ovpn:",
    ),
    Pattern(
        "address-learnt",
        ("MULTI: Learn",),
        _named(rf"MULTI: Learn: (?P<assigned_ip>{_ADDRESS})(?:/[0-9]+)? -> {ANY}"),
        Kind.SESSION_START,
        session_prefix="ovpn:",
    ),
    Pattern(
        "address-pooled",
        ("MULTI_sva: p",),
        _named(rf"MULTI_sva: pool returned IPv4=(?P<assigned_ip>{_ADDRESS})(?:, IPv6=[^ ]+(?: [^ ]+)?)?"),
        Kind.SESSION_START,
        session_prefix="ovpn:",
    ),
    Pattern(
        "peer-initiated",
        ("[", "Peer Connect"),
        _other(rf"\[(?:UNDEF|(?P<user>[^\]]*))\] Peer Connection Initiated with {_WITH}"),
        Kind.SESSION_START,
        session_prefix="ovpn:",
    ),
    Pattern(
        "peer-initiated-after-name", ("Peer Connect",), _named(rf"Peer Connection Initiated with {_WITH}"), Kind.SESSION_START, session_prefix="ovpn:"
    ),
    Pattern(
        "password-accepted",
        ("TLS: Usernam",),
        _other(rf"TLS: Username/(?:Password|auth-token) authentication succeeded for username '(?P<user>{ANY})'(?: \[CN SET\])?\.?"),
        Kind.SESSION_START,
        set=_PASSWORD,
        session_prefix="ovpn:",
    ),
    Pattern("authenticated", ("Authenticati",), _named("Authentication succeeded"), Kind.SESSION_START, session_prefix="ovpn:"),
    Pattern(
        "password-failed",
        ("TLS Auth Err", "TLS Error: A"),
        _named(
            r"TLS Auth Error: Auth Username/Password (?:verification failed for peer|was not provided by peer)",
            r"TLS Auth Error: peer provided a blank username",
            r"TLS Error: Auth Username/Password was not provided by peer",
        ),
        Kind.AUTH_FAILURE,
        set=_PASSWORD,
        session_prefix="ovpn:",
    ),
    Pattern(
        "script-accepted",
        ("user '", "openvpn serv"),
        _other(rf"(?:openvpn server '[^']*' )?user '(?P<user>{ANY}?)' authenticated\.?"),
        Kind.SESSION_START,
        set=_PASSWORD,
        session_prefix="ovpn:",
    ),
    Pattern(
        "script-refused",
        ("user '", "openvpn serv"),
        _other(rf"(?:openvpn server '[^']*' )?user '(?P<user>{ANY}?)' could not authenticate\.?"),
        Kind.AUTH_FAILURE,
        set=_PASSWORD,
        session_prefix="ovpn:",
    ),
    Pattern("script-connected", ("openvpn serv",), _script("connected"), Kind.SESSION_START),
    Pattern("script-disconnected", ("openvpn serv",), _script("disconnected"), Kind.SESSION_END),
    Pattern("script-connecting", ("openvpn serv",), _script("connecting"), why="what a script of pfSense saw, before the connection was made"),
    Pattern(
        "token-failed",
        ("TLS: Usernam",),
        _other(rf"TLS: Username/auth-token authentication failed for username '?(?P<user>{ANY}?)'?"),
        Kind.AUTH_FAILURE,
        set={"auth_method": "token"},
        session_prefix="ovpn:",
    ),
    Pattern(
        "password-refused",
        ("TLS: Usernam",),
        _other(rf"TLS: Username/Password authentication failed for username '(?P<user>{ANY})'"),
        Kind.AUTH_FAILURE,
        set=_PASSWORD,
        session_prefix="ovpn:",
    ),
    Pattern(
        "code-failed",
        ("OTP-AUTH: au",),
        _other(rf"OTP-AUTH: authentication failed for username '(?P<user>{ANY})', remote {_IP}:[0-9]+"),
        Kind.AUTH_FAILURE,
        set={**_PASSWORD},
        session_prefix="ovpn:",
    ),
    Pattern(
        "name-stopped",
        ("TLS Auth Err",),
        _named(
            r"TLS Auth Error: (?P<object>(?:--client-config-dir authentication failed|username attempted to change|TLS object CN "
            rf"attempted to change|client-provided SSL certs){ANY})"
        ),
        Kind.AUTH_STOPPED,
        set={"auth_method": "unknown"},
        session_prefix="ovpn:",
    ),
    Pattern(
        "certificate-failed",
        ("VERIFY ERROR", "VERIFY SCRIP", "VERIFY PLUGI", "VERIFY X509N", "TLS Auth Err"),
        _other(
            rf"VERIFY ERROR: depth=[0-9]+, error=(?P<object>[^:]*): (?:{ANY}CN ?= ?(?P<user>[^,/{SEPARATOR}]*){ANY}|{ANY})",
            rf"(?:VERIFY SCRIPT ERROR|VERIFY PLUGIN ERROR|VERIFY X509NAME ERROR): (?P<object>{ANY})",
            r"TLS Auth Error: (?P<object>Auth Certificate verification failed for peer)",
        ),
        Kind.AUTH_FAILURE,
        set={"auth_method": "certificate"},
        session_prefix="ovpn:",
    ),
    Pattern(
        "auth-refused",
        ("SENT CONTROL", "["),
        _other(
            rf"\[(?:UNDEF|(?P<user>[^\]]*))\] AUTH_FAILED(?:[:,] ?(?P<object>{ANY}))?",
            r"SENT CONTROL \[(?:UNDEF|(?P<user>[^\]]*))\]: 'AUTH_FAILED(?:,(?P<object>[^']*))?' \(status=[0-9]+\)",
        ),
        Kind.AUTH_FAILURE,
        set=_PASSWORD,
        session_prefix="ovpn:",
    ),
    Pattern(
        "module-failed",
        ("AUTH-PAM: BA", "PLUGIN AUTH-", "LDAP", "RADIUS"),
        _other(rf"(?:PLUGIN )?AUTH-PAM: BACKGROUND: user '(?P<user>{ANY})' failed to authenticate: (?P<object>{ANY})"),
        Kind.AUTH_FAILURE,
        set={**_PASSWORD},
        session_prefix="ovpn:",
    ),
    Pattern(
        "directory-refused",
        ("Incorrect pa",),
        _other(rf"Incorrect password supplied for LDAP DN \"(?P<x_dn>{ANY})\"\.?"),
        Kind.AUTH_FAILURE,
        set={**_PASSWORD},
        session_prefix="ovpn:",
    ),
    Pattern(
        "tls-refused",
        ("TLS Error: ",),
        _other(
            r"TLS Error: (?P<object>TLS handshake failed|TLS key negotiation failed|cannot locate HMAC|incoming packet authentication "
            r"failed|tls-crypt unwrapping failed|"
            rf"could not determine wrapping|TLS object){ANY}"
        ),
        Kind.CONNECTION_DENIED,
        session_prefix="ovpn:",
    ),
    Pattern(
        "connected",
        ("TCP connecti", "Connection A"),
        _other(rf"(?:TCP connection established with|Connection Attempt){ANY}"),
        Kind.CONNECTION,
        session_prefix="ovpn:",
    ),
    Pattern(
        "ended",
        ("SIGTERM[", "SIGUSR1[", "Connection r"),
        _named(
            r"(?P<object>SIG(?:TERM|USR1)\[[^\]]*\]) received, client-instance (?:exiting|restarting)",
            r"(?P<object>Connection reset), restarting \[-?[0-9]+\]",
        ),
        Kind.SESSION_END,
        session_prefix="ovpn:",
    ),
    Pattern(
        "started",
        ("Initializati",),
        _other(r"Initialization Sequence Completed"),
        Kind.SERVICE_START,
        set={"object": "openvpn", "service": str(Service.VPN)},
        session_prefix="ovpn:",
    ),
    Pattern(
        "client-side",
        ("AUTH: Receiv", "PUSH: Receiv"),
        _other(rf"(?:AUTH|PUSH): Received control message: {ANY}"),
        why="the other end's words, which its server logs with the result",
    ),
    Pattern(
        "course",
        (),
        (
            (
                r"^(?:VERIFY (?:OK|KU|EKU)|TLS(?:_ERROR)?: |TLS Error: |OpenSSL: |MULTI(?:_sva)?: |MULTI TCP: |Control Channel|Data "
                r"Channel|Incoming (?:Control|Data)|Outgoing (?:Control|Data)|peer info: |"
                r"PUSH: |SENT CONTROL |OpenVPN |library versions|OPTIONS IMPORT|LZO |Socket Buffers|Local Options|Expected Remote|NOTE: "
                r"|WARNING: |Delayed exit|"
                r"Re-using |MANAGEMENT: |(?:TCP|UDP)v[46]|Listening for|Diffie-Hellman|TUN/TAP|do_ifconfig|net_|/s?bin/|ROUTE|Could not determine|"
                r"ifconfig_pool|IFCONFIG POOL|GID set|UID set|PLUGIN_|(?:PLUGIN )?AUTH-PAM: |OTP-AUTH: |AEAD |SIG[A-Z]+\[|event_wait|read |"
                r"write |Inactivity "
                r"timeout|\[[^\]]*\] Inactivity|LDAP bind failed: |"
                r"Initial packet|Restart pause|Closing TUN|DEPRECATED|Using |Note: |tls-crypt|Fatal TLS error|Authenticate/Decrypt|Key |Timers: )"
            ),
        ),
        why="the course of a connection, or the daemon itself",
    ),
)


def _split(records: pl.DataFrame) -> pl.DataFrame:
    """Put the text of each line first and the peer before it last; a line without peer takes the one its text names."""
    message = records["message"].fill_null("")
    served = message.str.contains(_SERVED)
    if served.any():
        message = message.zip_with(~served, message.str.extract(_SERVED).fill_null(""))
    table = message.alias("line").to_frame()
    table = table.hstack(behind(message, _HEADER, "text"))
    bare = table["text"].is_null()
    if bare.any():
        inner = table.filter(bare).select(pl.col("line").str.extract_groups(_WITHIN).alias("g")).unnest("g")
        places = bare.arg_true()
        table = table.with_columns(
            pl.coalesce("text", "line").alias("text"), table["ip"].scatter(places, inner["ip"]), table["port"].scatter(places, inner["port"])
        )
    name = pl.coalesce("name", "after")
    table = table.with_columns(
        pl.when(name != "UNDEF").then(name).alias("name"),
        pl.when(pl.col("ip").is_not_null()).then(pl.concat_str("ip", pl.lit(":"), "port")).alias("session"),
    )
    return records.with_columns(lay_out(table, ("text", "ip", "port", "session", "name")).alias("message"))


SOURCE = PatternSource(
    name="openvpn",
    title="OpenVPN server",
    programs=("openvpn",),
    patterns=PATTERNS,
    service=Service.VPN,
    claims=r"^(?:openvpn|ovpn)(?:[-_@A-Za-z0-9.]*|\([-_@A-Za-z0-9.]+\))$",
    claims_message=_SERVED,
    prepare=_split,
    references=("openvpn(8)", "https://github.com/OpenVPN/openvpn"),
)
