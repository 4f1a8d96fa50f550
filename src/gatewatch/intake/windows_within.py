r"""Windows events that stand as text within the JSON of an agent or a log service, or under names that it made of the event's own.

==========================  ==========================================================================================================
agent or service            where
==========================  ==========================================================================================================
Vector, Wazuh 5, Fluent     XML in ``message``, ``Event``, ``event.original``, ``System``, ``body``
Splunk's collector          XML or its text of names and values in ``event``
Google's Ops Agent          XML in ``jsonPayload.raw_xml``
CloudWatch's agent          ``[Security] [INFORMATION] [4625] [Microsoft-Windows-Security-Auditing] [HOST] [An account …]`` in ``message``
Graylog                     ``winlogbeat_winlog_event_id``, ``winlogbeat_event_data_TargetUserName``: what Beats sent, its levels joined
==========================  ==========================================================================================================

Only these keys count, and only a text that is an event from its first character: what others choose stands elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from gatewatch.intake.windows_block import event_of_block
from gatewatch.intake.windows_channel import channel_of
from gatewatch.intake.windows_clock import stamp_of
from gatewatch.intake.windows_row import Event, event_number, present, whole
from gatewatch.intake.windows_xml import event_of

_BLANK = r"[ \t\r\n]*"
_OPEN = _BLANK + ":" + _BLANK + r'"(?:\\[nrt]|[ \t])*'
_LABEL = r"\[[A-Za-z][^\]\"\\]{0,120}\] \[[A-Z_ ]{1,24}\] \[[0-9]{1,5}\] \["
REGEX = (
    r'"(?:Event|message|original|System|body|event|raw_xml|stringValue)"' + _OPEN + r"<(?:\?xml[^>]{0,200}\?>(?:\\[nrt]|[ \t])*<)?Event[ >]"
    r'|"message"' + _OPEN + _LABEL + r'|"(?:winlogbeat_)?(?:winlog_|winlogbeat_)event_id"' + _BLANK + ":"
)
"""What every such object holds."""
_KEYS = ("Event", "message", "System", "body", "event", "raw_xml")
KEYS = frozenset({*_KEYS, "winlogbeat_winlog_event_id", "winlogbeat_event_id", "winlog_event_id"})
"""Keys of which such an object has one."""
_XML = re.compile(r"\s*(?:<\?xml[^>]{0,200}\?>\s*)?<Event(?=[ >])")
_SPLUNK = re.compile(r"[0-9/]{10} [0-9:.]{8,18} [AP]M\r?\nLogName=")
_BRACKETS = re.compile(r"\s*\[([^\]]{1,120})\] \[[A-Z_ ]{1,24}\] \[([0-9]{1,5})\] \[([^\]]{0,120})\] \[([^\]]{0,255})\] \[(.*)\]\s*", re.DOTALL)
_TIMES = ("timestamp", "@timestamp")
_JOINED = ("winlogbeat_winlog_", "winlogbeat_", "winlog_")
_any = msgspec.json.Decoder().decode


def event_within(pairs: Mapping[str, msgspec.Raw]) -> Event | str | None:
    """Return the event that stands within an object; why it cannot be read; None where there is none."""
    joined = next((prefix for prefix in _JOINED if f"{prefix}event_id" in pairs), None)
    if joined is not None:
        return _rejoined(pairs, joined)
    for name in _KEYS:
        held = _any(pairs[name]) if name in pairs else None
        for text in (held, held.get("original"), held.get("stringValue")) if isinstance(held, dict) else (held,):
            found = _read(text) if isinstance(text, str) else None
            if isinstance(found, Event) and found.stamp is None:
                told = next((stamp for key in _TIMES if key in pairs and (stamp := stamp_of(_any(pairs[key]), utc=True)) is not None), None)
                return msgspec.structs.replace(found, stamp=told)
            if found is not None:
                return found
    return None


def _read(text: str) -> Event | str | None:
    if _XML.match(text) is not None:
        return event_of(_XML.sub("<Event", text, count=1).encode("utf-8", "replace"))
    if _SPLUNK.match(text) is not None:
        return event_of_block(text.encode("utf-8", "replace"))
    found = _BRACKETS.fullmatch(text)
    number = event_number(found[2]) if found is not None else None
    if found is None or number is None:
        return None
    return Event(channel=found[1], event_id=number, stamp=None, provider=present(found[3]), host=present(found[4]), message=found[5])


def _rejoined(pairs: Mapping[str, msgspec.Raw], prefix: str) -> Event | None:
    def part(name: str) -> str | None:
        value = _any(pairs[name]) if name in pairs else None
        return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None

    number = event_number(part(f"{prefix}event_id"))
    provider = part(f"{prefix}provider_name") or part(f"{prefix}source_name")
    channel = part(f"{prefix}channel") or part(f"{prefix}log_name") or (channel_of(provider, number) if number is not None else None)
    if number is None or channel is None:
        return None
    begin = f"{prefix}event_data_"
    data = {name.removeprefix(begin): value for name in pairs if name.startswith(begin) and (value := part(name)) is not None}
    time = next((pairs[name] for name in ("winlogbeat_@timestamp", f"{prefix}time_created", *_TIMES) if name in pairs), None)
    return Event(
        channel=channel,
        event_id=number,
        stamp=stamp_of(_any(time), utc=True) if time is not None else None,
        host=part(f"{prefix}computer_name"),
        message=part("message"),
        fields=msgspec.json.encode(data).decode() if data else None,
        provider=provider,
        event_record=whole(part(f"{prefix}record_id") or part(f"{prefix}record_number")),
    )
