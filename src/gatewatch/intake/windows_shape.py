"""Events of Windows in JSON: the shapes exports give them, each read into the same event.

==================================  ==================================================================================================
shape                               told by
==================================  ==================================================================================================
evtx_dump, Chainsaw, xmltodict      ``Event`` with ``System`` and ``EventData``; Velociraptor has both without ``Event``
winlogbeat 7 and 8 (ECS)            ``winlog``, also as ``winlog.event_id`` and so on
Wazuh                               ``win``, alone or in ``data``; its names begin with a small letter, so most get the capital back
winlogbeat 5 and 6                  ``event_id``, ``log_name``, ``event_data``
EvtxECmd                            ``EventId``, ``Payload`` (a JSON text); its times are UTC
Google Cloud, Chainsaw, Splunk      the event within ``jsonPayload``, ``document``, ``result`` (there as XML or text in ``_raw``)
GELF                                ``_EventID``: a dash before the names
OpenTelemetry                       ``body`` with ``event_id``
Get-WinEvent | ConvertTo-Json       ``Id``, ``LogName``, ``Properties`` (values without names)
NXLog, Sentinel, Zircolite, …       ``EventID`` and the data beside it, or under ``EventData``
==================================  ==================================================================================================

The last four are read by one table of names (:data:`NAMES`). Where a record has no named data, they come from its rendered text
(:func:`gatewatch.intake.windows_message.data_of_message`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from gatewatch.intake.windows_block import event_of_block
from gatewatch.intake.windows_channel import SECURITY, channel_of, channel_of_data, known
from gatewatch.intake.windows_clock import stamp_of, zone_lead
from gatewatch.intake.windows_data import NONE, attribute, flat, put, scalar
from gatewatch.intake.windows_message import data_of_message
from gatewatch.intake.windows_order import named
from gatewatch.intake.windows_row import Event, Stamp, as_json, event_number, guid, whole
from gatewatch.intake.windows_thin import accounts, is_security
from gatewatch.intake.windows_within import KEYS, event_within
from gatewatch.intake.windows_xml import event_of

NO_ID = "no event id"
NO_CHANNEL = "neither channel nor provider"
NAMES: Mapping[str, tuple[str, ...]] = {
    "id": ("EventID", "EventId", "event_id", "EventCode", "Id"),
    "channel": ("Channel", "LogName", "log_name", "channel", "EventLog"),
    "host": ("Computer", "Hostname", "computer_name", "MachineName", "ComputerName", "computer"),
    "record": ("EventRecordID", "EventRecordId", "RecordId", "RecordID", "RecordNumber", "record_number", "EventRecordNumber"),
    "provider": ("ProviderName", "Provider_Name", "Provider", "SourceName", "source_name", "EventSourceName"),
    "activity": ("ActivityID", "ActivityId", "activity_id"),
    "message": ("Message", "message", "RenderedDescription", "description"),
    "pid": ("ExecutionProcessID", "process_id"),
    "sid": ("UserSID", "UserSid"),
}
"""What flat records call the parts of an event's system block, in order of preference."""
TIMES = (
    "SystemTime", "EventTime", "TimeCreated", "timeCreated", "time_created", "TimeGenerated", "TimeGenerated [UTC]", "time_generated", "timestamp",
    "Timestamp", "UtcTime", "@timestamp",
)  # fmt: skip
ALWAYS_UTC = frozenset({"SystemTime", "TimeGenerated", "TimeGenerated [UTC]", "UtcTime", "@timestamp"})
DATA = (
    "Payload", "EventData", "event_data", "UserData", "user_data", "Properties", "StringInserts", "string_inserts", "ReplacementStrings",
    "ParameterXml",
)  # fmt: skip
"""Where flat records hold the data apart."""
SHIPPING = frozenset(
    (
        "EventReceivedTime", "SourceModuleName", "SourceModuleType", "@version", "@metadata", "tags", "Keywords", "Opcode", "OpcodeValue",
        "Severity", "SeverityValue", "ThreadID", "ProviderGuid", "Task", "Version",
    )
)  # fmt: skip
"""What NXLog and Logstash add beside the data."""

_AS_IS = ("openssh/operational", "microsoft-windows-winrm/operational")  # channels whose data have names in small letters
_SPLUNK_LOG = re.compile(r"(?:Xml)?WinEventLog:([A-Za-z][^\\\"]{0,120})")
_PARAMETER = re.compile(r"param[0-9]+")
_NOTHING = msgspec.Raw(b"")
_LARGEST = 2**63
_LONG_KEYS = 4096  # characters: longer ones are not worth remembering
_HELD = re.compile(rb'[\{\[]|"[\{<]')
_EMPTY = (b"null", b'""')
_USERS = ("UserID", "UserId", "user")  # a SID in the first two, in winlogbeat's object too
LADEN = frozenset({"jsonPayload", "document", "result", "_raw", "_EventID", "body"}) | KEYS
"""Keys of objects in which an event may be carried."""
ORIGINS = (*NAMES["channel"], *NAMES["provider"], "source", "sourcetype", "Source", "TargetUserName", "SubjectUserName")
"""Keys of which a flat record has one beside the number of its event."""
_PERSONS = re.compile(r'"(?:Target|Subject|Member)?(?:UserName|UserSid|Sid|Name)"|"(?:IpAddress|LogonType|AccountName|User)"')
"""Names that data of events about accounts have."""
_SQUEEZED = {"SourceNetworkAddress": "IpAddress", "SourcePort": "IpPort"}
"""Names that parsers make of the labels in the text of an event."""
_ECMD = ("Payload", "PayloadData1", "MapDescription", "ChunkNumber")
_any = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class Read(msgspec.Struct, gc=False):
    """An event, and the zone that NXLog's two receipt times tell: microseconds to add to its wall clock for UTC."""

    event: Event
    shift: int | None = None
    local: bool = False  # a wall clock beside which receipt times stand


class _Envelope(msgspec.Struct, gc=False):
    system: Any = msgspec.field(default=None, name="System")
    data: msgspec.Raw = msgspec.field(default=_NOTHING, name="EventData")
    user: msgspec.Raw = msgspec.field(default=_NOTHING, name="UserData")
    rendering: Any = msgspec.field(default=None, name="RenderingInfo")
    message: Any = msgspec.field(default=None, name="Message")


class _Winlog(msgspec.Struct, gc=False):
    event_id: Any = None
    channel: Any = None
    computer_name: Any = None
    record_id: Any = None
    provider_name: Any = None
    activity_id: Any = None
    event_data: msgspec.Raw = _NOTHING
    user_data: msgspec.Raw = _NOTHING
    time_created: Any = None
    process: Any = None
    user: Any = None


_envelope = msgspec.json.Decoder(_Envelope).decode
_winlog = msgspec.json.Decoder(_Winlog).decode
_pairs = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

Found = Read | str | None
"""An event, why it is none, or None: this is no event of Windows."""


def read_event(text: str) -> Found:
    """Read the event that the JSON object *text* is. Raises what decoding raises where it is no sound JSON."""
    pairs = _pairs(text)
    found: Found = None
    if _is_object(pairs.get("Event")):
        found = _evtx(pairs["Event"])
    elif _is_object(pairs.get("System")):
        found = _evtx(text)
    elif _is_object(pairs.get("winlog")):
        found = _ecs(pairs)
        if isinstance(found, Read) and found.event.fields in (None, NONE) and b"original" in bytes(pairs.get("event", b"")):
            held = event_within(pairs)  # an agent that keeps the event as it came, and little else of it
            found = Read(held) if isinstance(held, Event) else found
    elif "winlog.event_id" in pairs:
        found = _ecs(_undotted(pairs))
    elif _is_object(pairs.get("win")):
        found = _wazuh(_any(text))
    elif _is_object(pairs.get("data")) and b'"win"' in bytes(pairs["data"]):
        found = _wazuh(_any(pairs["data"]))
    elif _is_object(pairs.get("columns")) and b'"eventid"' in bytes(pairs["columns"]):
        found = _osquery(_pairs(pairs["columns"]))
    elif not LADEN.isdisjoint(pairs):
        found = _carried(pairs)
    return _flat(pairs) if found is None else found


def _carried(pairs: dict[str, msgspec.Raw]) -> Found:
    """Read an event that something else is written around."""
    held = event_within(pairs)
    if held is not None:
        return held if isinstance(held, str) else _worded(held)
    for name in ("jsonPayload", "document", "result"):
        if _is_object(pairs.get(name)):
            inner = _pairs(pairs[name])
            if name == "document":  # Chainsaw's hits
                return _evtx(_pairs(inner["data"])["Event"]) if _is_object(inner.get("data")) and b'"Event"' in bytes(inner["data"]) else None
            if "_raw" in inner:
                return _raw(inner["_raw"])
            return (event if isinstance(event, str) else _worded(event)) if (event := event_within(inner)) is not None else _flat(inner)
    if "_raw" in pairs:
        return _raw(pairs["_raw"])
    if "_EventID" in pairs:  # GELF puts a dash before what is not its own
        own = {name.removeprefix("_"): raw for name, raw in pairs.items() if name.startswith("_")}
        return _flat(({"timestamp": pairs["timestamp"]} if "timestamp" in pairs else {}) | own)
    return _otel(_any(pairs["body"])) if _is_object(pairs.get("body")) else None


def _osquery(row: dict[str, msgspec.Raw]) -> Found:
    """Read a row of osquery's ``windows_events``."""
    held = _any(row["data"]) if "data" in row else None
    data = msgspec.Raw(held.encode()) if isinstance(held, str) and held.startswith("{") else _NOTHING
    inner = _pairs(data) if bytes(data) else {}
    return _event(
        number=_any(row["eventid"]),
        channel=_any(row["source"]) if "source" in row else None,
        provider=_any(row["provider_name"]) if "provider_name" in row else None,
        host=_any(row["computer_name"]) if "computer_name" in row else None,
        record=None,
        stamp=stamp_of(_any(row["datetime"]), utc=True) if "datetime" in row else None,
        activity=None,
        pid=_any(row["pid"]) if "pid" in row else None,
        sid=None,
        message=None,
        fields=flat(bytes(inner.get("EventData", _NOTHING)), bytes(inner.get("UserData", _NOTHING))),
    )


def _worded(event: Event) -> Read:
    """Return an event with the data of its text where it has no others."""
    data = data_of_message(event.event_id, event.message) if event.message and event.fields in (None, NONE) else {}
    return Read(msgspec.structs.replace(event, fields=as_json(data)) if data else event)


def _raw(raw: msgspec.Raw) -> Found:
    """Read an event that Splunk keeps as it came: XML, or lines of names and values."""
    text = _any(raw)
    if not isinstance(text, str):
        return None
    event = event_of(text.encode("utf-8", "replace")) if text.startswith("<") else event_of_block(text.encode("utf-8", "replace"))
    return event if isinstance(event, str) else Read(event)


def _otel(body: Any) -> Found:
    """Read the body of a record of OpenTelemetry's receiver."""
    number, provider = body.get("event_id"), body.get("provider")
    if not isinstance(number, dict) or "channel" not in body:
        return None
    data = body.get("event_data")
    parts = data.get("data") if isinstance(data, dict) else data
    if isinstance(parts, list):  # [{"TargetUserName": "ann"}, …]
        data = {name: value for part in parts if isinstance(part, dict) for name, value in part.items()}
    return _event(
        number=number.get("id"),
        channel=body.get("channel"),
        provider=provider.get("name") if isinstance(provider, dict) else provider,
        host=body.get("computer"),
        record=body.get("record_id"),
        stamp=stamp_of(body.get("system_time"), utc=True),
        activity=None,
        pid=None,
        sid=None,
        message=body.get("message"),
        fields=as_json({name: value for name, value in data.items() if isinstance(value, str)}) if isinstance(data, dict) else NONE,
    )


def _is_object(raw: msgspec.Raw | None) -> bool:
    return raw is not None and bytes(raw)[:1] == b"{"


def _evtx(text: str | msgspec.Raw) -> Found:
    one = _envelope(text)
    system = one.system
    if not isinstance(system, dict):
        return None

    def part(element: str, name: str) -> Any:
        found = attribute(system.get(element), name)
        return found if found is not None else attribute(system.get(f"{element}_attributes"), name)

    provider = part("Provider", "Name") or scalar(system.get("Provider"))
    created = part("TimeCreated", "SystemTime")
    message = one.message if one.rendering is None else attribute(one.rendering, "Message")
    return _event(
        number=system.get("EventID"),
        channel=system.get("Channel"),
        provider=provider,
        host=system.get("Computer"),
        record=system.get("EventRecordID"),
        stamp=stamp_of(created if created is not None else scalar(system.get("TimeCreated")), utc=True),
        activity=part("Correlation", "ActivityID"),
        pid=part("Execution", "ProcessID"),
        sid=part("Security", "UserID"),
        message=message,
        fields=flat(bytes(one.data), bytes(one.user)),
    )


def _ecs(pairs: dict[str, msgspec.Raw]) -> Found:
    log = _winlog(pairs["winlog"])
    event, host = (_any(pairs[name]) if name in pairs else None for name in ("event", "host"))
    user, process = log.user if isinstance(log.user, dict) else {}, log.process if isinstance(log.process, dict) else {}
    return _event(
        number=attribute(event, "code") if log.event_id is None else log.event_id,
        channel=log.channel,
        provider=log.provider_name or attribute(event, "provider"),
        host=log.computer_name or attribute(host, "name"),
        record=log.record_id,
        # where a shipper gives the event another time, as its own receipt, the log's own stands beside it
        stamp=stamp_of(log.time_created, utc=True) or (stamp_of(_any(pairs["@timestamp"]), utc=True) if "@timestamp" in pairs else None),
        activity=log.activity_id,
        pid=process.get("pid"),
        sid=user.get("identifier"),
        message=_any(pairs["message"]) if "message" in pairs else None,
        fields=flat(bytes(log.event_data), bytes(log.user_data)),
    )


def _undotted(pairs: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    """Return a record with keys such as ``winlog.event_id`` as nested objects."""
    made: dict[str, Any] = {}
    for key, value in pairs.items():
        *path, last = key.split(".", 2)
        place = made
        for step in path:
            if not isinstance(place.get(step), dict):
                place[step] = {}
            place = place[step]
        place[last] = value
    return {name: msgspec.Raw(_encode(value)) for name, value in made.items()}


def _wazuh(data: Any) -> Found:
    win = data.get("win")
    system = win.get("system") if isinstance(win, dict) else None
    if not isinstance(system, dict):
        return None
    keep = str(system.get("channel")).lower() in _AS_IS
    made: dict[str, Any] = {}
    for block in ("eventdata", "eventXML"):
        held = win.get(block)
        for name, value in held.items() if isinstance(held, dict) else ():
            small = keep or (block == "eventdata" and _PARAMETER.fullmatch(name))
            put(made, name if small else name[:1].upper() + name[1:], value)
    message = scalar(system.get("message"))
    return _event(
        number=system.get("eventID"),
        channel=system.get("channel"),
        provider=system.get("providerName"),
        host=system.get("computer"),
        record=system.get("eventRecordID"),
        stamp=stamp_of(system.get("systemTime"), utc=True),
        activity=system.get("activityID"),
        pid=system.get("processID"),
        sid=system.get("userID"),
        message=message.strip('"') if isinstance(message, str) else None,
        fields=as_json(made),
    )


class _Layout(msgspec.Struct, frozen=True, gc=False):
    """Where the records that have the same keys hold what: the name of each part, None where they lack it."""

    parts: dict[str, str | None]
    times: tuple[str, ...]
    rest: tuple[str, ...]
    held: tuple[str, ...]
    ecmd: bool
    cmdlet: bool


@lru_cache(maxsize=4096)
def _layout(keys: tuple[str, ...]) -> _Layout:
    there = frozenset(keys)
    parts = {part: next((name for name in names if name in there), None) for part, names in NAMES.items()}
    ecmd, cmdlet = "EventId" in there and not there.isdisjoint(_ECMD), "LogName" in there and "ProviderName" in there
    if (ecmd or cmdlet) and "ProcessId" in there:
        parts["pid"] = "ProcessId"
    times = tuple(name for name in TIMES if name in there)
    gone = {name for name in parts.values() if name is not None} | SHIPPING | {"@timestamp", *times[:1]} - {"UtcTime"}
    parts["user"] = next((name for name in _USERS if name in there), None)  # may be a datum
    data = {"Payload": ecmd, "Properties": cmdlet}  # data of PowerShell 4103 and Security 4662 have these names
    held = tuple(name for name in DATA if name in there and data.get(name, True))
    return _Layout(parts, times, tuple(key for key in keys if key not in gone), held, ecmd, cmdlet)


def _layout_of(pairs: dict[str, msgspec.Raw]) -> _Layout:
    keys = tuple(pairs)
    return _layout(keys) if sum(map(len, keys)) < _LONG_KEYS else _layout.__wrapped__(keys)


def _flat(pairs: dict[str, msgspec.Raw]) -> Found:
    layout = _layout_of(pairs)
    took = {part: None if name is None else _any(pairs[name]) for part, name in layout.parts.items()}
    if any(value is None or value == "" for part, value in took.items() if layout.parts[part] is not None):
        pairs = {name: raw for name, raw in pairs.items() if bytes(raw) not in _EMPTY}
        layout = _layout_of(pairs)
        took = {part: None if name is None else _any(pairs[name]) for part, name in layout.parts.items()}
    if took["channel"] is None and took["provider"] is None:
        took |= _origin(pairs)
    thin = _thin(pairs, took) if "Activity" in pairs else {}
    origin = isinstance(took["channel"], str) or isinstance(scalar(took["provider"]), str)
    if took["id"] is None or not (origin or "TargetUserName" in pairs or "SubjectUserName" in pairs):
        return None
    stamp, shift, local = _time(pairs, layout)
    held = [raw for name in layout.held if _HELD.match(raw := bytes(pairs[name])) is not None]
    if held and held[0][:1] == b"[" and took["message"] is None and "Description" in pairs:  # fluentd: values alone, and the text under this name
        took["message"] = _any(pairs["Description"])
    if held:
        fields = _in_order(took["id"], held[0]) or flat(held[0], held[1] if len(held) > 1 else b"")
    elif layout.cmdlet:
        fields = NONE
    else:
        fields = _encode({**{_SQUEEZED.get(name, name): pairs[name] for name in layout.rest}, **thin}).decode()
    found = _event(
        number=took["id"],
        channel=took["channel"],
        provider=took["provider"],
        host=took["host"],
        record=took["record"],
        stamp=stamp,
        activity=took["activity"],
        pid=took["pid"],
        sid=took["sid"] or (attribute(took["user"], "identifier") or took["user"]),
        message=took["message"],
        fields=fields,
    )
    if isinstance(found, Read):
        found.shift, found.local = shift, local
    return found


def _thin(pairs: dict[str, msgspec.Raw], took: dict[str, Any]) -> dict[str, str]:
    """Return the data that the accounts in a row of Sentinel stand for; *took* gets the channel where the row lacks it."""
    row = {name.lower(): value for name, raw in pairs.items() if isinstance(value := scalar(_any(raw)), str)}
    number = _number(took["id"])
    if number is None or not is_security(number, row.get("activity")):
        return {}
    if took["channel"] is None and took["provider"] is None:
        took["channel"] = SECURITY
    return accounts(number, row)


def _origin(pairs: dict[str, msgspec.Raw]) -> dict[str, Any]:
    """Return channel or provider as Splunk and .NET name it: ``"sourcetype": "WinEventLog:Security"``, ``"Source": "Microsoft-Windows-…"``."""
    for name in ("source", "sourcetype", "Source"):
        told = _any(pairs[name]) if name in pairs else None
        if not isinstance(told, str):
            continue
        log = _SPLUNK_LOG.fullmatch(told)
        if log is not None:
            return {"channel": log[1]}
        if known(told) is not None:
            return {"provider": told}
    return {}


def _in_order(number: Any, held: bytes) -> str | None:
    """Return event data that are a list of values as the text of an object, where their order is known."""
    if held[:1] != b"[":
        return None
    values, event_id = _any(held), _number(number)
    if event_id is None or not isinstance(values, list):
        return None
    data = named(event_id, values)
    return None if data is None else as_json(data)


def _time(pairs: dict[str, msgspec.Raw], layout: _Layout) -> tuple[Stamp | None, int | None, bool]:
    """Return the time of a record, what brings it to UTC where receipt times tell, and whether such stand there."""
    for name in layout.times:
        stamp = stamp_of(_any(pairs[name]), utc=layout.ecmd or name in ALWAYS_UTC)
        if stamp is None:
            continue
        received = pairs.get("EventReceivedTime")
        if stamp.zoned or received is None:
            return stamp, None, False
        at = pairs.get("@timestamp")
        return stamp, zone_lead(_any(at), _any(received)) if at is not None else None, True
    return None, None, False


def _event(
    *,
    number: Any,
    channel: Any,
    provider: Any,
    host: Any,
    record: Any,
    stamp: Stamp | None,
    activity: Any,
    pid: Any,
    sid: Any,
    message: Any,
    fields: str,
) -> Read | str:
    event_id = _number(number)
    if event_id is None:
        return NO_ID
    source = _text(provider)
    log = _text(channel) or channel_of(source, event_id) or channel_of_data(event_id, fields)
    if log is None:
        return NO_CHANNEL
    said, who = _text(message), _text(sid)
    wordless = fields == NONE or fields.startswith('{"param1"') or (log == SECURITY and _PERSONS.search(fields) is None)
    if said is not None and wordless:
        data = data_of_message(event_id, said)
        if data:
            fields = as_json({**data, **_any(fields)})
    return Read(
        Event(
            channel=log,
            event_id=event_id,
            stamp=stamp,
            host=_text(host),
            pid=_text(pid),
            message=said,
            fields=fields,
            provider=source,
            event_record=record if type(record) is int and 0 <= record < _LARGEST else whole(_text(record)),
            activity=None if activity is None else guid(_text(activity)),
            user_sid=who if who is not None and who.startswith("S-1-") else None,
        )
    )


def _number(value: Any) -> int | None:
    found = value if type(value) is int else scalar(value)
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    if isinstance(found, int):
        return found if 0 <= found < 1 << 16 else None
    return event_number(found) if isinstance(found, str) else None


def _text(value: Any) -> str | None:
    """Return a text or number as text; None where there is none."""
    if value is None:
        return None
    if type(value) is not str:
        value = value if type(value) is int else scalar(value)
        if value is None:
            return None
        value = str(value)
    return value.strip() or None
