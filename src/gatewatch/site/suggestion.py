"""Suggestions for a name nobody knows."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``; did you mean X?`` for the known name nearest to *name*, else an empty text.

    >>> did_you_mean("TimeWindwo", ["TimeWindow", "BusinessHours"]), did_you_mean("xyz", ["TimeWindow"])
    ('; did you mean TimeWindow?', '')
    """
    folded = {entry.casefold(): entry for entry in known}
    near = difflib.get_close_matches(name.casefold(), sorted(folded), n=1, cutoff=0.6)
    return f"; did you mean {folded[near[0]]}?" if near else ""
