"""ISO 3166-1: the country codes there are, and what to call them in a report."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

# Codes that registries and geographic databases use and the time-zone project's table of ISO 3166-1 leaves out.
_ALSO = {"XK": "Kosovo", "AN": "Netherlands Antilles", "EU": "European Union", "AP": "Asia/Pacific region"}


@lru_cache(maxsize=1)
def countries() -> dict[str, str]:
    """Return the English name of every country by its two-letter code."""
    text = (files("gatewatch") / "content" / "geo" / "iso3166.tab").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines() if line and not line.startswith("#"))
    return {row[0]: row[1] for row in rows} | _ALSO


def country_name(code: str) -> str:
    """Return the name of a country for people, or *code* itself (a site's own place name) when it is no country.

    >>> country_name("CH"), country_name("head office")
    ('Switzerland', 'head office')
    """
    return countries().get(code, code)
