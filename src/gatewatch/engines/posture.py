"""The audit's run: paths opened by intake, each host's files read into facts, checks run over all of them.

Intake unpacks (with its limits) and evidence reads bytes, so neither imports the other; only here they meet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain

from gatewatch.audit.check import Check, Ground
from gatewatch.audit.reach.query import Answer, Reach
from gatewatch.audit.reach.span import of_address
from gatewatch.audit.reach.zone import sources
from gatewatch.audit.registry import CHECKS, DERIVATIONS
from gatewatch.audit.run import gather, run, stale_waivers, table
from gatewatch.engines.host import Piece
from gatewatch.engines.symlink import linked
from gatewatch.errors import UsageError
from gatewatch.evidence.document import Document
from gatewatch.evidence.layout import split
from gatewatch.evidence.reading import bundles, read
from gatewatch.intake.archive import Link
from gatewatch.intake.limit import MIB, Limits
from gatewatch.intake.opening import Member, open_paths
from gatewatch.schema.evidence import EvidenceFile
from gatewatch.schema.facts.base import Fact, Facts
from gatewatch.schema.facts.machine import Machine
from gatewatch.schema.findings import Audit
from gatewatch.schema.records import Disposition, Problem
from gatewatch.site.model import Site

FILE_CAP = 64 * MIB  # of one file; the largest configurations (cluster dumps) have a few
LIMITS = Limits(max_unpacked=64 * 1024 * MIB)


def audit(paths: Sequence[str], site: Site, today: date, checks: Sequence[Check] = CHECKS, pieces: Sequence[Piece] = ()) -> Audit:
    """Return the audit of the evidence in *paths*, and of *pieces* collected from this host, as of *today*."""
    return examine(paths, site, today, checks, pieces)[0]


def examine(
    paths: Sequence[str], site: Site, today: date, checks: Sequence[Check] = CHECKS, pieces: Sequence[Piece] = ()
) -> tuple[Audit, Facts]:
    """Return the audit of the evidence in *paths* and of *pieces*, and the facts it rests on."""
    facts, files, problems = gather_facts(paths, site, pieces)
    ground = Ground(site, today)
    findings = run(facts, ground, checks)
    result = Audit(
        findings=tuple(findings),
        table=table(findings, checks),
        files=tuple(files),
        problems=tuple(problems),
        hosts=tuple(facts.hosts()),
        facts=len(facts),
        today=today,
        site=site.name,
        notes=tuple(stale_waivers(findings, site.posture.waivers, ground)),
    )
    return result, facts


@dataclass(frozen=True, slots=True)
class Question:
    """A question of reach, parsed: from where, to which host, port and protocol."""

    source: str
    host: str
    port: int
    protocol: str


def ask(paths: Sequence[str], site: Site, question: Question) -> tuple[Answer, list[EvidenceFile], list[Problem]]:
    """Return who of the source can reach the target, by the packet filters in *paths*. UsageError when the source or host means nothing."""
    facts, files, problems = gather_facts(paths, site)
    found = sources(site, question.source)
    if found is None:
        raise UsageError(f"--from {question.source!r} is no zone of the site, no host with an address, no address and no network")
    host = site.host_name(question.host)
    by_address = site.addresses().get(host)
    host = by_address or next((one.host for one in facts.of(Machine) if question.host in one.addresses), host)
    if host not in facts.hosts() and host not in site.host_names() and of_address(host) is None:
        unread = [f"{one.file}: {one.what}" for one in problems]
        unread += [f"{one.file}: {one.reason}" for one in files if one.disposition in {Disposition.REJECTED, Disposition.UNRECOGNISED}]
        more = "; …" if len(unread) > 3 else ""
        why = f"; not read: {'; '.join(unread[:3])}{more}" if unread else "" if files else "; the evidence holds nothing"
        raise UsageError(f"--to: {question.host!r} is no host of the evidence or the site{why}")
    return Reach(facts, site).ask(found[0], host, question.port, question.protocol, found[1]), files, problems


def gather_facts(paths: Sequence[str], site: Site, pieces: Sequence[Piece] = ()) -> tuple[Facts, list[EvidenceFile], list[Problem]]:
    """Return the facts in *paths*, the fate of every file, and what could not be opened."""
    problems: list[Problem] = []
    files: list[EvidenceFile] = []
    found: list[Fact] = []
    for bundle in bundles(chain(_documents(paths, problems), _collected(pieces, problems))):
        reading = read(bundle)
        found += reading.facts
        files += reading.files
    return gather(found, site, DERIVATIONS), files, problems


def _documents(paths: Sequence[str], problems: list[Problem]) -> Iterator[Document]:
    for given in dict.fromkeys(paths):
        links: list[Link] = []
        opened: list[Document] = []
        for member in open_paths([given], LIMITS, links):
            if isinstance(member, Problem):
                problems.append(member)
                continue
            opened.append(_document(member, given))
        yield from opened
        if links:
            yield from linked(links, opened, given, problems)


def _collected(pieces: Sequence[Piece], problems: list[Problem]) -> Iterator[Document]:
    for piece in pieces:
        if piece.fault:
            problems.append(Problem(f"host!{piece.path}", piece.fault, "system"))
        else:
            yield Document(f"host!{piece.path}", split(f"host!{piece.path}", "host")[1], "host", piece.data)


def _document(member: Member, given: str) -> Document:
    root, path = split(member.name, given)
    data, size = [], 0
    for chunk in member.chunks(MIB):
        size += len(chunk)
        if size > FILE_CAP:
            return Document(member.name, path, root, b"-", member.mtime, f"larger than {FILE_CAP // MIB} MiB: no configuration")
        data.append(chunk)
    return Document(member.name, path, root, b"".join(data), member.mtime)
