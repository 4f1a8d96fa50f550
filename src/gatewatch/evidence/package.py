"""Packages of a Linux host: ``dpkg -l``, ``dpkg-query -W``, ``rpm -qa``.

::

    ii  telnetd        0.17+2.4-2      amd64        transitional dummy package
    telnetd	0.17+2.4-2
    telnet-server-0.17-85.el9.x86_64

References: dpkg-query(1), rpm(8).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import LIKELY, SURE, Format, Outcome, Rejected
from gatewatch.schema.facts.machine import Software

_DPKG = re.compile(r"[a-z](i)[\sR]?\s+([a-z0-9][a-z0-9+.-]{1,100})(?::\w{2,10})?\s+(\S{1,100})\s+\S+")
_QUERY = re.compile(r"([a-z0-9][a-z0-9+.-]{1,100})(?::\w{2,10})?\t(\d\S{0,100})$")
_RPM = re.compile(r"([A-Za-z0-9][\w+.-]{0,100})-([^-\s]{1,60})-([^-\s]{1,60})\.(?:x86_64|noarch|aarch64|i[3-6]86|ppc64le|s390x|armv7hl|src)$")


def _recognise(document: Document) -> int:
    lines = [line for line in document.head.splitlines() if line.strip()][:-1] or document.head.splitlines()
    if "Desired=Unknown/Install/Remove/Purge/Hold" in document.head:
        return SURE
    for pattern in (_QUERY, _RPM, _DPKG):
        hits = sum(1 for line in lines if pattern.match(line.rstrip()))
        if hits >= 3 and hits * 10 >= len(lines) * 9:
            return LIKELY + 15
    return 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        if not document.text.endswith("\n"):
            yield Rejected(document, "ends within a line: what it does not list may only be cut off")
            continue
        count = 0
        for number, line in enumerate(document.lines, 1):
            text = line.rstrip()
            listed = _DPKG.match(text)
            query = _QUERY.match(text)
            rpm = _RPM.match(text)
            if listed is not None:
                name, version, manager = listed[2], listed[3], "dpkg"
            elif query is not None:
                name, version, manager = query[1], query[2], "dpkg"
            elif rpm is not None:
                name, version, manager = rpm[1], f"{rpm[2]}-{rpm[3]}", "rpm"
            else:
                continue
            count += 1
            yield Software(
                host=bundle.host, as_of=document.as_of, where=(document.where(number),), name=name, version=version, manager=manager
            )
        if not count:
            yield Rejected(document, "lists no installed package")


FORMAT = Format(
    name="package",
    title="Packages of a Linux host (dpkg, rpm)",
    recognise=_recognise,
    read=_read,
    collect="dpkg -l > EVIDENCE/commands/dpkg.txt, or rpm -qa > EVIDENCE/commands/rpm.txt",
    references=("dpkg-query(1)", "rpm(8)"),
)
