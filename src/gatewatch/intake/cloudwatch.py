r"""Rows of AWS VPC flow logs within CloudWatch's JSON: single events, and the batches that subscriptions deliver.

::

    {"timestamp":1767571200000,"message":"2 123456789010 eni-1235b8ca123456789 203.0.113.9 10.0.0.5 51514 22 6 20 4249 … OK","ingestionTime":…}
    {"messageType":"DATA_MESSAGE","owner":"123456789010","logGroup":"flows","logEvents":[{"id":"…","timestamp":…,"message":"2 1234…"},…]}

Each row becomes a record like those of a file without header (:mod:`gatewatch.intake.table`); the rows of a batch share its offset.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import polars as pl

from gatewatch.intake.json_shape import FAULTS, Framed, Interest, Objects
from gatewatch.intake.table import DEFAULT_FLOW
from gatewatch.schema.records import RECORD_DTYPES


class _Event(msgspec.Struct):
    message: Any = None
    logEvents: Any = None  # noqa: N815 - CloudWatch's name


_event = msgspec.json.Decoder(_Event)


@dataclass(frozen=True, slots=True)
class FlowShape:
    """The shape of CloudWatch events whose message is a row of a VPC flow log."""

    name: str = "aws-vpc-flow"
    regex: str = r'"message"[ \t]*:[ \t]*"[2-9] [0-9]{12} eni-[0-9a-f]+ '

    def frame(self, objects: Objects, interest: Interest | None) -> Framed:  # noqa: ARG002 - only Windows has channels
        """Make a record of each row in the objects that match the regex."""
        ours = objects.text.str.contains(self.regex)
        left = objects.filter(~ours)
        offsets: list[int] = []
        rows: list[str] = []
        broken: list[tuple[int, str]] = []
        for offset, text in objects.filter(ours).pairs():
            found = _messages(text)
            if found is None:
                broken.append((offset, text))
                continue
            offsets += [offset] * len(found)
            rows += [row.strip() for row in found]
        lines = pl.DataFrame({"offset": offsets, "line": rows}, schema={"offset": pl.Int64, "line": pl.String})
        made = DEFAULT_FLOW.frame(lines.with_columns(pl.lit(0, pl.Int64).alias("record")))
        columns = [(pl.col(name) if name in made.columns else pl.lit(None)).cast(dtype).alias(name) for name, dtype in RECORD_DTYPES.items()]
        return Framed(made.select(columns), left, broken=broken)


def _messages(text: str) -> list[str] | None:
    """Return the rows in an object; None where it cannot be read or holds something else."""
    try:
        event = _event.decode(text)
    except FAULTS:
        return None
    batch = event.logEvents if isinstance(event.logEvents, list) else [{"message": event.message}]
    found = [one.get("message") if isinstance(one, dict) else None for one in batch]
    return [row for row in found if isinstance(row, str)] or None


SHAPE = FlowShape()
