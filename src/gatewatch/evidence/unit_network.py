"""``systemctl show``: which addresses systemd lets its services speak with.

::

    Id=ssh.service
    ExecStart={ path=/usr/sbin/sshd ; argv[]=/usr/sbin/sshd -D ; … }
    IPAddressAllow=10.9.0.0/24
    IPAddressDeny=::/0 0.0.0.0/0

Blocks are parted by an empty line. Reference: systemd.resource-control(5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatewatch.evidence.address import parse_span, spans
from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Ignored, Outcome
from gatewatch.schema.facts.filter import LINE, Spans
from gatewatch.schema.facts.unit import UnitNetwork

_OWN = re.compile(r"^(?:Id=\S+|ExecStart=.*|ActiveState=\w+|IPAddress(?:Allow|Deny)=.*)$")
_PROGRAM = re.compile(r"\{ path=(\S{1,400}) ;")
_WORDS = {"any": LINE, "localhost": None, "link-local": None, "multicast": None}


def _recognise(document: Document) -> int:
    lines = [line for line in document.head.splitlines()[:12] if line]
    good = any(line.startswith("IPAddressDeny=") for line in lines) and any(line.startswith("Id=") for line in lines)
    return SURE if good and all(_OWN.match(line) for line in lines[:6]) else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        block: dict[str, tuple[str, int]] = {}
        found = False
        for number, line in enumerate([*document.lines, ""], 1):
            key, mark, value = line.partition("=")
            if mark:
                block.setdefault(key.strip(), (value.strip(), number))
            elif block:
                unit = block.get("Id", ("", 0))[0]
                if unit and "IPAddressDeny" in block and block.get("ActiveState", ("active", 0))[0] == "active":
                    found = True
                    program = _PROGRAM.search(block.get("ExecStart", ("", 0))[0])
                    yield UnitNetwork(
                        host=bundle.host, as_of=document.as_of, where=(document.where(block["IPAddressDeny"][1]),), unit=unit,
                        program=program.group(1).rpartition("/")[2] if program else "",
                        allow=_spans(block.get("IPAddressAllow", ("", 0))[0]), deny=_spans(block["IPAddressDeny"][0]),
                    )  # fmt: skip
                block = {}
        if not found:
            yield Ignored(document, "tells of no unit that runs")


def _spans(text: str) -> Spans:
    made = [span for word in text.split() if (span := _WORDS[word] if word in _WORDS else parse_span(word)) is not None]
    return spans(made)


FORMAT = Format(
    name="unit-network",
    title="Addresses that systemd lets services speak with (systemctl show)",
    recognise=_recognise,
    read=_read,
    collect=(
        "systemctl show --property=Id,ActiveState,ExecStart,IPAddressAllow,IPAddressDeny '*.service' '*.slice' > EVIDENCE/commands/units-network.txt"
    ),
    references=("systemd.resource-control(5)",),
)
