"""Rows of EVTX records whose system part is read from their values: of the decoded text only the data are looked at.

What is not as Windows writes it is left to :mod:`gatewatch.intake.evtx_event`, which decodes the whole text; both give the same rows.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import polars as pl

from gatewatch.intake.evtx_template import ACTIVITY, COMPUTER, PROCESS, PROVIDER, RECORD, TIME, USER
from gatewatch.intake.evtx_value import FILETIME, GUID, SID, UINT32, UINT64, Flags, Ints, Names, Values, gather

_DATA = ',"EventData":{'
_SHORTEST = 250  # characters before the data, in any event
_UNNAMED = '{"Data":'
_EPOCH = 11_644_473_600_000_000  # microseconds from 1601 to 1970
_LATEST = 2_650_467_743_990_000_000  # FILETIME of the end of the year 9999
_GUID_ORDER = (3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15)  # the first three parts are little-endian


def data_of(texts: Sequence[str]) -> list[str | None]:
    """Return the data of decoded records, each where they are one flat object with names; else None."""
    found: list[str | None] = []
    for text in texts:
        at = text.find(_DATA, _SHORTEST)
        data = text[at + len(_DATA) - 1 : -2] if at >= 0 and text.endswith("}}}") else None
        # finding one character is cheap, and most data have no second brace and no bracket
        if data is not None and (data.startswith(_UNNAMED) or ((data.rfind("{") > 0 or "[" in data) and (":{" in data or ":[" in data))):
            data = None
        found.append(data)
    return found


class Columns:
    """Columns of records, collected a few at a time."""

    def __init__(self, names: Names, channels: Names) -> None:
        self._names = names
        self._channels = channels
        self._numbers: dict[str, list[Ints]] = {}
        self._data: list[Callable[[], pl.DataFrame]] = []
        self._texts: dict[str, list[str | None]] = {"activity": [], "user_sid": []}
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, values: Values, data: Callable[[], pl.DataFrame], key: Ints, record: Ints, offset: Ints, left: Flags | None = None) -> Flags:
        """Add records with their data, which are asked for later; return which are odd in any way, as those *left* are, and not taken."""
        provider, odd = values.names(PROVIDER, self._names)
        computer, more = values.names(COMPUTER, self._names)
        odd |= more | (key < 0)
        if left is not None:
            odd |= left
        numbers = {"record": record, "offset": offset, "key": key, "provider": provider, "host": computer}
        for name, slot, kind, dtype in (("time", TIME, FILETIME, "<i8"), ("event_record", RECORD, UINT64, "<i8"), ("pid", PROCESS, UINT32, "<u4")):
            number, there, more = values.numbers(slot, kind, dtype)
            numbers[name] = np.where(there, number, -1)
            odd |= more | (there & (number < 0))
        odd |= numbers["time"] > _LATEST
        activity, wrong = _guids(values)
        users, more = _sids(values)
        odd |= more | wrong
        keep = ~odd
        texts = {"activity": activity, "user_sid": users}
        if odd.any():
            chosen = keep.tolist()
            data = partial(_chosen, data, keep)
            numbers = {name: number[keep] for name, number in numbers.items()}
            texts = {name: [one for one, is_kept in zip(text, chosen, strict=True) if is_kept] for name, text in texts.items()}
        for name, number in numbers.items():
            self._numbers.setdefault(name, []).append(number)
        for name, text in texts.items():
            self._texts[name] += text
        self._data.append(data)
        self._size += len(numbers["record"])
        return odd

    def hosts(self) -> set[str | None]:
        """Return the computers that wrote the records."""
        found = np.unique(np.concatenate(self._numbers["host"])).tolist() if self._size else ()
        return {self._names.texts[number] if number >= 0 else None for number in found}

    def frame(self) -> pl.DataFrame:
        """Return what was collected, and keep nothing of it: columns of a Windows record, those that are not always null, and of its data."""
        empty = [np.zeros(0, np.int64)]
        numbers = {name: np.concatenate(self._numbers.get(name, empty)) for name in ("record", "offset", "time", "event_record", "pid")}
        named = {name: np.concatenate(self._numbers.get(name, empty)) for name in ("key", "provider", "host")}
        frame = pl.DataFrame(numbers).with_columns(pl.when(pl.col(name) >= 0).then(name) for name in ("time", "event_record", "pid"))
        text = {name: pl.Series(self._texts.pop(name), dtype=pl.String) for name in list(self._texts)}
        data = pl.concat([made() for made in self._data]) if self._data else pl.DataFrame(schema={"fields": pl.String})
        self._data.clear()
        return frame.with_columns(
            (pl.col("time") // 10 - _EPOCH).cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
            pl.col("pid").cast(pl.String),
            pl.Series("event_id", named["key"] & 0xFFFF, pl.Int32),
            _pick(self._channels, named["key"] >> 16).alias("channel"),
            _pick(self._names, named["provider"]).alias("provider"),
            _pick(self._names, named["host"]).alias("host"),
            *(series.alias(name) for name, series in text.items()),
            *data.get_columns(),
        )


def _chosen(made: Callable[[], pl.DataFrame], keep: Flags) -> pl.DataFrame:
    return made().filter(pl.Series(keep))


def _pick(names: Names, number: Ints) -> pl.Series:
    texts = [*names.texts, None]  # -1 is none; while the file is read on, more may be added to the names
    return pl.Series(texts, dtype=pl.String).gather(pl.Series(np.where(number < 0, len(texts) - 1, number)))


def _guids(values: Values) -> tuple[list[str | None], Flags]:
    """Return the activities, lower case without braces, and which are odd."""
    at, _, there, odd = values.find(ACTIVITY, GUID, 16)
    made: list[str | None] = [None] * len(at)
    rows = np.flatnonzero(there)
    if len(rows):
        digits = gather(values.data, at[rows], 16).view(np.uint8).reshape(-1, 16)[:, _GUID_ORDER].tobytes().hex()
        for place, row in enumerate(rows.tolist()):
            one = digits[32 * place : 32 * place + 32]
            made[row] = f"{one[:8]}-{one[8:12]}-{one[12:16]}-{one[16:20]}-{one[20:]}"
    return made, odd


def _sids(values: Values) -> tuple[list[str | None], Flags]:
    """Return the user SIDs as text, and which are odd."""
    at, size, there, odd = values.find(USER, SID)
    made: list[str | None] = [None] * len(at)
    rows = np.flatnonzero(there)
    if not len(rows):
        return made, odd
    pieces = values.pieces(at[rows], size[rows])
    known = {piece: sid_text(piece) for piece in dict.fromkeys(pieces)}
    for row, piece in zip(rows.tolist(), pieces, strict=True):
        made[row] = known[piece]
    wrong = [row for row, piece in zip(rows.tolist(), pieces, strict=True) if not known[piece]] if "" in known.values() else []
    odd[wrong] = True
    return made, odd


def sid_text(piece: bytes) -> str:
    """Return a SID as text; empty where it is none."""
    if len(piece) < 8 or len(piece) != 8 + 4 * piece[1]:
        return ""
    parts = struct.unpack_from(f"<{piece[1]}I", piece, 8)
    return "-".join(map(str, ("S", piece[0], int.from_bytes(piece[2:8], "big"), *parts)))
