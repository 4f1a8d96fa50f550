"""Lists of public Tor nodes: the exit list, the bulk list, Onionoo's details, a consensus.

::

    ExitNode 0011BD2485AD45D984EC4159C88FC066E5E3300E
    ExitAddress 198.51.100.7 2026-05-31 20:01:02

Reference: Tor Project, "TorDNSEL exit lists", "Onionoo", directory protocol (dir-spec).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatewatch.evidence.address import parse_span, spans
from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import LIKELY, SURE, Format, Outcome, Rejected
from gatewatch.evidence.kube_config import texts
from gatewatch.schema.facts.filter import Span
from gatewatch.schema.facts.web import TorList

_DAY = re.compile(r"\b(20\d\d-[01]\d-[0-3]\d)\b")
_NAME = re.compile(r"(?i)(?:^|[^a-z])tor(?:[^a-z]|$)|torbulk|exit-addresses|tor_?(?:exit|node|relay)s?")
_ADDRESS = re.compile(r"\[?([0-9A-Fa-f:.]{2,45}?)\]?(?::\d{1,5})?$")


def _recognise(document: Document) -> int:
    head = document.head
    if head.startswith(("ExitNode ", "network-status-version 3", "@type tordnsel", "@type network-status-consensus")):
        return SURE
    if '"relays_published"' in head or ('"relays"' in head and '"or_addresses"' in document.text[:65536]):
        return SURE
    lines = [line for line in head.split("\n")[:20] if line.strip() and not line.startswith("#")]
    plain = bool(lines) and all(parse_span(line.strip()) is not None for line in lines[:-1] or lines)
    return LIKELY if plain and _NAME.search(document.path.rpartition("/")[2]) else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        kind, found, day = _parse(document)
        if not found:
            yield Rejected(document, document.fault or "holds no address of a node")
            continue
        unique = spans(found)
        yield TorList(
            host=bundle.host, as_of=document.as_of, where=(document.where(1) if kind != "onionoo" else document.spot("$"),), kind=kind,
            addresses=unique, count=len(set(found)), day=day,
        )  # fmt: skip


def _parse(document: Document) -> tuple[str, list[Span], str]:
    head = document.head.lstrip()
    found: list[Span] = []
    if head.startswith("{"):
        tree = document.json()
        relays = tree.get("relays") if isinstance(tree, dict) else None
        for relay in relays if isinstance(relays, list) else ():
            if isinstance(relay, dict):
                written = (*texts(relay.get("or_addresses")), *texts(relay.get("exit_addresses")))
                found += [span for text in written if (span := _span(text)) is not None]
        day = _DAY.search(str(tree.get("relays_published"))) if isinstance(tree, dict) else None
        return "onionoo", found, day[1] if day else ""
    if "ExitNode " in head or head.startswith("@type tordnsel"):
        days = []
        for line in document.lines:
            words = line.split()
            if len(words) >= 3 and words[0] == "ExitAddress" and (span := parse_span(words[1])) is not None:
                found.append(span)
                days.append(words[2])
        return "exit list", found, max((day for day in days if _DAY.fullmatch(day)), default="")
    if head.startswith(("network-status-version", "@type network-status")):
        day_of = ""
        for line in document.lines:
            words = line.split()
            if words[:1] == ["valid-after"] and len(words) > 1 and _DAY.fullmatch(words[1]):
                day_of = words[1]
            elif words[:1] == ["r"] and len(words) >= 9 and (span := parse_span(words[6])) is not None:
                found.append(span)
        return "consensus", found, day_of
    day_of = ""
    for line in document.lines:
        text = line.strip()
        if text.startswith("#"):
            stamp = _DAY.search(text)
            day_of = day_of or (stamp[1] if stamp else "")
        elif text and (span := parse_span(text)) is not None:
            found.append(span)
    return "plain list", found, day_of


def _span(text: str) -> Span | None:
    matched = _ADDRESS.match(text)
    return parse_span(matched[1]) if matched else None


FORMAT = Format(
    name="tor-list",
    title="List of public Tor nodes",
    recognise=_recognise,
    read=_read,
    collect="cp /var/lib/tor-blocklist/exit-addresses EVIDENCE/commands/tor-exit-addresses.txt (the list your firewall or proxy was fed with)",
    references=("Tor Project: exit lists", "CISA AA20-183A"),
)
