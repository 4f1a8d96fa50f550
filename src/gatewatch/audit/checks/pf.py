"""pf: what no rule allows is dropped, found by asking the rules for ports nobody names."""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.audit.check import Check, Ground, Need, Verdict, nist
from gatewatch.audit.reach.flow import Engine, Packet
from gatewatch.audit.reach.span import NOTHING, join, meet, shown
from gatewatch.audit.reach.zone import internet
from gatewatch.schema.facts.base import Facts, Where
from gatewatch.schema.facts.filter import FOUR_SPAN, SIX_SPAN, TCP, UDP, PacketFilter
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure

_PORTS = ((TCP, 7), (UDP, 7), (TCP, 3389), (TCP, 47001), (UDP, 65499))


def _default(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    zone = ground.site.posture.zone("internet")
    named: list[str | None] = [*zone.interfaces] if zone is not None else []
    for rules in facts.of(PacketFilter):
        if rules.platform != "pf":
            continue
        engine = Engine(rules)
        sure, may, places = NOTHING, NOTHING, list[Where]()
        for family in (FOUR_SPAN, SIX_SPAN):  # each by itself: block quick inet leaves IPv6 to the default, which passes
            outside = meet(internet(ground.site), (family,))
            fates = [
                engine.through(("in",), outside, Packet(protocol, port, None, local=True, interface_in=face))
                for face in named or [None]
                for protocol, port in _PORTS
            ]
            of_all = [fates[0].sure, fates[0].accepted]
            for fate in fates[1:]:
                of_all = [meet(of_all[0], fate.sure), meet(of_all[1], fate.accepted)]  # open for all: no rule's doing, but the default's
            sure, may = join(sure, of_all[0]), join(may, of_all[1])
            places += [step.where for step in fates[0].steps[-1:]]  # the last that took a part of them
        chain = next(one for one in rules.chains if one.name == "in")
        place = places[0] if places else chain.rules[0].where if chain.rules else rules.where[0]
        if sure:
            said = f"ports that no rule names are open to {', '.join(shown(sure, 3))}"
            if not meet(sure, (FOUR_SPAN,)):
                said += ": no rule blocks IPv6"
            status = Status.FAIL
        elif may:
            status, said = Status.UNKNOWN, f"ports that no rule names may be open; {rules.incomplete or 'a rule cannot be decided'}"
        else:
            status, said = Status.PASS, "ports that no rule names are closed, over IPv4 and IPv6"
        yield Verdict(
            status=status, host=rules.host, message=said, subject="pf in", where=(place,), resolved=f"{len(_PORTS)} ports asked of the rules",
            value="last match wins", as_of=rules.as_of,
        )  # fmt: skip


CHECKS: tuple[Check, ...] = (
    Check(
        id="M1030.5-01p",
        title="pf: what no rule allows is dropped",
        about="Ports that no rule names are closed to the internet, over IPv4 and IPv6; the last rule that matches decides, unless one says quick.",
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
