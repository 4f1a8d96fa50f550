"""What every writer has: its host, its random choices, its streams, and the accepted session it hands to who goes on from it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import ClassVar

from gatewatch.lab.dice import dice
from gatewatch.lab.moment import bsd, iso, offset
from gatewatch.lab.organisation import Host
from gatewatch.lab.stage import Stage


@dataclass(slots=True)
class Entry:
    """An accepted session: who, from where, when, and the ids its log knows it by."""

    host: str
    user: str
    source: str
    time: int
    id: str
    port: int = 0
    tty: str = ""
    pid: int = 0
    inner: str = ""  # the address a VPN gave
    twin: str = ""
    number: int = 0
    method: str = "password"
    open: bool = True


def bracketed(address: str) -> str:
    """Return an address as it stands before a port: IPv6 in brackets."""
    return f"[{address}]" if ":" in address else address


class Device:
    """A writer for one host."""

    format: ClassVar[str] = ""

    def __init__(self, stage: Stage, host: Host) -> None:
        self.stage = stage
        self.host = host
        self.short = host.name.partition(".")[0]
        self.rng: random.Random = dice(stage.organisation.seed, "device", host.name, self.format)
        self._count = self.rng.randint(1_000, 9_000)

    def count(self) -> int:
        """Return the next of the device's own numbers."""
        self._count += 1
        return self._count

    def stamp(self, time: int) -> str:
        """Return the device's stamp of an instant: its clock may be off, and its zone be one that nobody told of."""
        time += self.host.skew
        if self.host.wrong_zone is not None:
            time += (offset(self.host.wrong_zone, time) - offset(self.host.zone, time)) * 1_000_000
        return iso(time) if self.host.wrong_zone is None else bsd(time, self.host.zone)

    def port(self) -> int:
        """Return a client port."""
        return self.rng.randint(32_768, 60_999)
