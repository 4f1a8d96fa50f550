"""How a folder of logs is distributed: logons by hour, failures per success, sources a day, guesses per source; for worlds and for real logs alike.

``python bench/lab_distribution.py FOLDER [--service ssh]`` prints one row for each figure. The table in ``docs/explanation/lab.md`` is made with it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import polars as pl

from gatewatch import app


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder")
    parser.add_argument("--service", default="ssh")
    parser.add_argument("--year", type=int)
    given = parser.parse_args()
    site = Path(given.folder).parent / "gatewatch.toml"
    frames = app.events([given.folder], config=str(site) if site.exists() else None, year=given.year)
    events = pl.concat([frame.select("time", "kind", "service", "user", "src_ip", "count", "scope", "invalid_user") for frame in frames])
    events = events.filter(
        pl.col("service").cast(pl.String).eq(given.service) & pl.col("time").is_not_null() & pl.col("scope").cast(pl.String).eq("public")
    )
    failures = events.filter(pl.col("kind").cast(pl.String) == "auth_failure")
    successes = events.filter(pl.col("kind").cast(pl.String) == "auth_success")
    tries = failures["count"].sum()
    days = events["time"].dt.date().n_unique()
    daily = failures.group_by(pl.col("time").dt.date()).agg(pl.col("src_ip").n_unique())["src_ip"]
    each = failures.group_by("src_ip").agg(pl.col("count").sum())["count"].sort(descending=True)
    gaps = failures.sort("src_ip", "time").select(pl.col("time").diff().over("src_ip").dt.total_seconds())["time"].drop_nulls()
    hours = successes.group_by(pl.col("time").dt.hour()).len().sort("time")["len"]
    top = each.head(max(1, len(each) // 100)).sum()
    rows = (
        ("days", days), ("failures", tries), ("successes", successes.height), ("failures per success", _ratio(tries, successes.height)),
        ("failures per day", _ratio(tries, days)), ("sources per day (median)", daily.median()), ("tries per source (median)", each.median()),
        ("tries per source (90 %)", each.quantile(0.9)), ("tries per source (greatest)", each.max()),
        ("share of the busiest 1 % of sources", _ratio(top, tries)), ("seconds between tries of a source (median)", gaps.median()),
        ("share of names that do not exist", _ratio(failures.filter(pl.col("invalid_user").fill_null(value=False)).height, failures.height)),
        ("busiest hour's share of successes", _ratio(hours.max(), successes.height)),
    )  # fmt: skip
    for name, value in rows:
        print(f"{name:<48}{value if isinstance(value, int) else '-' if value is None else f'{value:.2f}':>12}")


def _ratio(over: object, under: object) -> float | None:
    return float(over) / float(under) if under and over is not None else None  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
