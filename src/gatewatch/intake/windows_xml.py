"""Windows events exported as XML: ``wevtutil qe /f:xml``, Event Viewer ("Save as XML", or copied from its window), ``evtx_dump``.

::

    <Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='Microsoft-Windows-Security-Auditing'/>
    <EventID>4625</EventID>…</System><EventData><Data Name='TargetUserName'>bob</Data>…</EventData></Event>

Whatever stands around them, events are cut out from ``<Event`` to ``</Event>`` and read one by one, so a broken one costs itself only. What
stands between them is no record unless it is no wrapping either (root element, XML declaration, ``Record 1``, the dashes of a copy).
DTDs and entities are refused. References: Windows Event Schema (learn.microsoft.com/windows/win32/wes).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any
from xml.parsers import expat

from gatewatch.intake.batch import RAW_CAP, Batch
from gatewatch.intake.line import transcode
from gatewatch.intake.windows_channel import channel_of, channel_of_data
from gatewatch.intake.windows_message import data_of_message
from gatewatch.intake.windows_row import Builder, Event, Interest, add_datum, as_json, event_number, guid, iso_stamp, present, whole

EVENT_CAP = 4 * 1024**2
TOO_LONG = "event longer than 4 MiB"
WITH_DTD = "XML with a DTD"
_BROKEN = "broken XML"
_CUT = "broken XML: the event ends early"
_NAMELESS = "event without id or channel"
_JUNK = "no Windows event"

_PREFIX = rb"(?:[A-Za-z_][A-Za-z0-9_.-]{0,63}:)?"
_START = re.compile(rb"<" + _PREFIX + rb"Event(?=[ \t\r\n>/])")
_EDGE = re.compile(rb"<" + _PREFIX + rb"Event(?=[ \t\r\n>/])|</" + _PREFIX + rb"Event[ \t\r\n]*>")
_ID = re.compile(rb"<" + _PREFIX + rb"EventID(?: [^>]*)?>[ \t\r\n]*([0-9]{1,5})[ \t\r\n]*<")
_CHANNEL = re.compile(rb"<" + _PREFIX + rb"Channel>([^<&]{1,255})<")
_WRAPPING = re.compile(
    rb"<\?xml[^>]{0,255}\?>|</?"
    + _PREFIX
    + rb"Events(?:[ \t\r\n][^>]{0,1023})?>|<!--(?:[^-]|-[^-]){0,4000}-->|Record [0-9]+|[ \t\r\n-]+|\xef\xbb\xbf"
)
_DTD = re.compile(rb"<!(?:DOCTYPE|ENTITY)")
_SCHEMA = re.compile(rb"schemas\.microsoft\.com/win/2004/08/events/event|<" + _PREFIX + rb"System[ \t\r\n>]")
_TAIL = 96  # bytes that may be the beginning of a tag
_CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]|&#(?:0*(?:[0-8]|1[124-9]|2[0-9]|3[01])|[xX]0*(?:[0-8bBcCeEfF]|1[0-9a-fA-F]));"
)


def sniff(head: bytes) -> float:
    """Return how sure we are, from 0 to 1, that a file that begins with *head* holds Windows events in XML."""
    text = b"".join(transcode([head]))
    first = _START.search(text)
    if first is None or _SCHEMA.search(text, first.start()) is None:
        return 0.0
    if not _WRAPPING.sub(b"", _DTD.sub(b"", text[: first.start()])).strip():
        return 1.0
    begin = text.rfind(b"\n", 0, first.start()) + 1
    return 0.4 if not text[begin : first.start()].strip(b" \t-") else 0.0


def read(chunks: Iterable[bytes], interest: Interest | None = None) -> Iterator[Batch]:
    """Yield the events of a file in batches; *interest* tells by channel and id which are worth reading (None: all)."""
    builder = Builder()
    for offset, raw, reason in _cut(chunks):
        if reason is not None:
            builder.reject(offset, reason, raw)
        else:
            _take(builder, offset, raw, interest)
        if builder.full:
            yield builder.batch()
    if not builder.empty:
        yield builder.batch()


def _take(builder: Builder, offset: int, raw: bytes, interest: Interest | None) -> None:
    if interest is not None:
        number, channel = _ID.search(raw), _CHANNEL.search(raw)
        if number is not None and channel is not None:
            name, event_id = channel[1].decode("utf-8", "replace").strip(), int(number[1])
            if not interest(name, event_id):
                builder.skip(name, event_id)
                return
    event = event_of(raw)
    if isinstance(event, str):
        builder.reject(offset, event, raw)
    elif interest is not None and not interest(event.channel, event.event_id):
        builder.skip(event.channel, event.event_id)
    else:
        builder.add(offset, event)


def _cut(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes, str | None]]:
    """Yield ``(offset, event, why it is rejected or None)``; never holds more than a chunk and :data:`EVENT_CAP`."""
    data = b""
    base = 0  # offset of data
    at = 0  # what precedes is done with
    gap = b""  # beginning of what stands between two events
    gap_at = 0
    dropping: tuple[int, bytes] | None = None  # an event over the cap, up to its end
    seek = 0  # no edge of the event at ``at`` lies before this
    inside = False
    source = transcode(chunks)
    ended = False
    while True:
        edge = _EDGE.search(data, max(at, seek))
        # a tag at the very end of the data may go on
        if edge is None or (not ended and edge.end() == len(data) and data[edge.end() - 1 :] != b">"):
            if ended:
                break
            stop = edge.start() if edge is not None else max(len(data) - _TAIL, at)
            if dropping is not None:
                at = seek = stop
            elif inside:
                if len(data) - at > EVENT_CAP:
                    dropping, inside = (base + at, data[at : at + 4 * RAW_CAP]), False
                    at = seek = stop
                else:
                    seek = max(stop, at + 1)
            else:
                gap, gap_at = (gap + data[at:stop][: 4 * RAW_CAP], gap_at) if gap else (data[at:stop][: 4 * RAW_CAP], base + at)
                at = seek = stop
            more = next(source, None)
            ended = more is None
            data, base, seek, at = data[at:] + (more or b""), base + at, seek - at, 0
            continue
        opens = data[edge.start() + 1] != ord("/")
        if dropping is not None:
            yield (*dropping, TOO_LONG)
            dropping = None
            at = edge.start() if opens else edge.end()
            seek = at
            if not opens:
                continue
        if inside:
            size = (edge.start() if opens else edge.end()) - at
            reason = TOO_LONG if size > EVENT_CAP else (_CUT if opens else None)
            yield base + at, data[at : at + size], reason
            at = seek = at + size
            inside = False
            gap = b""
            if not opens:
                continue
        # between events
        text = gap + data[at : edge.start()][: 4 * RAW_CAP]
        begin = gap_at if gap else base + at
        gap = b""
        if not opens:
            text += edge[0]
        yield from _between(begin, text)
        at = edge.start() if opens else edge.end()
        inside = opens
        seek = edge.end()
    if dropping is not None:
        yield (*dropping, TOO_LONG)
    elif inside:
        yield base + at, data[at:], TOO_LONG if len(data) - at > EVENT_CAP else _CUT
    else:
        yield from _between(gap_at if gap else base + at, gap + data[at:])


def _between(offset: int, text: bytes) -> Iterator[tuple[int, bytes, str | None]]:
    """Yield what stands between two events as a reject when it is more than wrapping."""
    if _DTD.search(text):
        yield offset, text, WITH_DTD
    elif _WRAPPING.sub(b"", text).strip():
        yield offset, text, _JUNK


class _Refused(Exception):  # noqa: N818 - ends a parse; the message is the reason of the reject
    pass


def event_of(raw: bytes) -> Event | str:
    """Return the event that *raw*, one ``<Event>`` element, holds; or why it cannot be read."""
    reader = _parse(raw)
    if isinstance(reader, str):
        return reader
    get = reader.attributes.get
    number, channel = event_number(reader.system.get("EventID")), present(reader.system.get("Channel"))
    if number is None:
        return _NAMELESS
    provider = present(get("Provider", {}).get("Name")) or present(get("Provider", {}).get("EventSourceName"))
    fields = as_json(reader.data or (data_of_message(number, reader.message) if reader.message else {}))
    channel = channel or channel_of(provider, number) or channel_of_data(number, fields)
    if channel is None:
        return _NAMELESS
    return Event(
        channel=channel,
        event_id=number,
        stamp=iso_stamp(get("TimeCreated", {}).get("SystemTime", ""), utc=True),
        host=present(reader.system.get("Computer")),
        pid=present(get("Execution", {}).get("ProcessID")),
        message=reader.message,
        fields=fields,
        provider=provider,
        event_record=whole(reader.system.get("EventRecordID")),
        activity=guid(get("Correlation", {}).get("ActivityID")),
        user_sid=present(get("Security", {}).get("UserID")),
    )


def data_of(text: str) -> dict[str, Any] | None:
    """Return the data of an ``<EventData>`` or ``<UserData>`` element that stands alone; None where it cannot be read."""
    reader = _parse(b"<Event>" + text.encode("utf-8", "replace") + b"</Event>")
    return None if isinstance(reader, str) else reader.data


def _parse(raw: bytes) -> _Reader | str:
    try:
        reader = _Reader()
        reader.parser.Parse(raw, True)
    except _Refused as error:
        return str(error)
    except expat.ExpatError:
        # bytes of no UTF-8 and characters XML does not know (escape sequences in command lines) are written unescaped by exporters
        repaired = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", raw.decode("utf-8", "replace")).encode()
        try:
            reader = _Reader()
            reader.parser.Parse(repaired, True)
        except _Refused as error:
            return str(error)
        except expat.ExpatError:
            return _BROKEN
    return reader


class _Reader:
    """Collects one event while it is parsed; names lose their namespace prefix."""

    def __init__(self) -> None:
        self.system: dict[str, str] = {}
        self.attributes: dict[str, dict[str, str]] = {}
        self.data: dict[str, Any] = {}
        self.message: str | None = None
        self._path: list[str] = []
        self._name: str | None = None  # of the datum that is open
        self._text: list[str] = []
        self._leaf = False  # the open element has no children so far
        self._unnamed = 0
        self.parser = expat.ParserCreate("utf-8")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.EntityDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text.append

    def _refuse(self, *_: object) -> None:
        raise _Refused(WITH_DTD)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        path = self._path
        path.append(local)
        self._text.clear()
        self._leaf = True
        if len(path) == 3:
            if path[1] == "System":
                self.attributes[local] = attributes
            elif path[1] == "EventData":
                self._name = attributes.get("Name")

    def _end(self, _: str) -> None:
        path = self._path
        depth = len(path)
        local = path.pop()
        if depth >= 3:
            section = path[1]
            if section == "System":
                if depth == 3:
                    self.system[local] = "".join(self._text)
            elif section == "EventData":
                if depth == 3:
                    self._datum(local)
            elif section == "UserData":
                if self._leaf and (depth > 3 or "".join(self._text).strip()):
                    add_datum(self.data, local, "".join(self._text))
            elif section == "RenderingInfo" and depth == 3 and local == "Message":
                self.message = "".join(self._text).strip() or None
        self._text.clear()
        self._leaf = False

    def _datum(self, local: str) -> None:
        text = "".join(self._text)
        if self._name is not None:
            add_datum(self.data, self._name, text)
        elif local == "Data":
            self._unnamed += 1
            add_datum(self.data, f"param{self._unnamed}", text)
        elif text.strip():
            add_datum(self.data, local, text.strip())
        self._name = None
