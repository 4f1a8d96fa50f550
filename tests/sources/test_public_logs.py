"""Public logs: every line that a source claims is decoded or ignored for a reason."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from sample import Sample, records

from gatewatch.sources import registry

DATA = Path(__file__).parents[2] / "../shared/data"
HEADER = re.compile(
    r"(?:<[0-9]+>)?(?:[A-Z][a-z]{2} +[0-9]+ [0-9:.]+|[0-9-]+T[0-9:.+-]+) \S+ ([^\[: ]+)(?:\[([0-9]+)\])?: *(.*?) *$"
    r"|<[0-9]+>1 \S+ \S+ (\S+) (\S+) \S+ (?:-|\[[^\]]*\]) *(.*?) *$"
)
# lines that no program ever wrote: placed there by the log's editors
INVENTED = re.compile(r"totobad user")

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the public logs are not here")


def read(path: Path) -> pl.DataFrame:
    found: list[Sample] = []
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        match = HEADER.match(line)
        if match is not None and not INVENTED.search(line):
            program, pid, message = match[1] or match[4], match[2] or match[5], match[3] if match[1] else match[6]
            found.append(Sample(path.name, number, program, pid, None, message or "", None, None))
    return records(found)


@pytest.mark.parametrize(
    "name",
    [
        "linux/gtkcyber/auth.log",
        *("plaso/syslog_ssh.log", "plaso/syslog_cron.log"),
        *(f"hub/{folder}/{folder}.log" for folder in ("ssh-bf", "ssh-slow-bf", "ssh-time-based-bf", "ssh-timeout", "sshd-bad-keyexchange-bf")),
        *(f"hub/{folder}/{folder}.log" for folder in ("opnsense-sshd", "sshd-invalid-bf", "sshd-logs", "sshd-refused-conn", "sshd_banner_exchange")),
        *("hub/sshd-logs-fp/sshd-logs.log", "hub/sshd-success-logs/sshd-success-logs.log"),
    ],
)
def test_claimed_lines_are_recognised(name: str) -> None:
    batch = read(DATA / name)
    assert batch.height
    parts, unclaimed = registry.split(batch)
    assert unclaimed["program"].to_list() == []
    for source, part in parts:
        outcome = source.decode(part)
        assert outcome.unrecognised["message"].to_list() == []
        assert outcome.events.height + sum(outcome.ignored.values()) == part.height


def test_an_attacked_host() -> None:
    """Counts that a plain search of the same log gives."""
    path = DATA / "linux/gtkcyber/auth.log"
    text = path.read_text(encoding="utf-8", errors="replace")
    batch = read(path)
    parts, _ = registry.split(batch)
    patterns: Counter[str] = Counter()
    for source, part in parts:
        outcome = source.decode(part)
        patterns.update(outcome.events["pattern"].to_list())
        patterns.update(outcome.ignored)
    assert patterns["invalid-user"] == len(re.findall(r": Invalid user ", text))
    assert patterns["no-identification"] == text.count("Did not receive identification string from ")
    assert patterns["received-disconnect-preauth"] + patterns["client-auth-fail"] + patterns["received-disconnect"] == text.count(
        ": Received disconnect from "
    )
    assert patterns["invalid-repeated"] == text.count("input_userauth_request: invalid user ")
    assert patterns["pam-job-session"] == text.count("pam_unix(cron:session)")
