"""Keys of ``extra`` as columns: what a rule asks of a key, read out of the JSON once for all rules.

``extra`` is one JSON object per event. :meth:`Key.expr` is the value of a key as an expression over ``extra``; :func:`read` makes the
values of many keys in one pass, as text, equal to those expressions. A key that is absent or null, and an ``extra`` that is no object,
give null; Booleans are ``true`` and ``false``.

The system part of a Windows event stands first in its ``extra``: ``EventID``, then ``Channel``. Where its data use the same name (event 104
has a ``Channel`` that says which log was cleared), that of the system part is ``System_Channel``. ``EVENT_ID`` and ``CHANNEL`` mean the
system part's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache, partial
from operator import itemgetter
from typing import Any

import msgspec
import polars as pl


class Reading(StrEnum):
    """How the value of a key is made."""

    JSON = "json"  # the value under the path
    EVENT_ID = "event_id"  # the number of a Windows event
    CHANNEL = "channel"  # its channel
    UNNAMED = "unnamed"  # its data that have no names, a line each
    TEXT = "text"  # ``message`` and every value, a line each


@dataclass(frozen=True, slots=True)
class Key:
    """One value in ``extra``: at ``path``, or made as ``reading`` says."""

    path: tuple[str, ...] = ()
    reading: Reading = Reading.JSON

    @property
    def label(self) -> str:
        """The name of its column in what :func:`read` returns; no column of the event table has such a name."""
        return ":".join(("extra", self.reading, *self.path))

    @property
    def columns(self) -> tuple[str, ...]:
        """The event columns it is made of."""
        return ("extra", "message") if self.reading is Reading.TEXT else ("extra",)

    def expr(self) -> pl.Expr:
        """Return its value as an expression over ``columns``."""
        if self.reading is Reading.JSON:
            return pl.col("extra").str.json_path_match("$" + "".join(f"['{name}']" for name in self.path))
        if self.reading is Reading.TEXT:
            return pl.struct("extra", "message").map_batches(_text_struct, return_dtype=pl.String, is_elementwise=True)
        making: Callable[[pl.Series], pl.Series] = _unnamed if self.reading is Reading.UNNAMED else partial(_head, reading=self.reading)
        return pl.col("extra").map_batches(making, return_dtype=pl.String, is_elementwise=True)


EVENT_ID = Key(("EventID",), Reading.EVENT_ID)
CHANNEL = Key(("Channel",), Reading.CHANNEL)
UNNAMED = Key((), Reading.UNNAMED)
TEXT = Key((), Reading.TEXT)
HEAD = frozenset({EVENT_ID, CHANNEL})
"""The keys that say which Windows event it is."""

_HEAD = r'\A\{"(?:System_)?EventID":([0-9]+),"(?:System_)?Channel":"([^"\\]*)"'
_PARAMETER = re.compile(r"param([0-9]{1,6})")
_ANY = msgspec.json.Decoder(dict[str, Any])
_SIMPLE = range(-(2**63), 2**63)


def read(part: pl.DataFrame, keys: Collection[Key]) -> pl.DataFrame:
    """Return *part* with the value of every key of *keys* (text) in a column named by its ``label``."""
    plain = sorted({key for key in keys if key.reading is Reading.JSON and len(key.path) == 1}, key=lambda key: key.path)
    other = sorted({key for key in keys if key.reading is not Reading.JSON or len(key.path) != 1}, key=lambda key: key.label)
    made = _objects(part["extra"], plain) if plain else []
    return part.hstack(made).with_columns(key.expr().alias(key.label) for key in other)


def _objects(extra: pl.Series, keys: Sequence[Key]) -> list[pl.Series]:
    decode = _decoder(tuple(key.path[0] for key in keys)).decode
    nothing = _nothing(len(keys))
    found: list[Any] = []
    for text in extra.to_list():
        if text is None:
            found.append(nothing)
            continue
        try:
            found.append(decode(text))
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            found.append(nothing)
    odd: set[int] = set()
    made = []
    for place, key in enumerate(keys):
        name = f"f{place}"
        values = [getattr(one, name) for one in found]
        texts = [value if value is None or value.__class__ is str else _plain(value, at, odd) for at, value in enumerate(values)]
        made.append(pl.Series(key.label, texts, dtype=pl.String))
    if odd:  # numbers with a point, lists and objects: as the expression writes them
        rows = sorted(odd)
        written = extra[rows].to_frame().select(key.expr().alias(key.label) for key in keys)
        made = [values.scatter(rows, written[values.name]) for values in made]
    return made


def _plain(value: object, at: int, odd: set[int]) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value in _SIMPLE:
        return str(value)
    odd.add(at)
    return None


@lru_cache(maxsize=256)
def _decoder(names: tuple[str, ...]) -> msgspec.json.Decoder[Any]:
    fields: list[tuple[str, Any, Any]] = [(f"f{place}", Any, None) for place in range(len(names))]
    shape = msgspec.defstruct("Extra", fields, rename={f"f{place}": name for place, name in enumerate(names)}, gc=False)
    return msgspec.json.Decoder(shape)


@lru_cache(maxsize=256)
def _nothing(width: int) -> object:
    return msgspec.defstruct("Nothing", [(f"f{place}", Any, None) for place in range(width)])()


def _head(extra: pl.Series, reading: Reading) -> pl.Series:
    found = extra.str.extract(_HEAD, 1 if reading is Reading.EVENT_ID else 2)
    missing = (found.is_null() & extra.is_not_null()).arg_true()
    if not len(missing):
        return found
    name = "EventID" if reading is Reading.EVENT_ID else "Channel"
    either = pl.coalesce(Key((f"System_{name}",)).expr(), Key((name,)).expr())
    return found.scatter(missing, extra[missing].to_frame("extra").select(either).to_series())


def _unnamed(extra: pl.Series) -> pl.Series:
    return pl.Series(extra.name, [_joined(_object(text)) for text in extra.to_list()], dtype=pl.String)


def _joined(data: dict[str, Any]) -> str | None:
    if "Data" in data:
        return None if data["Data"] is None else _word(data["Data"])
    numbered = sorted(((int(found.group(1)), value) for name, value in data.items() if (found := _PARAMETER.fullmatch(name))), key=itemgetter(0))
    words = [_word(value) for _, value in numbered if value is not None]
    return "\n".join(words) if words else None


def _text_struct(both: pl.Series) -> pl.Series:
    rows = zip(both.struct.field("extra").to_list(), both.struct.field("message").to_list(), strict=True)
    return pl.Series(both.name, [_all_text(extra, message) for extra, message in rows], dtype=pl.String)


def _all_text(extra: str | None, message: str | None) -> str | None:
    words = [value if value.__class__ is str else _word(value) for value in _object(extra).values() if value is not None]
    if message is not None:
        words.insert(0, message)
    return "\n".join(words) if words else None


def _object(text: str | None) -> dict[str, Any]:
    try:
        return _ANY.decode(text) if text is not None else {}
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return {}


def _word(value: object) -> str:
    if value.__class__ is int:
        return str(value)
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
