"""System calls as the audit system records them: several records, one event, told by ``(node, time:serial)``.

=============================================================  ====================================================================
records                                                        event
=============================================================  ====================================================================
SYSCALL execve with EXECVE (or PROCTITLE), successful          ``exec``: command, program, audit session
SYSCALL connect with SOCKADDR, successful or in progress       ``connection``: destination address and port
SYSCALL on a file with PATH of a guarded file, writing         ``config_change`` (``file-changed``), object = path
the same under /var/log: removed, emptied or moved by a user   ``log_cleared`` (``log-removed``)
=============================================================  ====================================================================

Classification is in columns: only groups with such a call are read one by one. An event row stands for all its records. A group cut by
the end of a batch is decoded from what is there; :func:`split_point` tells a caller how much to carry over instead.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import Any

import msgspec
import polars as pl

from gatewatch.schema import events as ev
from gatewatch.schema.addresses import canonical_address
from gatewatch.schema.events import Kind, Service
from gatewatch.schema.users import split_user
from gatewatch.sources import audit_field as af
from gatewatch.sources.audit_command import join_arguments, join_title
from gatewatch.sources.audit_type import CONNECT, EXEC, FILE, OPEN_FLAGS, REMOVING, SYSCALLS

_GUARDED = re.compile(
    r"/(?:.*/)?\.ssh/(?:authorized_keys2?|rc|environment)|/etc/(?:passwd|shadow|group|gshadow|sudoers|sudo\.conf|ld\.so\.preload|crontab)"
    r"|/etc/(?:sudoers\.d|ssh|pam\.d|cron\.[a-z]+|systemd/system)/.*|/var/spool/cron/.*"
)
_LOGS = re.compile(r"/var/log/.*")
_LOOSE = r"\.ssh/|/etc/(?:passwd|shadow|group|gshadow|sudo|ssh/|pam\.d/|cron|systemd/|ld\.so\.preload)|/var/spool/cron|/var/log/"
_NEAR = r'cwd="(?:/etc|/var/log|/var/spool/cron|.*/\.ssh)'
_LOGGERS = frozenset({
    "rsyslogd", "syslog-ng", "systemd-journald", "journalctl", "logrotate", "auditd", "savelog", "gzip", "xz", "bzip2", "zstd", "dpkg", "apt",
})  # fmt: skip
_WRITE = 0o3 | 0o100 | 0o1000  # O_WRONLY or O_RDWR, O_CREAT, O_TRUNC
_TRUNCATE = 0o1000
_PORTS = {22: Service.SSH, 3389: Service.RDP, 5985: Service.WINRM, 5986: Service.WINRM, 445: Service.SMB, 5900: Service.VNC}
_CARRIED = ("record", "offset", "time", "time_err", "time_basis", "received", "host", "count")
_MADE = (
    *("kind", "service", "observer", "user", "user_domain", "session", "dst_ip", "dst_port", "process", "command", "object"),
    *("source", "pattern", "extra"),
)
_SCHEMA = {name: ev.DTYPES[name] for name in (*_CARRIED, *_MADE)}
_KEPT = ("auid", "uid", "euid", "pid", "ppid", "tty", "comm")


@dataclass(slots=True)
class _Group:
    """The records of one event, as read so far; ``head`` is the first one."""

    head: dict[str, Any]
    call: str | None = None
    fields: dict[str, str] = field(default_factory=dict)
    syscall: str = ""
    arguments: list[str] = field(default_factory=list)
    paths: list[tuple[str, str]] = field(default_factory=list)
    cwd: str = "/"
    address: str | None = None
    title: str | None = None
    flags: int | None = None


def decode(table: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, int]:
    """Return ``(events, ignored, used)``: event rows (narrow), ``record, why`` of records folded into none, and how many were folded.

    *table*: records after :func:`gatewatch.sources.audit_field.header`, of the types in
    :data:`gatewatch.sources.audit_type.SYSCALL_FAMILY`.
    """
    alone = pl.lit("record:") + pl.col("record").cast(pl.String)
    keyed = table.with_columns(pl.concat_str(pl.col("host").fill_null(""), pl.coalesce("serial", alone), separator=" ").alias("event"))
    calls = _calls(keyed)
    wanted = _wanted(keyed, calls)
    picked = keyed.join(wanted, on="event", how="semi", maintain_order="left")
    groups = _collect(picked, dict(calls.select("record", "call").iter_rows()))
    rows: list[dict[str, Any]] = []
    events: list[str] = []
    for event, group in groups.items():
        made = _event(group)
        if made is not None:
            rows.append(made)
            events.append(event)
    frame = pl.DataFrame([{key: row.get(key) for key in _SCHEMA} for row in rows], schema=_SCHEMA).sort("record")
    folded = pl.DataFrame({"event": events}, schema={"event": pl.String})
    ignored = keyed.join(folded, on="event", how="anti").select("record", pl.col("type").alias("why"))
    return frame, ignored, table.height - ignored.height


def _calls(keyed: pl.DataFrame) -> pl.DataFrame:
    """Return ``record, event, call, done`` of the SYSCALL records; ``call`` is null for the calls that we do not read."""
    rows = keyed.filter(pl.col("type") == "SYSCALL")
    number = pl.concat_str(af.value("arch"), af.value("syscall"), separator=":")
    named = pl.col("message").str.extract(r"[ )\"\x1d]SYSCALL=([a-z0-9_]{1,32})")
    listed = [*EXEC, *CONNECT, *FILE]
    name = pl.coalesce(named, number.replace_strict(list(SYSCALLS), list(SYSCALLS.values()), default=None, return_dtype=pl.String))
    spelled = pl.col("message").str.extract(r" syscall=([a-z][a-z0-9_]{1,32}) ")
    success = af.value("success") == "yes"
    pending = af.value("exit").is_in(["-115", "EINPROGRESS"])
    return rows.select(
        "record",
        "event",
        pl.when(pl.coalesce(spelled, name).is_in(sorted(listed))).then(pl.coalesce(spelled, name)).alias("call"),
        success.fill_null(value=False).alias("success"),
        (success | pending).fill_null(value=False).alias("reached"),
    )


def _wanted(keyed: pl.DataFrame, calls: pl.DataFrame) -> pl.DataFrame:
    """Return the ``event`` of the groups worth reading one by one."""
    call = pl.col("call")
    runs = calls.filter((call.is_in(sorted(EXEC)) & pl.col("success")) | (call.is_in(sorted(CONNECT)) & pl.col("reached"))).select("event")
    touches = calls.filter(call.is_in(sorted(FILE)) & pl.col("success")).select("event")
    path = (pl.col("type") == "PATH") & (pl.col("message").str.contains(_LOOSE) | pl.col("message").str.contains(r" name=[0-9A-F]{4}"))
    near = (pl.col("type") == "CWD") & pl.col("message").str.contains(_NEAR)
    guarded = keyed.filter(path | near).select("event").unique()
    orphans = keyed.filter(pl.col("type") == "EXECVE").select("event").join(calls, on="event", how="anti")
    return pl.concat([runs, touches.join(guarded, on="event", how="semi"), orphans]).unique()


def _collect(picked: pl.DataFrame, calls: dict[int, str | None]) -> dict[str, _Group]:
    groups: dict[str, _Group] = {}
    for row in picked.select(*_CARRIED, "type", "event", "message").iter_rows(named=True):
        group = groups.get(row["event"])
        if group is None:
            group = groups[row["event"]] = _Group(row)
        message: str = row["message"]
        match row["type"]:
            case "SYSCALL":
                group.call = calls.get(row["record"])
                group.fields = af.fields(message)
                group.syscall = message
            case "EXECVE":
                group.arguments.append(message)
            case "CWD":
                group.cwd = af.decode_value(af.fields(message).get("cwd", "")) or "/"
            case "PATH":
                values = af.fields(message)
                name = af.decode_value(values.get("name", ""))
                if name:
                    group.paths.append((name, values.get("nametype", values.get("objtype", ""))))
            case "SOCKADDR":
                group.address = af.fields(message).get("saddr")
            case "PROCTITLE":
                group.title = af.fields(message).get("proctitle")
            case "OPENAT2":
                group.flags = _number(af.fields(message).get("oflag", ""), 8)
    return groups


def _event(group: _Group) -> dict[str, Any] | None:
    """Return the event row of *group*, or None when it is none of those that we report."""
    if group.call in EXEC or (group.arguments and not group.fields):
        made = _exec(group)
    elif group.call in CONNECT:
        made = _connection(group)
    else:
        made = _file(group)
    if made is None:
        return None
    base = {key: group.head[key] for key in _CARRIED}
    return base | {"observer": base["host"], "source": "auditd"} | _actor(group) | made


def _actor(group: _Group) -> dict[str, Any]:
    values = group.fields
    name = re.search(r'[ )"\x1d]AUID="([^"(]+)"', group.syscall)
    user, domain = split_user(name[1]) if name else (None, None)
    session = values.get("ses", "")
    extra = {key: decoded for key in _KEPT if (decoded := af.decode_value(values.get(key, "")))}
    if group.cwd != "/":
        extra["cwd"] = group.cwd
    return {
        "user": user,
        "user_domain": domain,
        "session": f"ses:{session}" if session not in ("", "4294967295", "-1") else None,
        "process": af.decode_value(values.get("exe", "")),
        "object": _keys(values.get("key", "")),
        "extra": msgspec.json.encode(extra).decode() if extra else None,
    }


def _keys(raw: str) -> str | None:
    """Return the keys of the rules that fired, joined by commas; several come as one value, apart by U+0001."""
    decoded = af.decode_value(raw)
    return ",".join(part.removeprefix("key=") for part in decoded.split("\x01") if part) if decoded else None


def _exec(group: _Group) -> dict[str, Any]:
    command = join_arguments(group.arguments) or join_title(group.title or "")
    return {"kind": str(Kind.EXEC), "pattern": "exec", "command": command}


def _connection(group: _Group) -> dict[str, Any] | None:
    found = socket_address(group.address or "")
    if found is None:
        return None
    address, port = found
    service = _PORTS.get(port)
    return {
        "kind": str(Kind.CONNECTION),
        "pattern": "connect",
        "dst_ip": address,
        "dst_port": port,
        "service": str(service) if service else None,
    }


def _file(group: _Group) -> dict[str, Any] | None:
    call = group.call or ""
    flags = group.flags if call == "openat2" else _number(group.fields.get(OPEN_FLAGS.get(call, ""), ""), 16)
    opened = call in OPEN_FLAGS or call == "openat2"
    if opened and not (flags or 0) & _WRITE:
        return None
    paths = [posixpath.normpath(posixpath.join(group.cwd, name)) for name, role in group.paths if role != "PARENT"]
    guarded = [path for path in paths if _GUARDED.fullmatch(path)]
    if guarded:
        return {"kind": str(Kind.CONFIG_CHANGE), "pattern": "file-changed", "object": guarded[-1]}
    logs = [path for path in paths if _LOGS.fullmatch(path)]
    program = posixpath.basename(af.decode_value(group.fields.get("exe", "")) or "")
    by_user = group.fields.get("ses", "4294967295") not in ("4294967295", "-1", "")
    removing = call in REMOVING or (opened and bool((flags or 0) & _TRUNCATE))
    if logs and by_user and removing and program not in _LOGGERS:
        return {"kind": str(Kind.LOG_CLEARED), "pattern": "log-removed", "object": logs[0]}
    return None


def _number(text: str, base: int) -> int | None:
    try:
        return int(text, base)
    except ValueError:
        return None


def socket_address(saddr: str) -> tuple[str, int] | None:
    """Return address and port of a SOCKADDR value (a C ``sockaddr`` in hex), or None when it is no internet address with a port.

    The family is in the order of the machine, port and address in network order.

    >>> socket_address("02000016C633640A0000000000000000"), socket_address("01002F72756E")
    (('198.51.100.10', 22), None)
    """
    try:
        raw = bytes.fromhex(saddr)
    except ValueError:
        return None
    if len(raw) < 8:
        return None
    family = raw[0] or raw[1]
    port = int.from_bytes(raw[2:4], "big")
    if not port:
        return None
    if family == 2:
        text = ".".join(str(byte) for byte in raw[4:8])
    elif family == 10 and len(raw) >= 24:
        text = ":".join(f"{int.from_bytes(raw[i : i + 2], 'big'):x}" for i in range(8, 24, 2))
    else:
        return None
    address = canonical_address(text)
    return (address, port) if address else None


def split_point(records: pl.DataFrame, limit: int = 1_000) -> int:
    """Return how many trailing rows of *records* hold the last event, so that a caller can carry them to the next batch.

    Rows of other events in between are counted too; events longer than *limit* rows are not held together. 0 when the last event is
    complete (it ended with EOE) or the last row belongs to none.
    """
    tail = records.tail(limit)
    serial = r"^(?:node=[^ ]+ )?(?:audit: )?type=[A-Z0-9_]+ (?:msg=)?(audit\([0-9.]+:[0-9]+\))"
    keys = tail.select(pl.coalesce(pl.col("message").str.extract(serial), pl.lit("")).alias("key"))["key"].to_list()
    if not keys or not keys[-1] or "type=EOE " in (tail["message"][-1] or ""):
        return 0
    return len(keys) - keys.index(keys[-1])
