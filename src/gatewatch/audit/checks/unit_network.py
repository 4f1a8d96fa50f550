"""Services that others can get at: systemd itself keeps all but named addresses away from them."""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.audit.check import Check, Ground, Need, Verdict, nist
from gatewatch.audit.reach.span import join, less, meet, shown
from gatewatch.audit.reach.zone import internet
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.filter import LINE
from gatewatch.schema.facts.machine import Listener
from gatewatch.schema.facts.unit import UnitNetwork
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure
from gatewatch.schema.port import service_of

_UNITS = (
    "systemctl show --property=Id,ActiveState,ExecStart,IPAddressAllow,IPAddressDeny '*.service' '*.slice' > EVIDENCE/commands/units-network.txt"
)


def _bound(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    outside = internet(ground.site)
    for host in dict.fromkeys(one.host for one in facts.of(UnitNetwork)):
        units = list(facts.of(UnitNetwork, host))
        slices = [one for one in units if one.unit.endswith(".slice") and one.deny]
        asset = ground.site.posture.asset(host)
        told = False
        for listener in {(one.protocol, one.port): one for one in facts.of(Listener, host) if one.seen and not one.loopback}.values():
            service = listener.service or service_of(listener.port, listener.protocol)
            if not service:
                continue
            told = True
            subject = f"{service} {listener.protocol}/{listener.port}"
            unit = next((one for one in units if one.program and one.program == listener.process), None)
            left = meet(join(less((LINE,), unit.deny), unit.allow), outside) if unit is not None else ()
            if unit is None:
                status, said = Status.UNKNOWN, f"{subject}: no unit that runs starts {listener.process or 'an unknown program'}"
            elif asset is not None and any(one.holds(listener.protocol, listener.port) for one in asset.allow):
                status, said = Status.NOT_APPLICABLE, f"{subject} is meant to be reached from elsewhere ([assets.{host}] allow)"
            elif not left:
                status, said = Status.PASS, f"{subject}: {unit.unit} lets nobody of the internet speak with it"
            elif slices:
                status, said = Status.UNKNOWN, f"{subject}: {slices[0].unit} keeps addresses away; whether {unit.unit} stands in it is not told"
            else:
                status, said = Status.FAIL, f"{subject}: {unit.unit} speaks with {', '.join(shown(left, 3))}"
            yield Verdict(
                status=status, host=host, message=said, service=service, subject=subject, as_of=listener.as_of,
                where=(*(unit.where if unit is not None else ()), *listener.where), resolved="IPAddressAllow before IPAddressDeny",
            )  # fmt: skip
        if not told:
            yield Verdict(status=Status.PASS, host=host, message="no remote service that others can get at listens")


CHECKS: tuple[Check, ...] = (
    Check(
        id="M1030.4-06", title="systemd keeps strangers away from remote services",
        about="Of each remote service that listens, the unit's IPAddressAllow and IPAddressDeny leave no address of the internet.",
        measures=(Measure.MICROSEGMENTATION, Measure.HARDENING), severity=Severity.LOW,
        needs=(Need((UnitNetwork,), _UNITS), Need((Listener,), "sudo ss -lntup > EVIDENCE/commands/ss.txt", when=lambda one: one.seen)),
        judge=_bound,
        remediation=Remediation(
            "Deny all and allow the networks that use the service.", "[Service]\nIPAddressDeny=any\nIPAddressAllow=10.9.0.0/24",
            "Who administers from elsewhere is locked out: keep a console.",
        ),
        mappings=nist("SC-7", "AC-4"), references=("systemd.resource-control(5)",),
    ),
)  # fmt: skip
