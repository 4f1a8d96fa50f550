"""Off hours: against a plain reading with zoneinfo, on daylight-saving days, and the peers' failures by name."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.enrich.hours import off_hours
from gatewatch.schema import events as ev
from gatewatch.site.hours import Holiday, Hours, Window, parse_windows
from gatewatch.site.model import Host, Site
from gatewatch.site.tunable import Layer, Value

ZONES = ["UTC", "Europe/Zurich", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca"]


def site(
    text: str, *, zone: str = "UTC", holidays: tuple[Holiday, ...] = (), hosts: tuple[Host, ...] = (), layers: tuple[Layer, ...] = ()
) -> Site:
    """Return a site with business hours."""
    values: dict[str, Value | None] = {"BusinessHours": parse_windows(text), "Holidays": holidays}
    return Site(zone=zone, hosts=hosts, layers=(Layer(values), *layers))


def judge(where: Site, *times: datetime | None, **columns: list[str | None]) -> list[bool | None]:
    """Return off_hours of events at *times*."""
    frame = pl.DataFrame({"time": times, **columns}, schema={"time": ev.UTC, **{name: ev.DTYPES[name] for name in columns}})
    return off_hours(frame, where).to_list()


windows = st.builds(
    lambda day, start, length: Window(day, start, start + length), st.integers(0, 6), st.integers(0, 1439), st.integers(1, 1440)
)
holidays = st.builds(Holiday, st.integers(1, 12), st.integers(1, 31), st.one_of(st.none(), st.integers(2019, 2024)))
instants = st.datetimes(datetime(2019, 1, 1), datetime(2024, 12, 31)).map(lambda moment: moment.replace(tzinfo=UTC))


@given(
    st.lists(windows, min_size=1, max_size=4),
    st.lists(holidays, max_size=40),
    st.lists(instants, min_size=1, max_size=30),
    st.sampled_from(ZONES),
)
def test_off_hours_agree_with_a_plain_reading_of_the_wall_clock(
    given_windows: list[Window], given_holidays: list[Holiday], times: list[datetime], zone: str
) -> None:
    hours = Hours(tuple(given_windows), tuple(given_holidays))
    where = Site(zone=zone, layers=(Layer({"BusinessHours": hours.windows, "Holidays": hours.holidays}),))
    expected = [not hours.covers(time.astimezone(ZoneInfo(zone)).replace(tzinfo=None)) for time in times]
    assert judge(where, *times) == expected


@given(
    st.lists(
        st.tuples(instants, st.sampled_from(["a", "b", "c", None]), st.sampled_from(["ann", "bob", "eve", None])), min_size=1, max_size=30
    )
)
def test_hosts_and_users_have_their_own_hours_and_zones(rows: list[tuple[datetime, str | None, str | None]]) -> None:
    where = site(
        "Mon-Fri 08:00-18:00",
        zone="Europe/Zurich",
        hosts=(Host("a", zone="America/New_York"), Host("b", site="tokyo")),
        layers=(
            Layer({"HoursZone": "Asia/Tokyo"}, sites=frozenset({"tokyo"}), order=1),
            Layer({"BusinessHours": parse_windows("Sat-Sun 20:00-04:00")}, users=frozenset({"ann"}), order=2),
            Layer({"BusinessHours": ()}, users=frozenset({"bob"}), order=3),
        ),
    )
    expected: list[bool | None] = []
    for time, host, user in rows:
        hours = where.hours(user=user, site=where.site_of(host))
        local = time.astimezone(ZoneInfo({"a": "America/New_York", "b": "Asia/Tokyo"}.get(host or "", "Europe/Zurich"))).replace(
            tzinfo=None
        )
        expected.append(None if hours is None else not hours.covers(local))
    times, hosts, users = ([row[index] for row in rows] for index in range(3))
    assert judge(where, *times, host=hosts, user=users) == expected  # type: ignore[arg-type]


def test_without_configured_hours_and_without_a_time_nothing_is_said() -> None:
    moment = datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert judge(Site.default(), moment) == [None]
    assert judge(site("Mon-Fri 08:00-18:00"), moment, None) == [False, None]
    assert judge(site("Mon-Fri 08:00-18:00")) == []


def test_hours_that_wrap_midnight() -> None:
    """A peer compared ``19 ... 8`` within one day, which no hour meets (peers 15)."""
    monday = datetime(2026, 3, 2, tzinfo=UTC)
    said = judge(site("Mon 19:00-08:00"), *(monday + timedelta(hours=hour) for hour in range(48)))
    assert [hour for hour, off in enumerate(said) if not off] == [*range(19, 32)]


def test_the_zone_is_that_of_the_place_not_utc() -> None:
    """A peer judged all users in UTC, and every connection from another continent was off hours (peers 16)."""
    where = site("Mon-Fri 08:00-18:00", zone="Europe/Zurich", hosts=(Host("west", zone="America/Los_Angeles"),))
    evening = datetime(2026, 3, 2, 22, tzinfo=UTC)  # 23:00 in Zurich, 14:00 in Los Angeles
    assert judge(where, evening, evening, host=["west", "east"]) == [False, True]


@pytest.mark.parametrize(
    ("moment", "off"),
    [
        (datetime(2026, 3, 29, 0, 59, tzinfo=UTC), False),  # 01:59 before the clock springs
        (datetime(2026, 3, 29, 1, 0, tzinfo=UTC), True),  # 03:00: the hour from 02:00 does not exist
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), False),  # 02:30 the first time
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), False),  # 02:30 the second time
        (datetime(2026, 10, 25, 2, 0, tzinfo=UTC), True),  # 03:00
    ],
)
def test_daylight_saving_days(moment: datetime, off: bool) -> None:
    assert judge(site("Sun 01:00-03:00", zone="Europe/Zurich"), moment) == [off]


def test_weekends_and_holidays_are_off() -> None:
    noon = datetime(2026, 12, 21, 11, tzinfo=UTC)  # a Monday
    where = site("Mon-Fri 08:00-18:00", zone="Europe/Zurich", holidays=(Holiday(12, 25), Holiday(12, 22, 2026)))
    assert judge(where, *(noon + timedelta(days=day) for day in range(7))) == [False, True, False, False, True, True, True]


def test_a_night_shift_counts_for_the_day_on_which_it_begins() -> None:
    where = site("daily 22:00-06:00", holidays=(Holiday(12, 31),))
    nights = [datetime(2025, 12, 31, 3, tzinfo=UTC), datetime(2025, 12, 31, 23, tzinfo=UTC), datetime(2026, 1, 1, 3, tzinfo=UTC)]
    assert judge(where, *nights) == [False, True, True]
    assert judge(where, nights[2]) == [True]  # also when no event falls into the year of the holiday


def test_a_holiday_begins_and_ends_at_local_midnight() -> None:
    where = site("daily 00:00-24:00", zone="Asia/Tokyo", holidays=(Holiday(1, 1),))
    start = datetime(2025, 12, 31, 15, tzinfo=UTC)
    assert judge(where, start - timedelta(seconds=1), start, start + timedelta(hours=23, minutes=59), start + timedelta(days=1)) == [
        False,
        True,
        True,
        False,
    ]


def test_the_29th_of_february_is_a_holiday_in_leap_years_only() -> None:
    where = site("daily 00:00-24:00", holidays=(Holiday(2, 29),))
    days = [date(2024, 2, 29), date(2025, 3, 1), date(2025, 2, 28)]
    assert judge(where, *(datetime(day.year, day.month, day.day, 12, tzinfo=UTC) for day in days)) == [True, False, False]


def test_categories_are_read_as_text() -> None:
    where = site("Mon-Fri 08:00-18:00", layers=(Layer({"BusinessHours": ()}, users=frozenset({"bob"}), order=1),))
    frame = pl.DataFrame({"time": [datetime(2026, 3, 2, 12, tzinfo=UTC)] * 2, "user": ["ann", "bob"]}).with_columns(
        pl.col("time").cast(ev.UTC), pl.col("user").cast(pl.Categorical)
    )
    assert off_hours(frame, where).to_list() == [False, None]
