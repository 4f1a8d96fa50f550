"""Incidents as JSON lines: one incident per line, the fields of :class:`gatewatch.schema.incidents.Incident`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TextIO

from gatewatch.schema.incidents import Scan
from gatewatch.sinks.document import encode


@dataclass(frozen=True, slots=True)
class Jsonl:
    """Writes each incident as one JSON object, and as the last line what the measures would have done, where that was asked."""

    name: str = "jsonl"
    title: str = "incidents, one JSON object per line"

    def write(self, scan: Scan, out: TextIO, *, color: bool, width: int) -> None:  # noqa: ARG002 - a terminal's matters
        """Write the incidents of *scan* in the order of the scan."""
        out.writelines(encode(incident) + "\n" for incident in scan.incidents)
        if scan.what_if is not None:
            out.write(encode({"what_if": scan.what_if}) + "\n")
