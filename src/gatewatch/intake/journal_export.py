r"""``journalctl -o export``: the Journal Export Format, entries of ``FIELD=value`` lines with an empty line after each.

::

    __CURSOR=s=739ad463348b4ceca5a9e69c95a3c93f;i=4ece7
    __REALTIME_TIMESTAMP=1767614400000000
    _HOSTNAME=gate
    SYSLOG_IDENTIFIER=sshd
    MESSAGE=Connection closed by 192.0.2.7 port 50022

A value that holds a line end or no UTF-8 is binary: the name alone on its line, 8 bytes of size (little-endian), the value, a line end.
Values over 1 MiB of fields that are not kept (core dumps) are passed over. After a broken entry reading goes on with the next that begins
with ``__``, as all do. References: systemd JOURNAL_EXPORT_FORMATS, "Journal Export Format".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from gatewatch.intake.batch import RAW_CAP, Batch
from gatewatch.intake.journal_field import NO_ENTRY, VALUE_CAP, Builder, Value, add, is_name, is_wanted
from gatewatch.intake.line import TOO_LONG

_BROKEN = "broken journal entry"
_CUT = "broken journal entry: it ends early"
_LARGEST = 768 * 1024**2  # the journal's own limit for a value
_NAMES = 4096  # field names remembered
_NEXT = b"\n\n__"
_LINE = re.compile(rb"[A-Z_][A-Z0-9_]{0,63}=")
_STAMP = re.compile(rb"^__REALTIME_TIMESTAMP=[0-9]+$", re.MULTILINE)


class _Broken(Exception):  # noqa: N818 - says what the entry is, not that we failed
    """The entry cannot be read; the message is the reason of the reject."""


def sniff(head: bytes) -> float:
    """Return how sure we are, from 0 to 1, that a file that begins with *head* is a journal export."""
    start = head.lstrip(b"\n")
    if start.startswith(b"__CURSOR=") and b"\n" in start:
        return 1.0
    return 0.9 if _LINE.match(start) and _STAMP.search(start) else 0.0


def read(chunks: Iterable[bytes]) -> Iterator[Batch]:
    """Yield the entries of a file in batches of at most about 50,000; entries that are broken are rejects."""
    reader = _Reader(chunks)
    builder = Builder()
    while reader.find_entry():
        offset = reader.offset
        try:
            entry = reader.entry()
        except _Broken as error:
            builder.reject(offset, str(error), reader.resume())
        else:
            if not builder.add_entry(offset, entry):
                builder.reject(offset, NO_ENTRY, reader.sample)
        if builder.full:
            yield builder.batch()
    if not builder.empty:
        yield builder.batch()


class _Reader:
    """A cursor over the chunks: ``data[at:]`` is what was read of them and not used; ``base`` is the offset of ``data``."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._source = iter(chunks)
        self._data = b""
        self._base = 0
        self._at = 0
        self._begin = 0  # offset of the entry
        self._names: dict[bytes, str | None] = {}
        self.sample = b""  # the beginning of the entry

    @property
    def offset(self) -> int:
        """The byte offset of the cursor in the file."""
        return self._base + self._at

    def _more(self) -> bool:
        """Append a chunk, dropping what was used; return False at the end."""
        for chunk in self._source:
            if chunk:
                self._data = self._data[self._at :] + bytes(chunk)
                self._base += self._at
                self._at = 0
                return True
        return False

    def _need(self, size: int) -> bool:
        """Return whether *size* bytes are there from the cursor on."""
        while len(self._data) - self._at < size:
            if not self._more():
                return False
        return True

    def find_entry(self) -> bool:
        """Move to the first line that is not empty; return False at the end."""
        while self._need(1):
            if self._data[self._at] not in b"\r\n":
                return True
            self._at += 1
        return False

    def _line(self) -> bytes | None:
        """Take a line without its end; None at the end of the file."""
        searched = 0
        while (end := self._data.find(b"\n", self._at + searched)) < 0:
            searched = len(self._data) - self._at
            if searched > VALUE_CAP:
                raise _Broken(TOO_LONG)
            if not self._more():
                if not searched:
                    return None
                end = len(self._data)
                break
        if end - self._at > VALUE_CAP:
            raise _Broken(TOO_LONG)
        line = self._data[self._at : end]
        self._at = min(end + 1, len(self._data))
        return line

    def entry(self) -> dict[str, Value]:
        """Take an entry: the fields that are kept."""
        self._need(4 * RAW_CAP)
        self._begin = self.offset
        end = self._data.find(b"\n\n", self._at)
        self.sample = self._data[self._at : min(end if end >= 0 else len(self._data), self._at + 4 * RAW_CAP)]
        found: dict[str, Value] = {}
        if 0 <= end <= self._at + len(self.sample):
            lines = self.sample.split(b"\n")
            if all(b"=" in line for line in lines):
                for whole in lines:
                    field, _, value = whole.partition(b"=")
                    self._keep(found, field, value)
                self._at = end + 2
                return found
        held = 0
        while line := self._line():
            field, equals, rest = line.partition(b"=")
            if not equals:
                binary = self._binary(keep=self._name(field) is not None)
                if binary is None:
                    continue
                rest = binary
            held += self._keep(found, field, rest)
            if held > 2 * VALUE_CAP:  # a field may be repeated without end
                raise _Broken(TOO_LONG)
        if line is None and "MESSAGE" not in found:
            raise _Broken(_CUT)
        return found

    def _keep(self, found: dict[str, Value], field: bytes, value: bytes) -> int:
        name = self._name(field)
        if name is None:
            return 0
        add(found, name, value.decode("utf-8", "replace"))
        return len(value)

    def _name(self, field: bytes) -> str | None:
        """The name of a field that is kept, None for another."""
        if field not in self._names:
            name = field.decode("ascii", "replace")
            if not is_name(name):
                raise _Broken(_BROKEN)
            if len(self._names) >= _NAMES:
                self._names.clear()
            self._names[field] = name if is_wanted(name) else None
        return self._names[field]

    def _binary(self, *, keep: bool) -> bytes | None:
        """Take a binary value; None when it is not kept."""
        if not self._need(8):
            raise _Broken(_CUT)
        size = int.from_bytes(self._data[self._at : self._at + 8], "little")
        if size > _LARGEST:
            raise _Broken(_BROKEN)
        if size > VALUE_CAP:
            if keep:
                raise _Broken(TOO_LONG)
            self._pass(8 + size)
        elif not self._need(8 + size + 1):
            raise _Broken(_CUT)
        elif self._data[self._at + 8 + size] != ord("\n"):
            raise _Broken(_BROKEN)
        else:
            value = self._data[self._at + 8 : self._at + 8 + size] if keep else None
            self._at += 8 + size + 1
            return value
        if not self._need(1) or self._data[self._at] != ord("\n"):
            raise _Broken(_BROKEN)
        self._at += 1
        return None

    def _pass(self, size: int) -> None:
        while size > 0:
            step = min(size, len(self._data) - self._at)
            self._at += step
            size -= step
            if size and not self._more():
                raise _Broken(_CUT)

    def resume(self) -> bytes:
        """Move to the next entry after a broken one; return the beginning of the broken one."""
        # The empty line before the next entry may just have been taken; that before the broken one may not be found again.
        self._at = max(self._at - 2, self._begin - 1 - self._base, 0)
        while (found := self._data.find(_NEXT, self._at)) < 0:
            self._at = max(len(self._data) - len(_NEXT) + 1, self._at)
            if not self._more():
                self._at = len(self._data)
                return self.sample
        self._at = found + 2
        return self.sample
