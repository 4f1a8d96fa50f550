"""Results of a probe plan: which connections could be made from a zone (``gatewatch probe-plan`` writes the plan).

::

    # gatewatch-probe 1
    zone,host,address,port,protocol,result,time
    dmz,db02,10.20.0.21,22,tcp,open,2026-01-05T10:02:11Z

A line that is not of this form makes the file rejected from there on: half a result would look like a closed port.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from ipaddress import ip_address

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Ignored, Outcome, Rejected
from gatewatch.schema.facts.probe import HEADER, Probe, Result

_COLUMNS = "zone,host,address,port,protocol,result,time"
_RESULTS = frozenset(str(one) for one in Result)


def _recognise(document: Document) -> int:
    return SURE if document.head.startswith("# gatewatch-probe") else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:  # noqa: ARG001 - a result names its hosts itself
    for document in documents:
        yield from _one(document)


def _one(document: Document) -> Iterator[Outcome]:
    lines = document.lines
    if lines[0].strip() != HEADER:
        yield Rejected(document, f"of another version than this reads: {lines[0].strip()[:60]}")
        return
    made: list[Probe] = []
    for number, line in enumerate(lines[1:], 2):
        text = line.strip()
        if not text or text.startswith("#") or text == _COLUMNS:
            continue
        probe = _probe(document, number, text)
        if probe is None:
            yield Rejected(document, f"line {number} is no result ({_COLUMNS})")
            return
        made.append(probe)
    if not made:
        yield Ignored(document, "holds no result")
    yield from made


def _probe(document: Document, number: int, text: str) -> Probe | None:
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 7:
        return None
    zone, host, address, port, protocol, result, time = parts
    try:
        ip_address(address)
        moment = datetime.fromisoformat(time)
    except ValueError:
        return None
    known = port.isascii() and port.isdigit() and len(port) < 6 and 0 < int(port) < 65536 and protocol == "tcp" and result in _RESULTS
    if not known or not zone or not host or moment.tzinfo is None:
        return None
    return Probe(
        host=host.casefold(), as_of=moment, where=(document.where(number),), zone=zone.casefold(), address=address, port=int(port), protocol=protocol,
        result=Result(result),
    )  # fmt: skip


FORMAT = Format(
    name="probe",
    title="Results of a probe plan, run by an administrator in a zone",
    recognise=_recognise,
    read=_read,
    collect="gatewatch probe-plan -c gatewatch.toml --from ZONE > plan.sh; run it in that zone: bash plan.sh > EVIDENCE/probe-ZONE.csv",
    references=("NIST SP 800-115, section 4",),
)
