"""Event data out of rendered text in a language we have no words for: by the place of each label.

::

    Fehler beim Anmelden eines Kontos.
    Antragsteller:
        Sicherheits-ID:     NULL SID
        …
    Quellnetzwerkadresse:   203.0.113.9

Translations keep the order of the labels. So where the text is lines, all of them, from the first label to where prose begins, are laid against the
labels of the English wording: headings have no value, numbers and addresses look like such, what is one label in English is one in the other
language. A datum is taken where all ways to lay them agree on its line; a line too many, and nothing is. What Windows shows in words (why a logon
failed) is not taken: a code says it as well.

Agents join the lines into one, where what stood in a line of its own is apart by two blanks or more: such text is taken apart again
(:func:`unjoined`). Whoever puts such blanks and a colon into a name makes a line too many.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

_BLANK = r"[ \t\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}]"
_LINE = re.compile(rf"[ \t]*([^:\N{{FULLWIDTH COLON}}\t\n]{{1,100}}?){_BLANK}*[:\N{{FULLWIDTH COLON}}]{{1,2}}(?:{_BLANK}+(.*))?")
_APART = re.compile(rf"{_BLANK}{{2,}}")
_MOST = 120  # lines
_CLASSES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("empty", re.compile(r"-?")),
    ("digits", re.compile(r"[0-9]{1,10}")),
    ("hex", re.compile(r"0[xX][0-9a-fA-F]{1,16}")),
    ("guid", re.compile(r"\{[0-9a-fA-F-]{36}\}")),
    ("address", re.compile(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}|[0-9a-fA-F]{0,4}:[0-9a-fA-F:.]*(?:%[0-9A-Za-z]+)?|LOCAL")),
)
_FITS: tuple[tuple[re.Pattern[str], frozenset[str]], ...] = (
    (re.compile(r"(?:LogonType|KeyLength|SessionID|PreAuthType)$"), frozenset({"digits"})),
    (re.compile(r"Port$"), frozenset({"digits", "empty"})),
    (re.compile(r"(?:Status|LogonI[dD]|TicketOptions|EncryptionType)$"), frozenset({"hex"})),
    (re.compile(r"ProcessId$"), frozenset({"hex", "digits", "empty"})),
    (re.compile(r"G(?:uid|UID)$"), frozenset({"guid", "empty"})),
    (re.compile(r"^(?:IpAddress|ClientAddress|Address|Param3|IPString|SourceIp|DestinationIp)$"), frozenset({"address", "empty"})),
)


@dataclass(frozen=True, slots=True)
class Label:
    """A label of a wording: how versions of Windows word it, the datum behind it, whether all have it, whether its value may go on over lines,
    whether it is a heading, and whether only shortened texts lack it."""

    words: tuple[str, ...]
    datum: str | None
    optional: bool
    long: bool
    heading: bool
    dropped: bool = False


def unjoined(text: str) -> str:
    """Return the joined lines of *text* as lines again: its first sentence, then each label with its value; prose ends it."""
    found: list[str] = []
    empty = False
    for part in _APART.split(text.strip()):
        labelled = _LINE.fullmatch(part)
        if labelled is not None:
            found.append(f"{labelled[1]}:\t{labelled[2] or ''}")
            empty = not labelled[2]
        elif empty:
            found[-1] += part
            empty = False
        elif found:
            break
    return "\n".join(["", *found])


def values_of(text: str, labels: Sequence[Label]) -> dict[str, str]:
    """Return the values of the data that *labels* name, by their place in *text*; nothing where the two do not fit."""
    lines = _lines(text)
    if not lines or len(lines) > _MOST:
        return {}
    places = _places(tuple((name, _class(value)) for name, value in lines), tuple(labels))
    return {datum: lines[place][1] for place, datum in places}


def _lines(text: str) -> list[tuple[str, str]]:
    """Return label and value of each line, from behind the first sentence to where prose begins."""
    found: list[tuple[str, str]] = []
    for line in text.split("\n")[1:]:
        if not line.strip():
            continue
        labelled = _LINE.fullmatch(line.rstrip())
        if labelled is not None:
            found.append((labelled[1].strip(), (labelled[2] or "").strip(" \t\N{NO-BREAK SPACE}")))
        elif not found or line.startswith("\t\t"):
            continue  # a sentence of two lines; a list that goes on
        else:
            break
    return found


def _class(value: str) -> str:
    return next((name for name, regex in _CLASSES if regex.fullmatch(value)), "text")


def _fits(kind: str, label: Label) -> bool:
    if label.heading:
        return kind == "empty"
    if label.datum is None:
        return True
    return next((kind in kinds for regex, kinds in _FITS if regex.search(label.datum)), True)


@lru_cache(maxsize=1024)
def _places(lines: tuple[tuple[str, str], ...], labels: tuple[Label, ...]) -> tuple[tuple[int, str], ...]:
    """Return which line each datum stands in, where all ways to lay the lines against the labels agree."""
    height, width = len(lines), len(labels)
    fits = [[_fits(kind, label) for label in labels] for _, kind in lines]
    optional = [label.optional and not label.dropped for label in labels]
    before = _ways(fits, optional)
    after = _ways([row[::-1] for row in fits[::-1]], optional[::-1])
    if not before[height][width]:
        return ()
    may = [[at for at in range(width) if fits[line][at] and before[line][at] and after[height - line - 1][width - at - 1]] for line in range(height)]
    of_label: dict[int, list[int]] = {}
    for line, places in enumerate(may):
        for at in places:
            of_label.setdefault(at, []).append(line)
    sure = [(line, labels[places[0]]) for line, places in enumerate(may) if len(places) == 1 and of_label[places[0]] == [line]]
    called: dict[tuple[str, ...], str] = {}
    for line, label in sure:
        if called.setdefault(label.words, lines[line][0]) != lines[line][0]:
            return ()
    return tuple((line, label.datum) for line, label in sure if label.datum is not None and not label.long)


def _ways(fits: list[list[bool]], optional: list[bool]) -> list[list[bool]]:
    """Return whether the first so many lines can be laid against the first so many labels."""
    width = len(optional)
    table = [[True] + [False] * width]
    for at in range(width):
        table[0][at + 1] = table[0][at] and optional[at]
    for row, last in zip(fits, range(len(fits)), strict=True):
        now = [False] * (width + 1)
        for at in range(width):
            now[at + 1] = (now[at] and optional[at]) or (table[last][at] and row[at])
        table.append(now)
    return table
