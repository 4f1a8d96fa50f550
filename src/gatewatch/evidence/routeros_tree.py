"""The commands of a RouterOS export: menus, and what is added to or set in each.

::

    /ip firewall filter
    add action=drop chain=input comment="defconf: drop all not coming from LAN" \\
        in-interface-list=!LAN
    /ip service set telnet disabled=yes

Reference: MikroTik, "Configuration management" (export).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from gatewatch.evidence.document import Document

_WORD = re.compile(r'(?:"(?:[^"\\]|\\.)*"|\[[^\]]*\]|[^\s"\[\]]|(?<=\S)\[)+')
_VERBS = frozenset({"add", "set", "remove", "print", "enable", "disable"})


@dataclass(slots=True)
class Command:
    """A command of a menu: its verb, what it speaks of (``telnet``, ``0``, ``[ find default=yes ]``), its values and its line."""

    menu: str
    verb: str
    target: str
    line: int
    values: dict[str, str] = field(default_factory=dict)

    def get(self, name: str, default: str = "") -> str:
        """Return a value."""
        return self.values.get(name, default)

    @property
    def on(self) -> bool:
        """Whether it is not disabled."""
        return self.values.get("disabled", "no") != "yes"


def logical(document: Document) -> Iterator[tuple[int, str]]:
    """Yield the lines, those that go on joined, with the number of the first."""
    held, start = "", 0
    for number, line in enumerate(document.lines, 1):
        text = line.lstrip() if held else line
        start = start or number
        if text.endswith("\\"):
            held += text[:-1]
            continue
        yield start, held + text
        held, start = "", 0
    if held:
        yield start, held


def commands(document: Document) -> tuple[list[Command], bool]:
    """Return the commands of an export, and whether it ends within one."""
    made: list[Command] = []
    menu = ""
    for number, line in logical(document):
        text = line.strip()
        if not text or text.startswith(("#", ":")):
            continue
        words = _WORD.findall(text)
        if text.startswith("/"):
            path = next((at for at, word in enumerate(words) if "=" in word or word in _VERBS), len(words))
            words = [part for word in words[:path] for part in word.strip("/").split("/")] + words[path:]  # /ip/service/set is /ip service set
            at = next((at for at, word in enumerate(words) if word in _VERBS), len(words))
            menu, words = " ".join(words[:at]), words[at:]
        if words and words[0] in _VERBS:
            made.append(_command(menu, words, number))
    last = next((line for line in reversed(document.lines) if line.strip()), "")
    return made, last.endswith("\\") or last.count('"') % 2 == 1


def _command(menu: str, words: list[str], line: int) -> Command:
    made = Command(menu, words[0], "", line)
    for word in words[1:]:
        name, mark, value = word.partition("=")
        if word.startswith("[") or not mark:
            made.target = made.target or word
        else:
            made.values[name.lower()] = value[1:-1].replace('\\"', '"') if len(value) > 1 and value[0] == value[-1] == '"' else value
    return made
