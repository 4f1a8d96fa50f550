"""``sysctl net.ipv4.ip_forward``: whether a Linux host passes on what is not for it.

::

    net.ipv4.ip_forward = 1
    net.ipv6.conf.all.forwarding = 0

Read of what the kernel says (``sysctl``, ``sysctl -a``, ``/proc/sys``), not of what a file would set. Reference: ip-sysctl of Linux.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Ignored, Outcome
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.route import Forwarding

_SAID = re.compile(r"^(net\.ipv4\.ip_forward|net\.ipv4\.conf\.all\.forwarding|net\.ipv6\.conf\.all\.forwarding)\s*=\s*([01])\s*$")
_FILES = {"proc/sys/net/ipv4/ip_forward": 4, "proc/sys/net/ipv4/conf/all/forwarding": 4, "proc/sys/net/ipv6/conf/all/forwarding": 6}
_NAMED = re.compile(r"^(?:net|kernel|fs|vm|abi|debug|dev|user)\.[\w.@/-]{1,200}\s*=", re.MULTILINE)


def _recognise(document: Document) -> int:
    if document.at(*_FILES):
        return SURE
    return SURE if document.at("commands/sysctl*.txt") and _NAMED.search(document.head) else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    said: dict[int, bool] = {}
    places: list[Where] = []
    for document in documents:
        before = len(places)
        version = next((number for path, number in _FILES.items() if document.at(path)), 0)
        for number, line in enumerate(document.lines, 1):
            found = _SAID.match(line.strip())
            if found is not None:
                said[4 if ".ipv4." in found[1] else 6] = found[2] == "1"
                places.append(document.where(number))
            elif version and line.strip() in {"0", "1"}:
                said[version] = line.strip() == "1"
                places.append(document.where(number))
        if len(places) == before:
            yield Ignored(document, "does not say whether packets are passed on")
    if said:
        yield Forwarding(host=bundle.host, as_of=documents[0].as_of, where=tuple(places[:2]), four=said.get(4), six=said.get(6))


FORMAT = Format(
    name="sysctl",
    title="Whether a Linux host passes packets on (sysctl)",
    recognise=_recognise,
    read=_read,
    collect="sysctl -e net.ipv4.ip_forward net.ipv6.conf.all.forwarding > EVIDENCE/commands/sysctl.txt",
    references=("Linux: Documentation/networking/ip-sysctl",),
)
