"""Web proxies: whether Tor, and the domains of remote-access tools and tunnels, can be reached through them; lists of Tor nodes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from gatewatch.audit.check import Check, Ground, Need, Verdict, nist
from gatewatch.audit.checks.cloud import classes
from gatewatch.audit.proxy import CLIENT, Passage, Request, ask
from gatewatch.audit.reach.flow import Engine, Packet
from gatewatch.audit.reach.query import arrive
from gatewatch.audit.reach.span import address, join, less, meet, normal, size
from gatewatch.audit.reach.zone import internet
from gatewatch.schema.facts.base import Facts, Where
from gatewatch.schema.facts.filter import TCP, PacketFilter, Spans
from gatewatch.schema.facts.web import ProxyPolicy, TorList
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure
from gatewatch.schema.port import remote_ports
from gatewatch.site.posture import TorStance

NEED = Need((ProxyPolicy,), "cp -r /etc/squid EVIDENCE/etc/")
_LIST = Need((TorList,), "the list of Tor nodes your proxy or firewall was fed with, as EVIDENCE/commands/tor-exit-addresses.txt")
ONION = ("abcdefghijklmnop234567abcdefghijklmnop234567abcdefghijkl.onion",)
TOR2WEB = ("abc.onion.to", "abc.onion.ws", "abc.onion.ly", "abc.tor2web.org", "abc.onion.pet")
PROJECT = ("www.torproject.org", "dist.torproject.org")
TOOLS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("anydesk", ("anydesk.com", "relays.net.anydesk.com")), ("teamviewer", ("www.teamviewer.com", "router1.teamviewer.com")),
    ("screenconnect", ("example.screenconnect.com",)), ("splashtop", ("my.splashtop.com",)), ("rustdesk", ("rustdesk.com",)),
    ("atera", ("app.atera.com",)), ("ngrok", ("abc.ngrok.io", "abc.ngrok-free.app")), ("cloudflared", ("abc.trycloudflare.com",)),
    ("dwservice", ("www.dwservice.net",)),
)  # fmt: skip
"""Remote-access tools and tunnels, with domains their programs talk to."""
STALE_DAYS, LEAST = 1, 500
FORBIDDEN_PORTS = (22, 23, 445, 3389, 5900, 5985, 9001, 9050)


def stance(ground: Ground, host: str, where: tuple[Where, ...]) -> Verdict | None:
    """Return the verdict of a site that chose to watch Tor, not to block it."""
    if ground.site.posture.tor is not TorStance.MONITOR:
        return None
    said = "the site's stance is to watch Tor, not to block it ([audit] tor = 'monitor')"
    return Verdict(status=Status.NOT_APPLICABLE, host=host, message=said, where=where[:1], service="tor")


def _probe(policy: ProxyPolicy, domains: tuple[str, ...]) -> tuple[list[str], list[str], Passage | None]:
    """Return the domains some client reaches, those one may reach, and the passage that decides the first of them."""
    reached: list[str] = []
    perhaps: list[str] = []
    deciding: Passage | None = None
    for domain in domains:
        answers = [ask(policy, Request(method, domain, port)) for method, port in (("CONNECT", 443), ("GET", 80))]
        worst = next((one for one in answers if one.allowed), None) or next((one for one in answers if one.allowed is None), None)
        if worst is None:
            deciding = deciding or answers[0]
            continue
        (reached if worst.allowed else perhaps).append(domain)
        if deciding is None or len(reached) + len(perhaps) == 1:
            deciding = worst
    return reached, perhaps, deciding


def _verdict(policy: ProxyPolicy, subject: str, domains: tuple[str, ...], what: str) -> Verdict:
    reached, perhaps, deciding = _probe(policy, domains)
    doubt = policy.incomplete
    unsure = bool(doubt) or (not reached and bool(perhaps))
    status = Status.UNKNOWN if unsure else Status.FAIL if reached else Status.PASS
    shown = ", ".join((reached or perhaps)[:4])
    said = f"{what}: {shown} {'can' if reached else 'may'} be reached through it" if reached or perhaps else f"{what}: refused to every client"
    place = (deciding.rule.where,) if deciding is not None and deciding.rule is not None else policy.where
    return Verdict(
        status=status, host=policy.host, message=f"{said}; {doubt}" if doubt else said, subject=subject, value=shown,
        resolved=f"{len(domains)} names put to the rules, for every kind of client", where=place, as_of=policy.as_of, service="proxy",
    )  # fmt: skip


def _tor(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    for policy in facts.of(ProxyPolicy):
        watched = stance(ground, policy.host, policy.where)
        if watched is not None:
            yield watched
            continue
        for subject, domains, what in (("onion", ONION, "onion services"), ("tor2web", TOR2WEB, "gateways to onion services"),
                                       ("tor project", PROJECT, "the Tor browser's downloads")):  # fmt: skip
            yield _verdict(policy, subject, domains, what)


def _nodes(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    lists = facts.of(TorList)
    known = normal(span for one in lists for span in one.addresses)
    sample = [str(address(low)) for low, _ in known[:: max(len(known) // 40, 1)]]
    for policy in facts.of(ProxyPolicy):
        watched = stance(ground, policy.host, policy.where)
        if watched is None and not known:
            yield _unlisted(policy)
            continue
        yield watched if watched is not None else _verdict(policy, "tor nodes", tuple(sample), f"{len(sample)} nodes of the list")


def _unlisted(policy: ProxyPolicy) -> Verdict:
    """Return what is said of Tor nodes where no list of them is in the evidence: a proxy that looks at no address lets all of them through."""
    denied = {name for rule in policy.rules if not rule.allow for name, _ in rule.terms}
    looks = any((acl := policy.acl(name)) is not None and acl.kind not in CLIENT | _BLIND for name in denied)
    passage = ask(policy, Request("CONNECT", "203.0.113.77", 443))
    sure = bool(passage.allowed) and not looks and not policy.incomplete
    said = "no rule looks at where a request goes, so nodes of Tor are reached as any address is" if sure else f"no evidence: {_LIST.collect}"
    place = (passage.rule.where,) if passage.rule is not None else policy.where
    return Verdict(
        status=Status.FAIL if sure else Status.UNKNOWN, host=policy.host, message=said, subject="tor nodes", where=place, as_of=policy.as_of,
        service="proxy", resolved="an address no rule names, put to the rules",
    )  # fmt: skip


_BLIND = frozenset({"port", "method", "proto", "urlpath_regex", "req_header", "req_mime_type", "rep_mime_type", "rep_header"})


def _tools(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    allowed = {one.casefold() for one in ground.site.posture.remote_tools}
    for policy in facts.of(ProxyPolicy):
        domains = tuple(domain for name, listed in TOOLS if name not in allowed for domain in listed)
        yield _verdict(policy, "remote tools", domains, "remote-access tools and tunnels")


def _default(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for policy in facts.of(ProxyPolicy):
        last = policy.rules[-1] if policy.rules else None
        closed = last is None or (not last.allow and last.terms in {(("all", False),), ()})
        opened = next((one for one in policy.rules if one.allow and one.terms == (("all", False),)), None)
        good = closed and opened is None
        bad = "everybody is allowed everything" if opened is not None else "the last rule is not deny all"
        said = "what no rule allows is refused" if good else bad
        place = opened.where if opened is not None else last.where if last is not None else policy.where[0]
        yield Verdict(
            status=Status.UNKNOWN if policy.incomplete else Status.PASS if good else Status.FAIL, host=policy.host, subject="default",
            message=f"{said}; {policy.incomplete}" if policy.incomplete else said, where=(place,), as_of=policy.as_of, service="proxy",
            value="allow all" if opened is not None else "", resolved="rules in order",
        )  # fmt: skip


def _connect(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for policy in facts.of(ProxyPolicy):
        answers = [(port, ask(policy, Request("CONNECT", "host.example.net", port))) for port in FORBIDDEN_PORTS]
        reached = [port for port, one in answers if one.allowed]
        perhaps = [port for port, one in answers if one.allowed is None]
        first = next((one for _, one in answers if one.allowed or one.allowed is None), answers[0][1])
        unsure = bool(policy.incomplete) or (not reached and bool(perhaps))
        said = f"tunnels to ports {', '.join(map(str, reached or perhaps))} {'are' if reached else 'may be'} let through" if reached or perhaps else (
            "no tunnel to a port of a remote service is let through"
        )  # fmt: skip
        yield Verdict(
            status=Status.UNKNOWN if unsure else Status.FAIL if reached else Status.PASS, host=policy.host, subject="CONNECT", service="proxy",
            message=f"{said}; {policy.incomplete}" if policy.incomplete else said, value=", ".join(map(str, reached)),
            resolved="CONNECT put to the rules for each port", where=(first.rule.where,) if first.rule is not None else policy.where,
            as_of=policy.as_of,
        )  # fmt: skip


def _logged(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for policy in facts.of(ProxyPolicy):
        status = {True: Status.PASS, False: Status.FAIL, None: Status.UNKNOWN}[policy.log_denied]
        said = {True: "refused requests are logged", False: "nothing is logged", None: "only requests of some lists are logged"}[policy.log_denied]
        where = (policy.log_place,) if policy.log_place is not None else policy.where
        yield Verdict(
            status=status, host=policy.host, message=said, subject="access_log", where=where, as_of=policy.as_of, service="proxy",
            resolved="access_log" if policy.log_place is not None else "default of Squid",
        )  # fmt: skip


def _fresh(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    for one in facts.of(TorList):
        try:
            age = (ground.today - date.fromisoformat(one.day)).days if one.day else None
        except ValueError:
            age = None
        few = one.count < LEAST
        status = Status.FAIL if few or (age is not None and age > STALE_DAYS) else Status.UNKNOWN if age is None or age < 0 else Status.PASS
        said = f"{one.count} nodes, {f'{age} days old' if age is not None else 'of an unknown day'}"
        said += f"; fewer than {LEAST}: cut off or another list" if few else ""
        yield Verdict(
            status=status, host=one.host, message=said, subject=one.kind, value=one.day, where=one.where, as_of=one.as_of, service="tor",
            resolved="the day the list itself says",
        )  # fmt: skip


_PLATFORMS = frozenset({"nftables", "iptables", "ip6tables", "asa", "fortios", "panos", "pf", "windows"})


def _firewall(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    tor = normal(span for one in facts.of(TorList) for span in one.addresses)
    outside = internet(ground.site)
    ports = (("tcp", 443), *(one for one in remote_ports() if one[0] == "tcp"))
    for rules in facts.of(PacketFilter):
        if rules.platform not in _PLATFORMS:
            continue
        watched = stance(ground, rules.host, rules.where)
        if watched is not None:
            yield watched
            continue
        yield _filtered(rules, meet(tor, rules.covers), meet(outside, rules.covers), ports)
    if not any(rules.platform in _PLATFORMS for rules in facts.of(PacketFilter)):
        yield Verdict(status=Status.UNKNOWN, host="(site)", message="no packet filter that could hold a list of addresses is in the evidence")


def _filtered(rules: PacketFilter, tor: Spans, outside: Spans, ports: tuple[tuple[str, int], ...]) -> Verdict:
    engine = Engine(rules)
    let: Spans = ()
    perhaps: Spans = ()
    opened: list[int] = []
    places: list[Where] = []
    for group in classes([rules], ports):
        port = group[0][1]
        anyone = arrive(engine, outside, Packet(TCP, port, None, local=True))
        if not anyone.accepted:
            continue
        opened += [each[1] for each in group]
        mine = arrive(engine, tor, Packet(TCP, port, None, local=True))
        sure = less(mine.accepted, mine.dropped)
        let, perhaps = join(let, sure), join(perhaps, less(mine.accepted, sure))
        places += [step.where for step in mine.steps if step.action == "accept"][:1]
    if not opened:
        status, said = Status.PASS, "nothing that listens is let in from the internet, Tor included"
    elif let:
        status, said = Status.FAIL, f"{size(let)} of {size(tor)} Tor nodes reach ports {', '.join(map(str, opened[:6]))}"
    elif perhaps:
        status, said = Status.UNKNOWN, f"{size(perhaps)} of {size(tor)} Tor nodes may reach ports {', '.join(map(str, opened[:6]))}"
    else:
        status, said = Status.PASS, f"all {size(tor)} Tor nodes of the list are refused, though others reach ports {', '.join(map(str, opened[:6]))}"
    return Verdict(
        status=status, host=rules.host, message=said, subject=f"{rules.platform} {rules.name}".strip(), service="tor",
        resolved="every node of the list put to the rules", where=tuple(dict.fromkeys(places))[:3] or rules.where[:1], as_of=rules.as_of,
    )  # fmt: skip


_SQUID = (
    'acl tor dstdomain .onion .onion.to .torproject.org\nacl tor_nodes dst "/etc/squid/tor.txt"\nhttp_access deny tor\n'
    "http_access deny tor_nodes"
)
CHECKS: tuple[Check, ...] = (
    Check(
        id="M1021.1-01a", title="Web proxy: onion services and their gateways are refused",
        about="Names of .onion, of gateways to it and of the Tor project are refused to every kind of client.",
        measures=(Measure.WEB_PROXY,), severity=Severity.HIGH, needs=(NEED,), judge=_tor,
        remediation=Remediation("Deny the domains above the first allow.", _SQUID), mappings=nist("SC-7(8)", "SI-4", "AC-4"),
        references=("CISA AA20-183A", "Squid: http_access"),
    ),
    Check(
        id="M1021.1-01b", title="Web proxy: remote-access tools and tunnels are refused",
        about="Domains of remote-access tools and tunnels that the site does not allow (remote_tools) are refused to every kind of client.",
        measures=(Measure.WEB_PROXY,), severity=Severity.HIGH, needs=(NEED,), judge=_tools,
        remediation=Remediation("Deny the domains above the first allow; allow those the site uses in [audit] remote_tools."),
        mappings=nist("SC-7(8)", "CM-7(5)"), references=("Squid: http_access",),
    ),
    Check(
        id="M1021.1-01c", title="Web proxy: Tor nodes are refused",
        about="Nodes of the list of Tor nodes are refused to every kind of client.",
        measures=(Measure.WEB_PROXY,), severity=Severity.HIGH, needs=(NEED,), judge=_nodes,
        remediation=Remediation("Deny the list of nodes above the first allow, and renew it every day.", _SQUID),
        mappings=nist("SC-7(8)", "SI-4", "AC-4"), references=("CISA AA20-183A",),
    ),
    Check(
        id="M1021.1-02a", title="Web proxy: what no rule allows is refused",
        about="The last http_access is deny all, and none is allow all.",
        measures=(Measure.WEB_PROXY,), severity=Severity.HIGH, needs=(NEED,), judge=_default,
        remediation=Remediation("End with http_access deny all.", "http_access deny all"), mappings=nist("SC-7(5)", "CM-7"),
        references=("Squid: http_access",),
    ),
    Check(
        id="M1021.1-02b", title="Web proxy: no tunnels to remote services",
        about="CONNECT to ports of remote services (22, 23, 445, 3389, 5900, 5985, 9001, 9050) is refused to every kind of client.",
        measures=(Measure.WEB_PROXY,), severity=Severity.HIGH, needs=(NEED,), judge=_connect,
        remediation=Remediation("Deny CONNECT to all but the ports of TLS.", "http_access deny CONNECT !SSL_ports"),
        mappings=nist("SC-7(5)", "CM-7"), references=("Squid: http_access",),
    ),
    Check(
        id="M1021.1-04", title="Firewall: Tor nodes are refused",
        about="No node of the list of Tor nodes reaches a port that is open to the internet.",
        measures=(Measure.WEB_PROXY, Measure.FIREWALL), severity=Severity.HIGH, needs=(Need((PacketFilter,), "the firewall's rules"), _LIST),
        judge=_firewall,
        remediation=Remediation("Drop a set of Tor nodes before every rule that accepts, and renew it every day.",
                                "nft add rule inet filter input ip saddr @tor drop", "Who works over Tor is cut off."),
        mappings=nist("SC-7", "SC-7(5)"), references=("CISA AA20-183A",),
    ),
    Check(
        id="M1021.1-05", title="The list of Tor nodes is whole and of today",
        about="It holds at least 500 nodes and is at most a day old.",
        measures=(Measure.WEB_PROXY, Measure.WEB_ALERT), severity=Severity.MEDIUM, needs=(_LIST,), judge=_fresh,
        remediation=Remediation("Fetch the list by a timer every hour, and alert when it fails."), mappings=nist("SI-4", "SI-5"),
        references=("Tor Project: exit lists",),
    ),
    Check(
        id="M1021.1-06", title="Web proxy: what it refuses is logged",
        about="An access_log takes every request.",
        measures=(Measure.WEB_PROXY, Measure.WEB_ALERT), severity=Severity.LOW, needs=(NEED,), judge=_logged,
        remediation=Remediation("Log every request.", "access_log daemon:/var/log/squid/access.log"), mappings=nist("AU-2", "AU-12"),
        references=("Squid: access_log",),
    ),
)  # fmt: skip
