"""Known sources: entries, lists, terms, users, services and overrides, against a plain reading."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.enrich.known import KnownSources
from gatewatch.schema import events as ev
from gatewatch.site.model import Known, Site
from gatewatch.site.range import parse_address, parse_network, within
from gatewatch.site.tunable import KNOWN_LISTS, Grants, Layer

MOMENT = datetime(2026, 6, 30, 12, tzinfo=UTC)
KEY = "SHA256:" + "k" * 43
OFFICE = Known(1, "the office", "ann", name="office", networks=(parse_network("198.51.100.0/24"),), until=date(2026, 6, 30))


def judge(
    site: Site, rows: list[dict[str, object]], places: dict[str, tuple[str | None, int | None]] | None = None
) -> list[tuple[bool | None, str | None]]:
    """Return (known, known_by) of events; *places* gives country and AS number of addresses."""
    sources = KnownSources(site)
    schema = {name: ev.DTYPES[name] for name in ("time", "kind", "src_ip", "user", "service", "site", "auth_method", "object")}
    frame = pl.DataFrame([{name: row.get(name) for name in schema} | {"time": row.get("time", MOMENT)} for row in rows], schema=schema)
    classes: list[int | None] = []
    for address in frame["src_ip"].to_list():
        parsed = parse_address(address) if address is not None else None
        classes.append(sources.class_of(*parsed, *(places or {}).get(address, (None, None))) if parsed is not None else None)
    found = sources.judge(frame, pl.Series(classes, dtype=pl.Int64))
    return list(zip(found["known"].to_list(), found["known_by"].to_list(), strict=True))


def networks(*texts: str) -> Grants:
    """Return a list of known networks."""
    return Grants(tuple((parse_network(text), text) for text in texts))


def test_an_entry_says_its_owner_and_expiry() -> None:
    assert judge(Site(known=(OFFICE,)), [{"src_ip": "198.51.100.7"}, {"src_ip": "203.0.113.7"}, {"src_ip": None}]) == [
        (True, "KnownRemoteIPs entry 1 'office' (owner ann, until 2026-06-30)"),
        (False, None),
        (None, None),
    ]


def test_an_expired_entry_stops_counting_at_the_time_of_the_event_and_says_so() -> None:
    end = datetime(2026, 6, 30, 22, tzinfo=UTC)  # midnight in Zurich
    rows: list[dict[str, object]] = [{"src_ip": "198.51.100.7", "time": time} for time in (end - timedelta(microseconds=1), end, None)]
    found = judge(Site(zone="Europe/Zurich", known=(OFFICE,)), rows)
    assert [known for known, _ in found] == [True, False, False]
    assert found[1][1] == "not in force: KnownRemoteIPs entry 1 'office' (owner ann, until 2026-06-30)"


def test_an_entry_not_yet_in_force_does_not_count() -> None:
    entry = replace(OFFICE, since=date(2026, 6, 30))
    rows: list[dict[str, object]] = [{"src_ip": "198.51.100.7", "time": datetime(2026, 6, day, tzinfo=UTC)} for day in (29, 30)]
    assert [known for known, _ in judge(Site(known=(entry,)), rows)] == [False, True]


def test_an_entry_in_force_is_preferred_to_an_earlier_one_that_is_not() -> None:
    old = replace(OFFICE, until=date(2020, 1, 1))
    new = replace(OFFICE, number=2, name=None)
    assert judge(Site(known=(old, new)), [{"src_ip": "198.51.100.7"}]) == [(True, "KnownRemoteIPs entry 2 (owner ann, until 2026-06-30)")]


def test_users_and_services_narrow_an_entry() -> None:
    site = Site(known=(replace(OFFICE, users=("ann",), services=("ssh", "rdp")),))
    rows: list[dict[str, object]] = [
        {"src_ip": "198.51.100.7", "user": user, "service": service}
        for user, service in (("ann", "ssh"), ("ann", "rdp"), ("ann", "vpn"), ("bob", "ssh"), (None, "ssh"), ("ann", None))
    ]
    assert [known for known, _ in judge(site, rows)] == [True, True, False, False, False, False]


def test_as_numbers_and_countries() -> None:
    site = Site(known=(Known(1, "x", "x", asns=(64500,)), Known(2, "x", "x", countries=("CH",))))
    places = {"198.51.100.1": ("DE", 64500), "198.51.100.2": ("CH", None), "198.51.100.3": ("DE", 64501)}
    found = judge(site, [{"src_ip": address} for address in places], places)
    assert [(known, (label or "")[:22]) for known, label in found] == [
        (True, "KnownRemoteIPs entry 1"),
        (True, "KnownRemoteIPs entry 2"),
        (False, ""),
    ]


@pytest.mark.parametrize(
    ("name", "services"),
    [
        ("KnownRemoteIPs", {"ssh", "vpn", "vnc", "kube_api"}),
        ("KnownSSHClients", {"ssh", "vpn"}),
        ("KnownVNCServers", {"ssh", "vnc"}),
        ("AllowedCIDRs", {"kube_api"}),
    ],
)
def test_each_list_speaks_of_its_own_services(name: str, services: set[str]) -> None:
    asked = ["ssh", "vpn", "vnc", "kube_api"]
    rows: list[dict[str, object]] = [{"src_ip": "198.51.100.7", "service": service} for service in asked]
    plain = judge(Site(layers=(Layer({name: networks("198.51.100.7")}),)), rows)
    entry = judge(Site(known=(replace(OFFICE, tunable=name),)), rows)
    for found in (plain, entry):
        assert {service for service, (known, _) in zip(asked, found, strict=True) if known} == services
    assert {label for known, label in plain if known} == {f"{name} 198.51.100.7 (no owner, no expiry)"}


def test_a_key_counts_only_where_a_logon_proves_it() -> None:
    site = Site(layers=(Layer({"KnownSSHClients": Grants((), (KEY,))}),))
    row: dict[str, object] = {"kind": "auth_success", "src_ip": "203.0.113.7", "service": "ssh", "auth_method": "key", "object": KEY}
    rows = [
        row,
        row | {"kind": "auth_failure"},
        row | {"auth_method": "password"},
        row | {"object": f"x {KEY}"},
        row | {"src_ip": None},
        row | {"service": "web"},
    ]
    assert [known for known, _ in judge(site, rows)] == [True, False, False, False, True, False]


def test_a_list_set_for_a_user_replaces_that_of_the_site() -> None:
    site = Site(
        layers=(
            Layer({"KnownRemoteIPs": networks("198.51.100.0/24")}),
            Layer({"KnownRemoteIPs": networks("203.0.113.0/24")}, users=frozenset({"ann"}), order=1),
            Layer({"KnownRemoteIPs": Grants()}, users=frozenset({"bob"}), order=2),
        )
    )
    rows: list[dict[str, object]] = [
        {"src_ip": address, "user": user} for user in ("ann", "bob", "eve", None) for address in ("198.51.100.7", "203.0.113.7")
    ]
    assert [known for known, _ in judge(site, rows)] == [False, True, False, False, True, False, True, False]


ADDRESSES = [f"198.51.100.{last}" for last in range(8)] + ["2001:db8::1"]
NETWORKS = [parse_network(text) for text in ("198.51.100.0/30", "198.51.100.0/31", "198.51.100.4", "2001:db8::/32", "0.0.0.0/0")]
SOME_DAY = st.one_of(st.none(), st.dates(date(2026, 6, 28), date(2026, 7, 2)))
entries = st.builds(
    Known,
    number=st.just(0),
    why=st.just("x"),
    owner=st.just("x"),
    tunable=st.sampled_from([tunable.name for tunable in KNOWN_LISTS]),
    networks=st.lists(st.sampled_from(NETWORKS), min_size=1, max_size=2).map(tuple),
    users=st.lists(st.sampled_from(["ann", "bob"]), max_size=1).map(tuple),
    services=st.lists(st.just("ssh"), max_size=1).map(tuple),
    since=SOME_DAY,
    until=SOME_DAY,
)
layers = st.builds(
    lambda name, ranges, users, sites, services: Layer({name: networks(*map(str, ranges))}, users=users, sites=sites, services=services),
    st.sampled_from([tunable.name for tunable in KNOWN_LISTS]),
    st.lists(st.sampled_from(NETWORKS[:4]), max_size=2, unique=True),
    st.frozensets(st.sampled_from(["ann", "bob"]), max_size=1),
    st.frozensets(st.sampled_from(["x", "y"]), max_size=1),
    st.frozensets(st.sampled_from(["ssh", "vnc"]), max_size=1),
)
rows = st.fixed_dictionaries(
    {
        "src_ip": st.sampled_from(ADDRESSES),
        "user": st.sampled_from(["ann", "bob", None]),
        "service": st.sampled_from(["ssh", "vnc", "kube_api", None]),
        "site": st.sampled_from(["x", "y", None]),
        "time": st.sampled_from([MOMENT + timedelta(days=day) for day in range(-3, 4)]),
    }
)


def plainly(site: Site, row: dict[str, object]) -> tuple[bool, str | None]:
    """Read the rules row by row."""
    parsed = parse_address(str(row["src_ip"]))
    assert parsed is not None
    live: list[str] = []
    dead: list[str] = []
    for entry in site.known:
        own = next(tunable.services for tunable in KNOWN_LISTS if tunable.name == entry.tunable)
        services = entry.services or own
        fits = any(within(network, *parsed) for network in entry.networks)
        if fits and (not entry.users or row["user"] in entry.users) and (not services or row["service"] in services):
            day = row["time"].date()  # type: ignore[attr-defined]
            in_force = (entry.since is None or entry.since <= day) and (entry.until is None or day <= entry.until)
            (live if in_force else dead).append(entry.label)
    for tunable in KNOWN_LISTS:
        chosen = site.value(tunable.name, service=row["service"], site=row["site"], user=row["user"])  # type: ignore[arg-type]
        if isinstance(chosen, Grants) and (not tunable.services or row["service"] in tunable.services):
            live += [f"{tunable.name} {written} (no owner, no expiry)" for network, written in chosen.networks if within(network, *parsed)]
    return (True, live[0]) if live else (False, f"not in force: {dead[0]}" if dead else None)


@given(st.lists(entries, max_size=5), st.lists(layers, max_size=5), st.lists(rows, min_size=1, max_size=10))
def test_known_agrees_with_a_plain_reading(
    given_entries: list[Known], given_layers: list[Layer], given_rows: list[dict[str, object]]
) -> None:
    site = Site(
        known=tuple(replace(entry, number=number) for number, entry in enumerate(given_entries, 1)),
        layers=tuple(replace(layer, order=order) for order, layer in enumerate(given_layers)),
    )
    assert judge(site, given_rows) == [plainly(site, row) for row in given_rows]


def test_the_address_is_compared_as_a_number() -> None:
    site = Site(known=(replace(OFFICE, networks=(ipaddress.ip_network("198.51.100.1"),)),))
    assert [
        known for known, _ in judge(site, [{"src_ip": "198.51.100.1"}, {"src_ip": "198.51.100.11"}, {"src_ip": "::ffff:198.51.100.1"}])
    ] == [True, False, True]
