"""The time that a CEF or LEEF text bears, in ``rt``, ``end``, ``start`` or ``devTime``: an epoch, ISO, or ``Jan 05 2026 12:00:00.123 UTC``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone

from gatewatch.sources.epoch import epoch_micros

KEYS = ("ftntfgteventtime", "fortinetfortigateeventtime", "rt", "devicereceipttime", "end", "start", "devtime", "generatedtime", "timegenerated")
_MONTHS = {name: number for number, name in enumerate(("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1)}
_NAMES = frozenset(
    ("sept", *_MONTHS, "january", "february", "march", "april", "june", "july", "august", "september", "october", "november", "december")
)
_WORDED = re.compile(
    r"([A-Za-z]{3,9})[ -]([0-9]{1,2})[ ,-]+([12][0-9]{3})[ ,]+([0-9]{2}:[0-9]{2}:[0-9]{2})(?:[.:,]([0-9]{1,9}))?"
    r"(?: ([A-Za-z]{1,5}|[+-][0-9]{2}:?[0-9]{2}))?"
)
_ISO = re.compile(
    r"([12][0-9]{3})[-/]([0-9]{2})[-/]([0-9]{2})[T ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:[.,]([0-9]{1,9}))? ?(Z|[A-Z]{3,4}|[+-][0-9]{2}:?[0-9]{2})?"
)
_OFFSET = re.compile(r"([+-])([0-9]{2}):?([0-9]{2})")
# names that stand for one zone only, in hours
_HOURS = {"UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3, "EDT": -4, "CDT": -5, "MDT": -6}
_HOURS |= {"MST": -7, "PDT": -7, "PST": -8, "JST": 9, "KST": 9, "AEDT": 11}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(values: Mapping[str, str]) -> str | None:
    """Return when it happened as ISO text, without a zone where the record names none (or an ambiguous one); None where nothing can be read."""
    zone = zone_of(values.get("dtz", "") or values.get("devicetimezone", ""))
    for key in KEYS:
        value = values.get(key)
        if value:
            found = read_one(value, zone)
            if found is not None:
                return found.isoformat()
    return None


def read_one(value: str, zone: timezone | None) -> datetime | None:
    """Return the moment that *value* is, with *zone* where it names none; None where it cannot be read."""
    value = value.strip().strip('"')
    micros = epoch_micros(value) if len(value) >= 9 else None
    try:
        if micros is not None:
            return _EPOCH + timedelta(microseconds=micros)
        return _parse(value, zone)
    except (ValueError, OverflowError):
        return None


def _parse(value: str, zone: timezone | None) -> datetime | None:
    worded = _WORDED.fullmatch(value)
    if worded is not None:
        word, day, year, clock, fraction, name = worded.groups()
        month = f"{_MONTHS.get(word.lower()[:3], 0) if word.lower() in _NAMES else 0:02d}"
    else:
        iso = _ISO.fullmatch(value)
        if iso is None:
            return None
        year, month, day, clock, fraction, name = iso.groups()
    made = datetime.fromisoformat(f"{year}-{month}-{day:0>2}T{clock}").replace(microsecond=_micros(fraction))
    own = zone_of(name or "")
    chosen = own if name else zone
    return made.replace(tzinfo=chosen) if chosen is not None else made


def _micros(fraction: str | None) -> int:
    return int((fraction or "0")[:6].ljust(6, "0"))


def zone_of(name: str) -> timezone | None:
    """Return the zone of an abbreviation or an offset; None where it stands for several."""
    hours = _HOURS.get(name.upper())
    if hours is not None:
        return timezone(timedelta(hours=hours))
    found = _OFFSET.fullmatch(name)
    if found is None:
        return None
    span = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return timezone(-span if found[1] == "-" else span) if span < timedelta(days=1) else None
