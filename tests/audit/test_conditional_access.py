"""Conditional Access against a slow reading: every concrete sign-in of a small tenant, policy by policy."""

from __future__ import annotations

from itertools import product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gatewatch.audit.conditional_access import MODERN, derive
from gatewatch.audit.factor import judge_path
from gatewatch.schema.facts.access import AccessPath
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.cloud import ConditionalPolicy, Grant, NamedLocation, Scope
from gatewatch.schema.findings import Status
from gatewatch.site.posture import Posture

NOBODY = Scope()


def some(*names: str) -> Any:
    return st.lists(st.sampled_from(names), max_size=2, unique=True).map(tuple)


@st.composite
def policies(draw: st.DrawFn) -> ConditionalPolicy:
    everybody = draw(st.booleans())
    grant = draw(st.sampled_from([
        Grant(("mfa",)), Grant(("mfa", "compliantDevice"), every=False), Grant(("mfa", "compliantDevice")), Grant(("block",)), Grant(()),
        Grant((), strength=("fido2", "password,sms")), Grant((), strength=("password",)),
    ]))  # fmt: skip
    return ConditionalPolicy(
        host="t", name=f"p{draw(st.integers(0, 999))}", state=draw(st.sampled_from(["enabled", "enabled", "enabledForReportingButNotEnforced"])),
        users=Scope(("All",) if everybody else (), draw(some("u1", "u2"))), groups=Scope(() if everybody else ("g1",), draw(some("g1", "g2"))),
        roles=NOBODY, guests=NOBODY, applications=Scope(draw(st.sampled_from([("All",), ("All",), ("a1",)])), draw(some("a1", "a2"))),
        clients=draw(st.sampled_from([("all",), ("browser",), ()])),
        locations=Scope(draw(st.sampled_from([(), ("All",)])), draw(some("loc1", "loc2", "AllTrusted"))), platforms=Scope((), draw(some("linux"))),
        grant=grant,
    )  # fmt: skip


def concrete(policy: ConditionalPolicy, user: str, groups: tuple[str, ...], app: str, client: str, place: str, platform: str) -> bool:
    """Whether a policy applies to one sign-in, as Microsoft says: in every condition included, and not excluded."""
    if not (("All" in policy.users.include) or user in policy.users.include or set(groups) & set(policy.groups.include)):
        return False
    if user in policy.users.exclude or set(groups) & set(policy.groups.exclude):
        return False
    if not ("All" in policy.applications.include or app in policy.applications.include) or app in policy.applications.exclude:
        return False
    if policy.clients and "all" not in policy.clients and client not in policy.clients:
        return False
    if place in policy.locations.exclude or (place == "loc1" and "AllTrusted" in policy.locations.exclude):
        return False
    return platform not in policy.platforms.exclude


def two_factors(asked: list[Grant]) -> bool:
    """Whether no way to satisfy all of *asked* leaves a password alone."""

    def alone(grant: Grant) -> bool:
        parts = ["mfa" not in one for one in grant.controls] + ([any(one == "password" for one in grant.strength)] if grant.strength else [])
        return True if not parts else all(parts) if grant.every else any(parts)

    return any("block" in one.controls for one in asked) or any(not alone(one) for one in asked)


@given(st.lists(policies(), min_size=1, max_size=4))
@settings(max_examples=300, deadline=None)
def test_what_passes_leaves_no_sign_in_with_a_password_alone(made: list[ConditionalPolicy]) -> None:
    facts = Facts()
    facts.add([*made, NamedLocation(host="t", identifier="loc1", name="office", trusted=True),
               NamedLocation(host="t", identifier="loc2", name="cafe", trusted=False)])  # fmt: skip
    doors = [one for one in derive(facts) if isinstance(one, AccessPath) and one.product == "entra"]
    good = all(judge_path(one, Posture()).status in {Status.PASS, Status.NOT_APPLICABLE} for one in doors)
    weak = [
        sign_in
        for sign_in in product(
            ("u1", "u2", "u3"), ((), ("g1",), ("g2",), ("g1", "g2")), ("a1", "a2", "a3"), MODERN, ("loc1", "loc2", "home"), ("linux", "windows")
        )
        if not two_factors([one.grant for one in made if one.state == "enabled" and concrete(one, *sign_in)])
    ]
    assert not (good and weak)
    failed = [one.name for one in doors if judge_path(one, Posture()).status is Status.FAIL]
    assert bool(failed) == bool(weak)


def test_a_member_of_one_exclusion_at_the_place_of_another_meets_neither() -> None:
    facts = Facts()
    common: dict[str, Any] = {
        "host": "t", "state": "enabled", "users": Scope(("All",)), "roles": NOBODY, "guests": NOBODY, "applications": Scope(("All",)),
        "clients": ("all",), "platforms": NOBODY, "grant": Grant(("mfa",)),
    }  # fmt: skip
    facts.add([
        ConditionalPolicy(name="a", groups=Scope((), ("g1",)), locations=NOBODY, **common),
        ConditionalPolicy(name="b", groups=NOBODY, locations=Scope(("All",), ("loc9",)), **common),
    ])  # fmt: skip
    failed = [one.name for one in derive(facts) if isinstance(one, AccessPath) and one.product == "entra"
              and judge_path(one, Posture()).status is Status.FAIL]  # fmt: skip
    assert failed == ["excluded group g1 + location loc9, browser", "excluded group g1 + location loc9, mobileAppsAndDesktopClients"]
