"""Sources whose records come as JSON objects and as lines of text: each goes to its own reader, under one name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

import polars as pl

from gatewatch.schema.events import Kind
from gatewatch.sources.daemon_text import DaemonText
from gatewatch.sources.document import DocumentSource
from gatewatch.sources.pattern import Outcome


class TwoForms:
    """A source of JSON (``objects``) that writes the same things as text (``lines``) as well; records with ``fields`` are objects."""

    def __init__(self, objects: DocumentSource, lines: DaemonText) -> None:
        self.name = objects.name
        self.title = objects.title
        self.programs = tuple(dict.fromkeys((*objects.programs, *lines.programs)))
        self.references = objects.references
        self.service = objects.service
        self.objects = objects
        self.lines = lines

    def decode(self, records: pl.DataFrame, wanted: Collection[Kind] | None = None, apart: Collection[Kind] = ()) -> Outcome:
        """Decode *records*; see :class:`.DocumentSource` and :class:`.DaemonText`."""
        text = records["fields"].is_null()
        if not text.any():
            return self.objects.decode(records, wanted, apart)
        said = self.lines.decode(records.filter(text), wanted, apart)
        if text.all():
            return said
        return _joined(self.objects.decode(records.filter(~text), wanted, apart), said)


def _joined(one: Outcome, other: Outcome) -> Outcome:
    frames = [frame for frame in (one.events, other.events) if frame.height]
    events = pl.concat(frames, how="diagonal_relaxed").sort("record", maintain_order=True) if frames else one.events
    return Outcome(
        events,
        dict(sorted((Counter(one.ignored) + Counter(other.ignored)).items())),
        pl.concat([one.unrecognised, other.unrecognised]).sort("record"),
        pl.concat([one.rejected, other.rejected]).sort("record"),
        one.used + other.used,
        [*one.bulk, *other.bulk],
    )
