"""Facts of identity providers that decide by ordered rules: Okta's sign-on and authentication policies."""

from __future__ import annotations

from dataclasses import dataclass

from gatewatch.schema.facts.base import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOnRule(Fact):
    """A rule that is in force. ``kind``: ``app`` (of an application's policy) or ``session`` (of the global one). ``factors``: how many it asks
    for at least, None where it is not said; ``early``: applications ask again by policies of their own. ``only``: what it is limited to.
    """

    product: str
    policy: str
    name: str
    kind: str
    allow: bool
    factors: int | None
    early: bool = False
    only: tuple[str, ...] = ()
