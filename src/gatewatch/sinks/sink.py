"""What a sink is."""

from __future__ import annotations

from typing import Protocol, TextIO

from gatewatch.schema.incidents import Scan


class Sink(Protocol):
    """A way to show a scan. ``name`` is what the user types, ``title`` says what it is for."""

    @property
    def name(self) -> str:
        """The format's name on the command line."""
        ...

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        ...

    def write(self, scan: Scan, out: TextIO, *, color: bool, width: int) -> None:
        """Write *scan* to *out*; *color* and *width* (columns) matter to terminals only."""
        ...
