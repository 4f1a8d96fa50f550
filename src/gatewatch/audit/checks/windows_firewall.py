"""Windows' firewall: on in every profile, dropping by default, no local rules in public; remote administration from management only."""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.audit.check import Check, Ground, Need, Verdict, by_setting, cis, nist, stig
from gatewatch.audit.reach.flow import ANY, Packet
from gatewatch.audit.reach.query import Reach, arrive
from gatewatch.audit.reach.span import less, meet, normal, shown
from gatewatch.audit.reach.zone import internet, of_network
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.filter import TCP, PacketFilter
from gatewatch.schema.facts.machine import Machine, System
from gatewatch.schema.facts.windows import FirewallProfile
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure
from gatewatch.schema.port import service_of
from gatewatch.site.posture import ZoneKind

_PROFILES = Need(
    (FirewallProfile,),
    "Get-NetFirewallProfile -PolicyStore ActiveStore | ConvertTo-Json > profiles.json, or netsh advfirewall show allprofiles > profiles.txt",
    systems=(System.WINDOWS,),
)
_RULES = Need(
    (PacketFilter,),
    "Get-NetFirewallRule with its filters as JSON (see the formats), or netsh advfirewall firewall show rule name=all verbose > firewall.txt",
    when=lambda one: one.platform == "windows",
    systems=(System.WINDOWS,),
)
_ADMIN = (22, 23, 3389, 5900, 5985, 5986)
_LATERAL = (135, 445, 3389, 5985)
_LOCKOUT = "Allow the management network first: a rule that closes Remote Desktop ends the session you work in."


def _state(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for host in dict.fromkeys(one.host for one in facts.of(FirewallProfile)):
        held = {one.scope: one for one in facts.of(FirewallProfile, host)}
        for name in ("domain", "private", "public"):
            profile = held.get(name)
            if profile is None:
                yield Verdict(status=Status.UNKNOWN, host=host, message=f"profile {name}: not in the evidence", subject=name)
                continue
            enabled, inbound = profile.get("enabled"), profile.get("inbound")
            if enabled is not None and enabled.value == "0":
                yield by_setting(profile, enabled, False, f"the firewall is off in profile {name}", subject=name)
                continue
            if enabled is None or enabled.uncertain:
                yield by_setting(profile, enabled, None, f"whether the firewall is on in profile {name}", subject=name)
                continue
            good = None if inbound is None else inbound.value == "1"
            said = f"profile {name} drops what no rule allows" if good else f"profile {name} lets in what no rule blocks"
            yield by_setting(profile, inbound, good, said, subject=name)


def _merge(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    found = False
    for profile in facts.of(FirewallProfile):
        if profile.scope == "public":
            found = True
            merge = profile.get("localmerge")
            good = None if merge is None else merge.value == "0"
            said = "only group policy makes rules of profile public" if good else "programs and local administrators add rules to profile public"
            yield by_setting(profile, merge, good, said, subject="public")
    if not found:
        yield Verdict(status=Status.UNKNOWN, host="(site)", message="no profile public is in the evidence")


def _admin(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    managed = normal(of_network(one) for one in ground.site.posture.management)
    zones = normal(of_network(one) for zone in ground.site.posture.zones if zone.kind is ZoneKind.MANAGEMENT for one in zone.networks)
    allowed = normal((*managed, *zones))
    outside = internet(ground.site)
    reach = Reach(facts, ground.site)
    for engine in reach.engines:
        rules = engine.rules
        if rules.platform != "windows":
            continue
        for port in _ADMIN:
            fate = arrive(engine, ANY, Packet(TCP, port, None, local=True))
            service = service_of(port)
            sure, may = less(fate.sure, allowed), less(fate.accepted, allowed)
            doubt = rules.incomplete
            step = next((one for one in fate.steps if meet(one.sources, may)), None)
            where = (step.where,) if step is not None else rules.where[:1]
            if not may and not doubt:
                status, said = (
                    Status.PASS,
                    f"{service} (tcp/{port}) is open to management only" if fate.accepted else f"{service} (tcp/{port}) is closed",
                )
            elif sure and not doubt and (allowed or meet(sure, outside)):
                status, said = Status.FAIL, f"{service} (tcp/{port}) is open beyond management: {', '.join(shown(sure, 4))}"
            elif sure and not doubt:
                said = f"{service} (tcp/{port}) is open to {', '.join(shown(sure, 4))}; [audit] management does not say what that is"
                status = Status.UNKNOWN
            else:
                why = doubt or next((one.why for one in fate.steps if one.why), "a condition the evidence does not decide")
                status, said = Status.UNKNOWN, f"{service} (tcp/{port}) may be open beyond management: {why}"
            yield Verdict(
                status=status, host=rules.host, message=said, service=service, subject=f"tcp/{port}", value=step.why if step is not None else "",
                resolved="allow-bypass over block over allow over the default of the profile", where=where, as_of=rules.as_of,
            )  # fmt: skip


def _workstation(facts: Facts, ground: Ground, host: str) -> bool | None:
    """Return whether a host is a workstation: by its zone, else by its product; None where neither says so."""
    asset = ground.site.posture.asset(host)
    zone = ground.site.posture.zone(asset.zone) if asset is not None and asset.zone else None
    if zone is not None:
        return zone.kind is ZoneKind.USER
    products = [one.product for one in facts.of(Machine, host) if one.product not in {"", "Windows"}]
    return ("server" not in products[0].casefold()) if products else None


def _lateral(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    users = [zone for zone in ground.site.posture.zones if zone.kind is ZoneKind.USER and zone.networks]
    reach = Reach(facts, ground.site)
    for host in dict.fromkeys(one.host for one in facts.of(PacketFilter) if one.platform == "windows"):
        kind = _workstation(facts, ground, host)
        if kind is False:
            yield Verdict(status=Status.NOT_APPLICABLE, host=host, message="no workstation")
            continue
        if kind is None or not users:
            said = "whether it is a workstation" if kind is None else "where users are ([zones] of kind user with cidrs)"
            yield Verdict(status=Status.UNKNOWN, host=host, message=f"not in the evidence: {said}")
            continue
        for port in _LATERAL:
            for zone in users:
                answer = reach.ask(normal(of_network(one) for one in zone.networks), host, port, zone=zone)
                status = {"yes": Status.FAIL, "may": Status.UNKNOWN, "no": Status.PASS}[answer.verdict]
                service = service_of(port)
                verb = {"yes": "can be reached", "may": "may be reached", "no": "cannot be reached"}[answer.verdict]
                yield Verdict(
                    status=status, host=host, message=f"{service} (tcp/{port}) {verb} from zone {zone.name}", service=service,
                    subject=f"{zone.name} tcp/{port}", where=tuple(step.where for step in answer.steps[:2]),
                )  # fmt: skip


CHECKS: tuple[Check, ...] = (
    Check(
        id="M1030.5-07a",
        title="Windows' firewall is on and drops by default",
        about="All three profiles are on, and drop what comes in and no rule allows.",
        measures=(Measure.FIREWALL,),
        severity=Severity.HIGH,
        needs=(_PROFILES,),
        judge=_state,
        remediation=Remediation("Turn it on by group policy.", "Set-NetFirewallProfile -All -Enabled True -DefaultInboundAction Block", _LOCKOUT),
        mappings=(*nist("SC-7", "SC-7(5)"), *cis("Windows Server 2022", "2.0.0", "9.1.1", "9.2.1", "9.3.1")),
    ),
    Check(
        id="M1030.5-07b",
        title="Windows' firewall: no local rules in profile public",
        about="The profile public takes rules of group policy only.",
        measures=(Measure.FIREWALL,),
        severity=Severity.MEDIUM,
        needs=(_PROFILES,),
        judge=_merge,
        remediation=Remediation(
            "Do not apply local firewall rules in the public profile.", "Set-NetFirewallProfile -Public -AllowLocalFirewallRules False"
        ),
        mappings=nist("SC-7", "CM-6"),
    ),
    Check(
        id="M1030.5-07c",
        title="Windows' firewall: remote administration comes from management only",
        about="Ports of SSH, Telnet, Remote Desktop, VNC and WinRM are open to [audit] management and management zones, or closed.",
        measures=(Measure.FIREWALL, Measure.ISOLATION),
        severity=Severity.HIGH,
        needs=(_RULES,),
        judge=_admin,
        remediation=Remediation(
            "Name the remote addresses in the rule.", 'Set-NetFirewallRule -DisplayGroup "Remote Desktop" -RemoteAddress 10.9.0.0/24', _LOCKOUT
        ),
        mappings=nist("SC-7(5)", "AC-17(3)"),
        references=("MS-FASP 2.2.37",),
        services=("rdp", "winrm", "ssh", "vnc", "telnet"),
    ),
    Check(
        id="M1030.4-05",
        title="Workstations do not reach each other's remote services",
        about="From zones of users, nobody gets to SMB, RPC, Remote Desktop or WinRM of a workstation.",
        measures=(Measure.MICROSEGMENTATION,),
        severity=Severity.HIGH,
        needs=(_RULES,),
        judge=_lateral,
        remediation=Remediation(
            "Block these ports inbound on workstations, but for management.",
            'New-NetFirewallRule -DisplayName "No SMB between workstations" -Direction Inbound -Protocol TCP -LocalPort 445 -Action Block',
            _LOCKOUT,
        ),
        mappings=(*nist("SC-7(21)", "AC-4"), *stig("Windows 11", "WN11-00-000140")),
        services=("rdp", "winrm", "smb", "wmi"),
    ),
)
