"""What became of each file of evidence, and the collector's manifest that says what a folder holds."""

from __future__ import annotations

import msgspec

from gatewatch.schema.records import Disposition

MANIFEST = "gatewatch-evidence.json"
"""The name of the manifest in the folder of each host that ``gatewatch collect`` writes."""


class EvidenceFile(msgspec.Struct, frozen=True, order=True):
    """A file of evidence: whose it is, the format that claimed it, its fate and why. Fates add up to the files read."""

    file: str
    host: str
    format: str | None
    disposition: Disposition
    reason: str = ""
    facts: int = 0


class Collected(msgspec.Struct, frozen=True):
    """A file or command in a manifest. ``absent``: it was looked for and is not there."""

    path: str
    command: str = ""
    absent: bool = False


class Manifest(msgspec.Struct, frozen=True):
    """The manifest: host, time of collection (ISO 8601) and what was looked for."""

    format: str
    version: int
    host: str
    as_of: str
    system: str = ""
    collected: tuple[Collected, ...] = ()
