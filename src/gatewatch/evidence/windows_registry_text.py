"""Windows registry as text: ``reg export`` files and the output of ``reg query``, as one table of values.

::

    [HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\Terminal Server]
    "fDenyTSConnections"=dword:00000000

    HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\Terminal Server
        fDenyTSConnections    REG_DWORD    0x0

``reg export`` writes a key and everything below it, so a value or key that is not there does not exist; ``reg query`` without ``/s`` says
so of the key's own values only. References: "reg export" and "reg query" of Microsoft's command-line reference.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from gatewatch.evidence.document import Document
from gatewatch.evidence.mask import HIDDEN
from gatewatch.evidence.mask import value as masked
from gatewatch.evidence.windows_policy_file import SIGNATURE, entries
from gatewatch.schema.facts.base import Where

_KEY = re.compile(r"\[(-?)(HKEY_.{1,1000})\]\s*$")
_CLOSED = re.compile(r'"(?:[^"\\]|\\.)*"\s*$')
_BARE = re.compile(r"(HKEY_[A-Z_]{3,30}(?:\\.{1,900})?)$")
_VALUE = re.compile(r'(?:@|"((?:[^"\\]|\\.){0,1000})")=(.*)$')
_QUERIED = re.compile(r"    (\S.{0,400}?)    (REG_[A-Z_]{2,24})(?:    (.*))?$")
_SECURED = re.compile(r"MACHINE\\(.{1,900}\\[^\\=]{1,200})=(\d{1,2}),(.{0,2000})$", re.IGNORECASE)
_SET = re.compile(r"\\controlset00\d\\")
_HIVES = (("hkey_local_machine\\", "hklm\\"), ("hkey_users\\", "hku\\"), ("hkey_current_user\\", "hkcu\\"))
_LINES = 200  # of one string
HEADER = ("Windows Registry Editor Version", "REGEDIT4")


def normal_key(text: str) -> str:
    """Return a key as it is looked up: lower case, short hive, the control set that is in use.

    >>> normal_key(r"HKEY_LOCAL_MACHINE\\SYSTEM\\ControlSet001\\Control\\Lsa")
    'hklm\\\\system\\\\currentcontrolset\\\\control\\\\lsa'
    """
    made = text.strip().rstrip("\\").lower() + "\\"
    for long, short in _HIVES:
        if made.startswith(long):
            made = short + made[len(long) :]
    return _SET.sub(r"\\currentcontrolset\\", made).rstrip("\\")


@dataclass(frozen=True, slots=True)
class Value:
    """A value: its text (numbers in decimal), type and place. ``doubt``: why it may be another in truth."""

    text: str
    kind: str
    place: Where | tuple[Document, int, str]  # made into a place when asked for: most values never are
    doubt: str = ""

    @property
    def where(self) -> Where:
        """Where it stands, its secrets masked."""
        return self.place if isinstance(self.place, Where) else self.place[0].where(self.place[1], self.place[2])

    @property
    def file(self) -> str:
        """The file it stands in."""
        return self.place.file if isinstance(self.place, Where) else self.place[0].name

    @property
    def number(self) -> int | None:
        """The number, where it is one."""
        return int(self.text) if self.kind in {"dword", "qword"} and self.text.isdigit() else None


@dataclass(slots=True)
class Table:
    """All values of a host: key (see :func:`normal_key`) to name (lower case; empty for the default) to value."""

    keys: dict[str, dict[str, Value]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)  # keys as they are written
    roots: dict[str, None] = field(default_factory=dict)  # keys exported with all below them
    shallow: dict[str, None] = field(default_factory=dict)  # keys whose own values are known

    def get(self, key: str, name: str) -> Value | None:
        """Return a value."""
        return self.keys.get(key, {}).get(name.lower())

    def known(self, key: str) -> str | None:
        """Return why the absence of a value of *key* is not sure: None where it is sure, as the key was exported."""
        sure = key in self.shallow or any(key == root or key.startswith(root + "\\") for root in self.roots)
        return None if sure else f"{key} is not in the evidence"

    def below(self, key: str) -> list[str]:
        """Return the keys directly below *key*, in the order met."""
        deep = key.count("\\") + 1
        return list(dict.fromkeys("\\".join(one.split("\\")[: deep + 1]) for one in self.keys if one.startswith(key + "\\")))


def add(table: Table, document: Document) -> int:
    """Take the values of *document* into *table*; returns how many keys it holds."""
    if document.data.startswith(SIGNATURE):
        return _policy(table, document)
    exported = any(line.lstrip("\ufeff").startswith(HEADER) for line in document.lines[:20])
    return _exported(table, document) if exported else _queried(table, document)


def security(table: Table, document: Document) -> int:
    """Take what a security policy's ``[Registry Values]`` set into *table*: ``MACHINE\\...\\Name=4,1``; returns how many those are."""
    section, count = "", 0
    for number, line in enumerate(document.lines, 1):
        if line.startswith("["):
            section = line.strip().lower()
        found = _SECURED.match(line.strip()) if section == "[registry values]" else None
        if found is not None:
            key, _, name = found[1].rpartition("\\")
            entered = _enter(table, f"HKEY_LOCAL_MACHINE\\{key}")
            kind = {"1": "sz", "2": "expand_sz", "4": "dword", "7": "multi_sz"}.get(found[2], "binary")
            text = HIDDEN if kind == "binary" else found[3].strip().strip('"')
            _put(table, entered, name, kind, text, (document, number, f"{table.names[entered]}\\{name}"))
            count += 1
    return count


def secured(table: Table, document: Document, path: str, text: str) -> bool:
    """Take one value a security policy sets (``MACHINE\\...\\Name``) into *table*; return whether it is one of the machine's registry."""
    root, _, rest = path.partition("\\")
    key, _, name = rest.rpartition("\\")
    if root.upper() != "MACHINE" or not key or not name:
        return False
    entered = _enter(table, f"HKEY_LOCAL_MACHINE\\{key}")
    _put(table, entered, name, "dword" if text.isdigit() else "sz", text, (document, 0, f"{table.names[entered]}\\{name}"))
    return True


def _policy(table: Table, document: Document) -> int:
    count = 0
    for key, name, kind, text in entries(document):
        count += 1
        entered = _enter(table, key)
        _put(table, entered, name, kind, HIDDEN if kind == "binary" else text, (document, 0, f"{table.names[entered]}\\{name}"))
    return count


def _enter(table: Table, text: str) -> str:
    key = normal_key(text)
    table.keys.setdefault(key, {})
    table.names.setdefault(key, text.strip())
    return key


def _put(table: Table, key: str, name: str, kind: str, text: str, place: tuple[Document, int, str]) -> None:
    shown = text if kind in {"dword", "qword"} else masked(name, text)  # a number is a switch or a limit
    held = table.keys[key].get(name.lower())
    if held is not None and held.text != shown and held.file != place[0].name:
        table.keys[key][name.lower()] = Value(
            held.text, held.kind, held.place, f"the evidence contradicts itself: {place[0].name}:{place[1]} says {shown or 'nothing'}"
        )
    else:
        table.keys[key][name.lower()] = Value(shown, kind, place)


def _exported(table: Table, document: Document) -> int:
    lines, count, key, root, fresh = document.lines, 0, "", "", True
    number = 0
    while number < len(lines):
        line = lines[number].lstrip("\ufeff")
        start, number = number, number + 1
        if line.startswith(HEADER):
            fresh = True
            continue
        head = _KEY.match(line)
        if head is not None:
            count += 1
            key = _enter(table, head[2]) if not head[1] else ""
            if key and (fresh or not (key + "\\").startswith(root + "\\")):
                root, fresh = key, False
                table.roots[root] = None
            continue
        if line.startswith("["):
            key = ""  # no key we can read: what follows is of none we know
        found = _VALUE.match(line)
        if found is None:
            continue
        name, raw = _unescaped(found[1] or ""), found[2]
        if raw.startswith('"'):  # a string may hold line ends, and behind them what looks like keys and values
            while not _CLOSED.match(raw) and number < len(lines) and number - start < _LINES:
                raw, number = raw + "\n" + lines[number], number + 1
        if not key:
            continue
        while raw.endswith("\\") and not raw.startswith('"') and number < len(lines):
            raw, number = raw[:-1] + lines[number].strip(), number + 1
        kind, text = _decoded(raw)
        if raw.strip() == "-":  # a file made for import: the value is to be deleted
            table.keys[key].pop(name.lower(), None)
        elif not kind:
            place = (document, start + 1, table.names[key] + "\\" + name)
            table.keys[key][name.lower()] = Value("(unreadable)", "unreadable", place, "its value cannot be read")
        else:
            _put(table, key, name, kind, text, (document, start + 1, table.names[key] + "\\" + name))
    return count


def _queried(table: Table, document: Document) -> int:
    key, count = "", 0
    for number, line in enumerate(document.lines, 1):
        head = _BARE.match(line.rstrip())
        if head is not None:
            key, count = _enter(table, head[1]), count + 1
            continue
        if line.startswith("HKEY_"):
            key = ""
        found = _QUERIED.match(line)
        if found is not None and key:
            table.shallow[key] = None
            raw = (found[3] or "").strip()
            kind = {"REG_DWORD": "dword", "REG_QWORD": "qword"}.get(found[2], found[2].removeprefix("REG_").lower())
            text = str(int(raw, 16)) if kind in {"dword", "qword"} and re.fullmatch(r"0x[0-9a-fA-F]{1,16}", raw) else raw
            name = "" if found[1].startswith("(") and found[1].endswith(")") else found[1]
            _put(table, key, name, kind, HIDDEN if kind == "binary" else text, (document, number, f"{table.names[key]}\\{name}"))
    return count


def _unescaped(text: str) -> str:
    return text.replace('\\"', '"').replace("\\\\", "\\")


def _decoded(raw: str) -> tuple[str, str]:
    """Return (type, text) of a value as ``reg export`` writes it; empty type where it is none, or deletes."""
    raw = raw.strip()
    if raw.startswith('"'):
        return ("sz", _unescaped(raw[1:-1])) if len(raw) > 1 and raw.endswith('"') else ("", "")
    head, mark, body = raw.partition(":")
    if not mark:
        return "", ""
    if head == "dword":
        return ("dword", str(int(body, 16))) if re.fullmatch(r"[0-9a-fA-F]{1,8}", body) else ("", "")
    digits = body.replace(",", "").replace(" ", "")
    if not head.startswith("hex") or len(digits) % 2 or not re.fullmatch(r"[0-9a-fA-F]*", digits):
        return "", ""
    data = bytes.fromhex(digits)
    if head in {"hex(2)", "hex(1)"}:
        return "expand_sz", data.decode("utf-16-le", "replace").rstrip("\0")
    if head == "hex(7)":
        return "multi_sz", ";".join(part for part in data.decode("utf-16-le", "replace").split("\0") if part)
    if head == "hex(b)":
        return "qword", str(int.from_bytes(data, "little"))
    if head == "hex(4)" and len(data) == 4:
        return "dword", str(int.from_bytes(data, "little"))
    return "binary", HIDDEN if any(data) else "(zeros)"
