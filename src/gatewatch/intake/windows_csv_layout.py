"""What the columns of CSV exports of Windows events mean.

==================  ==============================================================================================================
export              told by
==================  ==============================================================================================================
EvtxECmd            ``EventRecordId``, ``EventId``, ``Channel``; data in ``Payload`` as JSON; ``TimeCreated`` is UTC
Get-WinEvent        ``Id``, ``LogName`` or ``ProviderName``, ``TimeCreated`` (local, as the locale writes it), ``Message``
Get-EventLog        ``EventID``, ``Source``, ``MachineName``, ``TimeGenerated`` (likewise), ``Message``
Sentinel            ``EventID``, ``Computer``, ``TimeGenerated``; the data are columns, or XML in ``EventData``
Event Viewer        five columns by place, names in the language of the system; a sixth, mostly without name, holds the message
==================  ==============================================================================================================

Event Viewer drops channel and computer: the channel is that of the provider.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from gatewatch.intake.windows_channel import SECURITY, channel_of
from gatewatch.intake.windows_data import flat
from gatewatch.intake.windows_date import Order, Unsettled, order_by_clock, order_of, read_date
from gatewatch.intake.windows_message import data_of_message
from gatewatch.intake.windows_row import Event, Stamp, as_json, event_number, guid, present, whole
from gatewatch.intake.windows_thin import accounts, is_security
from gatewatch.intake.windows_xml import data_of

_FEW = "row has too few columns"
_MANY = "row has too many columns"
_NO_ID = "event id is no number"
_NO_CHANNEL = "event without channel"
_NO_JSON = "payload is no JSON"
_NO_XML = "event data is no XML"
_PLACES = 5  # columns of Event Viewer that have a name
# fmt: off
_SYSTEM = frozenset([
    "_resourceid", "_subscriptionid", "account", "accounttype", "activity", "azuredeploymentid", "azuretablename", "channel", "computer",
    "correlation", "eventcategory", "eventdata", "eventid", "eventlevelname", "eventlog", "eventoriginid", "eventrecordid",
    "eventsourcename", "keywords", "level", "managementgroupname", "message", "mg", "opcode", "parameterxml", "partitionkey", "process",
    "rendereddescription", "role", "rowkey", "source", "sourcecomputerid", "sourcesystem", "storageaccount", "systemprocessid",
    "systemthreadid", "systemuserid", "task", "tenantid", "threadid", "timecollected", "timegenerated", "type", "version",
])
# fmt: on
_UNQUOTED = re.compile(r"[^a-z0-9_]+")


@dataclass(frozen=True, slots=True)
class Row:
    """A row, read as far as its time and id; :meth:`event` reads the rest. ``unsettled``: its date, where the file must tell the order;
    ``order``: that which this row tells."""

    layout: Layout
    cells: list[str]
    channel: str
    event_id: int
    stamp: Stamp | None
    unsettled: Unsettled | None
    order: Order | None = None

    def event(self) -> Event | str:
        """Return the event, or why it cannot be read."""
        fields, fault = self.layout.fields(self.cells, self.event_id)
        if fault is not None:
            return fault
        get = self.layout.get
        return Event(
            channel=self.channel,
            event_id=self.event_id,
            stamp=self.stamp,
            host=present(get(self.cells, "computer", "machinename")),
            pid=present(get(self.cells, "processid") if self.layout.kind != "sentinel" else get(self.cells, "systemprocessid")),
            message=present(self.layout.message(self.cells)),
            fields=fields,
            provider=present(self.layout.provider(self.cells)),
            event_record=whole(get(self.cells, "eventrecordid", "recordid")),
            activity=guid(get(self.cells, "activityid", "correlation")),
            user_sid=_sid(get(self.cells, "userid", "systemuserid")),
        )


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a file. ``certain``: its header alone tells what it is; ``utc``: its times are UTC; ``portal``: a portal
    wrote its dates, whose clock tells the order of day and month (:func:`.order_by_clock`)."""

    kind: str  # evtxecmd, winevent, sentinel, viewer
    delimiter: str
    columns: dict[str, int]
    names: tuple[str, ...]
    utc: bool = False
    portal: bool = False
    certain: bool = True

    def get(self, cells: list[str], *names: str) -> str | None:
        """Return the first of the columns *names* that is there and not empty."""
        for name in names:
            place = self.columns.get(name)
            if place is not None and place < len(cells) and cells[place]:
                return cells[place]
        return None

    def fits(self, cells: list[str]) -> bool:
        """Return whether a row can have as many cells as *cells*."""
        return len(cells) in (_PLACES, _PLACES + 1) if self.kind == "viewer" else len(cells) == len(self.names)

    def convinces(self, cells: list[str]) -> bool:
        """Return whether *cells* are a row of an Event Viewer export beyond doubt: id and date where they belong."""
        return self.fits(cells) and event_number(cells[3]) is not None and read_date(cells[1]) is not None

    def provider(self, cells: list[str]) -> str | None:
        """Return the provider."""
        return cells[2] if self.kind == "viewer" else self.get(cells, "provider", "providername", "eventsourcename", "source")

    def message(self, cells: list[str]) -> str | None:
        """Return the rendered text."""
        if self.kind == "viewer":
            return cells[_PLACES] if len(cells) > _PLACES else None
        return self.get(cells, "message", "rendereddescription")

    def read(self, cells: list[str]) -> Row | str:
        """Return the row that *cells* are, or why they are none."""
        least = _PLACES if self.kind == "viewer" else len(self.names)
        if len(cells) < least:
            return _FEW
        if len(cells) > least + (self.kind == "viewer"):
            return _MANY
        number = event_number(cells[3] if self.kind == "viewer" else self.get(cells, "eventid", "id"))
        if number is None:
            return _NO_ID
        channel = present(self.get(cells, "channel", "logname", "eventlog")) or channel_of(self.provider(cells), number)
        if channel is None and self.kind == "sentinel" and is_security(number, self.get(cells, "activity")):
            channel = SECURITY
        if channel is None:
            return _NO_CHANNEL
        written = cells[1] if self.kind == "viewer" else self.get(cells, "timecreated", "timegenerated")
        time = read_date(written or "", utc=self.utc)
        if time is None or isinstance(time, Stamp):
            return Row(self, cells, channel, number, time, None)
        order = order_of(time) or (order_by_clock(written or "") if self.portal else None)
        return Row(self, cells, channel, number, None, time, order)

    def fields(self, cells: list[str], event_id: int) -> tuple[str | None, str | None]:
        """Return the event data as JSON, None where the row holds none that can be read; and why they are broken."""
        if self.kind == "evtxecmd":
            payload = self.get(cells, "payload")
            return _payload(payload) if payload else (None, None)
        data: dict[str, Any] | None = None
        if self.kind == "sentinel":
            xml = self.get(cells, "eventdata", "parameterxml")
            if xml and xml.lstrip().startswith(("<EventData", "<UserData")):
                data = data_of(xml)
                return (None, _NO_XML) if data is None else (as_json(data), None)
            rest = zip(map(_plain, self.names), self.names, cells, strict=False)
            data = {name: value for plain, name, value in rest if value and plain not in _SYSTEM and not plain.startswith("timegenerated")}
            data |= accounts(event_id, {name: self.get(cells, name) for name in self.columns})
        message = self.message(cells)
        if not data and message:
            data = dict(data_of_message(event_id, message))
        return as_json(data) if data else None, None


def layout_of(header: Sequence[str], delimiter: str) -> Layout | None:
    """Return what the columns of *header* mean; None where it is no export of Windows events."""
    names = tuple(name.strip() for name in header)
    plain = [_plain(name) for name in names]
    columns = {name: place for place, name in reversed(list(enumerate(plain))) if name}
    if {"eventrecordid", "eventid", "channel", "timecreated"} <= columns.keys():
        return Layout("evtxecmd", delimiter, columns, names, utc=True)
    if {"id", "timecreated"} <= columns.keys() and columns.keys() & {"logname", "providername"}:
        return Layout("winevent", delimiter, columns, names)
    if {"eventid", "timegenerated", "source", "machinename"} <= columns.keys() and "computer" not in columns:  # Get-EventLog
        return Layout("winevent", delimiter, columns, names)
    stamp = next((name for name in columns if name.startswith("timegenerated")), None)
    if stamp is not None and {"eventid", "computer"} <= columns.keys():
        utc = stamp in ("timegenerated", "timegeneratedutc")
        portal = stamp == "timegeneratedutc"  # the portal names the zone, and writes dates as its user's language has them
        return Layout("sentinel", delimiter, {**columns, "timegenerated": columns[stamp]}, names, utc=utc, portal=portal)
    certain = plain[1:4] == ["dateandtime", "source", "eventid"]
    if len(names) == _PLACES or (len(names) == _PLACES + 1 and (certain or not names[-1])):
        return Layout("viewer", delimiter, {}, names, certain=certain)
    return None


def _plain(name: str) -> str:
    return _UNQUOTED.sub("", name.lower())


def _sid(text: str | None) -> str | None:
    return text.strip() if text and text.strip().startswith("S-1-") else None


def _payload(text: str) -> tuple[str | None, str | None]:
    """Read EvtxECmd's JSON: ``{"EventData": {"Data": [{"@Name": "TargetUserName", "#text": "bob"}]}}`` and its like for ``UserData``."""
    raw = text.strip().encode("utf-8", "replace")
    if not raw.startswith(b"{"):
        return None, _NO_JSON
    try:
        return flat(raw), None
    except (msgspec.MsgspecError, RecursionError):
        return None, _NO_JSON
