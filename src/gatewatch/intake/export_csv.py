r"""Results of searches exported as CSV, whose rows are records of known kinds: Log Analytics, Splunk, CloudWatch, Kibana, consoles of providers.

::

    "TimeGenerated [UTC]",EventSource,EventName,UserIdentityType,…,SourceIpAddress,…,ResponseElements,…,Type
    "3/2/2026, 8:15:00.000 AM","signin.amazonaws.com",ConsoleLogin,IAMUser,…,"192.0.2.7",…,"{""ConsoleLogin"":""Success""}",…,AWSCloudTrail

    "_raw","_time",host,source,sourcetype
    "Jan  5 12:00:00 gate01 sshd[4711]: Failed password …","2026-01-05T12:00:00.000+0000",gate01,…

    Event ID,AWS access key,AWS region,Error code,Event name,Event source,Event time,…,Source IP address,User name

    @logStream,@timestamp,@message
    kube-apiserver-audit-…,2026-01-05 12:00:00.000,"{""kind"":""Event"",""apiVersion"":""audit.k8s.io/v1"",…}"

    "@timestamp","event.category","event.outcome","user.name","source.ip"

    timestamp,eventType,actor.alternateId,client.ipAddress,outcome.result

Each row becomes the object that the same service would answer a query with, and goes to the shapes of JSON (:mod:`.json_record`): cells that hold
objects or lists are these; of Splunk's columns ``_raw`` alone counts, of CloudWatch's ``@message``. Other tables are read so where their
columns are keys of records of an identity provider, of OCSF or of ECS. Dates with slashes as in :mod:`.entra_csv`. The event history does not say
what came of a sign-in at the console, so these are rejected.
References: https://learn.microsoft.com/azure/azure-monitor/reference/tables-index;
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events-console.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from gatewatch.intake import json_record
from gatewatch.intake.batch import Batch
from gatewatch.intake.csv_row import BROKEN, Raw, cells_of, headers, rows, sound
from gatewatch.intake.entra_csv import AMBIGUOUS
from gatewatch.intake.json_scan import Found
from gatewatch.intake.json_shape import FAULTS, Interest, Shape
from gatewatch.intake.portal_date import iso_time, month_first_of

_BATCH_BYTES = 8 << 20
_FEWEST = 4  # columns
_TRUTHS = {"true": True, "false": False}
_KEYS: tuple[frozenset[str], ...] = tuple(
    map(
        frozenset,
        (
            ("eventType", "published"),
            ("eventType", "actor.alternateId"),
            ("eventName", "eventSource", "eventTime", "awsRegion"),
            ("userPrincipalName", "createdDateTime", "ipAddress"),
            ("activityDisplayName", "activityDateTime"),
            ("Timestamp", "ActionType", "LogonType"),
            ("class_uid", "activity_id", "time"),
            ("event_type_id", "ipaddr"),
            ("log_id", "type", "ip"),
            ("isotimestamp", "result", "factor"),
            ("event_type", "initiated_by.username"),
        ),
    )
)
"""Keys of which the columns of a table must have all of one kind."""
_UTC = " [UTC]"
_HISTORY = {
    "event id": "eventID",
    "event time": "eventTime",
    "event name": "eventName",
    "event source": "eventSource",
    "aws region": "awsRegion",
    "error code": "errorCode",
    "source ip address": "sourceIPAddress",
    "user agent": "userAgent",
}
"""What CloudTrail's own events call the columns of its event history."""


class _Header(NamedTuple):
    kind: str  # table, splunk, history, insights, unified, object
    delimiter: str
    names: list[str]
    dates: int  # the column of dates, -1: none


def sniff(head: bytes) -> float:
    """Return how sure we are, from 0 to 1, that a file that begins with *head* is such an export."""
    header = _header(rows([head]))
    return 0.0 if header is None else 0.5 if header.kind == "object" else 0.9


def read(chunks: Iterable[bytes], interest: Interest | None, first: Sequence[Shape] = ()) -> Iterator[Batch]:
    """Yield the records of a file in batches; see :func:`.json_record.read`."""
    found = rows(chunks)
    header = _header(found)
    if header is None:
        return
    held: list[tuple[int, bytes, list[str] | None, str | None]] = []
    size = number = 0
    for offset, raw, reason in sound(found, lambda row: _cells(row, header) is not None):
        held.append((offset, raw, None if reason is not None else _cells(raw, header), reason))
        size += len(raw)
        if size >= _BATCH_BYTES:
            yield from json_record.framed(_objects(held, header), interest, base=number, first=first)
            number += len(held)
            held, size = [], 0
    if held:
        yield from json_record.framed(_objects(held, header), interest, base=number, first=first)


def _header(found: Iterator[Raw]) -> _Header | None:
    """Take the header off *found*."""
    for delimiter, names in headers(found):
        kind = _kind(names) or ("object" if _is_object(names) else None)
        if kind is not None:
            return _Header(kind, delimiter, names, next((at for at, name in enumerate(names) if name.startswith("TimeGenerated")), -1))
    return None


def _is_object(names: Sequence[str]) -> bool:
    """Return whether the columns *names* are keys of records that some shape knows, whatever their values."""
    if len(names) < _FEWEST or len(set(names)) < len(names):
        return False
    return any(keys <= set(names) for keys in _KEYS) or ("@timestamp" in names and any(name.startswith("event.") for name in names))


def _kind(names: Sequence[str]) -> str | None:
    known = set(names)
    if len(known) > 1 and "_raw" in known:
        return "splunk"
    if len(known) > 1 and "@message" in known:
        return "insights"
    if {"Timestamp", "Event Type", "Log Type", "Process", "Message", "Raw Message"} <= known:
        return "unified"
    if len(known) > 2 and ("TimeGenerated [UTC]" in known or {"TimeGenerated", "Type"} <= known or {"TimeGenerated", "TenantId"} <= known):
        return "table"
    lower = {name.lower() for name in names}
    return "history" if {"event id", "event name", "event time", "user name", "aws region"} <= lower else None


def _cells(raw: bytes, header: _Header) -> list[str] | None:
    """Return the cells of a row, None where it does not fit the header."""
    cells = cells_of(raw, header.delimiter)
    return cells if cells is not None and len(cells) == len(header.names) else None


def _objects(held: Sequence[tuple[int, bytes, list[str] | None, str | None]], header: _Header) -> list[Found]:
    """Return the rows as objects of JSON, or why they are none."""
    fit = [cells for _, _, cells, _ in held if cells is not None]
    month_first = month_first_of(cells[header.dates] for cells in fit) if header.kind == "table" and header.dates >= 0 else None
    made: list[Found] = []
    for offset, raw, cells, reason in held:
        if cells is None:
            made.append(Found(offset, raw, reason or BROKEN))
            continue
        row = {name: value for name, cell in zip(header.names, cells, strict=True) if (value := cell.strip())}
        if header.kind == "history":
            one: dict[str, Any] | None = _history(row)
        elif header.kind == "insights":
            one = {"@message": row.get("@message"), "@timestamp": row.get("@timestamp", "").replace(" ", "T", 1) + "Z"}
        elif header.kind == "unified":
            one = {"timestamp": row.get("Timestamp"), "processImagePath": row.get("Process"), "eventMessage": row.get("Message")}
        elif header.kind == "object":
            one = {name: _typed(cell) for name, cell in row.items()}
        else:
            one = {"_raw": row.get("_raw"), "_time": row.get("_time")} if header.kind == "splunk" else _table(row, month_first)
        made.append(Found(offset, raw, AMBIGUOUS) if one is None else Found(offset, msgspec.json.encode(one), None))
    return made


def _table(row: dict[str, str], month_first: bool | None) -> dict[str, Any] | None:
    """Return a row of a table of Log Analytics as a query answers it; None where a date cannot be read."""
    made: dict[str, Any] = {}
    for name, cell in row.items():
        key = name.removesuffix(_UTC)
        if key != name or key == "TimeGenerated":
            time = iso_time(cell, month_first)
            if time is None and key == "TimeGenerated":
                return None
            made[key] = time
        else:
            made[key] = _nested(cell)
    return made


def _typed(cell: str) -> Any:
    """Return the object, list or truth that a cell holds, else its text."""
    return _TRUTHS.get(cell.lower()) if cell.lower() in _TRUTHS else _nested(cell)


def _nested(cell: str) -> Any:
    """Return the object or list that a cell holds, else its text."""
    if cell[:1] not in ("{", "["):
        return cell
    try:
        return msgspec.json.decode(cell)
    except FAULTS:
        return cell


def _history(row: dict[str, str]) -> dict[str, Any]:
    lower = {name.lower(): value for name, value in row.items()}
    made: dict[str, Any] = {key: lower[name] for name, key in _HISTORY.items() if name in lower}
    made["userIdentity"] = {"userName": lower.get("user name"), "accessKeyId": lower.get("aws access key")}
    return made
