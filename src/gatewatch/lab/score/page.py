"""The report as one HTML page with pictures: no script, one style sheet allowed by its hash, every text escaped."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from html import escape

from gatewatch.lab.score.report import FIGURES, Figure, Report, Row

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:62rem;padding:0 1rem;color:#1b1f24;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #d5dae0}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
svg{max-width:100%;height:auto}.bar{fill:#2f6f9f}.part{fill:#8fb8d6}.back{fill:#e8ecf0}.whisker{fill:none;stroke:#e08a1e;stroke-width:2}text{font-size:12px;fill:#1b1f24}
"""
_POLICY = "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'"


def page(report: Report) -> str:
    """Return the page."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    drawn = "worlds" if report.worlds > 2 else "intrusions"
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY.format(digest))}">',
        '<meta name="viewport" content="width=device-width"><title>gatewatch lab: score</title>',
        f"<style>{STYLE}</style></head><body><h1>Score over {report.worlds} {'world' if report.worlds == 1 else 'worlds'}</h1>",
        f"<p>{report.intrusions} intrusions, {report.accesses} outside accesses, {report.weeks} site-weeks.</p>",
        f"<p>Seeds: {escape(', '.join(map(str, report.seeds)))}. Intervals: 95 %, bootstrap over {drawn}.</p>",
        _figures(report.figures),
    ]
    for name, rows in report.tables.items():
        parts += [f"<h2>By {escape(name)}</h2>", _picture(name, rows), _table(rows)]
    parts.append("<h2>Missed</h2>")
    head = ("scenario", "difficulty", "analytic", "seen as", "planted records", "lost")
    missed = [(one.scenario, one.difficulty, one.analytic, one.severity or "nothing", one.planted, one.lost) for one in report.missed]
    parts.append(_rows(head, missed) if missed else "<p>None.</p>")
    parts.append("<h2>False incidents</h2>")
    parts.append(_rows(("chain", "number"), report.false_by_chain.items()))
    parts.append(_rows(("what it was", "number"), report.false_by_negative.items()))
    parts.append("<h2>Hard negatives</h2>")
    parts.append(
        _rows(("what it was", "planted", "raised an incident of medium or above"), [(name, *pair) for name, pair in report.negatives.items()])
    )
    if report.controls is not None:
        told = report.controls
        parts.append("<h2>Missing controls</h2>")
        parts.append(_rows(("what incidents say of them", "number"), told.fates.items()))
        parts.append(_rows(("not called missing where they let through", "number"), told.lost.items()) if told.lost else "")
        claims = [(one.incident, one.control, one.measure, one.host, one.service, one.stage, one.proof) for one in told.wrong]
        parts.append("<h2>In place, and called missing</h2>")
        parts.append(_rows(("incident", "control", "measure", "host", "service", "stage", "proof"), claims) if claims else "<p>None.</p>")
    parts.append("<h2>Not measured</h2><ul>" + "".join(f"<li>{escape(text)}</li>" for text in report.not_measured) + "</ul></body></html>\n")
    return "".join(parts)


def _figures(figures: dict[str, Figure]) -> str:
    rows = []
    for name, (title, _) in FIGURES.items():
        figure = figures[name]
        bounds = "" if figure.low is None or figure.high is None else f"{figure.low:.3f} – {figure.high:.3f}"
        rows.append((title, "–" if figure.value is None else f"{figure.value:.3f}", bounds))
    return _whiskers(figures) + _rows(("figure", "value", "95 %"), rows)


def _whiskers(figures: dict[str, Figure]) -> str:
    """Draw the figures that are shares, each with its interval."""
    shares = [(FIGURES[name][0], figures[name]) for name in FIGURES if not name.startswith(("false", "delay"))]
    height = 22 * len(shares) + 8
    parts = [f'<svg role="img" aria-label="shares with intervals" viewBox="0 0 860 {height}" width="860" height="{height}">']
    for number, (title, figure) in enumerate(shares):
        y = 4 + number * 22
        parts.append(f'<text x="340" y="{y + 13}" text-anchor="end">{escape(title)}</text>')
        parts.append(f'<rect class="back" x="350" y="{y}" width="420" height="16"/>')
        if figure.value is None:
            continue
        parts.append(f'<rect class="bar" x="350" y="{y}" width="{420 * figure.value:.0f}" height="16"/>')
        if figure.low is not None and figure.high is not None:
            low, high = 350 + 420 * figure.low, 350 + 420 * figure.high
            parts.append(f'<path class="whisker" d="M{low:.0f} {y + 8}H{high:.0f}M{low:.0f} {y + 4}v8M{high:.0f} {y + 4}v8"/>')
        parts.append(f'<text x="780" y="{y + 13}">{figure.value:.2f}</text>')
    return "".join(parts) + "</svg>"


def _rows(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    cells = [tuple(row) for row in rows]
    body = "".join("<tr>" + "".join(_cell(value) for value in row) + "</tr>" for row in cells)
    names = tuple(head)
    kinds = [' class="n"' if cells and all(_is_number(row[place]) for row in cells) else "" for place in range(len(names))]
    return "<table><tr>" + "".join(f"<th{kind}>{escape(name)}</th>" for kind, name in zip(kinds, names, strict=True)) + f"</tr>{body}</table>"


def _is_number(value: object) -> bool:
    return value is None or isinstance(value, int | float)


def _cell(value: object) -> str:
    if _is_number(value):
        return f'<td class="n">{"–" if value is None else f"{value:.2f}" if isinstance(value, float) else value}</td>'
    return f"<td>{escape(str(value))}</td>"


def _table(rows: list[Row]) -> str:
    shown: list[tuple[object, ...]] = [
        (row.name, row.intrusions, row.found, row.origin, row.path, row.evidence, row.delay_s, *([row.falses] if row.falses is not None else []))
        for row in rows
    ]
    head = ("", "intrusions", "found", "right origin", "whole path", "evidence", "median delay, s")
    return _rows((*head, "false incidents") if any(row.falses is not None for row in rows) else head, shown)


def _picture(name: str, rows: list[Row]) -> str:
    """Draw a bar for each group: pale what was found, dark what was found with origin and path."""
    height = 22 * len(rows) + 8
    parts = [f'<svg role="img" aria-label="found, by {escape(name)}" viewBox="0 0 640 {height}" width="640" height="{height}">']
    for number, row in enumerate(rows):
        y = 4 + number * 22
        parts.append(f'<text x="255" y="{y + 13}" text-anchor="end">{escape(row.name[:38])}</text>')
        parts.append(f'<rect class="back" x="262" y="{y}" width="300" height="16"/>')
        parts.append(f'<rect class="part" x="262" y="{y}" width="{300 * row.found:.0f}" height="16"/>')
        parts.append(f'<rect class="bar" x="262" y="{y}" width="{300 * row.path:.0f}" height="16"/>')
        parts.append(f'<text x="570" y="{y + 13}">{round(row.found * row.intrusions)} of {row.intrusions}</text>')
    return "".join(parts) + "</svg>"
