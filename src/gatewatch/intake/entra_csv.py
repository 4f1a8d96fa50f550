"""Logs of Entra ID downloaded from its portal as CSV: sign-ins of people and programs, and the audit log.

::

    Date (UTC),Request ID,User agent,Correlation ID,…,Username,…,IP address,Location,Status,Sign-in error code,Failure reason,…
    2026-03-02T08:15:00Z,r-1,Mozilla/5.0,c-1,…,ann@corp.example,…,192.0.2.7,"Exampletown, Example, DE",Failure,50126,…

    TimeGenerated [UTC],ResultType,UserPrincipalName,IPAddress,…,Status,…

    Date (UTC),CorrelationId,Service,Category,Activity,Result,…,ActorUserPrincipalName,IPAddress,…,Target1UserPrincipalName,…

The second is what Log Analytics and Sentinel export: a table's columns by their own names, with objects as JSON text.
Columns are found by their English names, whatever their order and number; each row becomes an object in the words of Microsoft Graph and goes to the
source ``entra-signin`` or ``entra-audit``. The files do not say which sign-ins were interactive: one that a refresh token or a primary refresh token
made is taken for none. Dates of the form ``3/2/2026`` are read where a row of the same batch shows whether the day or the month comes first
(``AM`` and ``PM`` do; behind a comma, as browsers write it, a clock without them as well), else such rows are rejected. The files with
``AuthDetails`` in their name repeat the sign-ins by factor and are not read.
Reference: https://learn.microsoft.com/entra/identity/monitoring-health/howto-download-logs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import polars as pl

from gatewatch.intake.batch import Batch, RawReject, raw_text
from gatewatch.intake.csv_row import BROKEN, Raw, cells_of, headers, rows, sound
from gatewatch.intake.portal_date import iso_time, month_first_of
from gatewatch.schema.records import RECORD_DTYPES

AMBIGUOUS = "day or month first: no date of the file tells"
_BATCH_BYTES = 8 << 20
_SIGN_IN = {
    "date (utc)": "createdDateTime",
    "request id": "id",
    "correlation id": "correlationId",
    "user agent": "userAgent",
    "username": "userPrincipalName",
    "sign-in identifier": "signInIdentifier",
    "authentication protocol": "authenticationProtocol",
    "authentication requirement": "authenticationRequirement",
    "application": "appDisplayName",
    "resource": "resourceDisplayName",
    "ip address": "ipAddress",
    "client app": "clientAppUsed",
    "conditional access": "conditionalAccessStatus",
    "session id": "sessionId",
    "autonomous system number": "autonomousSystemNumber",
    "service principal id": "servicePrincipalId",
    "service principal name": "servicePrincipalName",
    "status": "resultType",
}
_AUDIT = {
    "date (utc)": "activityDateTime",
    "date": "activityDateTime",
    "correlationid": "correlationId",
    "service": "loggedByService",
    "activity": "activityDisplayName",
    "result": "result",
    "resultreason": "resultReason",
}
_TABLE_DATES = ("createddatetime [utc]", "createddatetime", "timegenerated [utc]", "timegenerated")
"""The columns that hold when it was, the best first."""
_TOKENS = frozenset({"refreshtoken", "primaryrefreshtoken"})
_TARGET = re.compile(r"target([0-9]{1,2})(type|displayname|userprincipalname)")
_CHANGE = re.compile(r"target([0-9]{1,2})modifiedproperty([0-9]{1,2})(name|oldvalue|newvalue)")
_GRAPH = {"type": "type", "displayname": "displayName", "userprincipalname": "userPrincipalName", "name": "displayName"}
_GRAPH |= {"oldvalue": "oldValue", "newvalue": "newValue"}

Header = tuple[str, list[str]]
"""The delimiter, and the names of the columns in small letters, blanks within as one."""


def sniff(head: bytes) -> float:
    """Return how sure we are, from 0 to 1, that a file that begins with *head* is such a download."""
    return 0.0 if _header(rows([head])) is None else 0.95


def read(chunks: Iterable[bytes]) -> Iterator[Batch]:
    """Yield the records of a file in batches."""
    found = rows(chunks)
    header = _header(found)
    if header is None:
        return
    delimiter, names = header
    held: list[tuple[int, int, bytes, list[str]]] = []
    rejects: list[RawReject] = []
    size = 0
    for number, (offset, raw, reason) in enumerate(sound(found, lambda row: _cells(row, delimiter, names) is not None), 1):
        cells = None if reason is not None else _cells(raw, delimiter, names)
        if cells is None:
            rejects.append(RawReject(number, offset, reason or BROKEN, raw_text(raw)))
        else:
            held.append((number, offset, raw, cells))
        size += len(raw)
        if size >= _BATCH_BYTES:
            yield _batch(held, rejects, names)
            held, rejects, size = [], [], 0
    if held or rejects:
        yield _batch(held, rejects, names)


def _header(found: Iterator[Raw]) -> Header | None:
    """Take the header off *found*."""
    for delimiter, cells in headers(found):
        names = [" ".join(cell.lower().split()) for cell in cells]
        if _is_sign_in(names) or _is_audit(names) or _is_table(names):
            return delimiter, names
    return None


def _is_sign_in(names: Sequence[str]) -> bool:
    return {"date (utc)", "request id", "ip address", "status"} <= set(names) and ("username" in names or "service principal id" in names)


def _is_audit(names: Sequence[str]) -> bool:
    known = set(names)
    return {"activity", "result", "actoruserprincipalname", "correlationid"} <= known and not known.isdisjoint({"date (utc)", "date"})


def _is_table(names: Sequence[str]) -> bool:
    known = set(names)
    return not known.isdisjoint(_TABLE_DATES) and {"resulttype", "ipaddress", "userprincipalname"} <= known


def _cells(raw: bytes, delimiter: str, names: Sequence[str]) -> list[str] | None:
    """Return the cells of a row, None where it does not fit the header."""
    cells = cells_of(raw, delimiter)
    return cells if cells is not None and len(cells) == len(names) else None


def _batch(held: list[tuple[int, int, bytes, list[str]]], rejects: list[RawReject], names: list[str]) -> Batch:
    audit = _is_audit(names)
    table_row = not audit and not _is_sign_in(names)
    dates = _TABLE_DATES if table_row else ("date (utc)", "date")
    place = next(names.index(name) for name in dates if name in names)
    month_first = month_first_of([cells[place] for _, _, _, cells in held])
    kept: list[tuple[int, int, str]] = []
    for number, offset, raw, cells in held:
        time = iso_time(cells[place], month_first)
        if time is None:
            rejects.append(RawReject(number, offset, AMBIGUOUS, raw_text(raw)))
            continue
        row = {name: cell.strip() for name, cell in reversed(list(zip(names, cells, strict=True))) if cell.strip()}
        made = _audit(row) if audit else _analytics(row) if table_row else _sign_in(row)
        made["activityDateTime" if audit else "createdDateTime"] = time
        kept.append((number, offset, msgspec.json.encode(made).decode()))
    known: dict[str, list[Any]] = {
        "record": [number for number, _, _ in kept],
        "offset": [offset for _, offset, _ in kept],
        "program": ["entra-audit" if audit else "entra-signin"] * len(kept),
        "count": [1] * len(kept),
        "fields": [text for _, _, text in kept],
    }
    table = {name: pl.Series(name, known.get(name, [None] * len(kept)), dtype=dtype) for name, dtype in RECORD_DTYPES.items()}
    return Batch(pl.DataFrame(table), sorted(rejects))


def _sign_in(row: Mapping[str, str]) -> dict[str, Any]:
    made: dict[str, Any] = {key: row[name] for name, key in _SIGN_IN.items() if name in row}
    code = row.get("sign-in error code", "")
    if code.isascii() and code.isdigit():
        made["status"] = {"errorCode": int(code)}
        made.pop("resultType", None)
    else:
        made["status"] = {}
    made["status"] |= {"failureReason": row.get("failure reason"), "additionalDetails": row.get("multifactor authentication result")}
    made["mfaDetail"] = {"authMethod": row.get("multifactor authentication auth method")}
    made["deviceDetail"] = {"deviceId": row.get("device id"), "browser": row.get("browser"), "operatingSystem": row.get("operating system")}
    city, _, rest = row.get("location", "").partition(",")
    made["location"] = {"city": city.strip() or None, "countryOrRegion": rest.rpartition(",")[2].strip() or None}
    made["authenticationRequirement"] = row.get("authentication requirement", "").lower().replace("-", "").replace(" ", "") or None
    if row.get("incoming token type", "").lower().replace(" ", "") in _TOKENS:
        made["isInteractive"] = False
    return made


def _analytics(row: Mapping[str, str]) -> dict[str, Any]:
    """Return a row of the table SigninLogs or its kin as its object, the keys in small letters."""
    made: dict[str, Any] = {name.removesuffix(" [utc]"): value for name, value in row.items() if name not in _TABLE_DATES}
    if (flag := row.get("isinteractive", "").lower()) in {"true", "false"}:
        made["isinteractive"] = flag == "true"
    return made


def _audit(row: Mapping[str, str]) -> dict[str, Any]:
    made: dict[str, Any] = {key: row[name] for name, key in _AUDIT.items() if name in row}
    targets: dict[int, dict[str, Any]] = {}
    changes: dict[tuple[int, int], dict[str, Any]] = {}
    for name in sorted(row):
        if (found := _TARGET.fullmatch(name)) is not None:
            targets.setdefault(int(found[1]), {})[_GRAPH[found[2]]] = row[name]
        elif (found := _CHANGE.fullmatch(name)) is not None:
            changes.setdefault((int(found[1]), int(found[2])), {})[_GRAPH[found[3]]] = row[name]
    for (number, _), change in sorted(changes.items()):
        targets.setdefault(number, {}).setdefault("modifiedProperties", []).append(change)
    made["targetResources"] = [targets[number] for number in sorted(targets)]
    person = {"userPrincipalName": row.get("actoruserprincipalname"), "ipAddress": row.get("ipaddress")}
    made["initiatedBy"] = {"user": person, "app": {"displayName": row.get("actorserviceprincipalname")}}
    return made
