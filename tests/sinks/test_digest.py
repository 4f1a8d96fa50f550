from __future__ import annotations

from collections.abc import Callable

import pytest

from gatewatch.schema.coverage import Unseen
from gatewatch.schema.incidents import Scan
from gatewatch.schema.records import Disposition, Tally
from gatewatch.sinks import digest


def test_the_four_fates_add_up(scan: Scan) -> None:
    sums = digest.totals(scan)
    assert (sums.used, sums.ignored, sums.unrecognised, sums.rejected) == (113_269, 2_314, 5_210, 2)
    assert sums.sum == sums.read == scan.records
    assert sum(one.read for _, one in digest.by_file(scan)) == scan.records


def test_headline(scan: Scan, empty_scan: Callable[..., Scan]) -> None:
    assert digest.headline(scan) == "3 incidents: 1 critical, 1 high, 1 medium"
    assert digest.headline(empty_scan()) == "No incident"


def test_gravest_first_then_time(scan: Scan) -> None:
    assert [incident.severity for incident in digest.ranked(scan.incidents)] == ["critical", "high", "medium"]


def test_attempts_in_one_line(scan: Scan) -> None:
    assert digest.attempts_line(scan) == "1,234 outside sources only failed: 56,789 attempts; busiest 203.0.113.200 (12,345)"
    scan.attempts, scan.attempts_total, scan.extra = scan.attempts[2:], 41, {}
    assert digest.attempts_line(scan) == "1 outside source only failed: 41 attempts, all by scanner.example.net"
    scan.attempts = []
    assert digest.attempts_line(scan) is None


SEEN = Tally("a", "sshd", Disposition.USED, "", 5)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "Nothing was read"),
        ({"records": 5, "tallies": [Tally("a", None, Disposition.UNRECOGNISED, "", 5)]}, "Nothing was recognised: none of the 5 records"),
        ({"records": 5, "tallies": [SEEN]}, "No outside address got in: the logs show no access"),
        ({"records": 5, "tallies": [SEEN], "unseen": [Unseen("a", "b", "c")]}, "1 thing could not have been seen"),
        ({"records": 5, "tallies": [Tally("a", "sshd", Disposition.IGNORED, "chatter", 5)]}, "No record was used"),
    ],
)
def test_silence_says_why(given: dict[str, object], said: str, empty_scan: Callable[..., Scan]) -> None:
    assert said in " ".join(digest.silence(empty_scan(**given)))


def test_silence_tells_attempts_from_accesses(scan: Scan) -> None:
    assert digest.silence(scan) == []
    scan.incidents = []
    assert digest.silence(scan)[0] == "9 accesses from outside accepted; none met a pattern of abuse."
    scan.access = []
    assert digest.silence(scan)[0] == "No outside address got in: every source from outside only failed."


def test_reasons_are_summed_over_files(scan: Scan) -> None:
    scan.tallies += [Tally("z", "sshd", Disposition.IGNORED, "key exchange chatter", 1)]
    assert digest.reasons(scan, Disposition.IGNORED) == [("sshd", "key exchange chatter", 2_315)]
