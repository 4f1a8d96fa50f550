r"""Logins, logouts and boots as Unix keeps them in utmp, wtmp and btmp (framed by :mod:`gatewatch.intake.utmp`).

What ``utmpdump``, ``last -F`` and ``lastb -F`` make of them is read as well (also with ``--time-format iso``; :mod:`gatewatch.intake.login_text`); of
a line of ``last``, only the beginning of the session counts. Without ``-F`` they name no year and are unrecognised.

A record reads ``USER_PROCESS user=ann line=pts/0 id=ts/0 host=192.0.2.7 addr=192.0.2.7 pid=4711``; its values come in ``fields``.

=============================  =====================================================================================
record                         becomes
=============================  =====================================================================================
USER_PROCESS in wtmp, utmp     ``session_start``; service ssh on a pseudo-terminal with a peer, else local
DEAD_PROCESS with a line       ``session_end``; the user is that of the last start on the line, within the batch
any login record in btmp       ``auth_failure``, method unknown (the file does not say)
BOOT_TIME                      ``boot``
NEW_TIME, OLD_TIME             ``clock_change``
SHUTDOWN_TIME, RUN_LVL, …      ignored
=============================  =====================================================================================

``session`` is ``pid:<ut_pid>``. Under sshd with privilege separation that pid is the child that owns the terminal, not the one of sshd's
``Accepted`` line, so it is a hint. ``object`` is the terminal line. A name that no account would bear is taken for a password typed at
the wrong prompt: ``user`` is null and ``extra`` says so.

References: utmp(5), last(1), lastb(1).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import msgspec
import polars as pl

from gatewatch.schema import events as ev
from gatewatch.schema.addresses import canonical_address, is_placeholder
from gatewatch.schema.events import AuthMethod, Kind, Service
from gatewatch.schema.users import split_user
from gatewatch.sources.framed_stamp import blank, unsettled
from gatewatch.sources.pattern import Outcome, no_rows

_ACCOUNT = re.compile(r"[A-Za-z0-9_.@\\-]{1,32}\$?")
_DISPLAY = re.compile(r":[0-9]+(?:\.[0-9]+)?|login screen|tty[0-9]+")
_MULTIPLEXER = re.compile(r"tmux\([0-9]+\)\..*|.*:S\.[0-9]+|mosh \[[0-9]+\]")
_CARRIED = ("record", "offset", "time", "time_err", "time_basis", "received", "host", "count")
_MADE = (
    *("kind", "service", "observer", "user", "user_domain", "src_ip", "src_host", "session", "auth_method", "object", "source", "pattern"),
    "extra",
)
_SCHEMA = {name: ev.DTYPES[name] for name in (*_CARRIED, *_MADE)}


class _Entry(msgspec.Struct, frozen=True):
    type: str = ""
    pid: int = 0
    line: str = ""
    id: str = ""
    user: str = ""
    host: str = ""
    addr: str | None = None
    session: int = 0
    termination: int = 0
    exit: int = 0


class UtmpSource:
    """The source of login records; ``program`` (``utmp``, ``wtmp``, ``btmp``) says which file a record is from."""

    name = "utmp"
    title = "Unix login records (utmp, wtmp, btmp)"
    programs = ("utmp", "wtmp", "btmp")
    references = ("utmp(5)", "last(1)", "lastb(1)")

    def decode(self, records: pl.DataFrame, wanted: Collection[Kind] | None = None, apart: Collection[Kind] = ()) -> Outcome:  # noqa: ARG002 - few records, all decoded
        """Decode *records* in their order; a record without readable ``fields`` is unrecognised."""
        rows: list[dict[str, Any]] = []
        ignored: dict[str, int] = {}
        unknown: list[bool] = []
        users: dict[tuple[str, str], str] = {}
        for row in blank(records).select(*_CARRIED, "program", "message", "fields").iter_rows(named=True):
            entry = _entry(row["fields"])
            unknown.append(entry is None)
            if entry is None:
                continue
            made = _event(entry, str(row["program"] or ""), users)
            if isinstance(made, str):
                ignored[made] = ignored.get(made, 0) + 1
                continue
            rows.append({key: row[key] for key in _CARRIED} | made | {"observer": row["host"], "source": self.name})
        events = pl.DataFrame([{key: row.get(key) for key in _SCHEMA} for row in rows], schema=_SCHEMA)
        left = records.filter(pl.Series(unknown, dtype=pl.Boolean)).select("record", "offset", "message")
        return Outcome(unsettled(events, records), dict(sorted(ignored.items())), left, no_rows(reason=True))


def _entry(fields: str | None) -> _Entry | None:
    try:
        return msgspec.json.decode(fields or "", type=_Entry)
    except (msgspec.MsgspecError, UnicodeError):
        return None


def _event(entry: _Entry, program: str, users: dict[tuple[str, str], str]) -> dict[str, Any] | str:
    """Return the columns of the event *entry* means, or the reason why it means none."""
    session = f"pid:{entry.pid}" if entry.pid > 0 else None
    made: dict[str, Any] | str
    match entry.type:
        case "USER_PROCESS" | "LOGIN_PROCESS" if program == "btmp":
            made = _who(entry) | {"kind": str(Kind.AUTH_FAILURE), "pattern": "btmp-failure", "auth_method": str(AuthMethod.UNKNOWN)}
        case "USER_PROCESS":
            if entry.line:
                users[program, entry.line] = entry.user
            made = _who(entry) | {"kind": str(Kind.SESSION_START), "pattern": "login"}
        case "DEAD_PROCESS" if program != "btmp":
            made = _end(entry, users.pop((program, entry.line), ""))
        case "BOOT_TIME":
            return {"kind": str(Kind.BOOT), "pattern": "boot", "object": entry.host or None}
        case "NEW_TIME" | "OLD_TIME":
            return {"kind": str(Kind.CLOCK_CHANGE), "pattern": entry.type.lower().replace("_", "-")}
        case other:
            return other.lower().replace("_", "-") or "no-type"
    return made if isinstance(made, str) else {"object": entry.line or None, "session": session} | made


def _end(entry: _Entry, user: str) -> dict[str, Any] | str:
    """Return the end of a session, whose record names no user: *user* is that of the start on the line."""
    if not entry.line:
        return "dead-process-without-line"
    if not entry.user and not user and entry.line.startswith("tty"):
        return "getty-ended"
    return _who(msgspec.structs.replace(entry, user=entry.user or user)) | {"kind": str(Kind.SESSION_END), "pattern": "logout"}


def _who(entry: _Entry) -> dict[str, Any]:
    """Return user, source and service of a login record."""
    made: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    if entry.user and _ACCOUNT.fullmatch(entry.user) is None:
        extra["user_redacted"] = True
    else:
        made["user"], made["user_domain"] = split_user(entry.user)
    host = "" if is_placeholder(entry.host) else entry.host
    local = bool(_DISPLAY.fullmatch(host)) or bool(_MULTIPLEXER.fullmatch(host))
    made["src_ip"] = (entry.addr and canonical_address(entry.addr)) or canonical_address(host)
    if host and not local and canonical_address(host) is None:
        made["src_host"] = host.partition(":")[0].casefold() or None
    elif local:
        extra["host"] = host
    remote = made["src_ip"] is not None or made.get("src_host") is not None
    by_ssh = remote and (entry.line.startswith(("pts/", "ssh", "ttyp", "ttys")) or not entry.line)
    if by_ssh:
        made["service"] = str(Service.SSH)
    elif not remote:
        made["service"] = str(Service.LOCAL)
    extra |= {key: getattr(entry, key) for key in ("id", "session", "termination", "exit") if getattr(entry, key)}
    if extra:
        made["extra"] = msgspec.json.encode(extra).decode()
    return made


SOURCE = UtmpSource()
