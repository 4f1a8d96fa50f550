"""The filter that a rule set of nftables is: all its tables together, chains by hook and priority, from entries as ``nft -j list ruleset`` has them.

An accept ends the base chain it is in, and no other: each chain on a hook must accept. Chains on a device (netdev, ``ingress``) see packets first,
and only those of that device; chains of a bridge see only what a bridge passes on, which nobody can tell of a connection: they *may* match.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import Ignored, Outcome, Rejected
from gatewatch.evidence.nftables_match import Sets
from gatewatch.evidence.nftables_rule import parse_rule
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.filter import FOUR_SPAN, LINE, SIX_SPAN, Action, Chain, PacketFilter, Rule, Semantics, Span

PRIORITIES = {"raw": -300, "mangle": -150, "dstnat": -100, "filter": 0, "security": 50, "srcnat": 100}
BRIDGE_PRIORITIES = {"dstnat": -300, "filter": -200, "out": 100, "srcnat": 300}
_FAMILIES: dict[str, Span] = {"inet": LINE, "ip": FOUR_SPAN, "ip6": SIX_SPAN, "netdev": LINE, "bridge": LINE}
_HOOKS = ("ingress", "bridge", "prerouting", "input", "forward", "postrouting")
_BRIDGED = "only of what a bridge passes on"
Entry = dict[str, Any]


def packet_filter(
    entries: list[tuple[Entry, Where]], document: Document, bundle: Bundle, incomplete: str = "", others: frozenset[str] = frozenset()
) -> Iterator[Outcome]:
    """Yield the filter that *entries* (with their places) declare; ``others``: families whose iptables tables are read from a dump of their own."""
    tables = [entry["table"] for entry, _ in entries if isinstance(entry.get("table"), dict)]
    asleep = {(_text(one.get("family")), _text(one.get("name"))) for one in tables if "dorm" in str(one.get("flags"))}
    chains = [(entry["chain"], where) for entry, where in entries if isinstance(entry.get("chain"), dict)]
    asleep |= {_table(chain) for chain, _ in chains if _of_iptables(chain) and chain.get("family") in others}
    sets: Sets = {}
    for entry, _ in entries:
        for word in ("set", "map"):
            found = entry.get(word)
            if isinstance(found, dict):
                sets[_text(found.get("family")), _text(found.get("table")), _text(found.get("name"))] = found
    lines: dict[tuple[str, str, str], list[tuple[Entry, Where]]] = {}
    for entry, where in entries:
        rule = entry.get("rule")
        if isinstance(rule, dict):
            lines.setdefault((*_table(rule), _text(rule.get("chain"))), []).append((rule, where))
    made: list[Chain] = []
    hooks: dict[str, list[tuple[int, int, str]]] = {hook: [] for hook in _HOOKS}
    for number, (chain, where) in enumerate(chains):
        key = (*_table(chain), _text(chain.get("name")))
        span = _FAMILIES.get(key[0])
        if span is None or key[:2] in asleep:  # arp sees no connection of ours
            continue
        name = " ".join(key)
        hook = _hook(chain)
        rules = [one for rule, place in lines.get(key, []) for one in parse_rule(rule, key, span, sets, place)]
        policy = None if chain.get("hook") is None else Action.DROP if chain.get("policy") == "drop" else Action.ACCEPT
        if hook == "bridge":
            rules = [_unsure(rule, _BRIDGED) for rule in rules]
            if policy is Action.DROP:
                rules.append(Rule(Action.DROP, where, unknown=_BRIDGED))
                policy = Action.ACCEPT
        elif hook in {"ingress", "egress"}:
            rules, policy = _on_device(chain, rules, policy, where, hook)
        elif hook is not None and span != LINE:  # packets of the other family do not come here
            rules.insert(0, Rule(Action.ACCEPT, _told(where, f"family {key[0]}"), sources=(SIX_SPAN if span == FOUR_SPAN else FOUR_SPAN,)))
        made.append(Chain(name, tuple(rules), policy, where if hook else None))
        if hook is not None:
            hooks["postrouting" if hook == "egress" else hook].append((_priority(chain), number, name))
    if not made:
        if any(_table(chain) in asleep for chain, _ in chains):
            yield Ignored(document, "its tables are those of iptables, read from iptables-save, or dormant")
        else:
            yield Rejected(document, "declares no chain of inet, ip, ip6, netdev or bridge")
        return
    order = {hook: tuple(name for _, _, name in sorted(found)) for hook, found in hooks.items()}
    yield PacketFilter(
        host=bundle.host,
        as_of=document.as_of,
        where=(document.where(1),) if entries and entries[0][1].line else (document.spot("$.nftables"),),
        platform="nftables",
        semantics=Semantics.FIRST_MATCH,
        chains=tuple(made),
        prerouting=(*order["ingress"], *order["bridge"], *order["prerouting"]),
        input=order["input"],
        forward=(*order["forward"], *order["postrouting"]),
        name=document.path,
        incomplete=incomplete,
    )


def _hook(chain: Entry) -> str | None:
    """Return where a base chain sees packets that come in; None for the others, and for chains of translation behind a decision."""
    hook, family = _text(chain.get("hook")), chain.get("family")
    if family == "bridge":
        return "bridge" if hook in {"prerouting", "input", "forward", "postrouting"} else None
    if hook in {"ingress", "egress"}:
        return hook
    if family == "netdev" or hook not in {"prerouting", "input", "forward", "postrouting"}:
        return None
    return hook if hook == "prerouting" or chain.get("type") != "nat" else None


def _on_device(chain: Entry, rules: list[Rule], policy: Action | None, where: Where, hook: str) -> tuple[list[Rule], Action | None]:
    """Return the rules and the policy of a chain that sees only what comes in (or goes out) by its devices."""
    found = chain.get("dev", [])
    devices = [one for one in (found if isinstance(found, list) else [found]) if isinstance(one, str)]
    if not devices:
        doubt = "the device of the chain is not told"
        made = [_unsure(rule, doubt) for rule in rules]
        return ([*made, Rule(Action.DROP, where, unknown=doubt)] if policy is Action.DROP else made), Action.ACCEPT
    others = tuple(f"!{one}" for one in devices)
    first = Rule(Action.ACCEPT, where, interfaces_in=others) if hook == "ingress" else Rule(Action.ACCEPT, where, interfaces_out=others)
    return [first, *rules], policy


def _unsure(rule: Rule, why: str) -> Rule:
    return replace(rule, unknown=f"{rule.unknown}, {why}" if rule.unknown else why)


def _told(where: Where, quote: str) -> Where:
    return where if where.line else Where(where.file, 0, quote, where.pointer)


def _of_iptables(chain: Entry) -> bool:
    return chain.get("table") in {"filter", "nat", "mangle", "raw", "security"} and chain.get("name") == _text(chain.get("hook")).upper()


def _table(entry: Entry) -> tuple[str, str]:
    return _text(entry.get("family")), _text(entry.get("table"))


def _priority(chain: Entry) -> int:
    value = chain.get("prio")
    names = BRIDGE_PRIORITIES if chain.get("family") == "bridge" else PRIORITIES
    return value if isinstance(value, int) else names.get(str(value), 0)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
