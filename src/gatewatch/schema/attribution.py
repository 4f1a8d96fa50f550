"""The attribution table: which session from outside an event is taken to come from, how surely, and what else it could be.

One row per event that comes from a session with an origin (what is its own origin needs none): the event's row, its best candidate, and at most
:data:`MOST_RIVALS` rivals with their true number. A rival is an origin that could as well have caused the event: an outside address, or
:data:`INSIDE` for a session of somebody inside. Rivals are shown; they are never counted or merged.
"""

from __future__ import annotations

from enum import StrEnum

import polars as pl

MOST_RIVALS = 8
INSIDE = "inside"


class Confidence(StrEnum):
    """How surely an event comes from its origin."""

    CERTAIN = "certain"  # a session id or a lease says so
    LIKELY = "likely"  # same host and user, no rival; or evidence of the passage
    POSSIBLE = "possible"  # rivals, or a session whose end nobody saw


GRADE: dict[str, int] = {Confidence.POSSIBLE: 0, Confidence.LIKELY: 1, Confidence.CERTAIN: 2}
BY_GRADE: tuple[str, ...] = (str(Confidence.POSSIBLE), str(Confidence.LIKELY), str(Confidence.CERTAIN))

ATTRIBUTION = pl.Schema(
    {
        "row": pl.UInt32(),
        "origin_ip": pl.Categorical(),
        "origin_session": pl.Categorical(),
        "hop": pl.UInt8(),
        "confidence": pl.Categorical(),
        "within": pl.Categorical(),  # the session the event belongs to, or came through
        "via": pl.Categorical(),
        "rivals": pl.List(pl.String()),
        "rival_count": pl.UInt32(),
    }
)


def weaker(one: str, other: str) -> str:
    """Return the lesser of two confidences."""
    return one if GRADE[one] <= GRADE[other] else other
