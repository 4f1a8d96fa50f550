"""Gateways: where they can be administered, how old they are, what holds users back once in, and what they log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from gatewatch.audit.check import Check, Ground, Need, Verdict, nist, stig
from gatewatch.audit.gateway import COLLECT, PRODUCTS, Demand, at_most, judge_settings, need_settings
from gatewatch.audit.reach.flow import Engine, Packet
from gatewatch.audit.reach.query import arrive
from gatewatch.audit.reach.span import less, meet, normal, shown
from gatewatch.audit.reach.translation import comes_by
from gatewatch.audit.reach.zone import internet, of_network
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.filter import TCP, UDP, Action, PacketFilter, Rule, Spans
from gatewatch.schema.facts.gateway import GatewaySettings, Management, VpnGroup
from gatewatch.schema.facts.machine import LogTarget, Machine, System
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure
from gatewatch.schema.port import remote_ports, service_of
from gatewatch.site.posture import ZoneKind

_LOCKOUT = "Check that you come from the management network before you close the other way in; keep the console at hand."
_DEVICES = ("asa", "ftd", "fortios", "panos", "netscaler", "ivanti", "pfsense", "opnsense")
_ALL = "; ".join(f"{PRODUCTS[product]}: {COLLECT[product]}" for product in _DEVICES)


def _external(plane: Management, ground: Ground) -> bool | None:
    for zone in ground.site.posture.zones:
        if plane.interface.casefold() in {name.casefold() for name in zone.interfaces}:
            return zone.kind is ZoneKind.INTERNET
    return plane.external


def _strangers(sources: Spans | None, ground: Ground) -> Spans:
    """Return the addresses of the internet, without the site's management ranges, in *sources*."""
    outside = internet(ground.site)
    found = outside if sources is None else meet(outside, sources)
    return less(found, normal(of_network(one) for one in ground.site.posture.management))


def _management(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    for plane in facts.of(Management):
        external = _external(plane, ground)
        strangers = _strangers(plane.sources, ground)
        subject = f"{plane.protocol or 'administration'} on {plane.interface}"
        if not plane.protocol:
            status, said = Status.PASS, f"nothing on {plane.interface} administers the device"
            status, said = (Status.UNKNOWN, f"{said}; {plane.uncertain}") if plane.uncertain else (status, said)
        elif external is False:
            status, said = Status.PASS, f"{subject}, an inner interface"
        elif not strangers:
            status, said = Status.PASS, f"{subject} answers to management addresses only"
        elif external is None or plane.uncertain:
            why = plane.uncertain or "the configuration does not say whether the interface faces the internet; name it in [zones.internet] interfaces"
            status, said = Status.UNKNOWN, f"{subject}: {why}"
        else:
            status, said = Status.FAIL, f"{subject}, which faces the internet, answers to {', '.join(shown(strangers, 4))}"
        yield Verdict(
            status=status, host=plane.host, message=said, value=plane.text, resolved="less management ranges", where=plane.where[:3],
            service=plane.protocol if plane.protocol in {"ssh", "telnet"} else "web" if plane.protocol.startswith("http") else "", subject=subject,
            as_of=plane.as_of,
        )  # fmt: skip


_ENDS: dict[str, tuple[tuple[str, date], ...]] = {
    # lines and the last day of their support, oldest first: endoflife.date/fortios and /panos, which read the vendors' tables. PAN-OS 10.1 and 10.2
    # live longer on some hardware, so they are left out, as are Cisco's, whose table goes by model
    "FortiOS": (
        ("6.0", date(2022, 9, 29)), ("6.2", date(2023, 9, 28)), ("6.4", date(2024, 9, 30)), ("7.0", date(2025, 9, 30)), ("7.2", date(2026, 9, 30)),
        ("7.4", date(2027, 11, 11)), ("7.6", date(2029, 1, 25)),
    ),
    "PAN-OS": (
        ("8.1", date(2022, 3, 1)), ("9.0", date(2022, 3, 1)), ("9.1", date(2024, 6, 30)), ("10.0", date(2022, 7, 16)), ("11.0", date(2024, 11, 17)),
        ("11.1", date(2027, 5, 3)), ("11.2", date(2027, 5, 2)), ("12.1", date(2028, 8, 28)),
    ),
    "NetScaler": (("12.1", date(2025, 6, 17)), ("13.0", date(2025, 6, 17))),  # ended by the day of Citrix bulletin CTX693420, which says so
    "Ivanti Connect Secure": (("9.1", date(2024, 12, 31)),),  # Ivanti's advisory of CVE-2025-22457
}  # fmt: skip
_LIVES_ON = {"NetScaler": re.compile(r"12\.1\D{0,10}55\.\d{3}")}  # builds for FIPS are mended beside their line


def ended(product: str, version: str, today: date) -> str:
    """Return which line of a product a version is of and since when it is mended no longer; empty where it is mended or nothing is known.

    >>> ended("FortiOS", "6.2.5", date(2026, 6, 1)), ended("FortiOS", "5.6.3", date(2026, 6, 1)), ended("Cisco ASA", "9.8(4)", date(2026, 6, 1))
    ('support of FortiOS 6.2 ended on 2023-09-28', 'FortiOS 5.6.3 is older than 6.0, whose support ended on 2022-09-29', '')
    """
    lines = _ENDS.get(product, ())
    lives = _LIVES_ON.get(product)
    if not lines or (lives is not None and lives.search(version)):
        return ""
    mine = parts(version)[:2]
    for line, day in lines:
        if mine == parts(line) and day < today:
            return f"support of {product} {line} ended on {day.isoformat()}"
    oldest, day = lines[0]
    return f"{product} {version} is older than {oldest}, whose support ended on {day.isoformat()}" if mine < parts(oldest) and day < today else ""


def parts(version: str) -> tuple[int, ...]:
    """Return the numbers of a version, to compare it by.

    >>> parts("9.16(4)67") < parts("9.18(1)"), parts("7.2.5") < parts("7.2.10")
    (True, True)
    """
    return tuple(int(number[:9]) for number in re.findall(r"\d{1,9}", version[:60]))


def _version(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    wanted = dict(ground.site.posture.minimum_version)
    judged = False
    for machine in facts.of(Machine):
        if machine.system is not System.NETWORK:
            continue
        judged = True
        least = wanted.get(machine.product.casefold(), "")
        over = ended(machine.product, machine.version, ground.today)
        value = f"{machine.product} {machine.version}".strip()
        if not machine.version:
            status, said = Status.UNKNOWN, f"the configuration does not name the version of {machine.product}"
        elif over:
            status, said = Status.FAIL, over
        elif not least:
            status, said = Status.UNKNOWN, f"{value}: the least version the site accepts is not declared ([audit] minimum_version)"
        elif parts(machine.version) < parts(least):
            status, said = Status.FAIL, f"{value} is older than {least}, the least the site accepts"
        else:
            status, said = Status.PASS, f"{value} is at least {least}"
        yield Verdict(
            status=status, host=machine.host, message=said, value=value, resolved="header of the configuration", where=machine.where[:1],
            subject="version", as_of=machine.as_of,
        )  # fmt: skip
    if not judged:
        yield Verdict(status=Status.NOT_APPLICABLE, host="(site)", message="no network device is in the evidence", subject="version")


def _groups(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for group in facts.of(VpnGroup):
        status = Status.UNKNOWN if group.uncertain else Status.PASS if group.limit and not group.wide else Status.FAIL
        said = f"users of {group.name} are held by {group.limit}" if group.limit else f"users of {group.name} reach whatever the device routes"
        said += f", which lets them reach a whole network within on every port: {group.wide}" if group.limit and group.wide else ""
        yield Verdict(
            status=status, host=group.host, message=f"{said}; not sure: {group.uncertain}" if group.uncertain else said, value=group.limit,
            where=group.where[:3], service="vpn", subject=group.name, as_of=group.as_of,
        )  # fmt: skip


def _logging(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for settings in _first(facts):
        targets = [one for one in facts.of(LogTarget, settings.host) if one.remote and one.service == "vpn"]
        kinds = {kind for one in targets for kind in one.kinds}
        silenced = settings.get("silenced")
        place = targets[0].where[:1] if targets else settings.where[:1]
        value = ", ".join(one.target for one in targets)
        silent = settings.get("logging")
        if not targets and silent is not None and silent.uncertain:
            status, said = Status.UNKNOWN, silent.uncertain
        elif not targets:
            status, said = Status.FAIL, "logs are not sent to another host"
        elif not {"auth", "session"} & kinds:
            status, said = Status.FAIL, f"logs are sent to {value}, but not those of logins"
        elif silenced is not None and silenced.value != "none":
            status, said = Status.FAIL, f"messages {silenced.value} about VPN logins are switched off"
            place = (silenced.where,) if silenced.where is not None else place
        elif any(one.encrypted for one in targets):
            status, said = Status.PASS, f"logins are logged to {value}, encrypted"
        else:
            status, said = Status.FAIL, f"logins are logged to {value}, but not encrypted"
        if status is Status.FAIL and not all(one.complete for one in facts.of(Machine, settings.host)):
            status, said = Status.UNKNOWN, f"{said}, but the configuration is not whole"
        severity = Severity.LOW if targets and "not encrypted" in said else None
        yield Verdict(
            status=status, host=settings.host, message=said, value=value, where=place, service="vpn", subject="logging", as_of=settings.as_of,
            severity=severity,
        )  # fmt: skip


def _first(facts: Facts) -> Iterator[GatewaySettings]:
    told: set[str] = set()
    for settings in facts.of(GatewaySettings):
        if settings.product in _DEVICES and settings.host not in told:
            told.add(settings.host)
            yield settings


_APPLIANCES = frozenset({"asa", "ftd", "fortios", "panos", "pf", "pfsense", "opnsense"})


def _outer(facts: Facts, ground: Ground, rules: PacketFilter) -> str | None:
    """Return the interface of a device that faces the internet, where it is the only one."""
    zone = ground.site.posture.zone("internet")
    named = {name.casefold() for name in zone.interfaces} if zone is not None else set()
    found = [one.name for one in rules.interfaces if one.name.casefold() in named or (one.zone and one.zone.casefold() in named)]
    if not found:
        listed = [name for one in facts.of(GatewaySettings, rules.host) for name in one.text("outer").split(",") if name]
        found = list(dict.fromkeys([*listed, *(one.interface for one in facts.of(Management, rules.host) if one.external)]))
    known = {one.name for one in rules.interfaces}
    found = [name for name in found if name in known]  # a filter of zones knows no interface of the device
    return found[0] if len(found) == 1 else None


_EACH = 4  # ports that may be reached and are told one by one


def _forwards(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    """Judge each translation of an appliance that leads the internet to a remote service."""
    outside = internet(ground.site)
    for rules in facts.of(PacketFilter):
        if rules.platform not in _APPLIANCES:
            continue
        engine = Engine(rules)
        face = _outer(facts, ground, rules)
        told = False
        for rule in (rule for chain in rules.chains for rule in chain.rules if rule.action is Action.NAT):
            doubtful: list[Verdict] = []
            for verdict in _led(engine, outside, face, rule, ground):
                told = True
                if verdict.status is Status.UNKNOWN:
                    doubtful.append(verdict)
                else:
                    yield verdict
            if len(doubtful) > _EACH:  # a rule that names an application rather than ports: one finding, not one for each port
                names = ", ".join(dict.fromkeys(one.service for one in doubtful))
                more = f"{doubtful[0].message}; and to {len(doubtful) - 1} other ports of remote services ({names})"
                yield replace(doubtful[0], message=more, subject=f"{len(doubtful)} ports of {doubtful[0].subject.rpartition(' of ')[2]}", service="")
            else:
                yield from doubtful
        if not told:
            status = Status.UNKNOWN if rules.incomplete else Status.PASS
            said = "no translation leads the internet to a remote service" + (f"; {rules.incomplete}" if rules.incomplete else "")
            yield Verdict(status=status, host=rules.host, message=said, where=rules.where[:1], subject="address translation", as_of=rules.as_of)


def _led(engine: Engine, outside: Spans, face: str | None, rule: Rule, ground: Ground) -> Iterator[Verdict]:
    nat, rules = rule.nat, engine.rules
    if nat is None or not nat.addresses:
        return
    listed = rule.protocols or (TCP, UDP)
    inner = nat.ports if nat.ports is not None else rule.ports
    for name, port in remote_ports():
        number = TCP if name == "tcp" else UDP
        if number not in listed or (inner is not None and not any(low <= port <= high for low, high in inner)):
            continue
        target = nat.addresses[0][0]
        ways = comes_by(rule, nat, target, port, engine.edges)
        if not ways:
            continue
        entry, outer = ways[0]
        fate = arrive(engine, outside, Packet(number, outer, entry, local=True, interface_in=face), to=(target, port))
        if not fate.accepted:
            continue
        text = shown(((target, target),), 1)[0].partition("/")[0]
        zone = ground.site.posture.zone_of_address(text)
        service = service_of(port, name)
        subject = f"{service} {name}/{port} of {text}"
        named = f"zone {zone.name}" if zone is not None else "a zone the site does not declare"
        in_dmz = zone is not None and zone.kind is ZoneKind.DMZ
        verb = "leads" if fate.sure else "may lead"
        yield Verdict(
            status=Status.PASS if in_dmz else Status.FAIL if fate.sure else Status.UNKNOWN, host=rules.host, subject=subject, service=service,
            message=f"a translation {verb} {', '.join(shown(fate.sure or fate.accepted, 3))} straight to {subject}, in {named}",
            value=f"to {text}:{port}", resolved="translation, then the access lists", where=(rule.where,), as_of=rules.as_of,
        )  # fmt: skip


_SILENT = "what is refused leaves no trace"


def _denies(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for rules in facts.of(PacketFilter):
        if rules.platform not in _APPLIANCES:
            continue
        drops = [(chain, rule) for chain in rules.chains for rule in chain.rules if rule.action is Action.DROP and not rule.comment]
        written = [rule for _, rule in drops if rule.where.quote]
        mute = [rule for rule in written if not rule.log]
        if not written:
            status, said, place = Status.FAIL, f"no rule refuses and logs; {_SILENT}", rules.where[:1]
        elif mute:
            status, said, place = Status.FAIL, f"{len(mute)} of {len(written)} refusing rules do not log", (mute[0].where,)
        else:
            status, said, place = Status.PASS, f"all {len(written)} refusing rules log", (written[0].where,)
        if rules.incomplete:
            status, said = Status.UNKNOWN, f"{said}; {rules.incomplete}"
        yield Verdict(status=status, host=rules.host, message=said, where=place, subject="refusals", as_of=rules.as_of)


_LOCK = (
    Demand(("asa", "ftd"), "max-fail", at_most(5), "local users are locked after few failures", "local users may guess without end"),
    Demand(("asa", "ftd"), "remote-access-authentication", lambda text: text == "on", "sources that fail to log in are held down",
           "sources may fail to log in without end (threat-detection service remote-access-authentication, 9.16(4)67 and later)",
           feature="remote-access"),
    Demand(("fortios",), "login-attempt-limit", at_most(3), "few attempts before a source is blocked", "many attempts before a source is blocked",
           optional=True),
    Demand(("fortios",), "admin-lockout-threshold", at_most(5), "few attempts for administrators", "many attempts for administrators"),
    Demand(("panos",), "failed-attempts", at_most(5), "few failures lock an account", "no or many failures lock an account"),
    Demand(("netscaler",), "maxloginattempts", at_most(5), "few failures lock an account", "no or many failures lock an account", optional=True),
)  # fmt: skip

CHECKS: tuple[Check, ...] = (
    Check(
        id="M1030.2-03",
        title="A gateway cannot be administered from the internet",
        about="On interfaces that face the internet, no administration answers to anybody but the site's management addresses.",
        measures=(Measure.DMZ, Measure.FIREWALL, Measure.NETWORK_SERVICE),
        severity=Severity.CRITICAL,
        needs=(Need((Management,), _ALL),),
        judge=_management,
        remediation=Remediation("Remove administration from the outer interface, or restrict it to the management network.", "", _LOCKOUT),
        mappings=(*nist("AC-17(3)", "SC-7"), *stig("Cisco ASA NDM", "CASA-ND-000430"), *stig("FortiGate NDM", "FGFW-ND-000200 (V-234199)")),
        references=("CISA BOD 23-02",),
    ),
    Check(
        id="M1030.2-01",
        title="No translation leads the internet past the DMZ to a remote service",
        about="What is translated from outside addresses to a remote service ends in a zone of kind dmz, or nobody gets through to it.",
        measures=(Measure.DMZ, Measure.FIREWALL, Measure.REMOTE_ACCESS),
        severity=Severity.CRITICAL,
        needs=(Need((PacketFilter,), _ALL, when=lambda fact: fact.platform in _APPLIANCES),),
        judge=_forwards,
        remediation=Remediation("Remove the translation and let users come by the VPN or a gateway in the DMZ.", "", _LOCKOUT),
        mappings=nist("SC-7", "SC-7(3)", "AC-17(3)"),
        references=("ATT&CK T1133",),
    ),
    Check(
        id="M1030.6-01g",
        title="Appliances log whatever they refuse",
        about="Every rule of an appliance that refuses logs.",
        measures=(Measure.SEGMENT_AUDIT, Measure.ACCESS_LOG),
        severity=Severity.MEDIUM,
        needs=(Need((PacketFilter,), _ALL, when=lambda fact: fact.platform in _APPLIANCES),),
        judge=_denies,
        remediation=Remediation("End each list with a rule that refuses the rest and logs it.", "access-list OUTSIDE extended deny ip any any log"),
        mappings=(*nist("AU-12", "SI-4"), *stig("Cisco ASA Firewall", "CASA-FW-000200 (V-239862)"), *stig("FortiGate Firewall", "FNFG-FW-000160")),
    ),
    Check(
        id="M1035.1-06",
        title="Users of a VPN reach only what they need",
        about="Each group of VPN users is held by a filter or rules, none of which opens a whole network within on every port.",
        measures=(Measure.ACCESS_AUDIT, Measure.ISOLATION),
        severity=Severity.HIGH,
        needs=(Need((VpnGroup,), "; ".join(f"{name}: {COLLECT[product]}" for product, name in PRODUCTS.items())),),
        judge=_groups,
        remediation=Remediation("Give each group a filter (vpn-filter, policies with destinations, single addresses for peers).", "", ""),
        mappings=(
            *nist("AC-3", "AC-6", "AC-17"), *stig("Cisco ASA Firewall", "CASA-FW-000030 (V-239854)"),
            *stig("FortiGate Firewall", "FNFG-FW-000015 (V-234134)"), *stig("Ivanti Connect Secure VPN", "IVCS-VN-000010 (V-258583)"),
        ),
        services=("vpn",),
    ),
    Check(
        id="M1035.5-03",
        title="A gateway logs logins to another host",
        about="Logs of logins and sessions are sent to another host, encrypted, and none of their messages is switched off.",
        measures=(Measure.ACCESS_LOG,),
        severity=Severity.MEDIUM,
        needs=need_settings(*_DEVICES),
        judge=_logging,
        remediation=Remediation("Send logs of logins to the log host over TLS.", "logging host inside 192.0.2.9 tcp/6514 secure"),
        mappings=(*nist("AU-4(1)", "AU-12"), *stig("Cisco ASA VPN", "CASA-VN-000720 (V-239983)"), *stig("FortiGate NDM", "FGFW-ND-000295")),
        services=("vpn",),
    ),
    Check(
        id="M1035.7-06g",
        title="Gateways limit failed logins",
        about="Few failed logins lock an account or hold down their source.",
        measures=(Measure.HARDENING, Measure.AUTH_ALERT),
        severity=Severity.MEDIUM,
        needs=need_settings("asa", "ftd", "fortios", "panos", "netscaler"),
        judge=judge_settings(_LOCK),
        remediation=Remediation(
            "Lock after a few failures.", "aaa local authentication attempts max-fail 3",
            "An attacker can lock users out on purpose: hold down sources rather than accounts where the product can.",
        ),
        mappings=nist("AC-7"),
        references=("Cisco document 222315",),
        services=("vpn",),
    ),
    Check(
        id="M1042.1-02",
        title="A gateway runs a version that is still mended",
        about="The version in the configuration is at least what [audit] minimum_version asks for, and of a line its vendor still mends. "
        "The end of support is known of lines of FortiOS, PAN-OS, NetScaler and Ivanti Connect Secure; of Cisco's, which goes by model, it is not.",
        measures=(Measure.LEGACY_SOFTWARE,),
        severity=Severity.CRITICAL,
        needs=(Need((Machine,), _ALL, when=lambda fact: fact.system is System.NETWORK),),
        judge=_version,
        remediation=Remediation("Update to a version the vendor mends, and keep [audit] minimum_version at the last fix you need."),
        mappings=(*nist("SI-2", "RA-5"), *stig("Ivanti Connect Secure NDM", "IVCS-NM-000410 (V-258613)"), *stig("FortiGate NDM", "FGFW-ND-000170")),
        references=("CISA Known Exploited Vulnerabilities Catalog", "endoflife.date: FortiOS, PAN-OS", "Citrix bulletin CTX693420"),
    ),
)
