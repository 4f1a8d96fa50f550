"""What the sources of macOS share: most of what a program writes to the unified log is noise to us, told by what it does not speak of."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from gatewatch.schema.events import Kind
from gatewatch.sources.pattern import Outcome, PatternSource

NOISE = "noise"
"""Why a message is ignored that speaks of nothing that concerns a logon, a right or a remote service."""

_CONCERNS = (
    r"(?i)authenti|authoriz|passw|credential|log(?:ged|ging)? ?(?:in|on|off|out)\b|session|denied|failed|failure|succe(?:ss|eded)|locked|"
    r"remote|ssh|screen ?sharing|vnc|viewer|enabl|disabl"
)


class MacSource(PatternSource):
    """A pattern source whose unknown messages are ignored where they speak of nothing that concerns us; the others stay unrecognised."""

    def decode(self, records: pl.DataFrame, wanted: Collection[Kind] | None = None, apart: Collection[Kind] = ()) -> Outcome:
        """Decode a batch of records; see :class:`PatternSource`."""
        outcome = super().decode(records, wanted, apart)
        unknown = outcome.unrecognised
        if unknown.height:
            concerns = unknown.select(pl.col("message").str.contains(_CONCERNS).fill_null(False).alias("c"))["c"]
            noise = unknown.height - int(concerns.sum())
            if noise:
                outcome.ignored = dict(sorted({**outcome.ignored, NOISE: noise}.items()))
                outcome.unrecognised = unknown.filter(concerns)
        return outcome
