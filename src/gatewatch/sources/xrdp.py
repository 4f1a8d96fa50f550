r"""xrdp, the Remote Desktop server of Linux: ``xrdp`` and its session manager, in their own logs, syslog or the journal.

``[20260105-12:00:00] [INFO ] Socket 12: AF_INET6 connection received from ::ffff:203.0.113.7 port 51234``
``[20260105-12:00:05] [INFO ] ++ created session (access granted): username ann, ip ::ffff:203.0.113.7:51234 - socket: 12``
``[20260105-12:00:02] [INFO ] AUTHFAIL: user=ann ip=203.0.113.7 time=1767614402``

The session manager knows user and address and its lines count; what ``xrdp`` says of the same login stands for it only where they are missing. It
names no address: it is that of the connections of the ten minutes before in the block, where they are all from one address; null else. ``session`` is
``xrdp:<display>:<user>``; it goes on over reconnects, which are logons of their own. The display of a new session is told by a later line, and null
where several begin at once.

=============================================================  =============================================================
line                                                           becomes
=============================================================  =============================================================
connection received from … port …                              ``connection``; from the host itself: ignored
++ created session, ++ reconnected session                     ``auth_success`` by password
AUTHFAIL, Username or password error                           ``auth_failure``; one attempt that writes both counts once
Username okay but group problem, login denied                  ``auth_stopped``: the password was right
login successful, failed for user … (of ``xrdp``)              the same attempts again
++ terminated session, Terminating X server                    ``session_end``
starting xrdp with pid                                         ``service_start``
=============================================================  =============================================================

References: https://github.com/neutrinolabs/xrdp (sesman/scp_process.c, common/trans.c), https://github.com/neutrinolabs/xrdp/wiki
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import polars as pl

from gatewatch.schema.events import Kind, Service, ensure
from gatewatch.sources import pam
from gatewatch.sources.key_value import ANY, SEPARATOR
from gatewatch.sources.pattern import Pattern, PatternSource

_LEVEL = r"^(?:\([0-9]+\)\([0-9]+\) ?)?\[(CORE|ERROR|WARN|INFO|DEBUG|TRACE) *\] *"
_WITHIN = 600 * 1_000_000  # a login comes so soon after its connection, µs
_FAILED = "xrdp:failed:"
_NEAR = 4  # records within which one failed attempt writes its two lines
_WAITING = 64  # connections and beginning sessions remembered per host
_LINE = re.compile(
    r"^(?:(?P<received>(?:Socket [0-9]+: (?:AF_INET6? )?|A )?connection received from (?P<peer>[0-9A-Fa-f.:]+) port (?P<port>[0-9]+)$)"
    r"|\+\+ (?P<verb>created|reconnected) session(?: \(access granted\))?: username (?P<who>.*?)"
    r"(?:, display :(?P<at>[0-9]+)[.0-9]*, session_pid [0-9]+)?"
    r"(?:, ip (?P<ip>[^ ,]+)(?P<socket> - socket: [0-9]+)?)?$"
    r"|AUTHFAIL: user=(?P<denied>.*) ip=(?P<from>[^ ]+) time=[0-9]+$"
    r"|Username or password error for user: (?P<wrong>.*)$"
    r"|Can't get UID for user (?P<nobody>.*)$"
    r"|Session started successfully for user (?P<begun>.*) on display :?(?P<begun_at>[0-9]+)$"
    r"|Session in progress on display :?(?P<progress>[0-9]+)[,.] "
    r"|Terminating X server \(pid [0-9]+\) on display :?(?P<over>[0-9]+)$"
    r"|login (?P<front>successful|failed) for user (?P<guest>.*?)(?: on display :?(?P<guest_at>[0-9]+))?$"
    r"|Username okay but group problem for user: (?P<barred>.*)$|login denied for user: (?P<barred_old>.*)$"
    r"|\+\+ terminated session: +username (?P<left>.*), display :(?P<left_at>[0-9]+)[.0-9]*, session_pid [0-9]+(?:, ip .*)?$)"
)
_RELEVANT = (
    r"connection received from |^\+\+ |^AUTHFAIL: |^Username |^Can't get UID |^Session (?:started|in progress) |^Terminating X server |"
    r"^login (?:successful|failed|denied) for user"
)
_HERE = re.compile(r"^(?:(?:::ffff:)?127\.[0-9.]+|::1)$")
_TAIL = rf"{SEPARATOR}(?P<rhost>{ANY}){SEPARATOR}(?P<src_port>{ANY}){SEPARATOR}(?P<session>{ANY}){SEPARATOR}{ANY}$"
_OWN = rf"{SEPARATOR}{ANY}{SEPARATOR}{ANY}{SEPARATOR}(?P<session>{ANY}){SEPARATOR}{ANY}$"
_BARE = rf"{SEPARATOR}{ANY}{SEPARATOR}{ANY}{SEPARATOR}{ANY}{SEPARATOR}{ANY}$"
_PASSWORD = {"auth_method": "password"}

PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "xrdp-own-connection",
        ("Socket ", "A connection", "connection r"),
        (rf"^(?:Socket [0-9]+: (?:AF_INET6? |AF_UNIX )?|A )?connection received(?:$|{SEPARATOR}| from (?:(?:::ffff:)?127\.|::1 ))",),
        why="the host's own connection to the session manager, or one through a tunnel; the session manager tells the login",
    ),
    Pattern(
        "xrdp-connection",
        ("Socket ", "A connection", "connection r"),
        (r"^(?:Socket [0-9]+: (?:AF_INET6? )?|A )?connection received from (?P<rhost>[0-9A-Fa-f.:]+) port (?P<src_port>[0-9]+)" + _BARE,),
        Kind.CONNECTION,
    ),
    Pattern(
        "xrdp-created",
        ("++ created s",),
        (rf"^\+\+ created session(?: \(access granted\))?: username (?P<user>{ANY}?)(?:, ip [^ ,]+(?: - socket: [0-9]+)?)?{_TAIL}",),
        Kind.AUTH_SUCCESS,
        set=_PASSWORD,
    ),
    Pattern(
        "xrdp-reconnected",
        ("++ reconnect",),
        (rf"^\+\+ reconnected session(?: \(access granted\))?: username (?P<user>{ANY}), display :[0-9.]+, session_pid [0-9]+{ANY}?{_TAIL}",),
        Kind.AUTH_SUCCESS,
        set=_PASSWORD,
    ),
    Pattern(
        "xrdp-failed-unknown",
        ("AUTHFAIL: us",),
        (rf"^AUTHFAIL: user=\(null\) ip=[^ ]+ time=[0-9]+{_TAIL.removesuffix(ANY + '$')}(?P<user>{ANY})$",),
        Kind.AUTH_FAILURE,
        set={**_PASSWORD, "invalid_user": True},
    ),
    Pattern(
        "xrdp-failed",
        ("AUTHFAIL: us",),
        (rf"^AUTHFAIL: user=(?P<user>{ANY}) ip=[^ ]+ time=[0-9]+{_TAIL}",),
        Kind.AUTH_FAILURE,
        set=_PASSWORD,
    ),
    Pattern("xrdp-error", ("Username or ",), (rf"^Username or password error for user: (?P<user>{ANY}){_TAIL}",), Kind.AUTH_FAILURE, set=_PASSWORD),
    Pattern(
        "xrdp-stopped",
        ("Username oka", "login denied"),
        (rf"^(?:Username okay but group problem for user|login denied for user): (?P<user>{ANY}){_TAIL}",),
        Kind.AUTH_STOPPED,
        set=_PASSWORD,
    ),
    Pattern(
        "xrdp-front-success",
        ("login succes",),
        (rf"^login successful for user (?P<user>{ANY}?)(?: on display :?[0-9]+)?{_TAIL}",),
        Kind.AUTH_SUCCESS,
        set=_PASSWORD,
    ),
    Pattern("xrdp-front-failed", ("login failed",), (rf"^login failed for user (?P<user>{ANY}){_TAIL}",), Kind.AUTH_FAILURE, set=_PASSWORD),
    Pattern(
        "xrdp-terminated",
        ("++ terminate",),
        (
            (
                rf"^\+\+ terminated session: +username (?P<user>{ANY}), display :[0-9.]+, session_pid [0-9]+"
                rf"(?:, ip (?P<rhost>(?:::ffff:)?[0-9]{{1,3}}(?:\.[0-9]{{1,3}}){{3}}):(?P<src_port>[0-9]+)(?: - socket: [0-9]+)?)?{_OWN}"
            ),
            rf"^\+\+ terminated session: +username (?P<user>{ANY}), display :[0-9.]+, session_pid [0-9]+{ANY}?{_OWN}",
        ),
        Kind.SESSION_END,
    ),
    Pattern("xrdp-server-ended", ("Terminating ",), (rf"^Terminating X server \(pid [0-9]+\) on display :?[0-9]+{_OWN}",), Kind.SESSION_END),
    Pattern("xrdp-started", ("starting xrd",), (rf"^starting (?P<object>xrdp(?:-sesman)?) with pid [0-9]+{_BARE}",), Kind.SERVICE_START),
    Pattern("xrdp-echo", ("repeated: ",), (r"^repeated: ",), why="the attempt is told by the line beside it"),
    Pattern(
        "xrdp-login-no-user",
        ("login failed", "login succes"),
        (r"^login (?:failed|successful) for display [0-9]+",),
        why="names nobody; the session manager tells whose login it was",
    ),
    Pattern(
        "xrdp-course",
        (),
        (
            (
                r"^(?:xrdp_|lib_mod_|lib_data_|lib_framebuffer_|libxrdp_|libscp|scp_|sesman|trans_|g_tcp_|g_sck|g_file|pam_|auth_|env_|session_|config_|"
                r"cleanup_sockets|wait_for|x_server|startup_|log_|clipboard|chansrv|dynamic|sound|rail|xcommon|mcs|tconfig|display|rfx|cfg)"
                r"[A-Za-z0-9_]*[: (]"
            ),
            (
                r"^(?:Session |[Ss]tarting |[Ss]topping |Received |Access permitted |Terminat|Can't |Closed |Using |Security |TLS|SSL|Loading |"
                r"Found |There is |Window manager|X server |xrdp |xrdp-|[Cc]onnect|sending |The |An established |adding |local |listening |Testing |"
                r"shutting |waiting |[Cc]alling |address |Process |dis|key|load|Logging out|Cannot |Processing |return value |started |A fatal |"
                r"\[(?:MCS|ITU|X\.224|session|Xorg)|Non-TLS|negotiat|[Cc]lient |Socket |[Cc]ert|read |[Ff]ailed |[Ee]rror |No |Unable |/|Xorg |Xvnc |"
                r"Terminal Server Users|Selected |Resizing |max_bpp |Detected |SIG|caps|codec|graphics|Matched |Frame|VNC |[Ss]esexec|Directory|"
                r"Shell |UDS|Username|User |login )"
            ),
        ),
        why="the course of a connection or a session, no result",
    ),
)


@dataclass(slots=True)
class _Host:
    """What the lines of one host said so far, in order."""

    came: list[tuple[int | None, str, str]] = field(default_factory=list)  # when, address, port
    begins: list[tuple[int, str]] = field(default_factory=list)  # place of the line, user: sessions whose display is to come
    users: dict[str, str] = field(default_factory=dict)  # of displays
    nobody: tuple[int, str] = (-_NEAR, "")
    denied: dict[str, int] = field(default_factory=dict)
    wrong: dict[str, int] = field(default_factory=dict)

    def source(self, moment: int | None) -> tuple[str, str]:
        """Return the address of the connections before *moment*, with its port where it is one connection only; empty where they differ."""
        near = [one for one in self.came if moment is None or one[0] is None or 0 <= moment - one[0] <= _WITHIN]
        found = list(dict.fromkeys(address for _, address, _ in near))
        return (found[0], near[0][2] if len(near) == 1 else "") if len(found) == 1 else ("", "")


def _joined(records: pl.DataFrame) -> pl.DataFrame:
    """Put the text of each line first, then the peer's address and port, the session, and the name that a line before it told."""
    text = records.select(pl.col("message").fill_null("").str.replace(_LEVEL, "").str.replace_all(f"[{SEPARATOR}\n]", " ").alias("t"))["t"]
    pam_line = text.str.contains(r"^(?:pam_|\(pam_|PAM )").fill_null(value=False)
    rows = text.str.contains(_RELEVANT).arg_true().to_list()
    lines: list[str] = text.to_list()
    hosts = records["host"].to_list()
    clocks = [pl.col(name).cast(pl.Int64) for name in ("time", "local") if name in records.columns]
    moments = records.select(pl.coalesce(clocks).alias("m"))["m"].to_list() if clocks else [None] * len(lines)
    tails = _tails(rows, lines, hosts, moments)
    made = [f"{line}{SEPARATOR}{SEPARATOR.join(tails.get(place, ('', '', '', '')))}" for place, line in enumerate(lines)]
    for place in rows:
        if tails.get(place, ("", "", "", ""))[3] == _ECHO:
            made[place] = f"repeated: {lines[place]}"
    kept = pl.Series("message", made, dtype=pl.String)
    return records.with_columns(pl.when(pam_line).then(pl.lit(text)).otherwise(pl.lit(kept)).alias("message"))


_ECHO = "\x1e"


def _tails(rows: list[int], lines: list[str], hosts: list[str | None], moments: list[int | None]) -> dict[int, tuple[str, str, str, str]]:
    """Return address, port, session and name of the lines at *rows*, by place."""
    states: dict[str | None, _Host] = {}
    tails: dict[int, tuple[str, str, str, str]] = {}
    for place in rows:
        found = _LINE.match(lines[place])
        if found is None:
            continue
        state = states.setdefault(hosts[place], _Host())
        parts = found.groupdict()
        _follow(state, parts, place, moments[place], tails)
    return tails


def _follow(state: _Host, parts: dict[str, str | None], place: int, moment: int | None, tails: dict[int, tuple[str, str, str, str]]) -> None:
    """Take one line into *state*; say in *tails* what it and lines before it stand for."""
    if parts["received"] is not None:
        address = parts["peer"] or ""
        if not _HERE.match(address):
            state.came = [*state.came, (moment, address, parts["port"] or "")][-_WAITING:]
    elif parts["verb"] is not None:
        user, display = parts["who"] or "", parts["at"]
        address, port = _peer(parts["ip"], stated_port=parts["socket"] is not None) if parts["ip"] else state.source(moment)
        tails[place] = (address, port, _session(display, user), "")
        if display is None:
            state.begins = [*state.begins, (place, user)][-_WAITING:]
        else:
            state.users[display] = user
    elif parts["begun"] is not None:
        _begin(state, parts["begun_at"] or "", parts["begun"], tails)
    elif parts["progress"] is not None:
        _begin(state, parts["progress"], None, tails)
    elif parts["denied"] is not None:
        user = parts["denied"]
        named = state.nobody[1] if place - state.nobody[0] < _NEAR else ""
        address, port = _peer(parts["from"], stated_port=False) if parts["from"] != "unknown" else state.source(moment)
        tails[place] = (address, port, _attempts(named if user == "(null)" else user), named)
        earlier = state.wrong.pop(user, None)
        if earlier is not None and place - earlier < _NEAR:
            tails[earlier] = ("", "", "", _ECHO)
        else:
            state.denied[user] = place
    elif parts["wrong"] is not None:
        user = parts["wrong"]
        earlier = state.denied.pop(user, None)
        if earlier is not None and place - earlier < _NEAR:
            tails[place] = ("", "", "", _ECHO)
        else:
            tails[place] = (*state.source(moment), _attempts(user), "")
            state.wrong[user] = place
    elif parts["nobody"] is not None:
        state.nobody = (place, parts["nobody"])
    elif parts["front"] is not None:
        user, display = parts["guest"] or "", parts["guest_at"]
        session = _session(display, user) if parts["front"] == "successful" else _attempts(user)
        tails[place] = (*state.source(moment), session, "")
        if parts["front"] == "successful" and display is not None:
            _begin(state, display, user, tails)
    elif parts["barred"] is not None or parts["barred_old"] is not None:
        tails[place] = (*state.source(moment), "", "")
    elif parts["left"] is not None:
        tails[place] = ("", "", _session(parts["left_at"], parts["left"]), "")
    elif parts["over"] is not None:
        tails[place] = ("", "", _session(parts["over"], state.users.get(parts["over"], "")), "")


def _begin(state: _Host, display: str, user: str | None, tails: dict[int, tuple[str, str, str, str]]) -> None:
    """Give *display* to the session that waits for it: the first of *user*, or the only one."""
    waiting = [one for one in state.begins if user is None or one[1] == user]
    if user is not None:
        state.users[display] = user
    if not waiting or (user is None and len(waiting) > 1):
        return
    place, who = waiting[0]
    address, port, _, named = tails[place]
    tails[place] = (address, port, _session(display, who), named)
    state.users[display] = who
    state.begins.remove(waiting[0])


def _session(display: str | None, user: str) -> str:
    return f"xrdp:{display}:{user.casefold()}" if display and user else ""


def _attempts(user: str) -> str:
    """Return the id under which the failures of *user* that both programs report are told to be the same."""
    return f"{_FAILED}{user.casefold()}" if user else ""


def _peer(text: str | None, *, stated_port: bool) -> tuple[str, str]:
    """Return address and port of *text*: ``address:port`` where the socket follows it or the address is IPv4, else an address alone."""
    address, _, port = (text or "").rpartition(":")
    if (stated_port or (address and ":" not in address)) and port.isdigit():
        return address, port
    return text or "", ""


def _sessions(events: pl.DataFrame) -> pl.DataFrame:
    """Return *events* with an empty session as none, and PAM's failures under the attempts that the session manager tells."""
    events = ensure(events, "session", "user")
    failed = pl.col("pattern").str.starts_with("pam") & (pl.col("kind").cast(pl.String) == str(Kind.AUTH_FAILURE)) & pl.col("user").is_not_null()
    told = pl.when(pl.col("session") != "").then(pl.col("session"))
    return events.with_columns(pl.when(failed).then(pl.lit(_FAILED) + pl.col("user")).otherwise(told).alias("session"))


SOURCE = PatternSource(
    name="xrdp",
    title="xrdp",
    programs=("xrdp", "xrdp-sesman", "xrdp-sesexec", "xrdp-chansrv"),
    patterns=(*PATTERNS[:-1], *pam.PATTERNS, PATTERNS[-1]),
    service=Service.RDP,
    prepare=_joined,
    finish=_sessions,
    references=("https://github.com/neutrinolabs/xrdp/wiki", "xrdp(8)", "xrdp-sesman(8)"),
)
