"""Packages of a host: ``dpkg -l``, ``dpkg-query -W``, ``rpm -qa``, and the table ``winget list`` prints on Windows.

::

    ii  telnetd        0.17+2.4-2      amd64        transitional dummy package
    telnetd	0.17+2.4-2
    telnet-server-0.17-85.el9.x86_64
    AnyDesk       AnyDeskSoftwareGmbH.AnyDesk      ad 8.0.8     8.0.10    winget

References: dpkg-query(1), rpm(8); Microsoft Learn, "winget list".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import LIKELY, SURE, Format, Outcome, Rejected
from gatewatch.schema.facts.machine import Machine, Software, System

_DPKG = re.compile(r"[a-z](i)[\sR]?\s+([a-z0-9][a-z0-9+.-]{1,100})(?::\w{2,10})?\s+(\S{1,100})(?:\s+\S+|$)")
_QUERY = re.compile(r"([a-z0-9][a-z0-9+.-]{1,100})(?::\w{2,10})?\t(\d\S{0,100})$")
_RPM = re.compile(r"([A-Za-z0-9][\w+.-]{0,100})-([^-\s]{1,60})-([^-\s]{1,60})\.(?:x86_64|noarch|aarch64|i[3-6]86|ppc64le|s390x|armv7hl|src)$")


def _recognise(document: Document) -> int:
    lines = [line for line in document.head.splitlines() if line.strip()][:-1] or document.head.splitlines()
    if "Desired=Unknown/Install/Remove/Purge/Hold" in document.head or _table(document.lines) is not None:
        return SURE
    if document.at("commands/dpkg.txt") and any(_DPKG.match(line) for line in lines):
        return SURE
    for pattern in (_QUERY, _RPM, _DPKG):
        hits = sum(1 for line in lines if pattern.match(line.rstrip()))
        if hits >= 3 and hits * 10 >= len(lines) * 9:
            return LIKELY + 15
    return 0


def _table(lines: list[str]) -> tuple[int, list[int]] | None:
    """Return where the table of winget begins, and where its columns do; None where there is none."""
    for at, line in enumerate(lines[1:40], 1):
        if len(line) > 20 and not line.strip("-"):
            starts = [found.start() for found in re.finditer(r"(?:^|(?<=\s))\S", lines[at - 1].rpartition("\r")[2])]
            titles = lines[at - 1].rpartition("\r")[2].split()
            return (at + 1, starts) if len(titles) == len(starts) >= 3 and titles[1].lower() == "id" else None
    return None


def _winget(document: Document, bundle: Bundle, start: int, columns: list[int]) -> Iterator[Software]:
    for number, line in enumerate(document.lines[start:], start + 1):
        cells = [line[low:high].strip() for low, high in zip(columns, [*columns[1:], None], strict=True)]
        if cells[0] and cells[1]:
            yield Software(
                host=bundle.host, as_of=document.as_of, where=(document.where(number),), name=cells[0].rstrip("…"), version=cells[2],
                vendor=cells[1].partition(".")[0] if "." in cells[1] and "\\" not in cells[1] else "", manager="winget",
            )  # fmt: skip


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        if not document.text.endswith("\n"):
            yield Rejected(document, "ends within a line: what it does not list may only be cut off")
            continue
        count = 0
        table = _table(document.lines)
        if table is not None:
            found = list(_winget(document, bundle, *table))
            yield from found
            if not found:
                yield Rejected(document, "lists no installed package")
            else:
                yield Machine(host=bundle.host, as_of=document.as_of, where=(document.where(table[0]),), system=System.WINDOWS, product="Windows")
            continue
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
    title="Packages of a host (dpkg, rpm, winget)",
    recognise=_recognise,
    read=_read,
    collect="dpkg -l > EVIDENCE/commands/dpkg.txt, or rpm -qa > EVIDENCE/commands/rpm.txt; on Windows winget list > winget.txt",
    references=("dpkg-query(1)", "rpm(8)"),
)
