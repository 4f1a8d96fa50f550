"""Values of JSON records: what says something, numbers of seconds, ports, objects in objects; and the structs records are read into.

Nothing here raises but :class:`Unreadable`: text where an object is expected is taken for absent, and so is an object where text is expected.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
from msgspec.structs import fields as struct_fields

NO_TIME = "no time"
BAD_TIME = "unreadable time"
FAULTS = (msgspec.MsgspecError, UnicodeError, RecursionError)
NOTHING = ("", "-")
LATEST = 7_258_118_400_000_000  # the year 2200, microseconds: beyond, it is no time but a default or a mistake
SECOND = 1_000_000

_SUFFIX = re.compile(r"_[sdbgt]$")
_DEEPEST = 8
_WITH_PORT = re.compile(r"(?:\[[0-9A-Fa-f:.%]+\]|[0-9.]+):([0-9]{1,5})")


class Unreadable(Exception):  # noqa: N818 - what it says of the record
    """A record that is ours and cannot be read, with the reason."""


class Part(msgspec.Struct, gc=False, kw_only=True):
    """A part of an object: what structs of sources derive from; every field has a default."""


def filled(shape: type[msgspec.Struct], values: Mapping[str, Any]) -> Any:
    """Return *values* as *shape*: keys match in any case, nested objects may be JSON as text, and one that is none is absent.

    Levels may be joined by a dot (``client.ipAddress``), or as Log Analytics does it in its tables of custom logs (``client_ipAddress_s``).
    """
    folded = {key.casefold(): value for key, value in values.items()}
    if any(key.endswith("_s") for key in folded):
        folded = {_SUFFIX.sub("", key): value for key, value in folded.items()}
    made: dict[str, Any] = {}
    for name, key, low, inner in _layout(shape):
        value = values.get(key, folded.get(low))
        if value is None:
            value = _gathered(values, low) if inner is None else _level(folded, low)
        if value is None:
            continue
        if inner is not None and isinstance(value, str):
            value = unpacked(value)
        if inner is None:
            made[name] = value
        elif inner[1]:
            made[name] = [filled(inner[0], item) for item in value if isinstance(item, dict)] if isinstance(value, list) else None
        else:
            made[name] = filled(inner[0], value) if isinstance(value, dict) else None
    return shape(**made)


def _level(folded: Mapping[str, Any], low: str) -> dict[str, Any] | None:
    """Return what stands under keys that begin with *low* and a joint, a dot or a dash below; None where nothing does."""
    for joint in (".", "_"):
        held = {key.removeprefix(low + joint): value for key, value in folded.items() if key.startswith(low + joint)}
        if held:
            return held
    return None


def _gathered(values: Mapping[str, Any], low: str) -> dict[str, Any] | None:
    """Return what stands under keys that begin with *low* and a dot, as nested objects; None where nothing does."""
    size = len(low) + 1
    made: dict[str, Any] = {}
    for key, value in values.items():
        if key[:size].casefold() != f"{low}.":
            continue
        *path, last = key[size:].split(".", _DEEPEST)
        place = made
        for step in path:
            within = place.setdefault(step, {})
            if not isinstance(within, dict):
                break
            place = within
        else:
            place[last] = value
    return made or None


def flat_keys(shape: type[msgspec.Struct]) -> str:
    """Return a regex that objects hold whose levels were joined: a key of *shape*, a joint, and what follows it."""
    names = "|".join(sorted({re.escape(key) for _, key, _, _ in _layout(shape)}))
    return rf'"(?:{names})(?:\.[A-Za-z]|_[A-Za-z][A-Za-z_]*_[sdbgt]"|_[sdbgt]")'


def unpacked(value: str) -> Any:
    """Return what JSON within JSON holds; None where it is none."""
    if value[:1] not in {"{", "["}:
        return None
    try:
        return msgspec.json.decode(value)
    except FAULTS:
        return None


@lru_cache(maxsize=256)
def _layout(shape: type[msgspec.Struct]) -> tuple[tuple[str, str, str, tuple[type[msgspec.Struct], bool] | None], ...]:
    """Return, for each field, its name, its key as declared and case-folded, and the struct it holds."""
    hints = get_type_hints(shape)
    return tuple((one.name, one.encode_name, one.encode_name.casefold(), _nested(hints[one.name])) for one in struct_fields(shape))


def _nested(hint: Any) -> tuple[type[msgspec.Struct], bool] | None:
    """Return the struct that *hint* (``Struct | None``, ``list[Struct] | None``) names, and whether there are several."""
    for one in (hint, *get_args(hint)):
        if isinstance(one, type) and issubclass(one, msgspec.Struct):
            return one, False
        if get_origin(one) is list and issubclass(get_args(one)[0], msgspec.Struct):
            return get_args(one)[0], True
    return None


def said(value: Any) -> str | None:
    """Return *value* when it is text that says something, a number as text, else None."""
    if value.__class__ is str:
        return None if value in NOTHING else value
    return str(value) if value.__class__ is int else None


def mapping(value: Any) -> dict[str, Any]:
    """Return a nested object, which may be JSON as text; empty where it is none."""
    if value.__class__ is str:
        value = unpacked(value)
    return value if isinstance(value, dict) else {}


def epoch(value: float) -> int:
    """Return a number of seconds, milliseconds, microseconds or nanoseconds since the epoch, told apart by its size, as microseconds.

    >>> epoch(1772439300), epoch(1772439300123), epoch(1772439300.5)
    (1772439300000000, 1772439300123000, 1772439300500000)
    """
    if value < -LATEST:  # so far that the product may be infinite
        raise Unreadable(BAD_TIME)
    for factor in (SECOND, 1000, 1):
        if value * factor < LATEST:
            return int(value * factor)
    if value < LATEST * 1000:
        return int(value // 1000)
    raise Unreadable(BAD_TIME)


def port_of(value: Any) -> str | None:
    """Return the port of ``192.0.2.7:50022`` or ``[2001:db8::7]:50022``; None where there is none."""
    found = _WITH_PORT.fullmatch(value) if value.__class__ is str else None
    return found.group(1) if found is not None else None
