"""KQL (Microsoft Sentinel, Azure Data Explorer): joins around the anchor, for a table of events with our column names.

The anchor is taken first; each stage before it must have its events within its bound before the stage that follows, each stage after it likewise.
Reference: https://learn.microsoft.com/kusto/query/
"""

from __future__ import annotations

from gatewatch.detect.chain import Chain, Number
from gatewatch.detect.rule import RuleSet
from gatewatch.export.dialect import Dialect
from gatewatch.export.loss import losses
from gatewatch.export.stage import Step, heading, steps


def _quoted(text: str) -> str:
    return '@"' + text.replace('"', '""').replace("\n", " ").replace("\r", " ") + '"'


_WORDS = {"count": "count_", "time": "['time']"}  # columns of ours that are a function there (ingest it as count_) and a word of the language

_TIME = _WORDS["time"]


def _column(name: str) -> str:
    if name.startswith("extra."):
        return f'tostring(parse_json(extra)["{name.removeprefix("extra.")}"])'
    return _WORDS.get(name, name)


def _network(column: str, value: str) -> str:
    return f"ipv6_is_in_range({column}, {_quoted(value)})" if ":" in value else f"ipv4_is_in_range({column}, {_quoted(value)})"


DIALECT = Dialect(
    name="KQL",
    conjunction="and",
    disjunction="or",
    negation=lambda inner: f"not(coalesce({inner}, false))",
    column=_column,
    text=lambda column, value: f"{column} =~ {_quoted(value)}",
    number=lambda column, value: f"{column} == {value}",
    network=_network,
    compare=lambda column, operator, value: f"{column} {operator} {value}",
    absent=lambda column: f"isempty({column})",
    regex=lambda column, value: f"{column} matches regex {_quoted(value)}",
)
KEPT = ("after", "distinct", "absent")  # the window of a count and the step after it become one
TABLE = "gatewatch_CL"


def export(chain: Chain, rules: RuleSet, number: Number) -> tuple[str, list[str]]:
    """Return *chain* as a KQL query, and what it does not say; *number* resolves tunables."""
    found, left_out = steps(chain, rules, number, DIALECT, absences=True)
    keys = [f"key_{place}" for place in range(1, len(chain.by) + 1)]
    tables = [_table(step, keys) for step in found]
    present = [step for step in found if not step.absent]
    at = next(place for place, step in enumerate(present) if step.anchor)
    anchor = present[at]
    known = [*keys, f"at_{anchor.name}"]
    query = f"{anchor.name}\n| project {', '.join(keys)}, at_{anchor.name} = {_TIME}\n| distinct *"
    said = [*losses(chain, kept=KEPT), *left_out]
    if anchor.least > 1:
        query += _counted(anchor, f"at_{anchor.name}", anchor.window, keys, known)
        said.append(f"stage {anchor.title}: counted by a join of the table with itself, which is slow over long spans")
    for place in [*range(at - 1, -1, -1), *range(at + 1, len(present))]:
        step, back = present[place], place < at
        other = present[place + 1] if back else present[place - 1]
        size = other.after + (step.window if step.least > 1 else 0) if back else step.after
        query += _counted(step, f"at_{other.name}", size if back else -size, keys, known, mark=f"at_{step.name}")
        known.append(f"at_{step.name}")
    for step in found:
        if step.absent:
            query += _missing(step, f"at_{anchor.name}", found.index(step) < found.index(anchor), keys, known)
    return heading(chain, "//", f"the table {TABLE}") + "\n".join([*tables, query]) + "\n", said


def _table(step: Step, keys: list[str]) -> str:
    made = "".join(f"\n| extend {key} = tostring({column})\n| where isnotempty({key})" for key, column in zip(keys, step.keys, strict=True))
    return f"let {step.name} = {TABLE}\n| where {step.condition}{made};"


def _bound(mark: str, size: int) -> str:
    """Return the times within *size* seconds before *mark*, or after it where *size* is negative."""
    return f"between (({mark} - {size}s) .. {mark})" if size > 0 else f"between ({mark} .. ({mark} + {-size}s))"


def _counted(step: Step, beside: str, size: int, keys: list[str], known: list[str], mark: str = "") -> str:
    """Return the join that asks for the events of *step* within *size* seconds of the time *beside*; the nearest becomes *mark*."""
    measure = f"dcount(value_{step.name})" if step.distinct is not None else f"sum(weight_{step.name})"
    value = f", value_{step.name} = {step.distinct}" if step.distinct is not None else ""
    nearest = f", {mark} = {'max' if size > 0 else 'min'}(time_{step.name})" if mark else ""
    return (
        f"\n| join kind=inner ({step.name} | project {', '.join(keys)}, time_{step.name} = {_TIME}, weight_{step.name} = coalesce(count_, 1){value})"
        f" on {', '.join(keys)}\n| where time_{step.name} {_bound(beside, size)}"
        f"\n| summarize n_{step.name} = {measure}{nearest} by {', '.join(known)}\n| where n_{step.name} >= {step.least}"
    )


def _missing(step: Step, beside: str, before: bool, keys: list[str], known: list[str]) -> str:
    bound = _bound(beside, step.within if before else -step.within)
    return (
        f"\n| join kind=leftouter ({step.name} | project {', '.join(keys)}, time_{step.name} = {_TIME}) on {', '.join(keys)}"
        f"\n| summarize hits_{step.name} = countif(time_{step.name} {bound}) by {', '.join(known)}\n| where hits_{step.name} == 0"
    )
