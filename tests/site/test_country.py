"""Countries: the table, and that it covers the bundled database."""

from __future__ import annotations

import re
from importlib.resources import files

import maxminddb

from gatewatch.site.country import countries, country_name


def test_codes_and_names() -> None:
    assert len(countries()) > 240
    assert all(len(code) == 2 and code.isupper() and name for code, name in countries().items())
    assert country_name("CH") == "Switzerland"
    assert country_name("head office") == "head office"


def test_every_country_of_the_bundled_database_has_a_name() -> None:
    path = files("gatewatch") / "content" / "geo" / "geo-whois-asn-country.mmdb"
    with maxminddb.open_database(str(path)) as reader:
        tree = reader.metadata().node_count * reader.metadata().record_size // 4
    records = path.read_bytes()[tree + 16 :].partition(b"\xab\xcd\xefMaxMind.com")[0]  # each distinct record stands there once
    codes = {found.decode() for found in re.findall(rb"B([A-Z]{2})", records)}  # a text of two characters begins with 0x42
    assert len(codes) > 200
    assert sorted(codes - set(countries())) == []
