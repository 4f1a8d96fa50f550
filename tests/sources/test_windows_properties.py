"""Whatever the data of a Windows event hold: nothing raises, every record has one fate, and an address or a session id is right or null."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from windows_sample import WANTED, WINDOWS, WindowsSample, frame, load

from gatewatch.sources.windows import WindowsSource

SAMPLES = {source.name: [sample for sample in load(source) if isinstance(sample.record["Data"], dict)] for source in WINDOWS}
NAMED = [source for source in WINDOWS if SAMPLES[source.name]]
ODD = st.sampled_from(
    (
        *("", "-", " ", "LOCAL", "::1", "fe80::1%12", "::ffff:192.0.2.7", "192.0.2.7:22", "999.1.1.1", "0x0", "0x3e7", "-1", "%%1833", "S-1-5-18"),
        *("S-1-0-0", "WS01", "ws01.corp.example", r"\\WS01", r"CORP\ann", "ann@corp.example", "CN=", "<Exec>", "&lt;Exec&gt;", "/", "$", "*****"),
    )
)
VALUES = ODD | st.text(max_size=20) | st.none() | st.integers(-(2**70), 2**70) | st.booleans() | st.lists(ODD, max_size=2)


@st.composite
def spoilt(draw: st.DrawFn, source: WindowsSource) -> list[dict[str, Any]]:
    """Samples some of whose data say something else, or are missing."""
    chosen: list[WindowsSample] = draw(st.lists(st.sampled_from(SAMPLES[source.name]), min_size=1, max_size=6))
    made = []
    for sample in chosen:
        data = dict(sample.record["Data"])
        for name in draw(st.lists(st.sampled_from(sorted(data)), max_size=4)) if data else []:
            data[name] = draw(VALUES)
        for name in draw(st.lists(st.sampled_from(sorted(data)), max_size=2)) if data else []:
            data.pop(name, None)
        made.append({**sample.record, "Data": data, "Computer": draw(st.sampled_from(["ws01.corp.example", "WS01", "", None]))})
    return made


@pytest.mark.parametrize("source", NAMED, ids=lambda source: source.name)
@settings(max_examples=30)
@given(data=st.data())
def test_spoilt_records(source: WindowsSource, data: st.DataObject) -> None:
    records = frame(data.draw(spoilt(source)))
    for wanted in (None, WANTED):
        outcome = source.decode(records, wanted)
        assert outcome.used + sum(outcome.ignored.values()) + outcome.rejected.height + outcome.unrecognised.height == records.height
        assert outcome.events["record"].is_unique().all()
        for row in outcome.events.iter_rows(named=True):
            for column in ("src_ip", "dst_ip", "assigned_ip"):
                address = row.get(column)
                assert address is None or str(ipaddress.ip_address(address)) == address
            for column in ("session", "linked_session"):
                assert row.get(column) is None or re.search(r"(?s)^[a-z]+:(?!0x0$).", row[column])
            for column in ("src_port", "dst_port"):
                assert row.get(column) != 0
            for column in ("src_host", "dst_host"):
                assert row.get(column) not in {"", "-", "local", "::1"}
            for column in ("user", "target_user"):
                assert row.get(column) not in {"", "-", "*****"}
