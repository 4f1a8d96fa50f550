"""Connections through a firewall mean what the same connections mean to a sensor of the network."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.sources import flow, passing
from gatewatch.sources.key_value import SEPARATOR

ENDS = ("10.0.0.6", "192.168.1.9", "203.0.113.9", "198.51.100.7", "2001:db8::7", "fd00::6", "127.0.0.1", "224.0.0.5")
PORTS = (22, 443, 2375, 5900, 10250, 50111)
BYTES = (0, 1, 5000, flow.VOLUME - 1, flow.VOLUME, 734003200)
FLOWS = st.tuples(
    st.sampled_from(ENDS), st.sampled_from(PORTS), st.sampled_from(ENDS), st.sampled_from(PORTS), st.sampled_from(BYTES), st.sampled_from(BYTES),
    st.booleans(),
)  # fmt: skip
NAMES = ("src_ip", "src_port", "dst_ip", "dst_port", "sent", "received", "protocol")


@given(st.lists(FLOWS, min_size=1, max_size=20))
def test_a_firewall_and_a_sensor_agree(flows: list[tuple[str, int, str, int, int, int, bool]]) -> None:
    rows = [dict(zip(NAMES, one, strict=True)) for one in flows]
    seen = flow.as_events(
        pl.DataFrame(rows)
        .with_columns(
            pl.col("src_port", "dst_port").cast(pl.UInt16),
            pl.col("sent", "received").cast(pl.Int64),
            pl.lit("conn").alias("pattern"),
            pl.lit(value=False).alias("denied"),
            pl.lit(None, pl.String).cast(flow.ev.SERVICE).alias("named"),
        )
        .rename({"received": "answered", "protocol": "tcp"})
    )
    told = [{name: ("6" if value is True else "17" if value is False else str(value)) for name, value in row.items()} for row in rows]
    laid = passing.lay(pl.DataFrame(told).with_columns(pl.lit(None, pl.String).alias("user")))
    for event, text in zip(seen.iter_rows(named=True), laid.to_list(), strict=True):
        if event["pattern"] == "conn":
            assert text == passing.NOTHING
            continue
        what, host, _, _, _, _, received, sent, *_ = text.split(SEPARATOR)
        assert what == event["pattern"]
        assert host == event["host_ip"]
        assert (int(received), int(sent)) == (event["bytes_in"], event["bytes_out"])


def test_what_is_no_address_or_number_is_nothing() -> None:
    table = pl.DataFrame({name: ["", "x", "-1"] for name in NAMES} | {"user": ["", "x", "y"]})
    assert set(passing.lay(table).to_list()) == {passing.NOTHING}
