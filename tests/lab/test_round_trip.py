"""Every record the lab writes is read back by our own sources, with the values that the lab says it has."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatewatch import app
from gatewatch.lab.moment import to_datetime
from gatewatch.lab.scenario import library
from gatewatch.lab.stream import Row
from gatewatch.lab.world import make

# what one fact may be called once copies and the halves of one logon are joined, or a flow is weighed by its bytes
SAME = {
    "auth_success": {"auth_success", "session_start"},
    "session_start": {"session_start", "auth_success"},
    "connection": {"connection", "connection_denied", "file_transfer", "session_start"},  # the last: a control plane that answers
}
NEAR = timedelta(seconds=6)


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(seed=st.integers(0, 10_000))
def test_what_is_written_is_read_back(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    out = tmp_path_factory.mktemp("round") / "world"
    facts: dict[tuple[str, int], Row] = {}

    def witness(file: str, record: int, row: Row) -> None:
        if row[4] is not None:
            facts[file, record] = row

    make(out, seed=seed, users=20, days=2, scenarios=library(), number=6, volume=0.3, witness=witness)
    at, near = _events(out)
    wrong = [(key, row[2][:200], row[4]) for key, row in facts.items() if not _told(key, row, at, near)]
    assert len(facts) > 1_000
    assert wrong == []


Event = tuple[str, str | None, str | None]


def _events(out: Path) -> tuple[dict[tuple[str, int], list[Event]], dict[int, list[Event]]]:
    at: dict[tuple[str, int], list[Event]] = defaultdict(list)
    near: dict[int, list[Event]] = defaultdict(list)
    for frame in app.events([str(out / "logs")], config=str(out / "gatewatch.toml"), year=2026):
        for file, record, kind, user, src, time in frame.select("file", "record", "kind", "user", "src_ip", "time").iter_rows():
            event = (str(kind), user, src)
            at[file.split("/logs/", 1)[1], record].append(event)
            near[int(time.timestamp())].append(event)
    return at, near


def _told(key: tuple[str, int], row: Row, at: dict[tuple[str, int], list[Event]], near: dict[int, list[Event]]) -> bool:
    assert row[4] is not None
    kind, user, src = row[4]
    kinds = SAME.get(kind, {kind})

    def fits(event: Event) -> bool:
        return event[0] in kinds and (user is None or event[1] == user) and (src is None or event[2] == src)

    if key in at:
        return any(map(fits, at[key]))
    # joined with another record of the same fact: that one's event must say it all
    second = int(to_datetime(row[0]).timestamp())
    return any(fits(event) for offset in range(-NEAR.seconds, NEAR.seconds + 1) for event in near.get(second + offset, ()))
