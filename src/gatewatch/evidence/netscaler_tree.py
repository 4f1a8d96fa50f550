"""NetScaler's ns.conf as commands: verb, type, name, plain words and options."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from gatewatch.evidence.document import Document

_WORD = re.compile(r'q?"(?:[^"\\]|\\.)*"|q\{[^{}]*\}|q/[^/]*/|\'[^\']*\'|\S+')
_TWO = frozenset({"authentication", "vpn", "ssl", "ns", "system", "aaa", "audit", "lb", "cs", "tm", "snmp", "rewrite", "responder"})
_BARE = frozenset({"-secondary", "-groupExtraction", "-encrypted", "-feature"})


@dataclass(slots=True)
class Command:
    """A command: ``add vpn vserver GW SSL 203.0.113.1 443 -icaOnly ON``: verb, kind ``vpn vserver``, words, options by lower-case name."""

    number: int
    verb: str
    kind: str
    words: list[str]
    options: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the command is about."""
        return self.words[0] if self.words else ""

    def option(self, name: str, default: str = "") -> str:
        """Return an option's value."""
        return self.options.get(name.lower(), default)


def commands(document: Document) -> Iterator[Command]:
    """Yield the commands of *document*."""
    for number, line in enumerate(document.lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        words = [_bare(word) for word in _WORD.findall(line[:8192])]
        if len(words) < 2:
            continue
        verb = words[0].lower()
        size = 2 if words[1].lower() in _TWO and len(words) > 2 else 1
        kind = " ".join(words[1 : 1 + size]).lower()
        made = Command(number, verb, kind, [])
        rest = words[1 + size :]
        at = 0
        while at < len(rest):
            word = rest[at]
            if word.startswith("-") and len(word) > 1 and not word[1].isdigit():
                follows = rest[at + 1] if at + 1 < len(rest) else ""
                if word in _BARE or not follows or (follows.startswith("-") and not follows[1:2].isdigit()):
                    made.options[word[1:].lower()] = "ON"
                    at += 1
                else:
                    made.options[word[1:].lower()] = follows
                    at += 2
            else:
                made.words.append(word)
                at += 1
        yield made


def _bare(word: str) -> str:
    return word[1:-1] if len(word) > 1 and word[0] == word[-1] and word[0] in "\"'" else word
