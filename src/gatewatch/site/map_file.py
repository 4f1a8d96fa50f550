"""Loading map files: a log format of the user's own in TOML; all that is wrong is said at once with its line.

Whether the samples of a map become what they should is checked where they can be decoded (:mod:`gatewatch.engines.mapping`).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from gatewatch.errors import UsageError
from gatewatch.schema.events import DTYPES, AuthMethod, Kind, Mfa, Service
from gatewatch.schema.mapping import Choice, MapForm, MapSample, MapSpec, MapTime
from gatewatch.site.line import find_lines
from gatewatch.site.reader import Fault, Faults, Reader, flag, parse_zone, text
from gatewatch.site.suggestion import did_you_mean

COLUMNS = (
    *("service", "observer", "host", "host_ip", "user", "user_domain", "target_user", "rhost", "src_port", "src_host", "dhost", "dst_port"),
    *("dst_host", "session", "linked_session", "assigned_ip", "auth_method", "mfa", "bytes_in", "bytes_out", "process", "command"),
    *("parent", "object", "message", "count"),
)
"""What a map may fill: ``rhost`` and ``dhost`` are the two ends of the connection, as address or as name."""
_ENUMS: Mapping[str, tuple[str, ...]] = {
    "service": tuple(str(value) for value in Service),
    "auth_method": tuple(str(value) for value in AuthMethod),
    "mfa": tuple(str(value) for value in Mfa),
}
_KINDS = tuple(str(kind) for kind in Kind)
IGNORE = "ignore"
_PUNCTUATION = re.compile(r"[^A-Za-z0-9_ ]")
_escaped = r"\\\g<0>"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_TOML_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


def load_maps(path: str | Path) -> tuple[MapSpec, ...]:
    """Return the maps that the file *path* describes. UsageError, one ``file:line: what`` per line, when anything in it is wrong."""
    specs, faults = _read(Path(path))
    if faults or not specs:
        found = sorted(set(faults)) or [Fault(1, "holds no [[map]]")]
        raise UsageError("\n".join(f"{path}:{fault.line}: {fault.text}" for fault in found))
    return specs


def _read(path: Path) -> tuple[tuple[MapSpec, ...], list[Fault]]:
    try:
        content = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        return (), [Fault(1, f"cannot be read: {error.strerror or error}")]
    except UnicodeDecodeError as error:
        return (), [Fault(1 + error.object[: error.start].count(b"\n"), "is not UTF-8 text")]
    try:
        values = tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        place = _TOML_PLACE.search(str(error))
        line = int(place.group(1)) if place is not None and place.group(1) else content.count("\n") + 1
        return (), [Fault(line, f"is no TOML: {_TOML_PLACE.sub('', str(error))}")]
    except RecursionError:
        return (), [Fault(1, "is no TOML: nested too deeply")]
    faults = Faults(find_lines(content))
    root = Reader(values, (), faults)
    specs: list[MapSpec] = []
    for entry in root.tables("map"):
        spec = _Map(entry, str(path)).spec()
        if any(spec.name == other.name for other in specs):
            entry.fault("name", f"there are two maps {spec.name!r}")
        specs.append(spec)
    root.close()
    return tuple(specs), faults.found


class _Map:
    """One ``[[map]]`` while it is read."""

    def __init__(self, entry: Reader, path: str) -> None:
        self.entry = entry
        self.path = path

    def spec(self) -> MapSpec:
        entry = self.entry
        name = entry.need("name", _name, "events come from the source map:NAME") or ""
        title = entry.get("title", text) or f"A format of your own: {name}"
        form = entry.need("format", _form, f"one of {', '.join(MapForm)}") or MapForm.JSON
        regex = entry.get("regex", _regex) or ""
        recognise = self._recognise(form, regex)
        columns, delimiter = entry.many("columns", text, unique=False), entry.get("delimiter", _delimiter)
        program = entry.get("program", text)
        self._fits(form, regex, columns, delimiter, program)
        known = self._fields(form, regex, columns)
        kind = self._kind(known)
        time = self._time(known)
        to = self._to(known)
        extra = entry.many("extra", self._field(known))
        samples = self._samples()
        line = entry.faults.lines.get(entry.path, 1)
        entry.close()
        return MapSpec(
            name, title, form, recognise, kind, time, to, extra, regex, program, columns, delimiter or ",", samples, self.path, line
        )  # fmt: skip

    def _recognise(self, form: MapForm, regex: str) -> tuple[str, ...]:
        entry = self.entry
        own = entry.get("recognise", _regex)
        keys = entry.many("keys", text)
        if form is MapForm.JSON:
            found = tuple(rf'"{_PUNCTUATION.sub(_escaped, key.rpartition(".")[2])}"\s*:' for key in keys)
            found += (own,) if own is not None else ()
            if not found:
                entry.fault(None, f"{entry.title} has neither 'keys' nor 'recognise': how are its objects told from others?")
            return found
        if keys:
            entry.fault("keys", "keys: only objects (format = \"json\") have keys")
        if own is None and form is MapForm.CSV:
            entry.fault(None, f"{entry.title} has no 'recognise': a regex that every line of it matches")
        return (own or regex,)

    def _fits(self, form: MapForm, regex: str, columns: tuple[str, ...], delimiter: str | None, program: str | None) -> None:
        entry = self.entry
        needed = {MapForm.REGEX: ("regex", regex), MapForm.CSV: ("columns", columns)}.get(form)
        if needed is not None and not needed[1] and needed[0] not in entry.values:
            entry.fault(None, f"{entry.title} has no {needed[0]!r}, which format = \"{form}\" needs")
        if len(set(columns)) != len(columns):
            entry.fault("columns", "columns: a name comes twice")
        of_regex, of_csv = (("regex", regex), ("program", program)), (("columns", columns), ("delimiter", delimiter))
        for key, given, of in (*((*one, MapForm.REGEX) for one in of_regex), *((*one, MapForm.CSV) for one in of_csv)):
            if given and form is not of:
                entry.fault(key, f"{key}: only for format = \"{of}\"")

    def _fields(self, form: MapForm, regex: str, columns: tuple[str, ...]) -> tuple[str, ...] | None:
        """Return the names of the fields, None where any may be there."""
        if form is MapForm.JSON:
            return None
        return columns if form is MapForm.CSV else group_names(regex)

    def _field(self, known: tuple[str, ...] | None) -> Callable[[Any], str]:
        def parse(value: Any) -> str:
            name = text(value)
            if known is not None and name not in known:
                raise ValueError(f"there is no field {name!r}{did_you_mean(name, known) or '; there are ' + ', '.join(known)}")
            return name

        return parse

    def _choice(self, reader: Reader, key: str, known: tuple[str, ...] | None, allowed: tuple[str, ...] | None) -> Choice | None:
        """Return where a value comes from: ``"field"`` or ``{field, values}`` or ``{value}``."""
        given = reader.values.get(key)
        if not isinstance(given, dict):
            found = reader.get(key, self._field(known))
            return None if found is None else Choice(found)
        inner = reader.table(key)
        constant = inner.get("value", _allowed(allowed))
        field = inner.get("field", self._field(known))
        table: dict[str, str] | None = None
        if "values" in inner.values:
            values = inner.table("values")
            parse = _allowed(allowed)
            table = {name: found for name in values.values if (found := values.get(name, parse)) is not None}
        inner.close()
        if (constant is None) == (field is None) and not any(one in inner.values for one in ("value", "field")):
            reader.fault(key, f"{key}: needs 'field' (and perhaps 'values'), or 'value'")
        if constant is not None and (field is not None or table is not None):
            reader.fault(key, f"{key}: 'value' stands alone")
        return Choice(field or "", table, constant)

    def _kind(self, known: tuple[str, ...] | None) -> Choice:
        allowed = (*_KINDS, IGNORE)
        if isinstance(self.entry.values.get("kind"), str):
            constant = self.entry.get("kind", _allowed(_KINDS))
            return Choice(constant=constant)
        if "kind" not in self.entry.values:
            self.entry.fault(None, f"{self.entry.title} has no 'kind': {{field = …, values = {{…}}}}, or one kind for all records")
        found = self._choice(self.entry, "kind", known, allowed) or Choice()
        if found.constant is None and found.values is None and "kind" in self.entry.values:
            self.entry.fault("kind", "kind: needs 'values', a table from the values of the field to kinds of event (or \"ignore\")")
        return found

    def _time(self, known: tuple[str, ...] | None) -> MapTime:
        if isinstance(self.entry.values.get("time"), str):
            return MapTime(self.entry.get("time", self._field(known)) or "")
        if "time" not in self.entry.values and "program" not in self.entry.values:  # else it is the header's
            self.entry.fault(None, f"{self.entry.title} has no 'time': {{field = …, format = …}}")
        table = self.entry.table("time")
        field = table.need("field", self._field(known), "the one that holds the time") if "time" in self.entry.values else None
        form, zone = table.get("format", _time_form), table.get("zone", parse_zone)
        table.close()
        return MapTime(field or "", form or "iso", zone)

    def _to(self, known: tuple[str, ...] | None) -> dict[str, Choice]:
        table = self.entry.table("to")
        found: dict[str, Choice] = {}
        for key in table.values:
            if key not in COLUMNS:
                table.asked.append(key)
                hint = " (the two ends are 'rhost' and 'dhost')" if key in ("src_ip", "dst_ip") else did_you_mean(key, COLUMNS)
                table.fault(key, f"there is no column {key!r} for a map to fill{hint}")
                continue
            choice = self._choice(table, key, known, _ENUMS.get(key))
            if choice is not None:
                found[key] = choice
        return found

    def _samples(self) -> tuple[MapSample, ...]:
        found = []
        for entry in self.entry.tables("sample"):
            raw = entry.need("raw", _raw, "the record as it stands in the log")
            ignore = entry.get("ignore", flag) or False
            table = entry.table("expect")
            expect: dict[str, str] = {}
            for key in table.values:
                table.asked.append(key)
                if key not in DTYPES and not key.startswith("extra."):
                    table.fault(key, f"there is no column {key!r}{did_you_mean(key, tuple(DTYPES))}")
                expect[key] = written(table.values[key])
            if ignore == bool(expect):
                entry.fault(None, f"{entry.title} needs 'expect' with columns of the event, or 'ignore = true'")
            entry.close()
            found.append(MapSample(raw or "", expect, ignore, entry.faults.lines.get(entry.path, 1)))
        if not any(sample.expect for sample in found):
            self.entry.fault(None, f"{self.entry.title} has no [[map.sample]] with 'expect': one record at least must show what it becomes")
        return tuple(found)


def written(value: Any) -> str:
    """Return a value as samples state it."""
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, datetime) else str(value)


def group_names(regex: str) -> tuple[str, ...]:
    """Return the names of the groups of a regex that is sound."""
    if not regex:
        return ()
    groups = pl.select(pl.lit("").str.extract_groups(regex).alias("g")).to_series()
    return tuple(field.name for field in groups.dtype.fields if not field.name.isdigit())  # type: ignore[attr-defined]


def _allowed(allowed: tuple[str, ...] | None) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        if allowed is None:
            return written(value)
        if value not in allowed:
            raise ValueError(f"{value!r} is none of {', '.join(allowed)}{did_you_mean(str(value), allowed)}")
        return str(value)

    return parse


def _name(value: Any) -> str:
    name = text(value)
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"{value!r} is no name: small letters, digits, '-' and '_'")
    return name


def _form(value: Any) -> MapForm:
    try:
        return MapForm(value)
    except ValueError:
        raise ValueError(f"{value!r} is none of {', '.join(MapForm)}") from None


def _regex(value: Any) -> str:
    regex = _raw(value)
    try:
        pl.Series(["x"]).str.contains(regex)
        pl.select(pl.lit("").str.extract_groups(f"{regex}(?P<zz>)"))
    except pl.exceptions.PolarsError as error:
        raise ValueError(f"no regex of linear time (no look-around, no back-references): {' '.join(str(error).split())}") from None
    return regex


def _delimiter(value: Any) -> str:
    if not isinstance(value, str) or len(value) != 1 or value in '"\r\n':
        raise ValueError(f"{value!r} is no single character")
    return value


def _raw(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or "\n" in value:
        raise ValueError(f"{value!r} is no text of one line")
    return value


def _time_form(value: Any) -> str:
    form = text(value)
    if form in ("iso", "epoch"):
        return form
    if "%" not in form:
        raise ValueError(f"{form!r} is neither iso, epoch nor a pattern such as %d/%m/%Y %H:%M:%S")
    if "%Y" not in form and "%y" not in form and "%c" not in form:
        raise ValueError(f"{form!r} has no year (%Y)")
    try:
        moment = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
        datetime.strptime(moment.strftime(form), form)  # noqa: DTZ007 - only whether the pattern can be read
    except ValueError as error:
        raise ValueError(f"{form!r}: {error}") from None
    return form
