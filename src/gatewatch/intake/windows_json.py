"""Windows event logs as JSON, from whatever export: which of the objects matter, and their rows.

Event id and channel are found by regex over whole columns, so that an event nobody is interested in is counted without being decoded. JSON
itself guards this: within a text every quote is written ``\\"``, so no text looks like ``"EventID":``. Where the keys stand more than once, or not as
usual, the object is decoded.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

import polars as pl

from gatewatch.intake.batch import RAW_CAP, RawReject
from gatewatch.intake.json_shape import FAULTS, Framed, Hinting, Interest, Objects, parted
from gatewatch.intake.windows_column import columns
from gatewatch.intake.windows_row import Stamp, row, rows_frame
from gatewatch.intake.windows_shape import LADEN, ORIGINS, Found, Read, read_event
from gatewatch.intake.windows_within import REGEX as WITHIN

_BLANK = r"[ \t\r\n]*"
_KEYS = r"EventID|_EventID|EventId|event_id|EventCode|eventid|winlog\.event_id"
_KEY = r'"(?:' + _KEYS + '|eventID|Id)"' + _BLANK + ":"
_ELEMENT = r'\{(?:[^{}]|\{[^{}]*\})*?"(?:#text|\$|_|Value)"' + _BLANK + ":"
_ID = _KEY + _BLANK + "(?:" + _ELEMENT + _BLANK + ')?"?[0-9]+'
_CHANNEL = r'"(?:Channel|_Channel|channel|LogName|log_name|EventLog|winlog\.channel)"' + _BLANK + ":" + _BLANK + r'"[^"\\]+"'
_BOTH = _ID + "|" + _CHANNEL
# data under their own names: then what a hint asks for stands in the line as it will in the fields
_NAMED = r'"(?:UtcTime|SubjectUserSid|SubjectUserName|ScriptBlockText|ContextInfo)": ?"'
_NEVER = "\0never"
# the event as XML within JSON; Splunk's exports, which may hold its text
_RAW = r'"(?:_raw|event)"' + _BLANK + ":" + _BLANK + r'"(?:<Event[ >]|[0-9/]{10} [0-9:.]{8,18} [AP]M(?:\\r)?\\nLogName=)|' + WITHIN
_FRAMES = ("System", "Event", "win", *sorted(LADEN))  # within one of these ``eventID``, which CloudTrail has as well, is an event's
_DIGITS = re.compile(r"([0-9]+)$")
_QUOTED = re.compile(r'"([^"]+)"$')


@dataclass(frozen=True, slots=True)
class WindowsJson:
    """The shape of Windows events in JSON; records have the columns of ``WINDOWS_DTYPES``."""

    name: str = "windows"
    regex: str = _KEY + '|"winlog"|' + _RAW

    def frame(self, objects: Objects, interest: Interest | None) -> Framed:
        """Make records of the Windows events among *objects* that somebody is interested in."""
        skipped: Counter[tuple[str, int]] = Counter()
        if interest is None:
            ours = objects.text.str.contains(self.regex)
            chosen = objects.filter(ours)
            others = objects.filter(~ours)
        else:
            chosen, others, skipped = _choose(objects, interest, self.regex)
        rows, chosen, passed = _columns(chosen, interest)
        framed = _read(chosen, interest)
        if rows.height:
            framed.records = pl.concat([rows, framed.records]).sort("offset") if framed.records.height else rows
        framed.skipped += skipped + passed
        if len(framed.left):
            others = others.merged(framed.left)
        framed.left = others
        return framed


SHAPE = WindowsJson()
_LESS = '"winlog"|"(?:' + "|".join(_FRAMES) + ')"|' + _RAW
REGEXES = (
    SHAPE.regex,
    f'"(?:{_KEYS}|Id)"{_BLANK}:|{_LESS}',
    f'"(?:{_KEYS})"{_BLANK}:|"(?:' + "|".join(ORIGINS) + f')"|{_LESS}',  # an ``Id`` alone is anything's
)
"""Regexes each of which every object matches that the shape may know."""


def _choose(objects: Objects, interest: Interest, regex: str) -> tuple[Objects, Objects, Counter[tuple[str, int]]]:
    """Return what must be decoded, what is no event of Windows, and the count of the rest."""
    ids, channels, count, plain = _named(objects.text)
    none = count == 0
    maybe = none & objects.text.set(~none, "").str.contains(regex) if none.any() else none
    table = pl.DataFrame({"id": ids, "channel": channels, "text": objects.text}).filter(plain)
    groups = table.group_by("id", "channel", maintain_order=True).agg(pl.len().alias("n"), pl.col("text").first())
    skipped: Counter[tuple[str, int]] = Counter()
    pairs: list[tuple[str, int] | None] = []
    hints: list[str] = []  # what a group must hold to be decoded: nothing passes the last of these
    for number, channel, size, sample in groups.iter_rows():
        pair = _pair(number, channel)
        known = pair is not None and _confirms(sample, pair)
        pairs.append(pair)
        if pair is None or not known:
            hints.append("")
        elif interest(*pair):
            hints.append(_hint(interest, *pair) or "")
        else:
            hints.append(_NEVER)
            skipped[pair] += size
    decode = ((count > 0) & ~plain) | maybe | plain
    if any(hints):
        columns_of = [pl.Series("hint", hints, dtype=pl.String), pl.Series("group", range(len(hints)), dtype=pl.Int64)]
        wanted = groups.select("id", "channel", *columns_of)
        table = table.join(wanted, on=["id", "channel"], how="left", maintain_order="left")
        kept = _hold(table)
        for group, size in table.filter(~kept & (table["hint"] != _NEVER))["group"].value_counts().iter_rows():
            pair = pairs[group]
            if pair is not None:
                skipped[pair] += size
        decode = decode.scatter(plain.arg_true(), kept)
    return objects.filter(decode), objects.filter(none & ~maybe), skipped


def _named(texts: pl.Series) -> tuple[pl.Series, pl.Series, pl.Series, pl.Series]:
    """Return the first event id and channel of each, as they are written, how many ids there are, and which have just one of both."""
    found = texts.str.extract_all(_BOTH)  # one pass over all the text, where two would cost twice
    first, last, number = found.list.first(), found.list.last(), found.list.len()
    reverse = first.str.ends_with('"')
    pair = (number == 2) & (reverse != last.str.ends_with('"'))
    ids, channels = first.zip_with(~reverse, last), last.zip_with(~reverse, first)
    count = pl.Series([1], dtype=pl.UInt32).new_from_index(0, len(texts))
    rest = (~pair.fill_null(False)).arg_true()
    if len(rest):
        left = texts.gather(rest)
        own, others = left.str.extract_all(_ID), left.str.extract_all(_CHANNEL)
        ids, channels = ids.scatter(rest, own.list.first()), channels.scatter(rest, others.list.first())
        count = count.scatter(rest, own.list.len())
        pair = pair.scatter(rest, (own.list.len() == 1) & (others.list.len() == 1))
    return ids, channels, count, pair


def _hold(table: pl.DataFrame, *, named: bool = False) -> pl.Series:
    """Return which rows of ``text, hint`` hold what their hint asks for, or may: what is not known to be *named* data is looked at."""
    kept = table["hint"] == ""
    for hint in table["hint"].unique(maintain_order=True).to_list():
        if hint not in ("", _NEVER):
            rows = (table["hint"] == hint).arg_true()
            text = table["text"].gather(rows)
            held = text.str.contains(hint)
            if not named:
                missing = (~held).arg_true()
                held = held.scatter(missing, ~text.gather(missing).str.contains(_NAMED))
            kept = kept.scatter(rows, held)
    return kept


def _hint(interest: Interest, channel: str, event_id: int) -> str | None:
    return interest.hint(channel, event_id) if isinstance(interest, Hinting) else None


def _columns(objects: Objects, interest: Interest | None) -> tuple[pl.DataFrame, Objects, Counter[tuple[str, int]]]:
    """Return the rows that are read as columns, the objects that are not, and the count of rows nobody is interested in."""
    skipped: Counter[tuple[str, int]] = Counter()
    rows, fits = columns(objects)
    if not rows.height:
        return rows, objects, skipped
    mine = objects.filter(fits)
    sound, broken = parted(mine)
    if broken:
        kept = mine.offset.is_in(sound.offset.implode())
        rows, fits = rows.filter(kept), fits.scatter(fits.arg_true(), kept)
    if interest is not None:
        texts = rows.select("channel", "event_id", pl.col("fields").alias("text"))
        groups = texts.group_by("channel", "event_id", maintain_order=True).len()
        asked = [(_hint(interest, *pair) or "") if interest(*pair) else _NEVER for pair in groups.select("channel", "event_id").iter_rows()]
        if any(asked):
            wanted = groups.select("channel", "event_id", pl.Series("hint", asked, dtype=pl.String))
            kept = _hold(texts.join(wanted, on=["channel", "event_id"], how="left", maintain_order="left"), named=True)
            for channel, number, size in rows.filter(~kept).group_by("channel", "event_id", maintain_order=True).len().iter_rows():
                skipped[channel, number] += size
            rows = rows.filter(kept)
    return rows, objects.filter(~fits), skipped


def _pair(number: str, channel: str) -> tuple[str, int] | None:
    """Return channel and event id as the regexes found them; None where they are no such."""
    digits, name = _DIGITS.search(number), _QUOTED.search(channel)
    if digits is None or name is None or len(digits[1]) > 5 or int(digits[1]) >= 1 << 16:
        return None
    return name[1].strip(), int(digits[1])


def _confirms(sample: str, pair: tuple[str, int]) -> bool:
    """Return whether the first object of a group, decoded, is an event of the channel and id that the regexes found."""
    found = _try(sample)
    return isinstance(found, Read) and (found.event.channel, found.event.event_id) == pair


def _try(text: str) -> Found | bool:
    """Read an event; False where the object is broken."""
    try:
        return read_event(text)
    except FAULTS:
        return False


def _read(objects: Objects, interest: Interest | None) -> Framed:
    """Decode each of *objects*."""
    kept: list[tuple[int, Read]] = []
    foreign: list[bool] = []
    skipped: Counter[tuple[str, int]] = Counter()
    rejects: list[RawReject] = []
    broken: list[tuple[int, str]] = []
    for offset, text in objects.pairs():
        found = _try(text)
        foreign.append(found is None)
        if isinstance(found, Read):
            event = found.event
            if interest is None or interest(event.channel, event.event_id):
                kept.append((offset, found))
            else:
                skipped[event.channel, event.event_id] += 1
        elif found is False:
            broken.append((offset, text))
        elif isinstance(found, str):
            rejects.append(RawReject(0, offset, found, text[:RAW_CAP]))
    _shift(kept)
    rows = [row(number, offset, one.event) for number, (offset, one) in enumerate(kept)]
    return Framed(rows_frame(rows), objects.filter(pl.Series(foreign, dtype=pl.Boolean)), skipped, rejects, broken)


def _shift(kept: list[tuple[int, Read]]) -> None:
    """Bring the wall clocks beside which receipt times stand to UTC: by their own, else as most of the others."""
    shifts = Counter(one.shift for _, one in kept if one.shift is not None)
    usual = min(shifts, key=lambda shift: (-shifts[shift], shift)) if shifts else None
    for _, one in kept:
        shift = usual if one.shift is None else one.shift
        stamp = one.event.stamp
        if one.local and stamp is not None and shift is not None:
            one.event.stamp = Stamp(stamp.micros + shift, True, stamp.resolution)
