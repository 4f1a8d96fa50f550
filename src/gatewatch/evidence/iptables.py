"""iptables-save and ip6tables-save: the rules in force with their chains, policies and address translation.

::

    *filter
    :INPUT DROP [0:0]
    -A INPUT -s 192.0.2.0/24 -p tcp -m tcp --dport 22 -j ACCEPT
    COMMIT

References: iptables(8), iptables-extensions(8), iptables-save(8).
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import LIKELY, SURE, Format, Outcome, Rejected
from gatewatch.evidence.iptables_rule import Parsed, parse_rule
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.filter import FOUR_SPAN, SIX_SPAN, Action, Chain, Interface, PacketFilter, Rule, Semantics

_HOOKS = {"INPUT": "input", "FORWARD": "forward", "PREROUTING": "prerouting"}
_ORDER = ("raw", "mangle", "nat", "filter")
_POLICIES = {"ACCEPT": Action.ACCEPT, "DROP": Action.DROP}


@dataclass(slots=True)
class _Chain:
    name: str
    policy: Action | None
    where: Where
    rules: list[Rule] = field(default_factory=list)


def _recognise(document: Document) -> int:
    lines = [line for line in document.head.splitlines() if line.strip() and not line.startswith("#")]
    if any(line in {"*filter", "*nat", "*mangle", "*raw", "*security"} for line in lines[:3]) and any(line.startswith(":") for line in lines):
        return SURE
    return LIKELY if "ables-save" in document.head[:200] else 0


def version_of(document: Document) -> int:
    """Return the family a dump speaks of: by its header, its name, or the addresses in it."""
    if "ip6tables-save" in document.head or document.at("*ip6tables*", "*v6*"):
        return 6
    for line in document.lines:
        words = line.split()
        if any(":" in address for flag, address in pairwise(words) if flag in {"-s", "-d"}):
            return 6
    return 4


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        version = version_of(document)
        chains: dict[tuple[str, str], _Chain] = {}
        networks: list[Interface] = []
        table, closed, bad = "", True, ""
        for number, line in enumerate(document.lines, 1):
            text = line.strip()
            if text.startswith("*"):
                table, closed = text[1:], False
            elif text == "COMMIT":
                closed = True
            elif text.startswith(":"):
                words = text[1:].split()
                if words:
                    chains[table, words[0]] = _Chain(f"{table} {words[0]}", _POLICIES.get(words[1] if len(words) > 1 else ""), document.where(number))
            elif text.startswith(("-A ", "[")):
                words = _words(text)
                parsed = parse_rule(words, version, document.where(number)) if words else None
                if parsed is None or (table, parsed.chain) not in chains:
                    bad = bad or f"line {number} is no rule of a chain that is declared"
                    continue
                chains[table, parsed.chain].rules.append(_placed(parsed, table))
                if parsed.network is not None:
                    networks.append(parsed.network)
        if not chains:
            yield Rejected(document, "declares no chain")
            continue
        hooks = {
            attribute: tuple(f"{table} {name}" for table in _ORDER if (table, name) in chains) for name, attribute in _HOOKS.items()
        }
        yield PacketFilter(
            host=bundle.host,
            as_of=document.as_of,
            where=(document.where(1),),
            platform="iptables" if version == 4 else "ip6tables",
            semantics=Semantics.FIRST_MATCH,
            chains=tuple(Chain(one.name, tuple(one.rules), one.policy, one.where) for one in chains.values()),
            covers=(FOUR_SPAN if version == 4 else SIX_SPAN,),
            interfaces=tuple(networks),
            name=document.path,
            incomplete=bad or ("" if closed else "the dump ends before COMMIT"),
            prerouting=hooks["prerouting"],
            input=hooks["input"],
            forward=hooks["forward"],
        )


def _placed(parsed: Parsed, table: str) -> Rule:
    """Return the rule with its jump pointing at a chain of the same table."""
    rule = parsed.rule
    if rule.action in {Action.JUMP, Action.GOTO}:
        return replace(rule, target=f"{table} {rule.target}")
    return rule


def _words(text: str) -> list[str]:
    if text.startswith("["):  # counters, as -c writes them
        text = text.partition("]")[2].strip()
    if '"' not in text and "'" not in text and "\\" not in text:
        return text.split()
    try:
        return shlex.split(text)
    except ValueError:
        return []


FORMAT = Format(
    name="iptables",
    title="Rules of iptables and ip6tables (iptables-save)",
    recognise=_recognise,
    read=_read,
    collect="sudo iptables-save > EVIDENCE/commands/iptables-save.txt; sudo ip6tables-save > EVIDENCE/commands/ip6tables-save.txt",
    references=("iptables-save(8)", "iptables-extensions(8)"),
)
