r"""Windows events as blocks of text: what ``wevtutil qe /f:text`` prints, what Event Viewer copies ("Copy details as text"), what PowerShell
shows as a list (``Get-WinEvent | Format-List``, ``Get-EventLog``), and what Splunk keeps of an event log and exports again.

::

    Event[0]:                                     03/22/2026 08:15:00 AM
      Log Name: Security                          LogName=Security
      Source: Microsoft-Windows-Security-Auditing SourceName=Microsoft Windows security auditing.
      Date: 2026-03-22T08:15:00.1230000Z          EventCode=4625
      Event ID: 4625                              ComputerName=SRV01
      …                                           …
      Description:                                Message=An account failed to log on.
    An account failed to log on.

A block begins with its head line and ends before the next one; the data come out of the text (:func:`data_of_message`). A copy begins with its
``Log Name:``, a list with its ``TimeCreated`` or ``Index``; dates are as the language of the system has them: one that may be either of two days is
none. Splunk writes the month first, in the zone of the host. References: wevtutil (learn.microsoft.com); Splunk, "Monitor Windows event log data".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from gatewatch.intake.batch import Batch
from gatewatch.intake.line import transcode
from gatewatch.intake.windows_channel import channel_of
from gatewatch.intake.windows_date import Order, order_of, read_date, settle
from gatewatch.intake.windows_message import data_of_message
from gatewatch.intake.windows_row import Builder, Event, Interest, Stamp, as_json, event_number, present, whole

BLOCK_CAP = 1 << 20
TOO_LONG = "event longer than 1 MiB"
NO_ID = "block without event id"
NO_CHANNEL = "block without channel"
BETWEEN = "text outside any event"
_SPLUNK_DATE = rb"[01][0-9]/[0-3][0-9]/[12][0-9]{3} [01][0-9]:[0-5][0-9]:[0-6][0-9](?:\.[0-9]{1,9})? [AP]M"
_SPLUNK = re.compile(rb"(?:\xef\xbb\xbf)?(" + _SPLUNK_DATE + rb")\r?\n")
_WEVTUTIL = re.compile(rb"(?:\xef\xbb\xbf)?Event ?\[[0-9]{1,12}\]:?[ \t]*\r?\n")
_COPY = re.compile(rb"(?:\xef\xbb\xbf)?Log Name:[ \t]+[^ \t\r\n][^\r\n]{0,255}\r?\n")
_LIST = re.compile(rb"(?:\xef\xbb\xbf)?(?:TimeCreated|Index) {1,20}: [^\r\n]{1,255}\r?\n")
_LISTED = re.compile(r"([A-Z][A-Za-z]{1,30}) *: ?(.*)")
_XML_BEHIND = re.compile(r"\nEvent Xml:[ \t]*\n")
_PAIR = re.compile(r"([A-Za-z][A-Za-z ]{0,30}?)(?:=|: *)(.*)")
_NAMES = {
    "logname": "channel",
    "sourcename": "provider",
    "source": "provider",
    "eventcode": "id",
    "eventid": "id",
    "computername": "host",
    "computer": "host",
    "recordnumber": "record",
    "date": "date",
    "sid": "sid",
}
_LAST = frozenset({"message", "description"})
_HEAD = 2048


def sniff(head: bytes) -> float:
    """Return how sure we are, from 0 to 1, that a file that begins with *head* holds such blocks."""
    data = b"".join(transcode([head]))[:_HEAD].lstrip(b"\r\n \t")
    if _SPLUNK.match(data) is not None:
        return 0.95 if re.search(rb"\nLogName=", data) and re.search(rb"\nEventCode=", data) else 0.0
    if _WEVTUTIL.match(data) is not None:
        return 0.95 if re.search(rb"\n[ \t]+Log Name: ", data) else 0.0
    if _COPY.match(data) is not None:
        return 0.95 if re.search(rb"\nEvent ID:[ \t]+[0-9]", data) and re.search(rb"\nDescription:", data) else 0.0
    if _LIST.match(data) is not None:
        return 0.95 if re.search(rb"\n(?:Id|InstanceId|EventID) *: [0-9]", data) and re.search(rb"\nMessage *: ", data) else 0.0
    return 0.0


def read(chunks: Iterable[bytes], interest: Interest | None = None) -> Iterator[Batch]:
    """Yield the events of a file in batches; *interest* tells by channel and id which are worth reading (None: all)."""
    builder = Builder()
    for offset, raw, long in _blocks(chunks):
        event = TOO_LONG if long else event_of_block(raw)
        if isinstance(event, str):
            builder.reject(offset, event, raw[:BLOCK_CAP])
        elif interest is not None and not interest(event.channel, event.event_id):
            builder.skip(event.channel, event.event_id)
        else:
            builder.add(offset, event)
        if builder.full:
            yield builder.batch()
    if not builder.empty:
        yield builder.batch()


def event_of_block(raw: bytes) -> Event | str:
    """Return the event a block holds, or why it holds none."""
    text = raw.decode("utf-8", "replace").replace("\r\n", "\n").lstrip("\N{ZERO WIDTH NO-BREAK SPACE}")
    head, _, body = text.partition("\n")
    listed = _LIST.match(raw) is not None
    copied = _COPY.match(raw) is not None
    if listed:
        return _of_list(text)
    if copied:
        head, body = "", _XML_BEHIND.split(text, maxsplit=1)[0]
    elif _SPLUNK.match(raw) is None and _WEVTUTIL.match(raw) is None:
        return BETWEEN
    told: dict[str, str] = {}
    message = ""
    place = 0
    while place < len(body):
        end = body.find("\n", place)
        line = body[place : len(body) if end < 0 else end]
        found = _PAIR.fullmatch(line.strip())
        place = len(body) if end < 0 else end + 1
        if found is None:
            continue
        key = found[1].replace(" ", "").lower()
        if key in _LAST:
            message = f"{found[2]}\n{body[place:]}".strip()
            break
        if key in _NAMES:
            told.setdefault(_NAMES[key], found[2].strip())
    number = event_number(told.get("id"))
    if number is None:
        return NO_ID
    channel = present(told.get("channel")) or channel_of(told.get("provider"), number)
    if channel is None:
        return NO_CHANNEL
    data = data_of_message(number, message) if message else {}
    sid = told.get("sid", "")
    return Event(
        channel=channel,
        event_id=number,
        stamp=_stamp(told.get("date") or head, copied=copied),
        host=present(told.get("host")),
        message=message or None,
        fields=as_json(data) if data else None,
        provider=present(told.get("provider")),
        event_record=whole(told.get("record")),
        user_sid=sid if sid.startswith("S-1-") else None,
    )


def _of_list(text: str) -> Event | str:
    """Return the event of a list: names, a colon in the same column of all lines, and values that go on indented."""
    told: dict[str, list[str]] = {}
    name = ""
    column = text.split("\n", 1)[0].find(": ")
    for line in text.split("\n"):
        found = _LISTED.fullmatch(line) if line[column : column + 1] == ":" and line[:1] != " " else None
        if found is not None:
            name = found[1]
            told.setdefault(name, []).append(found[2])
        elif name:
            told[name].append(line[column + 2 :] if not line[: column + 2].strip() else line)

    def get(*names: str) -> str | None:
        return next((present("\n".join(told[one]).strip()) for one in names if one in told), None)

    number = event_number(get("Id", "EventID", "InstanceId"))
    if number is None:
        return NO_ID
    provider, message = get("ProviderName", "Source"), get("Message")
    channel = get("LogName") or channel_of(provider, number)
    if channel is None:
        return NO_CHANNEL
    data = data_of_message(number, message) if message else {}
    return Event(
        channel=channel,
        event_id=number,
        stamp=_stamp(get("TimeCreated", "TimeGenerated") or "", copied=True),
        host=get("MachineName"),
        message=message,
        fields=as_json(data) if data else None,
        provider=provider,
        event_record=whole(get("RecordId", "Index")),
    )


def _stamp(text: str, *, copied: bool) -> Stamp | None:
    found = read_date(text)
    if not isinstance(found, tuple):
        return found
    order = order_of(found) or (Order.MONTH_FIRST if not copied or text.rstrip().endswith(("AM", "PM")) else None)
    return settle(found, order)


def _blocks(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes, bool]]:
    """Yield ``(offset, block, whether it is too long)``; what stands before the first head line is a block of its own."""
    lines: list[bytes] = []
    start = offset = size = 0
    for line in _lines(chunks):
        if _begins(line) and lines:
            if any(one.strip() for one in lines):
                yield start, b"".join(lines).rstrip(), size > BLOCK_CAP
            lines, start, size = [], offset, 0
        size += len(line)
        if size <= BLOCK_CAP or not lines:
            lines.append(line[:BLOCK_CAP])
        offset += len(line)
    if any(one.strip() for one in lines):
        yield start, b"".join(lines).rstrip(), size > BLOCK_CAP


def _begins(line: bytes) -> bool:
    return line[:1] in (b"0", b"1", b"E", b"L", b"T", b"I", b"\xef") and any(head.fullmatch(line) for head in (_SPLUNK, _WEVTUTIL, _COPY, _LIST))


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield lines with their ends; one over the cap comes in pieces."""
    carry = b""
    for chunk in transcode(chunks):
        pieces = (carry + chunk).split(b"\n")
        carry = pieces.pop()
        for piece in pieces:
            yield piece + b"\n"
        if len(carry) > BLOCK_CAP:
            yield carry
            carry = b""
    if carry:
        yield carry
