"""Settings: ``[tunables]``, ``[tunables.AN1005]`` and ``[[override]]``, read into layers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from gatewatch.schema.users import split_user
from gatewatch.site.hours import Window, parse_holiday, parse_windows
from gatewatch.site.line import line_of
from gatewatch.site.range import Network
from gatewatch.site.reader import Reader, parse_cidr, parse_country, parse_service, parse_zone, text, whole
from gatewatch.site.suggestion import did_you_mean
from gatewatch.site.tunable import BY_NAME, Grants, Layer, Tunable, Type, Value, parse_duration

_ANALYTIC = re.compile(r"AN\d{4,5}")
_FINGERPRINT = re.compile(r"(?:SHA256:[A-Za-z0-9+/]{43}|MD5(?::[0-9a-f]{2}){16})")


def parse_fingerprint(value: object) -> str:
    """Return the fingerprint of an SSH key (``SHA256:…`` or ``MD5:…``). ValueError otherwise."""
    if not isinstance(value, str) or not _FINGERPRINT.fullmatch(value):
        raise ValueError(f"{value!r} is no key fingerprint such as SHA256: and 43 characters")
    return value


def parse_user(value: object) -> str:
    r"""Return the user name as events bear it (``CORP\Ann`` is ``ann``). ValueError otherwise."""
    name = split_user(value)[0] if isinstance(value, str) else None
    if name is None:
        raise ValueError(f"{value!r} is no user name")
    return name


def read_layers(root: Reader, places: tuple[str, ...]) -> tuple[Layer, ...]:
    """Return the layers of settings of the file, in its order; *places* are the site's own place names."""
    layers: list[Layer] = []
    table = root.table("tunables")
    analytics = [name for name, value in table.values.items() if isinstance(value, dict)]
    layers.append(_layer(table, places, Layer({}), skip=analytics))
    for name in analytics:
        if not _ANALYTIC.fullmatch(name):
            table.fault(name, f"[tunables.{name}] is no analytic such as AN1005; services, sites and users are set in [[override]]")
            continue
        condition = Layer({}, analytics=frozenset({name}), order=len(layers))
        layers.append(_layer(table.table(name), places, condition))
    for entry in root.tables("override"):
        where = entry.table("where")
        condition = Layer(
            {},
            analytics=frozenset(where.many("analytic", _analytic)),
            services=frozenset(where.many("service", parse_service)),
            sites=frozenset(where.many("site", text)),
            users=frozenset(where.many("user", parse_user)),
            order=len(layers),
        )
        where.close()
        if not where.values:
            entry.fault(None, "[[override]] has no 'where': settings for the whole site belong in [tunables]")
        chosen = entry.table("set")
        if not chosen.values:
            entry.fault(None, "[[override]] has no 'set': it changes nothing")
        entry.close()
        layers.append(_layer(chosen, places, condition))
    return tuple(layer for layer in layers if layer.values)


def _analytic(value: object) -> str:
    if not isinstance(value, str) or not _ANALYTIC.fullmatch(value):
        raise ValueError(f"{value!r} is no analytic such as AN1005")
    return value


def _layer(table: Reader, places: tuple[str, ...], condition: Layer, skip: Sequence[str] = ()) -> Layer:
    """Return *condition* with the settings of *table*; the keys *skip* are tables of their own."""
    values: dict[str, Value | None] = {}
    lines: dict[str, int] = {}
    for name in table.values:
        if name in skip:
            continue
        tunable = BY_NAME.get(name)
        if tunable is None:
            table.fault(name, f"unknown tunable {name!r} in {table.title}{did_you_mean(name, BY_NAME)}")
            continue
        if tunable.analytic is not None and condition.analytics and tunable.analytic not in condition.analytics:
            table.fault(name, f"{name} belongs to {tunable.analytic}; {' and '.join(sorted(condition.analytics))} does not read it")
            continue
        values[name] = _value(table, tunable, places)
        lines[name] = line_of(table.faults.lines, (*table.path, name))
    return replace(condition, values=values, lines=lines)


def _value(table: Reader, tunable: Tunable, places: tuple[str, ...]) -> Value | None:
    name = tunable.name
    value: Value | None = None
    match tunable.type:
        case Type.NUMBER:
            value = table.get(name, whole(1, 10**9))
        case Type.DURATION:
            value = table.get(name, _duration)
        case Type.HOURS:
            value = () if table.values[name] == "none" else _windows(table, name)
        case Type.DATES:
            value = table.many(name, parse_holiday)
        case Type.ZONE:
            value = table.get(name, parse_zone)
        case Type.COUNTRIES:
            value = table.many(name, lambda country: country if country in places else parse_country(country))
        case Type.NETWORKS | Type.CLIENTS:
            value = _grants(table, name, fingerprints=tunable.type is Type.CLIENTS)
    return value


def _duration(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        raise ValueError(f"{value!r} has no unit; write \"{value}s\", \"{value}m\" or \"{value}h\"")
    return parse_duration(text(value))


def _windows(table: Reader, name: str) -> tuple[Window, ...]:
    return tuple(sorted({window for part in table.many(name, lambda value: parse_windows(text(value))) for window in part}))


def _grants(table: Reader, name: str, *, fingerprints: bool) -> Grants:
    def one(value: object) -> tuple[Network | None, str]:
        if isinstance(value, Mapping):
            raise ValueError("an entry with owner and expiry is written as [[known]] with list = " + repr(name))
        if fingerprints and isinstance(value, str) and value.startswith(("SHA256:", "MD5:")):
            return None, parse_fingerprint(value)
        return parse_cidr(value), str(value)

    found = table.many(name, one)
    if found:
        table.fault(name, f"{name}: nobody answers for these entries and they never expire; [[known]] entries can say both", warning=True)
    networks = tuple((network, written) for network, written in found if network is not None)
    return Grants(networks, tuple(written for network, written in found if network is None))
