"""Settle: once every file is read, decide hosts, years, zones and streams, and drop copies of records."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import PurePath

import polars as pl

from gatewatch.engines.collect import Collected, FileState
from gatewatch.engines.decode import COPY
from gatewatch.intake.stamp import base_year, instant, resolve
from gatewatch.schema.events import TimeBasis
from gatewatch.schema.records import Disposition, Framing
from gatewatch.site.model import Site

_ROTATION = re.compile(r"(?:[.-](?:[0-9]{1,3}|[0-9]{8}(?:-[0-9]+)?|[0-9]{4}-[0-9]{2}-[0-9]{2}|old|bak))+$")
_PACKED = re.compile(r"\.(?:gz|bz2|xz|zst)$", re.IGNORECASE)
LOCAL = "localhost"
TOLD = 3  # logs that a note names
_FAMILY = {
    Framing.UTMP: "wtmp",
    Framing.AUDIT: "audit",
    Framing.JOURNAL_JSON: "journal",
    Framing.JOURNAL_EXPORT: "journal",
    Framing.JOURNAL_BINARY: "journal",
}
FIREWALLS, PASSED = frozenset({"cisco-asa", "fortigate", "panos"}), ("flow-volume", "outbound-flow", "control-plane")
"""Sources that tell of their own host, and the patterns by which they tell of connections through it."""
ELSEWHERE = (
    *("zeek", "suricata", "aws-vpc-flow", "cef", "leef", "ocsf", "ecs", "gatewatch", "dns-query"),
    *("entra-signin", "entra-audit", "m365", "okta", "duo", "cloudtrail", "teleport", "onelogin", "auth0", "saas-audit"),
    *("jumpcloud", "keycloak", "pingone", "defender-logon"),
)
"""Sources that speak of other hosts than the one whose log it is: where they name none, the site file may know the address, and nobody else does."""


def settle(collected: Collected, site: Site, *, year: int | None = None, zone: str | None = None) -> list[str]:
    """Give every file its host, zone, year and stream, and its events their times; return notes for the reader."""
    notes: list[str] = []
    names = _one_names(collected, site)
    for old, new in sorted(_renamed(collected).items()):
        target = names.get(new, new)
        notes.append(f"host {old} became {target} in the course of an event log: one host, shown as {target}")
        names |= {name: target for name, one in names.items() if one == names.get(old, old)}
    for state in collected.files:
        _rename_hosts(state, names)
    notes += _assign_hosts(collected, site)
    notes += _name_macs(collected)
    for state in collected.files:
        _span(state)
        state.zone = zone or _zone(state, site)
    _years(collected, site, year, notes)
    for state in collected.files:
        for held in (state.bulk, state.rich, state.acts):
            if held:
                # a zone with folds is judged over the whole file
                whole = [pl.concat(held, how="diagonal_relaxed").sort("record")] if state.zone != "UTC" else held
                held[:] = [settled(frame, state) for frame in whole]
        if state.clock.first is None and state.clock.absolute_first is None:
            state.wall = True  # stamps with a year and no zone: only now is it known when the file begins
            _span(state)
    _streams(collected)
    return notes


def settled(frame: pl.DataFrame, state: FileState) -> pl.DataFrame:
    """Return events of a file with their times, host and ``file_id``."""
    basis = TimeBasis(state.basis)
    if state.renames and "host" in frame.columns:
        frame = frame.with_columns(pl.col("host").cast(pl.String).replace(state.renames).cast(frame["host"].dtype))
    frame = resolve(frame, year=state.year, basis=basis, zone=state.zone)
    # in a file that names several hosts, a record without one may be of any of them
    here = pl.lit(state.host if len(set(state.hosts)) <= 1 else None, pl.String).cast(frame["host"].dtype)
    elsewhere = pl.col("source").cast(pl.String).is_in(ELSEWHERE).fill_null(value=False)
    if "netfilter" in state.sources and "pattern" in frame.columns:
        forwarded = (pl.col("source").cast(pl.String) == "netfilter") & pl.col("pattern").cast(pl.String).str.ends_with("-through")
        elsewhere |= forwarded.fill_null(value=False)
    if "pattern" in frame.columns and not FIREWALLS.isdisjoint(state.sources):
        elsewhere |= pl.col("pattern").cast(pl.String).is_in(PASSED).fill_null(value=False)
    declared = pl.lit(None, frame["host"].dtype)
    if state.addresses and "host_ip" in frame.columns:
        declared = pl.col("host_ip").cast(pl.String).replace_strict(state.addresses, default=None, return_dtype=pl.String).cast(frame["host"].dtype)
    fill = pl.when(elsewhere).then(declared).otherwise(here)
    return frame.with_columns(pl.col("host").fill_null(fill).alias("host"), pl.lit(state.index, pl.UInt32).alias("file_id"))


def _span(state: FileState) -> None:
    """Give a file whose records bear their time within (documents) the stretch of its events."""
    if state.clock.first is not None or state.clock.absolute_first is not None:
        return
    frames = [frame["time"] for held in (state.bulk, state.rich, state.acts) for frame in held if "time" in frame.columns]
    moments = [moment for frame in frames for moment in (frame.min(), frame.max()) if isinstance(moment, datetime)]
    if moments:
        state.clock.absolute_first, state.clock.absolute_last = (
            round(moment.replace(tzinfo=UTC).timestamp() * 1_000_000) for moment in (min(moments), max(moments))
        )


def _one_names(collected: Collected, site: Site) -> dict[str, str]:
    """Return the one name of every host name the logs use: as the site says, else the commonest spelling.

    ``gate01.example.net`` becomes ``gate01`` where both occur (or the site file names ``gate01``) and only one domain does: one host under two names.
    """
    spelled: dict[str, Counter[str]] = {}
    for state in collected.files:
        for name, number in state.hosts.items():
            spelled.setdefault(name.lower(), Counter())[name] += number
    longer: dict[str, set[str]] = {}
    for name in spelled:
        short, dot, _ = name.partition(".")
        if dot and not re.fullmatch(r"[0-9.]+", name):
            longer.setdefault(short, set()).add(name)
    declared = {name.lower() for name in site.host_names()}
    result = {}
    for low, spellings in spelled.items():
        short = low.partition(".")[0]
        use = short if low != short and short in spelled and longer.get(short) == {low} else low
        common = min(spelled[use], key=lambda name: (-spelled[use][name], name))
        if low != short and longer.get(short) == {low} and short in declared:
            common = short  # the site file calls it so
        for name in spellings:
            found = site.host_name(name)
            result[name] = found if found != name else site.host_name(common)
    return result


def _renamed(collected: Collected) -> dict[str, str]:
    """Return the computers that an event log shows under a new name from some record on, by their old name.

    The log of a host is written by that host alone, so its names follow each other; a collector's log has them side by side.
    """
    result: dict[str, str] = {}
    for state in collected.files:
        if state.framing is not Framing.EVTX or not 1 < len(state.hosts) <= 4:
            continue
        parts = [
            frame.select(pl.col("host", "channel").cast(pl.String), "record")
            for frame in (*state.rich, *state.bulk, *state.acts)
            if "channel" in frame.columns
        ]
        if not parts:
            continue
        table = pl.concat(parts)
        if table["channel"].n_unique() != 1:
            continue
        spans = table.group_by("host").agg(pl.col("record").min().alias("low"), pl.col("record").max().alias("high")).sort("low")
        rows = list(spans.iter_rows())
        if all(one[2] < other[1] for one, other in pairwise(rows)):
            result |= {row[0]: rows[-1][0] for row in rows[:-1]}
    return {old: new for old, new in result.items() if new not in result}


def _rename_hosts(state: FileState, names: Mapping[str, str]) -> None:
    state.renames = {old: names[old] for old in state.hosts if names[old] != old}
    renamed: Counter[str] = Counter()
    for name, number in state.hosts.items():
        renamed[names[name]] += number
    state.hosts = renamed


def _assign_hosts(collected: Collected, site: Site) -> list[str]:
    """Name the host of files that do not (audit.log, wtmp): by a folder of that name, else the only host there is; return notes.

    Where several hosts may be meant, a log is a host of its own, called as its folder or file: its sessions and leases hold together, and are
    nobody else's.
    """
    known = sorted({name for state in collected.files for name in state.hosts} | set(site.host_names()))
    unnamed: list[FileState] = []
    placed: dict[int, list[str]] = {}
    for state in collected.files:
        state.addresses = site.addresses()
        if state.hosts:
            state.host = min(state.hosts, key=lambda name: (-state.hosts[name], name))
            continue
        parts = [part.lower() for part in re.split(r"[/!\\]", state.name)[:-1]]
        named = [name for part in reversed(parts) for name in known if re.match(rf"{re.escape(name.lower())}(?:[._-]|$)", part)]
        if named:
            state.host = named[0]
            placed[state.index] = named[:1]
        else:
            unnamed.append(state)
    # the unified log of a Mac may lie beside the log of any other host; a host that only a folder names is one as well
    borne = [(name, _is_mac(state)) for state in collected.files for name in (*state.hosts, *placed.get(state.index, ()))]
    all_, of_macs = sorted({name for name, _ in borne}), sorted({name for name, mac in borne if mac})
    called: list[str] = []
    for state in unnamed:
        hosts = of_macs if _is_mac(state) else all_
        if len(hosts) == 1:
            state.host = hosts[0]
        elif len(site.host_names()) == 1:
            state.host = site.host_names()[0]
        elif len(hosts) > 1 and not _is_mac(state) and _nameless(state):
            state.host = _called(state, collected)
            called.append(f"{PurePath(state.name.replace('!', '/')).name} as {state.host}")
    return [_as_called(called)] if called else []


def _as_called(called: Sequence[str]) -> str:
    """Say which logs are shown under a name that is their folder's or file's, in one line however many they are."""
    shown = ", ".join(called[:TOLD]) + (f", {len(called) - TOLD} more" if len(called) > TOLD else "")
    said = "1 log names" if len(called) == 1 else f"{len(called):,} logs name"
    return f"{said} no host, and no folder does: shown {shown}"


def _nameless(state: FileState) -> bool:
    """Return whether events of a file name no host, though they are of the one whose log it is."""
    if set(state.sources) <= {*ELSEWHERE, "macos-pf"}:
        return False
    return any("host" not in frame.columns or frame["host"].null_count() for held in (state.bulk, state.rich, state.acts) for frame in held)


def _called(state: FileState, collected: Collected) -> str:
    """Return the folder of a file where not all files lie in it, else the beginning of the file's name."""
    paths = [PurePath(other.name.replace("!", "/")) for other in collected.files]
    own = PurePath(state.name.replace("!", "/"))
    if own.parent.name and any(own.parent not in path.parents for path in paths):
        return own.parent.name
    return own.name.partition(".")[0] or own.name


def macs(collected: Collected) -> list[str]:
    """Return the hosts whose own logs are those of a Mac."""
    return sorted({name for state in collected.files if _is_mac(state) for name in (state.host, *state.hosts) if name})


def _is_mac(state: FileState) -> bool:
    """Return whether the records of a file are of macOS; PF's are of any system."""
    return any(name.startswith("macos-") and name != "macos-pf" for name in state.sources)


def _name_macs(collected: Collected) -> list[str]:
    """Name the hosts of unified logs, which call every Mac ``localhost``: so, or by their folders where there are several; return notes."""
    macs = [state for state in collected.files if state.host is None and _is_mac(state)]
    folders = {state.index: PurePath(state.name.replace("!", "/")).parent for state in macs}
    several = len(set(folders.values())) > 1
    for state in macs:
        state.host = (folders[state.index].name or LOCAL) if several else LOCAL
    if len(macs) > len(set(folders.values())):
        named = ", ".join(sorted({str(state.host) for state in macs}))
        return [f"the unified log names no host: files of one folder are taken for one Mac ({named}); put each Mac's into a folder of its own"]
    return []


def _zone(state: FileState, site: Site) -> str:
    return site.zone_of(state.host, state.name, _source(state))


def _source(state: FileState) -> str | None:
    """Return the source that most records of a file belong to."""
    return max(state.sources, key=lambda name: (state.sources[name], name), default=None)


def _years(collected: Collected, site: Site, year: int | None, notes: list[str]) -> None:
    ranges: list[tuple[str | None, datetime, datetime]] = []
    for state in collected.files:
        if state.clock.absolute_first is not None and state.clock.absolute_last is not None:
            low, high = (datetime.fromtimestamp(value / 1_000_000, UTC) for value in (state.clock.absolute_first, state.clock.absolute_last))
            ranges.append((state.host, low, high))
    for state in collected.files:
        if state.clock.first is None:
            continue
        own = [(low, high) for host, low, high in ranges if host == state.host]
        other = [(low, high) for _, low, high in ranges]
        found = base_year(
            state.clock,
            given=year or site.year_of(state.host, state.name, _source(state)),
            neighbours=own or other,
            name=state.name,
            mtime=state.mtime,
        )
        if found is None:
            notes.append(f"{state.name}: no year in the log and nothing to infer it from; its times are unknown (give --year)")
            continue
        state.year, state.basis = found[0], str(found[1])


def _log_name(state: FileState) -> tuple[str, str]:
    """Return ``(folder, base name without rotation and packing)``: rotated siblings share it."""
    path = PurePath(state.name.replace("!", "/"))
    base = path.name
    for _ in range(3):
        base = _ROTATION.sub("", _PACKED.sub("", base))
    return str(path.parent), base


def _family(state: FileState) -> str:
    """Return the kind of log a file is, from what its records turned out to be."""
    if state.framing in _FAMILY:
        return _FAMILY[state.framing]
    common = max(state.framings, key=lambda name: (state.framings[name], name), default="")
    return "audit" if common == str(Framing.AUDIT) else "syslog"


def _first_time(state: FileState) -> datetime:
    """Return when the file begins, for ordering rotated files."""
    moments = []
    if state.clock.first is not None and state.year is not None:
        moments.append(instant(state.clock.first, state.year))
    if state.clock.absolute_first is not None:
        moments.append(datetime.fromtimestamp(state.clock.absolute_first / 1_000_000, UTC))
    return min(moments) if moments else datetime(1, 1, 1, tzinfo=UTC)


def _streams(collected: Collected) -> None:
    """Name streams by content (host, kind of log) and number their records over rotated files."""
    groups: dict[tuple[str, str], list[FileState]] = {}
    for state in collected.files:
        groups.setdefault(_log_name(state), []).append(state)
    named: list[tuple[str, datetime, str, list[FileState]]] = []
    for members in groups.values():
        members.sort(key=lambda state: (_first_time(state), state.records, state.name))
        first = members[0]
        digest = hashlib.sha256(repr((_first_time(first), first.records, sorted(first.hosts))).encode()).hexdigest()[:8]
        named.append((f"{first.host or 'unknown-host'}:{_family(first)}", _first_time(first), digest, members))
    taken: Counter[str] = Counter()
    for base, _, _, members in sorted(named, key=lambda item: item[:3]):
        taken[base] += 1
        stream = base if taken[base] == 1 else f"{base}#{taken[base]}"
        position = 0
        for state in members:
            state.stream, state.base = stream, position
            position += state.records


def copies(files: list[FileState], table: pl.DataFrame, collected: Collected) -> pl.DataFrame:
    """Return *table* (events with ``file_id``) without copies: identical facts in overlapping files count the most any one file holds.

    The same record is told by its content and second, whatever the framing: a central file repeats what the host's own log says. Windows numbers
    its records, so there a copy is told by computer, channel, number and second, also within one file.
    """
    if "event_record" in table.columns and table["event_record"].null_count() < table.height:
        table = _numbered_copies(files, table, collected)
    overlapping = _overlapping(files)
    if not overlapping or not table.height:
        return table
    wanted = ("host", "kind", "pattern", "session", "user", "src_ip", "src_host", "src_port", "target_user", "command", "object", "count")
    key = [column for column in wanted if column in table.columns]
    inside = table["file_id"].is_in(sorted(overlapping)) & table["time"].is_not_null()
    if "event_record" in table.columns:
        inside &= table["event_record"].is_null()
    part = table.filter(inside).with_columns(pl.col("time").dt.truncate("1s").alias("zz_second"))
    part = part.with_columns(pl.int_range(pl.len()).over(["file_id", *key, "zz_second"]).alias("zz_nth"))
    kept = part.unique([*key, "zz_second", "zz_nth"], keep="first", maintain_order=True)
    if part.height == kept.height:
        return table
    gone = part.join(kept.select("file_id", "record"), on=["file_id", "record"], how="anti")
    _count_copies(files, gone, collected)
    return pl.concat([table.filter(~inside), kept.drop("zz_second", "zz_nth")])


def _numbered_copies(files: list[FileState], table: pl.DataFrame, collected: Collected) -> pl.DataFrame:
    """Drop copies of numbered records."""
    if _all_grow(table):
        return table
    numbered = table["event_record"].is_not_null() & table["time"].is_not_null()
    part = table.filter(numbered).with_columns(pl.col("time").dt.truncate("1s").alias("zz_second"))
    key = ["host", "channel", "event_record", "zz_second", "kind", "pattern"]
    kept = part.unique(key, keep="first", maintain_order=True)
    if kept.height == part.height:
        return table
    gone = part.join(kept.select("file_id", "record"), on=["file_id", "record"], how="anti")
    _count_copies(files, gone, collected)
    return pl.concat([table.filter(~numbered), kept.drop("zz_second")]).sort("file_id", "record")


def _all_grow(table: pl.DataFrame) -> bool:
    """Return whether the record numbers of every log of every host only ever grow in *table*: no copies then, and no costly look for them."""
    numbered = table.lazy().filter(pl.col("event_record").is_not_null())
    steps = numbered.group_by("host", "channel").agg(pl.col("event_record").diff().min().alias("step"))
    return bool(steps.select((pl.col("step").fill_null(1) > 0).all()).collect().item())


def _count_copies(files: list[FileState], gone: pl.DataFrame, collected: Collected) -> None:
    for file_id, source, number in gone.group_by("file_id", pl.col("source").cast(pl.String)).len().sort("file_id", "source").iter_rows():
        collected.tally[files[file_id].name, source, Disposition.USED, ""] -= number
        collected.tally[files[file_id].name, source, Disposition.IGNORED, COPY] += number


def _overlapping(files: list[FileState]) -> set[int]:
    """Return the indices of files that share a host and a stretch of time with another file."""
    spans = []
    for state in files:
        low = high = None
        if state.clock.first is not None and state.clock.last is not None and state.year is not None:
            low, high = instant(state.clock.first, state.year), instant(state.clock.last, state.year + state.clock.years)
        if state.clock.absolute_first is not None and state.clock.absolute_last is not None:
            a, b = (datetime.fromtimestamp(value / 1_000_000, UTC) for value in (state.clock.absolute_first, state.clock.absolute_last))
            low, high = (a if low is None else min(a, low)), (b if high is None else max(b, high))
        if low is not None and high is not None:
            spans.append((state, low - timedelta(days=1), high + timedelta(days=1)))
    found: set[int] = set()
    for position, (state, low, high) in enumerate(spans):
        for other, start, end in spans[position + 1 :]:
            if low <= end and start <= high and (set(state.hosts) & set(other.hosts) or state.host == other.host):
                found |= {state.index, other.index}
    return found
