"""Off hours: whether an event falls outside the business hours of its user or site, in the wall time of the place, never of the log.

The zone is ``HoursZone`` where set, else the zone of the host, else that of the site. Hours come in half-open minutes of the week; a night
shift belongs to the day on which it begins, also where that is a holiday. Daylight saving needs no care: an instant has one wall time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import numpy as np
import polars as pl

from gatewatch.schema.events import ensure
from gatewatch.site.hours import DAY_MINUTES, Hours
from gatewatch.site.model import Site

_WEEK = 7 * DAY_MINUTES
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_EPOCH_WEEKDAY = 3  # a Thursday
_MINUTE_US = 60_000_000
_SETTINGS = ("BusinessHours", "Holidays", "HoursZone")


def off_hours(events: pl.DataFrame, site: Site) -> pl.Series:
    """Return ``off_hours`` of *events* (``time, host, user, service``); null where no hours are configured or the time is unknown."""
    layers = [layer for layer in site.layers if any(name in layer.values for name in _SETTINGS)]
    if not any(layer.values.get("BusinessHours") for layer in layers):
        return pl.repeat(None, events.height, dtype=pl.Boolean, eager=True).alias("off_hours")
    events = ensure(events, "time", "host", "user", "service")
    hosts = _Codes(events["host"], None if any(host.zone or host.site for host in site.hosts) else ())
    users = _Codes(events["user"], sorted({user for layer in layers for user in layer.users}))
    services = _Codes(events["service"], sorted({service for layer in layers for service in layer.services}))
    combined = (hosts.codes * len(users.values) + users.codes) * len(services.values) + services.codes
    result = np.full(events.height, np.nan)
    occurring = np.flatnonzero(np.bincount(combined))
    for code in occurring.tolist():
        rest, service = divmod(code, len(services.values))
        host, user = divmod(rest, len(users.values))
        regime = _regime(site, hosts.values[host], users.values[user], services.values[service])
        if regime is not None and occurring.size == 1:
            result = _outside(events["time"], *regime)
        elif regime is not None:
            rows = np.flatnonzero(combined == code)
            result[rows] = _outside(events["time"].gather(rows), *regime)
    return pl.Series("off_hours", result, nan_to_null=True).cast(pl.Boolean)


class _Codes:
    """A column as small numbers: ``codes`` per row, ``values`` by code. Of *wanted* values only; all others are as good as null."""

    def __init__(self, column: pl.Series, wanted: Sequence[str] | None) -> None:
        if wanted is None:
            wanted = sorted(column.drop_nulls().unique().cast(pl.String).to_list())
        self.values: tuple[str | None, ...] = (None, *wanted)
        if not wanted:
            self.codes = np.zeros(len(column), dtype=np.int64)
            return
        coded = column.cast(pl.String).cast(pl.Enum(wanted), strict=False).to_physical().cast(pl.Int64)
        self.codes = (coded + 1).fill_null(0).to_numpy()


def _regime(site: Site, host: str | None, user: str | None, service: str | None) -> tuple[Hours, str] | None:
    hours = site.hours(user=user, site=site.site_of(host), service=service)
    return (hours, hours.zone or site.host_zone(host)) if hours is not None else None


def _outside(times: pl.Series, hours: Hours, zone: str) -> np.ndarray:
    """Return 1.0 outside the hours, 0.0 inside, NaN for unknown times."""
    wall = times.dt.convert_time_zone(zone).dt.replace_time_zone(None).to_physical()
    minutes = wall.fill_null(0).to_numpy() // _MINUTE_US
    days = minutes // DAY_MINUTES
    of_week = (minutes + _EPOCH_WEEKDAY * DAY_MINUTES) % _WEEK
    begun, running = _week(hours)
    off = _holidays(hours, days)
    inside = begun[of_week] & ~np.isin(days, off) | running[of_week] & ~np.isin(days - 1, off)
    return np.where(times.is_null().to_numpy(), np.nan, (~inside).astype(np.float64))


def _week(hours: Hours) -> tuple[np.ndarray, np.ndarray]:
    """Return, per minute of the week, whether a window begun the same day covers it, and whether one begun the day before does."""
    begun, running = np.zeros(_WEEK, dtype=np.bool_), np.zeros(_WEEK, dtype=np.bool_)
    for window in hours.windows:
        midnight = window.day * DAY_MINUTES
        begun[midnight + window.start : midnight + min(window.end, DAY_MINUTES)] = True
        after = (midnight + DAY_MINUTES) % _WEEK
        running[after : after + max(0, window.end - DAY_MINUTES)] = True
    return begun, running


def _holidays(hours: Hours, days: np.ndarray) -> np.ndarray:
    """Return the holidays as days since 1970, every-year ones for the years that occur."""
    if not hours.holidays or not days.size:
        return np.empty(0, dtype=np.int64)
    first, last = (date.fromordinal(min(max(1, int(day) + _EPOCH_DAY), date.max.toordinal())).year for day in (days.min() - 1, days.max()))
    return np.array(sorted(set(_dates(hours, range(first, last + 1)))), dtype=np.int64)


def _dates(hours: Hours, years: range) -> Iterable[int]:
    for holiday in hours.holidays:
        for year in [holiday.year] if holiday.year is not None else years:
            try:
                yield date(year, holiday.month, holiday.day).toordinal() - _EPOCH_DAY
            except ValueError:  # 29 February in a common year
                continue
