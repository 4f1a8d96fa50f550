"""The report: one HTML file that opens anywhere, offline, and runs nothing.

There is no script at all, and the content security policy allows nothing but the one style sheet, by its hash. Whatever a template prints
passes :func:`gatewatch.sinks.escape.escape` first (Jinja's ``finalize``) and is HTML-escaped after that, so no template can forget it.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, timedelta
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, TextIO

from markupsafe import Markup

from gatewatch.schema.control import Standing
from gatewatch.schema.incidents import Incident, Scan
from gatewatch.schema.records import Disposition
from gatewatch.sinks import digest, remedy, story
from gatewatch.sinks.escape import clip, escape
from gatewatch.sinks.glossary import GLOSSARY
from gatewatch.sinks.ledger import comer, manner
from gatewatch.sinks.moment import both, duration, local, localize, utc, zone_info
from gatewatch.sinks.picture_gaps import gaps_picture, left_out
from gatewatch.sinks.picture_path import drawn, is_wide, path_graph
from gatewatch.sinks.picture_timeline import failure_bins, timeline
from gatewatch.sinks.picture_trace import trace_tree, tree_left
from gatewatch.sinks.picture_whatif import what_if_picture

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = "templates"
# what a page can hold and still open at once; the rest is in the JSON and CSV outputs, and the page says so
LIMITS = {
    "incidents": 200,
    "evidence": 40,
    "access": 2000,
    "attempts": 200,
    "rejects": 200,
    "reasons": 200,
    "coverage": 1000,
    "files": 500,
    "faults": 200,
    "unseen": 200,
    "controls": 60,
}


@dataclass(frozen=True, slots=True)
class View:
    """An incident with its pictures, as the template shows it; ``name`` is its anchor on the page."""

    name: str
    it: Incident
    timeline: Markup
    path: Markup
    path_left: int
    wide: bool
    trace: Markup
    trace_left: int


@dataclass(frozen=True, slots=True)
class Html:
    """Writes the report as one self-contained page."""

    name: str = "html"
    title: str = "a self-contained report for the browser and for print"

    def write(self, scan: Scan, out: TextIO, *, color: bool, width: int) -> None:  # noqa: ARG002 - a terminal's matters
        """Write the page."""
        style = style_sheet()
        ranked = digest.ranked(scan.incidents)
        views = [_view(scan, incident, f"incident-{number}") for number, incident in enumerate(ranked[: LIMITS["incidents"]], 1)]
        page = environment().get_template("report.html.j2")
        out.writelines(
            page.generate(
                scan=scan,
                views=views,
                ranked=ranked,
                zone=zone_info(scan.zone),
                totals=digest.totals(scan),
                span=digest.time_range(scan),
                gaps=gaps_picture(scan.coverage, ranked, scan.zone, "gaps"),
                gaps_left=left_out(scan.coverage),
                bars=what_if_picture(scan.what_if, "bars") if scan.what_if is not None else Markup(""),
                style=Markup(style),  # noqa: S704 - our own file
                style_hash=style_hash(style),
            )
        )


def style_sheet() -> str:
    """Return the report's style sheet."""
    return files("gatewatch.sinks").joinpath(TEMPLATES, "report.css").read_text("utf-8")


def style_hash(style: str) -> str:
    """Return the CSP source expression that allows exactly *style*."""
    return "sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


@cache
def environment() -> Environment:
    """Return the template environment: auto-escaped, strict about names, every value escaped for the reader."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - other formats do without

    env = Environment(
        loader=PackageLoader("gatewatch.sinks", TEMPLATES), autoescape=True, undefined=StrictUndefined, finalize=_finalize,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    env.filters |= {"clip": clip, "both": both, "local": local, "utc": utc, "seconds": _seconds, "length": len}
    env.globals |= {
        "digest": digest, "story": story, "remedy": remedy, "standing": Standing, "plural": digest.plural, "manner": manner,
        "comer": comer, "limits": LIMITS, "fates": list(Disposition)[::-1], "zone_info": zone_info,
        "duration": duration, "local_day": lambda moment, zone: localize(moment, zone).date(), "glossary": GLOSSARY, "utc_zone": UTC,
    }  # fmt: skip
    return env


def _finalize(value: Any) -> Any:
    return escape(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _seconds(value: float) -> str:
    return duration(timedelta(seconds=value))


def _view(scan: Scan, incident: Incident, name: str) -> View:
    bins = failure_bins(scan, incident)
    found = scan.extra.get("traces", {}).get(incident.id)
    return View(
        name,
        incident,
        timeline(incident, bins, f"{name}-time"),
        path_graph(incident, f"{name}-path"),
        drawn(incident),
        is_wide(incident),
        trace_tree(found, f"{name}-trace"),
        tree_left(found),
    )
