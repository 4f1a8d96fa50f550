"""Sources of JSON records: one object, read into typed fields, becomes one event (or several, or none).

A shape of :mod:`gatewatch.intake.json_record` hands over the object as text in ``fields``. A :class:`DocumentSource` decodes it into the struct
``shape`` (only the fields it names; leaves are ``Any``, nested objects ``Struct | None``) and lets ``read`` say what it means: the columns of an
event as a dict, a list of such dicts, or a text: why the record is ignored. ``read`` raises :class:`Unreadable` for what must be rejected. What it
returns is raw; the columns made of it:

=====================  ================================================================================================
key                    becomes
=====================  ================================================================================================
``kind``, ``pattern``  required; what the event is
``time``               an aware datetime, microseconds since the epoch, or ISO text (without a zone: UTC, or with ``zoned=False`` the file's zone)
``user``               ``user`` and ``user_domain`` (:func:`gatewatch.schema.users.split_user`); ``user_domain`` itself is the fallback
``target_user``        ``target_user``, resolved the same way
``rhost``, ``dhost``   ``src_ip`` or ``src_host``, ``dst_ip`` or ``dst_host``; a ``src_host`` or ``dst_host`` beside them comes first
``src_ip`` …           ``src_ip``, ``dst_ip``, ``assigned_ip``, ``host_ip`` when they are an address; a ``src_ip`` or ``dst_ip`` comes before
                       what ``rhost`` or ``dhost`` says
``src_port`` …         ``src_port``, ``dst_port``: 1 to 65535, as number or text
``bytes_in`` …         ``bytes_in``, ``bytes_out``; ``count`` (default 1)
``extra``              a dict, or a function that returns it, called only where it is kept; what is null in it is left out
``command``            masked where it holds what looks like a secret
others                 the column of that name, null when it is empty or ``-``
=====================  ================================================================================================

Nothing an object holds raises: text where an object is expected is taken for absent, and so is an object where text is expected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any

import msgspec
import polars as pl

from gatewatch.schema.events import Kind, Service
from gatewatch.sources.document_table import CARRIED, Columns, Moment, Sheet, instants, moment, table
from gatewatch.sources.document_value import BAD_TIME, FAULTS, NO_TIME, Part, Unreadable, epoch, filled, flat_keys, mapping, port_of, said
from gatewatch.sources.pattern import Outcome, no_rows, rows_left

__all__ = [
    "BAD_TIME",
    "BROKEN",
    "FAULTS",
    "NO_OBJECT",
    "NO_TIME",
    "DocumentSource",
    "Made",
    "Part",
    "Read",
    "Unreadable",
    "epoch",
    "filled",
    "mapping",
    "port_of",
    "said",
    "several",
]

BROKEN = "broken JSON"
NO_OBJECT = "no JSON object"

Made = Mapping[str, Any] | Iterable[Mapping[str, Any]] | str
Read = Callable[[Any], Made]
_ONE = (dict, Mapping)  # a dict first: to ask whether it is a Mapping takes longer


class DocumentSource:
    """The source of one kind of JSON record.

    ``programs`` are the names of its shapes. ``essential``: the field of ``shape`` without which (or fields without all of which) an object is
    spelled otherwise (``EventType`` or ``eventtype`` for ``eventType``): it is then read again whatever the case of its keys. ``hint``: a
    linear-time regex over the raw text that a record must match to matter; the others are ignored for the reason ``others``, unread. ``idle``:
    pairs of such a regex and the reason why records that match it are ignored, unread. ``zoned``: whether a time without a zone is UTC.
    ``timeless``: whether a record without a time makes an event.
    """

    def __init__(
        self,
        *,
        name: str,
        title: str,
        programs: tuple[str, ...],
        read: Read,
        shape: type[msgspec.Struct] | None = None,
        references: tuple[str, ...] = (),
        service: Service | None = None,
        essential: str | tuple[str, ...] = (),
        hint: str = "",
        others: str = "says nothing of remote access",
        idle: tuple[tuple[str, str], ...] = (),
        zoned: bool = True,
        timeless: bool = False,
    ) -> None:
        self.name = name
        self.title = title
        self.programs = programs
        self.read = read
        self.shape = shape
        self.references = references
        self.service = service
        self.essential = (essential,) if isinstance(essential, str) else essential
        self.hint = hint
        self.others = others
        self.idle = idle
        self.zoned = zoned
        self.timeless = timeless
        self._flat = None if shape is None else flat_keys(shape)
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(dict[str, Any] if shape is None else shape)

    def decode(self, records: pl.DataFrame, wanted: Collection[Kind] | None = None, apart: Collection[Kind] = ()) -> Outcome:
        """Decode *records* whose ``fields`` are JSON objects of ours. Kinds outside *wanted* are recognised and make no events.

        In a scan, events of the kinds *apart* bear no ``extra``.
        """
        ignored: Counter[str] = Counter()
        rejected: dict[int, str] = {}
        alien = rows_left(records.filter(pl.col("fields").is_null()))  # behind a tag of that name: read as lines of a file are
        if alien.height:
            records = records.filter(pl.col("fields").is_not_null())
        allowed = None if wanted is None else frozenset(str(kind) for kind in wanted)
        bare = frozenset() if wanted is None or Kind.OTHER in wanted else frozenset(str(kind) for kind in apart)
        sheet = Sheet(bare, self.service)
        times: list[Any] = []  # of every row, also of those nobody wants: a record without a time is no event
        told: list[int] = []  # of each of these, the place of its record
        kept: list[bool] = []
        used = 0
        places, texts = self._busy(records["fields"], ignored)
        for place, text, flat in zip(places, texts, self._joined(texts), strict=False):
            made = None if flat else self._first(text)
            if made is None:
                try:
                    made = self._again(text)
                except Unreadable as error:
                    rejected[place] = str(error)
                    continue
            if isinstance(made, str):
                ignored[made] += 1
                continue
            used += 1
            for row in made:
                wish = allowed is None or row["kind"] in allowed
                times.append(row.get("time"))
                told.append(place)
                kept.append(wish)
                if wish:
                    sheet.add(row, place)
        moments, bad = instants(times, zoned=self.zoned, timeless=self.timeless)
        mask = pl.Series(kept, dtype=pl.Boolean)
        events = self._table(records, sheet, (moments[0].filter(mask), moments[1].filter(mask), moments[2].filter(mask)))
        if bad:
            doubtful = sorted({told[at] for at in bad})
            used -= len(doubtful)
            mended = Sheet(bare, self.service)
            again: list[Any] = []
            whole = records["fields"]
            for place in doubtful:
                rows = self._mended(whole[place], ignored, rejected, place)
                used += rows is not None
                for row in rows or ():
                    if allowed is None or row["kind"] in allowed:
                        again.append(row.get("time"))
                        mended.add(row, place)
            sound = ~pl.Series(sheet.owners, dtype=pl.UInt32).is_in(doubtful)
            events = events.filter(sound) if events.height else events
            if again:
                more = self._table(records, mended, instants(again, zoned=self.zoned, timeless=self.timeless)[0])
                events = pl.concat([events, more], how="diagonal_relaxed").sort("record", maintain_order=True)
        lost = self._lost(records, rejected) if rejected else no_rows(reason=True)
        return Outcome(events, dict(sorted(ignored.items())), alien, lost, used)

    def _lost(self, records: pl.DataFrame, rejected: Mapping[int, str]) -> pl.DataFrame:
        """Return the rejected of *records*, given by their places with the reasons."""
        at = sorted(rejected)
        left = records.select(*CARRIED, pl.col("fields").alias("message"))
        return left[at].with_columns(pl.Series("reason", [rejected[place] for place in at], dtype=pl.String))

    def _busy(self, texts: pl.Series, ignored: Counter[str]) -> tuple[Sequence[int], Iterable[Any]]:
        """Return the places and texts of the records that must be read; count the others."""
        texts = texts.fill_null("")
        if not (self.hint or self.idle):
            return range(len(texts)), texts.to_list()
        places = self._places(texts, ignored)
        return places.to_list(), texts.gather(places).to_list()

    def _joined(self, texts: Iterable[Any]) -> Iterable[bool]:
        """Return which of *texts* have keys whose levels were joined."""
        if self._flat is None or not isinstance(texts, Sequence):
            return repeat(False)
        return pl.Series(texts, dtype=pl.String).str.contains(self._flat).to_list()

    def _places(self, texts: pl.Series, ignored: Counter[str]) -> pl.Series:
        """Return the places of the records that must be read; count the others."""
        places = pl.int_range(len(texts), dtype=pl.UInt32, eager=True)
        for regex, reason in self.idle:
            idle = texts.str.contains(regex)
            if idle.any():
                ignored[reason] += int(idle.sum())
                texts, places = texts.filter(~idle), places.filter(~idle)
        if self.hint:
            busy = texts.str.contains(self.hint)
            if not busy.all():
                ignored[self.others] += int((~busy).sum())
                texts, places = texts.filter(busy), places.filter(busy)
        return places

    def _first(self, text: str) -> str | Sequence[Mapping[str, Any]] | None:
        """Return what the record *text* says; None where it is not spelled as usual."""
        try:
            entry = self._decoder.decode(text)
        except FAULTS:
            return None
        essential = self.essential
        if essential and getattr(entry, essential[0]) is None and all(getattr(entry, name) is None for name in essential):
            return None
        try:
            return several(self.read(entry))
        except Unreadable:  # perhaps its keys are written otherwise
            return None

    def _again(self, text: str) -> str | Sequence[Mapping[str, Any]]:
        return several(self.read(self._lenient(text)))

    def _mended(self, text: str, ignored: Counter[str], rejected: dict[int, str], place: int) -> Sequence[Mapping[str, Any]] | None:
        """Return the events of a record whose time could not be read, now with its keys in any case; None where there are none."""
        try:
            made = self._again(text)
            if isinstance(made, str):
                ignored[made] += 1
                return None
            for row in made:
                self._moment(row.get("time"))
        except Unreadable as error:
            rejected[place] = str(error)
            return None
        return made

    def _lenient(self, text: str) -> Any:
        """Return the object as ``shape``, whatever the case of its keys and the types of its values."""
        try:
            whole = msgspec.json.decode(text)
        except FAULTS:
            raise Unreadable(BROKEN) from None
        if not isinstance(whole, dict):
            raise Unreadable(NO_OBJECT)
        return whole if self.shape is None else filled(self.shape, whole)

    def _moment(self, value: Any) -> Moment:
        """Return *value* as microseconds (with a zone, without one) and its resolution."""
        return moment(value, zoned=self.zoned, timeless=self.timeless)

    def _table(self, records: pl.DataFrame, sheet: Sheet | Columns, moments: tuple[pl.Series, pl.Series, pl.Series]) -> pl.DataFrame:
        return table(records, sheet, moments, self.name)


def several(made: Made) -> str | Sequence[Mapping[str, Any]]:
    """Return the events that *made* stands for, or why there are none."""
    if isinstance(made, str):
        return made
    return (made,) if isinstance(made, _ONE) else list(made)
