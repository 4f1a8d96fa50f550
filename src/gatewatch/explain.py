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
from gatewatch.engines.decode import BULK, Decoded, decode_batch, decode_block, merge
from gatewatch.engines.local import event_frames
from gatewatch.engines.mapping import load_sources, shapes
from gatewatch.engines.raw import read_records
from gatewatch.engines.route import Route, route
from gatewatch.enrich.apply import Enricher
from gatewatch.errors import UsageError
from gatewatch.intake.json_record import frame_block
from gatewatch.intake.limit import Limits
from gatewatch.intake.line import Block, read_lines
from gatewatch.intake.opening import Member, open_paths
from gatewatch.intake.stamp import resolve
from gatewatch.intake.syslog import Framer
from gatewatch.origin.attach import attach, attribute
from gatewatch.origin.session import build
from gatewatch.schema.events import NAMES, TimeBasis, complete
from gatewatch.schema.records import RECORD_DTYPES, Framing
from gatewatch.site.draft import DraftFacts
from gatewatch.site.model import Site
from gatewatch.site.tunable import show_duration
from gatewatch.sources.map import MapSource
from gatewatch.sources.pattern import PatternSource
from gatewatch.sources.registry import SOURCES

if TYPE_CHECKING:
    from gatewatch.engines.collect import Progress

_QUIET = {"record", "offset", "stream", "position", "file", "message", "source", "pattern", "received"}


def explain_target(
    target: str, *, config: str | None = None, zone: str | None = None, year: int | None = None, maps: Sequence[str] = ()
) -> str:
    """Return the explanation of a log line, or of record *n* of a file (``FILE:n``; ``FILE`` alone means its first record).

    *maps*: files that describe formats of the user's own.
    """
    site = app.find_site([], config)
    own = load_sources(maps)
    file, record = _file_of(target)
    if file is None:
        return "\n".join(_explain_line(target, site, zone, year, own))
    opened = open_paths([file], Limits())  # kept: a member lives as long as the walk it came from
    member = next((item for item in opened if isinstance(item, Member)), None)
    if member is None:
        raise UsageError(f"{file}: cannot be read")
    framing = detect_framing(member)
    if framing in {Framing.SYSLOG_BSD, Framing.AUDIT}:
        line = _line_of(member, record)
        if line is None:
            raise UsageError(f"{file}: there is no record {record}")
        return "\n".join([f"file      {file}, record {record}", *_explain_line(line, site, zone, year, own)])
    return "\n".join(_explain_record(file, record, framing, site, zone, year, maps))


def _file_of(target: str) -> tuple[str | None, int]:
    if _is_file(target):
        return target, 1
    head, colon, tail = target.rpartition(":")
    if colon and tail.isdigit() and _is_file(head):
        return head, int(tail)
    return None, 1


def _is_file(name: str) -> bool:
    """Return whether *name* is a file; a line of a log may be no possible name of one (too long, a NUL)."""
    try:
        return Path(name).is_file()
    except (OSError, ValueError):
        return False


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


def _explain_line(line: str, site: Site, zone: str | None, year: int | None, maps: Sequence[MapSource] = ()) -> list[str]:
    found = route(line, maps)
    said = [f"record    {line}", f"framing   {found.framing}"]
    if found.framing == str(Framing.JSON):
        if found.record is None:
            return [*said, "event     none: no shape of JSON that we know; it is counted as unrecognised"]
        decoded = merge([decode_batch(batch, None, maps) for batch in frame_block(_block(line), None, shapes(maps))])
        return [*said, _claim(found), *_outcome(decoded, site, zone, year)]
    if found.record is None:
        return said + _explain_bare(line, site, zone, year)
    row = found.record.row(0, named=True)
    said += [f"{name:9s} {row[name]}" for name in ("host", "program", "pid", "message") if row.get(name) is not None]
    if found.source is None:
        said.append("source    none of " + ", ".join(source.name for source in SOURCES))
        return [*said, "event     none: no source claims this record; it is counted as unrecognised"]
    said.append(_tried(found.source, found.record) if isinstance(found.source, PatternSource) else _claim(found))
    return said + _outcome(decode_block(_block(line), Framer(), None, maps), site, zone, year)


def _block(line: str) -> Block:
    data = line.encode("utf-8", "replace") + b"\n"
    return Block(data, len(data), 0)


def _claim(found: Route) -> str:
    if found.source is None:
        return "source    none of " + ", ".join(source.name for source in SOURCES)
    if isinstance(found.source, MapSource):
        return f"source    {found.source.name}: your map recognises it ({found.source.spec.path})"
    program = found.record.row(0, named=True)["program"] if found.record is not None else None
    return f"source    {found.source.name}: claims {program or 'the text'}" + (", forwarded" if found.inner else "")


def _tried(source: PatternSource, record: pl.DataFrame) -> str:
    """Return the score of *source*, with the pattern that fits or those tried, over the record as the source prepares it."""
    tried = source.classify(record)
    hit = next((name for name, matched in tried if matched), None)
    why = f"pattern {hit}" if hit else ("patterns tried: " + ", ".join(name for name, _ in tried) if tried else "no pattern begins like this")
    return f"source    {source.name}: score {1 if hit else 0}, {why}"


def _explain_bare(line: str, site: Site, zone: str | None, year: int | None) -> list[str]:
    """Explain a message without any header: whose pattern fits it."""
    said = ["          no header of a known framing; tried as a bare message of every source"]
    best: PatternSource | None = None
    for source in SOURCES:
        if not isinstance(source, PatternSource):
            continue
        row = dict.fromkeys(RECORD_DTYPES) | {"record": 1, "offset": 0, "count": 1, "message": line}
        record = pl.DataFrame([row], schema=RECORD_DTYPES)
        kinds = {pattern.name for pattern in source.patterns if pattern.kind is not None}
        hit = next((name for name, matched in source.classify(record) if matched), None)
        # a source that lays its lines out, or takes whatever its device says, has a word for what is none of them: no hit for a line of nobody
        rest = {pattern.name for pattern in source.patterns if pattern.kind is None and pattern.regexes == ("^",)}
        if hit is not None and hit not in rest and (hit in kinds or source.prepare is None):
            said.append(_tried(source, record))
            best = best or source
    if best is None:
        said.append("source    none of " + ", ".join(source.name for source in SOURCES))
        return [*said, "event     none: no source claims this record; it is counted as unrecognised"]
    header = f"2000-01-01T00:00:00Z ? {best.programs[0] if best.programs else best.name}[1]: "
    return said + _outcome(decode_block(_block(header + line), Framer(), None), site, zone, year, bare=True)


def _outcome(decoded: Decoded, site: Site, zone: str | None, year: int | None, *, bare: bool = False) -> list[str]:
    """Return what the record became."""
    frames = [
        frame.with_columns(pl.col(pl.Categorical).cast(pl.String))
        for frame in (decoded.bulk, decoded.rich, decoded.acts)
        if frame is not None and frame.height
    ]
    if not frames:
        fate = "; ".join(f"{kind}{f' ({reason})' if reason else ''}" for (_, kind, reason), count in sorted(decoded.tally.items(), key=str) if count)
        return [f"event     none: {fate}"]
    event = resolve(frames[0], year=year or site.year, basis=TimeBasis.YEAR_GIVEN, zone=zone or site.zone)
    if bare:
        event = event.with_columns(pl.lit(None, pl.String).alias("host"), pl.lit(None, pl.Datetime("us", "UTC")).alias("time"))
    return _judge(event, site)


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


def _explain_record(
    file: str, record: int, framing: Framing, site: Site, zone: str | None, year: int | None, maps: Sequence[str]
) -> list[str]:
    """Explain a record of a file that is framed as a whole (journal, utmp, EVTX, JSON): by decoding the file and showing its event."""
    options = app.options(zone=zone, year=year, maps=maps)
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
