"""The site model: defaults, layers, terms and the watch list."""

from __future__ import annotations

import ipaddress
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.errors import UsageError
from gatewatch.site.model import Site, Watch
from gatewatch.site.tunable import Layer


def test_the_default_site_has_attacks_thresholds_and_knows_nothing() -> None:
    site = Site.default()
    assert (site.number("FailedLogonThreshold"), site.number("TimeWindow", analytic="AN1005")) == (5, 900)
    assert site.hours() is None
    assert site.countries() is None
    assert site.site_of("gate") is None
    assert (site.zone_of("gate", "auth.log"), site.year_of("gate")) == ("UTC", None)


def test_an_unknown_tunable_is_a_usage_error_with_a_suggestion() -> None:
    with pytest.raises(UsageError, match=r"no tunable 'TimeWindwo'; did you mean TimeWindow\?"):
        Site.default().number("TimeWindwo")
    with pytest.raises(UsageError, match="'BusinessHours' is no number"):
        Site.default().number("BusinessHours")


SOME = st.sampled_from([None, "a", "b"])
CONDITION = st.frozensets(st.sampled_from(["a", "b"]), max_size=2)


@given(st.lists(st.tuples(CONDITION, CONDITION, CONDITION, CONDITION), max_size=5), SOME, SOME, SOME, SOME)
def test_the_most_specific_setting_wins(
    conditions: list[tuple[frozenset[str], ...]], analytic: str | None, service: str | None, site: str | None, user: str | None
) -> None:
    layers = tuple(Layer({"TimeWindow": 100 + order}, *sets, order=order) for order, sets in enumerate(conditions))
    asked = (analytic, service, site, user)
    best = 900
    best_rank: tuple[object, ...] = ()
    for order, sets in enumerate(conditions):
        if all(not wanted or value in wanted for wanted, value in zip(sets, asked, strict=True)):
            rank = (*(bool(wanted) for wanted in reversed(sets)), order)
            if rank > best_rank:
                best, best_rank = 100 + order, rank
    assert Site(layers=layers).number("TimeWindow", analytic=analytic, service=service, site=site, user=user) == best


def test_a_term_ends_with_its_last_day_in_the_zone_of_the_site() -> None:
    start, end = Site(zone="Europe/Zurich").term(date(2026, 3, 29), date(2026, 3, 29))
    assert start == datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert end == datetime(2026, 3, 29, 22, tzinfo=UTC)  # a day of 23 hours
    assert Site.default().term(None, date.max) == (None, None)


@pytest.mark.parametrize(
    ("address", "user", "host", "found"),
    [
        ("203.0.113.66", None, None, True),
        ("::ffff:203.0.113.66", None, None, True),
        ("203.0.113.6", None, None, False),
        (None, "old", None, True),
        (None, None, "vault", True),
        ("nonsense", "new", "other", False),
        (None, None, None, False),
    ],
)
def test_the_watch_list_names_addresses_users_and_hosts(address: str | None, user: str | None, host: str | None, found: bool) -> None:
    entry = Watch(1, "x", (ipaddress.ip_network("203.0.113.66"),), ("old",), ("vault",))
    site = Site(watch=(entry,))
    assert (site.watching(address, user, host, datetime(2026, 1, 1, tzinfo=UTC)) is entry) == found


def test_a_watch_entry_out_of_its_term_does_not_count() -> None:
    site = Site(watch=(Watch(1, "x", users=("old",), since=date(2026, 1, 2), until=date(2026, 1, 3)),))
    inside = [day for day in range(1, 6) if site.watching(None, "old", None, datetime(2026, 1, day, 23, 59, tzinfo=UTC))]
    assert inside == [2, 3]
