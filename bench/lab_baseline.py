"""What single-event rules alone would find in kept worlds of the lab, scored as incidents are.

``python bench/lab_baseline.py WORLD...`` (folders that ``gatewatch lab make`` wrote). The baseline: every event that meets a shipped rule of level
medium or above and bears an outside address is an alert, and the alerts of one rule, address, host and day are one incident, as a SIEM would group
them. So no chain, session, history or severity takes part. ``--attributed`` also counts events that bear no address but were attributed to an
outsider: what attribution alone adds. The figures in ``docs/explanation/lab.md`` are made with it.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from gatewatch import app
from gatewatch.detect.content import load_content
from gatewatch.engines import local
from gatewatch.lab.score.judge import WorldScore, judge
from gatewatch.lab.truth import read
from gatewatch.schema.incidents import Evidence, Incident, Origin, Severity, Stage

QUOTED = 12  # records quoted for an incident


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("worlds", nargs="+", type=Path)
    parser.add_argument("--attributed", action="store_true")
    given = parser.parse_args()
    scores = [score(world, attributed=given.attributed) for world in given.worlds]
    verdicts = [verdict for one in scores for verdict in one.verdicts]
    false, broken = sum(len(one.falses) for one in scores), sum(one.fragments for one in scores)
    found = sum(verdict.found for verdict in verdicts)
    rows = (
        ("worlds", len(scores)), ("intrusions", len(verdicts)), ("found", found / len(verdicts)),
        ("found with the right origin", sum(verdict.found and verdict.origin for verdict in verdicts) / len(verdicts)),
        ("found with the whole path", sum(verdict.found and verdict.origin and verdict.path for verdict in verdicts) / len(verdicts)),
        ("precision", found / max(1, found + false + broken)),
        ("false incidents per 1,000 outside accesses", 1000 * false / max(1, sum(one.accesses for one in scores))),
    )  # fmt: skip
    for name, value in rows:
        print(f"{name:<48}{value if isinstance(value, int) else f'{value:.3f}':>12}")


def score(world: Path, *, attributed: bool) -> WorldScore:
    """Return the score of the alerts of one world."""
    logs, config = [str(world / "logs")], str(world / "gatewatch.toml")
    ready = local.prepare(logs, app.find_site(logs, config), app.options())
    content = load_content()
    rules = [rule for rule in content.rules.rules if rule.level.rank >= Severity.MEDIUM.rank]
    events = content.rules.evaluate(ready.events, [rule.name for rule in rules])
    source = pl.when(pl.col("scope").cast(pl.String) == "public").then(pl.col("src_ip"))
    if attributed:
        source = pl.coalesce(source, pl.col("origin_ip"))
    events = events.with_columns(source.alias("zz_source")).filter(pl.col("zz_source").is_not_null() & pl.col("time").is_not_null())
    found = [incident for rule in rules for incident in _alerts(rule.name, rule.title, rule.level, events)]
    return judge(read(world), found, world)


def _alerts(name: str, title: str, level: Severity, events: pl.DataFrame) -> Iterator[Incident]:
    met = events.filter(pl.col(f"rule:{name}").fill_null(value=False)).with_columns(pl.col("time").dt.date().alias("zz_day")).sort("row")
    for (address, host, day), group in met.group_by(["zz_source", "host", "zz_day"], maintain_order=True):
        first, last = group["time"][0], group["time"][-1]
        columns = ("source", "stream", "file", "record", "offset")
        quoted = group.head(QUOTED).select(*(pl.col(column) for column in columns if column in group.columns)).iter_rows(named=True)
        evidence = tuple(Evidence(str(q["source"]), str(q.get("stream")), str(q["file"]), int(q["record"]), int(q["offset"]), "") for q in quoted)
        users = tuple(group["user"].drop_nulls().unique(maintain_order=True).to_list())
        key = hashlib.sha256(f"{name} {address} {host} {day}".encode()).hexdigest()[:12]
        yield Incident(
            id=f"alert-{key}", aliases=(), chain=name, chains=(name,), analytic="", title=title, verdict=title, severity=level, confidence="low",
            why=(), origin=Origin(str(address)), users=users, hosts=(str(host),) if host is not None else (), service=None, first_seen=first,
            last_seen=last, failures=0, accepted=first, open=None,
            stages=(Stage("event", first, last, group.height, True, title, evidence),), path=(), attack=(), mitigations=(), coverage=(),
            blind_spots=(), near_misses=(), contain=(), next_steps=(), zone="UTC",
        )  # fmt: skip


if __name__ == "__main__":
    main()
