"""Off hours: whether an event falls outside the business hours of its user or site, in the wall time of the place, never of the log.

The zone is ``HoursZone`` where set, else the zone of the host, else that of the site. Hours come in half-open minutes of the week; a night
shift belongs to the day on which it begins, also where that is a holiday. Daylight saving needs no care: an instant has one wall time.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import numpy as np
import polars as pl

from gatewatch.schema.events import UTC, ensure
from gatewatch.site.hours import DAY_MINUTES, Hours
from gatewatch.site.model import Site

_WEEK = 7 * DAY_MINUTES
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_EPOCH_WEEKDAY = 3  # a Thursday
_MINUTE_US = 60_000_000
_SETTINGS = ("BusinessHours", "Holidays", "HoursZone")
_KEYS = ("host", "user", "service")


def off_hours(events: pl.DataFrame, site: Site) -> pl.Series:
    """Return ``off_hours`` of *events* (``time, host, user, service``); null where no hours are configured or the time is unknown."""
    layers = [layer for layer in site.layers if any(name in layer.values for name in _SETTINGS)]
    if not any(layer.values.get("BusinessHours") for layer in layers):
        return pl.Series("off_hours", [None] * events.height, dtype=pl.Boolean)
    events = ensure(events, "time", *_KEYS)
    users = sorted({user for layer in layers for user in layer.users})
    services = sorted({service for layer in layers for service in layer.services})
    keys = events.select(
        pl.col("host").cast(pl.String) if any(host.zone or host.site for host in site.hosts) else pl.lit(None, pl.String).alias("host"),
        _only("user", users),
        _only("service", services),
    )
    if keys.width and keys.height != events.height:  # three literals: one row stands for all
        keys = pl.DataFrame({name: [None] * events.height for name in _KEYS}, schema=dict.fromkeys(_KEYS, pl.String))
    combinations = keys.unique(maintain_order=True)
    regimes: dict[tuple[Hours, str] | None, int] = {}
    numbers = [regimes.setdefault(_regime(site, *row), len(regimes)) for row in combinations.iter_rows()]
    if len(regimes) == 1:
        which = np.zeros(events.height, dtype=np.int64)
    else:
        coded = combinations.with_columns(pl.Series("regime", numbers, dtype=pl.Int64))
        which = keys.join(coded, on=list(_KEYS), how="left", nulls_equal=True, maintain_order="left")["regime"].to_numpy()
    result = np.full(events.height, np.nan)
    for regime, number in regimes.items():
        if regime is None:
            continue
        if len(regimes) == 1:
            result = _outside(events["time"].cast(UTC), *regime)
        else:
            rows = np.flatnonzero(which == number)
            result[rows] = _outside(events["time"].gather(rows).cast(UTC), *regime)
    return pl.Series("off_hours", result, nan_to_null=True).cast(pl.Boolean)


def _only(name: str, wanted: list[str]) -> pl.Expr:
    """Return the column where it holds one of the values that any setting names, else null: few combinations are left."""
    if not wanted:
        return pl.lit(None, pl.String).alias(name)
    text = pl.col(name).cast(pl.String)
    return pl.when(text.is_in(wanted)).then(text).alias(name)


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
