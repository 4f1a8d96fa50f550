"""What a proxy of the site says of its client is believed; what a client says of itself is not."""

from __future__ import annotations

import json
from ipaddress import ip_network
from typing import Any

import polars as pl
import pytest

from gatewatch.enrich.forwarded import believe
from gatewatch.schema.events import DTYPES
from gatewatch.site.model import Networks, Site

PROXIES = ("10.0.0.0/28", "2001:db8:1::/64")


def events(*rows: tuple[str | None, str | None], source: str = "kubernetes-audit", **changes: Any) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {"source": source, "src_ip": peer, "session": f"kube:ann@{peer}", "extra": json.dumps({"forwarded": chain} if chain else {})} | changes
            for peer, chain in rows
        ],
        schema_overrides={"src_ip": DTYPES["src_ip"], "session": DTYPES["session"]},
    )


def sources(*rows: tuple[str | None, str | None], proxies: tuple[str, ...] = PROXIES, **changes: Any) -> list[tuple[str | None, str | None]]:
    site = Site(networks=Networks(proxies=tuple(map(ip_network, proxies))))
    return believe(events(*rows, **changes), site).select("src_ip", "session").rows()


@pytest.mark.parametrize(
    ("peer", "chain", "client"),
    [
        ("10.0.0.5", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.5", "198.51.100.1,203.0.113.9", "203.0.113.9"),  # what stands before may be made up
        ("10.0.0.5", "203.0.113.9,10.0.0.6", "203.0.113.9"),  # two proxies
        ("2001:db8:1::1", "2001:DB8::7", "2001:db8::7"),
        ("10.0.0.5", "::ffff:203.0.113.9", "203.0.113.9"),
    ],
)
def test_a_proxy_of_ours_is_believed(peer: str, chain: str, client: str) -> None:
    assert sources((peer, chain)) == [(client, f"kube:ann@{client}")]


@pytest.mark.parametrize(
    ("peer", "chain"),
    [
        ("203.0.113.9", "10.0.0.9"),  # an outsider who says so
        ("10.0.0.99", "203.0.113.9"),  # not declared
        ("10.0.0.5", None),
        ("10.0.0.5", "10.0.0.6"),
        ("10.0.0.5", "203.0.113.9,unknown"),
        (None, "203.0.113.9"),
    ],
)
def test_others_are_not(peer: str | None, chain: str | None) -> None:
    assert sources((peer, chain)) == [(peer, f"kube:ann@{peer}")]


def test_rows_keep_their_order_and_other_sources_their_address() -> None:
    rows = [("10.0.0.5", "203.0.113.9"), ("10.0.0.5", "203.0.113.8"), ("203.0.113.1", None)]
    assert [address for address, _ in sources(*rows)] == ["203.0.113.9", "203.0.113.8", "203.0.113.1"]
    assert sources(("10.0.0.5", "203.0.113.9"), source="web") == [("10.0.0.5", "kube:ann@10.0.0.5")]
    assert sources(("10.0.0.5", "203.0.113.9"), proxies=()) == [("10.0.0.5", "kube:ann@10.0.0.5")]
    assert sources(("10.0.0.5", "203.0.113.9"), session="other") == [("203.0.113.9", "other")]
