"""The report over one or more worlds: every figure with its interval, by analytic, entry, difficulty and scenario, and what was missed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from statistics import median

import msgspec

from gatewatch.lab.score.control import FATES, Claim, ControlScore
from gatewatch.lab.score.interval import interval
from gatewatch.lab.score.judge import Verdict, WorldScore


class Figure(msgspec.Struct):
    """A figure: its value (null where there is nothing to divide by) and the interval of 95 %."""

    value: float | None
    low: float | None = None
    high: float | None = None


class Row(msgspec.Struct):
    """Figures of a group of intrusions."""

    name: str
    intrusions: int
    found: float
    origin: float
    path: float
    evidence: float | None
    delay_s: float | None = None  # median of those found
    falses: int | None = None  # false incidents of its chains, where the group is one of incidents as well


class ControlReport(msgspec.Struct):
    """What incidents say of the site's controls: fates of the missing ones (:mod:`.control`), and what in place is called missing.

    ``known``: share proved to be missing, of those the incident could speak of. ``lost``: missing ones that are not, by control and fate.
    """

    fates: dict[str, int]
    known: float | None
    lost: dict[str, int]
    wrong: list[Claim]
    right: int
    kept: int
    undrawn: dict[str, int]


class Report(msgspec.Struct):
    """The whole report."""

    worlds: int
    seeds: list[int]
    intrusions: int
    accesses: int
    weeks: float
    figures: dict[str, Figure]
    tables: dict[str, list[Row]]
    missed: list[Verdict]
    false_by_chain: dict[str, int]
    false_by_negative: dict[str, int]
    negatives: dict[str, tuple[int, int]]
    not_measured: tuple[str, ...] = ("the same figures for single-event Sigma rules only (bench/lab_baseline.py makes them)",)
    controls: ControlReport | None = None


Calculation = Callable[[Sequence[WorldScore]], float | None]


def _share(test: Callable[[Verdict], bool]) -> Calculation:
    def figure(worlds: Sequence[WorldScore]) -> float | None:
        verdicts = [verdict for world in worlds for verdict in world.verdicts]
        return sum(map(test, verdicts)) / len(verdicts) if verdicts else None

    return figure


def _precision(worlds: Sequence[WorldScore]) -> float | None:
    found = sum(verdict.found for world in worlds for verdict in world.verdicts)
    raised = found + sum(len(world.falses) + world.fragments for world in worlds)
    return found / raised if raised else None


def _false_rate(worlds: Sequence[WorldScore]) -> float | None:
    accesses = sum(world.accesses for world in worlds)
    return 1000 * sum(len(world.falses) for world in worlds) / accesses if accesses else None


def _false_week(worlds: Sequence[WorldScore]) -> float | None:
    days = sum(world.days for world in worlds)
    return 7 * sum(len(world.falses) for world in worlds) / days if days else None


def _median(found: Sequence[Verdict]) -> float | None:
    delays = [verdict.delay_s for verdict in found if verdict.delay_s is not None]
    return round(median(delays), 1) if delays else None


def _delay(worlds: Sequence[WorldScore]) -> float | None:
    delays = [verdict.delay_s for world in worlds for verdict in world.verdicts if verdict.delay_s is not None]
    return median(delays) if delays else None


def _mean(value: Callable[[Verdict], float | None]) -> Calculation:
    def figure(worlds: Sequence[WorldScore]) -> float | None:
        shares = [share for world in worlds for verdict in world.verdicts if (share := value(verdict)) is not None]
        return sum(shares) / len(shares) if shares else None

    return figure


def _evidence(worlds: Sequence[WorldScore]) -> float | None:
    shares = [verdict.evidence for world in worlds for verdict in world.verdicts if verdict.found]
    return sum(shares) / len(shares) if shares else None


FIGURES: dict[str, tuple[str, Calculation]] = {
    "found": ("intrusions found (recall)", _share(lambda verdict: verdict.found)),
    "found_origin": ("found with the right origin", _share(lambda verdict: verdict.found and verdict.origin)),
    "found_path": ("found with the right origin and the whole path", _share(lambda verdict: verdict.found and verdict.origin and verdict.path)),
    "seen_low": ("seen, but only below medium", _share(lambda verdict: verdict.seen_low)),
    "precision": ("precision (fragments count as wrong)", _precision),
    "false_per_1000": ("false incidents per 1,000 outside accesses", _false_rate),
    "false_per_week": ("false incidents per site-week", _false_week),
    "delay_s": ("median time to detect, s", _delay),
    "evidence": ("quoted records that were planted", _evidence),
    "techniques": ("true techniques that are named", _mean(lambda verdict: verdict.techniques)),
    "named_right": ("named techniques that are true", _mean(lambda verdict: verdict.named_right)),
}


def summarise(worlds: Sequence[WorldScore]) -> Report:
    """Return the report over *worlds*; of a single one the intervals are over its intrusions."""
    verdicts = [verdict for world in worlds for verdict in world.verdicts]
    figures = {}
    for name, (_, calculation) in FIGURES.items():
        value = calculation(worlds)
        units = worlds if len(worlds) > 2 or len(worlds) == 0 else _split(worlds)
        bounds = interval(units, calculation)
        figures[name] = Figure(round(value, 4) if value is not None else None, *(bounds or (None, None)))
    alarms = Counter(alarm.chain.partition("-")[0].upper() for world in worlds for alarm in world.falses)
    tables = {
        "analytic": [msgspec.structs.replace(row, falses=alarms[row.name]) for row in _rows(verdicts, lambda verdict: verdict.analytic)],
        "entry": _rows(verdicts, lambda verdict: verdict.entry),
        "difficulty": _rows(verdicts, lambda verdict: verdict.difficulty),
        "history before it": _rows(verdicts, lambda verdict: "14 days or more" if verdict.history_days >= 14 else "less than 14 days"),
        "written last, from reports": _rows(verdicts, lambda verdict: "reported" if verdict.reported else "ours"),
        "scenario": _rows(verdicts, lambda verdict: verdict.scenario),
    }
    negatives: dict[str, tuple[int, int]] = {}
    for world in worlds:
        for name, (planted, alarmed) in world.negatives.items():
            before = negatives.get(name, (0, 0))
            negatives[name] = (before[0] + planted, before[1] + alarmed)
    falses = [alarm for world in worlds for alarm in world.falses]
    return Report(
        len(worlds), [world.seed for world in worlds], len(verdicts), round(sum(world.accesses for world in worlds)),
        round(sum(world.days for world in worlds) / 7, 2), figures, tables, [verdict for verdict in verdicts if not verdict.found],
        _count([alarm.chain for alarm in falses]), _count([alarm.negative or "life" for alarm in falses]), dict(sorted(negatives.items())),
        controls=_controls([world.controls for world in worlds if world.controls is not None]),
    )  # fmt: skip


def _controls(scores: Sequence[ControlScore]) -> ControlReport | None:
    if not scores:
        return None
    planted = [finding for score in scores for finding in score.planted]
    fates = {fate: sum(one.fate == fate for one in planted) for fate in FATES}
    seen = len(planted) - fates["unseen"]
    undrawn: dict[str, int] = {}
    for score in scores:
        for measure, number in score.undrawn.items():
            undrawn[measure] = undrawn.get(measure, 0) + number
    return ControlReport(
        fates, round(fates["missing"] / seen, 4) if seen else None,
        _count([f"{one.control} {one.measure}: {one.fate}" for one in planted if one.fate not in {"missing", "unseen"}]),
        [claim for score in scores for claim in score.wrong], sum(score.right for score in scores), sum(score.kept for score in scores),
        dict(sorted(undrawn.items())),
    )  # fmt: skip


def _split(worlds: Sequence[WorldScore]) -> list[WorldScore]:
    parts = []
    for world in worlds:
        number = max(1, len(world.verdicts))
        for index, verdict in enumerate(world.verdicts):
            falses = world.falses[index::number]
            part = WorldScore(
                world.world, world.seed, world.days / number, world.accesses / number, 0, [verdict], falses, world.fragments if index == 0 else 0, {}
            )
            parts.append(part)
    return parts


def _count(names: Sequence[str]) -> dict[str, int]:
    return {name: names.count(name) for name in sorted(set(names), key=lambda name: (-names.count(name), name))}


def _rows(verdicts: Sequence[Verdict], key: Callable[[Verdict], str]) -> list[Row]:
    rows = []
    for name in sorted({key(verdict) for verdict in verdicts}):
        group = [verdict for verdict in verdicts if key(verdict) == name]
        found = [verdict for verdict in group if verdict.found]
        rows.append(
            Row(
                name, len(group), round(len(found) / len(group), 3), round(sum(verdict.origin for verdict in found) / len(group), 3),
                round(sum(verdict.origin and verdict.path for verdict in found) / len(group), 3),
                round(sum(verdict.evidence for verdict in found) / len(found), 3) if found else None, _median(found),
            )
        )  # fmt: skip
    return rows


def tell(report: Report) -> str:
    """Return the report for a terminal."""
    lines = [f"{report.worlds} worlds, {report.intrusions} intrusions, {report.accesses} outside accesses, {report.weeks} site-weeks", ""]
    for name, (title, _) in FIGURES.items():
        figure = report.figures[name]
        value = "–" if figure.value is None else f"{figure.value:.3f}"
        bounds = "" if figure.low is None else f"  [{figure.low:.3f}, {figure.high:.3f}]"
        lines.append(f"  {title:<48}{value:>9}{bounds}")
    for title in ("analytic", "entry", "difficulty", "history before it", "written last, from reports"):
        lines += ["", f"  {title:<28}{'n':>5}{'found':>8}{'origin':>8}{'path':>8}{'delay':>9}{'false':>7}".rstrip()]
        lines += [_line(row) for row in report.tables[title]]
    if report.missed:
        lines += ["", "missed"]
        lines += [f"  {one.scenario} ({one.difficulty}){'; seen as ' + str(one.severity) if one.seen_low else ''}" for one in report.missed]
    if report.false_by_negative:
        lines += ["", "false incidents: " + ", ".join(f"{name} {number}" for name, number in report.false_by_negative.items())]
    if report.controls is not None:
        lines += _told(report.controls)
    lines += ["", "not measured: " + "; ".join(report.not_measured)]
    return "\n".join(lines)


def _line(row: Row) -> str:
    delay = "–" if row.delay_s is None else f"{row.delay_s:.0f} s"
    falses = "" if row.falses is None else row.falses
    return f"  {row.name:<28}{row.intrusions:>5}{row.found:>8.2f}{row.origin:>8.2f}{row.path:>8.2f}{delay:>9}{falses:>7}".rstrip()


def _told(controls: ControlReport) -> list[str]:
    known = "–" if controls.known is None else f"{controls.known:.3f}"
    named = controls.right + controls.kept + len(controls.wrong)
    lines = ["", f"  {'missing controls that are called missing':<48}{known:>9}"]
    lines += [f"  {_FATES[fate]:<48}{controls.fates[fate]:>9}" for fate in FATES]
    lines += [f"  {'in place, and called missing':<48}{len(controls.wrong):>9}  of {named} that incidents name"]
    lines += [f"    {number} {name}" for name, number in controls.lost.items()]
    lines += [f"    wrong: {one.control} {one.measure} {one.host} {one.service} at {one.stage}: {one.proof}" for one in controls.wrong]
    return lines


_FATES = {
    "missing": "  proved missing, at the stage they let through", "elsewhere": "  proved missing, at another stage", "unknown": "  unknown",
    "present": "  said to be in place", "unnamed": "  not named", "unseen": "  at a stage the incident does not know (not counted)",
}  # fmt: skip
