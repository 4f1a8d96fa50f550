"""The configuration of FortiOS as a tree of ``config`` tables, ``edit`` entries and ``set`` values; virtual domains side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from gatewatch.evidence.document import Document

_DEPTH = 32
_JOINED = 400  # lines of one quoted value (certificates)
_HELD = 65536  # characters of it


@dataclass(slots=True)
class Node:
    """A table or an entry of one: its values with their lines, its tables and its entries, in order."""

    name: str
    line: int
    values: dict[str, tuple[list[str], int]] = field(default_factory=dict)
    tables: dict[str, Node] = field(default_factory=dict)
    entries: dict[str, Node] = field(default_factory=dict)

    def table(self, path: str) -> Node:
        """Return the table ``system admin``, an empty one where there is none."""
        return self.tables.get(path) or Node(path, 0)

    def get(self, name: str, default: str = "") -> str:
        """Return the first word of a value."""
        found = self.values.get(name)
        return found[0][0] if found and found[0] else default

    def many(self, name: str) -> list[str]:
        """Return the words of a value."""
        found = self.values.get(name)
        return list(found[0]) if found else []

    def line_of(self, name: str) -> int:
        """Return where a value stands, else the entry."""
        found = self.values.get(name)
        return found[1] if found else self.line


@dataclass(slots=True)
class Tree:
    """A configuration: what is global, and each virtual domain."""

    document: Document
    top: Node
    cut: str

    def shared(self) -> Node:
        """Return the tables that hold for the whole device."""
        return self.top.tables.get("global") or self.top

    def domains(self) -> Iterator[tuple[str, Node]]:
        """Yield the virtual domains; a device without any is one."""
        listed = self.top.tables.get("vdom")
        if listed is None or not any(one.tables for one in listed.entries.values()):
            yield "", self.top
            return
        yield from listed.entries.items()


def parse(document: Document) -> Tree:
    """Return the tree of *document*."""
    top = Node("", 0)
    stack: list[Node] = [top]
    kinds: list[str] = ["top"]
    fault = ""
    for number, words in _statements(document.lines):
        head = words[0]
        if head == "config" and len(words) > 1 and len(stack) < _DEPTH:
            name = " ".join(words[1:])
            node = stack[-1].tables.setdefault(name, Node(name, number))
            stack.append(node)
            kinds.append("config")
        elif head == "edit" and len(words) > 1 and len(stack) < _DEPTH:
            node = stack[-1].entries.setdefault(words[1], Node(words[1], number))
            stack.append(node)
            kinds.append("edit")
        elif head == "next" and kinds[-1] == "edit":
            stack.pop()
            kinds.pop()
        elif head == "end" and len(stack) > 1:
            if kinds[-1] == "edit":
                stack.pop()
                kinds.pop()
            if len(stack) > 1:
                stack.pop()
                kinds.pop()
        elif head in {"set", "append"} and len(words) > 1:
            old = stack[-1].values.get(words[1], ([], 0))[0] if head == "append" else []
            stack[-1].values[words[1]] = ([*old, *words[2:]], number)
        elif head == "unset" and len(words) > 1:
            stack[-1].values.pop(words[1], None)
        elif head not in {"next", "end"} and not fault and not head.startswith("#"):
            fault = f"line {number} is no statement of FortiOS"
    cut = f"ends within 'config {stack[1].name}'; it is cut off" if len(stack) > 1 else ""
    return Tree(document, top, cut or fault)


def _statements(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield the words of each statement; a quoted value may go over several lines."""
    words: list[str] = []
    start, open_text, joined = 0, None, 0
    for number, line in enumerate(lines, 1):
        if open_text is None:
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            start, joined = number, 0
            words, open_text = _split(line)
        else:
            joined += 1
            more, rest = _split(line, open_text + "\n")
            words, open_text = [*words, *more], rest[-_HELD:] if rest is not None else None
        if open_text is not None and joined < _JOINED:
            continue
        open_text = None
        if words:
            yield start, words
    if open_text is not None and words:
        yield start, words


def _split(line: str, held: str | None = None) -> tuple[list[str], str | None]:
    """Return the words of a line and, where a quote stays open, the text in it."""
    words: list[str] = []
    made: list[str] = [held] if held is not None else []
    quoted, begun = held is not None, held is not None
    at = 0
    while at < len(line):
        char = line[at]
        if char == "\\" and at + 1 < len(line):
            made.append(line[at + 1])
            begun = True
            at += 2
            continue
        if char == '"':
            quoted, begun = not quoted, True
        elif char in " \t" and not quoted:
            if begun:
                words.append("".join(made))
            made, begun = [], False
        else:
            made.append(char)
            begun = True
        at += 1
    if quoted:
        return words, "".join(made)
    if begun:
        words.append("".join(made))
    return words, None
