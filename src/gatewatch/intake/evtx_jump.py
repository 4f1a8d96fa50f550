"""Backward jumps of the clock in an EVTX file, found in the order of its records, whatever the order of its chunks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from gatewatch.intake.evtx_peek import Table
from gatewatch.intake.evtx_value import Flags, Ints

_HOUR = 36_000_000_000  # of FILETIME, 100 ns each
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_LEAST, _MOST = 119_600_064_000_000_000, 189_000_000_000_000_000  # 1980 and about 2199: others are no times
_JUMPS = 1000  # of one file that are told

Jump = tuple[int, str, str]


class _Span(NamedTuple):
    """A chunk: the first and last of its records."""

    first_id: int
    last_id: int
    first_time: int
    last_time: int
    record: int


class Clock:
    """The times of a file's records, as far as it takes to see the clock go back by more than an hour."""

    def __init__(self) -> None:
        self._spans: list[_Span] = []
        self._jumps: list[Jump] = []

    def add(self, records: Table, number: Ints, copies: Flags) -> int:
        """Take the records of some chunks, numbered *number*; *copies* were read before. Return the highest record id."""
        if not len(records.start):
            return -1
        longs = np.frombuffer(records.data, "<i8")
        ids, times = longs[records.start // 8 + 1], longs[records.start // 8 + 2]
        known = (times > _LEAST) & (times < _MOST)
        followed = ~records.last[:-1] & ~copies[:-1] & known[:-1] & known[1:]
        back = np.flatnonzero(followed & (times[:-1] - np.where(known, times, 0)[1:] > _HOUR)) if followed.any() else followed[:0]
        for row in back.tolist():
            self._tell(int(number[row + 1]), int(times[row]), int(times[row + 1]))
        last = np.flatnonzero(records.last & ~copies)
        first = np.flatnonzero(np.append(True, records.last[:-1]) & ~copies)
        for begin, end in zip(first.tolist(), last.tolist(), strict=True):
            if known[begin] and known[end]:
                self._spans.append(_Span(int(ids[begin]), int(ids[end]), int(times[begin]), int(times[end]), int(number[begin])))
        return int(ids.max())

    def jumps(self) -> list[Jump]:
        """Return the jumps as record number, time before and time after; between chunks by their record ids."""
        spans = sorted(self._spans)
        restarted = any(before.last_id >= after.first_id for before, after in pairwise(spans))
        ends: dict[int, int] = {}
        for span in spans:
            ends[span.last_id] = min(span.last_time, ends.get(span.last_id, span.last_time))
        for before, after in pairwise(spans):
            # where ids restarted only chunks whose ids join follow each other
            time = ends.get(after.first_id - 1, 0) if restarted else before.last_time
            if time - after.first_time > _HOUR:
                self._tell(after.record, time, after.first_time)
        return sorted(set(self._jumps))

    def _tell(self, record: int, before: int, after: int) -> None:
        if len(self._jumps) < _JUMPS:
            self._jumps.append((record, _text(before), _text(after)))


def _text(time: int) -> str:
    return (_EPOCH + timedelta(microseconds=time // 10)).isoformat()
