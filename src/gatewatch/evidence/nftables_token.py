"""The words of nftables' language, each with the line it stands on.

What nft writes and what people write is one language: words, numbers, addresses, quoted text (no escapes), ``@set``, ``$variable``, signs. A
statement ends with its line or with ``;``, a backslash goes on, ``#`` begins a remark. Reference: nft(8).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from gatewatch.evidence.document import Document

END = "end"
"""The kind of what ends a statement: a line's end, ``;`` or a remark."""


class Token(NamedTuple):
    """A word. ``kind``: ``word``, ``number``, ``text`` (was quoted), ``address``, ``set``, ``variable``, ``sign`` or :data:`END`."""

    kind: str
    text: str
    line: int
    document: Document


_LEXEMES = re.compile(
    r"""(?P<remark>\#[^\n]*)
    |(?P<more>\\[ \t]*\n)
    |(?P<end>[\n;])
    |(?P<space>[ \t\f\v]+)
    |"(?P<text>[^"\n]{0,4096})"
    |(?P<mac>(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}(?![0-9A-Za-z:]))
    |(?P<six>(?:[0-9A-Fa-f]{0,4}:){2,7}(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4})(?![0-9A-Za-z:]))
    |(?P<four>\d{1,3}(?:\.\d{1,3}){3}(?![0-9A-Za-z]))
    |(?P<variable>\$[A-Za-z_][\w/.-]{0,127})
    |(?P<set>@[A-Za-z_][\w/.-]{0,127})
    |(?P<word>[A-Za-z_][\w/.-]{0,127}\\?\*?)
    |(?P<span>\d+[A-Za-z][0-9A-Za-z]{0,30})
    |(?P<number>\d{1,20})
    |(?P<sign><=|>=|==|!=|<<|>>|[-+*/&|^<>=!{}()\[\],.:@~])
    |(?P<other>[^\n])""",
    re.VERBOSE,
)
_KINDS = {"mac": "word", "span": "number", "six": "address", "four": "address"}


def tokens(document: Document) -> Iterator[Token]:
    """Yield the words of *document* in order.

    >>> from gatewatch.evidence.document import Document
    >>> [one.text for one in tokens(Document("a", "a", "", b'tcp dport {22, 80-90} accept # doors'))]
    ['tcp', 'dport', '{', '22', ',', '80', '-', '90', '}', 'accept', '# doors', ';']
    """
    line = 1
    for found in _LEXEMES.finditer(document.text):
        kind = found.lastgroup or "other"
        if kind == "space":
            continue
        if kind == "more":
            line += 1
        elif kind in {"end", "remark"}:
            yield Token(END, found.group(), line, document)
            line += found.group() == "\n"
        else:
            yield Token(_KINDS.get(kind, kind), found.group(kind), line, document)
    yield Token(END, ";", line, document)
