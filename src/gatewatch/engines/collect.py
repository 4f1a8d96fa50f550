"""Collect: read every input once and hold its events, compact, with the facts about each file that only its end reveals."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import polars as pl

from gatewatch.engines.decode import RAW_CAP, Decoded, asks_all, decode_batch, decode_block, detached, merge
from gatewatch.engines.mapping import shapes
from gatewatch.engines.nearest import BINARY, Kinds
from gatewatch.engines.raw import rereadable
from gatewatch.intake import (
    entra_csv,
    evtx,
    export_csv,
    journal_binary,
    journal_export,
    journal_json,
    json_record,
    m365_csv,
    parquet,
    radius_detail,
    table,
    utmp,
    windows_block,
    windows_csv,
    windows_xml,
)
from gatewatch.intake.batch import Batch, gathered, joined
from gatewatch.intake.evtx_draft import Draft
from gatewatch.intake.json_shape import Shape
from gatewatch.intake.limit import Limits
from gatewatch.intake.line import Block, cut
from gatewatch.intake.opening import Member, open_paths
from gatewatch.intake.stamp import FileClock
from gatewatch.intake.syslog import Framer
from gatewatch.schema.events import Kind
from gatewatch.schema.records import ClockFault, Disposition, Framing, Problem, Reject, Tally
from gatewatch.sources.map import MapSource
from gatewatch.sources.registry import WindowsInterest

CHUNK = 24 << 20
EVTX_CHUNK = 2 << 20  # its chunks are copied out of what was read: better while the processor still has it at hand
WORKERS = 2
AHEAD = 2
GATHERED = 80_000  # records of an event log that are decoded together
JSON_CHUNK = 8 << 20  # what its objects become takes several times their size
PILED, PILE = 20_000, 32  # records, blocks of JSON lines that are decoded together: few records of many sources cost as much as many
_TEXT = (Framing.SYSLOG_BSD, Framing.SYSLOG_ISO, Framing.SYSLOG_5424, Framing.WIN32_OPENSSH, Framing.AUDIT, Framing.MESSAGE)
_CONTROL = bytes(set(range(32)) - {9, 10, 12, 13, 27, 29, 30}) + b"\x7f"

Progress = Callable[[int, int, str], None]  # bytes read, bytes known, current file


@dataclass(slots=True)
class FileState:
    """One file or archive member: what it said and what is known of it."""

    index: int
    name: str
    path: Path
    mtime: datetime | None
    framing: Framing
    clock: FileClock = field(default_factory=FileClock)
    hosts: Counter[str] = field(default_factory=Counter)
    framings: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    bulk: list[pl.DataFrame] = field(default_factory=list)
    rich: list[pl.DataFrame] = field(default_factory=list)
    acts: list[pl.DataFrame] = field(default_factory=list)
    records: int = 0
    size: int = 0
    blocks: bool = False  # read in blocks that number their records from 1
    # decided once every file is read
    renames: dict[str, str] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)  # inner address -> host, as the site file says
    host: str | None = None
    zone: str = "UTC"
    wall: bool = False  # its stamps bear a year and no zone
    year: int | None = None
    basis: str = "absolute"
    stream: str = ""
    base: int = 0  # position of record 0 within the stream
    newest_first: bool = False  # its records go back in time
    scattered: bool = False  # its records are in no order


@dataclass(slots=True)
class Collected:
    """All files, the fate of every record, and what went wrong."""

    files: list[FileState] = field(default_factory=list)
    tally: Counter[tuple[str, str | None, Disposition, str]] = field(default_factory=Counter)
    rejects: list[Reject] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    programs: Counter[str] = field(default_factory=Counter)
    kinds: dict[str, Kinds] = field(default_factory=dict)  # of unrecognised records, per file
    held: Counter[str] = field(default_factory=Counter)  # rows in memory that may be spilled, by where files keep them
    records: int = 0
    bytes: int = 0

    def tallies(self) -> list[Tally]:
        """Return the tally as sorted rows."""
        rows = [Tally(file, source, fate, reason, number) for (file, source, fate, reason), number in self.tally.items() if number]
        return sorted(rows, key=lambda row: (row.file, row.source or "", row.disposition, row.reason))

    def clock_faults(self) -> list[ClockFault]:
        """Return the backward jumps of all files."""
        ordered = [state for state in self.files if not state.newest_first]
        return [ClockFault(state.stream, state.name, record, before, after) for state in ordered for record, before, after in state.clock.jumps]


def detect_framing(member: Member) -> Framing:
    """Return how *member* is cut into records, by its first bytes."""
    head = member.head
    if evtx.sniff(head) >= 0.9:  # no other format begins like this, and folders hold them by the hundred
        return Framing.EVTX
    scores = {
        Framing.JOURNAL_BINARY: journal_binary.sniff(head),
        Framing.JOURNAL_JSON: journal_json.sniff(head),
        Framing.JOURNAL_EXPORT: journal_export.sniff(head),
        Framing.UTMP: utmp.sniff(head, member.name),
        Framing.PARQUET: parquet.sniff(head),
        Framing.WINDOWS_XML: windows_xml.sniff(head),
        Framing.WINDOWS_CSV: windows_csv.sniff(head),
        Framing.WINDOWS_BLOCK: windows_block.sniff(head),
        Framing.M365_CSV: m365_csv.sniff(head),
        Framing.RADIUS_DETAIL: radius_detail.sniff(head),
        Framing.ENTRA_CSV: entra_csv.sniff(head),
        Framing.EXPORT_CSV: export_csv.sniff(head),
        Framing.TABLE: table.sniff(head),
        Framing.JSON: json_record.sniff(head),
    }
    best = max(scores, key=lambda framing: scores[framing])
    if scores[best] >= 0.5:
        return best
    if head[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return Framing.SYSLOG_BSD
    sample = head[:8192]
    control = len(sample) - len(sample.translate(None, _CONTROL))
    if sample and control > len(sample) * 0.05 and control - sample.count(0) > len(sample) * 0.02:
        return Framing.UNKNOWN
    if sample and sample.count(0) > len(sample) * 0.3:
        return Framing.UNKNOWN
    return Framing.SYSLOG_BSD


def collect(
    paths: Sequence[str],
    *,
    limits: Limits,
    wanted: frozenset[Kind] | None,
    framing: Framing | None = None,
    progress: Progress | None = None,
    skip: Collection[str] = (),
    relieve: Callable[[Collected], None] | None = None,
    maps: Sequence[MapSource] = (),
) -> Collected:
    """Read *paths* and return what they hold. Never raises for what a file contains. Files named in *skip* (the site file) are no logs.

    *relieve* is called after every block: it may take frames of bulk events and acts away. *maps* are formats of the user's own.
    """
    result = Collected()
    run = _Run(wanted, framing, WindowsInterest(wanted), maps=maps, shapes=shapes(maps))
    waiting: deque[tuple[FileState, Future[Decoded]]] = deque()  # in the order of files and blocks; a file is read while others are decoded

    def take() -> None:
        state, job = waiting.popleft()
        _take(state, job.result(), result, texts=run.whole or not rereadable(state.path, state.framing))
        if relieve is not None:
            relieve(result)

    with ThreadPoolExecutor(WORKERS, thread_name_prefix="decode") as pool:
        try:
            for item in open_paths(paths, limits):
                if isinstance(item, Problem):
                    result.problems.append(item)
                    continue
                if item.name in skip:
                    continue
                for found in _jobs(item, result, pool, run):
                    waiting.append(found)
                    while len(waiting) >= AHEAD:
                        take()
                    if progress is not None:
                        progress(item.consumed(), item.size, item.name)
            while waiting:
                take()
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return result


@dataclass(slots=True)
class _Run:
    """What holds for all files of a scan: the kinds wanted, the framing the user insists on, which Windows events can matter, EVTX chunks read."""

    wanted: frozenset[Kind] | None
    forced: Framing | None
    interest: WindowsInterest
    chunks: set[bytes] = field(default_factory=set)
    maps: Sequence[MapSource] = ()
    shapes: Sequence[Shape] = ()

    @property
    def whole(self) -> bool:
        """Whether all that records say is asked for."""
        return asks_all(self.wanted)


def _jobs(member: Member, result: Collected, pool: ThreadPoolExecutor, run: _Run) -> Iterator[tuple[FileState, Future[Decoded]]]:
    """Read *member* and yield the decoding of its blocks, in order, each with the state of the file."""
    forced = run.forced
    found = detect_framing(member)
    kind = forced or found
    state = FileState(len(result.files), member.name, member.path, member.mtime, kind)
    result.files.append(state)
    if kind is Framing.UNKNOWN:
        result.problems.append(Problem(member.name, "binary data of no format we know", "data"))
        result.tally[member.name, None, Disposition.UNRECOGNISED, "binary data"] += 1
        result.kinds.setdefault(member.name, Kinds()).add(BINARY, "", 1, 1, "")
        result.records += 1
        state.records = 1
        return
    if forced is not None and (forced in _TEXT) != (found in _TEXT):
        what = (
            f"--format {forced} does not fit: this looks like {found}"
            if found not in _TEXT
            else f"--format {forced} does not fit: this looks like text"
        )
        result.problems.append(Problem(member.name, what, "user"))
    state.blocks = kind in _TEXT or (kind is Framing.JSON and json_record.is_lines(member.head))
    lines = state.framing is Framing.JSON and state.blocks
    chunks = (bytes(chunk) for chunk in member.chunks(EVTX_CHUNK if kind is Framing.EVTX else JSON_CHUNK if lines else CHUNK))
    if lines:
        jobs = _json_jobs(cut(chunks), pool, run)
    elif state.blocks:
        framer = Framer(run.forced)
        jobs = (pool.submit(decode_block, block, framer, run.wanted, run.maps) for block in cut(chunks))
    elif state.framing is Framing.EVTX:
        jobs = _evtx_jobs(evtx.drafts(chunks, run.interest, run.chunks), pool, run)
    else:
        readers: dict[Framing, Callable[[], Iterator[Batch]]] = {
            Framing.JOURNAL_BINARY: lambda: journal_binary.read(chunks),
            Framing.JOURNAL_JSON: lambda: journal_json.read(chunks),
            Framing.JOURNAL_EXPORT: lambda: journal_export.read(chunks),
            Framing.UTMP: lambda: utmp.read(chunks, member.name),
            Framing.PARQUET: lambda: parquet.read(chunks, member.path),
            Framing.TABLE: lambda: table.read(chunks),
            Framing.JSON: lambda: json_record.read(chunks, run.interest, run.shapes),
            Framing.WINDOWS_XML: lambda: windows_xml.read(chunks, run.interest),
            Framing.WINDOWS_CSV: lambda: windows_csv.read(chunks, run.interest),
            Framing.WINDOWS_BLOCK: lambda: windows_block.read(chunks, run.interest),
            Framing.M365_CSV: lambda: m365_csv.read(chunks),
            Framing.RADIUS_DETAIL: lambda: radius_detail.read(chunks),
            Framing.ENTRA_CSV: lambda: entra_csv.read(chunks),
            Framing.EXPORT_CSV: lambda: export_csv.read(chunks, run.interest, run.shapes),
        }
        jobs = (pool.submit(decode_batch, batch, run.wanted, run.maps) for batch in readers[state.framing]())
    for job in jobs:
        yield state, job


def _json_jobs(blocks: Iterable[Block], pool: ThreadPoolExecutor, run: _Run) -> Iterator[Future[Decoded]]:
    """Frame blocks of JSON lines one by one and yield the decoding of what they hold, several together."""
    framing: deque[tuple[int, Future[list[Batch]]]] = deque()
    pile: list[list[Batch]] = []
    size = records = 0

    def take() -> None:
        nonlocal size, records
        length, job = framing.popleft()
        batches = job.result()
        pile.append(batches)
        size += length
        records += sum(batch.records.height for batch in batches)

    for block in blocks:
        framing.append((block.size, pool.submit(_framed_json, block, run)))
        del block
        if len(framing) > AHEAD:
            take()
        if records >= PILED or len(pile) >= PILE:
            yield pool.submit(_decoded_json, pile, size, run)
            pile, size, records = [], 0, 0
    while framing:
        take()
    if pile:
        yield pool.submit(_decoded_json, pile, size, run)


def _framed_json(block: Block, run: _Run) -> list[Batch]:
    """Return the records of a block of JSON lines; where they are few, their texts stand apart from the block, which need not be kept for them."""
    batches = json_record.frame_block(block, run.interest, run.shapes)
    for batch in batches:
        if batch.records.height < PILED:
            batch.records = detached(batch.records)
    return batches


def _decoded_json(framed: Sequence[Sequence[Batch]], size: int, run: _Run) -> Decoded:
    result = merge([decode_batch(batch, run.wanted, run.maps) for batch in joined(framed)])
    result.size = size
    return result


def _evtx_jobs(drafts: Iterable[Draft], pool: ThreadPoolExecutor, run: _Run) -> Iterator[Future[Decoded]]:
    """Read drafts of records one by one and yield the decoding of what they hold, several together."""
    reading: deque[Future[Batch]] = deque()
    pile: list[Batch] = []
    records = 0

    def take() -> None:
        nonlocal records
        batch = reading.popleft().result()
        pile.append(batch)
        records += batch.read - batch.skipped.total() - batch.copied

    for draft in drafts:
        reading.append(pool.submit(draft.batch))
        if len(reading) > AHEAD:
            take()
        if records >= GATHERED:
            yield pool.submit(_decoded_evtx, pile, run)
            pile, records = [], 0
    while reading:
        take()
    yield pool.submit(_decoded_evtx, pile, run)


def _decoded_evtx(batches: Sequence[Batch], run: _Run) -> Decoded:
    return decode_batch(gathered(batches), run.wanted, run.maps)


def _take(state: FileState, decoded: Decoded, result: Collected, *, texts: bool) -> None:
    """Add a decoded block to its file and to the totals; without *texts*, events keep their place in the file instead of the text there."""
    shift = state.records if state.blocks else 0
    for what in decoded.problems:
        result.problems.append(Problem(state.name, what, "data"))
    decoded.stamps.jumps = [(record + shift, before, after) for record, before, after in decoded.stamps.jumps]
    base = state.clock.add(decoded.stamps)
    for frame, held in ((decoded.bulk, state.bulk), (decoded.rich, state.rich), (decoded.acts, state.acts)):
        if frame is not None and frame.height:
            if not texts and "message" in frame.columns:
                frame = frame.drop("message")  # noqa: PLW2901 - as if it had come so
            shifts = []
            if base and "rel" in frame.columns:
                shifts.append((pl.col("rel") + base).cast(pl.Int16).alias("rel"))
            if shift:
                shifts.append(pl.col("record") + shift)
            held.append(frame.with_columns(shifts) if shifts else frame)
            if held is not state.rich:
                result.held["bulk" if held is state.bulk else "acts"] += frame.height
    state.hosts.update(decoded.hosts)
    state.framings.update(decoded.framings)
    state.records += decoded.records
    state.size += decoded.size
    result.records += decoded.records
    result.bytes += decoded.size
    result.programs.update(decoded.programs)
    if decoded.kinds.found:
        result.kinds.setdefault(state.name, Kinds()).update(decoded.kinds, shift)
    for (source, fate, reason), number in decoded.tally.items():
        result.tally[state.name, source, fate, reason] += number
        if source is not None and fate is Disposition.USED:
            state.sources[source] += number
    kept = sum(1 for reject in result.rejects if reject.file == state.name) if len(result.rejects) < 2000 else 10_000
    for record, offset, reason, raw in decoded.samples[: max(0, 50 - kept)]:
        result.rejects.append(Reject(state.name, record + shift, offset, reason, raw[:RAW_CAP]))
