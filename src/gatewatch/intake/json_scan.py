"""Objects in a stream of JSON, wherever they begin and end: in arrays, wrappers, over many lines, one behind the other, with junk between.

A broken object costs itself: the next one begins where a line, or the name of the first key, looks like the beginning of the broken one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

import msgspec

from gatewatch.intake.batch import RAW_CAP
from gatewatch.intake.json_shape import BROKEN, FAULTS, Proof
from gatewatch.intake.line import LINE_CAP

CUT = "broken JSON: it ends early"
NO_JSON = "no JSON object"
LONG_OBJECT = "object longer than 1 MiB"
WRAPPERS = ("Records", "records", "value", "items", "events", "Events", "logs", "authlogs", "data", "results", "response", "logEvents", "activities")
"""Keys whose array holds the records; ``hits`` within ``hits`` does too."""
BESIDE = (
    *("kind", "apiVersion", "metadata", "took", "timed_out", "_scroll_id", "_shards", "pit_id", "total", "max_score", "count", "Count", "status"),
    *("etag", "nextPageToken", "nextToken", "NextToken", "nextLink", "pagination", "paging", "page", "cursor", "has_more", "next", "stat", "success"),
    *("messageType", "owner", "logGroup", "logStream", "subscriptionFilters"),
)
"""Keys that may stand before it."""
TABLES = ("tables", "Tables", "columns", "Columns")
"""Keys of answers that hold rows under a list of columns; each row becomes an object."""
DEEPER = ("response", "data", "_embedded")
"""Keys whose object holds such an array: what Duo's Admin API answers, what Okta's event hooks deliver."""
BESIDE_DEEPER = ("_links", "stat", "eventTypeVersion", "cloudEventsVersion", "contentType", "eventId", "eventTime", "source", "metadata")
"""Keys that may stand before these, and the type of an event hook."""

_AHEAD = 8 * 1024  # how much of an object is looked at for a wrapper
_BEHIND = 64  # bytes before an object that are kept, for its indentation
_SOLID = re.compile(rb"[^ \t\r\n\x1e,\[\]\0\xef\xbb\xbf]")
_SCALAR = rb'(?:"[^"\\]*"|[-+0-9.eE]+|true|false|null)'
_FLAT = rb"(?:" + _SCALAR + rb"|\{[^{}]*\}|\[[^\[\]]*\])"
_BESIDES = rb'(?:"(?:@odata[^"\\]*|' + "|".join(BESIDE).encode() + rb')"\s*:\s*' + _FLAT + rb"\s*,\s*)*"
_FLOWS = rb'(?![^{}]{0,300}"message"\s*:\s*"[2-9] [0-9]{12} eni-)'  # rows of a flow log have a reader of their own
_CLUSTERS = rb"(?![^\[]{0,500}/aws/eks/)"  # so has the log of a cluster: the name of the cluster is in the wrapper
_WRAPPER = re.compile(rb"\{\s*" + _CLUSTERS + _BESIDES + rb'"(?:' + "|".join(WRAPPERS).encode() + rb')"\s*:\s*\[\s*[\{\]]' + _FLOWS)
_DEEPER_BESIDES = rb'(?:(?:"(?:' + "|".join(BESIDE_DEEPER).encode() + rb')"\s*:\s*' + _FLAT + rb'|"eventType"\s*:\s*"com\.okta\.event_hook")\s*,\s*)*'
_DEEPER = re.compile(
    rb"\{\s*" + _DEEPER_BESIDES + rb'"(?:' + "|".join(DEEPER).encode() + rb')"\s*:\s*' + _WRAPPER.pattern  # the object in which the array is
)
_HITS = re.compile(rb"\{\s*" + _BESIDES + rb'"hits"\s*:\s*\{\s*' + _BESIDES + rb'"hits"\s*:\s*\[\s*[\{\]]')
_TABLE = re.compile(  # what the query interfaces of Log Analytics and Kusto answer: rows under a list of columns
    rb'\{\s*(?:"(?:tables|Tables)"\s*:\s*\[\s*\{\s*)?(?:"(?:name|TableName|FrameType|TableId|TableKind)"\s*:\s*'
    + _SCALAR
    + rb'\s*,\s*)*"[Cc]olumns"\s*:\s*(\[\s*(?:\{[^{}]*\}\s*(?:,\s*)?)*\])\s*,\s*"[Rr]ows"\s*:\s*\['
)
_COLUMN = ("name", "ColumnName")
_AFTER = re.compile(rb'"[^"\\]*"\s*:\s*' + _FLAT)
_ROW = re.compile(rb"[^ \t\r\n,]")
_FIRST_KEY = re.compile(rb'\{\s*("[^"\\\n]{1,200}"\s*:)')
_JUNK_END = re.compile(rb'\n|\{\s*"')
_SILENT = re.compile(rb"Record [0-9]+|Filtering the log data using|Skipping (?:info|debug)")  # evtx_dump; macOS log show
_FOOTER = re.compile(rb'\{"count":[0-9]+,"finished":[01]\}')  # of macOS log show
_FEED = 1 << 15
_FARTHEST = 1 << 16
_DEEP = -2  # no place: nested too deep
_TOKEN = 16  # bytes of a literal or escape that may be cut

_APART = 64
_ODD = frozenset(
    (*WRAPPERS, *BESIDE, *TABLES, *DEEPER, *BESIDE_DEEPER, "hits", "eventType", "name", "TableName", "FrameType", "TableId", "TableKind")
)
"""First keys that wrappers and footers have, beside ``@odata``."""

_scan = json.JSONDecoder(strict=False).raw_decode


class Found(NamedTuple):
    """An object, or what stands where one should: offset, bytes, and why it is none (None: it is sound)."""

    offset: int
    raw: bytes
    reason: str | None


@lru_cache(maxsize=64)
def _follower(key: bytes) -> re.Pattern[bytes]:
    """Return what stands between two objects that begin with *key*."""
    return re.compile(rb"\}[ \t\r\n,]*(?=\{\s*" + re.escape(key) + rb")")


def _is_odd(key: bytes) -> bool:
    """Return whether a wrapper or footer may begin with *key*, in its quotes."""
    name = key.split(b'"', 2)[1].decode("utf-8", "replace")
    return name in _ODD or name.startswith("@odata")


def scan(chunks: Iterable[bytes]) -> Iterator[Found]:
    """Yield what the UTF-8 stream *chunks* holds, in order."""
    return _Scanner(_small(chunks)).run()


def _names(columns: bytes) -> list[str]:
    """Return the names of the columns of a table."""
    try:
        listed = msgspec.json.decode(columns)
    except FAULTS:
        return []
    return [str(next((one[key] for key in _COLUMN if key in one), "")) for one in listed if isinstance(one, dict)]


def _small(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Cut *chunks* small: Python's JSON errors count the lines before them, so what lies behind must not be much."""
    for chunk in chunks:
        if len(chunk) <= _FEED:
            yield chunk
        else:
            for place in range(0, len(chunk), _FEED):
                yield chunk[place : place + _FEED]


def mend(text: str) -> str | None:
    """Return an object with raw control characters, lone surrogates or NaN as sound JSON; None when it is broken otherwise."""
    try:
        value = json.loads(text, strict=False)
        return msgspec.json.encode(_sound(value)).decode() if isinstance(value, dict) else None
    except FAULTS:
        return None


def _sound(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_sound(part) for part in value]
    if isinstance(value, dict):
        return {_sound(key): _sound(part) for key, part in value.items()}
    return value


def wrapped(data: bytes, at: int = 0) -> tuple[int, int] | None:
    """Return, when the object at *at* only wraps records, where their array's content begins and how many braces enclose it."""
    for pattern, depth in ((_WRAPPER, 1), (_HITS, 2), (_DEEPER, 2)):
        found = pattern.match(data, at)
        if found is not None:
            return found.end() - 1, depth
    found = _TABLE.match(data, at)
    return None if found is None else (found.end(), found[0].count(b"{", 0, found.start(1) - found.start()))


def is_silent(line: bytes) -> bool:
    """Return whether *line*, without its indentation, is one that a tool writes between records."""
    return _SILENT.match(line) is not None or _FOOTER.match(line) is not None


def _are_whole(raws: list[bytes], *, odd: bool) -> bool:
    """Return whether each of *raws*, which begin and end with a brace, is one sound object, and where they begin *odd* none a wrapper or footer."""
    if odd and any(wrapped(raw) is not None or is_silent(raw) for raw in raws):
        return False
    return Proof(b"\n".join(raws), len(raws)).covers(len(raws))


class _Scanner:
    """A window on the stream that moves on from object to object."""

    def __init__(self, source: Iterator[bytes]) -> None:
        self.source = source
        self.data = b""
        self.text = ""  # the same, a character a byte: the structure of JSON is ASCII
        self.base = 0  # offset of data
        self.at = 0
        self.ended = False
        self.open = 0  # braces of wrappers around what comes
        self.columns: list[str] = []  # names for the rows of a table, while in one
        self.fault = -1  # where the last broken object was found to be so, in the stream
        self.apart = 0  # objects that are taken one by one before several are tried again
        self.step = 1  # how far behind its beginning the next one is looked for: farther each time the same place stops us

    def feed(self) -> None:
        """Get more data, dropping what lies behind; at least as much again as is held, so that trying again stays cheap."""
        keep = min(max(0, self.at - _BEHIND), len(self.data))
        parts = [self.data[keep:]]
        wanted = max(_FEED, len(parts[0]))
        while wanted > 0:
            more = next(self.source, None)
            if more is None:
                self.ended = True
                break
            parts.append(bytes(more))
            wanted -= len(more)
        self.data = b"".join(parts)
        self.text = self.data.decode("latin-1")
        self.base += keep
        self.at -= keep

    def run(self) -> Iterator[Found]:
        while True:
            if self.columns:
                found = self.row()
                if found is not None:
                    yield found
                continue
            solid = _SOLID.search(self.data, self.at)
            if solid is None:
                self.at = len(self.data)
                if self.ended:
                    return
                self.feed()
                continue
            self.at = solid.start()
            if not self.ended and len(self.data) - self.at < _AHEAD:
                self.feed()
            first = self.data[self.at]
            if first == 0x7B:
                yield from self.several()
                if self.at >= len(self.data) or self.data[self.at] != 0x7B:
                    continue
                found = self.object()
            elif self.open and first == 0x7D:
                self.at += 1
                self.open -= 1
                found = None
            else:
                found = self.junk()
            if found is not None:
                yield found

    def several(self) -> list[Found]:
        """Take the objects here that begin alike, are whole and stand one behind the other; none where one may be something else."""
        self.apart -= 1
        key = _FIRST_KEY.match(self.data, self.at) if self.apart < 0 else None
        if key is None:
            return []
        ends = [(found.start() + 1, found.end()) for found in _follower(key[1]).finditer(self.data, self.at)]
        if not ends:
            return []
        begins = [self.at, *(begin for _, begin in ends[:-1])]
        raws = [self.data[begin:end] for begin, (end, _) in zip(begins, ends, strict=True)]
        if not _are_whole(raws, odd=_is_odd(key[1])):
            self.apart = _APART
            return []
        self.at = ends[-1][1]
        return [Found(self.base + begin, raw, None) for begin, raw in zip(begins, raws, strict=True)]

    def object(self) -> Found | None:
        """Take the object here; None for the head of a wrapper or a footer."""
        within = wrapped(self.data, self.at)
        if within is not None:
            table = _TABLE.match(self.data, self.at)
            self.columns = _names(table[1]) if table is not None else []
            self.at, depth = within
            self.open += depth
            return None
        while True:
            try:
                end = _scan(self.text, self.at)[1]
                break
            except json.JSONDecodeError as error:
                short = error.msg.startswith("Unterminated") or error.pos >= len(self.text.rstrip())
                maybe = short or error.pos >= len(self.text) - _TOKEN
                fault = self.base + error.pos
            except (ValueError, RecursionError):  # a number of thousands of digits; nested too deep
                short = maybe = False
                fault = _DEEP
            if maybe and not self.ended and len(self.data) - self.at <= LINE_CAP:
                self.feed()
                continue
            self.step = min(4 * self.step, _FARTHEST) if fault == self.fault else 1
            self.fault = fault
            return self.lost(BROKEN if not short else CUT if self.ended else LONG_OBJECT)
        begin = self.at
        self.at = end
        raw = self.data[begin:end]
        if len(raw) > LINE_CAP:
            return Found(self.base + begin, raw[: 4 * RAW_CAP], LONG_OBJECT)
        return None if is_silent(raw) else Found(self.base + begin, raw, None)

    def row(self) -> Found | None:
        """Take the row here as an object of its columns; None at the end of the table."""
        solid = _ROW.search(self.data, self.at)
        while solid is None and not self.ended:
            self.at = len(self.data)
            self.feed()
            solid = _ROW.search(self.data, self.at)
        if solid is None or solid[0] != b"[":
            self.at = len(self.data) if solid is None else solid.start()
            self.columns = []
            return None
        self.at = solid.start()
        while True:
            try:
                cells, end = _scan(self.text, self.at)
                break
            except (ValueError, RecursionError):
                if self.ended or len(self.data) - self.at > LINE_CAP:
                    self.columns = []
                    return self.lost(CUT)
            self.feed()
        begin, self.at = self.at, end
        raw = self.data[begin:end]
        try:
            cells = msgspec.json.decode(raw)
            made = {name: cell for name, cell in zip(self.columns, cells, strict=True) if cell is not None and cell != ""}
        except FAULTS:
            return Found(self.base + begin, raw[: 4 * RAW_CAP], BROKEN)
        return Found(self.base + begin, msgspec.json.encode(made), None)

    def lost(self, reason: str) -> Found:
        """Give up the object here and go to where the next seems to begin."""
        offset, raw = self.base + self.at, self.data[self.at : self.at + 4 * RAW_CAP]
        begins = self.beginning(deep=self.fault == _DEEP)
        self.at += self.step
        while True:
            following = begins.search(self.data, self.at)
            if following is not None or self.ended:
                self.at = len(self.data) if following is None else following.start()
                return Found(offset, raw[: self.base + self.at - offset].rstrip(b"\r\n \t,"), reason)
            self.at = max(self.at, len(self.data) - _BEHIND)
            self.feed()

    def beginning(self, *, deep: bool) -> re.Pattern[bytes]:
        """Return what an object that looks like the one here begins with; what is nested too *deep* holds too many that look like it."""
        line = self.data.rfind(b"\n", 0, self.at) + 1
        indent = self.data[line : self.at]
        choices = []
        if not indent.strip(b" \t") and (line or self.base == 0):
            choices.append(rb"(?<=\n)" + indent + rb'\{\s*["}]')
            if deep:
                return re.compile(choices[0])
        key = _FIRST_KEY.match(self.data, self.at)
        choices.append(rb"\{\s*" + re.escape(key[1]) if key else rb'\{\s*"')
        return re.compile(b"|".join(choices))

    def junk(self) -> Found | None:
        """Pass over what is no object; None when that is as it should be."""
        after = _AFTER.match(self.data, self.at) if self.open else None
        if after is not None:
            self.at = after.end()
            return None
        begin = self.at
        end = _JUNK_END.search(self.data, begin)
        self.at = len(self.data) if end is None else end.start()
        raw = self.data[begin : self.at].rstrip(b"\r\n \t")
        return None if _SILENT.match(raw) else Found(self.base + begin, raw[: 4 * RAW_CAP], NO_JSON)
