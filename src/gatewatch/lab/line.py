"""Lines: what a connection of the outside shows of itself where both ends have IPv6, beside the IPv4 address it is known by.

A line of a dual-stack provider has a range of its own. A household is delegated a /56 and its machines stand in its networks (/64) with privacy
addresses that change daily (RFC 8981); a telephone has a network for itself (/64) for some hours; a machine of a hoster keeps one address; an
office has a /48, and no translation: every desk is seen. Which family answers first (Happy Eyeballs, RFC 8305) is found out anew every
ten minutes, so sign-in and tunnel of one person may come by different families. A hosted machine uses one family.

Everything follows from the seed, the line, who, where to and when: no order of calls changes it.
"""

from __future__ import annotations

from dataclasses import dataclass

from gatewatch.lab.address import Block6, lot, text_of_v6
from gatewatch.lab.moment import DAY, HOUR, MINUTE

REMEMBERED = 10 * MINUTE  # how long a client keeps what it found out of the families
SHARE = 0.8  # of a dual-stack provider's homes that use it


@dataclass(frozen=True, slots=True)
class Line:
    """An address of a provider that has IPv6 as well."""

    seed: int
    address: str  # IPv4
    block: Block6
    kind: str  # residential, mobile, hosting, office

    def face(self, time: int, who: str, host: str) -> str:
        """Return the address a host sees of somebody on this line: the IPv6 one, or the IPv4 one."""
        if self.kind == "residential":
            if lot(self.seed, "home", self.address) % 100 >= SHARE * 100:
                return self.address
            eager = 55 + lot(self.seed, "eager", self.address) % 40
        else:
            eager = {"mobile": 85, "office": 90}.get(self.kind, 100 * (lot(self.seed, "eager", self.address) % 2))
        if lot(self.seed, self.address, who, host, time // REMEMBERED) % 100 >= eager:
            return self.address
        return self.v6(time, who)

    def v6(self, time: int, who: str) -> str:
        """Return the IPv6 address of somebody's machine."""
        if self.kind == "hosting":
            return text_of_v6(self.block.net(64, self.seed, self.address), 1 + lot(self.seed, "host", self.address) % 0xFFFF)
        if self.kind == "mobile":
            net = self.block.net(64, self.seed, self.address, who, time // (6 * HOUR))
        elif self.kind == "office":
            net = self.block.base | lot(self.seed, who, "desk") % 32
        else:
            net = self.block.net(56, self.seed, self.address) | lot(self.seed, who, "room") % 2
        return text_of_v6(net, lot(self.seed, net, who, time // DAY))
