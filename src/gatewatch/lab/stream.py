"""Streams: the log files of one producer, written in slices of time with bounded memory.

A row is ``(time, number, text, mark, fact)``: its true instant, the order it was said in, the finished line, the mark of what it belongs to (0:
life) and what a reader should make of it, ``(kind, user, address)``, or None. Rows are said in any order and written sorted, once no earlier one
can come. Faults of collection (lost, repeated, gaps) happen here, as in life: after the device had written.
"""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BufferedWriter
from pathlib import Path

from gatewatch.lab.moment import DAY, START, calendar

Fact = tuple[str, str | None, str | None]
Row = tuple[int, int, str, int, Fact | None]
Witness = Callable[[str, int, Row], None]  # path, record number, row


@dataclass(slots=True)
class Fault:
    """What a collector does to a stream: shares of records lost, repeated and late, by how much, and intervals in which it stood still."""

    lost: float = 0.0
    repeated: float = 0.0
    late: float = 0.0
    delay: int = 0
    gaps: tuple[tuple[int, int], ...] = ()


@dataclass(slots=True)
class Stream:
    """One log, rotated every so many days; rotated files carry the date of rotation and may be packed."""

    path: str  # below logs/
    rng: random.Random
    rotate: int = 0  # days; 0: never
    packed: bool = False
    fault: Fault = field(default_factory=Fault)
    last_day: int = 0
    copy: Stream | None = None  # another log the same lines arrive in
    marked: list[tuple[int, str, int, int]] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    written: int = 0
    dropped: list[int] = field(default_factory=list)  # marks of rows that never reached the file
    _number: int = 0
    _record: int = 0
    _serial: int = 0
    _part: int = -1
    _file: gzip.GzipFile | BufferedWriter | None = None
    _raw: BufferedWriter | None = None
    _name: str = ""

    def say(self, time: int, text: str, mark: int = 0, fact: Fact | None = None) -> None:
        """Add a line; ``@RID@`` in it becomes the running number of the record."""
        self._number += 1
        if self.fault.late and self.rng.random() < self.fault.late:
            time += self.fault.delay  # it arrives late; its stamp is in the text
        self.rows.append((time, self._number, text, mark, fact))
        if self.copy is not None:
            self.copy.say(time, text, mark, fact)

    def flush(self, root: Path, until: int, witness: Witness | None) -> None:
        """Write the rows before *until*. OSError when the disk does not take them."""
        ready = [row for row in self.rows if row[0] < until]
        if not ready:
            return
        self.rows = [row for row in self.rows if row[0] >= until] if len(ready) < len(self.rows) else []
        ready.sort()
        ready = [row for row in ready if row[0] >= START]  # a day begins earlier in the east than the world does
        parts: list[str] = []
        for row in ready:
            part = (row[0] - START) // DAY // self.rotate if self.rotate else 0
            if part != self._part:
                self._put(parts)
                parts = []
                self._open(root, part)
            if self.fault.gaps and any(low <= row[0] < high for low, high in self.fault.gaps):
                self._drop(row)
                continue
            text = row[2]
            copies = 1
            if self.fault.lost and self.rng.random() < self.fault.lost:
                self._drop(row)
                continue
            if self.fault.repeated and self.rng.random() < self.fault.repeated:
                copies = 2
            self._serial += 1
            if "@RID@" in text:
                text = text.replace("@RID@", str(self._serial))
            for _ in range(copies):
                self._record += 1
                parts.append(text)
                if row[3] or witness is not None:
                    self.note(row, witness)
        self._put(parts)

    def _drop(self, row: Row) -> None:
        if row[3]:
            self.dropped.append(row[3])

    def note(self, row: Row, witness: Witness | None) -> None:
        """Keep where a marked row was written."""
        if row[3]:
            self.marked.append((row[3], self._name, self._record, row[0]))
        if witness is not None:
            witness(self._name, self._record, row)

    def _put(self, parts: list[str]) -> None:
        if not parts or self._file is None:
            return
        self.written += len(parts)
        parts.append("")
        self._file.write("\n".join(parts).encode())

    def _open(self, root: Path, part: int) -> None:
        self.close()
        self._part = part
        self._record = 0
        final = not self.rotate or (part + 1) * self.rotate > self.last_day
        self._name = self.path if final else f"{self.path}-{calendar((part + 1) * self.rotate):%Y%m%d}" + (".gz" if self.packed else "")
        target = root / self._name
        target.parent.mkdir(parents=True, exist_ok=True)
        self._raw = target.open("wb")
        if self._name.endswith(".gz"):
            self._file = gzip.GzipFile("", "wb", 1, self._raw, mtime=0)
        else:
            self._file = self._raw

    def close(self) -> None:
        """Close the file. OSError when what is left cannot be written."""
        file, raw, self._file, self._raw = self._file, self._raw, None, None
        if file is not None:
            file.close()
        if raw is not None:
            raw.close()
