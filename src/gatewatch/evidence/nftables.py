"""nftables: the rules in force as JSON or text (``nft list ruleset``), else the script that loads them (/etc/nftables.conf).

::

    {"nftables": [{"chain": {"family": "inet", "table": "filter", "name": "input", "type": "filter", "hook": "input", "prio": 0,
      "policy": "drop"}}, {"rule": {"family": "inet", "table": "filter", "chain": "input", "expr": [{"match": …}, {"accept": null}]}}]}

    table inet filter {
            chain input {
                    type filter hook input priority filter; policy drop;
                    tcp dport 22 accept

What is in force decides; of it the text, for it has lines and shows what iptables-nft wrote, which JSON does not. A script is read where nothing of
what runs was collected, and with everything it includes. Tables of iptables-nft are left to iptables-save where that was collected. References:
nft(8), libnftables-json(5).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import LIKELY, SURE, Format, Ignored, Outcome, Rejected
from gatewatch.evidence.nftables_filter import packet_filter
from gatewatch.evidence.nftables_source import assemble
from gatewatch.evidence.nftables_text import read_script
from gatewatch.schema.facts.filter import PacketFilter, Semantics

_TABLE = re.compile(r"^[ \t]*(?:(?:add|create)[ \t]+)?table[ \t]+(?:inet|ip6?|arp|bridge|netdev)[ \t]+[\w.-]{1,64}[ \t]*(?:\{|$)", re.MULTILINE)
_PLAIN_TABLE = re.compile(r"^[ \t]*table[ \t]+[\w.-]{1,64}[ \t]*\{[^{}]{0,400}?\b(?:chain|set|map)[ \t]+[\w.-]{1,64}[ \t]*\{", re.MULTILINE)
_COMMAND = re.compile(r"^[ \t]*(?:flush[ \t]+ruleset|add[ \t]+(?:rule|chain)[ \t]+(?:inet|ip6?)[ \t]+\w)", re.MULTILINE)
_SCRIPT = re.compile(r"^#!.{0,40}\bnft\b|^[ \t]*(?:flush|add|create|insert|include|define|delete|destroy)[ \t]", re.MULTILINE)
_PLACES = ("etc/nftables.conf", "etc/nftables/*.nft", "etc/nftables.d/*", "etc/sysconfig/nftables.conf")
_DUMPS = ("nft-list-ruleset.txt", "nft.txt", "nft.json")


def _recognise(document: Document) -> int:
    head = document.head
    if '"nftables"' in head[:400]:
        return SURE
    if head.lstrip()[:1] in {"{", "[", "<"}:
        return 0
    if document.at(*_PLACES) or _nothing(document):
        return SURE
    if _TABLE.search(head) or _PLAIN_TABLE.search(head):
        return SURE if document.at(*_DUMPS, "*.nft") else LIKELY
    return LIKELY if _COMMAND.search(head) or (head.startswith("#!") and _SCRIPT.search(head[:80])) else 0


def _nothing(document: Document) -> bool:
    """Return whether the collector asked for the rules in force, and there were none."""
    return document.at("commands/nft-list-ruleset.txt") and document.text.strip() == "# no table is loaded"


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    trees = [one for one in documents if one.head.lstrip().startswith("{")]
    texts = [one for one in documents if one not in trees]
    scripts = [one for one in texts if one.at(*_PLACES) or _SCRIPT.search(one.text[:200_000])]
    dumps = [one for one in texts if one not in scripts]
    running = next((one.path for one in bundle.documents if one.at(*(f"commands/{name}" for name in _DUMPS))), "")
    others = _dumped_by_iptables(bundle)
    in_force = set()
    for document in [one for one in dumps if _nothing(one)]:
        dumps.remove(document)
        if any(one.at("commands/*tables-save.txt") and "-A " in one.text for one in bundle.documents):
            yield Ignored(document, "no table is loaded; the rules of iptables were collected")
            continue
        yield PacketFilter(
            host=bundle.host, as_of=document.as_of, where=(document.where(1),), platform="nftables", semantics=Semantics.FIRST_MATCH, chains=(),
        )  # fmt: skip
    for document in dumps:
        in_force.add(document.path.rpartition("/")[0])
        yield from _from_text(document, bundle, dumped=True, others=others)
    for document in trees:
        if document.path.rpartition("/")[0] in in_force and document.at(*_DUMPS):
            yield Ignored(document, "the same rules were collected as text, which has lines")
        else:
            yield from _from_tree(document, bundle, others)
    if running or (dumps and dumps[0].root and scripts and scripts[0].at(*_PLACES)):
        yield from (Ignored(one, f"the rules in force were collected ({running or dumps[0].path}); they decide") for one in scripts)
        return
    yield from _from_scripts(scripts, bundle, others)


def _from_tree(document: Document, bundle: Bundle, others: frozenset[str]) -> Iterator[Outcome]:
    tree = document.json()
    entries = tree.get("nftables") if isinstance(tree, dict) else None
    if not isinstance(entries, list):
        yield Rejected(document, document.fault or "holds no list 'nftables'")
        return
    placed = []
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict):
            continue
        rule, chain = entry.get("rule"), entry.get("chain")
        if isinstance(rule, dict):
            where = document.spot(f"$.nftables[{number}].rule", json.dumps(rule.get("expr"), separators=(",", ":"))[:280])
        elif isinstance(chain, dict):
            name = " ".join(str(chain.get(part, "")) for part in ("family", "table", "name"))
            where = document.spot(f"chain {name}", f"policy {chain.get('policy', 'accept')}")
        else:
            where = document.spot(f"$.nftables[{number}]")
        placed.append((entry, where))
    yield from packet_filter(placed, document, bundle, others=others)


def _from_text(document: Document, bundle: Bundle, *, dumped: bool, others: frozenset[str]) -> Iterator[Outcome]:
    script = assemble(document, bundle)
    found = read_script(script, dumped=dumped)
    yield from packet_filter(found.entries(), document, bundle, incomplete="; ".join(found.gaps[:3]), others=others)


def _from_scripts(scripts: list[Document], bundle: Bundle, others: frozenset[str]) -> Iterator[Outcome]:
    """Yield the filter of the script that is loaded at the start, else of each that no other includes."""
    made_of = [assemble(one, bundle).documents for one in scripts]
    within = {id(one) for some in made_of for one in some[1:] if one is not some[0]}
    first = [one for one in scripts if one.at("etc/nftables.conf", "etc/sysconfig/nftables.conf")]
    for document in scripts:
        if id(document) in within:
            continue
        if first and document not in first and document.at("etc/nftables/*.nft", "etc/nftables.d/*"):
            yield Ignored(document, f"{first[0].path} does not include it")
            continue
        yield from _from_text(document, bundle, dumped=False, others=others)


def _dumped_by_iptables(bundle: Bundle) -> frozenset[str]:
    """Return the families whose iptables tables a dump of iptables-nft tells."""
    found = set()
    for one in bundle.documents:
        head = one.head[:400]
        if "ables" in head and "-save" in head and ("nf_tables" in head or "-nft-" in head):
            found.add("ip6" if "ip6tables" in head else "ip")
    return frozenset(found)


FORMAT = Format(
    name="nftables",
    title="Rules of nftables (nft list ruleset as text or JSON, /etc/nftables.conf)",
    recognise=_recognise,
    read=_read,
    collect="sudo nft list ruleset > EVIDENCE/commands/nft-list-ruleset.txt; cp /etc/nftables.conf EVIDENCE/etc/",
    references=("nft(8)", "libnftables-json(5)"),
)
