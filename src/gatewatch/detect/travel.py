"""Travel: whether somebody could have got from one country to another between two logons.

Logs give the country of an address, seldom its place. The distance between two countries is that between the nearest of their principal
cities, less what a country reaches beyond them (:data:`SLACK`): never more than the true one is likely to be. Only a speed above that of an
airliner (:data:`FASTEST`) over a distance that no error of a database explains (:data:`LEAST`) is impossible; what is not known is None.

The cities are those of the time zone database, the speed is the one that providers use (805 to 900 km/h).
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

FASTEST = 900.0  # km/h
LEAST = 500.0  # km; nearer places are told apart by no database
SLACK = 1000.0  # km, for both countries together
RADIUS = 6371.0088  # km
_MINUTE = timedelta(minutes=1)


class Stay(NamedTuple):
    """Somebody at an address in a country at an instant."""

    time: datetime
    address: str
    country: str


@lru_cache(maxsize=1)
def _cities() -> dict[str, tuple[tuple[float, float], ...]]:
    text = (files("gatewatch") / "content" / "geo" / "city.tab").read_text(encoding="utf-8")
    found: dict[str, list[tuple[float, float]]] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            country, latitude, longitude = line.split("\t")
            found.setdefault(country, []).append((math.radians(float(latitude)), math.radians(float(longitude))))
    return {country: tuple(places) for country, places in found.items()}


@lru_cache(maxsize=4096)
def least_km(one: str, other: str) -> float | None:
    """Return the least distance between two countries in kilometres; None for one that is not in the table.

    >>> least_km("DE", "DE"), least_km("DE", "CZ"), 5000 < (least_km("DE", "US") or 0) < 6000, least_km("DE", "head office")
    (0.0, 0.0, True, None)
    """
    cities = _cities()
    if one not in cities or other not in cities:
        return None
    if one == other:
        return 0.0
    return max(0.0, min(_km(here, there) for here in cities[one] for there in cities[other]) - SLACK)


def _km(here: tuple[float, float], there: tuple[float, float]) -> float:
    half = math.sin((there[0] - here[0]) / 2) ** 2 + math.cos(here[0]) * math.cos(there[0]) * math.sin((there[1] - here[1]) / 2) ** 2
    return 2 * RADIUS * math.asin(min(1.0, math.sqrt(half)))


def impossible(one: Stay, other: Stay) -> bool | None:
    """Return whether nobody gets from one stay to the other (or back) in time; None where a country is unknown."""
    if one.address == other.address:
        return False
    distance = least_km(one.country, other.country)
    if distance is None:
        return None
    hours = max(abs(other.time - one.time), _MINUTE) / timedelta(hours=1)
    return distance >= LEAST and distance / hours > FASTEST


def leap(here: Stay, before: Stay | None, after: Stay | None) -> tuple[bool | None, str]:
    """Return whether *here* is out of reach of the stay before or after it, and which; None where neither can say."""
    said: list[bool] = []
    for other in (before, after):
        answer = impossible(here, other) if other is not None else None
        if answer and other is not None:
            word = "before" if other is before else "after"
            minutes = abs(other.time - here.time) // _MINUTE
            return True, f"{other.country} ({other.address}) {minutes} minutes {word}, {least_km(here.country, other.country):.0f} km away at least"
        if answer is not None:
            said.append(answer)
    return (False, "") if said else (None, "")
