"""``nft -j list ruleset``: nftables' rules as JSON, with sets, maps and verdict maps.

::

    {"nftables": [{"chain": {"family": "inet", "table": "filter", "name": "input", "type": "filter", "hook": "input", "prio": 0,
      "policy": "drop"}}, {"rule": {"family": "inet", "table": "filter", "chain": "input", "expr": [{"match": …}, {"accept": null}]}}]}

An accept ends the base chain it is in, and no other: each chain on a hook must accept. Rules that iptables-nft wrote show as ``xt`` without their
content there, so they *may* match; iptables-save shows them. References: libnftables-json(5), nft(8).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import LIKELY, SURE, Format, Outcome, Rejected
from gatewatch.evidence.nftables_rule import Sets, parse_rule
from gatewatch.schema.facts.filter import FOUR_SPAN, LINE, SIX_SPAN, Action, Chain, PacketFilter, Rule, Semantics, Span

_FAMILIES: dict[str, Span] = {"inet": LINE, "ip": FOUR_SPAN, "ip6": SIX_SPAN}
_HOOKS = {"input": "input", "forward": "forward", "prerouting": "prerouting"}
_PRIORITIES = {"raw": -300, "mangle": -150, "dstnat": -100, "filter": 0, "security": 50, "srcnat": 100}


def _recognise(document: Document) -> int:
    if '"nftables"' in document.head[:400]:
        return SURE
    return LIKELY if document.head.lstrip().startswith(("table inet ", "table ip ", "table ip6 ")) else 0


def _priority(value: object) -> int:
    return value if isinstance(value, int) else _PRIORITIES.get(str(value), 0)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        if not document.head.lstrip().startswith("{"):
            yield Rejected(document, "nftables as text; collect sudo nft -j list ruleset instead")
            continue
        tree = document.json()
        entries = tree.get("nftables") if isinstance(tree, dict) else None
        if not isinstance(entries, list):
            yield Rejected(document, document.fault or "holds no list 'nftables'")
            continue
        yield from _filters([entry for entry in entries if isinstance(entry, dict)], document, bundle)


def _filters(entries: list[dict[str, Any]], document: Document, bundle: Bundle) -> Iterator[Outcome]:
    """Yield one filter of all tables: packets meet the chains of a hook by priority, whichever table they stand in."""
    chains = [entry["chain"] for entry in entries if isinstance(entry.get("chain"), dict)]
    sets: Sets = {}
    for entry in entries:
        for word in ("set", "map"):
            found = entry.get(word)
            if isinstance(found, dict):
                sets[_text(found.get("family")), _text(found.get("table")), _text(found.get("name"))] = found
    lines: dict[tuple[str, str, str], list[Any]] = {}
    for number, entry in enumerate(entries):
        rule = entry.get("rule")
        if isinstance(rule, dict):
            key = (_text(rule.get("family")), _text(rule.get("table")), _text(rule.get("chain")))
            where = document.spot(f"$.nftables[{number}].rule", json.dumps(rule.get("expr"), separators=(",", ":"))[:280])
            lines.setdefault(key, []).append((rule, where))
    made: list[Chain] = []
    hooks: dict[str, list[tuple[int, int, str]]] = {"input": [], "forward": [], "prerouting": []}
    for number, chain in enumerate(chains):
        key = (_text(chain.get("family")), _text(chain.get("table")), _text(chain.get("name")))
        span = _FAMILIES.get(key[0])
        if span is None:  # bridge, arp and netdev see no connection of ours
            continue
        name = " ".join(key)
        base = _HOOKS.get(_text(chain.get("hook")))
        rules = [one for rule, where in lines.get(key, []) for one in parse_rule(rule, key, span, sets, where)]
        if base is not None and span != LINE:  # packets of the other family do not come here
            other = SIX_SPAN if span == FOUR_SPAN else FOUR_SPAN
            rules.insert(0, Rule(Action.ACCEPT, document.spot(f"chain {name}", f"family {key[0]}"), sources=(other,)))
        policy = None if chain.get("hook") is None else Action.DROP if chain.get("policy") == "drop" else Action.ACCEPT
        made.append(Chain(name, tuple(rules), policy, document.spot(f"chain {name}", f"policy {chain.get('policy', 'accept')}") if base else None))
        if base is not None:
            hooks[base].append((_priority(chain.get("prio")), number, name))
    if not made:
        yield Rejected(document, "declares no chain of inet, ip or ip6")
        return
    yield PacketFilter(
        host=bundle.host,
        as_of=document.as_of,
        where=(document.spot("$.nftables"),),
        platform="nftables",
        semantics=Semantics.FIRST_MATCH,
        chains=tuple(made),
        prerouting=tuple(name for _, _, name in sorted(hooks["prerouting"])),
        input=tuple(name for _, _, name in sorted(hooks["input"])),
        forward=tuple(name for _, _, name in sorted(hooks["forward"])),
        name=document.path,
    )


FORMAT = Format(
    name="nftables",
    title="Rules of nftables (nft -j list ruleset)",
    recognise=_recognise,
    read=_read,
    collect="sudo nft -j list ruleset > EVIDENCE/commands/nft.json",
    references=("libnftables-json(5)", "nft(8)"),
)
