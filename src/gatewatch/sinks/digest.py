"""The scan in a few sentences and sums: what every readable sink says the same way."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from gatewatch.schema.incidents import Attempts, Incident, Scan, Severity
from gatewatch.schema.records import Disposition, Tally


@dataclass(frozen=True, slots=True)
class Totals:
    """What became of the records read."""

    read: int
    used: int
    ignored: int
    unrecognised: int
    rejected: int

    @property
    def sum(self) -> int:
        """All four fates together; anything but ``read`` is a fault of gatewatch."""
        return self.used + self.ignored + self.unrecognised + self.rejected

    @property
    def recognised(self) -> int:
        """Records some source claimed and understood."""
        return self.used + self.ignored


def plural(number: int, one: str, many: str | None = None) -> str:
    """Return the number with its noun: ``1 file``, ``1,234 files``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def totals(scan: Scan) -> Totals:
    """Return the account of *scan*'s records."""
    sums: Counter[Disposition] = Counter()
    for tally in scan.tallies:
        sums[tally.disposition] += tally.count
    return Totals(scan.records, *(sums[fate] for fate in Disposition))


def reasons(scan: Scan, fate: Disposition) -> list[tuple[str, str, int]]:
    """Return (source, reason, records) of one fate over all files, most first; an empty source is nobody's."""
    sums: Counter[tuple[str, str]] = Counter()
    for tally in scan.tallies:
        if tally.disposition is fate:
            sums[tally.source or "", tally.reason] += tally.count
    return [(source, reason, number) for (source, reason), number in sorted(sums.items(), key=lambda item: (-item[1], item[0])) if number]


def by_file(scan: Scan) -> list[tuple[str, Totals]]:
    """Return the account of each file, by name."""
    files: dict[str, Counter[Disposition]] = {}
    for tally in scan.tallies:
        files.setdefault(tally.file, Counter())[tally.disposition] += tally.count
    return [(name, Totals(sum(sums.values()), *(sums[fate] for fate in Disposition))) for name, sums in sorted(files.items())]


def file_count(scan: Scan) -> int:
    """Return how many files (or archive members) gave records."""
    return len({tally.file for tally in scan.tallies})


def time_range(scan: Scan) -> tuple[datetime, datetime] | None:
    """Return the first and last instant any log covers."""
    firsts = [row.first for row in scan.coverage if row.first is not None]
    lasts = [row.last for row in scan.coverage if row.last is not None]
    return (min(firsts), max(lasts)) if firsts and lasts else None


def ranked(incidents: list[Incident]) -> list[Incident]:
    """Return *incidents*, gravest first, then in order of time."""
    return sorted(incidents, key=lambda incident: (-incident.severity.rank, incident.first_seen, incident.id))


def severities(incidents: list[Incident]) -> list[tuple[Severity, int]]:
    """Return how many incidents each severity has, gravest first, without zeros."""
    counts = Counter(incident.severity for incident in incidents)
    return [(level, counts[level]) for level in reversed(Severity) if counts[level]]


def headline(scan: Scan) -> str:
    """Return the one line that answers "did someone get in?"."""
    if not scan.incidents:
        return "No incident"
    return f"{plural(len(scan.incidents), 'incident')}: " + ", ".join(f"{number} {level}" for level, number in severities(scan.incidents))


def silence(scan: Scan) -> list[str]:
    """Return why there is no incident, in plain sentences; empty when there is one."""
    if scan.incidents:
        return []
    sums = totals(scan)
    if not scan.records:
        return ["Nothing was read: the inputs held no record."]
    if not any(recognised(tally) for tally in scan.tallies):
        return [f"Nothing was recognised: none of the {plural(scan.records, 'record')} is of a kind gatewatch knows. This is no all-clear."]
    if scan.access:
        said = [f"{plural(len(scan.access), 'access', 'accesses')} from outside accepted; none met a pattern of abuse."]
    elif scan.attempts:
        said = ["No outside address got in: every source from outside only failed."]
    else:
        said = ["No outside address got in: the logs show no access from outside, nor an attempt."]
    if scan.unseen:
        said.append(f"{plural(len(scan.unseen), 'thing')} could not have been seen with the logs given; they are listed below.")
    if not sums.used:
        said.append("No record was used: the recognised ones are of kinds that say nothing about access.")
    return said


def recognised(tally: Tally) -> bool:
    """Return whether *tally* counts records a source understood."""
    return tally.source is not None and tally.disposition in {Disposition.USED, Disposition.IGNORED} and tally.count > 0


def sources_that_failed(scan: Scan) -> int:
    """Return how many outside sources only failed; ``scan.attempts`` may hold only the busiest."""
    number = scan.extra.get("attempt_sources")
    return max(number, len(scan.attempts)) if isinstance(number, int) else len(scan.attempts)


def attempts_line(scan: Scan) -> str | None:
    """Return the sources that only failed as one sentence, or None."""
    if not scan.attempts:
        return None
    busiest = scan.attempts[0]
    number = sources_that_failed(scan)
    said = f"{plural(number, 'outside source')} only failed: {plural(scan.attempts_total, 'attempt')}"
    return f"{said}; busiest {attempter(busiest)} ({busiest.count:,})" if number > 1 else f"{said}, all by {attempter(busiest)}"


def attempter(row: Attempts) -> str:
    """Return the address of a source that only failed, or its name."""
    return row.ip or row.src_host or "unknown source"
