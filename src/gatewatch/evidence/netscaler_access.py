"""NetScaler: the doors — gateways, their authentication servers, and administration — followed through every chain of policies.

Each bound policy is a way: who is refused by one meets the next. ``-nextFactor`` leads on to a label, whose policies are ways in turn;
``-secondary`` (classic) asks for one of its policies as well. References: NetScaler nFactor authentication, ns.conf.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from gatewatch.evidence.document import Document
from gatewatch.evidence.netscaler_tree import Command
from gatewatch.schema.facts.access import AccessPath, Factor, FactorKind, Way
from gatewatch.schema.facts.base import Where

_DEPTH = 8
_MOST = 64
_NONE = frozenset({"epaaction", "captchaaction", "noauthaction", "loginschema"})


@dataclass(slots=True)
class Book:
    """Everything the commands define, by name."""

    document: Document
    actions: dict[str, tuple[Factor | None, Command]] = field(default_factory=dict)
    policies: dict[str, tuple[str, Command]] = field(default_factory=dict)  # action
    bound: dict[tuple[str, str], list[Command]] = field(default_factory=dict)  # (kind, name)
    servers: dict[tuple[str, str], Command] = field(default_factory=dict)
    profiles: dict[str, str] = field(default_factory=dict)
    all: list[Command] = field(default_factory=list)
    cut: str = ""  # why the configuration may go on
    known: dict[tuple[str, int], list[Way]] = field(default_factory=dict)  # ways through a label at a depth: worked out once

    def where(self, command: Command) -> Where:
        """Return where a command stands."""
        return self.document.where(command.number)

    def last(self, verb: str, kind: str, name: str = "") -> Command | None:
        """Return the last such command."""
        return next((one for one in reversed(self.all) if one.verb == verb and one.kind == kind and (not name or one.name == name)), None)


def book(document: Document, listed: list[Command]) -> Book:
    """Return what the commands define."""
    made = Book(document, all=listed, cut="" if document.text.endswith("\n") else "does not end with a whole line; it may be cut off")
    for one in listed:
        if one.verb == "add" and one.kind.startswith("authentication "):
            what = one.kind.removeprefix("authentication ")
            if what.endswith("action"):
                made.actions[one.name] = (_factor(what, one), one)
            elif what == "policy":
                made.policies[one.name] = (one.option("action"), one)
            elif what.endswith("policy") and len(one.words) > 2:
                made.policies[one.name] = (one.words[2], one)
            elif what == "authnprofile":
                made.profiles[one.name] = one.option("authnVsName")
        if one.verb == "add" and one.kind in {"vpn vserver", "authentication vserver"}:
            made.servers[one.kind, one.name] = one
        if one.verb == "bind":
            made.bound.setdefault((one.kind, one.name), []).append(one)
    return made


def _factor(what: str, one: Command) -> Factor | None:
    if what in _NONE or (what == "ldapaction" and one.option("authentication").upper() == "DISABLED" and not one.option("otpsecret")):
        return None
    if what == "ldapaction" and one.option("otpsecret"):
        return Factor(FactorKind.POSSESSION, f"one-time code ({one.name})")
    if what == "emailaction":
        return Factor(FactorKind.POSSESSION, f"code by mail ({one.name})")
    if what == "certaction":
        return Factor(FactorKind.DEVICE, "certificate")
    servers = tuple(text for text in (one.option("serverip"), one.option("servername")) if text)
    return Factor(FactorKind.DELEGATED, f"{what.removesuffix('action')} {one.name}", one.name, servers=servers)


def _priority(one: Command) -> tuple[int, int]:
    text = one.option("priority", "0")
    return (int(text[:9]) if text.isdigit() else 0, one.number)


def _policy_ways(found: Book, one: Command, name: str, depth: int) -> list[Way]:
    """Return the ways one bound policy opens, its next factors included."""
    action, _ = found.policies.get(name, ("", None))
    place, doubt = found.where(one), ""
    factors: tuple[Factor, ...] = ()
    if action.upper() == "LOCAL":
        factors, label = (Factor(FactorKind.KNOWLEDGE, "password of a local user"),), f"{name} (local users)"
    elif action.upper() in {"NO_AUTHN", "NOAUTHN"}:
        label = f"{name} (asks for nothing)"
    elif action in found.actions:
        factor, _ = found.actions[action]
        factors, label = ((factor,) if factor is not None else ()), name if factor is not None else f"{name} (asks for nothing)"
    elif name not in found.policies:
        label, doubt = name, f"the policy {name} is not in the evidence"
    else:
        label, doubt = name, f"the action {action} of {name} is not in the evidence"
    following = one.option("nextFactor")
    if not following:
        return [Way(factors, label, (place,), doubt)]
    if depth >= _DEPTH:
        return [Way(factors, f"{label}, then {following}", (place,), "factors follow each other in a circle")]
    inner = label_ways(found, following, depth + 1)
    return [Way((*factors, *way.factors), f"{label}, then {way.label}", (place, *way.where), doubt or way.uncertain) for way in inner]


def label_ways(found: Book, label: str, depth: int) -> list[Way]:
    """Return the ways through a policy label."""
    key = (label, depth)
    if key not in found.known:
        binds = sorted((one for one in found.bound.get(("authentication policylabel", label), []) if one.option("policyName")), key=_priority)
        if binds:
            found.known[key] = _least([way for one in binds[:_MOST] for way in _policy_ways(found, one, one.option("policyName"), depth)], len(binds))
        else:
            found.known[key] = [Way((), label, (), f"the label {label} has no policy in the evidence")]
    return found.known[key]


def _least(ways: list[Way], count: int) -> list[Way]:
    """Return one way for each set of factors, at most :data:`_MOST`; where more are lost, one that says so."""
    kept: dict[tuple[frozenset[Factor], bool], Way] = {}
    for way in ways:
        kept.setdefault((frozenset(way.factors), bool(way.uncertain)), way)
    made = list(kept.values())
    if len(made) > _MOST or count > _MOST:
        return [*made[:_MOST], Way((), "more policies", made[0].where if made else (), "there are more policies than can be told")]
    return made


def _server_ways(found: Book, kind: str, name: str) -> list[Way]:
    binds = sorted((one for one in found.bound.get((kind, name), []) if one.option("policy") in found.policies), key=_priority)
    first = [one for one in binds if "secondary" not in one.options and "groupextraction" not in one.options]
    second = [one for one in binds if "secondary" in one.options]
    ways = _least([way for one in first[:_MOST] for way in _policy_ways(found, one, one.option("policy"), 0)], len(first))
    if second:
        more = _least([way for one in second[:_MOST] for way in _policy_ways(found, one, one.option("policy"), 0)], len(second))
        ways = [
            Way((*way.factors, *other.factors), f"{way.label}, then {other.label}", (*way.where, *other.where), way.uncertain or other.uncertain)
            for way in ways for other in more
        ]  # fmt: skip
    return ways


def doors(found: Book, host: str) -> Iterator[AccessPath]:
    """Yield the gateways and the administration."""
    for (kind, name), one in found.servers.items():
        if kind != "vpn vserver":
            continue
        ways = _server_ways(found, kind, name)
        profile = one.option("authnProfile")
        for more in found.all:
            if more.verb == "set" and more.kind == "vpn vserver" and more.name == name:
                profile = more.option("authnProfile", profile)
        if profile:
            server = found.profiles.get(profile, "")
            ways = _server_ways(found, "authentication vserver", server) if server else []
        if one.option("authentication").upper() == "OFF":
            ways = [Way((), "authentication is off", (found.where(one),))]
        secured = [
            more for more in found.all if more.verb == "set" and more.kind == "ssl vserver" and more.name == name
            and more.option("clientAuth").upper() == "ENABLED" and more.option("clientCert").upper() == "MANDATORY"
        ]  # fmt: skip
        if secured:
            device = Factor(FactorKind.DEVICE, "certificate")
            place = found.where(secured[-1])
            ways = [Way((device, *way.factors), f"certificate, then {way.label}", (place, *way.where), way.uncertain) for way in ways]
        address, port = (one.words[2], one.words[3]) if len(one.words) > 3 else ("*", "443")
        yield AccessPath(
            host=host, as_of=found.document.as_of, where=(found.where(one),), service="citrix", product="netscaler", name=name, ways=tuple(ways),
            enabled=one.option("state").upper() != "DISABLED", listeners=((address, int(port[:6]) if port.isdigit() else 443, "tcp"),),
        )  # fmt: skip
    yield _admin(found, host)


def _admin(found: Book, host: str) -> AccessPath:
    binds = sorted(found.bound.get(("system global", ""), []), key=_priority)
    binds += sorted((one for (kind, name), listed in found.bound.items() if kind == "system global" and name for one in listed), key=_priority)
    ways = [way for one in binds if (name := one.option("policyName") or one.name) in found.policies for way in _policy_ways(found, one, name, 0)]
    off = next((one for one in found.all if one.verb == "set" and one.kind == "system parameter" and one.option("localAuth")), None)
    if off is None or off.option("localAuth").upper() != "DISABLED":
        users = [one for one in found.all if one.kind == "system user" and one.verb in {"add", "set"}]
        place = found.where(users[0]) if users else found.document.where(1)
        ways.append(Way((Factor(FactorKind.KNOWLEDGE, "password of a local user"),), "local users (nsroot)", (place,), found.cut))
    return AccessPath(
        host=host, as_of=found.document.as_of, where=(found.document.where(1),), service="web", product="netscaler", name="administration",
        ways=tuple(ways), admin=True,
    )  # fmt: skip
