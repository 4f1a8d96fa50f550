"""Addresses of the outside, drawn from the country database that ships with gatewatch; nothing drawn is ever committed.

A :class:`Block` is a range of one provider in one country. Special ranges (private, shared, multicast, documentation …) are never drawn.
"""

from __future__ import annotations

import ipaddress
import random
from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import Any

import maxminddb

TRIES = 400_000
# What no outside address may be: private, shared, loopback, link-local, protocol, documentation, benchmark, multicast and reserved ranges.
_RANGES = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24"),
    *("192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"),
)
SPECIAL_V4 = tuple((int(network[0]), int(network[-1])) for network in map(ipaddress.IPv4Network, _RANGES))


def text_of(number: int) -> str:
    """Return an IPv4 address as text."""
    return f"{number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


@dataclass(frozen=True, slots=True)
class Block:
    """A range of addresses of one provider."""

    base: int
    bits: int
    country: str
    kind: str  # residential, mobile, hosting, office

    @property
    def cidr(self) -> str:
        """Return the range in CIDR notation."""
        return f"{text_of(self.base)}/{self.bits}"

    def address(self, rng: random.Random) -> str:
        """Return an address of the range, neither its first nor its last."""
        return text_of(self.base + rng.randint(1, (1 << (32 - self.bits)) - 2))

    def part(self, bits: int, rng: random.Random) -> Block:
        """Return a smaller range within."""
        step = 1 << (32 - bits)
        return Block(self.base + rng.randrange(1 << (bits - self.bits)) * step, bits, self.country, self.kind)


def _special(number: int) -> bool:
    return any(low <= number <= high for low, high in SPECIAL_V4)


class Atlas:
    """Draws ranges and addresses by country."""

    def __init__(self) -> None:
        source = files("gatewatch").joinpath("content", "geo", "geo-whois-asn-country.mmdb")
        with as_file(source) as path:
            self._reader: Any = maxminddb.open_database(path)
        self._taken: list[tuple[int, int]] = []

    def country(self, address: str) -> str | None:
        """Return the country of an address, as the database has it."""
        record = self._reader.get(address)
        return record.get("country_code") if isinstance(record, dict) else None

    def block(self, country: str | None, bits: int, kind: str, rng: random.Random) -> Block:
        """Return a range that lies wholly in *country* (None: in any) and that was not drawn before."""
        mask = (0xFFFFFFFF << (32 - bits)) & 0xFFFFFFFF
        for _ in range(TRIES):
            base = rng.getrandbits(32) & mask
            last = base | (~mask & 0xFFFFFFFF)
            if _special(base) or _special(last):
                continue
            record, prefix = self._reader.get_with_prefix_len(text_of(base))
            if prefix > bits or not isinstance(record, dict) or (country is not None and record.get("country_code") != country):
                continue
            if any(low <= last and base <= high for low, high in self._taken):
                continue
            self._taken.append((base, last))
            return Block(base, bits, str(record.get("country_code")), kind)
        if bits < 28:
            return self.block(country, bits + 2, kind, rng)
        raise LookupError(f"no free range in {country}")

    def stray(self, rng: random.Random) -> str:
        """Return any address of the internet (an allocated one): background guessing comes from everywhere."""
        while True:
            number = rng.getrandbits(32)
            if not _special(number) and number & 255 not in {0, 255}:
                text = text_of(number)
                if self._reader.get(text) is not None:
                    return text
