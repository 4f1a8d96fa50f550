"""EQL (Elastic): a sequence, for events indexed with our column names and ``time`` as the timestamp field.

EQL knows wildcards, but no regex of our kind: rules about command lines lose those. A count is ``with runs``; absence is a missing event.
Reference: https://www.elastic.co/guide/en/elasticsearch/reference/current/eql-syntax.html
"""

from __future__ import annotations

from itertools import pairwise

from gatewatch.detect.chain import Chain, Number, seconds
from gatewatch.detect.rule import RuleSet
from gatewatch.export.dialect import Dialect, quoted
from gatewatch.export.loss import losses
from gatewatch.export.stage import Step, heading, steps

DIALECT = Dialect(
    name="EQL",
    conjunction="and",
    disjunction="or",
    negation=lambda inner: f"not ({inner})",
    column=lambda name: name,
    text=lambda column, value: f"{column} == {quoted(value)}" if "*" in value or "?" in value else f"{column} : {quoted(value)}",
    number=lambda column, value: f"{column} == {value}",
    network=lambda column, value: f"cidrMatch({column}, {quoted(value)})",
    compare=lambda column, operator, value: f"{column} {operator} {value}",
    absent=lambda column: f"{column} == null",
    wildcard=lambda column, value: f"{column} like~ {quoted(value)}",
)
KEPT = ("absent",)


def export(chain: Chain, rules: RuleSet, number: Number) -> tuple[str, list[str]]:
    """Return *chain* as an EQL query, and what it does not say; *number* resolves tunables."""
    found, left_out = steps(chain, rules, number, DIALECT, absences=True)
    said = [*losses(chain, kept=KEPT), *left_out]
    gone = [step for step, after in pairwise(found) if after.absent and after.within and not (step.absent or step.anchor)]
    found = [step for step in found if step not in gone]
    said += [f"stage {step.title}: left out, the sequence is as long as the absence after it" for step in gone]
    inner = ", with extra indexed as an object (json processor)" if any("extra." in step.condition for step in found) else ""
    head = heading(chain, "//", f"an index of events that gatewatch wrote (gatewatch events -o jsonl), timestamp field: time{inner}")
    only = [step for step in found if not step.absent]
    if len(only) == 1 and len(found) == 1 and only[0].least == 1:
        said.append("the key plays no part in a query of one event")
        return f"{head}any where {only[0].condition}\n", said
    if any(step.least > 1 for step in only):
        said.append("a count is of exactly so many events in a row of the sequence; a record that stands for several counts once")
    same = all(step.keys == found[0].keys for step in found)
    missing = [step.within for step in found if step.absent and step.within]
    whole = min(missing) if missing else sum(step.after for step in only[1:]) + sum(step.window for step in only if step.least > 1)
    span = min(whole or only[0].window, int(seconds(chain.span, number))) if chain.span is not None else whole
    keys = f" by {', '.join(found[0].keys)}" if same else ""
    lines = [f"sequence{keys} with maxspan={max(1, span)}s"]
    lines += [_item(step, keyed=not same) for step in found]
    return head + "\n".join(lines) + "\n", said


def _item(step: Step, *, keyed: bool) -> str:
    key = f" by {', '.join(step.keys)}" if keyed else ""
    runs = f" with runs={step.least}" if step.least > 1 else ""
    return f"  {'!' if step.absent else ''}[ any where {step.condition} ]{key}{runs}"
