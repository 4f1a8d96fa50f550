"""What a format of evidence is: how its files are recognised and how they become facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gatewatch.evidence.document import Bundle, Document
from gatewatch.schema.facts.base import Fact

SURE, LIKELY, MAYBE = 90, 60, 30


@dataclass(frozen=True, slots=True)
class Rejected:
    """A format's word that it can make nothing of a document, and why."""

    document: Document
    reason: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """A format's word that it recognises a document which says nothing to judge, and why."""

    document: Document
    reason: str


Outcome = Fact | Rejected | Ignored


@dataclass(frozen=True, slots=True)
class Format:
    """A format of evidence.

    ``recognise``: how sure the format is that a document is its own, from 0 (no) to 100; the surest format takes it, of equals the one
    listed first. Content counts, a path only helps. ``read``: the documents it took of one host, in the order of their paths, and the
    bundle they came in; yields facts and what it had to reject or ignore. Neither may raise for anything a file holds.
    ``collect``: the command that writes such a file.
    """

    name: str
    title: str
    recognise: Callable[[Document], int]
    read: Callable[[list[Document], Bundle], Iterable[Outcome]]
    collect: str
    references: tuple[str, ...] = ()
