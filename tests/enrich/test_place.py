"""Places: the bundled registry data, other layouts of records, and the site's own places."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatewatch.enrich.place import NOWHERE, Geo, Places, Spot
from gatewatch.errors import SiteError
from gatewatch.site.model import GeoFiles, Place, Site
from gatewatch.site.range import parse_address, parse_network


class Records:
    """A database made of a dict."""

    def __init__(self, records: dict[str, object]) -> None:
        self.records = records

    def get(self, ip_address: str) -> object:
        """Return the record of an address."""
        if ":" in ip_address:
            raise ValueError("IPv4 only")
        return self.records.get(ip_address)


def spot(geo: Geo, text: str) -> Spot:
    """Return where an address is."""
    parsed = parse_address(text)
    assert parsed is not None
    return geo.spot(*parsed)


def test_the_bundled_data_know_countries_of_both_families() -> None:
    geo = Geo.open(Site.default())
    assert [spot(geo, text).country for text in ("8.8.8.8", "2001:4860:4860::8888", "193.0.6.139")] == ["US", "US", "NL"]
    assert spot(geo, "8.8.8.8").asn is None
    assert "built 20" in geo.notes[0]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (
            {"country": {"iso_code": "ch"}, "location": {"accuracy_radius": 20, "latitude": 47.4, "longitude": 8.5}},
            Spot("CH", radius_km=20.0, lat=47.4, lon=8.5),
        ),
        ({"country_code": "CH"}, Spot("CH")),
        ({"country": "CH", "asn": "AS64500", "as_name": "Example"}, Spot("CH", 64500, "Example")),
        ({"registered_country": {"iso_code": "DE"}}, Spot("DE")),
        ({"country": {"iso_code": "CH"}, "registered_country": {"iso_code": "DE"}}, Spot("CH")),
        ({"autonomous_system_number": 64500, "autonomous_system_organization": "Example"}, Spot(None, 64500, "Example")),
        ({"country": {"iso_code": 7}, "asn": True, "location": "here", "as_name": ""}, NOWHERE),
        ({"country": "Switzerland", "asn": "ASxx"}, NOWHERE),
        (None, NOWHERE),
        (["list"], NOWHERE),
    ],
)
def test_records_of_several_layouts(record: object, expected: Spot) -> None:
    assert spot(Geo(Records({"192.0.2.1": record})), "192.0.2.1") == expected


def test_a_database_of_networks_answers_for_networks_only() -> None:
    geo = Geo(Records({"192.0.2.1": {"country": "CH", "asn": 1}}), Records({"192.0.2.1": {"country": "DE", "asn": 64500}}))
    assert spot(geo, "192.0.2.1") == Spot("CH", 64500)


def test_a_database_without_ipv6_says_nothing_of_it() -> None:
    assert spot(Geo(Records({})), "2001:db8::1") == NOWHERE


def test_a_file_that_is_no_database_is_a_site_error(tmp_path: Path) -> None:
    path = tmp_path / "geo.mmdb"
    path.write_bytes(b"no database")
    with pytest.raises(SiteError, match="is no MMDB database"):
        Geo.open(Site(geo=GeoFiles(city=path)))


def test_the_places_of_the_site_overrule_databases_but_not_networks() -> None:
    site = Site(
        places=(
            Place("campus", (parse_network("192.0.2.0/24"),), "AT", 48.2, 16.4),
            Place("lab", (parse_network("192.0.2.128/25"),)),
        )
    )
    record = {"country": "CH", "asn": 64500, "location": {"accuracy_radius": 5, "latitude": 1, "longitude": 2}}
    places = Places(site, Geo(Records({"192.0.2.1": record, "192.0.2.200": record, "203.0.113.1": record})))

    def find(text: str) -> Spot:
        parsed = parse_address(text)
        assert parsed is not None
        return places.spot(*parsed, parsed)

    assert find("192.0.2.1") == Spot("AT", 64500, None, None, 48.2, 16.4)
    assert find("192.0.2.200") == Spot("lab", 64500)
    assert find("203.0.113.1") == Spot("CH", 64500, None, 5.0, 1.0, 2.0)
    parsed = parse_address("203.0.113.1")
    assert parsed is not None
    assert places.spot(*parsed, None) == NOWHERE
