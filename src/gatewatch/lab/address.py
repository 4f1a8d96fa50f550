"""Addresses of the outside, drawn from the country database that ships with gatewatch; nothing drawn is ever committed.

A :class:`Block` is a range of one provider in one country. Special ranges (private, shared, multicast, documentation …) are never drawn.
"""

from __future__ import annotations

import ipaddress
import random
from dataclasses import dataclass
from hashlib import blake2b
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

TRIES_V6 = 60_000
# where the registries hand out IPv6, by the two first bytes: RIPE NCC, ARIN, APNIC, LACNIC, AFRINIC (IANA's list of unicast assignments)
_V6 = {
    "ripe": tuple(range(0x2A00, 0x2A14)), "arin": tuple(range(0x2600, 0x2608)), "apnic": tuple(range(0x2400, 0x2410)),
    "lacnic": tuple(range(0x2800, 0x2807)), "afrinic": (0x2C0F,),
}  # fmt: skip
_REGISTRIES = {
    **dict.fromkeys(("US", "CA"), "arin"), **dict.fromkeys(("JP", "SG", "IN", "AU", "KR", "CN", "VN", "ID", "HK"), "apnic"),
    **dict.fromkeys(("BR", "MX", "AR", "CL", "CO"), "lacnic"), **dict.fromkeys(("ZA", "NG", "EG", "KE"), "afrinic"),
}  # fmt: skip


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


@dataclass(frozen=True, slots=True)
class Block6:
    """A range of IPv6 addresses of one provider or site, of at most 64 bits."""

    base: int  # the first 64 bits of its first address
    bits: int
    country: str

    @property
    def cidr(self) -> str:
        """Return the range in CIDR notation."""
        return str(ipaddress.IPv6Network((self.base << 64, self.bits)))

    def net(self, bits: int, *purpose: object) -> int:
        """Return the first 64 bits of a range of *bits* within, the one that *purpose* has: always the same."""
        return self.base | (lot(*purpose) & ((1 << (bits - self.bits)) - 1)) << (64 - bits)


def lot(*purpose: object) -> int:
    """Return 64 bits that depend on nothing but *purpose*: what a generator would be too slow, and its order too fickle, for."""
    return int.from_bytes(blake2b("/".join(map(str, purpose)).encode(), digest_size=8).digest())


def text_of_v6(net: int, host: int) -> str:
    """Return an IPv6 address as text (RFC 5952) of its first and last 64 bits."""
    return str(ipaddress.IPv6Address(net << 64 | host))


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

    def block_v6(self, country: str, bits: int, rng: random.Random) -> Block6 | None:
        """Return an IPv6 range (of 32 to 48 bits) that lies wholly in *country*; None where the database knows of no such."""
        starts = _V6[_REGISTRIES.get(country, "ripe")]
        for _ in range(TRIES_V6):
            base = (rng.choice(starts) << 48) | (rng.getrandbits(bits - 16) << (64 - bits))
            record, prefix = self._reader.get_with_prefix_len(f"{base >> 48:x}:{base >> 32 & 0xFFFF:x}:{base >> 16 & 0xFFFF:x}::")
            if prefix <= bits and isinstance(record, dict) and record.get("country_code") == country:
                return Block6(base, bits, country)
        return None

    def stray(self, rng: random.Random) -> str:
        """Return any address of the internet (an allocated one): background guessing comes from everywhere."""
        while True:
            number = rng.getrandbits(32)
            if not _special(number) and number & 255 not in {0, 255}:
                text = text_of(number)
                if self._reader.get(text) is not None:
                    return text
