"""From blocks and batches to events: framing, routing to sources, accounting. Stateless per block, so blocks may run in parallel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from gatewatch.canonical.merge import drop_repeats
from gatewatch.intake import audit
from gatewatch.intake.batch import Batch
from gatewatch.intake.line import TOO_LONG, Block, read_lines
from gatewatch.intake.syslog import Framer, Stamps
from gatewatch.schema.events import Kind
from gatewatch.schema.records import Disposition, Framing
from gatewatch.sources.registry import Source, split

_APART = (Kind.AUTH_FAILURE, Kind.CONNECTION, Kind.CONNECTION_CLOSED, Kind.CONNECTION_DENIED, Kind.BAN)
BULK = tuple(str(kind) for kind in _APART)
BULK_COLUMNS = (
    "record", "offset", "time", "local", "rel", "resolution", "time_err", "time_basis", "host", "kind", "service", "source", "pattern", "user",
    "src_ip", "src_host", "src_port", "session", "auth_method", "invalid_user", "count",
)  # fmt: skip
CATEGORICAL = ("host", "source", "pattern", "user", "src_ip", "src_host")  # session ids are short and mostly different
RAW_CAP = 400  # characters of a rejected record that are shown
SAMPLES = 20  # rejected or unrecognised records kept per block and reason


@dataclass(slots=True)
class Decoded:
    """What one block became: compact bulk events, full other events, and the fate of every record."""

    bulk: pl.DataFrame | None = None
    rich: pl.DataFrame | None = None
    tally: Counter[tuple[str | None, Disposition, str]] = field(default_factory=Counter)
    samples: list[tuple[int, int, str, str]] = field(default_factory=list)  # record, offset, reason, raw
    stamps: Stamps = field(default_factory=Stamps)
    hosts: Counter[str] = field(default_factory=Counter)
    framings: Counter[str] = field(default_factory=Counter)
    programs: Counter[str] = field(default_factory=Counter)
    records: int = 0
    size: int = 0


def decode_block(block: Block, framer: Framer, wanted: frozenset[Kind] | None) -> Decoded:
    """Decode a block of text lines. Kinds outside *wanted* are recognised and counted but make no events."""
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
    extra: pl.DataFrame | None = None
    if left.height:
        auditish = left.select(pl.col("line").str.contains(r"^(?:node=[^ ]+ )?type=[A-Z0-9_\[\]]+ msg=audit\(").fill_null(False).alias("a"))["a"]
        if auditish.any() and framer.only in (None, Framing.AUDIT):
            extra = audit.frame(left.filter(auditish))
            left = left.filter(~auditish)
            result.framings[str(Framing.AUDIT)] += extra.height
            result.stamps = _with_absolute(result.stamps, extra)
    if left.height:
        reason = "no known framing" if framer.only is None else f"not framed as {framer.only}"
        fate = Disposition.UNRECOGNISED if framer.only is None else Disposition.REJECTED
        result.tally[None, fate, reason] += left.height
        result.samples += [(r, o, reason, text[:RAW_CAP]) for r, o, text in left.head(SAMPLES).iter_rows()]
    _sources(result, [part for part in (records, extra) if part is not None and part.height], wanted)
    return result


def decode_batch(batch: Batch, wanted: frozenset[Kind] | None) -> Decoded:
    """Decode a batch of records that intake framed one by one (journal, utmp)."""
    result = Decoded(records=batch.read)
    for reject in batch.rejects:
        result.tally[None, Disposition.REJECTED, reject.reason] += 1
        if len(result.samples) < SAMPLES:
            result.samples.append((reject.record, reject.offset, reject.reason, reject.raw[:RAW_CAP]))
    if batch.records.height:
        result.stamps = _with_absolute(result.stamps, batch.records)
        _sources(result, [batch.records], wanted)
    return result


def _with_absolute(stamps: Stamps, records: pl.DataFrame) -> Stamps:
    times = records["time"].drop_nulls().cast(pl.Int64)
    if len(times):
        low, high = int(times.min()), int(times.max())  # type: ignore[arg-type]
        stamps.absolute_first = low if stamps.absolute_first is None else min(low, stamps.absolute_first)
        stamps.absolute_last = high if stamps.absolute_last is None else max(high, stamps.absolute_last)
    return stamps


def _sources(result: Decoded, parts: Sequence[pl.DataFrame], wanted: frozenset[Kind] | None) -> None:
    """Send each record to the source that claims it and take stock."""
    bulk: list[pl.DataFrame] = []
    rich: list[pl.DataFrame] = []
    for records in parts:
        for name, number in records["host"].value_counts().iter_rows():
            if name is not None:
                result.hosts[name] += number
        claimed, nobodys = split(records)
        for source, frame in claimed:
            _one(result, source, frame, wanted, bulk, rich)
        if nobodys.height:
            for program, number in nobodys["program"].value_counts().iter_rows():
                result.programs[program or "(no program)"] += number
            result.tally[None, Disposition.UNRECOGNISED, "no source for this program"] += nobodys.height
    if bulk:
        result.bulk = drop_repeats(pl.concat(bulk, how="diagonal") if len(bulk) > 1 else bulk[0])
    if rich:
        result.rich = pl.concat(rich, how="diagonal") if len(rich) > 1 else rich[0]


def _one(
    result: Decoded, source: Source, frame: pl.DataFrame, wanted: frozenset[Kind] | None, bulk: list[pl.DataFrame], rich: list[pl.DataFrame]
) -> None:
    outcome = source.decode(frame, wanted, _APART)
    if outcome.used:
        result.tally[source.name, Disposition.USED, ""] += outcome.used
    for reason, number in outcome.ignored.items():
        result.tally[source.name, Disposition.IGNORED, reason] += number
    if outcome.unrecognised.height:
        result.tally[source.name, Disposition.UNRECOGNISED, "unknown message"] += outcome.unrecognised.height
        rows = outcome.unrecognised.select("record", "offset", "message").head(SAMPLES).iter_rows()
        result.samples += [(r, o, f"{source.name}: unknown message", (text or "")[:RAW_CAP]) for r, o, text in rows]
    if outcome.rejected.height:
        for reason, number in outcome.rejected["reason"].value_counts().iter_rows():
            result.tally[source.name, Disposition.REJECTED, reason] += number
        rows = outcome.rejected.select("record", "offset", "reason", "message").head(SAMPLES).iter_rows()
        result.samples += [(r, o, f"{source.name}: {why}", (text or "")[:RAW_CAP]) for r, o, why, text in rows]
    bulk += [compact(part) for part in outcome.bulk]
    events = outcome.events
    if not events.height:
        return
    kinds = events["kind"].cast(pl.String).is_in(BULK)
    if kinds.any():
        bulk.append(compact(events.filter(kinds)))
    few = events.filter(~kinds)
    if few.height:
        if "message" not in few.columns:
            texts = frame.select("record", "message").filter(pl.col("record").is_in(few["record"].implode()))
            few = few.join(texts, on="record", how="left", maintain_order="left")
        rich.append(_detach(few))


def compact(events: pl.DataFrame) -> pl.DataFrame:
    """Return the bulk columns of *events*, repeated strings as categories: about 60 bytes a row."""
    keep = [name for name in BULK_COLUMNS if name in events.columns]
    return events.select(
        pl.col(name).cast(pl.Categorical) if name in CATEGORICAL and events[name].dtype != pl.Categorical else pl.col(name) for name in keep
    )


def _detach(events: pl.DataFrame) -> pl.DataFrame:
    """Copy ``message`` out of the file's buffer, which would otherwise stay in memory for a few lines."""
    return events.with_columns(pl.Series("message", events["message"].to_list(), dtype=pl.String))


__all__ = ["BULK", "Decoded", "compact", "decode_batch", "decode_block"]
