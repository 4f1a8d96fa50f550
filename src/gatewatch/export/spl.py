"""SPL (Splunk): a search that marks each step on the way, for events indexed with our column names.

Each step is a running count (``streamstats``) and the time at which it was last completed; the next step looks back at that time.
Reference: https://docs.splunk.com/Documentation/Splunk/latest/SearchReference/Streamstats
"""

from __future__ import annotations

from gatewatch.detect.chain import Chain, Number
from gatewatch.detect.rule import RuleSet
from gatewatch.export.dialect import Dialect, quoted
from gatewatch.export.loss import losses
from gatewatch.export.stage import Step, heading, steps


def _column(name: str) -> str:
    return f'spath(extra, "{name.removeprefix("extra.")}")' if name.startswith("extra.") else name


DIALECT = Dialect(
    name="SPL",
    conjunction="AND",
    disjunction="OR",
    negation=lambda inner: f"NOT coalesce({inner}, false())",
    column=_column,
    text=lambda column, value: f"lower({column})={quoted(value.lower())}",
    number=lambda column, value: f"{column}={value}" if value not in {"true", "false"} else f"lower({column})={quoted(value)}",
    network=lambda column, value: f"cidrmatch({quoted(value)}, {column})",
    compare=lambda column, operator, value: f"tonumber({column}){operator}{value}",
    absent=lambda column: f"isnull({column})",
    regex=lambda column, value: f"match({column}, {quoted(value)})",
)
KEPT = ("after", "distinct", "window")


def export(chain: Chain, rules: RuleSet, number: Number) -> tuple[str, list[str]]:
    """Return *chain* as an SPL search, and what it does not say; *number* resolves tunables."""
    found, left_out = steps(chain, rules, number, DIALECT)
    by = " ".join(f"key_{place}" for place in range(1, len(chain.by) + 1))
    lines = ["index=gatewatch", "| eval count=coalesce(count, 1)"]
    lines += [f"| eval is_{step.name}=if({step.condition}, 1, 0)" for step in found]
    lines.append(f"| where {' OR '.join(f'is_{step.name}=1' for step in found)}")
    lines += [f"| eval key_{place + 1}={_key(found, place)}" for place in range(len(chain.by))]
    lines += [f"| where {' AND '.join(f'isnotnull(key_{place})' for place in range(1, len(chain.by) + 1))}", "| sort 0 + _time"]
    before: Step | None = None
    for step in found:
        lines += _step(step, before, by)
        before = step
    assert before is not None, "a chain has an anchor"
    lines.append(f"| where at_{before.name}=_time")
    said = [*losses(chain, kept=KEPT), *left_out]
    if len({step.keys for step in found}) > 1:
        said.append("an event that meets two stages with different keys stands under the key of the first")
    return heading(chain, "```", "index=gatewatch").replace("\n```", " ```\n```").rstrip("\n") + " ```\n" + "\n".join(lines) + "\n", said


def _key(found: list[Step], place: int) -> str:
    names = list(dict.fromkeys(step.keys[place] for step in found))
    if len(names) == 1:
        return names[0]
    return f"case({', '.join(f'is_{step.name}=1, {step.keys[place]}' for step in found)})"


def _step(step: Step, before: Step | None, by: str) -> list[str]:
    """Return the commands that say when *step* was completed last."""
    ready = f"is_{step.name}=1"
    lines = []
    if before is not None:
        lines.append(f"| streamstats current=f last(at_{before.name}) as since_{step.name} by {by}")
        ready += f" AND _time-since_{step.name}<={step.after}"
    if step.least > 1:
        # the count of a later step begins after the step before it
        mark = f"if({ready}, {step.distinct}, null())" if step.distinct is not None else f"if({ready}, count, 0)"
        measure = "dc" if step.distinct is not None else "sum"
        lines.append(f"| streamstats time_window={step.window}s {measure}(eval({mark})) as n_{step.name} by {by}")
        ready += f" AND n_{step.name}>={step.least}"
    return [*lines, f"| eval at_{step.name}=if({ready}, _time, null())"]
