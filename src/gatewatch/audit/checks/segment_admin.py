"""Who may administer: SSH by way of the bastion, hypervisors and management boards from management, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.audit.check import Check, Ground, Need, Verdict, nist
from gatewatch.audit.checks.segment import reached_from
from gatewatch.audit.reach.span import less, normal, of_address, shown
from gatewatch.audit.reach.zone import sources
from gatewatch.audit.run import EVERYWHERE
from gatewatch.schema.facts.base import Facts, Where
from gatewatch.schema.facts.filter import Action, PacketFilter, Spans
from gatewatch.schema.facts.machine import Listener, System
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure
from gatewatch.schema.port import service_of
from gatewatch.site.posture import ZoneKind

_FILTER = Need((PacketFilter,), "the rules of every firewall on the way, and [zones], [assets] in gatewatch.toml")
_SOCKETS = Need((Listener,), "sudo ss -lntup > EVIDENCE/commands/ss.txt", when=lambda one: one.seen, systems=(System.LINUX,))
_BOARDS = frozenset({"hypervisor", "ipmi", "bmc", "ilo", "idrac"})
_ADMINS = frozenset({ZoneKind.MANAGEMENT})


def _bastions(ground: Ground) -> tuple[list[str], Spans]:
    """Return the bastions the site declares, and their addresses."""
    names = [asset.name for asset in ground.site.posture.assets if "bastion" in asset.roles]
    found = [at for text, host in ground.site.addresses().items() if host in names and (at := of_address(text)) is not None]
    return names, normal((at, at) for at in found)


def _ssh(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    names, spared = _bastions(ground)
    posture = ground.site.posture
    doors = {(one.host, one.port): one for one in facts.of(Listener) if one.seen and _is_ssh(one)}
    if not names:
        said = "the site declares no bastion: [assets.NAME] roles = ['bastion']"
        yield Verdict(status=Status.NOT_APPLICABLE, host=EVERYWHERE, message=said)
        return
    if not doors:
        yield Verdict(status=Status.PASS, host=EVERYWHERE, message="no listening SSH was seen")
    zones = ["internet", *(zone.name for zone in posture.zones if zone.kind not in _ADMINS and zone.name != "internet")]
    reach = ground.reach(facts)
    for (host, port), listener in doors.items():
        subject = f"ssh tcp/{port}"
        if host in names or listener.loopback:
            said = "is the bastion" if host in names else "listens on loopback only"
            yield Verdict(status=Status.PASS, host=host, message=said, service="ssh", subject=subject, where=listener.where)
            continue
        asset = posture.asset(host)
        sure: dict[str, Spans] = {}
        may: dict[str, tuple[str, ...]] = {}
        where: tuple[Where, ...] = ()
        for zone in zones:
            found = sources(ground.site, zone)
            declared = any(
                flow.source == zone and asset is not None and flow.target == asset.zone and any(one.holds("tcp", port) for one in flow.ports)
                for flow in posture.flows
            )
            if found is None or declared:
                continue
            answer = reach.ask(less(found[0], spared), host, port, "tcp", found[1])
            if answer.verdict == "yes":
                sure[zone] = answer.sure
                where = where or tuple(step.where for step in answer.steps if step.action in {Action.ACCEPT, Action.NAT})[:3]
            elif answer.verdict == "may":
                may[zone] = answer.notes
        if sure:
            zone, spans = next(iter(sure.items()))
            status, said = Status.FAIL, f"{subject} is reached past the bastion from {', '.join(sure)}: {', '.join(shown(spans, 2))}"
        elif may:
            notes = next(iter(may.values()))
            status, said = Status.UNKNOWN, f"{subject} may be reached past the bastion from {', '.join(may)}" + (f": {notes[0]}" if notes else "")
        else:
            status, said = Status.PASS, f"{subject} is reached from the bastion and from management only"
        yield Verdict(
            status=status, host=host, message=said, service="ssh", subject=subject, where=where or listener.where, as_of=listener.as_of,
            resolved=f"bastions: {', '.join(names)}; declared flows aside",
        )  # fmt: skip


def _is_ssh(listener: Listener) -> bool:
    return (listener.service or service_of(listener.port, listener.protocol)) == "ssh"


def _boards(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    posture = ground.site.posture
    assets = [asset for asset in posture.assets if _BOARDS & set(asset.roles)]
    if not assets:
        said = "the site declares no hypervisor or management board: [assets.NAME] roles = ['hypervisor'] or ['ipmi']"
        yield Verdict(status=Status.UNKNOWN, host=EVERYWHERE, message=said)
    for asset in assets:
        names = ["internet", *(zone.name for zone in posture.zones if zone.kind not in _ADMINS and zone.name not in {"internet", asset.zone})]
        yield from reached_from(names, [asset], facts, ground)


CHECKS: tuple[Check, ...] = (
    Check(
        id="M1035.2-10", title="SSH of other hosts is reached by way of the bastion",
        about="Where the site declares a bastion, SSH of no other host can be reached from a zone other than management, [[flows]] aside.",
        measures=(Measure.REMOTE_ACCESS, Measure.ISOLATION), severity=Severity.MEDIUM, needs=(_SOCKETS, _FILTER), judge=_ssh,
        remediation=Remediation(
            "Let SSH in from the bastion's address alone, and log in with ProxyJump.", "ssh -J bastion.example.com HOST",
            "Make sure that the bastion works before you close the other ways.",
        ),
        mappings=nist("AC-17(3)", "SC-7"), services=("ssh",),
    ),
    Check(
        id="M1035.4-03", title="Hypervisors and management boards are reached from management only",
        about="Assets of role hypervisor, ipmi, bmc, ilo or idrac have no remote port that a zone other than management can reach, [[flows]] aside.",
        measures=(Measure.ISOLATION,), severity=Severity.HIGH, needs=(_FILTER,), judge=_boards,
        remediation=Remediation("Put them into a network that management alone reaches.", "", "Administer from the management zone first."),
        mappings=nist("AC-17(3)", "SC-7", "AC-4"), references=("CISA BOD 23-02",),
    ),
)  # fmt: skip
