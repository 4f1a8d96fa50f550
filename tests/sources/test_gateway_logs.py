"""Public gateway logs, from bytes to events: every line is framed, claimed and recognised."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from gatewatch.intake.line import cut, read_lines
from gatewatch.intake.syslog import Framer
from gatewatch.schema.events import ensure
from gatewatch.sources import registry

HUB = Path(__file__).parents[2] / "../shared/data/hub"

pytestmark = pytest.mark.skipif(not HUB.is_dir(), reason="the public logs are not here")


def decode(path: Path) -> tuple[pl.DataFrame, int]:
    """Return the events of *path*, having checked that no line was left over, and how many records it holds."""
    (block,) = cut([path.read_bytes()])
    framed = Framer().frame(read_lines(block))
    assert framed.left["line"].to_list() == []
    parts, unclaimed = registry.split(framed.records)
    assert unclaimed["message"].to_list() == []
    outcomes = [source.decode(part) for source, part in parts]
    assert [text for outcome in outcomes for text in outcome.unrecognised["message"]] == []
    return ensure(pl.concat([outcome.events for outcome in outcomes], how="diagonal"), "user", "src_ip"), framed.records.height


def test_fortigate_failures() -> None:
    events, size = decode(HUB / "fortinet-vpn-bf/fortinet-vpn-bf.log")
    assert Counter(events["kind"].to_list()) == {"auth_failure": size}
    assert set(events["src_ip"]) == {"192.168.0.1"}
    assert events["time"].min().isoformat() == "2024-10-14T20:46:40.841267+00:00"
    assert "n/a" not in set(events["user"])


@pytest.mark.parametrize("name", ["openvpn/openvpn.log", "openvpn-bf/openvpn.log"])
def test_openvpn_peers(name: str) -> None:
    events, _ = decode(HUB / name)
    assert set(events.filter(pl.col("kind") == "connection_denied")["src_ip"]) <= {f"192.168.1.{n}" for n in range(13, 40)}
    assert "undef" not in set(events["user"])


def test_strongswan_failures() -> None:
    events, _ = decode(HUB / "charon-ipsec-bf/charon-ipsec-bf.log")
    failures = events.filter(pl.col("kind") == "auth_failure")
    assert {user for user in failures["user"] if user} == {"hl", "hll", "lyb"}  # "hl" stands in the EAP name only
    assert failures["session"].null_count() == 0
