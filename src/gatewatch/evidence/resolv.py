"""resolv.conf: the resolvers a host asks. ``127.0.0.53`` is systemd's own, which asks those of its configuration. Reference: resolv.conf(5)."""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.evidence.address import parse_span
from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Ignored, Outcome
from gatewatch.schema.facts.web import ResolverUse


def _recognise(document: Document) -> int:
    return SURE if document.at("resolv.conf") else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        found = []
        for number, line in enumerate(document.lines, 1):
            words = line.split()
            if len(words) >= 2 and words[0] == "nameserver" and parse_span(words[1].partition("%")[0]) is not None:
                found.append((words[1].partition("%")[0], document.where(number)))
        if found:
            places, servers = tuple(place for _, place in found), tuple(one for one, _ in found)
            yield ResolverUse(host=bundle.host, as_of=document.as_of, where=places, servers=servers)
        else:
            yield Ignored(document, "names no resolver")


FORMAT = Format(
    name="resolv",
    title="Resolvers of a host (resolv.conf)",
    recognise=_recognise,
    read=_read,
    collect="cp /etc/resolv.conf EVIDENCE/etc/",
    references=("resolv.conf(5)",),
)
