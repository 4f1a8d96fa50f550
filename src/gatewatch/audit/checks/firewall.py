"""What packet filters let in: remote services reachable from the internet, published containers, open defaults, IPv6 beside IPv4."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from gatewatch.audit.check import Check, Ground, Need, Verdict, cis, nist, stig
from gatewatch.audit.reach.match import INNER
from gatewatch.audit.reach.query import Answer, Reach
from gatewatch.audit.reach.span import meet, of_address, shown, size
from gatewatch.audit.reach.zone import internet
from gatewatch.schema.facts.base import Facts, Where
from gatewatch.schema.facts.filter import FOUR_SPAN, SIX, SIX_SPAN, Action, PacketFilter, Rule, Spans
from gatewatch.schema.facts.machine import Listener, System
from gatewatch.schema.facts.route import Forwarding, Route
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure
from gatewatch.schema.port import GATEWAYS, service_of

_LINUX = frozenset({"nftables", "iptables", "ip6tables"})
_RULESET = "sudo nft list ruleset > EVIDENCE/commands/nft-list-ruleset.txt, and iptables-save, ip6tables-save"
_ANY_FILTER = Need((PacketFilter,), _RULESET, systems=(System.LINUX,))
_FILTER = Need((PacketFilter,), _RULESET, when=lambda one: one.platform in _LINUX, systems=(System.LINUX,))
_SOCKETS = Need((Listener,), "sudo ss -lntup > EVIDENCE/commands/ss.txt", when=lambda one: one.seen, systems=(System.LINUX,))
_BESIDE = ("raw ", "mangle ", "nat ")  # tables in which a policy lets pass by custom
_CONDITIONS = ("sources", "destinations", "protocols", "ports", "source_ports", "interfaces_in", "interfaces_out", "local")
_LOCKOUT = "A rule that drops can end the session you work in: allow the management network first, and roll back by a timer (at now + 5 minutes)."


def describe(answer: Answer) -> str:
    """Return who can connect, in words."""
    who = answer.sure or answer.may
    four, six = meet(who, (FOUR_SPAN,)), meet(who, (SIX_SPAN,))
    ranges = ", ".join(shown(who, 4))
    count = f"{size(four):,} IPv4 addresses" if four else ""
    count += (" and " if count and six else "") + ("IPv6 addresses" if six else "")
    verb = {"yes": "can be reached", "may": "may be reached"}[answer.verdict]
    return f"{verb} from the internet by {count}: {ranges}"


def _allowed(ground: Ground, host: str, protocol: str, port: int, service: str) -> str:
    """Return why a port may be reachable from outside; empty when nobody says so."""
    asset = ground.site.posture.asset(host)
    if asset is not None and any(one.holds(protocol, port) for one in asset.allow):
        return "the site allows it in [assets]"
    if service in GATEWAYS and host in ground.site.posture.concentrators:
        return "the host is a concentrator of the site"
    return ""


def _remote(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    reach = ground.reach(facts)
    outside = internet(ground.site)
    told: set[tuple[str, str, int]] = set()
    for listener in facts.of(Listener):
        service = listener.service or service_of(listener.port, listener.protocol)
        key = (listener.host, listener.protocol, listener.port)
        if not service or key in told or not listener.seen:
            continue
        told.add(key)
        yield _judged(reach, outside, facts, ground, listener, service)
    if not told:
        hosts = list(dict.fromkeys(one.host for one in facts.of(Listener)))
        for host in hosts:
            yield Verdict(status=Status.PASS, host=host, message="no remote service listens", resolved="every listening socket was looked at")


def _judged(reach: Reach, outside: Spans, facts: Facts, ground: Ground, listener: Listener, service: str) -> Verdict:
    subject = f"{service} {listener.protocol}/{listener.port}"
    if listener.loopback:
        status, said, resolved, places = Status.PASS, f"{subject} listens on loopback only", "", listener.where
    else:
        outside = _heard(outside, facts, listener)
        answer = reach.ask(outside, listener.host, listener.port, listener.protocol)
        if answer.verdict == "may":
            first = ground.reach(facts, fresh=True).ask(outside, listener.host, listener.port, listener.protocol)
            if first.verdict == "yes":
                answer = replace(first, notes=(*first.notes, "but for a limit of rates, which keeps nobody out"))
        places = _places(answer, listener)
        resolved = "rules of " + ", ".join(answer.devices) if answer.devices else "no packet filter in the evidence"
        if answer.verdict == "no":
            status, said = Status.PASS, f"{subject} cannot be reached from the internet"
        else:
            why = _allowed(ground, listener.host, listener.protocol, listener.port, service)
            status = Status.PASS if why else Status.FAIL if answer.verdict == "yes" else Status.UNKNOWN
            said = "; ".join([f"{subject} {describe(answer)}", *answer.notes, *([why] if why else [])])
    return Verdict(
        status=status, host=listener.host, message=said, value=f"{listener.address}:{listener.port} ({listener.process or 'unknown program'})",
        resolved=resolved, where=places, service=service, subject=subject, as_of=listener.as_of,
    )  # fmt: skip


def _heard(outside: Spans, facts: Facts, listener: Listener) -> Spans:
    """Return whom of *outside* the sockets of a port can hear: one bound to an IPv4 address hears no IPv6."""
    bound = [one.address for one in facts.of(Listener, listener.host) if one.seen and (one.port, one.protocol) == (listener.port, listener.protocol)]
    four = all(of_address(text) is not None and "." in text and ":" not in text for text in bound)
    return meet(outside, (FOUR_SPAN,)) if four else outside


def _places(answer: Answer, listener: Listener) -> tuple[Where, ...]:
    deciding = [step.where for step in answer.steps if (step.action in {Action.ACCEPT, Action.NAT}) == (answer.verdict != "no")]
    return (*dict.fromkeys(deciding[:3]), *listener.where)


def _published(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    """Judge every translation on a Linux host that leads the internet to something behind it: Docker publishes ports so."""
    reach = ground.reach(facts)
    outside = internet(ground.site)
    for rules in facts.of(PacketFilter):
        if rules.platform not in _LINUX:
            continue
        nats = [rule for chain in rules.chains for rule in chain.rules if rule.action is Action.NAT and rule.nat is not None and not rule.nat.local]
        if not nats:
            yield Verdict(status=Status.PASS, host=rules.host, message=f"{rules.platform}: no port is published", where=rules.where[:1])
        for rule in nats:
            port = rule.ports[0][0] if rule.ports else 0
            protocol = "udp" if rule.protocols == (17,) else "tcp"
            answer = reach.ask(outside, rules.host, port, protocol)
            service = service_of(port, protocol)
            subject = f"published {protocol}/{port}"
            target = ", ".join(shown(rule.nat.addresses or (), 2)) if rule.nat is not None else ""
            allowed = _allowed(ground, rules.host, protocol, port, service)
            said = f"{subject} leads to {target}, past the input hook; it " + ("cannot be reached" if answer.verdict == "no" else describe(answer))
            good = answer.verdict == "no" or bool(allowed)
            yield Verdict(
                status=Status.PASS if good else Status.FAIL if answer.verdict == "yes" else Status.UNKNOWN,
                host=rules.host, message=said + (f"; {allowed}" if allowed else ""), service=service, subject=subject, where=(rule.where,),
                value=f"to {target}", resolved="prerouting, then forward", as_of=rules.as_of,
                severity=Severity.CRITICAL if service and not good else None,
            )  # fmt: skip


def _default(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for rules in facts.of(PacketFilter):
        if rules.platform in _LINUX:
            yield _open_or_closed(rules, "input", "let in")
            yield from _passed_on(rules, facts)


def _passed_on(rules: PacketFilter, facts: Facts) -> Iterator[Verdict]:
    """Judge the forward hook of whatever is a router: its rules show it, the kernel says so, or it stands in several networks."""
    kernel = next(iter(facts.of(Forwarding, rules.host)), None)
    says = [flag for span, flag in ((FOUR_SPAN, kernel.four), (SIX_SPAN, kernel.six)) if meet(rules.covers, (span,))] if kernel is not None else []
    faces = dict.fromkeys(one.interface for one in facts.of(Route, rules.host) if one.own >= 0 and not one.interface.startswith(INNER))
    if kernel is not None and says and all(flag is False for flag in says):
        yield Verdict(
            status=Status.NOT_APPLICABLE, host=rules.host, message=f"{rules.platform}, forward: the kernel passes nothing on",
            subject=f"{rules.platform} forward", where=kernel.where, as_of=rules.as_of,
        )  # fmt: skip
    elif _routes(rules) or True in says:
        yield _open_or_closed(rules, "forward", "passed on")
    elif len(faces) > 1:
        verdict = _open_or_closed(rules, "forward", "passed on")
        if verdict.status is Status.FAIL:
            why = f"it stands behind {', '.join(list(faces)[:4])}, and whether it passes packets on is not in the evidence (sysctl)"
            verdict = replace(verdict, status=Status.UNKNOWN, message=f"{verdict.message}, if any is: {why}")
        yield verdict


def _open_or_closed(rules: PacketFilter, hook: Literal["input", "forward"], allowed: str) -> Verdict:
    by_name = {chain.name: chain for chain in rules.chains}
    bases = [by_name[name] for name in getattr(rules, hook) if name in by_name and not name.startswith(_BESIDE)]
    closed = [chain for chain in bases if chain.policy is Action.DROP or _ends_in_drop(chain.rules)]
    family = "IPv6" if rules.covers == (SIX_SPAN,) else "IPv4" if rules.covers == (FOUR_SPAN,) else "both families"
    said = f"{rules.platform} ({family}), {hook}: what no rule allows is " + ("dropped" if closed else allowed)
    chain = next(iter(closed or bases), None)
    return Verdict(
        status=Status.PASS if closed and not rules.incomplete else Status.UNKNOWN if rules.incomplete else Status.FAIL,
        host=rules.host, message=said + (f"; {rules.incomplete}" if rules.incomplete else ""), subject=f"{rules.platform} {hook}",
        where=(chain.where,) if chain is not None and chain.where is not None else rules.where[:1],
        value=f"policy {chain.policy}" if chain is not None and chain.policy is not None else f"no {hook} chain", as_of=rules.as_of,
    )  # fmt: skip


def _routes(rules: PacketFilter) -> bool:
    """Return whether the rules show that the host passes packets on: they decide on some, translate them, or lead them to something behind it."""
    passing = {"nat POSTROUTING", *(name for name in rules.forward if not name.startswith(_BESIDE))}
    return any(
        (chain.name in passing and bool(chain.rules))
        or any(rule.action is Action.NAT and rule.nat is not None and not rule.nat.local for rule in chain.rules)
        for chain in rules.chains
    )


def _ends_in_drop(rules: tuple[Rule, ...]) -> bool:
    return any(rule.action is Action.DROP and not rule.unknown and all(getattr(rule, name) is None for name in _CONDITIONS) for rule in rules)


def _six(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for host in dict.fromkeys(one.host for one in facts.of(PacketFilter) if one.platform in _LINUX):
        mine = [one for one in facts.of(PacketFilter, host) if one.platform in _LINUX]
        four = any(_filters(one, 0) for one in mine)
        six = [one for one in mine if meet(one.covers, (SIX_SPAN,))]
        where = mine[0].where[:1]
        if not four:
            yield Verdict(status=Status.NOT_APPLICABLE, host=host, message="IPv4 is not filtered either", where=where)
        elif not six:
            yield Verdict(status=Status.UNKNOWN, host=host, message="IPv4 is filtered; what filters IPv6 is not in the evidence", where=where)
        elif any(_filters(one, SIX) for one in six):
            yield Verdict(status=Status.PASS, host=host, message="IPv6 is filtered as IPv4 is", where=six[0].where[:1])
        else:
            yield Verdict(status=Status.FAIL, host=host, message="IPv4 is filtered and IPv6 is let in", where=six[0].where[:1])


def _filters(rules: PacketFilter, family: int) -> bool:
    """Return whether an input chain drops what nothing allows, in the family that begins at *family*."""
    span = (family, family)
    if not meet(rules.covers, (span,)):
        return False
    by_name = {chain.name: chain for chain in rules.chains}
    for chain in (by_name[name] for name in rules.input if name in by_name):
        first = chain.rules[0] if chain.rules else None
        skipped = first is not None and first.action is Action.ACCEPT and first.sources is not None and bool(meet(first.sources, (span,)))
        if not skipped and (chain.policy is Action.DROP or _ends_in_drop(chain.rules)):
            return True
    return False


CHECKS: tuple[Check, ...] = (
    Check(
        id="M1030.5-01",
        title="Firewall: what no rule allows is dropped",
        about="A base chain on the input hook has policy drop or ends in an unconditional drop; of a router, one on forward too.",
        measures=(Measure.FIREWALL,),
        severity=Severity.HIGH,
        needs=(_FILTER,),
        judge=_default,
        remediation=Remediation("Set the policy of input, and on a router of forward, to drop, after rules for what is meant to pass.", "", _LOCKOUT),
        mappings=(*nist("SC-7(5)", "CM-7"), *cis("Debian 12", "1.1.0", "4.3.8", "4.4.2.1"), *stig("RHEL 9", "RHEL-09-251020 (V-257937)")),
        references=("nft(8)", "iptables(8)"),
    ),
    Check(
        id="M1030.5-02",
        title="No remote service can be reached from the internet unless the site says so",
        about="For each listening remote service, no address of the internet gets through the packet filters, or the site allows it.",
        measures=(Measure.FIREWALL, Measure.REMOTE_ACCESS, Measure.NETWORK_SERVICE),
        severity=Severity.CRITICAL,
        needs=(_SOCKETS, _ANY_FILTER),
        judge=_remote,
        remediation=Remediation("Let only the management network or the VPN reach it, or declare it in [assets] allow.", "", _LOCKOUT),
        mappings=(*nist("AC-17(3)", "SC-7", "SC-7(5)"), *cis("Debian 12", "1.1.0", "2.1.22", "4.2.6")),
        references=("ATT&CK T1133",),
    ),
    Check(
        id="M1030.5-03",
        title="Published container ports are meant to be reachable",
        about="No port that is translated to another address (as Docker publishes them, past the input hook) is reachable, or the site allows it.",
        measures=(Measure.FIREWALL, Measure.MICROSEGMENTATION),
        severity=Severity.HIGH,
        needs=(_FILTER,),
        judge=_published,
        remediation=Remediation(
            "Publish on an inner address (-p 127.0.0.1:8080:80), or filter in the chain DOCKER-USER; ufw and the input chain do not see it.",
            "iptables -I DOCKER-USER -i eth0 ! -s 10.0.0.0/8 -j DROP",
        ),
        mappings=nist("SC-7", "SC-7(5)", "CM-7"),
        references=("Docker Engine: packet filtering and firewalls",),
    ),
    Check(
        id="M1030.1-05",
        title="IPv6 is filtered where IPv4 is",
        about="A host whose IPv4 input is filtered filters IPv6 input too.",
        measures=(Measure.CRITICAL_SYSTEMS, Measure.FIREWALL),
        severity=Severity.HIGH,
        needs=(_FILTER,),
        judge=_six,
        remediation=Remediation("Put the rules into a table of family inet, or load the same with ip6tables.", "", _LOCKOUT),
        mappings=(*nist("SC-7"), *cis("Debian 12", "1.1.0", "4.4.3.1")),
        references=("nft(8)", "ip6tables(8)"),
    ),
)
