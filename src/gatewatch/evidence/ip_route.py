"""``ip -j route``: which networks a Linux host reaches by which interface.

::

    [{"dst": "default", "gateway": "192.0.2.1", "dev": "eth0"}, {"dst": "10.20.0.0/16", "via": …, "dev": "eth1"}]

A route over several ways, or one that lets packets fall, leads by no interface; rules that choose another table are not followed. Reference:
ip-route(8).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatewatch.evidence.address import family, parse_span
from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Ignored, Outcome, Rejected
from gatewatch.schema.facts.route import Route

_OWN = re.compile(r'^\[\s*\{\s*(?:"type":\s*"[a-z]{1,16}",\s*)?"dst":')
_USUAL = frozenset({"", "unicast"})


def _recognise(document: Document) -> int:
    return SURE if _OWN.match(document.head) else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        tree = document.json()
        if not isinstance(tree, list):
            yield Rejected(document, document.fault or "holds no list of routes")
            continue
        six = any(isinstance(one, dict) and ":" in f"{one.get('dst')}{one.get('gateway')}" for one in tree)
        found = False
        for number, entry in enumerate(tree):
            if not isinstance(entry, dict):
                continue
            target = str(entry.get("dst", ""))
            network = family(6 if six else 4) if target == "default" else parse_span(target)
            if network is None:
                continue
            found = True
            face = entry.get("dev") if str(entry.get("type", "")) in _USUAL else None
            where = (document.spot(f"$[{number}]", f"{target} dev {face}"),)
            yield Route(host=bundle.host, as_of=document.as_of, where=where, interface=face if isinstance(face, str) else "", network=network)
        if not found:
            yield Ignored(document, "holds no route to a network")


FORMAT = Format(
    name="ip-route",
    title="Routes of a Linux host (ip -j route)",
    recognise=_recognise,
    read=_read,
    collect="ip -j route > EVIDENCE/commands/ip-route.json; ip -j -6 route > EVIDENCE/commands/ip-route-6.json",
    references=("ip-route(8)",),
)
