"""Services and scheduled tasks of a Windows machine, as PowerShell or schtasks list them.

::

    Get-CimInstance Win32_Service | Select Name,DisplayName,Description,State,StartMode,PathName,StartName | ConvertTo-Json
    schtasks /query /fo csv /v

``Get-Service`` knows no path: what such a service runs is not told. References: Win32_Service, schtasks (Microsoft Learn).
"""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Outcome, Rejected
from gatewatch.evidence.powershell import has, rows
from gatewatch.schema.facts.machine import Autostart, Machine, System
from gatewatch.schema.secret import mask

_STARTS = {"auto": True, "automatic": True, "automaticdelayedstart": True, "boot": True, "system": True, "disabled": False, "2": True, "4": False}
_RUNNING = frozenset({"running", "4"})


def _recognise(document: Document) -> int:
    service = has(document, "name", "pathname", "startmode") or (has(document, "name", "starttype") and has(document, "status"))
    return SURE if service or has(document, "taskname", "task to run") else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        found = rows(document)
        if not found:
            yield Rejected(document, document.fault or "lists no service")
            continue
        yield Machine(host=bundle.host, as_of=document.as_of, where=(document.spot("$"),), system=System.WINDOWS, product="Windows")
        for row, where in found:
            if "taskname" in row:
                state = row.get("scheduled task state", row.get("status", "")).lower()
                yield Autostart(
                    host=bundle.host, as_of=document.as_of, where=(where,), name=row["taskname"], manager="scheduled-task",
                    display=row.get("comment", ""), vendor=row.get("author", ""), command=mask(row.get("task to run", "")),
                    user=row.get("run as user", ""), enabled=False if state == "disabled" else True if state else None,
                )  # fmt: skip
                continue
            start = _STARTS.get((row.get("startmode") or row.get("starttype", "")).lower())
            running = (row.get("state") or row.get("status", "")).lower() in _RUNNING
            yield Autostart(
                host=bundle.host, as_of=document.as_of, where=(where,), name=row.get("name", ""), manager="windows-service",
                display=" ".join(part for part in (row.get("displayname", ""), row.get("description", "")) if part),
                command=mask(row.get("pathname", "")), user=row.get("startname", ""), enabled=True if running else start,
            )  # fmt: skip


FORMAT = Format(
    name="windows-service",
    title="Services and scheduled tasks of Windows (PowerShell, schtasks)",
    recognise=_recognise,
    read=_read,
    collect=(
        "Get-CimInstance Win32_Service | Select-Object Name,DisplayName,Description,State,StartMode,PathName,StartName | ConvertTo-Json > "
        "services.json; schtasks /query /fo csv /v > tasks.csv"
    ),
    references=("Microsoft Learn: Win32_Service", "Microsoft Learn: schtasks query"),
)
