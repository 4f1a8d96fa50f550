"""Enriching whole batches: columns, order, types, caches."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from gatewatch.enrich.apply import Enricher, enrich
from gatewatch.enrich.place import Spot
from gatewatch.schema import events as ev
from gatewatch.site.load import load_site
from gatewatch.site.model import Host, Known, Networks, Place, Site
from gatewatch.site.range import parse_network

SITE = Site(
    name="main",
    zone="Europe/Zurich",
    networks=Networks(outside=(parse_network("198.51.100.0/24"), parse_network("203.0.113.0/24"))),
    places=(Place("lab", (parse_network("203.0.113.0/25"),)),),
    hosts=(Host("gate", site="branch"),),
    known=(Known(1, "x", "ann", networks=(parse_network("203.0.113.7"),), until=date(2026, 12, 31)),),
)
ADDED = ["site", "scope", "country", "asn", "as_org", "place_radius_km", "anonymizer", "known", "known_by", "off_hours"]
MOMENT = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def enricher() -> Enricher:
    """An enricher that lives through the module, as in a scan of many batches."""
    return Enricher(SITE)


def batch(*addresses: str | None, **columns: list[str | None]) -> pl.DataFrame:
    """Return events from *addresses*."""
    frame = pl.DataFrame({"src_ip": addresses, **columns}, schema={"src_ip": pl.String, **dict.fromkeys(columns, pl.String)})
    return frame.with_columns(pl.lit(MOMENT, ev.UTC).alias("time"))


def test_columns_have_the_declared_types_and_rows_keep_their_order(enricher: Enricher) -> None:
    events = batch("203.0.113.7", None, "8.8.8.8", "10.0.0.1", "203.0.113.7", "nonsense", "198.51.100.1")
    found = enricher(events)
    assert found.columns == [*events.columns, *ADDED]
    assert [found.schema[name] for name in ADDED] == [ev.DTYPES[name] for name in ADDED]
    assert found["src_ip"].to_list() == events["src_ip"].to_list()
    assert found["scope"].to_list() == ["public", None, "public", "private", "public", None, "public"]
    assert found["country"].to_list() == ["lab", None, "US", None, "lab", None, None]
    assert found["known"].to_list() == [True, None, False, False, True, None, False]
    assert found["known_by"][0] == "KnownRemoteIPs entry 1 (owner ann, until 2026-12-31)"
    assert found["anonymizer"].null_count() == found["off_hours"].null_count() == found.height


def test_the_site_is_that_of_the_host(enricher: Enricher) -> None:
    assert enricher(batch(None, None, None, host=["gate", "other", None]))["site"].to_list() == ["branch", "main", "main"]
    assert enrich(batch("192.0.2.1", host=["gate"]), Site.default())["site"].to_list() == [None]


def test_documentation_ranges_have_no_true_country(enricher: Enricher) -> None:
    """The registry gives 203.0.113.0/24 to Australia; only the site may say where its examples are."""
    assert enricher(batch("203.0.113.200", "198.51.100.1"))["country"].to_list() == [None, None]


def test_an_empty_batch_and_one_without_addresses(enricher: Enricher) -> None:
    assert enricher(batch()).columns == ["src_ip", "time", *ADDED]
    bare = enricher(pl.DataFrame({"kind": ["exec"]}, schema={"kind": ev.KIND}))
    assert bare.columns == ["kind", *ADDED]
    assert bare.select("scope", "known", "country").row(0) == (None, None, None)
    assert enricher(ev.empty()).columns == list(ev.NAMES)


def test_enriching_twice_changes_nothing(enricher: Enricher) -> None:
    once = enricher(batch("203.0.113.7", "8.8.8.8", host=["gate", "x"]))
    assert_frame_equal(enricher(once), once)


def test_categories_are_read_as_text(enricher: Enricher) -> None:
    events = batch("203.0.113.7", None, "8.8.8.8", host=["gate", None, "x"], user=["ann", None, "bob"])
    coded = events.with_columns(pl.col("src_ip", "host", "user").cast(pl.Categorical))
    assert_frame_equal(enricher(coded).select(ADDED), enricher(events).select(ADDED))


ADDRESSES = st.one_of(
    st.none(),
    st.ip_addresses().map(str),
    st.sampled_from(["203.0.113.7", "10.0.0.1", "", "-", "::", "192.000.2.7", "fe80::1%eth0"]),
    st.text(max_size=8),
)


@given(st.lists(st.tuples(ADDRESSES, st.sampled_from(["gate", "x", None])), max_size=12))
def test_rows_do_not_depend_on_their_batch(enricher: Enricher, rows: list[tuple[str | None, str | None]]) -> None:
    """Placeholders, private and mapped addresses make neither errors nor public sources (peers 23)."""
    events = batch(*(address for address, _ in rows), host=[host for _, host in rows])
    whole = enricher(events)
    alone = [enricher(events.slice(at, 1)) for at in range(events.height)]
    assert_frame_equal(pl.concat([whole.clear(), *alone]), whole)


def test_spot_and_scope_of_one_address(enricher: Enricher) -> None:
    assert enricher.spot("203.0.113.7") == Spot("lab")
    assert enricher.spot("nonsense") == Spot()
    assert enricher.scope("10.0.0.1") == "private"
    assert enricher.scope("") is None


def test_a_site_file_with_everything_enriches(tmp_path: Path) -> None:
    (tmp_path / "tor.txt").write_text("198.51.100.9\n", encoding="utf-8")
    path = tmp_path / "gatewatch.toml"
    path.write_text(
        """
[site]
name = "head office"
zone = "Europe/Zurich"
[network]
outside = ["198.51.100.0/24"]
[places.airport]
cidrs = ["198.51.100.8/30"]
country = "CH"
[tunables]
BusinessHours = "Mon-Fri 08:00-18:00"
[[known]]
countries = ["CH"]
users = ["ann"]
why = "lives there"
owner = "helpdesk"
[geo]
anonymizers = ["tor.txt"]
""",
        encoding="utf-8",
    )
    found = enrich(batch("198.51.100.9", "198.51.100.10", "198.51.100.1", user=["bob", "ann", "ann"]), load_site(path))
    assert found["country"].to_list() == ["CH", "CH", None]
    assert found["anonymizer"].to_list() == [True, False, False]
    assert found["known"].to_list() == [False, True, False]
    assert found["off_hours"].to_list() == [False, False, False]
