r"""Windows events that agents forwarded as syslog: told from other records and taken apart.

======================  ==================================================================================================================
agent                   message
======================  ==================================================================================================================
Snare, NXLog            ``MSWinEventLog⇥1⇥Security⇥2174⇥Mon Jan 05 12:00:00 2026⇥4625⇥Microsoft-Windows-Security-Auditing⇥…⇥An account …``
OSSEC, Wazuh            ``WinEvtLog: Security: AUDIT_FAILURE(4625): Microsoft-Windows-Security-Auditing: user: domain: HOST: An account …``;
                        ``2026 Jan 05 12:00:00 (srv01) any->EventChannel {"win":{"system":{…},"eventdata":{…}}}``
evtsys, rsyslog agent   ``4625: AUDIT_FAILURE An account …``, the program being ``Security-Auditing``
NXLog                   ``An account failed to log on. …``, likewise; the id is in the structured data, else the first sentence tells
WinCollect (QRadar)     ``AgentDevice=WindowsLog⇥AgentLogFile=Security⇥…⇥EventID=4625⇥…⇥TimeGenerated=1767614400⇥…⇥Message=An account …``
any                     the event itself as XML or JSON
======================  ==================================================================================================================

``#011`` stands for a tab where rsyslog wrote it. The data come out of the text (:func:`data_of_message`); where there are none, ``fields`` is null.
References: Snare for Windows, "Event output format"; OSSEC ``read_win_el.c``; NXLog, "to_syslog_snare"; RFC 5424.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
import polars as pl

from gatewatch.intake.header import ISO, TextFraming
from gatewatch.intake.json_shape import FAULTS
from gatewatch.intake.windows_channel import NAMES, channel_of, known
from gatewatch.intake.windows_message import data_of_message, id_of_message
from gatewatch.intake.windows_row import Event, Interest, Stamp, as_json, event_number, micros, present, row, rows_frame, whole
from gatewatch.intake.windows_shape import Read, read_event
from gatewatch.intake.windows_xml import event_of
from gatewatch.schema.framing import Framing

__all__ = ["CLAIM", "FRAMINGS", "GATE", "PROGRAMS", "claim", "data_of_message", "frame"]

_DATED = r"[12][0-9]{3} [A-Z][a-z]{2} [ 0-9]?[0-9] [0-9]{2}:[0-9]{2}:[0-9]{2} "
_BEFORE = rf"(?:{_DATED})?(?:\([^) ]{{1,64}}\) [^ >]{{1,64}}->WinEvtLog )?(?:{_DATED})?WinEvtLog: "
CLAIM = (
    r"^(?:[^\s#]{1,64}\t)?MSWinEventLog(?:\t|#011| [0-9] )"
    rf"|^AgentDevice=WindowsLog(?:\t|#011)|^{_BEFORE}|^<(?:[A-Za-z_][A-Za-z0-9_.-]{{0,15}}:)?Event[ >]"
    r'|^\{.*"(?:EventID|EventId|event_id|eventID|EventCode)"'
)
"""Tells by the message which records could be Windows events, besides those of :data:`PROGRAMS`. It looks at the beginning only, which nobody
who logs on chooses: a name in the middle of another program's message must not make it a Windows event."""
PROGRAMS = (*NAMES, "WinEvtLog")
"""The syslog programs of agents: names of providers, as they are or shortened."""

_MONTHS = {name: place for place, name in enumerate(("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1)}
_SNARE_DATE = re.compile(r"[A-Za-z]{3},? ([A-Za-z]{3}) +([0-9]{1,2}),? ([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]+)? ([12][0-9]{3})")
_SPACED = re.compile(  # relays that make blanks of tabs; the field before the text is empty, so two stand there
    r"MSWinEventLog ([0-9]) (\S+(?: \S+)?) ([0-9]+) ([A-Z][a-z]{2} [A-Z][a-z]{2} +[0-9]{1,2} [0-9:]{8} [12][0-9]{3}) ([0-9]{1,5}) (\S+) "
    r"(.{1,200}?) (\S+) "
    r"((?:Success|Failure) Audit|Information|Warning|Error) (\S+) (\S+(?: \S+){0,4})( ) ?(\S.*)",
    re.DOTALL,
)
_SNARE_END = re.compile(r"[0-9]{0,20}|[0-9a-fA-F]{32}")
_MILLISECONDS = 100_000_000_000  # a larger number of WinCollect's counts milliseconds
_SNARE_LEAST = 13  # tokens, the text with them
_OSSEC = re.compile(
    rf"(?P<before>{_BEFORE})?(?P<channel>[^:\n(]{{1,255}}): [A-Z_]{{1,32}}\((?P<id>[0-9]{{1,5}})\): (?P<provider>[^:\n]{{1,255}}): (?P<rest>.*)",
    re.DOTALL,
)
_OSSEC_DATE = re.compile(r"([12][0-9]{3}) ([A-Z][a-z]{2}) +([0-9]{1,2}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) (?:\(|WinEvtLog)")
_EVTSYS = re.compile(r"(?P<id>[0-9]{1,5}): (?:AUDIT_(?:SUCCESS|FAILURE) )?(?P<rest>.*)", re.DOTALL)
_PARAMETER = re.compile(r'([A-Za-z][A-Za-z0-9_]*)="((?:[^"\\\]]|\\.)*)"')
_UNESCAPED = re.compile(r'\\(["\\\]])')
# fmt: off
_AGENT_ONLY = frozenset([
    "AccountType", "ActivityID", "Category", "Channel", "EventID", "EventReceivedTime", "EventTime", "EventType", "ExecutionProcessID",
    "Hostname", "Keywords", "Message", "Opcode", "OpcodeValue", "ProviderGuid", "RecordNumber", "Severity", "SeverityValue",
    "SourceModuleName", "SourceModuleType", "SourceName", "Task", "ThreadID", "UserID", "Version",
])
# fmt: on


_WAZUH = rf"(?:{_DATED}\([^)]{{1,64}}\) [^ >]{{1,64}}->EventChannel )?"
_WIN = r'\{"win": ?\{"(?:system|eventdata)":'
GATE = (
    rf"^(?:<[0-9]{{1,3}}>)?(?:{_BEFORE}|{_WAZUH}{_WIN}|(?:[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[T ][^ ]+ +[^ ]+ +)?"
    r"(?:[^\s#]{1,64}\t)?MSWinEventLog(?:\t|#011| [0-9] ))"
)
"""What a line of an agent begins with where no header, or one that names no program, stands before it."""
_SNARE_TEXT = r"(?P<message>(?:[^\s#]{1,64}\t)?MSWinEventLog(?:\t|#011| [0-9] ).*)$"
FRAMINGS = (
    TextFraming(Framing.SYSLOG_ISO, rf"^(?:<[0-9]{{1,3}}>)?{ISO} +(?P<host>[^ ]+) +{_SNARE_TEXT}", "iso", "WinEvtLog"),
    TextFraming(Framing.SYSLOG_BSD, rf"^(?:<[0-9]{{1,3}}>)?{_SNARE_TEXT}", "none", "WinEvtLog"),
    TextFraming(Framing.SYSLOG_BSD, rf"^(?:<[0-9]{{1,3}}>)?(?P<message>{_BEFORE}.*)$", "none", "WinEvtLog"),
    TextFraming(Framing.SYSLOG_BSD, rf"^{_WAZUH}(?P<message>{_WIN}.*)$", "none", "WinEvtLog"),
)


def claim() -> pl.Expr:
    """Return, over records (``program``, ``message``), which of them could be Windows events."""
    return (
        pl.col("program").is_in(PROGRAMS)
        | pl.col("program").str.starts_with('{"')  # "HOST {"EventID":4625,…": the header took the first key for a program
        | pl.col("message").str.contains(CLAIM)
    ).fill_null(value=False)


def frame(records: pl.DataFrame, interest: Interest | None = None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the Windows events among syslog *records* (columns of ``WINDOWS_DTYPES``), and the records that are none.

    *records* are framed (``time``, ``local``, ``rel``, ``resolution``) or have their instant (``time``, ``time_err``). A time of the record
    that is an instant stands unless the event bears one itself; else the event's wall clock does, which has a year.
    *interest* tells by channel and id whose text is worth reading (None: all).
    """
    mine = records.select(claim().alias("c"))["c"]
    if not mine.any():
        return rows_frame([]), records
    rows: list[tuple[Any, ...]] = []
    kept: list[bool] = []
    columns = ["record", "offset", "time", "local", "rel", "resolution", "time_err", "host", "program", "pid", "message", "count", "fields"]
    present_ones = [name for name in columns if name in records.columns]
    for record in records.filter(mine).select(present_ones).iter_rows(named=True):
        event = _event(record)
        kept.append(event is not None)
        if event is None:
            continue
        if event.fields is None and event.message and (interest is None or interest(event.channel, event.event_id)):
            data = data_of_message(event.event_id, event.message)
            event = msgspec.structs.replace(event, fields=as_json(data)) if data else event
        rows.append(_row(record, event))
    taken = pl.Series(kept, dtype=pl.Boolean)
    rest = records.filter(mine).filter(~taken)
    left = records.filter(~mine)
    return rows_frame(rows), pl.concat([left, rest]).sort("record", maintain_order=True) if rest.height else left


def _row(record: dict[str, Any], event: Event) -> tuple[Any, ...]:
    made = list(row(record["record"], record["offset"], event))
    stamp = event.stamp
    time, local, rel, resolution = record["time"], record.get("local"), record.get("rel"), record.get("resolution")
    if stamp is None or (not stamp.zoned and time is not None):
        error = record.get("time_err")
        made[2] = _micros(time)
        made[3] = _micros(local) if time is None else None
        made[4] = rel if time is None else None
        made[5] = resolution if resolution is not None or error is None else round(error.total_seconds() * 1_000_000)
    made[6] = event.host or record["host"]
    made[10] = record["count"]
    return tuple(made)


def _micros(time: Any) -> int | None:
    if time is None:
        return None
    value = micros([time.year, time.month, time.day, time.hour, time.minute, time.second])
    return None if value is None else value + int(time.microsecond)


def _event(record: dict[str, Any]) -> Event | None:
    program, message = record["program"] or "", record["message"] or ""
    if program.startswith('{"'):
        message = f"{program}:{message}"
    message = message.lstrip()
    if message.startswith("{"):
        return _object(message)
    if message.startswith("<"):
        event = event_of(message.encode("utf-8", "replace"))
        return None if isinstance(event, str) else event
    if "MSWinEventLog" in message[:300]:
        return _snare(message)
    if message.startswith("AgentDevice="):
        return _win_collect(message)
    return _agent(program, message, record) if program in NAMES else _ossec(message)


def _object(message: str) -> Event | None:
    try:
        found = read_event(message)
    except FAULTS:
        return None
    if not isinstance(found, Read):
        return None
    stamp = found.event.stamp
    if stamp is not None and not stamp.zoned and found.shift is not None:
        return msgspec.structs.replace(found.event, stamp=Stamp(stamp.micros + found.shift, True, stamp.resolution))
    return found.event


def _snare(message: str) -> Event | None:
    if "\t" not in message:
        spaced = _SPACED.search(message)
        message = message.replace("#011", "\t") if spaced is None else "\t".join(("MSWinEventLog", *spaced.groups()))
    tokens = message.split("\t")
    begin = next((place for place, token in enumerate(tokens[:2]) if token.rpartition(" ")[2] == "MSWinEventLog"), None)
    tokens = tokens[begin:] if begin is not None else []
    if len(tokens) < _SNARE_LEAST:
        return None
    number, channel = event_number(tokens[5]), present(tokens[2])
    if number is None or channel is None:
        return None
    texts = [token.strip() for token in tokens[12:]]
    while len(texts) > 1 and _SNARE_END.fullmatch(texts[-1]):  # counter and checksum follow the text
        texts.pop()
    text = "\t".join(texts).strip()
    found = _SNARE_DATE.fullmatch(tokens[4].strip())
    value = None
    if found is not None:
        value = micros([int(found[6]), _MONTHS.get(found[1].lower(), 0), *(int(found[group]) for group in range(2, 6))])
    stamp = Stamp(value, zoned=False, resolution=1_000_000) if value is not None else None
    return _read(channel, number, text, stamp=stamp, host=_known(tokens[10]), provider=_known(tokens[6]))


def _win_collect(message: str) -> Event | None:
    """Return an event as WinCollect sends it: pairs, the text being the last; its times are seconds or milliseconds since the epoch."""
    if "\t" not in message:
        message = message.replace("#011", "\t")
    before, _, text = message.partition("\tMessage=")
    told = dict(token.partition("=")[::2] for token in reversed(before.split("\t")))  # the first of a name stands
    number, channel = event_number(told.get("EventIDCode") or told.get("EventID")), present(told.get("AgentLogFile"))
    if number is None or channel is None:
        return None
    seconds = whole(told.get("TimeGenerated") or told.get("TimeWritten"))
    scale = 1_000_000 if seconds is not None and seconds < _MILLISECONDS else 1000
    stamp = Stamp(seconds * scale, zoned=True, resolution=scale) if seconds is not None and 0 < seconds < _MILLISECONDS * 100 else None
    event = _read(channel, number, text.strip(), stamp=stamp, host=_known(told.get("Computer", "")), provider=_known(told.get("Source", "")))
    return msgspec.structs.replace(event, event_record=whole(told.get("RecordNumber")))


def _known(text: str) -> str | None:
    text = text.strip()
    return text if text not in ("", "-", "N/A") else None


def _ossec(message: str) -> Event | None:
    found = _OSSEC.fullmatch(message)
    if found is None:
        return None
    number = event_number(found["id"])
    if number is None:
        return None
    # user, domain and computer come before the text; a user's name may hold the separator, so the text is looked for by its beginning
    parts = found["rest"].split(": ", 3)
    text = parts[3] if len(parts) == 4 else ""
    host = parts[2].strip() if len(parts) == 4 and " " not in parts[2].strip() else None
    if host is None:
        text = ""
    # the manager's own time may stand before that of the agent
    date = list(_OSSEC_DATE.finditer(found["before"]))[-1:] if found["before"] else []
    stamp = None
    for one in date:
        value = micros([int(one[1]), _MONTHS.get(one[2].lower(), 0), *(int(one[group]) for group in range(3, 7))])
        stamp = Stamp(value, zoned=False, resolution=1_000_000) if value is not None else None
    return _read(found["channel"].strip(), number, text, stamp=stamp, host=host, provider=found["provider"].strip())


def _agent(program: str, message: str, record: dict[str, Any]) -> Event | None:
    structured = record["fields"] or ""
    if structured.startswith("["):
        data = {name: _UNESCAPED.sub(r"\1", value) for name, value in _PARAMETER.findall(structured)}
        number = event_number(data.get("EventID"))
        if number is not None:
            return _structured(program, message, number, data)
    found = _EVTSYS.fullmatch(message)
    text = found["rest"] if found is not None else message
    number = event_number(found["id"]) if found is not None else id_of_message(message)
    channel = channel_of(program, number) if number is not None else None
    if number is None or channel is None:
        return None
    names = known(program)
    return _read(channel, number, text, provider=names[1] if names is not None else program, pid=record["pid"] if found is None else None)


def _structured(program: str, message: str, number: int, data: dict[str, str]) -> Event | None:
    """Return an event whose data NXLog put beside the text."""
    channel = data.get("Channel") or channel_of(data.get("SourceName") or program, number)
    if not channel:
        return None
    names = known(program)
    rest = {name: value for name, value in data.items() if name not in _AGENT_ONLY}
    event = _read(channel, number, message, provider=names[1] if names is not None else program)
    return msgspec.structs.replace(
        event,
        fields=as_json(rest) if rest else event.fields,
        event_record=whole(data.get("RecordNumber")),
        pid=data.get("ExecutionProcessID"),
        activity=(data.get("ActivityID") or "").strip("{}").lower() or None,
    )


def _read(
    channel: str,
    number: int,
    text: str,
    *,
    stamp: Stamp | None = None,
    host: str | None = None,
    provider: str | None = None,
    pid: str | None = None,
) -> Event:
    return Event(
        channel=channel,
        event_id=number,
        stamp=stamp,
        host=host,
        pid=pid,
        message=text or None,
        provider=provider,
    )
