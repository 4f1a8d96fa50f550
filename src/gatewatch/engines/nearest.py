"""What nobody recognises, and what came closest: a few kinds of unrecognised records, each with an example and the source it is most like.

Blocks count their unrecognised records by kind and keep the first of each (:class:`Kinds`); only when all is read, and only for the kinds that are
shown, is it looked what they are like. Records that a source recognises cost nothing. The answer is a hint for whoever reads the report: it never
makes an event.
"""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import msgspec
import polars as pl

from gatewatch.schema.records import RECORD_DTYPES, Stranger
from gatewatch.schema.secret import mask
from gatewatch.sources.pattern import PatternSource
from gatewatch.sources.registry import SOURCES

SHOWN = 20  # kinds of a scan that are looked at and shown
KEPT = 100  # kinds of a file that are told apart
RAW_CAP = 300  # characters of an example
_NAMES = 8  # keys or columns that are named
_READ = 4000  # characters of an example that are looked at
PROGRAM, MESSAGE, LINE, JSON, CHANNEL, BINARY, MORE = "program", "message", "line", "json", "channel", "binary", "more"

KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "auth0": ("log_id", "date", "type", "ip", "user_name", "connection"),
        "cloudtrail": ("eventTime", "eventSource", "eventName", "awsRegion", "sourceIPAddress", "userIdentity"),
        "docker-events": ("Type", "Action", "Actor", "time", "timeNano"),
        "duo": ("isotimestamp", "result", "factor", "access_device", "auth_device", "application", "user"),
        "ecs": ("@timestamp", "event", "source", "user", "host"),
        "entra-audit": ("activityDateTime", "activityDisplayName", "initiatedBy", "targetResources", "result"),
        "entra-signin": ("createdDateTime", "userPrincipalName", "ipAddress", "status", "appDisplayName", "clientAppUsed"),
        "falco-events": ("rule", "priority", "output", "output_fields", "time"),
        "kubernetes-audit": ("kind", "apiVersion", "auditID", "verb", "user", "objectRef", "sourceIPs", "requestURI"),
        "m365": ("CreationTime", "Operation", "Workload", "UserId", "ClientIP", "RecordType"),
        "ocsf": ("class_uid", "activity_id", "time", "src_endpoint", "status_id"),
        "okta": ("eventType", "published", "actor", "outcome", "client"),
        "onelogin": ("event_type_id", "created_at", "user_name", "ipaddr"),
        "panos-json": ("LogType", "EventIDValue", "EventStatus", "SourceUserName", "PublicIPv4"),
        "suricata": ("timestamp", "event_type", "src_ip", "dest_ip", "flow_id"),
        "teleport": ("event", "code", "time", "user", "uid"),
        "windows-logon": ("EventID", "Channel", "Computer", "EventData", "TimeCreated"),
        "zeek": ("ts", "uid", "id.orig_h", "id.resp_h", "proto"),
    }
)
"""Keys by which people know the records of JSON sources."""
COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "aws-vpc-flow": ("version", "interface-id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "action"),
        "m365": ("RecordId", "CreationDate", "RecordType", "Operation", "UserId", "AuditData"),
        "windows events (EvtxECmd)": ("EventRecordId", "TimeCreated", "EventId", "Channel", "Computer", "Payload"),
        "windows events (Get-WinEvent)": ("Id", "LogName", "ProviderName", "TimeCreated", "Message"),
        "windows events (Sentinel)": ("EventID", "Computer", "TimeGenerated", "EventData", "Channel"),
        "windows-firewall-log": ("date", "time", "action", "protocol", "src-ip", "dst-ip", "src-port", "dst-port"),
        "zeek": ("ts", "uid", "id.orig_h", "id.resp_h", "proto"),
    }
)
"""Columns by which tables are recognised."""
_KEY = re.compile(r'"([^"\\]{1,60})"\s*:')
_BREAKS = str.maketrans("\0\r\n", "   ")
_COLUMN = re.compile(r"[A-Za-z@_][A-Za-z0-9 _.()@/-]{0,59}")


@dataclass(frozen=True, slots=True)
class Example:
    """How many records of a kind there are, and the first of them."""

    count: int
    record: int
    text: str


@dataclass(slots=True)
class Kinds:
    """Unrecognised records by kind and name: of a program nobody claims, of a source that does not know them, lines without framing …"""

    found: dict[tuple[str, str], Example] = field(default_factory=dict)

    def add(self, kind: str, name: str, count: int, record: int, text: str) -> None:
        """Count *count* more records of a kind; *record* (0: not known) and *text* are the first of them."""
        key = (kind, name)
        if key not in self.found and len(self.found) >= KEPT:
            key = (MORE, "")
        before = self.found.get(key)
        if before is None:
            self.found[key] = Example(count, record, text[:_READ])
        elif 0 < record < before.record:
            self.found[key] = Example(before.count + count, record, text[:_READ])
        else:
            self.found[key] = Example(before.count + count, before.record, before.text)

    def update(self, other: Kinds, shift: int = 0) -> None:
        """Add the kinds of *other*, whose records are numbered from *shift* on."""
        for (kind, name), one in other.found.items():
            self.add(kind, name, one.count, one.record + shift if one.record else 0, one.text)


def strangers(files: Iterable[tuple[str, Kinds]]) -> list[Stranger]:
    """Return the commonest kinds of unrecognised records, most first, with what each is nearest to."""
    every = [(file, kind, name, one) for file, kinds in files for (kind, name), one in kinds.found.items()]
    every.sort(key=lambda item: (-item[3].count, item[0], item[1], item[2]))
    chosen = every[:SHOWN]
    texts = _reads_like([one.text if kind in {PROGRAM, LINE} else "" for _, kind, _, one in chosen])
    made = []
    for (file, kind, name, one), alike in zip(chosen, texts, strict=True):
        nearest, why = _nearest(kind, name, one.text, alike)
        made.append(Stranger(file, kind, name, one.count, one.record, mask(one.text[:RAW_CAP].rstrip("\r\n\0 \t")), nearest, why))
    return made


def _nearest(kind: str, name: str, text: str, alike: tuple[str, str] | None) -> tuple[str | None, str]:
    if kind == MESSAGE:
        return name, _unknown(name, text)
    if kind == CHANNEL:
        return None, f"no source reads the Windows channel {name}"
    if kind == JSON:
        return _like_object(text)
    if kind == BINARY:
        return None, "binary data of no format we know"
    if kind == MORE:
        return None, "further kinds of records"
    if kind == PROGRAM:
        if alike is not None:
            return alike[0], f"its text reads like {alike[0]} (pattern {alike[1]}), but {alike[0]} does not claim the program {name}"
        near = difflib.get_close_matches(name, _PROGRAMS, 1, 0.8)
        if near:
            return _PROGRAMS[near[0]], f"the program is called almost like {near[0]} of {_PROGRAMS[near[0]]}"
        return None, f"no source claims the program {name}" if name else "the record names no program, and no source knows its text"
    if alike is not None:
        return alike[0], f"its text reads like {alike[0]} (pattern {alike[1]}), but no header before it says when, where and of which program"
    table = _like_table(text)
    return table if table is not None else (None, "no header of a known framing, and no text of a source")


_PROGRAMS = {program: source.name for source in reversed(SOURCES) for program in source.programs if len(program) > 3}


def _unknown(name: str, text: str) -> str:
    """Return how far a message got with the source that claims it."""
    source = next((one for one in SOURCES if one.name == name), None)
    if not isinstance(source, PatternSource):
        return f"looks like {name}, which does not know this record"
    row = dict.fromkeys(RECORD_DTYPES) | {"record": 1, "offset": 0, "count": 1, "program": (source.programs or (name,))[0], "message": text}
    tried = [pattern for pattern, _ in source.classify(pl.DataFrame([row], schema=RECORD_DTYPES))]
    if not tried:
        return f"looks like {name}, but no pattern of it begins so"
    return f"looks like {name}: begins like its pattern {tried[-1]}, and goes on otherwise"


def _reads_like(texts: Sequence[str]) -> list[tuple[str, str] | None]:
    """Return per text the first source and pattern that would make an event of it as a bare message."""
    found: list[tuple[str, str] | None] = [None] * len(texts)
    rows = [dict.fromkeys(RECORD_DTYPES) | {"record": n, "offset": 0, "count": 1, "message": text} for n, text in enumerate(texts) if text]
    if not rows:
        return found
    frame = pl.DataFrame(rows, schema=RECORD_DTYPES)
    for source in SOURCES:
        if not isinstance(source, PatternSource):
            continue
        for record, pattern in source.decode(frame).events.select("record", pl.col("pattern").cast(pl.String)).iter_rows():
            found[record] = found[record] or (source.name, pattern)
    return found


def _like_object(text: str) -> tuple[str | None, str]:
    keys = _keys(text)
    shown = ", ".join(keys[:_NAMES]) + (", …" if len(keys) > _NAMES else "")
    said = f"JSON object with keys {shown}" if keys else "JSON object without keys"
    best = _best(keys, KEYS)
    if best is None:
        return None, f"{said}: nothing we read has such keys"
    name, has, lacks = best
    return name, f"{said}: nearest {name} (has {', '.join(has)}{'; lacks ' + ', '.join(lacks) if lacks else ''})"


def _keys(text: str) -> list[str]:
    """Return the keys of an object; of one that is cut off, those seen."""
    try:
        found = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return list(dict.fromkeys(_KEY.findall(text)))
    return list(found)


def _like_table(text: str) -> tuple[str | None, str] | None:
    """Return what a line that could be the header of a table is nearest to; None for other lines."""
    for delimiter in (",", ";", "\t", "|"):
        if text.count(delimiter) < 2:
            continue
        line = text.translate(_BREAKS)
        try:
            cells = [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]
        except csv.Error:
            continue
        if len(cells) < 3 or not all(_COLUMN.fullmatch(cell) for cell in cells):
            continue
        shown = ", ".join(cells[:_NAMES]) + (", …" if len(cells) > _NAMES else "")
        best = _best(cells, COLUMNS)
        if best is None:
            return None, f"a table with the columns {shown}: nothing we read has such columns"
        name, has, lacks = best
        return name, f"a table with the columns {shown}: nearest {name} ({len(has)} of its {len(has) + len(lacks)} columns; lacks {', '.join(lacks)})"
    return None


def _best(names: Sequence[str], known: Mapping[str, tuple[str, ...]]) -> tuple[str, list[str], list[str]] | None:
    """Return the entry of *known* that shares most with *names*, what it shares and what it lacks; None below two."""
    folded = {name.casefold() for name in names}
    scored = [(sum(one.casefold() in folded for one in wanted), len(wanted), name) for name, wanted in known.items()]
    hits, _size, name = max(scored, key=lambda item: (item[0], -item[1], item[2]))
    if hits < 2:
        return None
    has = [one for one in known[name] if one.casefold() in folded]
    return name, has, [one for one in known[name] if one.casefold() not in folded]
