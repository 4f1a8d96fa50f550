"""Countries: the table, and that it covers the bundled database."""

from __future__ import annotations

from importlib.resources import files

import maxminddb

from gatewatch.site.country import countries, country_name


def test_codes_and_names() -> None:
    assert len(countries()) > 240
    assert all(len(code) == 2 and code.isupper() and name for code, name in countries().items())
    assert country_name("CH") == "Switzerland"
    assert country_name("head office") == "head office"


def test_every_country_of_the_bundled_database_has_a_name() -> None:
    with maxminddb.open_database(str(files("gatewatch") / "content" / "geo" / "geo-whois-asn-country.mmdb")) as reader:
        codes = {record["country_code"] for _, record in reader}  # type: ignore[call-overload,index]
    assert sorted(codes - set(countries())) == []
