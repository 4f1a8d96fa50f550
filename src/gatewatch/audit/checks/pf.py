"""pf: what no rule allows is dropped, found by asking the rules for ports nobody names."""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.audit.check import Check, Ground, Need, Verdict, nist
from gatewatch.audit.reach.flow import Engine, Packet
from gatewatch.audit.reach.span import meet, shown
from gatewatch.audit.reach.zone import internet
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.filter import FOUR_SPAN, TCP, UDP, PacketFilter
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure

_PORTS = ((TCP, 7), (UDP, 7), (TCP, 3389), (TCP, 47001), (UDP, 65499))


def _default(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    outside = meet(internet(ground.site), (FOUR_SPAN,))
    zone = ground.site.posture.zone("internet")
    named: list[str | None] = [*zone.interfaces] if zone is not None else []
    for rules in facts.of(PacketFilter):
        if rules.platform != "pf":
            continue
        engine = Engine(rules)
        faces = named or [None]
        fates = [
            engine.through(("in",), outside, Packet(protocol, port, None, local=True, interface_in=face)) for face in faces
            for protocol, port in _PORTS
        ]  # fmt: skip
        sure = fates[0].sure
        for fate in fates[1:]:
            sure = meet(sure, fate.sure)  # open for all of them: no rule's doing, but the default's
        may = fates[0].accepted
        for fate in fates[1:]:
            may = meet(may, fate.accepted)
        chain = next(one for one in rules.chains if one.name == "in")
        place = next((step.where for fate in fates for step in fate.steps), chain.rules[0].where if chain.rules else rules.where[0])
        if sure:
            status, said = Status.FAIL, f"ports that no rule names are open to {', '.join(shown(sure, 3))}"
        elif may:
            status, said = Status.UNKNOWN, f"ports that no rule names may be open; {rules.incomplete or 'a rule cannot be decided'}"
        else:
            status, said = Status.PASS, "ports that no rule names are closed"
        yield Verdict(
            status=status, host=rules.host, message=said, subject="pf in", where=(place,), resolved=f"{len(_PORTS)} ports asked of the rules",
            value="last match wins", as_of=rules.as_of,
        )  # fmt: skip


CHECKS: tuple[Check, ...] = (
    Check(
        id="M1030.5-01p",
        title="pf: what no rule allows is dropped",
        about="Ports that no rule names are closed to the internet; the last rule that matches decides, unless one says quick.",
        measures=(Measure.FIREWALL,),
        severity=Severity.HIGH,
        needs=(Need((PacketFilter,), "cp /etc/pf.conf EVIDENCE/etc/", when=lambda fact: fact.platform == "pf"),),
        judge=_default,
        remediation=Remediation(
            "Begin with block all, and pass what is meant to come in after it.", "block log all", "Load it with a timer: (sleep 300; pfctl -d) &"
        ),
        mappings=nist("SC-7(5)", "CM-7"),
        references=("pf.conf(5)",),
    ),
)
