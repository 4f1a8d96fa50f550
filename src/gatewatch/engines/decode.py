"""From blocks and batches to events: framing, routing to sources, accounting. Stateless per block, so blocks may run in parallel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from gatewatch.canonical.merge import drop_repeats
from gatewatch.engines import nearest
from gatewatch.engines.mapping import claimed_lines, split_maps, without
from gatewatch.engines.nearest import Kinds
from gatewatch.intake import audit, json_record, nested, windows_text
from gatewatch.intake.batch import Batch
from gatewatch.intake.bsd import EPOCH_2000
from gatewatch.intake.line import TOO_LONG, Block, read_lines
from gatewatch.intake.syslog import Framer, Stamps
from gatewatch.schema.events import Kind
from gatewatch.schema.packing import pack
from gatewatch.schema.records import Disposition, Framing
from gatewatch.sources.map import MapSource
from gatewatch.sources.pattern import Outcome
from gatewatch.sources.registry import WINDOWS, Source, split, windows_fate, windows_source
from gatewatch.sources.windows import WindowsSource

_APART = (Kind.AUTH_FAILURE, Kind.CONNECTION, Kind.CONNECTION_CLOSED, Kind.CONNECTION_DENIED, Kind.BAN)
BULK = tuple(str(kind) for kind in _APART)
ACTS = (str(Kind.EXEC), str(Kind.FILE_TRANSFER))  # what is done in sessions, as often as anything: only that of sessions from outside matters
BULK_COLUMNS = (
    "record", "offset", "time", "local", "rel", "resolution", "east", "time_err", "time_basis", "host", "kind", "service", "source", "pattern",
    "user", "src_ip", "src_host", "src_port", "session", "auth_method", "invalid_user", "count", "channel", "event_record",
)  # fmt: skip
CATEGORICAL = ("host", "source", "pattern", "user", "src_ip", "src_host", "channel")  # session ids are short and mostly different
RAW_CAP = 400  # characters of a rejected record that are shown
COPY = "copy of a record in another file"
NO_CHANNEL = "no source for this channel"
SAMPLES = 20  # rejected or unrecognised records kept per block and reason


@dataclass(slots=True)
class Decoded:
    """What one block became: compact bulk events, acts, full other events, and the fate of every record."""

    bulk: pl.DataFrame | None = None
    rich: pl.DataFrame | None = None
    acts: pl.DataFrame | None = None
    tally: Counter[tuple[str | None, Disposition, str]] = field(default_factory=Counter)
    samples: list[tuple[int, int, str, str]] = field(default_factory=list)  # record, offset, reason, raw
    stamps: Stamps = field(default_factory=Stamps)
    hosts: Counter[str] = field(default_factory=Counter)
    framings: Counter[str] = field(default_factory=Counter)
    programs: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    kinds: Kinds = field(default_factory=Kinds)  # of unrecognised records
    records: int = 0
    size: int = 0


_OBJECT = r"^\s*\{\s*\"[^\n]*\}[\s,]*$"
_DEPTH = 2  # records within records


def decode_block(block: Block, framer: Framer, wanted: frozenset[Kind] | None, maps: Sequence[MapSource] = ()) -> Decoded:
    """Decode a block of text lines. Kinds outside *wanted* are recognised and counted but make no events; *maps* are the user's own sources."""
    result = Decoded(size=block.size)
    lines = read_lines(block)
    result.records = lines.count
    for record, offset in lines.long:
        result.tally[None, Disposition.REJECTED, TOO_LONG] += 1
        result.samples.append((record, offset, TOO_LONG, ""))
    if not len(lines.line):
        return result
    framed = framer.frame(lines)
    result.stamps = framed.stamps
    result.framings.update(framed.framings)
    if framed.blank:
        result.tally[None, Disposition.IGNORED, "blank line"] += framed.blank
    records = framed.records
    left = framed.left
    mapped: list[pl.DataFrame] = []
    if maps:
        mapped = claimed_lines(lines, maps)
        records, left = without(records, mapped), without(left, mapped)
    extra: pl.DataFrame | None = None
    if left.height:
        auditish = left.select(pl.col("line").str.contains(nested.AUDIT).fill_null(False).alias("a"))["a"]
        between = left.select(pl.col("line").str.contains(r"^time->[A-Z]").fill_null(False).alias("a"))["a"]  # ausearch writes it
        if (auditish.any() or between.any()) and framer.only in (None, Framing.AUDIT):
            auditish |= between | (left["line"] == "----")
            extra = audit.frame(left.filter(auditish))
            left = left.filter(~auditish)
            result.framings[str(Framing.AUDIT)] += extra.height
            result.stamps = _with_absolute(result.stamps, extra)
    among: list[pl.DataFrame] = []
    if left.height and framer.only is None:
        among, left = _objects(result, left)
    if left.height:
        reason = "no known framing" if framer.only is None else f"not framed as {framer.only}"
        fate = Disposition.UNRECOGNISED if framer.only is None else Disposition.REJECTED
        result.tally[None, fate, reason] += left.height
        result.samples += [(r, o, reason, text[:RAW_CAP]) for r, o, text in left.head(SAMPLES).iter_rows()]
        if fate is Disposition.UNRECOGNISED:
            result.kinds.add(nearest.LINE, "", left.height, left["record"][0], left["line"][0] or "")
    _sources(result, [part for part in (records, extra, *among, *mapped) if part is not None and part.height], wanted, maps)
    return result


def _objects(result: Decoded, left: pl.DataFrame) -> tuple[list[pl.DataFrame], pl.DataFrame]:
    """Return the records of the JSON objects among lines of text, and the lines that are none that we know."""
    objects = left.select(pl.col("line").str.contains(_OBJECT).fill_null(False).alias("o"))["o"]
    if not objects.any():
        return [], left
    placed = left.select("record", pl.col("offset").alias("zz_offset"))
    found: list[pl.DataFrame] = []
    for frame in json_record.frame_texts(left.filter(objects).select("record", pl.col("line").alias("message")), None):
        columns = frame.columns
        one = frame.join(placed, on="record", how="left", maintain_order="left").with_columns(pl.col("zz_offset").alias("offset")).select(columns)
        if one.height:
            found.append(one)
            result.framings[str(Framing.JSON)] += one.height
            result.stamps = _with_absolute(result.stamps, one)
    if found:
        left = left.join(pl.concat([one.select("record") for one in found]), on="record", how="anti", maintain_order="left")
    return found, left


def decode_batch(batch: Batch, wanted: frozenset[Kind] | None, maps: Sequence[MapSource] = ()) -> Decoded:
    """Decode a batch of records that intake framed one by one (journal, utmp, JSON, Windows event logs)."""
    result = Decoded(records=batch.read, problems=batch.problems)
    result.stamps.jumps = batch.jumps
    for fate, left in ((Disposition.REJECTED, batch.rejects), (Disposition.UNRECOGNISED, batch.strange)):
        for reject in left:
            result.tally[None, fate, reject.reason] += 1
            if len(result.samples) < SAMPLES:
                result.samples.append((reject.record, reject.offset, reject.reason, reject.raw[:RAW_CAP]))
    if batch.strange:
        result.kinds.add(nearest.JSON, "", len(batch.strange), batch.strange[0].record, batch.strange[0].raw)
    if batch.copied:
        result.tally[None, Disposition.IGNORED, COPY] += batch.copied
    for (channel, event_id), number in batch.skipped.items():
        name, reason = windows_fate(channel, event_id)
        if name is None:
            result.programs[channel or "(no channel)"] += number
            result.kinds.add(nearest.CHANNEL, channel or "", number, 0, "")
            result.tally[None, Disposition.UNRECOGNISED, NO_CHANNEL] += number
        else:
            result.tally[name, Disposition.USED if reason is None else Disposition.IGNORED, reason or ""] += number
    for frame in (batch.records, *batch.apart):
        if frame.height:
            result.stamps = _with_absolute(result.stamps, frame)
    if batch.records.height or batch.apart:
        _sources(result, [batch.records], wanted, maps, batch.apart)
    return result


def merge(parts: Sequence[Decoded]) -> Decoded:
    """Return the decoded batches of one block as one; empty for none."""
    whole = Decoded()
    for part in parts:
        whole.tally.update(part.tally)
        whole.samples += part.samples
        whole.stamps.jumps += part.stamps.jumps
        if whole.stamps.first is None:
            whole.stamps.first = part.stamps.first
        if part.stamps.last is not None:
            whole.stamps.last, whole.stamps.years = part.stamps.last, part.stamps.years
        for name, pick in (("absolute_first", min), ("absolute_last", max)):
            ours, theirs = getattr(whole.stamps, name), getattr(part.stamps, name)
            setattr(whole.stamps, name, theirs if ours is None else ours if theirs is None else pick(ours, theirs))
        whole.hosts.update(part.hosts)
        whole.programs.update(part.programs)
        whole.kinds.update(part.kinds)
        whole.problems += part.problems
        whole.records += part.records
    for name in ("bulk", "rich", "acts"):
        frames = [frame for part in parts if (frame := getattr(part, name)) is not None]
        setattr(whole, name, pl.concat(frames, how="diagonal_relaxed") if frames else None)
    return whole


def _with_absolute(stamps: Stamps, records: pl.DataFrame) -> Stamps:
    times = records["time"].drop_nulls().cast(pl.Int64)
    if len(times):
        low, high = int(times.min()), int(times.max())  # type: ignore[arg-type]
        stamps.absolute_first = low if stamps.absolute_first is None else min(low, stamps.absolute_first)
        stamps.absolute_last = high if stamps.absolute_last is None else max(high, stamps.absolute_last)
    return stamps


def _note_yearless(stamps: Stamps, inner: pl.DataFrame) -> None:
    """Let a file whose own records bear no stamp have those of the lines within them."""
    if stamps.first is not None or "rel" not in inner.columns:
        return
    yearless = inner.filter(pl.col("rel").is_not_null() & pl.col("local").is_not_null()).select("local", "rel")
    if yearless.height:
        seconds = yearless["local"].cast(pl.Int64) // 1_000_000 - EPOCH_2000
        stamps.first, stamps.last, stamps.years = int(seconds[0]), int(seconds[-1]), int(yearless["rel"][-1])


def _sources(
    result: Decoded,
    parts: Sequence[pl.DataFrame],
    wanted: frozenset[Kind] | None,
    maps: Sequence[MapSource] = (),
    apart: Sequence[pl.DataFrame] = (),
) -> None:
    """Send each record to the source that claims it and take stock; *apart*: records of Windows logs with their data in columns."""
    bulk: list[pl.DataFrame] = []
    rich: list[pl.DataFrame] = []
    for records in (*parts, *apart):
        for name, number in records["host"].value_counts().iter_rows():
            if name is not None:
                result.hosts[name] += number
    for records in parts:
        own, others = split_maps(records, maps) if maps and "event_id" not in records.columns else ([], records)
        claimed, nobodys = split(others)
        if apart:
            claimed = _columnar(result, claimed, others.clear(), apart, wanted, bulk, rich)
        for source, frame in (*own, *claimed):
            unknown = _one(result, source, frame, wanted, bulk, rich)
            if unknown.height:
                _unknown(result, source, _nested(result, unknown, wanted, bulk, rich))
        if nobodys.height and "event_id" not in nobodys.columns:
            nobodys = _forwarded(result, nobodys, wanted, bulk, rich)
            nobodys = _nested(result, nobodys, wanted, bulk, rich)
        if nobodys.height:
            _unclaimed(result, nobodys)
    if bulk:
        result.bulk = drop_repeats(pl.concat(bulk, how="diagonal") if len(bulk) > 1 else bulk[0])
    if rich:
        table = pl.concat(rich, how="diagonal") if len(rich) > 1 else rich[0]
        acts = table["kind"].cast(pl.String).is_in(ACTS)
        result.acts = table.filter(acts) if acts.any() else None
        result.rich = table.filter(~acts) if acts.any() else table


def _columnar(
    result: Decoded,
    claimed: Sequence[tuple[Source, pl.DataFrame]],
    nothing: pl.DataFrame,
    apart: Sequence[pl.DataFrame],
    wanted: frozenset[Kind] | None,
    bulk: list[pl.DataFrame],
    rich: list[pl.DataFrame],
) -> list[tuple[Source, pl.DataFrame]]:
    """Decode the records of Windows sources, those with their data in columns among them; return what other sources claim."""
    ready: dict[str, list[pl.DataFrame]] = {}
    for frame in apart:
        source = windows_source(frame["channel"][0] or "", frame["event_id"][0])
        if source is not None:  # else nobody would have asked for its data
            ready.setdefault(source.name, []).append(frame)
    texts = {source.name: frame for source, frame in claimed}
    for source in WINDOWS:
        if source.name in texts or source.name in ready:
            frame = texts.get(source.name, nothing)
            more = ready.get(source.name, [])
            _take(result, source, frame, source.decode(frame, wanted, _APART, more), wanted, bulk, rich)
    return [(source, frame) for source, frame in claimed if not isinstance(source, WindowsSource)]


def _unclaimed(result: Decoded, records: pl.DataFrame) -> None:
    windows = "event_id" in records.columns
    kinds = records.group_by("program", maintain_order=True).agg(pl.len(), pl.col("record").first(), pl.col("message").first())
    for program, number, record, message in kinds.iter_rows():
        result.programs[program or "(no program)"] += number
        result.kinds.add(nearest.CHANNEL if windows else nearest.PROGRAM, program or "", number, record, message or "")
    reason = NO_CHANNEL if windows else "no source for this program"
    result.tally[None, Disposition.UNRECOGNISED, reason] += records.height


def _unknown(result: Decoded, source: Source, records: pl.DataFrame) -> None:
    """Count the records that *source* claims and does not know."""
    if not records.height:
        return
    result.tally[source.name, Disposition.UNRECOGNISED, "unknown message"] += records.height
    result.kinds.add(nearest.MESSAGE, source.name, records.height, records["record"][0], records["message"][0] or "")
    rows = records.select("record", "offset", "message").head(SAMPLES).iter_rows()
    result.samples += [(r, o, f"{source.name}: unknown message", (text or "")[:RAW_CAP]) for r, o, text in rows]


def _nested(
    result: Decoded,
    records: pl.DataFrame,
    wanted: frozenset[Kind] | None,
    bulk: list[pl.DataFrame],
    rich: list[pl.DataFrame],
    depth: int = _DEPTH,
) -> pl.DataFrame:
    """Decode the records that stand within the messages of *records*, which nobody knows; return those of *records* that hold none of a source.

    What a relay took from a relay is within a record within a record: *depth* levels are looked into.
    """
    if not depth or not records.height or "event_id" in records.columns:
        return records
    known: list[pl.DataFrame] = []
    for inner in nested.frame(records)[0]:
        _note_yearless(result.stamps, inner)
        claimed, nobodys = split(inner)
        if nobodys.height and "event_id" not in nobodys.columns:
            events, nobodys = windows_text.frame(nobodys)
            claimed += split(events)[0] if events.height else []
            deeper = _nested(result, nobodys, wanted, bulk, rich, depth - 1)
            known.append(nobodys.join(deeper.select("record"), on="record", how="anti").select("record"))
        for source, frame in claimed:
            unknown = _nested(result, _one(result, source, frame, wanted, bulk, rich), wanted, bulk, rich, depth - 1)
            _unknown(result, source, unknown)
            known.append(frame.select("record"))
    return records.join(pl.concat(known), on="record", how="anti", maintain_order="left") if known else records


def _forwarded(
    result: Decoded, records: pl.DataFrame, wanted: frozenset[Kind] | None, bulk: list[pl.DataFrame], rich: list[pl.DataFrame]
) -> pl.DataFrame:
    """Decode those of *records*, which no program's source claims, that are forwarded Windows events; return the others."""
    maybe = records.select(windows_text.claim().alias("c"))["c"]
    if not maybe.any():
        return records
    events, others = windows_text.frame(records.filter(maybe))
    if events.height:
        claimed, nobodys = split(events)
        for source, frame in claimed:
            _unknown(result, source, _one(result, source, frame, wanted, bulk, rich))
        if nobodys.height:
            _unclaimed(result, nobodys)
    return pl.concat([records.filter(~maybe), others]).sort("record")


def _one(
    result: Decoded, source: Source, frame: pl.DataFrame, wanted: frozenset[Kind] | None, bulk: list[pl.DataFrame], rich: list[pl.DataFrame]
) -> pl.DataFrame:
    """Decode the records of *source* and take stock; return those it does not know, with all their columns."""
    return _take(result, source, frame, source.decode(frame, wanted, _APART), wanted, bulk, rich)


def _take(
    result: Decoded,
    source: Source,
    frame: pl.DataFrame,
    outcome: Outcome,
    wanted: frozenset[Kind] | None,
    bulk: list[pl.DataFrame],
    rich: list[pl.DataFrame],
) -> pl.DataFrame:
    """Take stock of what *source* made of *frame*; return the records it does not know."""
    if outcome.used:
        result.tally[source.name, Disposition.USED, ""] += outcome.used
    for reason, number in outcome.ignored.items():
        result.tally[source.name, Disposition.IGNORED, reason] += number
    unknown = frame.clear()
    if outcome.unrecognised.height:
        unknown = frame.join(outcome.unrecognised.select("record"), on="record", how="semi", maintain_order="left")
    if outcome.rejected.height:
        for reason, number in outcome.rejected["reason"].value_counts().iter_rows():
            result.tally[source.name, Disposition.REJECTED, reason] += number
        rows = outcome.rejected.select("record", "offset", "reason", "message").head(SAMPLES).iter_rows()
        result.samples += [(r, o, f"{source.name}: {why}", (text or "")[:RAW_CAP]) for r, o, why, text in rows]
    bulk += [compact(part, whole=asks_all(wanted)) for part in outcome.bulk]
    events = outcome.events
    if not events.height:
        return unknown
    kinds = events["kind"].cast(pl.String).is_in(BULK)
    if kinds.any():
        bulk.append(compact(events.filter(kinds), whole=asks_all(wanted)))
    few = events.filter(~kinds)
    if few.height:
        if "message" not in few.columns:
            texts = frame.select("record", "message").filter(pl.col("record").is_in(few["record"].implode()))
            few = few.join(texts, on="record", how="left", maintain_order="left")
        rich.append(pack(detached(few)))
    return unknown


def asks_all(wanted: frozenset[Kind] | None) -> bool:
    """Return whether all that records say is asked for."""
    return wanted is None or Kind.OTHER in wanted


def compact(events: pl.DataFrame, *, whole: bool = False) -> pl.DataFrame:
    """Return the bulk columns of *events* (all with *whole*), repeated strings as categories: about 60 bytes a row."""
    keep = [name for name in (events.columns if whole else BULK_COLUMNS) if name in events.columns]
    return events.select(
        pl.col(name).cast(pl.Categorical) if name in CATEGORICAL and events[name].dtype != pl.Categorical else pl.col(name) for name in keep
    )


def detached(events: pl.DataFrame) -> pl.DataFrame:
    """Return *events* with texts copied out of the buffers of what was read, which would otherwise stay in memory for a few rows."""
    texts = [pl.concat_str(pl.col(name), pl.lit("")).alias(name) for name, dtype in events.schema.items() if dtype == pl.String]
    return events.with_columns(texts)


__all__ = ["BULK", "COPY", "Decoded", "asks_all", "compact", "decode_batch", "decode_block", "detached", "merge"]
