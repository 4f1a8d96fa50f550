"""What becomes of one record, step by step: framing, sources, event, rules, chains."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from gatewatch import app
from gatewatch.detect.chain import amount, seconds
from gatewatch.detect.content import Content, load_content
from gatewatch.engines.collect import detect_framing
from gatewatch.engines.decode import BULK, decode_block
from gatewatch.engines.local import event_frames
from gatewatch.engines.raw import read_records
from gatewatch.enrich.apply import Enricher
from gatewatch.errors import UsageError
from gatewatch.intake import audit
from gatewatch.intake.limit import Limits
from gatewatch.intake.line import Block, Lines, read_lines
from gatewatch.intake.opening import Member, open_paths
from gatewatch.intake.stamp import resolve
from gatewatch.intake.syslog import Framer
from gatewatch.origin.attach import attach, attribute
from gatewatch.origin.session import build
from gatewatch.schema.events import NAMES, TimeBasis, complete
from gatewatch.schema.records import Framing
from gatewatch.site.draft import DraftFacts
from gatewatch.site.model import Site
from gatewatch.site.tunable import show_duration
from gatewatch.sources.pattern import PatternSource
from gatewatch.sources.registry import SOURCES, Source, source_for

if TYPE_CHECKING:
    from gatewatch.engines.collect import Progress

_QUIET = {"record", "offset", "stream", "position", "file", "message", "source", "pattern", "received"}


def explain_target(target: str, *, config: str | None = None, zone: str | None = None, year: int | None = None) -> str:
    """Return the explanation of a log line, or of record *n* of a file (``FILE:n``; ``FILE`` alone means its first record)."""
    site = app.find_site([], config)
    file, record = _file_of(target)
    if file is None:
        return "\n".join(_explain_line(target, site, zone, year))
    opened = open_paths([file], Limits())  # kept: a member lives as long as the walk it came from
    member = next((item for item in opened if isinstance(item, Member)), None)
    if member is None:
        raise UsageError(f"{file}: cannot be read")
    framing = detect_framing(member)
    if framing in {Framing.SYSLOG_BSD, Framing.AUDIT}:
        line = _line_of(member, record)
        if line is None:
            raise UsageError(f"{file}: there is no record {record}")
        return "\n".join([f"file      {file}, record {record}", *_explain_line(line, site, zone, year)])
    return "\n".join(_explain_record(file, record, framing, site, zone, year))


def _file_of(target: str) -> tuple[str | None, int]:
    if Path(target).is_file():
        return target, 1
    head, colon, tail = target.rpartition(":")
    if colon and tail.isdigit() and Path(head).is_file():
        return head, int(tail)
    return None, 1


def _line_of(member: Member, record: int) -> str | None:
    from gatewatch.intake.line import cut  # noqa: PLC0415 - used here only

    before = 0
    for block in cut(member.chunks()):
        lines = read_lines(block)
        if before + lines.count >= record:
            found = lines.frame().filter(pl.col("record") == record - before)
            return found["line"][0].rstrip("\r\n") if found.height else ""
        before += lines.count
    return None


def _explain_line(line: str, site: Site, zone: str | None, year: int | None) -> list[str]:
    data = line.encode() + b"\n"
    block = Block(data, len(data), 0)
    lines = read_lines(block)
    records, framing = _framed(lines)
    said = [f"record    {line}", f"framing   {framing}"]
    bare = records is None
    if records is None:
        said.append("          no header of a known framing; tried as a bare message of every source")
        records = pl.DataFrame({"record": [1], "offset": [0], "program": [None], "message": [line]}, schema_overrides={"program": pl.String})
    row = records.row(0, named=True)
    said += [f"{name:9s} {row[name]}" for name in ("host", "program", "pid", "message") if row.get(name) is not None]
    source, tried = _tried(row.get("program"), row["message"], bare=bare)
    said += tried
    if source is None:
        return [*said, "event     none: no source claims this record; it is counted as unrecognised"]
    if bare:
        data = f"2000-01-01T00:00:00Z ? {source.programs[0] if source.programs else source.name}[1]: {line}".encode() + b"\n"
        block = Block(data, len(data), 0)
    decoded = decode_block(block, Framer(), None)
    frames = [
        frame.with_columns(pl.col(pl.Categorical).cast(pl.String)) for frame in (decoded.bulk, decoded.rich) if frame is not None and frame.height
    ]
    if not frames:
        fate = "; ".join(f"{kind}{f' ({reason})' if reason else ''}" for (_, kind, reason), count in sorted(decoded.tally.items(), key=str) if count)
        return [*said, f"event     none: {fate}"]
    event = resolve(frames[0], year=year or site.year, basis=TimeBasis.YEAR_GIVEN, zone=zone or site.zone)
    if bare:
        event = event.with_columns(pl.lit(None, pl.String).alias("host"), pl.lit(None, pl.Datetime("us", "UTC")).alias("time"))
    return said + _judge(event, site)


def _framed(lines: Lines) -> tuple[pl.DataFrame | None, str]:
    if not len(lines.line):
        return None, "none: longer than a record may be"
    framed = Framer().frame(lines)
    if framed.records.height:
        return framed.records, ", ".join(framed.framings)
    if audit.sniff(lines.line[0].encode()) > 0:
        return audit.frame(lines.frame()), str(Framing.AUDIT)
    return None, "none"


def _tried(program: str | None, message: str, *, bare: bool) -> tuple[Source | None, list[str]]:
    """Return the source that decodes *message*, and a line for each source tried with its score (the share of its patterns' trials that hit)."""
    said: list[str] = []
    claimed = source_for(program) if program is not None else None
    candidates: list[Source] = [claimed] if claimed is not None else [source for source in SOURCES if bare or isinstance(source, PatternSource)]
    best: Source | None = claimed
    for source in candidates:
        if not isinstance(source, PatternSource):
            said.append(
                f"source    {source.name}: claims the program {program}" if claimed else f"source    {source.name}: reads its own framing only"
            )
            continue
        tried = source.classify(message)
        hit = next((name for name, matched in tried if matched), None)
        score = 1.0 if hit else 0.0
        why = f"pattern {hit}" if hit else ("patterns tried: " + ", ".join(name for name, _ in tried) if tried else "no pattern begins like this")
        if claimed is not None or hit:
            said.append(f"source    {source.name}: score {score:.0f}, {why}")
        if hit and best is None:
            best = source
    if not said:
        said.append("source    none of " + ", ".join(source.name for source in SOURCES))
    return best, said


def _judge(event: pl.DataFrame, site: Site) -> list[str]:
    """Return the event, the rules it meets and the chains those feed."""
    content = load_content()
    enriched = Enricher(site)(event.head(1).with_columns(pl.lit(0, pl.UInt32).alias("row")))
    sessions = build(enriched)
    attached = attach(enriched, sessions, attribute(sessions, site.addresses()))
    row = complete(attached).row(0, named=True)
    said = ["event"]
    said += [f"  {name:16s}{value}" for name, value in row.items() if value is not None and name not in _QUIET]
    said.insert(1, f"  {'decoded by':16s}{row['source']} pattern {row['pattern']}")
    if row["time"] is None:
        said.append("  time            unknown: the record bears no year (give --year) or no time")
    met = [name for name in content.rules.names if content.rules.evaluate(attached, [name])[f"rule:{name}"][0]]
    said.append(f"rules     {', '.join(met) if met else 'none is met'}")
    return said + _chains(content, met, site, str(row["kind"]) in BULK)


def _chains(content: Content, met: Sequence[str], site: Site, bulk: bool) -> list[str]:
    said: list[str] = []
    for chain in content.chains:
        for index, stage in enumerate(chain.stages):
            if not set(stage.rules) & set(met):
                continue

            def number(name: str, analytic: str = chain.analytic) -> float:
                return site.number(name, analytic=analytic)

            need = "one event completes it"
            if stage.count is not None:
                what = f"distinct {stage.count.distinct}" if stage.count.distinct else "events"
                need = f"1 of {amount(stage.count.gte, number):g} {what} within {show_duration(int(seconds(stage.count.window, number)))}"
            rest = [other.name for other in chain.stages[index + 1 :] if not other.optional] + [
                other.name for other in chain.stages[:index] if not other.optional
            ]
            missing = f"; still needed: {', '.join(rest)}" if rest else ""
            anchor = " (the anchor)" if stage.anchor else ""
            said.append(f"chain     {chain.id}: stage {stage.name}{anchor}: {need}{missing}; keyed by {', '.join(chain.by)}")
    if not said:
        said.append("chain     none is fed by this record" + (" on its own" if bulk else ""))
    return said


def _explain_record(file: str, record: int, framing: Framing, site: Site, zone: str | None, year: int | None) -> list[str]:
    """Explain a record of a file that is framed as a whole (journal, utmp, EVTX, JSON): by decoding the file and showing its event."""
    options = app.options(zone=zone, year=year)
    for frame in event_frames([file], site, options):
        found = frame.filter(pl.col("record") == record)
        if found.height:
            offset = found["offset"][0]
            raw = found["message"][0]
            if raw is None or framing is Framing.JSON:
                raw = read_records(Path(file), file, framing, [offset], Limits()).get(offset, raw)
            said = [f"file      {file}, record {record}", f"record    {raw}"]
            return said + _judge(found.drop([name for name in NAMES if name.startswith(("origin", "hop"))]), site)
    return [f"file      {file}, record {record}", "event     none: there is no such record, or it made no event (ignored, unrecognised or rejected)"]


def draft(paths: Sequence[str], *, zone: str | None = None, year: int | None = None, progress: Progress | None = None) -> str:
    """Return the text of a first ``gatewatch.toml`` for the logs in *paths*."""
    from gatewatch.site.draft import draft_site  # noqa: PLC0415

    facts: DraftFacts = app.draft_facts(paths, zone=zone, year=year, progress=progress)
    return draft_site(facts)
