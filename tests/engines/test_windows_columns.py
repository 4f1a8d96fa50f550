"""Data of EVTX records that go into columns at once make the same events as data that go through JSON; spilled, too."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from evtx_writer import write_evtx
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from gatewatch.detect.content import load_content
from gatewatch.engines import local
from gatewatch.engines.decode import Decoded, decode_batch
from gatewatch.engines.spill import _hold_back
from gatewatch.intake import evtx
from gatewatch.intake.batch import gathered
from gatewatch.schema.events import Kind
from gatewatch.site.model import Site
from gatewatch.sources.registry import WindowsInterest

PUBLIC = sorted((Path(__file__).parents[2] / "../shared/data/windows").rglob("*.evtx"))
WANTED = frozenset(Kind) - local.UNWANTED
NAMES = (
    *("TargetUserName", "TargetDomainName", "TargetUserSid", "LogonType", "IpAddress", "IpPort", "WorkstationName", "Status", "SubStatus"),
    *("SubjectUserName", "SubjectUserSid", "SubjectLogonId", "ShareName", "RelativeTargetName", "CommandLine", "NewProcessName"),
)
TEXTS = st.sampled_from(["", "-", "ann", "GATE$", "CORP\\bob", "192.0.2.7", "::1", "127.0.0.1", "3", "10", "\\\\*\\C$", "\\\\*\\IPC$", "svcctl",
                         "S-1-5-18", "0xc000006d", "a \"quoted\"\tname\r\n", "Jörg", "C:\\x\\SYSVOL"])  # fmt: skip
DATA = st.dictionaries(st.sampled_from(NAMES), TEXTS | st.integers(0, 1 << 31) | st.none(), min_size=1, max_size=9)
EVENTS = st.tuples(st.sampled_from([4624, 4625, 4634, 4672, 4688, 4697, 4776, 5140, 5145]), DATA)


def decoded(log: bytes, *, columnar: bool) -> tuple[Decoded, int]:
    """Return what a log becomes, and how many of its records have their data in columns."""
    interest = WindowsInterest(WANTED)
    batches = list(evtx.read([log], interest if columnar else interest.__call__, set()))  # the method alone cannot say which data are asked for
    batch = gathered(batches)
    return decode_batch(batch, WANTED), sum(frame.height for frame in batch.apart)


def assert_the_same(log: bytes) -> int:
    quick, apart = decoded(log, columnar=True)
    slow, none = decoded(log, columnar=False)
    assert none == 0
    assert quick.tally == slow.tally
    assert quick.hosts == slow.hosts
    for name in ("bulk", "rich", "acts"):
        one, other = getattr(quick, name), getattr(slow, name)
        assert (one is None) == (other is None)
        if one is not None:
            assert_frame_equal(plain(one), plain(other), check_column_order=False)
    return apart


def plain(table: pl.DataFrame) -> pl.DataFrame:
    """Return *table* with texts as such, without columns that say nothing."""
    table = table.with_columns(pl.col(pl.Categorical).cast(pl.String))
    return table.select(name for name in table.columns if name == "record" or table[name].null_count() < table.height).sort("record")


@given(st.lists(EVENTS, min_size=1, max_size=8))
@settings(deadline=None, max_examples=40)
def test_data_in_columns_make_the_same_events(made: list[tuple[int, dict[str, Any]]]) -> None:
    assert_the_same(log(made))


def log(made: Iterable[tuple[int, dict[str, Any]]]) -> bytes:
    common = {"Channel": "Security", "Computer": "gate01", "Provider": "Microsoft-Windows-Security-Auditing"}
    return write_evtx(
        [
            common | {"EventID": event_id, "SystemTime": f"2026-01-05T12:{number // 60:02}:{number % 60:02}.000000Z", "EventData": data}
            for number, (event_id, data) in enumerate(made)
        ]
    )


def test_most_records_go_into_columns() -> None:
    assert assert_the_same(log((4625, {"TargetUserName": f"u{n}", "LogonType": 3, "IpAddress": "192.0.2.7"}) for n in range(60))) == 60


@pytest.mark.skipif(not PUBLIC, reason="no public logs here")
def test_public_logs_make_the_same_events() -> None:
    assert sum(assert_the_same(path.read_bytes()) for path in PUBLIC) > 1000


def test_failures_that_were_spilled_are_placed_all_the_same(tmp_path: Path) -> None:
    """4625 without an address and RdpCoreTS 140 with it stand in two logs; no slice may part them."""
    rdp = "Microsoft-Windows-RemoteDesktopServices-RdpCoreTS"
    failed = {"TargetUserName": "ann", "LogonType": 3, "IpAddress": "-", "WorkstationName": "kali", "Status": 0xC000006D, "SubStatus": 0xC000006A}
    logon = {"Computer": "gate01", "Channel": "Security", "Provider": "Microsoft-Windows-Security-Auditing", "EventID": 4625, "EventData": failed}
    answer = {"Computer": "gate01", "Channel": f"{rdp}/Operational", "Provider": rdp, "EventID": 140, "EventData": {"IPString": "203.0.113.9"}}
    moments = [f"2026-01-05T{hour:02}:{minute:02}:{second:02}" for hour in range(8) for minute in (0, 1, 30, 59) for second in (0, 30, 59)]
    security = [logon | {"SystemTime": f"{moment}.900000Z"} for moment in moments]
    core = [answer | {"SystemTime": f"{moment}.100000Z"} for moment in moments]
    (tmp_path / "Security.evtx").write_bytes(write_evtx(security))
    (tmp_path / "Core.evtx").write_bytes(write_evtx(core))
    content = load_content()
    held, spilled = (local.scan([str(tmp_path)], Site.default(), lambda: content, local.Options(held_rows=rows)) for rows in (1_000_000, 40))
    assert [(row.ip, row.count) for row in held.attempts] == [("203.0.113.9", 96)]
    assert msgspec.json.encode(held, enc_hook=list) == msgspec.json.encode(spilled, enc_hook=list)


def test_what_is_held_back_is_what_may_go_on() -> None:
    times = ["11:40:00", "11:51:00", "11:58:00", "11:59:50", "11:59:58", "11:59:59"]
    table = pl.DataFrame(
        {
            "time": pl.Series([f"2026-01-05T{time}" for time in times]).str.to_datetime(time_unit="us", time_zone="UTC"),
            "host": ["gate01"] * 6,
            "session": ["7", "7", "7", None, None, None],
        }
    )
    end = table["time"][0].replace(hour=12, minute=0, tzinfo=None)
    kept, held = _hold_back(table, end)
    assert held is not None
    clock = [frame["time"].dt.strftime("%H:%M:%S").to_list() for frame in (kept, held)]
    # of connection 7 all since the gap that parts connections; of what names none, all behind the longest pause: nothing was quiet long enough
    assert clock == [["11:40:00", "11:59:50"], ["11:51:00", "11:58:00", "11:59:58", "11:59:59"]]
