"""Faults of collection: records lost, repeated, late and copied, hours in which a collector stood still."""

from __future__ import annotations

from gatewatch.lab.dice import dice
from gatewatch.lab.estate import Estate
from gatewatch.lab.moment import DAY, HOUR, SECOND, START
from gatewatch.lab.stream import Fault


def inflict(estate: Estate) -> None:
    """Give some streams of a world the faults that collectors have; which ones depends on the seed."""
    rng = dice(estate.organisation.seed, "fault")
    for name, gateway in sorted(estate.gateways.items()):
        if rng.random() < 0.5:  # syslog over UDP
            gateway.log.fault = Fault(
                lost=rng.uniform(0.0002, 0.002), repeated=rng.uniform(0, 0.001), late=rng.uniform(0, 0.01), delay=rng.randint(2, 90) * SECOND
            )
        if name == "vpn01":
            gateway.log.fault = Fault(repeated=0.002)
    quiet = rng.choice(["app02", "app03", "app04"])  # a collector that stood still for some hours
    begin = START + rng.randrange(max(1, estate.organisation.days)) * DAY + rng.randrange(18) * HOUR
    estate.sshd[quiet].log.fault = Fault(gaps=((begin, begin + rng.randint(2, 6) * HOUR),))
    source = estate.sshd["gate02"].log  # the same lines also arrive at the central server
    source.copy = estate.stage.stream("central/gate02.log", rotate=7)
