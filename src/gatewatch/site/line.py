"""Lines: where each key and list item of a TOML text stands.

``tomllib`` gives values without positions. This walks a text that ``tomllib`` accepted, so it may be lax about everything but
the extent of strings, comments and brackets.
"""

from __future__ import annotations

import re

Path = tuple[str | int, ...]

_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE = re.compile(r"[^\s=.\[\]{},\"'#]+")
_SCALAR = re.compile(r"[^,\]}#\n]*")
_STRINGS = (
    re.compile(r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}', re.DOTALL),
    re.compile(r"'''(?:[^']|'(?!''))*'{3,5}"),
    re.compile(r'"(?:[^"\\]|\\.)*"'),
    re.compile(r"'[^']*'"),
)
_ESCAPES = re.compile(r"\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})|\\(.)")
_CONTROL = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r"}


class _Walk:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.counted, self.line = 0, 1
        self.lines: dict[Path, int] = {}
        self.items: dict[Path, int] = {}  # how many [[table]] headers so far

    def mark(self, path: Path) -> None:
        self.line += self.text.count("\n", self.counted, self.at)
        self.counted = self.at
        self.lines.setdefault(path, self.line)

    def skip(self) -> None:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found is not None else self.at

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def string(self) -> str | None:
        for pattern in _STRINGS:
            found = pattern.match(self.text, self.at)
            if found is not None:
                self.at = found.end()
                return found.group()
        return None

    def key(self) -> Path:
        parts: list[str] = []
        while True:
            self.skip()
            quoted = self.string()
            if quoted is not None:
                parts.append(quoted[1:-1] if quoted[0] == "'" else _unescape(quoted[1:-1]))
            else:
                found = _BARE.match(self.text, self.at)
                if found is None:
                    break
                parts.append(found.group())
                self.at = found.end()
            self.skip()
            if self.peek() != ".":
                break
            self.at += 1
        return tuple(parts)

    def value(self, path: Path) -> None:
        self.skip()
        self.mark(path)
        if self.peek() == "[":
            self.at += 1
            self.array(path)
        elif self.peek() == "{":
            self.at += 1
            self.pairs(path)
        elif self.string() is None:
            found = _SCALAR.match(self.text, self.at)
            self.at = found.end() if found is not None else self.at

    def array(self, path: Path) -> None:
        index = 0
        while True:
            self.skip()
            if self.peek() in {"]", ""}:
                self.at += 1
                return
            before = self.at
            self.value((*path, index))
            index += 1
            self.skip()
            if self.peek() == "," or self.at == before:
                self.at += 1

    def pairs(self, path: Path) -> None:
        while True:
            self.skip()
            if self.peek() in {"}", ""}:
                self.at += 1
                return
            before = self.at
            self.pair(path)
            self.skip()
            if self.peek() == "," or self.at == before:
                self.at += 1

    def pair(self, path: Path) -> None:
        self.skip()
        start = self.at
        parts = self.key()
        after, self.at = self.at, start
        for length in range(1, len(parts) + 1):
            self.mark((*path, *parts[:length]))
        self.at = after
        self.skip()
        if self.peek() == "=":
            self.at += 1
        self.value((*path, *parts))

    def header(self) -> Path:
        start = self.at
        double = self.text.startswith("[[", self.at)
        self.at += 2 if double else 1
        parts = self.key()
        after, self.at = self.at, start
        path: Path = ()
        for length, part in enumerate(parts, 1):
            path = (*path, part)
            self.mark(path)
            if length == len(parts) and double:
                self.items[path] = self.items.get(path, 0) + 1
            if path in self.items:
                path = (*path, self.items[path] - 1)
                self.mark(path)
        self.at = after
        self.skip()
        self.at += 2 if double else 1
        return path

    def document(self) -> dict[Path, int]:
        table: Path = ()
        while True:
            self.skip()
            if not self.peek():
                return self.lines
            before = self.at
            if self.peek() == "[":
                table = self.header()
            else:
                self.pair(table)
            if self.at == before:  # no TOML: go on, the position of what follows may still be right
                self.at += 1


def _unescape(text: str) -> str:
    def one(found: re.Match[str]) -> str:
        code = found.group(1) or found.group(2)
        return chr(int(code, 16)) if code else _CONTROL.get(found.group(3), found.group(3))

    return _ESCAPES.sub(one, text)


def find_lines(text: str) -> dict[Path, int]:
    """Return the 1-based line of every table, key and list item of a valid TOML *text*, by its path.

    >>> find_lines("[a]\\nb = [1,\\n 2]")[("a", "b", 1)]
    3
    """
    return _Walk(text).document()


def line_of(lines: dict[Path, int], path: Path) -> int:
    """Return the line of *path*, else of the nearest thing that holds it."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)
