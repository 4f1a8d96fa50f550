"""Resolvers: whether .onion, gateways to it, and the canary of DNS over HTTPS are answered here; response policy zones; who asks whom."""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.audit.check import Check, Ground, Need, Verdict, nist
from gatewatch.audit.checks.web_proxy import ONION, TOOLS, TOR2WEB, stance
from gatewatch.schema.facts.base import Facts, Where
from gatewatch.schema.facts.web import DnsFilter, DnsZone, PolicyZone, ResolverUse
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure

NEED = Need((DnsFilter,), "cp -r /etc/unbound (or /etc/bind, /etc/dnsmasq.d) EVIDENCE/etc/")
CANARY = "use-application-dns.net"
"""A name whose missing answer tells browsers that a network filters its DNS; Firefox then leaves DNS over HTTPS off."""


def answers(resolver: DnsFilter, domain: str) -> tuple[bool | None, str, Where | None]:
    """Return whether *domain* is kept from clients (None: not known), how, and where that stands: the closest zone, then policy zones."""
    best: DnsZone | None = None
    for zone in resolver.zones:
        inside = domain == zone.name or domain.endswith("." + zone.name)
        if inside and (best is None or len(zone.name) >= len(best.name)):
            best = zone
    if best is not None and best.blocks is not False:
        return best.blocks, best.how, best.where
    doubt: PolicyZone | None = None
    for policy in resolver.policies:
        if not policy.acts:
            continue
        if policy.names is None or policy.fault:
            doubt = doubt or policy
            continue
        found = _blocked(policy, domain)
        if found is not None:
            return found, f"policy zone {policy.name}", policy.where
    if doubt is not None:
        return None, f"policy zone {doubt.name}: {doubt.fault}", doubt.where
    return (None, resolver.incomplete, None) if resolver.incomplete else (False, "asked of other servers", best.where if best is not None else None)


def _blocked(policy: PolicyZone, domain: str) -> bool | None:
    known = dict(policy.names or ())
    if domain in known:
        return known[domain]
    parts = domain.split(".")
    return next((known[name] for at in range(1, len(parts)) if (name := "*." + ".".join(parts[at:])) in known), None)


def _asked(resolver: DnsFilter, domains: tuple[str, ...], subject: str) -> Verdict:
    found = [(domain, *answers(resolver, domain)) for domain in domains]
    open_ = [one for one in found if one[1] is False]
    unsure = [one for one in found if one[1] is None]
    first = (open_ or unsure or found)[0]
    status = Status.FAIL if open_ else Status.UNKNOWN if unsure else Status.PASS
    said = f"{len(found)} names are answered here: {first[2]}"
    if open_ or unsure:
        said = f"{', '.join(one[0] for one in (open_ or unsure)[:4])}: {first[2]}"
    return Verdict(
        status=status, host=resolver.host, subject=f"{resolver.product} {subject}", message=said, service="dns", value=first[0],
        resolved="closest local zone, then policy zones in order", where=(first[3],) if first[3] is not None else resolver.where,
        as_of=resolver.as_of,
    )  # fmt: skip


def _onion(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    for resolver in facts.of(DnsFilter):
        yield stance(ground, resolver.host, resolver.where) or _asked(resolver, ONION, "onion")


def _gateways(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    for resolver in facts.of(DnsFilter):
        yield stance(ground, resolver.host, resolver.where) or _asked(resolver, TOR2WEB, "tor2web")


def _canary(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for resolver in facts.of(DnsFilter):
        yield _asked(resolver, (CANARY,), "canary")


def _policy(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    allowed = {one.casefold() for one in ground.site.posture.remote_tools}
    wanted = [*TOR2WEB, *(listed[0] for name, listed in TOOLS if name not in allowed)]
    for resolver in facts.of(DnsFilter):
        if not resolver.policies:
            said = "no response policy zone is used"
            status = Status.UNKNOWN if resolver.incomplete else Status.NOT_APPLICABLE if resolver.product == "dnsmasq" else Status.FAIL
            said = "dnsmasq knows no response policy zones" if resolver.product == "dnsmasq" else said
            yield Verdict(status=status, host=resolver.host, subject=resolver.product, message=said, where=resolver.where[:1], as_of=resolver.as_of)
        for zone in resolver.policies:
            missing = [name for name in wanted if zone.names is not None and _blocked(zone, name) is not True]
            faults = [
                "its rules are not applied" if not zone.acts else "", zone.fault if zone.names is not None or not zone.acts else "",
                "" if zone.logged else "hits are not logged", f"lets through {', '.join(missing[:4])}" if missing else "",
            ]  # fmt: skip
            faults = [one for one in faults if one]
            status = Status.FAIL if faults else Status.UNKNOWN if zone.names is None else Status.PASS
            yield Verdict(
                status=status, host=resolver.host, subject=f"{resolver.product} {zone.name}", service="dns",
                message="; ".join(faults) or (zone.fault if zone.names is None else f"{len(zone.names)} triggers, applied and logged"),
                resolved="policy of the zone and its file", where=(zone.where,) if zone.where is not None else resolver.where, as_of=resolver.as_of,
            )  # fmt: skip


def _used(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    wanted = set(ground.site.posture.resolvers)
    for use in facts.of(ResolverUse):
        own = [one for one in use.servers if one.startswith("127.") or one == "::1"]
        odd = [one for one in use.servers if one not in wanted and one not in own]
        filtered = bool(facts.of(DnsFilter, use.host))
        status = Status.MANUAL if not wanted and odd else Status.FAIL if odd else Status.PASS if not own or filtered else Status.UNKNOWN
        said = f"asks {', '.join(odd)}, no resolver of the site" if odd else "asks the site's resolvers only"
        if not wanted and odd:
            said = f"asks {', '.join(odd)}; declare the site's resolvers in [audit] resolvers"
        elif own and not odd and not filtered:
            said = "asks a resolver of its own, whose settings are not in the evidence"
        yield Verdict(
            status=status, host=use.host, message=said, subject="resolvers", value=", ".join(use.servers), where=use.where, as_of=use.as_of,
            service="dns", resolved="as written",
        )  # fmt: skip


CHECKS: tuple[Check, ...] = (
    Check(
        id="M1021.2-01a", title="DNS: .onion is answered here", about="The resolver answers names of .onion itself and asks nobody (RFC 7686).",
        measures=(Measure.DNS_FILTER,), severity=Severity.MEDIUM, needs=(NEED,), judge=_onion,
        remediation=Remediation("Answer the zone onion locally.", 'local-zone: "onion." always_nxdomain'), mappings=nist("SC-20", "SC-21", "SI-4"),
        references=("RFC 7686",),
    ),
    Check(
        id="M1021.2-01b", title="DNS: gateways to onion services are blocked", about="Names of gateways to onion services lead nowhere.",
        measures=(Measure.DNS_FILTER,), severity=Severity.MEDIUM, needs=(NEED,), judge=_gateways,
        remediation=Remediation("Block the gateways.", 'local-zone: "onion.to." always_nxdomain'), mappings=nist("SC-7", "SI-4"),
        references=("CISA AA20-183A",),
    ),
    Check(
        id="M1021.2-02", title="DNS: a response policy zone is applied and logged",
        about="A policy zone is loaded, applied, logged, and blocks gateways to onion services and remote-access tools the site does not allow.",
        measures=(Measure.DNS_FILTER, Measure.WEB_ALERT), severity=Severity.MEDIUM, needs=(NEED,), judge=_policy,
        remediation=Remediation("Add a response policy zone with rpz-log yes."), mappings=nist("SC-7", "SI-4"),
        references=("draft-vixie-dnsop-dns-rpz",),
    ),
    Check(
        id="M1021.2-03", title="DNS: browsers are told that DNS is filtered",
        about="use-application-dns.net leads nowhere, so that Firefox leaves DNS over HTTPS off by itself.",
        measures=(Measure.DNS_FILTER, Measure.BROWSER), severity=Severity.LOW, needs=(NEED,), judge=_canary,
        remediation=Remediation("Block the canary, and set the browsers' policy too.", 'local-zone: "use-application-dns.net." always_nxdomain'),
        mappings=nist("SC-7(5)"), references=("Mozilla: canary domain",),
    ),
    Check(
        id="M1021.2-04", title="DNS: hosts ask the site's resolvers only", about="Every nameserver of a host is a resolver of the site.",
        measures=(Measure.DNS_FILTER,), severity=Severity.MEDIUM, needs=(Need((ResolverUse,), "cp /etc/resolv.conf EVIDENCE/etc/"),), judge=_used,
        remediation=Remediation("Give out the site's resolvers by DHCP, and block port 53 to others."), mappings=nist("SC-20"),
        references=("resolv.conf(5)",),
    ),
)  # fmt: skip
