"""Rules of pf: macros, lists and tables taken apart, each rule as the rules of the common model it stands for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import product

from gatewatch.evidence.address import outside, parse_span, spans
from gatewatch.evidence.document import Document
from gatewatch.evidence.pf_port import ports as port_list
from gatewatch.schema.facts.filter import FOUR_SPAN, LINE, SIX_SPAN, Action, Nat, Rule, Spans

_TOKEN = re.compile(r'"[^"]*"|<[A-Za-z_][^<>\s]*>|><|<>|->|!=|>=|<=|[{}(),=<>!]|[^\s{}(),<>!="]+')
_PROTOCOLS = {"tcp": 6, "udp": 17, "icmp": 1, "icmp6": 58, "ipv6-icmp": 58, "esp": 50, "gre": 47, "ah": 51}
_MOST = 2048  # rules one line may become
_SKIPPED = {"flags": 1, "tag": 1, "queue": 1, "label": 1, "rtable": 1, "set": 1, "user": 1, "group": 1}
_DOUBTFUL = {"tagged": 1, "probability": 1, "os": 1, "received-on": 1, "max-pkt-rate": 1, "tos": 1, "icmp-type": 1, "icmp6-type": 1}


@dataclass(slots=True)
class Names:
    """Macros as text, tables as addresses (None: filled from elsewhere), interfaces that are skipped."""

    macros: dict[str, str] = field(default_factory=dict)
    tables: dict[str, Spans | None] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)


def expand(text: str, names: Names) -> str:
    """Return *text* with its macros filled in; an unknown one stays, and is told when it is used."""
    for _ in range(8):
        made = re.sub(r"\$([A-Za-z_]\w{0,63})", lambda found: names.macros.get(found.group(1), found.group(0)), text[:8192])
        if made == text:
            break
        text = made
    return text[:8192]


def tokens(text: str) -> list[str]:
    """Return the words of a rule."""
    return [word.strip('"') for word in _TOKEN.findall(text)]


def group(words: list[str], at: int) -> tuple[list[str], int]:
    """Return the members of a list (or the single word, with its ``!``) at *at*, and where it ends."""
    if at >= len(words):
        return [], at
    if words[at] != "{":
        return _item(words, at)
    made: list[str] = []
    at += 1
    while at < len(words) and words[at] != "}":
        if words[at] == ",":
            at += 1
            continue
        item, at = _item(words, at)
        made += item
    return made, at + 1


def _item(words: list[str], at: int) -> tuple[list[str], int]:
    if words[at] == "!" and at + 1 < len(words):
        inner, after = _item(words, at + 1)
        return ["!" + one for one in inner], after
    if words[at] == "(":
        end = next((number for number in range(at, len(words)) if words[number] == ")"), len(words))
        return ["(" + " ".join(words[at + 1 : end]) + ")"], end + 1
    return [words[at]], at + 1


def address(word: str, names: Names) -> tuple[Spans | None, str]:
    """Return the addresses of a word (None: any) and why they are not known; empty when they are."""
    if word.startswith("!"):
        inner, doubt = address(word[1:], names)
        return (outside(inner, LINE) if inner is not None and not doubt else None), doubt
    if word in {"any", "all"}:
        return None, ""
    if word.startswith("<"):
        found = names.tables.get(word.strip("<>"))
        return (found, "") if found is not None else (None, f"table {word} is filled from elsewhere")
    span = parse_span(word)
    return ((span,), "") if span is not None else (None, f"{word} cannot be told")


def rules(document: Document, number: int, words: list[str], names: Names) -> tuple[str, list[Rule]]:
    """Return the direction (in, out or both) and the rules one line of pf stands for."""
    action = Action.ACCEPT if words[0] == "pass" else Action.DROP
    direction, log, quick = "both", False, False
    faces: list[str] = []
    families: list[tuple[int, int]] = [LINE]
    protocols: list[tuple[int, ...] | None] = [None]
    sides: dict[str, list[tuple[Spans | None, str]]] = {"from": [(None, "")], "to": [(None, "")]}
    ports: dict[str, list[Spans | None]] = {"from": [None], "to": [None]}
    doubts: list[str] = []
    nat: Nat | None = None
    at, side = 1, "from"
    while at < len(words):
        word = words[at]
        at += 1
        if word in {"in", "out"}:
            direction = word
        elif word in {"drop", "return", "return-rst", "return-icmp", "return-icmp6", "all", "keep", "no", "modulate", "synproxy", "state"}:
            if word in {"return-rst", "return-icmp", "return-icmp6", "state"} and at < len(words) and words[at] == "(":
                _, at = _item(words, at)
        elif word == "log":
            log = True
            if at < len(words) and words[at] == "(":
                _, at = _item(words, at)
        elif word == "quick":
            quick = True
        elif word == "on":
            faces, at = group(words, at)
        elif word in {"inet", "inet6"}:
            families = [FOUR_SPAN if word == "inet" else SIX_SPAN]
        elif word == "proto":
            listed, at = group(words, at)
            protocols = [(_PROTOCOLS[one],) if one in _PROTOCOLS else None for one in listed] or [None]
            doubts += [f"protocol {one}" for one in listed if one not in _PROTOCOLS]
        elif word in {"from", "to"}:
            side = word
            if at < len(words) and words[at] != "port":
                listed, at = group(words, at)
                sides[side] = [address(one, names) for one in listed] or [(None, "")]
        elif word == "port":
            ports[side], at, doubt = port_list(words, at)
            doubts += [doubt] if doubt else []
        elif word in _SKIPPED:
            _, at = group(words, at)
        elif word == "rdr-to":
            nat, at, doubt = _target(words, at, names)
            doubts += [doubt] if doubt else []
        elif word in {"nat-to", "binat-to", "route-to", "reply-to", "divert-to", "af-to", "dup-to"}:
            _, at = group(words, at)
            if word in {"divert-to", "af-to"}:
                doubts.append(f"{word}: translation is not followed")
        else:
            doubts.append(f"condition {word!r}")
            if word in _DOUBTFUL:
                _, at = group(words, at)
    odd = [face for face in faces if face.lstrip("!") in {"egress", "any"} or face.startswith("(")]
    names_of = None if not faces or "any" in faces else tuple(faces)
    if odd and "any" not in faces:
        doubts.append(f"interface group {odd[0]}")
        names_of = None
    action = Action.NAT if nat is not None and action is Action.ACCEPT else action
    made: list[Rule] = []
    for family, listed_protocols, (source, one), (target, two), from_ports, to_ports in product(
        families, protocols, sides["from"], sides["to"], ports["from"], ports["to"]
    ):
        if len(made) >= _MOST:
            made.append(Rule(action, document.where(number), unknown="more combinations than can be told", quick=quick, log=log))
            break
        doubt = "; ".join(dict.fromkeys([*doubts, *(text for text in (one, two) if text)]))
        within = source if family == LINE else _within(source, family)
        made.append(
            Rule(
                action, document.where(number), sources=within, destinations=target, protocols=listed_protocols, ports=to_ports,
                source_ports=from_ports, interfaces_in=names_of if direction != "out" else None,
                interfaces_out=names_of if direction == "out" else None, unknown=doubt, quick=quick, log=log, nat=nat,
            )
        )  # fmt: skip
    return direction, made


def _target(words: list[str], at: int, names: Names) -> tuple[Nat, int, str]:
    """Return the translation that ``rdr-to { 10.0.0.5, 10.0.0.6 } port 8080`` stands for, where it ends, and what of it is not known."""
    listed, at = group(words, at)
    found = [address(one, names) for one in listed]
    known = [spans_of for spans_of, doubt in found if spans_of is not None and not doubt]
    inner: Spans | None = None
    doubt = "" if found and len(known) == len(found) else "a translation to what cannot be told"
    if at < len(words) and words[at] == "port":
        listed_ports, at, odd = port_list(words, at + 1)
        inner = listed_ports[0]
        doubt = doubt or odd
    while at < len(words) and words[at] in {"round-robin", "random", "source-hash", "bitmask", "least-states", "sticky-address", "static-port"}:
        at += 1
    whole = spans(span for one in known for span in one)
    return Nat(whole if whole and not doubt else None, inner), at, doubt


def _within(source: Spans | None, family: tuple[int, int]) -> Spans:
    if source is None:
        return (family,)
    return spans((max(low, family[0]), min(high, family[1])) for low, high in source if low <= family[1] and high >= family[0])


def table(text: str, files: Callable[[str], Document | None]) -> Iterator[tuple[str, Spans | None]]:
    """Yield the tables of a line ``table <name> persist { a, b } file "x"``; *files* gives the files it may name."""
    words = tokens(text)
    if len(words) < 2 or not words[1].startswith("<"):
        return
    name = words[1].strip("<>")
    shown = files(f"commands/pf-table-{name}.txt")
    listed = group(words, words.index("{"))[0] if "{" in words else []
    if shown is not None:  # what is in it now: pfctl -t NAME -T show
        listed = entries(shown)
    elif "file" in words:
        path = words[words.index("file") + 1] if words.index("file") + 1 < len(words) else ""
        found = files(path)
        if found is None:
            yield name, None
            return
        listed = [*listed, *entries(found)]
    elif "{" not in words:
        yield name, None
        return
    good = [span for one in listed if not one.startswith("!") and (span := parse_span(one)) is not None]
    bad = [span for one in listed if one.startswith("!") and (span := parse_span(one[1:])) is not None]
    known = len(good) + len(bad) == len(listed)
    kept = [part for one in good for part in outside([span for span in bad if span[0] <= one[1] and span[1] >= one[0]], one)]
    yield name, (spans(kept) if known else None)


def entries(document: Document) -> list[str]:
    """Return the addresses in a file that fills a table, a remark cut off each line."""
    return [word for line in document.lines for word in line.partition("#")[0].replace(",", " ").split()]


def both_ways(document: Document, number: int, words: list[str], names: Names) -> Iterator[Rule]:
    """Yield the way in of ``binat on em0 from 10.0.0.5 to any -> 192.0.2.5``: what is sent to the outer address goes to the inner one."""
    at = words.index("->") if "->" in words else len(words)
    start = ["pass", "in", *(word for word in words[1:at] if word not in {"pass", "log"})]
    outer = parse_span(words[at + 1]) if at + 1 < len(words) else None
    for rule in rules(document, number, start, names)[1]:
        doubt = rule.unknown or ("" if outer is not None and rule.sources is not None else "a translation of what cannot be told")
        known = (outer,) if outer is not None else None
        yield replace(
            rule, action=Action.NAT, sources=rule.destinations, destinations=known, nat=Nat(rule.sources, None, shift=True), unknown=doubt
        )


def redirect(document: Document, number: int, words: list[str], names: Names) -> Iterator[Rule]:
    """Yield the rules of ``rdr on em0 proto tcp from any to 192.0.2.1 port 80 -> 10.0.0.5 port 8080``: the first that matches translates."""
    at = words.index("->") if "->" in words else len(words)
    target, after = group(words, at + 1)
    span = parse_span(target[0]) if len(target) == 1 else None
    inner = port_list(words, after + 1)[0][0] if after < len(words) and words[after] == "port" else None
    spared = words[0] == "no"  # what is excepted from translation
    start = ["pass", "in", *(word for word in words[2 if spared else 1 : at] if word not in {"pass", "log"})]
    for rule in rules(document, number, start, names)[1]:
        if spared:
            yield rule
            continue
        doubt = rule.unknown or ("" if span is not None else "a translation to what cannot be told")
        yield replace(rule, action=Action.NAT, nat=Nat((span,) if span is not None else None, inner), unknown=doubt)
