"""Conditional Access of Entra ID as doors: for each kind of sign-in, what all enforced policies together ask for.

All policies that apply must be satisfied; within one, all controls or any one of them, as it says. A policy counts for a kind of sign-in only
when it applies to every sign-in of that kind, so a policy for some users, places or risks asks nothing of everybody. What a policy excludes
is a kind of its own, and so is a gap where no other policy closes it. A compliant device is a condition, no factor: it proves no user.
Source: Microsoft, "Building a Conditional Access policy"; "Authentication strengths".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice, product

from gatewatch.schema.facts.access import AccessPath, Factor, FactorKind, Way
from gatewatch.schema.facts.base import Fact, Facts, Where
from gatewatch.schema.facts.cloud import ConditionalPolicy, DirectoryName, Grant, NamedLocation, Scope

PASSWORD = Factor(FactorKind.KNOWLEDGE, "password")
MODERN, LEGACY = ("browser", "mobileAppsAndDesktopClients"), ("exchangeActiveSync", "other")
PHISHING_RESISTANT = frozenset({"windowsHelloForBusiness", "fido2", "x509CertificateMultiFactor"})
ADMINS = {
    "62e90394-69f5-4237-9190-012177145e10": "Global Administrator", "e8611ab8-c189-46e8-94e1-60213ab1f814": "Privileged Role Administrator",
    "194ae4cb-b126-40b2-bd5b-6091b380977d": "Security Administrator", "29232cdf-9323-42fd-ade2-1d097af3e4de": "Exchange Administrator",
    "f28a1f50-f6e7-4571-818b-6a12f2af6b6c": "SharePoint Administrator", "fe930be7-5e62-47db-91af-98c3a49a38b1": "User Administrator",
    "158c047a-c907-4556-b7ef-446551a6b5f7": "Cloud Application Administrator",
    "8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2": "Hybrid Identity Administrator",
}  # fmt: skip
"""The highly privileged roles of ScubaGear's baseline, by the identifiers of their templates."""
_MOST = 256  # combinations of alternatives looked at
_PROBES = 3000  # kinds of sign-in looked at; beyond, the answer is unknown
_MULTI = {"windowsHelloForBusiness", "fido2", "x509CertificateMultiFactor", "deviceBasedPush", "federatedMultiFactor"}
_KINDS = {
    "password": FactorKind.KNOWLEDGE, "sms": FactorKind.POSSESSION, "voice": FactorKind.POSSESSION, "hardwareOath": FactorKind.POSSESSION,
    "softwareOath": FactorKind.POSSESSION, "microsoftAuthenticatorPush": FactorKind.POSSESSION, "x509CertificateSingleFactor": FactorKind.POSSESSION,
    "qrCodePin": FactorKind.KNOWLEDGE, "federatedSingleFactor": FactorKind.KNOWLEDGE, "email": FactorKind.POSSESSION,
    "temporaryAccessPassOneTime": FactorKind.KNOWLEDGE, "temporaryAccessPassMultiUse": FactorKind.KNOWLEDGE,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Probe:
    """A kind of sign-in. ``who``: what the user is beside a user, as pairs of kind (user, group, role, guests) and identifier.

    Empty conditions mean no special one; ``trusted``: the location may be one that policies trust.
    """

    name: str
    who: tuple[tuple[str, str], ...] = ()
    application: str = ""
    client: str = "browser"
    location: str = ""
    trusted: bool = False
    platform: str = ""
    filtered_device: str = ""
    flow: str = ""
    risk: str = ""


@dataclass(frozen=True, slots=True)
class Door:
    """What is asked of a kind of sign-in: every alternative, or nothing because it is blocked; ``policies`` apply."""

    probe: Probe
    blocked: bool
    ways: tuple[Way, ...]
    policies: tuple[ConditionalPolicy, ...]


def _covers(scope: Scope, value: str, everything: str) -> bool:
    """Return whether a condition holds for every sign-in with *value* (empty: any)."""
    if value and value in scope.exclude:
        return False
    return everything in scope.include or bool(value and value in scope.include)


def _who(policy: ConditionalPolicy, who: tuple[tuple[str, str], ...]) -> bool:
    scopes = {"user": policy.users, "group": policy.groups, "role": policy.roles}
    included = "All" in policy.users.include
    for kind, name in who:
        if kind == "guests":
            if "GuestsOrExternalUsers" in policy.users.exclude or policy.guests.exclude:
                return False
            included = included or "GuestsOrExternalUsers" in policy.users.include or bool(policy.guests.include)
        else:
            if name in scopes[kind].exclude:
                return False
            included = included or name in scopes[kind].include
    return included


def applies(policy: ConditionalPolicy, probe: Probe) -> bool:
    """Return whether *policy* applies to every sign-in of the kind *probe*."""
    if policy.narrow or policy.actions or not _who(policy, probe.who):
        return False
    if not _covers(policy.applications, probe.application, "All"):
        return False
    if policy.clients and "all" not in policy.clients and probe.client not in policy.clients:
        return False
    if policy.locations.include and not _covers(policy.locations, probe.location, "All"):
        return False
    if (probe.location and probe.location in policy.locations.exclude) or (probe.trusted and "AllTrusted" in policy.locations.exclude):
        return False
    if policy.platforms.include and not _covers(policy.platforms, probe.platform, "all"):
        return False
    if (probe.platform and probe.platform in policy.platforms.exclude) or (probe.filtered_device and probe.filtered_device == policy.device_excluded):
        return False
    if policy.flows and probe.flow not in policy.flows:
        return False
    if policy.sign_in_risk and probe.risk not in policy.sign_in_risk:
        return False
    return not (policy.user_risk and probe.risk not in policy.user_risk)


def _combination(text: str) -> tuple[Factor, ...]:
    """Return the factors of a combination of methods (``password,sms``); an unknown method is what it says it is, to somebody else."""
    made = []
    for word in text.split(","):
        name = word.strip()
        if name in _MULTI:
            made.append(Factor(FactorKind.POSSESSION, name, multi=True))
        else:
            kind = _KINDS.get(name)
            made.append(Factor(kind, name) if kind is not None else Factor(FactorKind.DELEGATED, name, name))
    return tuple(made)


Alternative = tuple[tuple[Factor, ...], str, bool]
"""Factors, what it is called, and whether it says the first factor itself."""


def _alternatives(grant: Grant) -> list[Alternative]:
    """Return the ways to satisfy a policy; empty when it asks for nothing."""
    parts: list[list[Alternative]] = []
    for control in grant.controls:
        factors = (Factor(FactorKind.POSSESSION, "multifactor authentication"),) if control == "mfa" else ()
        parts.append([(factors, control, False)])
    parts += [[((Factor(FactorKind.DELEGATED, one, one),), one, False)] for one in grant.custom]
    if grant.strength:
        parts.append([(_combination(one), one, True) for one in grant.strength])
    if not parts:
        return []
    if not grant.every:
        return [one for part in parts for one in part]
    return [_merge(chosen) for chosen in islice(product(*parts), _MOST)]


def _merge(chosen: Iterable[Alternative]) -> Alternative:
    listed = list(chosen)
    factors = tuple(dict.fromkeys(factor for one in listed for factor in one[0]))
    return factors, " and ".join(dict.fromkeys(one[1] for one in listed if one[1])), any(one[2] for one in listed)


def ask(policies: list[ConditionalPolicy], probe: Probe) -> Door:
    """Return what all enforced *policies* together ask of the kind *probe*."""
    mine = [one for one in policies if one.enforced and applies(one, probe)]
    if any("block" in one.grant.controls for one in mine):
        return Door(probe, True, (), tuple(one for one in mine if "block" in one.grant.controls))
    doubt = "; ".join(f"{one.name}: {what} is not known" for one in mine for what in one.unknown)
    sets = [alternatives for one in mine if (alternatives := _alternatives(one.grant))]
    ways: dict[tuple[Factor, ...], Way] = {}
    places: tuple[Where, ...] = tuple(place for one in mine for place in one.where)
    for chosen in islice(product(*sets), _MOST):
        factors, label, itself = _merge(chosen)
        whole = factors if itself else (PASSWORD, *factors)
        said = f"{label or 'no policy asks for more than the password'}"
        ways.setdefault(whole, Way(whole, said if itself else f"password, {said}" if label else said, places[:4], doubt))
    return Door(probe, False, tuple(ways.values()), tuple(mine))


def strong(door: Door) -> bool:
    """Return whether a kind of sign-in is blocked, or asked for more than one kind of factor by itself or at a provider's."""
    return door.blocked or all(
        any(factor.multi or factor.kind is FactorKind.DELEGATED for factor in way.factors) or len({factor.kind for factor in way.factors}) > 1
        for way in door.ways
    )


def _bearing(door: Door) -> list[ConditionalPolicy]:
    """Return the policies that ask something of a kind of sign-in, or block it."""
    return [one for one in door.policies if one.grant.controls or one.grant.custom or one.grant.strength]


def _without(policy: ConditionalPolicy, probe: Probe, names: dict[str, str], untrusted: frozenset[str]) -> Iterator[Probe]:
    """Yield the kinds of sign-in within *probe* that *policy* leaves out."""

    def named(what: str, name: str) -> str:
        before = f"{probe.name} +" if probe.name.startswith("excluded") else "excluded"
        return f"{before} {what} {names.get(name, name)}"

    for kind, scope in (("user", policy.users), ("group", policy.groups), ("role", policy.roles)):
        for one in scope.exclude:
            guest = one == "GuestsOrExternalUsers"
            if guest or kind != "user" or not any(held == "user" for held, _ in probe.who):
                who = ("guests", "") if guest else (kind, one)
                yield replace(probe, name=named("guests" if guest else kind, "" if guest else one).strip(), who=(*probe.who, who))
    if policy.guests.exclude:
        yield replace(probe, name=named("guests", "").strip(), who=(*probe.who, ("guests", "")))
    for one in policy.applications.exclude if not probe.application else ():
        yield replace(probe, name=named("application", one), application=one)
    for one in policy.locations.exclude:
        trusted = one == "AllTrusted" or one not in untrusted
        if not probe.location or (probe.location == "AllTrusted" and trusted):
            yield replace(probe, name=named("location", one), location=one, trusted=trusted)
        elif one == "AllTrusted" and probe.location not in untrusted:
            yield replace(probe, name=named("location", one), trusted=True)
    for one in policy.platforms.exclude if not probe.platform else ():
        yield replace(probe, name=named("platform", one), platform=one)
    if policy.device_excluded and not probe.filtered_device:
        yield replace(probe, name=named("devices of a filter", ""), filtered_device=policy.device_excluded)


def doors(policies: list[ConditionalPolicy], base: Probe, names: dict[str, str], untrusted: frozenset[str]) -> Iterator[Door]:
    """Yield the door of *base*, of every kind of sign-in a policy on it leaves out, and of every one that all policies together leave out.

    A member of a group one policy excludes, at a place another excludes, meets neither: exclusions are followed until a door is weak.
    """
    first = ask(policies, base)
    yield first
    waiting = [(first, 0)]
    seen = {base}
    while waiting and len(seen) < _PROBES:
        door, depth = waiting.pop(0)
        for policy in _bearing(door):
            for probe in _without(policy, door.probe, names, untrusted):
                key = replace(probe, name="", who=tuple(sorted(set(probe.who))))
                if key in seen:
                    continue
                seen.add(key)
                found = ask(policies, probe)
                if depth == 0 or not strong(found):
                    yield found
                if strong(found):
                    waiting.append((found, depth + 1))
    if len(seen) >= _PROBES:
        yield Door(replace(base, name=f"exclusions beyond the first {_PROBES}, {base.client}"), False, (), first.policies)


def tenants(facts: Facts) -> Iterator[tuple[str, list[ConditionalPolicy], dict[str, str]]]:
    """Yield every tenant with its policies and the names of identifiers."""


    for host in dict.fromkeys(one.host for one in facts.of(ConditionalPolicy)):
        names = {one.identifier: one.name for one in facts.of(DirectoryName, host)}
        names |= {one.identifier: f"{one.name} ({', '.join(one.ranges[:4])})" for one in facts.of(NamedLocation, host)}
        yield host, facts.of(ConditionalPolicy, host), {**ADMINS, **names}


def derive(facts: Facts) -> Iterable[Fact]:
    """Return a door for each kind of sign-in by modern clients, and one for each kind of old client."""
    made: list[Fact] = []
    for host, policies, names in tenants(facts):
        for client in (*MODERN, *LEGACY):
            base = Probe(f"everybody, every application, {client}", client=client)
            untrusted = frozenset(one.identifier for one in facts.of(NamedLocation, host) if not one.trusted)
            for door in doors(policies, base, names, untrusted):
                probe = door.probe
                name = probe.name if not probe.name.startswith("excluded") else f"{probe.name}, {client}"
                users = names.get(probe.who[0][1], probe.who[0][1]) if len(probe.who) == 1 else ""
                places = tuple(place for one in door.policies for place in one.where)[:4] or policies[0].where
                made.append(
                    AccessPath(
                        host=host, as_of=policies[0].as_of, where=places,
                        service="idp", product="entra" if client in MODERN else "entra-legacy", name=name, ways=door.ways, users=users,
                        enabled=not door.blocked,
                    )
                )  # fmt: skip
    return made
