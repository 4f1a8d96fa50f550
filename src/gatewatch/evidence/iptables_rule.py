"""One rule of iptables-save: its matches as spans, and what cannot be decided by its own words.

A match nobody can decide from the rules alone (``recent``, ``limit``, ``set``, ``mark``, ``string`` …) makes the rule one that *may* match.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gatewatch.evidence.address import PORTS, family, outside, parse_port, parse_span, spans
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.filter import Action, Interface, Nat, Rule, Spans

_PROTOCOLS = {"tcp": (6,), "udp": (17,), "icmp": (1,), "ipv6-icmp": (58,), "icmpv6": (58,), "esp": (50,), "ah": (51,), "gre": (47,), "sctp": (132,)}
_TARGETS = {"ACCEPT": Action.ACCEPT, "DROP": Action.DROP, "REJECT": Action.DROP, "RETURN": Action.RETURN}
_SILENT = frozenset(
    {"LOG", "NFLOG", "ULOG", "MARK", "CONNMARK", "CT", "NOTRACK", "TCPMSS", "CHECKSUM", "TOS", "DSCP", "CLASSIFY", "TRACE", "AUDIT", "SET", "TTL",
     "HL", "SECMARK", "CONNSECMARK", "MASQUERADE", "SNAT"}
)  # fmt: skip
_NOOPS = frozenset({"tcp", "udp", "multiport", "conntrack", "state", "comment", "addrtype", "iprange", "icmp", "icmp6", "pkttype"})
_VALUELESS = frozenset({"--syn", "--rcheck", "--update", "--set", "--remove", "--rsource", "--rdest", "--rttl", "--reap", "--log-tcp-options",
                        "--log-ip-options", "--log-uid", "--random", "--random-fully", "--persistent", "--physdev-is-bridged", "--clamp-mss-to-pmtu",
                        "--physdev-is-in", "--physdev-is-out", "--notrack", "--return-nomatch", "--transparent", "-f",
                        "--connlimit-saddr", "--connlimit-daddr"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Parsed:
    """A rule, the chain it belongs to, and what it tells of an interface's network (the masquerading of containers does)."""

    chain: str
    rule: Rule
    network: Interface | None = None


@dataclass(slots=True)
class _Draft:
    sources: Spans | None = None
    destinations: Spans | None = None
    protocols: tuple[int, ...] | None = None
    ports: Spans | None = None
    source_ports: Spans | None = None
    interfaces_in: tuple[str, ...] | None = None
    interfaces_out: tuple[str, ...] | None = None
    local: bool | None = None
    new: bool = True
    unknown: list[str] = field(default_factory=list)
    action: Action = Action.NOTE
    target: str = ""
    nat: Nat | None = None
    log: bool = False
    comment: str = ""
    masquerades: bool = False


def parse_rule(words: list[str], version: int, where: Where) -> Parsed | None:
    """Return the rule that *words* (``-A CHAIN …``) write down, or None when they are none."""
    if len(words) < 2 or words[0] != "-A":
        return None
    draft = _Draft()
    at, negated = 2, False
    while at < len(words):
        word = words[at]
        at += 1
        if word == "!":
            negated = True
            continue
        value = words[at] if at < len(words) and word not in _VALUELESS else ""
        if word not in _VALUELESS:
            at += 1
        if word == "--tcp-flags" and at < len(words):
            value += " " + words[at]
            at += 1
        if not _option(draft, word, value, negated, version):
            draft.unknown.append(f"{'! ' if negated else ''}{word} {value}".strip())
        negated = False
    network = None
    if draft.masquerades and draft.sources and len(draft.interfaces_out or ()) == 1 and (draft.interfaces_out or ("",))[0].startswith("!"):
        network = Interface((draft.interfaces_out or ("",))[0].lstrip("!"), networks=draft.sources)
    rule = Rule(
        action=draft.action, where=where, sources=draft.sources, destinations=draft.destinations, protocols=draft.protocols, ports=draft.ports,
        source_ports=draft.source_ports, interfaces_in=draft.interfaces_in, interfaces_out=draft.interfaces_out, new=draft.new,
        unknown=", ".join(draft.unknown), target=draft.target, nat=draft.nat, local=draft.local, log=draft.log, comment=draft.comment,
    )  # fmt: skip
    return Parsed(words[1], rule, network)


def _option(draft: _Draft, word: str, value: str, negated: bool, version: int) -> bool:
    """Take one option; return False when it cannot be decided."""
    if word in {"-s", "--source", "-d", "--destination", "--src-range", "--dst-range"}:
        found = [parse_span(part) for part in value.split(",")]
        if None in found:
            return False
        good = [span for span in found if span is not None]
        made = outside(good, family(version)) if negated else spans(good)
        if word in {"-s", "--source", "--src-range"}:
            draft.sources = made
        else:
            draft.destinations = made
        return True
    if word in {"-p", "--protocol"}:
        protocols = _PROTOCOLS.get(value) or ((int(value),) if value.isascii() and value.isdigit() and len(value) < 4 else None)
        if value == "all":
            return True
        if protocols is None:
            return False
        draft.protocols = tuple(number for number in range(256) if number not in protocols) if negated else protocols
        return True
    if word in {"--dport", "--dports", "--destination-port", "--sport", "--sports", "--source-port", "--ports"}:
        ports = [parse_port(part) for part in value.split(",")]
        if None in ports or word == "--ports":
            return False
        numbers = [span for span in ports if span is not None]
        made = outside(numbers, PORTS) if negated else spans(numbers)
        if word[2] == "d":
            draft.ports = made
        else:
            draft.source_ports = made
        return True
    if word in {"-i", "--in-interface", "-o", "--out-interface"}:
        names = (f"!{value}" if negated else value,)
        if word in {"-i", "--in-interface"}:
            draft.interfaces_in = names
        else:
            draft.interfaces_out = names
        return True
    return _extension(draft, word, value, negated)


def _extension(draft: _Draft, word: str, value: str, negated: bool) -> bool:
    if word == "-m":
        return value in _NOOPS
    if word in {"--ctstate", "--state"}:
        draft.new = ("NEW" in value.upper().split(",")) is not negated
        return True
    if word == "--tcp-flags":
        mask, _, wanted = value.partition(" ")
        opening = {"SYN"} & set(mask.split(",")) if mask not in {"ALL", ""} else {"SYN"}  # a packet that opens a connection has SYN and no other flag
        draft.new = draft.new and ((set(wanted.split(",")) - {"NONE", ""}) == opening) is not negated
        return True
    if word == "--syn":
        draft.new = draft.new and not negated
        return True
    if word == "--dst-type":
        draft.local = (value.upper() == "LOCAL") is not negated if value.upper() == "LOCAL" else None
        return value.upper() == "LOCAL"
    if word == "--src-type":
        draft.new = draft.new and (value.upper() != "LOCAL" or negated)
        return value.upper() == "LOCAL"
    if word == "--pkt-type":
        draft.new = draft.new and (value == "unicast") is not negated
        return True
    if word == "--comment":
        draft.comment = value[:200]
        return True
    if word in {"-j", "-g", "--jump", "--goto"}:
        _target(draft, value, goto=word in {"-g", "--goto"})
        return True
    if word in {"--to-destination", "--to-ports"}:
        draft.nat = _nat(value, ports_only=word == "--to-ports")
        return draft.nat is not None
    return word.startswith(("--log-", "--reject-with", "--nflog", "--set-mark", "--set-xmark", "--restore-mark", "--icmp", "--random", "--to-source"))


def _target(draft: _Draft, value: str, *, goto: bool) -> None:
    if value in _TARGETS:
        draft.action = _TARGETS[value]
    elif value in {"DNAT", "REDIRECT"}:
        draft.action = Action.NAT
        draft.nat = draft.nat or Nat(local=value == "REDIRECT")
    elif value in _SILENT:
        draft.log = draft.log or value in {"LOG", "NFLOG", "ULOG"}
        draft.masquerades = value == "MASQUERADE"
    else:
        draft.action, draft.target = (Action.GOTO if goto else Action.JUMP), value


def _nat(value: str, *, ports_only: bool) -> Nat | None:
    if ports_only:
        span = parse_port(value)
        return Nat(ports=(span,) if span else None, local=True)
    address, ports = value, ""
    if value.startswith("["):
        address, _, ports = value[1:].partition("]")
        ports = ports.lstrip(":")
    elif value.count(":") == 1:
        address, _, ports = value.partition(":")
    span = parse_span(address) if address else None
    port = parse_port(ports) if ports else None
    if (address and span is None) or (ports and port is None):
        return None
    return Nat((span,) if span else None, (port,) if port else None)
