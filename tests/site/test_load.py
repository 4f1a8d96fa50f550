"""Loading gatewatch.toml: what is understood, and that whatever is wrong is said with its line."""

from __future__ import annotations

import ipaddress
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.errors import SiteError
from gatewatch.site.hours import parse_windows
from gatewatch.site.load import check, load_site
from gatewatch.site.model import Host, Site
from gatewatch.site.tunable import Grants

FULL = """
[site]
name = "example"
zone = "Europe/Zurich"
year = 2026

[network]
internal = ["10.0.0.0/8", "198.51.100.64/26"]
vpn_pools = "10.99.0.0/16"
outside = ["203.0.113.0/24"]

[places.lab]
cidrs = ["203.0.113.0/25"]
[places.branch]
cidrs = ["203.0.113.128/25"]
country = "at"
lat = 48.2
lon = 16.4

[hosts.Gate01]
addresses = ["10.0.0.5", "2001:DB8::5"]
aliases = ["gate01.example.net"]
zone = "America/Denver"
site = "denver"

[[sources]]
host = "gate01.example.net"
zone = "UTC"
[[sources]]
file = "fw/*.log"
zone = "Asia/Tokyo"
year = 2024

[tunables]
FailedLogonThreshold = 7
TimeWindow = "10m"
BusinessHours = ["Mon-Fri 08:00-18:00", "Sat 09:00-12:00"]
Holidays = [2026-08-01, "12-25"]
GeoIPWhitelist = ["CH", "de", "lab"]
KnownSSHClients = ["203.0.113.7", "SHA256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]

[tunables.AN1005]
FailedLogonThreshold = 9

[[override]]
where = {service = "rdp"}
set = {FailedLogonThreshold = 3}
[[override]]
where = {user = ["CORP\\\\Ann", "bob"]}
set = {FailedLogonThreshold = 50, BusinessHours = "none"}

[[known]]
name = "office"
cidrs = ["198.51.100.0/26"]
places = ["lab"]
users = ["Ann"]
services = ["ssh"]
why = "the office"
owner = "ann"
until = 2026-12-31

[[watch]]
cidrs = ["203.0.113.66"]
users = ["Svc-Old"]
why = "left the company"

[policy]
rdp_only_after_vpn = true
"""


def write(folder: Path, text: str) -> Path:
    """Write a site file."""
    path = folder / "gatewatch.toml"
    path.write_text(text, encoding="utf-8")
    return path


def faults(folder: Path, text: str) -> list[str]:
    """Return what is wrong with *text*, without the path."""
    path = write(folder, text)
    return [message.removeprefix(f"{path}:") for message in check(path)]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """The site of the text above."""
    return load_site(write(tmp_path, FULL))


def test_names_zones_and_years(site: Site) -> None:
    assert (site.name, site.zone, site.year) == ("example", "Europe/Zurich", 2026)
    assert site.hosts == (Host("gate01", ("10.0.0.5", "2001:db8::5"), ("gate01.example.net",), "America/Denver", "denver"),)
    assert site.host_names() == ("gate01",)
    assert site.host_name("GATE01.example.net") == "gate01"
    assert site.host_name("other") == "other"
    assert dict(site.addresses()) == {"10.0.0.5": "gate01", "2001:db8::5": "gate01"}
    assert (site.site_of("gate01"), site.site_of("other"), site.site_of(None)) == ("denver", "example", "example")


def test_a_file_decides_before_a_host_before_the_site(site: Site) -> None:
    assert site.zone_of("gate01", "dump.zip!fw/a.log") == "Asia/Tokyo"
    assert site.zone_of("gate01", "auth.log") == "UTC"
    assert site.host_zone("gate01") == "America/Denver"
    assert site.zone_of("other", "auth.log") == "Europe/Zurich"
    assert site.zone_of(None) == "Europe/Zurich"
    assert (site.year_of("gate01", "/x/fw/a.log"), site.year_of("gate01", "auth.log")) == (2024, 2026)


def test_places_and_networks(site: Site) -> None:
    assert site.networks.vpn_pools == (ipaddress.ip_network("10.99.0.0/16"),)
    assert [(place.name, place.country, place.lat) for place in site.places] == [("lab", None, None), ("branch", "AT", 48.2)]
    assert site.policy.rdp_only_after_vpn


def test_tunables_the_most_specific_wins(site: Site) -> None:
    number = site.number
    assert number("FailedLogonThreshold") == 7
    assert number("FailedLogonThreshold", analytic="AN1005") == 9
    assert number("FailedLogonThreshold", analytic="AN1005", service="rdp") == 3
    assert number("FailedLogonThreshold", analytic="AN1005", service="rdp", user="ann") == 50
    assert number("TimeWindow") == 600
    assert number("SlowTimeWindow") == 86_400


def test_hours_and_countries(site: Site) -> None:
    hours = site.hours()
    assert hours is not None
    assert hours.windows == tuple(sorted(parse_windows("Mon-Fri 08:00-18:00, Sat 09:00-12:00")))
    assert hours.is_holiday(date(2026, 8, 1))
    assert hours.is_holiday(date(2031, 12, 25))
    assert site.hours(user="bob") is None
    assert site.countries() == ("CH", "DE", "lab")


def test_known_and_watch(site: Site) -> None:
    known = site.known[0]
    assert known.label == "KnownRemoteIPs entry 1 'office' (owner ann, until 2026-12-31)"
    assert (known.users, known.services) == (("ann",), ("ssh",))
    assert known.networks == (ipaddress.ip_network("198.51.100.0/26"), ipaddress.ip_network("203.0.113.0/25"))
    assert (site.watch[0].users, site.watch[0].why) == (("svc-old",), "left the company")
    clients = site.value("KnownSSHClients")
    assert isinstance(clients, Grants)
    assert [written for _, written in clients.networks] == ["203.0.113.7"]
    assert clients.fingerprints == ("SHA256:" + "a" * 43,)


def test_settings_say_where_they_are_overridden(site: Site) -> None:
    settings = {setting.tunable.name: setting for setting in site.list_tunables()}
    assert settings["FailedLogonThreshold"].value == 7
    assert [(where, value) for where, value, _ in settings["FailedLogonThreshold"].overrides] == [
        ("the whole site", 7),
        ("analytic AN1005", 9),
        ("service rdp", 3),
        ("user ann or bob", 50),
    ]
    lines = FULL.splitlines()
    assert [lines[line - 1].partition(" ")[0] for _, _, line in settings["FailedLogonThreshold"].overrides] == [
        "FailedLogonThreshold",
        "FailedLogonThreshold",
        "set",
        "set",
    ]
    assert settings["SprayUsers"].overrides == ()


def test_an_empty_file_is_the_default_site(tmp_path: Path) -> None:
    path = write(tmp_path, "")
    assert check(path) == []
    assert (load_site(path).name, load_site(path).zone, load_site(path).number("TimeWindow")) == ("", "UTC", 900)


def test_all_that_is_wrong_is_said_at_once_with_its_line(tmp_path: Path) -> None:
    text = """[site]
zone = "Europe/Zuerich"
[network]
internal = ["10.0.0.0/8",
  "10.1.2.3/8",
  "nonsense"]
vpnpools = []
[tunables]
FailedLogonTreshold = 3
TimeWindow = 15
"""
    assert faults(tmp_path, text) == [
        "2: error: zone: 'Europe/Zuerich' is no IANA zone such as Europe/Berlin; did you mean Europe/Zurich?",
        "5: error: internal: '10.1.2.3/8' has bits set beyond its prefix; did you mean 10.0.0.0/8?",
        "6: error: internal: 'nonsense' does not appear to be an IPv4 or IPv6 network",
        "7: error: unknown key 'vpnpools' in [network]; did you mean vpn_pools?",
        "9: error: unknown tunable 'FailedLogonTreshold' in [tunables]; did you mean FailedLogonThreshold?",
        '10: error: TimeWindow: 15 has no unit; write "15s", "15m" or "15h"',
    ]
    with pytest.raises(SiteError) as raised:
        load_site(tmp_path / "gatewatch.toml")
    assert len(str(raised.value).splitlines()) == 6
    assert str(raised.value).startswith(f"{tmp_path / 'gatewatch.toml'}:2: zone:")


def test_a_list_of_countries_holds_iso_codes_only(tmp_path: Path) -> None:
    """A peer's rule had ``CH, RU`` built in where China was meant (peers 20)."""
    assert faults(tmp_path, '[tunables]\nGeoIPWhitelist = [\n"CH",\n"UK",\n"Germany",\n"XX", 7]') == [
        "4: error: GeoIPWhitelist: 'UK' is no ISO 3166-1 code; did you mean GB?",
        "5: error: GeoIPWhitelist: 'Germany' is no ISO 3166-1 code; did you mean DE (Germany)?",
        "6: error: GeoIPWhitelist: 'XX' is no ISO 3166-1 code such as DE",
        "6: error: GeoIPWhitelist: 7 is no ISO 3166-1 code such as DE",
    ]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("[sit]\n", 1, "unknown key 'sit' in the file; did you mean site?"),
        ("site = 3", 1, "'site' must be a table: [site]"),
        ("[known]\nwhy = 'x'", 1, "'known' must be written as [[known]], once for each entry"),
        ("[site]\nyear = true", 2, "year: True is no whole number from 1970 to 2199"),
        ("[site]\nzone = 'Europe'", 2, "zone: 'Europe' is no IANA zone"),
        ("[site]\nzone = '../etc/passwd'", 2, "zone: '../etc/passwd' is no IANA zone"),
        ("[network]\ninternal = ['10.0.0.0/8']\nclusters = ['10.0.0.0/8']", 2, "10.0.0.0/8 is in both clusters and internal"),
        ("[places.a]\ncountry = 'DE'", 1, "[places.a] has no 'cidrs'"),
        ("[places.a]\ncidrs = ['192.0.2.0/24']\nlat = 3", 1, "needs both lat and lon"),
        ("[places.a]\ncidrs = ['192.0.2.0/24']\nlat = 91\nlon = 0", 3, "lat: 91 is no number from -90 to 90"),
        ("[hosts.a]\naliases = ['b']\n[hosts.b]", 3, "the name 'b' belongs to two hosts, a and b"),
        ("[hosts.a]\naddresses = ['10.0.0.1']\n[hosts.b]\naddresses = ['10.0.0.1']", 4, "belongs to two hosts, a and b"),
        ("[hosts.a]\naddresses = ['10.0.0.1/24']", 2, "addresses: '10.0.0.1/24' is no address"),
        ("[[sources]]\nzone = 'UTC'", 1, "says neither file, host nor source"),
        ("[[sources]]\nhost = 'a'", 1, "gives neither zone nor year"),
        ("[tunables]\nFailedLogonThreshold = 0", 2, "0 is no whole number from 1"),
        ("[tunables]\nFailedLogonThreshold = '5'", 2, "'5' is no whole number"),
        ("[tunables]\nBusinessHours = 'Mon 19:00-19:00'", 2, "'19:00-19:00' is empty"),
        ("[tunables.AN105]\nTimeWindow = '5m'", 1, "[tunables.AN105] is no analytic such as AN1005"),
        ("[tunables.AN1006]\nAllowedCIDRs = ['192.0.2.0/24']", 2, "AllowedCIDRs belongs to AN1007; AN1006 does not read it"),
        ("[tunables]\nKnownRemoteIPs = [{cidr = '192.0.2.1'}]", 2, "is written as [[known]] with list = 'KnownRemoteIPs'"),
        ("[tunables]\nKnownSSHClients = ['SHA256:short']", 2, "is no key fingerprint"),
        ("[[override]]\nset = {TimeWindow = '5m'}", 1, "[[override]] has no 'where'"),
        ("[[override]]\nwhere = {service = 'ssh'}", 1, "[[override]] has no 'set'"),
        ("[[override]]\nwhere = {servise = 'ssh'}\nset = {TimeWindow = '5m'}", 2, "unknown key 'servise'"),
        ("[[override]]\nwhere = {service = 'sshd'}\nset = {TimeWindow = '5m'}", 2, "'sshd' is no service; did you mean ssh?"),
        ("[[known]]\ncidrs = ['192.0.2.1']\nwhy = 'x'", 1, "[[known]] has no 'owner'"),
        ("[[known]]\ncidrs = ['192.0.2.1']\nowner = 'x'", 1, "[[known]] has no 'why'"),
        ("[[known]]\ncidrs = ['192.0.2.1']\nowner = 'x'\nwhy = ''", 4, "why: '' is no text"),
        ("[[known]]\nwhy = 'x'\nowner = 'x'", 1, "names no source"),
        ("[[known]]\ncidrs = []\nplaces = ['moon']\nwhy = 'x'\nowner = 'x'", 3, "'moon' is no place of [places]"),
        ("[[known]]\nlist = 'KnownSSHClient'\nwhy = 'x'\nowner = 'x'", 2, "did you mean KnownSSHClients?"),
        ("[[known]]\ncidrs = '192.0.2.1'\nuntil = 'soon'\nwhy = 'x'\nowner = 'x'", 3, "until: 'soon' is no date"),
        ("[[known]]\ncidrs = '192.0.2.1'\nsince = 2026-02-01\nuntil = 2026-01-01\nwhy = 'x'\nowner = 'x'", 4, "is before since"),
        ("[[known]]\nlist = 'AllowedCIDRs'\nservices = 'ssh'\ncidrs = '192.0.2.1'\nwhy = 'x'\nowner = 'x'", 3, "AllowedCIDRs speaks of"),
        ("[[watch]]\nwhy = 'x'", 1, "watches nothing"),
        ("[policy]\nrdp_only_after_vpn = 'yes'", 2, "'yes' is neither true nor false"),
        ("[geo]\ncity = 'missing.mmdb'", 2, "there is no file"),
        ("[geo]\ncity = 'gatewatch.toml'", 2, "is no MMDB database"),
        ("a = ", 1, "is no TOML"),
        ("\n\n[a\nb", 3, "is no TOML"),
        ("[a]\n[a]", 2, "is no TOML"),
    ],
)
def test_what_is_wrong_is_refused_with_file_and_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(SiteError) as raised:
        load_site(path)
    found = [said for said in str(raised.value).splitlines() if message in said]
    assert found, str(raised.value)
    assert found[0].startswith(f"{path}:{line}: ")


def test_what_is_only_doubtful_is_a_warning(tmp_path: Path) -> None:
    text = "[[known]]\nasns = [64500]\nwhy = 'x'\nowner = 'x'\n[tunables]\nKnownRemoteIPs = ['192.0.2.1']"
    assert [message.split(": ")[:2] for message in faults(tmp_path, text)] == [["1", "warning"], ["2", "warning"], ["6", "warning"]]
    assert load_site(tmp_path / "gatewatch.toml").known[0].asns == (64500,)


def test_a_file_that_cannot_be_read_or_decoded(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match=r"missing\.toml:1: cannot be read"):
        load_site(tmp_path / "missing.toml")
    path = tmp_path / "latin.toml"
    path.write_bytes(b"[site]\nname = '\xe4'\n")
    with pytest.raises(SiteError, match=r"latin\.toml:2: is not UTF-8"):
        load_site(path)
    path.write_bytes(b"\xef\xbb\xbf[site]\nname = 'bom'\n")
    assert load_site(path).name == "bom"
    path.write_text("a = " + "[" * 50_000, encoding="utf-8")
    with pytest.raises(SiteError, match="is no TOML"):
        load_site(path)


ATOMS = st.one_of(
    st.sampled_from(["1", "true", '"x"', "[]", "{}", "1.5", "nan", "2026-01-01", "[[1]]", "{a = 1}", '["10.0.0.0/8"]', "-1", '""'])
)
KEYS = ["site", "network", "places", "hosts", "sources", "tunables", "override", "known", "watch", "policy", "geo"]
INNER = [
    "name",
    "zone",
    "year",
    "internal",
    "cidrs",
    "where",
    "set",
    "TimeWindow",
    "BusinessHours",
    "KnownSSHClients",
    "why",
    "until",
    "city",
    "x",
]


@given(st.dictionaries(st.sampled_from(KEYS), st.dictionaries(st.sampled_from(INNER), ATOMS)), st.booleans())
def test_no_document_raises_anything_but_a_site_error(
    tmp_path_factory: pytest.TempPathFactory, document: dict[str, dict[str, str]], double: bool
) -> None:
    left, right = ("[[", "]]") if double else ("[", "]")
    text = "\n".join(
        f"{left}{key}{right}\n" + "\n".join(f"{name} = {value}" for name, value in inner.items()) for key, inner in document.items()
    )
    path = write(tmp_path_factory.mktemp("site"), text)
    errors = [message for message in check(path) if ": error: " in message]
    try:
        load_site(path)
    except SiteError as error:
        assert len(str(error).splitlines()) == len(errors) > 0  # noqa: PT017 - refusing is one of two right answers
    else:
        assert errors == []
