"""One rule of iptables-save: its matches as spans, and what cannot be decided by its own words.

A match nobody can decide from the rules alone (``recent``, ``limit``, ``set``, ``mark``, ``string`` …) makes the rule one that *may* match.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from gatewatch.evidence.address import PORTS, family, outside, parse_port, parse_span, spans
from gatewatch.evidence.rule_draft import Draft
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.filter import Action, Interface, Nat, Rule

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
class _Line:
    """What a line has told so far: its conditions, and what it does."""

    held: Draft = field(default_factory=Draft)
    action: Action = Action.NOTE
    target: str = ""
    nat: Nat | None = None
    comment: str = ""
    masquerades: bool = False

    def add(self, **conditions: Any) -> None:
        """Add conditions."""
        self.held = replace(self.held, **conditions)


def parse_rule(words: list[str], version: int, where: Where) -> Parsed | None:
    """Return the rule that *words* (``-A CHAIN …``) write down, or None when they are none."""
    if len(words) < 2 or words[0] != "-A":
        return None
    draft = _Line()
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
            draft.add(unknown=(*draft.held.unknown, f"{'! ' if negated else ''}{word} {value}".strip()))
        negated = False
    network = None
    out = draft.held.interfaces_out or ()
    if draft.masquerades and draft.held.sources and len(out) == 1 and out[0].startswith("!"):
        network = Interface(out[0].lstrip("!"), networks=draft.held.sources)
    rule = draft.held.rule(draft.action, where, comment=draft.comment, target=draft.target, nat=draft.nat)
    return Parsed(words[1], rule, network)


def _option(draft: _Line, word: str, value: str, negated: bool, version: int) -> bool:
    """Take one option; return False when it cannot be decided."""
    if word in {"-s", "--source", "-d", "--destination", "--src-range", "--dst-range"}:
        found = [parse_span(part) for part in value.split(",")]
        if None in found:
            return False
        good = [span for span in found if span is not None]
        made = outside(good, family(version)) if negated else spans(good)
        if word in {"-s", "--source", "--src-range"}:
            draft.add(sources=made)
        else:
            draft.add(destinations=made)
        return True
    if word in {"-p", "--protocol"}:
        protocols = _PROTOCOLS.get(value) or ((int(value),) if value.isascii() and value.isdigit() and len(value) < 4 else None)
        if value == "all":
            return True
        if protocols is None:
            return False
        draft.add(protocols=tuple(number for number in range(256) if number not in protocols) if negated else protocols)
        return True
    if word in {"--dport", "--dports", "--destination-port", "--sport", "--sports", "--source-port", "--ports"}:
        ports = [parse_port(part) for part in value.split(",")]
        if None in ports or word == "--ports":
            return False
        numbers = [span for span in ports if span is not None]
        made = outside(numbers, PORTS) if negated else spans(numbers)
        if word[2] == "d":
            draft.add(ports=made)
        else:
            draft.add(source_ports=made)
        return True
    if word in {"-i", "--in-interface", "-o", "--out-interface"}:
        names = (f"!{value}" if negated else value,)
        if word in {"-i", "--in-interface"}:
            draft.add(interfaces_in=names)
        else:
            draft.add(interfaces_out=names)
        return True
    return _extension(draft, word, value, negated)


def _extension(draft: _Line, word: str, value: str, negated: bool) -> bool:
    if word == "-m":
        return value in _NOOPS
    if word in {"--ctstate", "--state"}:
        draft.add(new=("NEW" in value.upper().split(",")) is not negated)
        return True
    if word == "--tcp-flags":
        mask, _, wanted = value.partition(" ")
        opening = {"SYN"} & set(mask.split(",")) if mask not in {"ALL", ""} else {"SYN"}  # a packet that opens a connection has SYN and no other flag
        draft.add(new=draft.held.new and ((set(wanted.split(",")) - {"NONE", ""}) == opening) is not negated)
        return True
    if word == "--syn":
        draft.add(new=draft.held.new and not negated)
        return True
    if word == "--dst-type":
        draft.add(local=(value.upper() == "LOCAL") is not negated if value.upper() == "LOCAL" else None)
        return value.upper() == "LOCAL"
    if word == "--src-type":
        draft.add(new=draft.held.new and (value.upper() != "LOCAL" or negated))
        return value.upper() == "LOCAL"
    if word == "--pkt-type":
        draft.add(new=draft.held.new and (value == "unicast") is not negated)
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


def _target(draft: _Line, value: str, *, goto: bool) -> None:
    if value in _TARGETS:
        draft.action = _TARGETS[value]
    elif value in {"DNAT", "REDIRECT"}:
        draft.action = Action.NAT
        draft.nat = draft.nat or Nat(local=value == "REDIRECT")
    elif value in _SILENT:
        draft.add(log=draft.held.log or value in {"LOG", "NFLOG", "ULOG"})
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
