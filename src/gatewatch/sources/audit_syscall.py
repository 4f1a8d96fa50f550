"""System calls as the audit system records them: several records, one event, told by ``(node, time:serial)``.

=============================================================  ====================================================================
records                                                        event
=============================================================  ====================================================================
SYSCALL execve with EXECVE (or PROCTITLE), successful          ``exec``: command, program, audit session
SYSCALL connect with SOCKADDR, successful or in progress       ``connection``: destination address and port
SYSCALL on a file with PATH of a guarded file, writing         ``config_change`` (``file-changed``), object = path
the same under /var/log: removed, emptied or moved by a user   ``log_cleared`` (``log-removed``)
=============================================================  ====================================================================

All is done in columns but the joining of arguments and the paths of the few groups that touch a guarded file. An event row stands for
all its records. A group cut by the end of a batch is decoded from what is there; :func:`split_point` tells a caller how much to carry
over instead.
"""

from __future__ import annotations

import posixpath
import re

import polars as pl

from gatewatch.schema import events as ev
from gatewatch.schema.addresses import canonical_address
from gatewatch.schema.events import Kind, Service
from gatewatch.schema.users import split_user
from gatewatch.sources import audit_field as af
from gatewatch.sources.audit_command import join_arguments, join_title
from gatewatch.sources.audit_type import CONNECT, EXEC, FILE, OPEN_FLAGS, REMOVING, SYSCALLS

_GUARDED = re.compile(
    r"/(?:.*/)?\.ssh/(?:authorized_keys2?|rc|environment)|/etc/(?:passwd|g?shadow|group|sudoers|sudo\.conf|ld\.so\.preload|crontab)"
    r"|/etc/(?:sudoers\.d|ssh|pam\.d|cron\.[a-z]+|systemd/system)/.*|/var/spool/cron/.*"
)
_LOGS = re.compile(r"/var/log/.*")
_LOOSE = r"\.ssh/|/etc/(?:passwd|g?shadow|group|sudo|ssh/|pam\.d/|cron|systemd/|ld\.so\.)|/var/(?:spool/cron|log/)"
_NEAR = r'cwd="(?:/etc|/var/log|/var/spool/cron|.*/\.ssh)'
_LOGGERS = frozenset(
    (
        *("rsyslogd", "syslog-ng", "systemd-journald", "journalctl", "auditd", "logrotate", "savelog"),
        *("gzip", "xz", "bzip2", "zstd", "dpkg", "apt"),
    )
)  # programs that move and remove logs as their work
_WRITE = 0o3 | 0o100 | 0o1000  # O_WRONLY or O_RDWR, O_CREAT, O_TRUNC
_TRUNCATE = 0o1000
_PORTS = {22: Service.SSH, 3389: Service.RDP, 5985: Service.WINRM, 5986: Service.WINRM, 445: Service.SMB, 5900: Service.VNC}
_CARRIED = ("record", "offset", "time", "time_err", "time_basis", "received", "host", "count")
_PLAIN = ("auid", "uid", "euid", "pid", "ppid", "tty")
_FILE_MEANING: dict[str, pl.DataType] = {"event": pl.String(), "kind": pl.String(), "pattern": pl.String(), "object": pl.String()}


def decode(table: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, int]:
    """Return ``(events, ignored, used)``: event rows (narrow), ``record, why`` of records folded into none, and how many were folded.

    *table*: records after :func:`gatewatch.sources.audit_field.header`, of the types in
    :data:`gatewatch.sources.audit_type.SYSCALL_FAMILY`.
    """
    alone = pl.lit("record:") + pl.col("record").cast(pl.String)
    keyed = table.with_columns(pl.concat_str(pl.col("host").fill_null(""), pl.coalesce("serial", alone), separator=" ").alias("event"))
    calls = _calls(keyed)
    meanings = pl.concat([_runs(keyed, calls), _connections(keyed, calls), _files(keyed, calls)], how="diagonal")
    heads = keyed.join(meanings.select("event"), on="event", how="semi", maintain_order="left")
    heads = heads.group_by("event", maintain_order=True).first().select("event", *_CARRIED)
    events = _shape(heads.join(meanings, on="event", how="left"), _actors(keyed, meanings))
    ignored = keyed.join(meanings, on="event", how="anti").select("record", pl.col("type").alias("why"))
    return events, ignored, table.height - ignored.height


def _calls(keyed: pl.DataFrame) -> pl.DataFrame:
    """Return ``event, call, success, reached, a1, a2`` of the SYSCALL records of the calls that we read, one per event."""
    rows = keyed.filter(pl.col("type") == "SYSCALL").unique("event", keep="first", maintain_order=True)
    number = pl.concat_str(af.value("arch"), af.value("syscall"), separator=":")
    named = pl.col("message").str.extract(r" SYSCALL=([a-z0-9_]{1,32})")
    spelled = pl.col("message").str.extract(r" syscall=([a-z][a-z0-9_]{1,32}) ")
    name = pl.coalesce(spelled, named, number.replace_strict(list(SYSCALLS), list(SYSCALLS.values()), default=None, return_dtype=pl.String))
    success = (af.value("success") == "yes").fill_null(value=False)
    pending = af.value("exit").is_in(["-115", "EINPROGRESS"]).fill_null(value=False)
    made = rows.select(
        "event", name.alias("call"), success.alias("success"), (success | pending).alias("reached"), af.value("a1"), af.value("a2")
    )
    return made.filter(pl.col("call").is_in(sorted(EXEC | CONNECT | FILE)))


def _runs(keyed: pl.DataFrame, calls: pl.DataFrame) -> pl.DataFrame:
    """Return ``event, kind, pattern, command`` of the commands run, those of a group whose SYSCALL is elsewhere included."""
    runs = calls.filter(pl.col("call").is_in(sorted(EXEC)) & pl.col("success")).select("event")
    rows = keyed.filter(pl.col("type") == "EXECVE")
    orphans = rows.select("event").unique(maintain_order=True).join(keyed.filter(pl.col("type") == "SYSCALL"), on="event", how="anti")
    wanted = pl.concat([runs, orphans])
    grouped = rows.join(wanted, on="event", how="semi").sort("record").group_by("event", maintain_order=True).agg("message")
    commands = [join_arguments(messages) for messages in grouped["message"].to_list()]
    told = grouped.select("event", pl.Series("command", commands, dtype=pl.String))
    titled = keyed.filter(pl.col("type") == "PROCTITLE").join(wanted, on="event", how="semi").join(told, on="event", how="anti")
    titles = titled.select("event", af.value("proctitle").alias("raw")).unique("event", keep="first", maintain_order=True)
    told = pl.concat(
        [told, titles.select("event", pl.Series("command", [join_title(raw or "") for raw in titles["raw"]], dtype=pl.String))]
    )
    made = wanted.join(told, on="event", how="left", maintain_order="left")
    return made.with_columns(pl.lit(str(Kind.EXEC)).alias("kind"), pl.lit("exec").alias("pattern"))


def _connections(keyed: pl.DataFrame, calls: pl.DataFrame) -> pl.DataFrame:
    """Return ``event, kind, pattern, dst_ip, dst_port`` of the connections to an internet address."""
    wanted = calls.filter(pl.col("call").is_in(sorted(CONNECT)) & pl.col("reached")).select("event")
    rows = keyed.filter(pl.col("type") == "SOCKADDR").join(wanted, on="event", how="semi", maintain_order="left")
    raw = rows.select("event", pl.col("message").str.extract(r"saddr=([0-9A-Fa-f]+)").alias("saddr")).unique(
        "event", keep="first", maintain_order=True
    )
    found = [socket_address(saddr or "") or (None, None) for saddr in raw["saddr"].to_list()]
    made = raw.select(
        "event",
        pl.Series("dst_ip", [address for address, _ in found], dtype=pl.String),
        pl.Series("dst_port", [port for _, port in found], dtype=pl.UInt16),
    )
    made = made.filter(pl.col("dst_ip").is_not_null())
    return made.with_columns(pl.lit(str(Kind.CONNECTION)).alias("kind"), pl.lit("connect").alias("pattern"))


def _files(keyed: pl.DataFrame, calls: pl.DataFrame) -> pl.DataFrame:
    """Return ``event, kind, pattern, object`` of the changes to guarded files and the removals of logs."""
    touches = calls.filter(pl.col("call").is_in(sorted(FILE)) & pl.col("success"))
    path = (pl.col("type") == "PATH") & (pl.col("message").str.contains(_LOOSE) | pl.col("message").str.contains(r" name=[0-9A-F]{4}"))
    near = (pl.col("type") == "CWD") & pl.col("message").str.contains(_NEAR)
    guarded = keyed.filter(path | near).select("event").unique()
    touches = touches.join(guarded, on="event", how="semi", maintain_order="left")
    rows = keyed.filter(pl.col("type").is_in(["SYSCALL", "CWD", "PATH", "OPENAT2"])).join(touches, on="event", how="semi").sort("record")
    grouped = (
        rows.group_by("event", maintain_order=True).agg(pl.struct("type", "message").alias("parts")).join(touches, on="event", how="left")
    )
    made: list[dict[str, str]] = []
    for row in grouped.iter_rows(named=True):
        meaning = _file(row["call"], row[OPEN_FLAGS.get(row["call"], "a1")] or "", row["parts"])
        if meaning is not None:
            made.append({"event": row["event"], "kind": str(meaning[0]), "pattern": meaning[1], "object": meaning[2]})
    return pl.DataFrame(made, schema=_FILE_MEANING)


def _file(call: str, flags: str, parts: list[dict[str, str]]) -> tuple[Kind, str, str] | None:
    """Return kind, pattern and path of what one call did to a file; *parts*: ``type`` and ``message`` of the group's records."""
    cwd, named, opened = "/", [], call in OPEN_FLAGS or call == "openat2"
    mode = _number(flags, 16) if call in OPEN_FLAGS else None
    by_user, program = False, ""
    for part in parts:
        values = af.fields(part["message"])
        match part["type"]:
            case "SYSCALL":
                by_user = values.get("ses", "4294967295") not in ("4294967295", "-1", "")
                program = posixpath.basename(_bare(values.get("exe", "")) or "")
            case "CWD":
                cwd = _bare(values.get("cwd", "")) or "/"
            case "OPENAT2":
                mode = _number(values.get("oflag", ""), 8)
            case _ if values.get("nametype") != "PARENT" and (name := _bare(values.get("name", ""))):
                named.append(name)
    if opened and not (mode or 0) & _WRITE:
        return None
    paths = [posixpath.normpath(posixpath.join(cwd, name)) for name in named]
    guarded = [path for path in paths if _GUARDED.fullmatch(path)]
    if guarded:
        return Kind.CONFIG_CHANGE, "file-changed", guarded[-1]
    logs = [path for path in paths if _LOGS.fullmatch(path)]
    removing = call in REMOVING or (opened and bool((mode or 0) & _TRUNCATE))
    return (Kind.LOG_CLEARED, "log-removed", logs[0]) if logs and by_user and removing and program not in _LOGGERS else None


def _actors(keyed: pl.DataFrame, meanings: pl.DataFrame) -> pl.DataFrame:
    """Return ``event`` and who did it: ``name`` (enriched), ``session``, ``process``, ``keys``, ``extra``."""
    rows = keyed.filter(pl.col("type") == "SYSCALL").join(meanings, on="event", how="semi", maintain_order="left")
    rows = rows.unique("event", keep="first", maintain_order=True)
    raw = rows.select(
        "event",
        af.enriched("AUID").alias("name"),
        af.audit_session().alias("session"),
        *(af.plain(name).alias(name) for name in _PLAIN),
        *(af.value(name).str.replace(r"ARCH=.*$", "").alias(name) for name in ("exe", "comm", "key")),
    )
    places = (
        keyed.filter(pl.col("type") == "CWD")
        .select("event", af.value("cwd").alias("cwd"))
        .unique("event", keep="first", maintain_order=True)
    )
    raw = raw.join(places, on="event", how="left", maintain_order="left")
    bare = raw.with_columns(af.decode(raw[name], kernel=True).alias(name) for name in ("exe", "comm", "key", "cwd"))
    keys = af.mapped(bare["key"], lambda text: ",".join(part.removeprefix("key=") for part in text.split("\x01") if part) or None)
    extra = pl.struct(*_PLAIN, "comm", "cwd").struct.json_encode()
    return bare.select("event", "name", "session", pl.col("exe").alias("process"), keys.alias("keys"), extra.alias("extra"))


def _shape(rows: pl.DataFrame, actors: pl.DataFrame) -> pl.DataFrame:
    rows = ev.ensure(rows, "command", "dst_ip", "dst_port", "object").join(actors, on="event", how="left", maintain_order="left")
    ports = {port: str(service) for port, service in _PORTS.items()}
    service = pl.col("dst_port").replace_strict(list(ports), list(ports.values()), default=None, return_dtype=ev.SERVICE)
    return rows.select(
        *_CARRIED,
        pl.col("kind").cast(ev.KIND),
        service.alias("service"),
        pl.col("host").alias("observer"),
        af.mapped(rows["name"], lambda name: split_user(name)[0]).alias("user"),
        af.mapped(rows["name"], lambda name: split_user(name)[1]).alias("user_domain"),
        *("session", "dst_ip", "dst_port", "process", "command"),
        pl.coalesce("object", "keys").alias("object"),
        pl.lit("auditd").alias("source"),
        "pattern",
        "extra",
    ).sort("record")


def _bare(raw: str) -> str | None:
    return af.decode_value(raw, kernel=True)


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
