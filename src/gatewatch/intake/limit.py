"""Limits: what an archive may cost before it is taken for a bomb."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024**2


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a container is unpacked; the last three count per file on disk."""

    max_ratio: int = 200  # unpacked bytes per packed byte of one container
    ratio_floor: int = 64 * MIB  # unpacked bytes below which the ratio is not judged
    max_depth: int = 3  # archives within archives; a compressed file within an archive is no level of its own
    max_members: int = 100_000
    max_unpacked: int = 2 * 1024**4


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a byte stream ended before its end: what happened and whose fault it is ("data", "user" or "system")."""

    what: str
    whose: str = "data"


@dataclass(slots=True)
class Budget:
    """What one file on disk has cost so far: unpacked bytes and archive members; ``fault`` is set once a limit is reached."""

    limits: Limits
    unpacked: int = 0
    members: int = 0
    fault: Fault | None = None

    def spend(self, size: int, total: int, packed: int) -> Fault | None:
        """Count *size* bytes more of a container that gave *total* bytes out of *packed*; return why it may give no more."""
        self.unpacked += size
        if self.unpacked > self.limits.max_unpacked:
            self.fault = self.fault or Fault(f"unpacks to more than {self.limits.max_unpacked:,} bytes; the rest is not read")
            return self.fault
        if total > self.limits.ratio_floor and total > self.limits.max_ratio * max(packed, 1):
            return Fault(f"unpacks to more than {self.limits.max_ratio} times its size, like an archive bomb; the rest is not read")
        return None

    def admit(self) -> bool:
        """Count an archive member; return whether it may be read."""
        if self.fault is None:
            self.members += 1
            if self.members > self.limits.max_members:
                self.fault = Fault(f"holds more than {self.limits.max_members:,} members; the rest is not read")
        return self.fault is None
