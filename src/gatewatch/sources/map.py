"""Sources that users describe: a :class:`~gatewatch.schema.mapping.MapSpec` turns the fields of a record into the columns of an event.

A record that a map recognises is its own, whoever else would know it. One whose kind the map does not list is ignored; a line that has another number
of cells than the map names columns, or that its regex does not match, is rejected, as is a time that does not read as the map says.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import polars as pl

from gatewatch.schema.events import AuthMethod, Kind
from gatewatch.schema.mapping import Choice, MapForm, MapSpec
from gatewatch.sources.document import BAD_TIME, NO_TIME, DocumentSource, Made, Unreadable, said
from gatewatch.sources.epoch import epoch_micros
from gatewatch.sources.header_time import headed
from gatewatch.sources.pattern import Outcome, no_rows

IGNORED = "the map says so"
UNLISTED = "a kind that the map does not list"
NO_MATCH = "the regex of the map does not match"
CELLS = "wrong number of cells"
QUOTES = "quotes that do not close"
HEADING = "heading"
_MARK = "zz_matched"
_SECOND = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LOGONS = frozenset({str(Kind.AUTH_FAILURE), str(Kind.AUTH_SUCCESS), str(Kind.AUTH_STOPPED)})


class MapSource(DocumentSource):
    """The source ``map:<name>`` of one map."""

    def __init__(self, spec: MapSpec) -> None:
        zone = ZoneInfo(spec.time.zone) if spec.time.zone is not None else None
        super().__init__(
            name=spec.source,
            title=spec.title,
            programs=(spec.source,),
            read=self._event,
            references=(spec.path,),
            zoned=False,
            timeless=not spec.time.field,
        )
        self.spec = spec
        self._zone = zone

    def claims(self, texts: pl.Series) -> pl.Series:
        """Return which of *texts* (lines, objects or messages) are records of this format."""
        ours = texts.str.contains(self.spec.recognise[0])
        for regex in self.spec.recognise[1:]:
            ours &= texts.str.contains(regex)
        return ours.fill_null(value=False)

    def decode(self, records: pl.DataFrame, wanted: Collection[Kind] | None = None, apart: Collection[Kind] = ()) -> Outcome:
        """Decode *records*: objects in ``fields``, or lines in ``message``."""
        if self.spec.form is MapForm.JSON:
            return super().decode(records, wanted, apart)
        fields, faults, ignored = self._cells(records["message"]) if self.spec.form is MapForm.CSV else self._groups(records["message"])
        sound = fields.is_not_null()
        made = records.filter(sound).with_columns(fields.filter(sound).alias("fields"))
        outcome = headed(super().decode(made, wanted, apart), made)
        lost = records.select("record", "offset", "message").with_columns(faults.alias("reason")).filter(faults.is_not_null())
        rejected = [part for part in (outcome.rejected, lost) if part.height]
        if outcome.rejected.height:  # the line, not the fields made of it
            texts = records.select("record", "message")
            rejected[0] = outcome.rejected.drop("message").join(texts, on="record", how="left").select("record", "offset", "message", "reason")
        outcome.rejected = pl.concat(rejected).sort("record") if rejected else no_rows(reason=True)
        if ignored:
            outcome.ignored = dict(sorted({**outcome.ignored, HEADING: ignored}.items()))
        return outcome

    def _groups(self, texts: pl.Series) -> tuple[pl.Series, pl.Series, int]:
        """Return the named groups of each line as a JSON object, null where the regex does not match, and why."""
        found = pl.col("t").str.extract_groups(f"{self.spec.regex}(?P<{_MARK}>)").alias("g")
        groups = texts.fill_null("").alias("t").to_frame().select(found).unnest("g")
        hits = groups[_MARK].is_not_null()
        names = [name for name in groups.columns if not name.isdigit() and name != _MARK]
        packed = groups.select(pl.struct(names).struct.json_encode().alias("fields"))["fields"] if names else pl.Series("fields", ["{}"] * len(texts))
        fields = packed.set(~hits, None)
        faults = pl.Series([NO_MATCH], dtype=pl.String).new_from_index(0, len(texts)).set(hits, None)
        return fields, faults, 0

    def _cells(self, texts: pl.Series) -> tuple[pl.Series, pl.Series, int]:
        """Return the cells of each line as a JSON object, null where there are others than the columns, and why; and how many lines are headings."""
        columns, delimiter = self.spec.columns, self.spec.delimiter
        fields: list[str | None] = []
        faults: list[str | None] = []
        headings = 0
        for text in texts.fill_null("").to_list():
            fault = made = None
            try:
                cells = next(csv.reader([text], delimiter=delimiter, strict=True), [])
            except csv.Error:
                fault = QUOTES
            else:
                if tuple(cell.strip() for cell in cells) == columns:
                    headings += 1
                elif len(cells) != len(columns):
                    fault = CELLS
                else:
                    made = msgspec.json.encode(dict(zip(columns, cells, strict=True))).decode()
            fields.append(made)
            faults.append(fault)
        return pl.Series(fields, dtype=pl.String), pl.Series(faults, dtype=pl.String), headings

    def _event(self, fields: Mapping[str, Any]) -> Made:
        """Return the columns of an event."""
        spec = self.spec
        kind = _value(spec.kind, fields)
        if kind is None:
            return UNLISTED
        if kind == "ignore":
            return IGNORED
        row: dict[str, Any] = {name: _value(choice, fields) for name, choice in spec.to.items()}
        row |= {"kind": kind, "pattern": kind.replace("_", "-"), "time": self._time(_field(fields, spec.time.field))}
        row.setdefault("host", None)
        row.setdefault("observer", row["host"])
        if kind in _LOGONS and row.get("auth_method") is None:
            row["auth_method"] = str(AuthMethod.UNKNOWN)
        if spec.extra:
            row["extra"] = {name: _field(fields, name) for name in spec.extra}
        return row

    def _time(self, value: Any) -> Any:
        form = self.spec.time.form
        if value is None or value == "":
            if self.timeless:
                return None
            raise Unreadable(NO_TIME)
        if form == "epoch":
            micros = epoch_micros(float(value) if value.__class__ is str and _is_fraction(value) else value)
            if micros is None:
                raise Unreadable(BAD_TIME)
            return micros if micros % _SECOND else (_EPOCH + timedelta(microseconds=micros)).isoformat()
        if value.__class__ is not str:
            raise Unreadable(BAD_TIME)
        try:
            moment = datetime.fromisoformat(value.strip()) if form == "iso" else datetime.strptime(value.strip(), form)  # noqa: DTZ007 - the zone comes next
            return (moment if moment.tzinfo is not None or self._zone is None else moment.replace(tzinfo=self._zone)).isoformat()
        except (ValueError, OverflowError):
            raise Unreadable(BAD_TIME) from None


def _is_fraction(text: str) -> bool:
    whole, point, rest = text.partition(".")
    return bool(point) and whole.isascii() and whole.isdigit() and rest.isascii() and rest.isdigit() and len(text) < 24


def _field(fields: Mapping[str, Any], name: str) -> Any:
    """Return a field; ``a.b`` is the key of that name, else the key ``b`` of the object ``a``."""
    if name in fields:
        return fields[name]
    value: Any = fields
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _value(choice: Choice, fields: Mapping[str, Any]) -> str | None:
    if choice.constant is not None:
        return choice.constant
    value = _field(fields, choice.field)
    text = str(value).lower() if isinstance(value, bool) else said(value)
    if choice.values is None:
        return text
    return choice.values.get(text) if text is not None else None
