r"""Windows event logs as tables: what each event id of a channel means.

A :class:`Meaning` names the data of an event that become columns. A record of a Windows log (columns of
:data:`gatewatch.schema.records.WINDOWS_DTYPES`) goes to the :class:`WindowsSource` that lists its channel and id; what a claimed channel
holds besides is ignored by its id. Data names are Windows' own (``TargetUserName``); the columns they become:

=====================  ================================================================================================
column                 made from its datum
=====================  ================================================================================================
``user``               ``user`` and ``user_domain`` (:func:`gatewatch.schema.users.split_user`)
``target_user``        ``target_user``, resolved the same way
``domain``             ``user_domain`` where the name itself bears none
``sid``, ``target_sid``  no column: the SID of ``user`` or ``target_user``. Windows' own accounts get their English names by it, ANONYMOUS LOGON none
``rhost``              ``src_ip`` when it is an address, ``src_host`` when it is a name, null when a placeholder
``src_host``           ``src_host`` unless it is an address or a placeholder; leading backslashes go
``dhost``              ``dst_ip`` or ``dst_host``
``assigned_ip``        ``assigned_ip`` when it is an address
``src_port`` …         ``src_port``, ``dst_port``; 0 is null
``session`` …          ``session``, ``linked_session``: a logon id, written ``logon:0x3e7``; ``0x0`` is null
``host``               ``host``, where another host than the one that wrote the record is meant
``bytes_in`` …         ``bytes_in``, ``bytes_out``
others                 the column of that name (``object``, ``command``, ``process``, ``parent``), null when ``-`` or empty
=====================  ================================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from types import NoneType
from typing import Any, NamedTuple

import msgspec
import polars as pl
from msgspec.structs import astuple

from gatewatch.schema import encoded
from gatewatch.schema import events as ev
from gatewatch.schema.addresses import canonical_address
from gatewatch.schema.events import Kind, Service
from gatewatch.schema.records import DATUM as RAW  # before the name of a datum, in the frame that ``refine`` gets
from gatewatch.schema.secret import TELLTALE
from gatewatch.sources.json_column import read_columns
from gatewatch.sources.pattern import Outcome, no_rows, rows_left
from gatewatch.sources.resolver import as_name, map_values, resolve_host, resolve_user
from gatewatch.sources.windows_code import WELL_KNOWN

NO_OBJECT = "event data is no JSON object"
NO_DATA = "event without data"
NO_ENGLISH = "localised text without event data"
_PLAIN_FACTS = frozenset({Kind.LOG_CLEARED, Kind.BOOT, Kind.CLOCK_CHANGE, Kind.CONFIG_CHANGE})  # their id alone says what happened
_CARRIED = ("record", "offset", "time", "local", "rel", "resolution", "host", "count", "event_record", "channel", "user_sid")
_PLAIN = ("object", "command", "process", "parent")
_NUMBERS = ("bytes_in", "bytes_out")
_PORTS = ("src_port", "dst_port")
_SESSIONS = ("session", "linked_session")
_BLANK = 8  # bytes of data that may be none
_TOGETHER = 4096  # texts decoded in one call
_INT64 = 1 << 63
_FAULTS = (msgspec.MsgspecError, UnicodeError, RecursionError)
_NOTHING = ("", "-")
_NOBODY = (*_NOTHING, "0x0", "S-1-0-0")  # what stands for "none" where a datum has alternatives

Refine = Callable[[pl.DataFrame], pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Meaning:
    """One event of a channel: its ids, its data, and what it means (``kind``) or why it is ignored (``why``).

    ``ids``: none means any event of its ``providers`` that no id claims. ``columns``: column -> name of the datum (several names: the first that
    is there). ``extra``: data kept in ``extra`` under their own names. ``text``: datum -> regex whose first group is its value in the rendered
    message, for exports that carry nothing else (:mod:`gatewatch.sources.windows_excerpt`); ``hint`` then looks into the message, too.
    ``providers``: where ids are shared, only events of these (case-insensitive; ``name*`` is a beginning). ``hint``: a regex that the raw data
    (JSON) must hold for the event to matter in a scan; the others are recognised and make no event. ``skip``: a regex that takes events out of a
    scan unless they bear the ``hint``; a hint is then not required. ``sieve``: what hint and skip ask for, said of data in columns
    (:func:`datum`), where that tells as much; such data need not be written as JSON first. ``kinds``: what ``refine`` may make of it, where that
    is more than ``kind``. ``always``: it is made whatever kinds are wanted, as joining reports needs it. ``refine`` gets the columns made so far
    and every datum named here as ``x_<name>`` (text; null where absent), must keep the rows, and may set ``kind`` to null with the reason in
    ``pattern``: such a record is ignored.
    """

    name: str
    ids: tuple[int, ...]
    kind: Kind | None = None
    why: str = ""
    columns: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    set: Mapping[str, str | int | bool | None] = field(default_factory=dict)
    extra: tuple[str, ...] = ()
    text: Mapping[str, str] = field(default_factory=dict)
    reads: tuple[str, ...] = ()  # data that only ``refine`` looks at
    made: tuple[str, ...] = ()  # what ``refine`` adds to ``extra``, as columns ``x_<name>``
    providers: tuple[str, ...] = ()
    hint: str = ""
    skip: str = ""
    sieve: pl.Expr | None = None
    kinds: tuple[Kind, ...] = ()
    always: bool = False
    refine: Refine | None = None

    @property
    def data(self) -> tuple[str, ...]:
        """The names of all data it looks at, each once."""
        named = [name for value in self.columns.values() for name in ((value,) if isinstance(value, str) else value)]
        return tuple(dict.fromkeys([*named, *self.extra, *self.reads]))

    def may_be(self, wanted: Collection[Kind] | None) -> bool:
        """Return whether it can make an event of a *wanted* kind (None: any)."""
        return self.kind is not None and (self.always or wanted is None or any(kind in wanted for kind in self.kinds or (self.kind,)))


class WindowsSource:
    """The source of some events of one or several channels.

    ``name`` is the id users see, ``channels`` the channels it reads, ``others`` says why the events of these channels that no source
    lists are ignored. ``reads_message``: its meanings can also be read from the rendered text; elsewhere a record without data is rejected.
    """

    programs: tuple[str, ...] = ()

    def __init__(
        self,
        *,
        name: str,
        title: str,
        channels: tuple[str, ...],
        meanings: tuple[Meaning, ...],
        service: Service | None = None,
        references: tuple[str, ...] = (),
        others: str = "says nothing of remote access",
        reads_message: bool = False,
    ) -> None:
        self.name = name
        self.title = title
        self.channels = channels
        self.meanings = meanings
        self.service = service
        self.references = references
        self.others = others
        self.reads_message = reads_message
        self._any_id = tuple(meaning for meaning in meanings if not meaning.ids)
        self._by_id: dict[int, tuple[Meaning, ...]] = {}
        for meaning in meanings:
            for number in meaning.ids:
                self._by_id[number] = (*self._by_id.get(number, ()), meaning)
        self._decoders = {meaning.name: _decoder(meaning.data) for meaning in meanings}

    @property
    def ids(self) -> frozenset[int]:
        """The event ids it lists."""
        return frozenset(self._by_id)

    def wants(self, event_id: int, wanted: Collection[Kind] | None) -> bool:
        """Return whether an event of this id can become an event of a *wanted* kind."""
        return any(meaning.may_be(wanted) for meaning in self._of(event_id))

    def hint(self, event_id: int, wanted: Collection[Kind] | None) -> str | None:
        """Return the regex that the JSON of an event of this id must hold to become one of a *wanted* kind; None where any may."""
        meanings = [meaning for meaning in self._of(event_id) if meaning.may_be(wanted)]
        if not meanings or any(meaning.skip or not meaning.hint for meaning in meanings):
            return None
        return "|".join(f"(?:{meaning.hint})" for meaning in meanings)

    def data(self, event_id: int, wanted: Collection[Kind] | None) -> tuple[str, ...] | None:
        """Return the names of the data that decide about an event of this id; None where all are asked for, as JSON."""
        meanings = [meaning for meaning in self._of(event_id) if meaning.may_be(wanted)]
        if _whole(wanted) or any((meaning.hint or meaning.skip) and meaning.sieve is None for meaning in meanings):
            return None
        return tuple(dict.fromkeys(name for meaning in meanings for name in meaning.data))

    def fate(self, event_id: int) -> str | None:
        """Return why records of this id are ignored; None when they are used (or when only their data can tell)."""
        meanings = self._of(event_id)
        if not meanings:
            return f"event {event_id} {self.others}"
        return meanings[0].name if all(meaning.kind is None for meaning in meanings) else None

    def _of(self, event_id: int) -> tuple[Meaning, ...]:
        return self._by_id.get(event_id, ()) + self._any_id

    def decode(
        self,
        records: pl.DataFrame,
        wanted: Collection[Kind] | None = None,
        apart: Collection[Kind] = (),
        ready: Sequence[pl.DataFrame] = (),
    ) -> Outcome:
        """Decode records of our channels (columns of ``WINDOWS_DTYPES``).

        Events of the kinds *apart* bear no ``extra`` in a scan. With *wanted* None, ``extra`` holds all the record said; where ``other`` is among
        them, what its data would ignore is such an event, too. *ready*: more records, each frame of one event id, whose data stand in columns as
        :meth:`data` asked for them.
        """
        rules = wanted is not None and Kind.OTHER in wanted
        whole = _whole(wanted)
        parts = [(number, part, False) for (number,), part in records.partition_by("event_id", as_dict=True, maintain_order=True).items()]
        parts += [(frame["event_id"][0], frame, True) for frame in ready if frame.height]
        events: list[pl.DataFrame] = []
        rejected: list[pl.DataFrame] = []
        ignored: dict[str, int] = {}
        skipped = 0
        for number, part, columnar in parts:
            rest = part
            for meaning in self._of(number):
                rows, rest = _of_providers(rest, meaning.providers)
                if not rows.height:
                    continue
                if meaning.kind is None:
                    ignored[meaning.name] = ignored.get(meaning.name, 0) + rows.height
                    continue
                if not meaning.may_be(wanted):
                    skipped += rows.height
                    continue
                if (meaning.hint or meaning.skip) and not whole:
                    hit = rows.select(_matters(meaning, columnar=columnar).alias("h"))["h"]
                    skipped += int((~hit).sum())
                    rows = rows.filter(hit)
                    if not rows.height:
                        continue
                rows, mute = (rows, []) if columnar else self._speaking(meaning, rows)
                rejected += mute
                if not rows.height:
                    continue
                made, broken = self._shape(meaning, rows, whole=whole, apart=apart, columnar=columnar)
                if broken is not None:
                    rejected.append(broken)
                silent = made["kind"].is_null()
                if silent.any() and rules:
                    made = made.with_columns(pl.col("kind").fill_null(str(Kind.OTHER)))
                elif silent.any():
                    for reason, count in made.filter(silent)["pattern"].value_counts().iter_rows():
                        ignored[reason] = ignored.get(reason, 0) + count
                    made = made.filter(~silent)
                if not whole and wanted is not None and not meaning.always:
                    keep = made["kind"].cast(pl.String).is_in([str(kind) for kind in wanted])
                    skipped += int((~keep).sum())
                    made = made.filter(keep)
                if made.height:
                    events.append(made)
            if rest.height:
                reason = f"event {number} {self.others}"
                ignored[reason] = ignored.get(reason, 0) + rest.height
        table = (
            pl.concat(events, how="diagonal").sort("record")
            if events
            else ev.empty("record", "offset", "time", "host", "count", "kind", "source", "pattern")
        )
        rejects = pl.concat(rejected) if rejected else no_rows(reason=True)
        return Outcome(table, dict(sorted(ignored.items())), no_rows(), rejects, table.height + skipped)

    def _speaking(self, meaning: Meaning, rows: pl.DataFrame) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
        """Return the rows that say anything, and the others as rejects: no data, or only a text that is not read."""
        if not meaning.data or meaning.kind in _PLAIN_FACTS:
            return rows, []
        empty = rows["fields"].str.len_bytes().fill_null(0) <= _BLANK
        if not empty.any():
            return rows, []
        empty &= rows["fields"].fill_null("{}").str.strip_chars().is_in(["{}", ""])
        texts = rows["message"].is_not_null() & (rows["message"] != "")
        mute = empty if not (self.reads_message or meaning.text) else empty & ~texts
        lost = [rows_left(rows.filter(mute & ~texts), NO_DATA), rows_left(rows.filter(mute & texts), NO_ENGLISH)]
        return rows.filter(~mute), [part for part in lost if part.height]

    def _shape(
        self, meaning: Meaning, rows: pl.DataFrame, *, whole: bool, apart: Collection[Kind], columnar: bool
    ) -> tuple[pl.DataFrame, pl.DataFrame | None]:
        """Return the events that *rows* are, and those whose data cannot be read as rejects."""
        if columnar:
            data, sound = [rows[f"{RAW}{name}"] for name in meaning.data], None
        else:
            data, sound = _data(rows["fields"], meaning.data, self._decoders[meaning.name])
        broken: pl.DataFrame | None = None
        if sound is not None:
            broken = rows_left(rows.filter(~sound), NO_OBJECT)
            rows = rows.filter(sound)
        raw = {name: values.alias(f"{RAW}{name}") for name, values in zip(meaning.data, data, strict=True)}
        if meaning.text and rows["message"].null_count() < rows.height:
            raw |= {name: _told(raw[name], rows["message"], regex) for name, regex in meaning.text.items()}
        frame = rows.select([name for name in _CARRIED if name in rows.columns])
        frame = frame.hstack(list(raw.values()))
        frame = frame.with_columns(self._columns(meaning, rows, raw))
        if meaning.refine is not None and frame.height:
            frame = meaning.refine(frame)
        if whole:
            made = [frame[f"{RAW}{name}"].alias(name) for name in meaning.made if f"{RAW}{name}" in frame.columns]
            frame = frame.with_columns(everything(rows, made))
        else:
            frame = _with_extra(frame, (*meaning.extra, *meaning.made), apart)
        return frame.drop([name for name in frame.columns if name.startswith(RAW)]), broken

    def _columns(self, meaning: Meaning, rows: pl.DataFrame, raw: Mapping[str, pl.Series]) -> list[pl.Expr]:
        columns: list[pl.Expr] = [
            pl.lit(str(meaning.kind), ev.KIND).alias("kind"),
            pl.lit(self.name).alias("source"),
            pl.lit(meaning.name).alias("pattern"),
            pl.lit(rows["host"]).alias("observer"),
        ]
        if self.service is not None and "service" not in meaning.set:
            columns.append(pl.lit(str(self.service), ev.SERVICE).alias("service"))
        if rows["message"].null_count() < rows.height:
            columns.append(pl.lit(rows["message"]).alias("message"))
        chosen = {column: _choose(raw, names) for column, names in meaning.columns.items()}
        _name_well_known(chosen)
        for column, values in chosen.items():
            if column in ("user", "target_user"):
                columns += resolve_user(values, column)
            elif column in ("rhost", "dhost"):
                address, name = ("src_ip", "src_host") if column == "rhost" else ("dst_ip", "dst_host")
                columns += resolve_host(values, address, name)[: 1 if name in chosen else 2]
            elif column in ("src_host", "dst_host"):
                columns.append(pl.lit(map_values(values.str.strip_chars_start("\\"), as_name)).alias(column))
            elif column in _PORTS:
                port = values.cast(pl.UInt16, strict=False)
                columns.append(pl.lit(port.set(port == 0, None)).alias(column))
            elif column in _NUMBERS:
                columns.append(pl.lit(values.cast(pl.Int64, strict=False)).alias(column))
            elif column in _SESSIONS:
                columns.append(pl.lit(logon_id(values)).alias(column))
            elif column == "host":
                columns.append(pl.lit(_present(values).fill_null(rows["host"])).alias("host"))
            elif column == "assigned_ip":
                columns.append(pl.lit(map_values(values, canonical_address)).alias(column))
            elif column in _PLAIN:
                columns.append(pl.lit(masked(_present(values)) if column == "command" else _present(values)).alias(column))
        if "domain" in chosen:
            domain = _present(chosen["domain"]).str.to_lowercase()
            own = next((expr for expr in columns if expr.meta.output_name() == "user_domain"), None)
            columns = [expr for expr in columns if expr is not own]
            columns.append((pl.lit(domain) if own is None else pl.coalesce(own, pl.lit(domain))).alias("user_domain"))
        columns += [pl.lit(value, ev.DTYPES[name]).alias(name) for name, value in meaning.set.items()]
        return columns


def logon_id(values: pl.Series) -> pl.Series:
    """Return logon ids as session ids: ``logon:0x3e7``; null for ``0x0``, ``-`` and what is no number."""
    known = values.str.to_lowercase().str.strip_chars()
    digits = known.str.extract(r"^0x0*([0-9a-f]+)$", 1)
    decimal = known.str.extract(r"^([0-9]+)$", 1).cast(pl.UInt64, strict=False)
    if decimal.null_count() < len(decimal):
        digits = digits.zip_with(decimal.is_null(), pl.Series([None if n is None else f"{n:x}" for n in decimal.to_list()], dtype=pl.String))
    return pl.select(pl.when(pl.lit(digits) != "0").then(pl.lit("logon:0x") + pl.lit(digits))).to_series() if len(values) else digits


def foreign(name: str) -> pl.Expr:
    """Return, for a ``refine``, the column *name* (a computer) unless it is the one that wrote the record (NetBIOS names end after 15)."""
    short, own = (pl.col(column).str.to_lowercase().str.extract(r"^([^.]{1,15})", 1) for column in (name, "host"))
    return pl.when((short != own).fill_null(True)).then(pl.col(name)).alias(name)


def as_kind(kind: Kind) -> pl.Expr:
    """Return, for a ``refine``, *kind* as a value of the column ``kind``."""
    return pl.lit(str(kind), ev.KIND)


def silent_where(condition: pl.Expr, reason: str) -> list[pl.Expr]:
    """Return, for a ``refine``, ``kind`` and ``pattern`` such that records of *condition* are ignored for *reason*."""
    silent = condition.fill_null(False)
    return [
        pl.when(~silent).then(pl.col("kind")).alias("kind"),
        pl.when(silent).then(pl.lit(reason)).otherwise(pl.col("pattern")).alias("pattern"),
    ]


def masked(commands: pl.Series) -> pl.Series:
    """Return command lines with what looks like a secret replaced, and what PowerShell got as base64 behind them."""
    suspect = commands.str.contains(f"{TELLTALE}|{encoded.TELLTALE}").fill_null(False)
    if not suspect.any():
        return commands
    return commands.clone().scatter(suspect.arg_true(), map_values(commands.filter(suspect), encoded.reveal))


def datum(name: str) -> pl.Expr:
    """Return, for a ``refine``, the datum *name* as text; null where absent."""
    return pl.col(f"{RAW}{name}")


def _whole(wanted: Collection[Kind] | None) -> bool:
    """Return whether all that records say is asked for."""
    return wanted is None or Kind.OTHER in wanted


def _matters(meaning: Meaning, *, columnar: bool) -> pl.Expr:
    """Return whether a record's raw data say that it matters in a scan."""
    if columnar and meaning.sieve is not None:
        return meaning.sieve.fill_null(False)
    named = [~pl.col("fields").str.contains(meaning.skip)] if meaning.skip else []
    named += [pl.col("fields").str.contains(meaning.hint)] if meaning.hint else []
    named += [pl.col("message").str.contains(meaning.hint)] if meaning.hint and meaning.text else []
    return pl.any_horizontal(named).fill_null(False)


def read_data(rows: pl.DataFrame, names: Sequence[str]) -> tuple[dict[str, pl.Series], pl.DataFrame]:
    """Return the data *names* of *rows* as text, without the rows whose data cannot be read, and these as rejects."""
    data, sound = _data(rows["fields"], names, _decoder(names))
    broken = no_rows(reason=True) if sound is None else rows_left(rows.filter(~sound), NO_OBJECT)
    return {name: values.alias(name) for name, values in zip(names, data, strict=True)}, broken


class Decoders(NamedTuple):
    """Decoders of event data: of one object, of an array of them, and what gives the values of a decoded one as a tuple."""

    one: msgspec.json.Decoder[Any]
    many: msgspec.json.Decoder[list[Any]]
    values: Callable[[Any], tuple[Any, ...]]


def _decoder(names: Sequence[str]) -> Decoders:
    fields: list[tuple[str, Any, Any]] = [(f"f{place}", Any, None) for place in range(len(names))]
    shape = msgspec.defstruct("Data", fields, rename={f"f{place}": name for place, name in enumerate(names)}, gc=False)
    values = attrgetter(*(f"f{place}" for place in range(len(names)))) if len(names) > 1 else astuple
    return Decoders(msgspec.json.Decoder(shape), msgspec.json.Decoder(list[shape]), values)  # type: ignore[valid-type]


def _data(fields: pl.Series, names: Sequence[str], decoders: Decoders) -> tuple[list[pl.Series], pl.Series | None]:
    """Return the data *names* of *fields* as columns of text, and which fields were sound (None: all); those that were not are not in the columns."""
    columns = read_columns(fields, names)
    if columns is not None:
        return columns, None
    data, sound = _read(fields.to_list(), decoders, len(names))
    return [_series("", values) for values in data], sound


def _read(texts: Sequence[str | None], decoders: Decoders, width: int) -> tuple[list[tuple[Any, ...]], pl.Series | None]:
    """Return the data by name, as columns, and which texts were sound (None: all)."""
    found: list[Any] = []
    sound: list[bool] = []
    for start in range(0, len(texts), _TOGETHER):
        part = [text or "{}" for text in texts[start : start + _TOGETHER]]
        try:
            # a line end within a text is no JSON, so no text can run on into the next
            objects = decoders.many.decode("[" + ",\n".join(part) + "]")
        except _FAULTS:
            objects = []
        if len(objects) == len(part):
            found += objects
            sound += [True] * len(part)
            continue
        for text in part:
            try:
                found.append(decoders.one.decode(text))
                sound.append(True)
            except _FAULTS:
                sound.append(False)
    data = list(zip(*map(decoders.values, found), strict=True)) if found and width else [()] * width
    return data, None if all(sound) else pl.Series(sound, dtype=pl.Boolean)


def _series(name: str, values: Sequence[Any]) -> pl.Series:
    """Return *values* as text: numbers as JSON writes them, lists joined by line ends."""
    kinds = set(map(type, values))
    if kinds <= {str, NoneType}:
        return pl.Series(name, values, dtype=pl.String)
    if kinds <= {int, NoneType} and all(value is None or -_INT64 <= value < _INT64 for value in values):
        return pl.Series(name, values, dtype=pl.Int64).cast(pl.String)
    return pl.Series(name, [value if value.__class__ is str else _text(value) for value in values], dtype=pl.String)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "\n".join(text for text in map(_text, value) if text is not None)
    return str(value) if isinstance(value, int | float) else msgspec.json.encode(value).decode()


def _present(values: pl.Series) -> pl.Series:
    return values.set(values.is_in(_NOTHING), None) if values.is_in(_NOTHING).any() else values


def _name_well_known(chosen: dict[str, pl.Series]) -> None:
    """Give Windows' own accounts their English names by SID; computers keep theirs."""
    for sid, user, domain in (("sid", "user", "domain"), ("target_sid", "target_user", "")):
        if sid not in chosen or user not in chosen:
            continue
        names = chosen[sid].str.to_uppercase().replace_strict(WELL_KNOWN, default=None, return_dtype=pl.String)
        own = names.is_not_null() & ~chosen[user].str.ends_with("$").fill_null(False)
        if own.any():
            chosen[user] = chosen[user].zip_with(~own, names)
            if domain in chosen:
                chosen[domain] = chosen[domain].set(own, "NT AUTHORITY")


def _told(values: pl.Series, messages: pl.Series, regex: str) -> pl.Series:
    """Return *values*, and where there is none what *regex* finds in the message."""
    missing = values.is_null() & messages.is_not_null()
    return values.zip_with(~missing, messages.str.extract(regex, 1).str.strip_chars()) if missing.any() else values


def _choose(raw: Mapping[str, pl.Series], names: str | tuple[str, ...]) -> pl.Series:
    if isinstance(names, str):
        return raw[names]
    parts = [raw[name].set(raw[name].is_in(_NOBODY), None) for name in names]
    result = parts[0]
    for part in parts[1:]:
        result = result.zip_with(result.is_not_null(), part)
    return result


def _of_providers(rows: pl.DataFrame, providers: tuple[str, ...]) -> tuple[pl.DataFrame, pl.DataFrame]:
    if not providers or not rows.height:
        return rows, rows.clear()
    names = rows["provider"].str.to_lowercase()
    ours = names.is_in([name.lower() for name in providers]).fill_null(False)
    for beginning in (name[:-1].lower() for name in providers if name.endswith("*")):
        ours |= names.str.starts_with(beginning).fill_null(False)
    return rows.filter(ours), rows.filter(~ours)


def _with_extra(frame: pl.DataFrame, names: Sequence[str], apart: Collection[Kind]) -> pl.DataFrame:
    """Add ``extra`` to the rows of *frame* whose kind is not *apart*: of bulk events nobody reads it in a scan."""
    bulk = frame["kind"].cast(pl.String).is_in([str(kind) for kind in apart]).fill_null(False)
    if not bulk.any():
        return frame.with_columns(_extra(names))
    if bulk.all():
        return frame
    parts = [frame.filter(bulk), frame.filter(~bulk).with_columns(_extra(names))]
    return pl.concat(parts, how="diagonal").sort("record")


def _extra(names: Sequence[str]) -> list[pl.Expr]:
    """Return ``extra``: the named data that are there, as a JSON object; null when none is."""
    if not names:
        return []
    present = [pl.when(~datum(name).is_in(_NOTHING)).then(datum(name)).alias(name) for name in names]
    known = pl.any_horizontal(part.is_not_null() for part in present)
    return [pl.when(known).then(pl.struct(present).struct.json_encode()).alias("extra")]


def everything(rows: pl.DataFrame, more: Sequence[pl.Series] = ()) -> pl.Expr:
    """Return ``extra`` with all data of the record, the system part under Sigma's names, and the columns *more*."""
    made = []
    added = pl.DataFrame(more).to_dicts() if more else [{}] * rows.height
    names = ("fields", "event_id", "channel", "provider", "host", "event_record", "activity", "user_sid")
    for place, (fields, number, channel, provider, computer, record, activity, sid) in enumerate(rows.select(names).iter_rows()):
        system = {"EventID": number, "Channel": channel, "Provider_Name": provider, "Computer": computer}
        rest = {"EventRecordID": record, "ActivityID": activity, "UserID": sid, **added[place]}
        system |= {name: value for name, value in rest.items() if value is not None}
        body = (fields or "{}").strip()
        # System 104 has a datum Channel, and it is not that of the record
        own = {name if f'"{name}":' not in body else f"System_{name}": value for name, value in system.items()}
        head = msgspec.json.encode(own).decode()
        made.append(head if body == "{}" else f"{head[:-1]},{body[1:]}" if own else body)
    return pl.lit(pl.Series(made, dtype=pl.String)).alias("extra")
