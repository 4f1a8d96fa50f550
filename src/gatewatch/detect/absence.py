"""Absence: whether something did *not* happen around an anchor, judged only where a log would have shown it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np

from gatewatch.detect.lane import Lane
from gatewatch.detect.timeline import instant

Covered = Callable[[str, int, datetime, datetime], bool | None]
"""Whether the logs that would show a stage cover an interval: (stage, row of the anchor, first, last); None when that is not known."""


class Judgement(StrEnum):
    """What can be said of an absence."""

    ABSENT = "absent"
    PRESENT = "present"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Absence:
    """An absence judged: the verdict, the interval it speaks of, and why it is unknown, if it is."""

    judgement: Judgement
    first: datetime
    last: datetime
    why: str = ""


def judge(lane: Lane, anchor: int, key: int, until: int, covered: Covered | None) -> Absence:
    """Judge the absence *lane* before or after (``lane.late``) the anchor at the position *anchor*.

    Any event that could lie within ``within`` of the anchor speaks against it, by the order of the records or by their clocks: a line that was
    delivered late is no silence. *until* is the event time the logs have reached, in
    microseconds: the interval must lie before it.
    """
    line = lane.timeline
    here = lane.of(key)
    begin, end = int(line.lo[anchor]), int(line.hi[anchor])
    if lane.late:
        end += lane.within
        after = line.follows(anchor, here) | ((line.hi[here] >= begin) & (here != anchor))
        near = after & (line.lo[here] <= end)
    else:
        begin -= lane.within
        before = line.follows(here, anchor) | ((line.lo[here] <= end) & (here != anchor))
        near = before & (line.hi[here] >= begin)
    first, last = instant(begin), instant(end)
    if bool(np.any(near)):
        return Absence(Judgement.PRESENT, first, last)
    if lane.late and until <= end:
        return Absence(Judgement.UNKNOWN, first, last, "the logs end before the deadline")
    if covered is None or covered(lane.stage.name, int(line.row[anchor]), first, last) is not True:
        return Absence(Judgement.UNKNOWN, first, last, "no log known to cover it")
    return Absence(Judgement.ABSENT, first, last)
