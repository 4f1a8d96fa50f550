"""What the VPN gateways share: a pool of inner addresses that are leased again, and the verbs life and scenarios know."""

from __future__ import annotations

from gatewatch.lab.moment import MINUTE
from gatewatch.lab.organisation import Host
from gatewatch.lab.stage import Stage
from gatewatch.lab.writer.device import Device, Entry


class Gateway(Device):
    """A gateway: logons refused and accepted, sessions with an inner address, administration."""

    pool: int = 0  # the second number of its pool 10.x.0.0/20
    leases_v6: bool = False  # whether its log tells of an IPv6 address beside it

    def __init__(self, stage: Stage, host: Host) -> None:
        super().__init__(stage, host)
        self.log = stage.stream(f"central/{host.name}.log", rotate=7)
        self._free: list[tuple[int, int]] = []  # when free, number
        self._next = 0
        self._tunnel = self.rng.randint(1_000, 2_000)
        self.dual = host.outer_v6 is not None

    @property
    def cidr(self) -> str:
        """Return the pool."""
        return f"10.{self.pool}.0.0/20"

    @property
    def cidr_v6(self) -> str:
        """Return the IPv6 pool of a gateway that has one."""
        return f"fd00:10:{self.pool}::/64"

    def lease_v6(self, inner: str) -> str:
        """Return the IPv6 address that is leased with an IPv4 one."""
        _, _, high, low = inner.split(".")
        return f"fd00:10:{self.pool}::{int(high) * 256 + int(low):x}"

    def lease(self, start: int, end: int) -> str:
        """Return an inner address that nobody else has between *start* and *end*; the ones given back earliest are reused."""
        for index, (free, _) in enumerate(self._free[:64]):
            if free + MINUTE < start:
                number = self._free.pop(index)[1]
                break
        else:
            number = self._next
            self._next += 1
        self._free.append((end, number))
        return f"10.{self.pool}.{number // 250 % 16}.{2 + number % 250}"

    def outer(self, src: str) -> str | None:
        """Return the outer address a client came to: the one of its own family."""
        return self.host.outer_v6 if ":" in src else self.host.outer

    def head(self, time: int) -> str:
        """Return the header of the central syslog server."""
        return f"{self.stamp(time)} {self.host.name}"

    def fail(self, time: int, user: str, src: str, *, exists: bool = True, mark: int = 0) -> int:
        """Say a refused logon; return when it was over."""
        raise NotImplementedError

    def enter(self, time: int, user: str, src: str, until: int, client: str = "", mark: int = 0) -> Entry:
        """Say an accepted logon with a lease that holds until *until*."""
        raise NotImplementedError

    def leave(self, time: int, entry: Entry, received: int, sent: int, mark: int = 0) -> None:
        """Say the end of a session; bytes as the gateway counts them, from and to the client."""
        raise NotImplementedError

    def resume(self, time: int, entry: Entry, src: str, mark: int = 0) -> None:
        """Say that a session goes on from another address."""
        raise NotImplementedError

    def administer(self, time: int, user: str, src: str, change: str, name: str, mark: int = 0) -> None:
        """Say an administrator's logon (no *change*), or a change: ``portal``, ``user`` (a new one, *name*) or ``logging`` (switched off)."""
        raise NotImplementedError


def span(micros: int) -> tuple[int, int, int]:
    """Return hours, minutes and seconds."""
    seconds = micros // 1_000_000
    return seconds // 3600, seconds // 60 % 60, seconds % 60
