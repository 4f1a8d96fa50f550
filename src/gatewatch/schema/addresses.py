"""Addresses as logs write them, in one canonical text form.

The rules are those of the field: brackets and zones stripped, IPv4-mapped and NAT64 unwrapped, placeholders null, quads
with leading zeros refused (they are ambiguous and never "repaired"). Ports are split off only where that is unambiguous. One spelling
of Windows for the near end of a tunnel is the loopback address.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache

PLACEHOLDERS = frozenset(
    {"", "-", "?", "unknown", "local", "0.0.0.0", "::", "(null)", "null", "n/a", "none", "mapped ip", "localhost:0"}  # noqa: S104 - nothing is bound
)
_FORWARDED = "::%16777216"  # what Windows writes of a desktop reached by a forward of its own host (ngrok): no zone has that number
_REDACTED = ("<private>", "<mask.hash")  # of macOS
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@lru_cache(maxsize=1 << 18)
def canonical_address(text: str) -> str | None:
    """Return the canonical form of *text*, or None when it is a placeholder or no address.

    >>> canonical_address("::ffff:192.0.2.7"), canonical_address("[2001:DB8::1]:50022"), canonical_address("192.000.2.7")
    ('192.0.2.7', '2001:db8::1', None)
    """
    raw = text.strip()
    if raw.lower() in PLACEHOLDERS:
        return None
    if raw == _FORWARDED:
        return "::1"
    if raw.startswith("[") and "]" in raw:
        raw = raw[1 : raw.index("]")]
    elif raw.count(":") == 1 and "." in raw:
        raw = raw.partition(":")[0]
    raw = raw.partition("%")[0]
    try:
        address = ipaddress.ip_address(raw)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        elif address in _NAT64:
            address = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    result = str(address)
    return None if result in PLACEHOLDERS else result


def is_placeholder(text: str) -> bool:
    """Return whether *text* stands for "not known"."""
    return text.strip().lower() in PLACEHOLDERS or text.startswith(_REDACTED)


def is_loopback(address: str) -> bool:
    """Return whether a canonical *address* is the host's own: the near end of a tunnel, where a remote logon comes from there."""
    return address.startswith("127.") or address == "::1"
