"""Anonymizer lists: their formats, and what cannot be read in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatewatch.enrich.anonymizer import Anonymizers, read_list
from gatewatch.errors import SiteError
from gatewatch.site.model import GeoFiles, Site
from gatewatch.site.range import parse_address

PLAIN = """# a list
192.0.2.1
198.51.100.0/24   ; a whole network
203.0.113.5,DE,hosting
"203.0.113.6","quoted"
[2001:db8::1]
not-an-address

"""
EXIT_ADDRESSES = """ExitNode 0011BD2485AD45D984EC4159C88FC066E5E3300E
Published 2026-01-01 01:02:03
LastStatus 2026-01-01 02:00:00
ExitAddress 192.0.2.7 2026-01-01 02:03:04
"""
ONIONOO = """{"version": "8.0", "relays": [
 {"nickname": "a", "flags": ["Exit", "Running"], "or_addresses": ["192.0.2.8:9001", "[2001:db8::8]:9001"], "exit_addresses": ["192.0.2.9"]},
 {"nickname": "b", "flags": ["Guard"], "or_addresses": ["192.0.2.10:443"]},
 {"nickname": "c", "or_addresses": ["192.0.2.11:443"]}]}"""


@pytest.mark.parametrize(
    ("content", "networks", "wrong"),
    [
        (PLAIN, ["192.0.2.1/32", "198.51.100.0/24", "203.0.113.5/32", "203.0.113.6/32", "2001:db8::1/128"], 1),
        (EXIT_ADDRESSES, ["192.0.2.7/32"], 0),
        (ONIONOO, ["192.0.2.9/32", "192.0.2.8/32", "2001:db8::8/128", "192.0.2.11/32"], 0),
        ('["192.0.2.1", "x"]', ["192.0.2.1/32"], 1),
        ('{"other": 1}', [], 1),
        ("", [], 0),
    ],
)
def test_formats(tmp_path: Path, content: str, networks: list[str], wrong: int) -> None:
    path = tmp_path / "list"
    path.write_text(content, encoding="utf-8")
    found, failed = read_list(path)
    assert [str(network) for network in found] == networks
    assert failed == wrong


def test_bytes_that_are_no_text_are_wrong_entries(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_bytes(b"\xff\xfe\n192.0.2.1\r\n")
    found, failed = read_list(path)
    assert ([str(network) for network in found], failed) == (["192.0.2.1/32"], 1)


def lists(anonymizers: Anonymizers, text: str, routed: str | None = None) -> bool | None:
    """Return whether an address is listed."""
    parsed = parse_address(text)
    assert parsed is not None
    return anonymizers.lists(*parsed, parse_address(routed) if routed is not None else None)


def test_an_address_is_listed_not_listed_or_unknown(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_text(PLAIN, encoding="utf-8")
    anonymizers = Anonymizers(Site(geo=GeoFiles(anonymizers=(path,))))
    assert [lists(anonymizers, text) for text in ("192.0.2.1", "192.0.2.2", "198.51.100.77", "2001:db8::1")] == [True, False, True, True]
    assert lists(anonymizers, "2002:c000:201::1", "192.0.2.1") is True
    assert anonymizers.notes == (f"{path}: 1 entries are no address; 5 are used",)
    assert lists(Anonymizers(Site.default()), "192.0.2.1") is None


def test_a_list_that_cannot_be_read_is_a_site_error(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match="cannot be read"):
        Anonymizers(Site(geo=GeoFiles(anonymizers=(tmp_path / "missing",))))
