"""Login records in text, as utmpdump, last -F and lastb -F print them, are what the files themselves say."""

from __future__ import annotations

import polars as pl
import pytest

from gatewatch.intake.line import Block, read_lines
from gatewatch.intake.stamp import resolve
from gatewatch.intake.syslog import Framer
from gatewatch.schema.events import TimeBasis
from gatewatch.sources.utmp import SOURCE

DUMP = "[{type}] [01234] [ts/0] [{user:8}] [{tty:12}] [{host:20}] [{host:15}] [{stamp}]"


def events(*lines: str) -> pl.DataFrame:
    """Return the events of *lines*, in UTC."""
    data = "\n".join(lines).encode()
    framed = Framer().frame(read_lines(Block(data, len(data), 0)))
    assert not framed.left.height
    return resolve(SOURCE.decode(framed.records).events, year=None, basis=TimeBasis.YEAR_GIVEN, zone="UTC")


@pytest.mark.parametrize(
    ("line", "kind", "user", "source", "time"),
    [
        (
            DUMP.format(type=7, user="ann", tty="pts/0", host="192.0.2.7", stamp="2026-01-05T13:00:00,123456+01:00"),
            "session_start", "ann", "192.0.2.7", "2026-01-05 12:00:00",
        ),
        (
            DUMP.format(type=6, user="admin", tty="ssh:notty", host="203.0.113.9", stamp="Mon Jan 05 12:00:00 2026 UTC"),
            "auth_failure", "admin", "203.0.113.9", "2026-01-05 12:00:00",
        ),
        (
            "ann      pts/0        192.0.2.7        Mon Jan  5 12:00:00 2026 - Mon Jan  5 12:30:00 2026  (00:30)",
            "session_start", "ann", "192.0.2.7", "2026-01-05 12:00:00",
        ),
        (
            "admin    ssh:notty    203.0.113.9      Mon Jan  5 12:00:00 2026 - Mon Jan  5 12:00:00 2026  (00:00)",
            "auth_failure", "admin", "203.0.113.9", "2026-01-05 12:00:00",
        ),
        (
            "ann      pts/0        192.0.2.7        2026-01-05T13:00:00+0100   still logged in",
            "session_start", "ann", "192.0.2.7", "2026-01-05 12:00:00",
        ),
    ],
)  # fmt: skip
def test_a_line_is_the_record_it_shows(line: str, kind: str, user: str, source: str, time: str) -> None:
    (row,) = events(line).to_dicts()
    assert (row["kind"], row["user"], row["src_ip"], f"{row['time']:%F %T}") == (kind, user, source, time)


def test_a_session_ends_on_its_terminal_and_a_password_for_a_name_stays_out() -> None:
    found = events(
        DUMP.format(type=7, user="ann", tty="pts/0", host="192.0.2.7", stamp="2026-01-05T12:00:00,000001+00:00"),
        DUMP.format(type=8, user="", tty="pts/0", host="", stamp="2026-01-05T12:30:00,000001+00:00"),
        "s3cret!  ssh:notty    203.0.113.9      Mon Jan  5 12:00:00 2026 - Mon Jan  5 12:00:00 2026  (00:00)",
    )
    assert found["kind"].to_list() == ["session_start", "session_end", "auth_failure"]
    assert found["user"].to_list() == ["ann", "ann", None]
