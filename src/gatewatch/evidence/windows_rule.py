"""Rules of Windows' firewall, from whichever export, made into one packet filter.

Of the three profiles (domain, private, public) one is in force for an interface. Where the evidence does not say which, a rule of some
profiles *may* apply. Allow-bypass goes over block, block over allow, whatever their order. References: MS-FASP 2.2.37 and 3.1.1, MS-GPFAS 2.2.2.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from gatewatch.evidence.address import parse_port, parse_span, spans
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.filter import Action, Chain, PacketFilter, Rule, Semantics, Span, Spans
from gatewatch.schema.facts.windows import FirewallProfile

PROFILES = ("domain", "private", "public")
_ACTIONS = {"allow": Action.ACCEPT, "block": Action.DROP, "bypass": Action.BYPASS, "2": Action.ACCEPT, "4": Action.DROP, "3": Action.BYPASS}
_PROTOCOLS = {"tcp": 6, "udp": 17, "icmpv4": 1, "icmpv6": 58, "igmp": 2, "gre": 47, "esp": 50, "ah": 51, "ipv6": 41}
_PORT_WORDS: dict[str, tuple[Span, str]] = {
    "rpc": ((49152, 65535), ""), "rpc-epmap": ((135, 135), ""), "rpcepmap": ((135, 135), ""), "iphttpsin": ((443, 443), ""),
    "iphttps": ((443, 443), ""), "mdns": ((5353, 5353), ""), "teredo": ((0, 65535), "port of Teredo"),
}  # fmt: skip
_ANY = frozenset({"", "*", "any"})


@dataclass(frozen=True, slots=True)
class WindowsRule:
    """One inbound rule as an export words it; ``policy``: set by group policy. Empty lists mean any."""

    name: str
    action: str
    where: Where
    profiles: tuple[str, ...] = PROFILES
    protocol: str = ""
    ports: tuple[str, ...] = ()
    source_ports: tuple[str, ...] = ()
    remote: tuple[str, ...] = ()
    local: tuple[str, ...] = ()
    program: str = ""
    limits: tuple[str, ...] = ()  # interface, user, IPsec …: what cannot be decided
    policy: bool = True


@dataclass(frozen=True, slots=True)
class Profile:
    """What is in force in a profile; None where it is not known."""

    name: str
    enabled: bool | None
    block: bool | None
    merge: bool | None = None
    log: bool = False  # of what is dropped


def made_profile(fact: FirewallProfile) -> Profile:
    """Return a profile as its fact tells it."""
    held = {name: {"1": True, "0": False}.get(fact.text(name)) for name in ("enabled", "inbound", "localmerge", "logblocked")}
    return Profile(fact.scope, held["enabled"], held["inbound"], held["localmerge"], held["logblocked"] is True)


def profile_names(text: str) -> tuple[str, ...]:
    """Return the profiles an export names: words, a number (1 domain, 2 private, 4 public), or any.

    >>> profile_names("Domain, Private"), profile_names("4"), profile_names("Any") == PROFILES
    (('domain', 'private'), ('public',), True)
    """
    text = text.strip().lower()
    if text.isdigit() and len(text) < 11:
        number = int(text)
        return tuple(name for bit, name in zip((1, 2, 4), PROFILES, strict=True) if number & bit) or PROFILES
    found = tuple(name for name in PROFILES if name in text)
    return found or PROFILES


def _addresses(words: Iterable[str], own: Spans) -> tuple[Spans | None, str]:
    """Return the spans of remote or local addresses, and what of them cannot be decided."""
    found: list[Span] = []
    doubt = ""
    for word in (one.strip() for one in words):
        if word.lower() in _ANY:
            return None, ""
        if word.lower().startswith("localsubnet") and own:
            found += own
            continue
        span = parse_span(word)
        if span is None:
            doubt = f"address {word}, which the evidence does not resolve"
        else:
            found.append(span)
    if doubt:
        return None, doubt
    return (spans(found) if found else None), ""


def _ports(words: Iterable[str]) -> tuple[Spans | None, str]:
    found: list[Span] = []
    doubt = ""
    for word in words:
        text = word.strip().lower()
        if text in _ANY:
            return None, ""
        span, why = _PORT_WORDS.get(text, (parse_port(text), ""))
        doubt = doubt or why or ("" if span is not None else f"port {word}, which the evidence does not resolve")
        if span is not None:
            found.append(span)
    if doubt:
        return None, doubt
    return (spans(found) if found else None), ""


def _protocol(text: str) -> tuple[tuple[int, ...] | None, str]:
    text = text.strip().lower()
    if text in _ANY or text == "256":
        return None, ""
    if text.isdigit() and len(text) <= 3 and int(text) < 256:
        return (int(text),), ""
    return ((_PROTOCOLS[text],), "") if text in _PROTOCOLS else (None, f"protocol {text}")


def _made(rule: WindowsRule, candidates: tuple[str, ...], states: dict[str, Profile], own: Spans) -> Rule | None:
    action = _ACTIONS.get(rule.action.lower())
    off = {name for name in candidates if states[name].enabled is False}  # there everything comes in, whatever rules say
    applies = tuple(
        name for name in candidates if name in rule.profiles and name not in off and (rule.policy or states[name].merge is not False)
    )
    if action is not Action.DROP and applies:
        applies = tuple(name for name in candidates if name in applies or name in off)
    if action is None or not applies:
        return None
    sources, doubt_sources = _addresses(rule.remote, own)
    destinations, doubt_local = _addresses(rule.local, own)
    ports, doubt_ports = _ports(rule.ports)
    source_ports, doubt_from = _ports(rule.source_ports)
    protocols, doubt_protocol = _protocol(rule.protocol)
    program = rule.program.strip()
    narrow = program.lower() not in _ANY and program.lower() != "system" and (ports is None or action is Action.DROP)
    if protocols is not None and protocols[0] not in (6, 17):
        ports = source_ports = None
    unsure_on = action is Action.DROP and any(states[name].enabled is None for name in applies)
    doubts = [
        *rule.limits,
        doubt_sources and f"remote {doubt_sources}",
        doubt_local and f"local {doubt_local}",
        doubt_ports,
        doubt_from,
        doubt_protocol,
        f"only for {program}" if narrow else "",
        "whether the firewall is on is not in the evidence" if unsure_on else "",
        f"only in profile {', '.join(applies)}" if applies != candidates else "",
    ]
    return Rule(
        action=action,
        where=rule.where,
        sources=sources,
        destinations=destinations,
        protocols=protocols,
        ports=ports,
        source_ports=source_ports,
        unknown="; ".join(doubt for doubt in doubts if doubt),
        comment=rule.name[:200],
    )


def build(
    host: str,
    as_of: datetime | None,
    rules: list[WindowsRule],
    profiles: Iterable[Profile],
    *,
    own: Spans = (),
    active: tuple[str, ...] = (),
    incomplete: str = "",
    where: tuple[Where, ...] = (),
) -> PacketFilter:
    """Return the packet filter of a machine. ``own``: the networks it stands in; ``active``: the profiles in force, where known."""
    states = {name: Profile(name, None, None) for name in PROFILES} | {one.name: one for one in profiles}
    candidates = tuple(name for name in PROFILES if name in active) or PROFILES
    lets = {name: _lets_in(states[name]) for name in candidates}
    made = [one for rule in rules if (one := _made(rule, candidates, states, own)) is not None]
    place = where[0] if where else (rules[0].where if rules else Where("", 0))
    open_in = [name for name, said in lets.items() if said]
    policy = Action.ACCEPT if open_in and len(open_in) == len(candidates) else Action.DROP
    if open_in and policy is Action.DROP:
        doubt = f"in profile {', '.join(open_in)} everything comes in"
        made.append(Rule(Action.ACCEPT, place, unknown=doubt, comment=doubt))
    if any(said is None for said in lets.values()):
        doubt = "what no rule speaks of is decided by a profile that is not in the evidence"
        made.append(Rule(Action.ACCEPT, place, unknown=doubt, comment=doubt))
    if all(states[name].log for name in candidates):
        made.append(Rule(Action.NOTE, place, log=True, comment="dropped packets are logged"))
    chain = Chain("inbound", tuple(made), policy, place)
    return PacketFilter(
        host=host, as_of=as_of, where=where or tuple(rule.where for rule in rules[:1]), platform="windows", semantics=Semantics.BLOCK_WINS,
        chains=(chain,), input=("inbound",), incomplete=incomplete, name="Windows firewall",
    )  # fmt: skip


def _lets_in(profile: Profile) -> bool | None:
    """Return whether a profile lets in what no rule speaks of."""
    if profile.enabled is False:
        return True
    if profile.enabled is None or profile.block is None:
        return None
    return not profile.block
