"""The incidents as a timeline for Timesketch and spreadsheets.

The first four columns are those Timesketch asks for (https://timesketch.org/guides/user/import-from-json-csv/): ``message``,
``datetime`` (ISO 8601 with offset), ``timestamp`` (µs since 1970) and ``timestamp_desc``. One row per stage, then one per raw record of it.
The first and last record of a stage bear its ends; one between bears its beginning, and ``timestamp_desc`` says so.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TextIO

from gatewatch.schema.incidents import Evidence, Incident, Scan, Stage
from gatewatch.sinks.escape import cell
from gatewatch.sinks.moment import iso, micros
from gatewatch.sinks.story import repeated

COLUMNS = (
    "message", "datetime", "timestamp", "timestamp_desc",
    "incident_id", "severity", "stage", "origin_ip", "user", "host", "source", "file", "record", "raw",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Timesketch:
    """Writes stages and evidence as CSV; cells that a spreadsheet would run are quoted."""

    name: str = "csv"
    title: str = "a timeline of stages and raw records for Timesketch and spreadsheets"

    def write(self, scan: Scan, out: TextIO, *, color: bool, width: int) -> None:  # noqa: ARG002 - a terminal's matters
        """Write the header and all rows, by incident, stage and evidence."""
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow(COLUMNS)
        for incident in scan.incidents:
            for stage in incident.stages:
                writer.writerow([*_lead(incident, stage, _said(incident, stage), stage.last, _ended(stage)), "", "", "", ""])
                writer.writerows(_records(incident, stage))


def _records(incident: Incident, stage: Stage) -> Iterator[list[str]]:
    final = len(stage.evidence) - 1
    for at, evidence in enumerate(stage.evidence):
        moment, meaning = stage.time, "Record" if final == 0 else "First record"
        if at:
            moment, meaning = (stage.last, "Last record") if at == final else (stage.time, "Record after this time")
        yield [*_lead(incident, stage, f"{stage.name}: {evidence.raw}", moment, meaning), *_stand(evidence)]


def _lead(incident: Incident, stage: Stage, message: str, moment: datetime, meaning: str) -> list[str]:
    users, hosts = "; ".join(incident.users), "; ".join(incident.hosts)
    values = (
        message,
        iso(moment),
        str(micros(moment)),
        meaning,
        incident.id,
        incident.severity,
        stage.name,
        incident.origin.ip or "",
        users,
        hosts,
    )
    return [value if value.lstrip("-").isdigit() else cell(value) for value in values]


def _stand(evidence: Evidence) -> tuple[str, str, str, str]:
    return cell(evidence.source), cell(evidence.file), str(evidence.record), cell(evidence.raw)


def _said(incident: Incident, stage: Stage) -> str:
    return f"[{incident.severity}] {incident.title} - {stage.name}{repeated(stage)}: {stage.summary}"


def _ended(stage: Stage) -> str:
    return "Stage completed" if stage.last != stage.time else "Stage"
