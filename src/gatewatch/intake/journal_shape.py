"""Journal entries among other JSON or other lines: ``journalctl -o json`` that somebody appended to a file, or a shipper that sends entries as they
are. A file of entries alone is read by :mod:`gatewatch.intake.journal_json`, which finds the entries again where an object is broken.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from gatewatch.intake.journal_field import Builder
from gatewatch.intake.journal_json import entry_of
from gatewatch.intake.json_shape import Framed, Interest, Objects
from gatewatch.schema.records import RECORD_DTYPES


@dataclass(frozen=True, slots=True)
class JournalShape:
    """The shape of objects that carry the time at which the journal got them, as no other writer names it."""

    name: str = "journal entry"
    regex: str = r'"__REALTIME_TIMESTAMP"[ \t]*:[ \t]*"[0-9]{14,17}"'

    def frame(self, objects: Objects, interest: Interest | None) -> Framed:  # noqa: ARG002 - only Windows has channels
        """Make a record of each entry in the objects that match the regex."""
        ours = objects.text.str.contains(self.regex)
        if not ours.any():
            return Framed(pl.DataFrame(schema=RECORD_DTYPES), objects)
        some = objects.filter(ours)
        builder, taken = Builder(), []
        for offset, text in zip(some.offset.to_list(), some.text.to_list(), strict=True):
            entry = entry_of(text.encode())
            taken.append(entry is not None and builder.add_entry(offset, entry))
        kept = ours.scatter(ours.arg_true(), pl.Series(taken, dtype=pl.Boolean))
        return Framed(builder.batch().records.with_columns(record=pl.lit(None, RECORD_DTYPES["record"])), objects.filter(~kept))


SHAPE = JournalShape()
