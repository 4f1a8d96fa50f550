"""Coverage: what each log saw, when it was silent, and what no log given could have shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import polars as pl

from gatewatch.engines.collect import FileState
from gatewatch.schema.coverage import Coverage, Gap, Unseen
from gatewatch.schema.platform import Platform, on_platform

_UNIX = frozenset({"sshd", "sftp", "sudo", "su", "logind", "shadow", "cron", "fail2ban", "auditd", "utmp", "system", "pam"})
STEP = timedelta(minutes=10)
LEAST_GAP = timedelta(hours=12)
USUAL = 8  # a gap is this many times the silence that one in a hundred exceeds


def slots(table: pl.DataFrame) -> pl.DataFrame:
    """Return ``file_id, host, source, slot, n, first, last``: the events of *table* (``time, host, source, file_id``) by stretches of ten minutes."""
    grouped = (
        table.select("file_id", "host", "source", "time", pl.col("time").dt.truncate("10m").alias("slot"))
        .group_by("file_id", "host", "source", "slot")
        .agg(pl.len().alias("n"), pl.col("time").min().alias("first"), pl.col("time").max().alias("last"))
    )
    return grouped.with_columns(pl.col("host", "source").cast(pl.String))


def coverage(files: Sequence[FileState], parts: Sequence[pl.DataFrame]) -> list[Coverage]:
    """Return one row per source, host and stream of the *parts* that :func:`slots` made."""
    parts = [part for part in parts if part.height]
    if not parts:
        return []
    by_id: Mapping[int, FileState] = {state.index: state for state in files}
    stream = pl.col("file_id").replace_strict({i: state.stream for i, state in by_id.items()}, return_dtype=pl.String)
    # a computer writes each of its Windows logs once, however many exports there are of it
    exported = on_platform(Platform.WINDOWS) & pl.col("host").is_not_null()
    table = pl.concat(parts).with_columns(pl.when(exported).then(pl.col("host") + ":" + pl.col("source")).otherwise(stream).alias("stream"))
    result = []
    for (source, host, stream), group in table.group_by(["source", "host", "stream"]):
        times = sorted(set(group["slot"].drop_nulls().to_list()))
        state = by_id[group["file_id"].min()]  # type: ignore[index]
        result.append(
            Coverage(
                source=str(source),
                host=host,
                stream=str(stream),
                first=group["first"].min(),  # type: ignore[arg-type]
                last=group["last"].max(),  # type: ignore[arg-type]
                zone=state.zone,
                time_basis=state.basis,
                events=int(group["n"].sum()),
                gaps=tuple(_gaps(times)),
            )
        )
    return sorted(result, key=lambda row: (row.host or "", row.source, row.stream))


def _gaps(times: Sequence[datetime]) -> list[Gap]:
    """Return silences much longer than the stream's habit; fewer than twenty busy stretches are no habit."""
    steps = [b - a for a, b in pairwise(times)]
    if len(steps) < 20:
        return []
    usual = sorted(steps)[int(len(steps) * 0.99) - 1]
    limit = max(LEAST_GAP, usual * USUAL)
    return [Gap(a + STEP, b) for a, b in pairwise(times) if b - a > limit][:50]


def unseen(rows: Sequence[Coverage]) -> list[Unseen]:
    """Return what no log given could have shown, for each host that some log speaks of, with the native command that collects it."""
    seen: dict[str, set[str]] = {}
    for row in rows:
        if row.host:
            seen.setdefault(row.host, set()).add(row.source)
    result = []
    for host in sorted(seen):
        have = seen.get(host, set())
        if any(source.startswith("windows-") for source in have):
            result += _missing(host, have, _WINDOWS)
            continue
        if have & _MAC:
            result += _missing(host, have, _MACOS)
            continue
        if not have & _UNIX:
            continue  # an appliance: it keeps no such logs
        if "auditd" not in have:
            result.append(
                Unseen(
                    f"{host}: commands run without sudo, files touched",
                    "no audit log of this host was given",
                    "ausearch --raw > audit.txt, or copy /var/log/audit/audit.log*",
                )
            )
        if not have & {"sshd", "pam", "auditd", "utmp"}:
            result.append(
                Unseen(
                    f"{host}: logons",
                    "no authentication log of this host was given",
                    "journalctl -o json -u ssh -u sshd > ssh.json, or copy /var/log/auth.log* (/var/log/secure*)",
                )
            )
        if not have & {"sudo", "su"} and "sshd" in have:
            result.append(
                Unseen(f"{host}: use of root rights", "no sudo or su record of this host was given", "journalctl -o json -t sudo -t su > sudo.json")
            )
    return result


_WINDOWS: tuple[tuple[frozenset[str], str, str, str], ...] = (
    (
        frozenset({"windows-logon"}),
        "logons and what they led to",
        "no Security log of this host was given",
        "wevtutil epl Security Security.evtx",
    ),
    (
        frozenset({"windows-rdp"}),
        "addresses of failed RDP logons, reconnects",
        "no RdpCoreTS or LocalSessionManager log of this host was given",
        "wevtutil epl Microsoft-Windows-RemoteDesktopServices-RdpCoreTS/Operational RdpCoreTS.evtx, and LocalSessionManager/Operational likewise",
    ),
    (
        frozenset({"windows-process", "windows-sysmon"}),
        "commands run",
        "no process creation (4688, Sysmon 1) of this host was given",
        "switch on 'Audit Process Creation' with command lines, or install Sysmon; past commands may stand in PowerShell/Operational",
    ),
    (
        frozenset({"windows-system"}),
        "services installed, restarts",
        "no System log of this host was given",
        "wevtutil epl System System.evtx",
    ),
)


_MAC = frozenset({"macos-sshd", "macos-screensharing", "macos-sudo", "macos-auth"})
_SHOW = "log show --info --style ndjson --predicate"
_MACOS: tuple[tuple[frozenset[str], str, str, str], ...] = (
    (
        frozenset({"macos-sshd"}),
        "logons over SSH",
        "no entry of sshd was given (they are of the level info)",
        f"{_SHOW} 'process BEGINSWITH \"sshd\"' > sshd.ndjson",
    ),
    (
        frozenset({"macos-screensharing"}),
        "logons over Screen Sharing",
        "no entry of screensharingd was given",
        f"{_SHOW} 'process == \"screensharingd\"' > screensharing.ndjson",
    ),
    (frozenset({"macos-sudo"}), "use of root rights", "no entry of sudo was given", f"{_SHOW} 'process == \"sudo\"' > sudo.ndjson"),
    (frozenset(), "commands run without sudo", "the unified log has none", "eslogger exec, from macOS 13 on; it records only from then"),
)


def _missing(host: str, have: set[str], table: tuple[tuple[frozenset[str], str, str, str], ...]) -> list[Unseen]:
    return [Unseen(f"{host}: {what}", why, collect) for sources, what, why, collect in table if not have & sources]
