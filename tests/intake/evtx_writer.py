"""A writer of small EVTX files, for fixtures: templates with values as Windows writes them, or plain XML tokens.

An event is a mapping: ``EventID``, ``Channel``, ``Computer``, ``Provider``, ``SystemTime`` (ISO, UTC), and where wanted ``EventRecordID``,
``ProcessID``, ``ActivityID``, ``UserID``, ``Qualifiers``; ``EventData`` as a mapping (values: text, int or None) or, without names, as a
list; ``UserData`` as a mapping of the one element to its mapping. References: libevtx, "Windows XML Event Log (EVTX) format".
"""

from __future__ import annotations

import struct
import uuid
import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

HEAD, CHUNK, FIRST = 4096, 65536, 512
_TEXT, _UINT8, _UINT16, _UINT32, _UINT64, _GUID, _FILETIME, _SID = 0x01, 0x04, 0x06, 0x08, 0x0A, 0x0F, 0x11, 0x13
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_NAMESPACE = "http://schemas.microsoft.com/win/2004/08/events/event"


def filetime(text: str) -> int:
    """Return the 100-ns ticks since 1601 of an ISO time in UTC."""
    moment = datetime.fromisoformat(text)
    return (moment - _EPOCH) // timedelta(microseconds=1) * 10


def sid(text: str) -> bytes:
    """Return a SID's bytes."""
    revision, authority, *parts = (int(part) for part in text.split("-")[1:])
    return struct.pack("<BB", revision, len(parts)) + authority.to_bytes(6, "big") + struct.pack(f"<{len(parts)}I", *parts)


class _Body:
    """The binary XML of one template or one plain event, at a place of a chunk."""

    def __init__(self, place: int, names: dict[str, int], *, template: bool) -> None:
        self.place, self.names, self.template = place, names, template
        self.out = bytearray(b"\x0f\x01\x01\x00")
        self.values: list[tuple[int, bytes]] = []

    def _name(self, name: str) -> None:
        known = self.names.get(name)
        at = self.place + len(self.out) + 4
        self.out += struct.pack("<I", at if known is None else known)
        if known is None:
            self.names[name] = at
            number = 0
            for char in name:
                number = (number * 65599 + ord(char)) & 0xFFFFFFFF
            self.out += struct.pack("<IHH", 0, number & 0xFFFF, len(name)) + name.encode("utf-16-le") + b"\0\0"

    def _text(self, text: str) -> None:
        self.out += struct.pack("<BBH", 5, _TEXT, len(text.encode("utf-16-le")) // 2) + text.encode("utf-16-le")

    def _value(self, value: Any) -> None:
        """Write a value: a text stays in the template, a pair of type and bytes becomes one of its values."""
        if isinstance(value, str):
            self._text(value)
        elif self.template:
            self.out += struct.pack("<BHB", 0x0E, len(self.values), value[0] or _TEXT)
            self.values.append(value)

    def open(self, name: str, attributes: Mapping[str, Any] | None = None, *, empty: bool = False) -> int:
        self.out.append(0x41 if attributes else 0x01)
        self.out += b"\xff\xff" * self.template
        sized = len(self.out)
        self.out += bytes(4)
        self._name(name)
        if attributes:
            listed = len(self.out)
            self.out += bytes(4)
            for number, (key, value) in enumerate(attributes.items(), 1):
                self.out.append(0x46 if number < len(attributes) else 0x06)
                self._name(key)
                self._value(value)
            struct.pack_into("<I", self.out, listed, len(self.out) - listed - 4)
        self.out.append(0x03 if empty else 0x02)
        if empty:
            struct.pack_into("<I", self.out, sized, len(self.out) - sized - 4)
        return sized

    def close(self, sized: int) -> None:
        self.out.append(0x04)
        struct.pack_into("<I", self.out, sized, len(self.out) - sized - 4)

    def element(self, name: str, value: Any, attributes: Mapping[str, Any] | None = None) -> None:
        sized = self.open(name, attributes)
        self._value(value)
        self.close(sized)


def _typed(value: Any) -> tuple[int, bytes]:
    if value is None:
        return 0, b""
    if isinstance(value, int):
        return (_UINT32, struct.pack("<I", value)) if value < 1 << 32 else (_UINT64, struct.pack("<Q", value))
    return _TEXT, str(value).encode("utf-16-le")


def _body(event: Mapping[str, Any], body: _Body, number: int) -> None:
    """Write *event*; in a template everything that changes from event to event is a value."""

    def given(kind: int, value: Any, raw: bytes) -> Any:
        return (kind, raw) if body.template else str(value)

    event_id = given(_UINT16, event["EventID"], struct.pack("<H", event["EventID"]))
    time = given(_FILETIME, event["SystemTime"], struct.pack("<Q", filetime(event["SystemTime"])))
    record = given(_UINT64, number, struct.pack("<Q", number))
    root = body.open("Event", {"xmlns": _NAMESPACE})
    system = body.open("System")
    body.open("Provider", {"Name": event.get("Provider", "Microsoft-Windows-Security-Auditing")}, empty=True)
    qualifiers = event.get("Qualifiers")
    body.element("EventID", event_id, None if qualifiers is None else {"Qualifiers": given(_UINT16, qualifiers, struct.pack("<H", qualifiers))})
    body.element("Version", given(_UINT8, 0, b"\0"))
    body.open("TimeCreated", {"SystemTime": time}, empty=True)
    body.element("EventRecordID", record)
    activity = event.get("ActivityID")
    if activity is not None:
        body.open("Correlation", {"ActivityID": given(_GUID, activity, uuid.UUID(activity).bytes_le)}, empty=True)
    process = event.get("ProcessID", 4)
    body.open("Execution", {"ProcessID": given(_UINT32, process, struct.pack("<I", process))}, empty=True)
    body.element("Channel", event["Channel"] if event.get("constant") else given(_TEXT, event["Channel"], event["Channel"].encode("utf-16-le")))
    body.element("Computer", event["Computer"])
    user = event.get("UserID")
    body.open("Security", {"UserID": given(_SID, user, sid(user))} if user is not None else None, empty=True)
    body.close(system)
    for section in ("EventData", "UserData"):
        if section in event:
            _section(section, event[section], body)
    body.close(root)
    body.out.append(0)


def _section(name: str, data: Any, body: _Body) -> None:
    if not data:
        body.open(name, empty=True)
        return
    sized = body.open(name)
    if name == "UserData":
        for inner, fields in data.items():
            nested = body.open(inner)
            for key, value in fields.items():
                body.element(key, _typed(value) if body.template else str(value or ""))
            body.close(nested)
    elif isinstance(data, Mapping):
        for key, value in data.items():
            body.element("Data", _typed(value) if body.template else str(value or ""), {"Name": key})
    else:
        for value in data:
            body.element("Data", _typed(value) if body.template else str(value or ""))
    body.close(sized)


class _Chunk:
    """A chunk in the making; ``add`` returns False when the event has no room in it."""

    def __init__(self) -> None:
        self.out = bytearray(FIRST)
        self.names: dict[str, int] = {}
        self.templates: dict[Any, int] = {}
        self.ids: list[int] = []
        self.last = 0

    def add(self, event: Mapping[str, Any], number: int, *, plain: bool) -> bool:
        start = len(self.out)
        names = dict(self.names)
        if plain:
            body = _Body(start + 24, names, template=False)
            _body(event, body, number)
            binary = bytes(body.out)
        else:
            binary = self._instance(event, number, start, names)
        size = (24 + len(binary) + 4 + 4 + 7) & ~7  # as Windows does, with some bytes to spare
        if start + size > CHUNK:
            return False
        record = struct.pack("<4sIQQ", b"**\0\0", size, number, filetime(event["SystemTime"])) + binary
        self.out += record.ljust(size - 4, b"\0") + struct.pack("<I", size)
        self.names = names
        self.ids.append(number)
        self.last = start
        return True

    def _instance(self, event: Mapping[str, Any], number: int, start: int, names: dict[str, int]) -> bytes:
        data = event.get("EventData")
        user = {inner: {key: type(value) for key, value in fields.items()} for inner, fields in (event.get("UserData") or {}).items()}
        shape = {key: type(value) for key, value in data.items()} if isinstance(data, Mapping) else len(data or ())
        optional = [key for key in ("ActivityID", "UserID", "Qualifiers", "EventData", "UserData") if key in event]
        literal = [event.get(key) for key in ("Provider", "Computer", "constant")] + ([event["Channel"]] if event.get("constant") else [])
        key = repr((event["EventID"], literal, optional, shape, user))
        known = self.templates.get(key)
        place = start + 38 if known is None else known
        body = _Body(place + 24, names if known is None else dict(names), template=True)
        _body(event, body, number)
        guid = uuid.uuid5(uuid.NAMESPACE_URL, key).bytes_le
        out = b"\x0f\x01\x01\x00\x0c\x01" + guid[:4] + struct.pack("<I", place)
        if known is None:
            out += struct.pack("<I16sI", 0, guid, len(body.out)) + body.out
            if start + 24 + len(out) < CHUNK - 8192:  # a template that may not fit is not promised to later records
                self.templates[key] = place
        out += struct.pack("<I", len(body.values))
        out += b"".join(struct.pack("<HBB", len(raw), kind, 0) for kind, raw in body.values)
        return out + b"".join(raw for _, raw in body.values) + b"\0"

    def bytes(self, first_number: int) -> bytes:
        end = len(self.out)
        count = len(self.ids)
        ids = (self.ids[0], self.ids[-1]) if self.ids else (0xFFFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF)
        head = struct.pack("<8sQQQQIII", b"ElfChnk\0", first_number, first_number + count - 1, *ids, 128, self.last, end)
        self.out[: len(head)] = head
        return seal(self.out.ljust(CHUNK, b"\0"))


def seal(chunk: bytes | bytearray) -> bytes:
    """Return *chunk* with checksums that fit."""
    made = bytearray(chunk)
    (end,) = struct.unpack_from("<I", made, 48)
    struct.pack_into("<I", made, 52, zlib.crc32(made[FIRST:end]))
    struct.pack_into("<I", made, 124, zlib.crc32(made[128:FIRST], zlib.crc32(made[:120])))
    return bytes(made)


def head(chunks: int, following: int = 1, flags: int = 0) -> bytes:
    """Return the header of a file of *chunks* chunks."""
    made = bytearray(HEAD)
    struct.pack_into("<8sQQQIHHHH", made, 0, b"ElfFile\0", 0, max(chunks - 1, 0), following, 128, 1, 3, HEAD, chunks)
    struct.pack_into("<I", made, 120, flags)
    struct.pack_into("<I", made, 124, zlib.crc32(made[:120]))
    return bytes(made)


def write_evtx(events: Sequence[Mapping[str, Any]], *, flags: int = 0, plain: bool = False, each: int = 1 << 30) -> bytes:
    """Return an EVTX file of *events*; record ids follow each other unless given. *each*: at most so many in a chunk."""
    chunks: list[bytes] = []
    chunk = _Chunk()
    number = 0
    written = 1
    for event in events:
        number = event.get("EventRecordID", number + 1)
        if len(chunk.ids) >= each or not chunk.add(event, number, plain=plain):
            chunks.append(chunk.bytes(written))
            written += len(chunk.ids)
            chunk = _Chunk()
            if not chunk.add(event, number, plain=plain):
                raise ValueError("event has no room in a chunk")
    chunks.append(chunk.bytes(written))
    return head(len(chunks), number + 1, flags) + b"".join(chunks)
