"""Loss: what of a chain a target cannot say, in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gatewatch.detect.chain import Chain, Stage

MADE = ("origin_ip", "origin_session", "hop")
"""Columns that attribution makes; no record bears them."""
JUDGED = (
    "what is judged after the match: failures a success settled, known and habitual sources, factors, an accepted outsider, one incident",
    "order is that of the times alone: neither the order of records within a log nor the uncertainty of clocks is regarded",
)


def required(chain: Chain) -> list[Stage]:
    """Return the stages that must be there, without absences."""
    return [stage for stage in chain.stages if not stage.optional and not stage.absent]


def losses(chain: Chain, *, kept: Iterable[str] = ()) -> list[str]:
    """Return what no target can say of *chain*, and what this one cannot: all but the features *kept*.

    Features: ``optional``, ``absent``, ``after`` (a bound of every step), ``distinct``, ``window`` (of a count, apart from the step after it),
    ``origin`` (our own columns).
    """
    able = set(kept)
    stages = required(chain)
    said = list(JUDGED)
    if chain.tunables:
        said.append(f"{', '.join(chain.tunables)}: fixed at the values they have now")
    if "origin" not in able and (made := [key for key in chain.by if key in MADE]):
        said.append(f"{', '.join(made)}: made by gatewatch; the query is for events that gatewatch wrote, or needs another key")
    for stage in chain.stages:
        said += _of_stage(stage, able, ordered=len(stages) > 1)
    if "after" not in able and len(stages) > 2:
        said.append("the bounds of the steps become one for the whole")
    if chain.needs:
        said.append(f"what the chain needs to speak at all ({', '.join(chain.needs)}) is not asked")
    return said


def _of_stage(stage: Stage, able: set[str], *, ordered: bool) -> Sequence[str]:
    said = []
    if stage.optional and "optional" not in able:
        said.append(f"stage {stage.name}: optional, left out")
    if stage.absent and "absent" not in able:
        said.append(f"stage {stage.name}: something that did not happen, left out; there are more matches")
    if stage.during_session and not (stage.optional and "optional" not in able):
        said.append(f"stage {stage.name}: may fall anywhere in the session; only its bound in time is kept")
    if stage.count is not None and stage.count.distinct is not None and "distinct" not in able:
        said.append(f"stage {stage.name}: distinct values of {stage.count.distinct} become a number of events")
    if stage.count is not None and ordered and "window" not in able:
        said.append(f"stage {stage.name}: the window of the count and the bound of the step become one")
    return said
