"""Anonymizer lists: addresses of Tor exits, proxies and commercial VPNs, from files that the site brings along.

Understood: one address or CIDR per line (``#`` and ``;`` begin comments; further columns are ignored), Tor's bulk exit list and
``exit-addresses``, and the JSON of Onionoo (``relays`` with ``exit_addresses``) or any JSON list of addresses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from gatewatch.errors import SiteError
from gatewatch.site.model import Site
from gatewatch.site.range import Network, RangeMap, parse_network

_FIRST = re.compile(r"[^\s,;#\"']+")
_RELAY_LINES = ("ExitNode", "Published", "LastStatus")  # of exit-addresses


class _Relay(msgspec.Struct):
    flags: tuple[str, ...] = ("Exit",)
    exit_addresses: tuple[str, ...] = ()
    or_addresses: tuple[str, ...] = ()


class _Onionoo(msgspec.Struct):
    relays: list[_Relay]


def read_list(path: Path) -> tuple[list[Network], int]:
    """Return the networks a file lists and the number of entries that are none. OSError when it cannot be read."""
    networks: list[Network] = []
    wrong = 0
    for entry in _entries(path.read_bytes()):
        try:
            networks.append(parse_network(entry))
        except ValueError:
            wrong += 1
    return networks, wrong


def _entries(content: bytes) -> Iterator[str]:
    if content.lstrip()[:1] in {b"{", b"["}:
        try:
            found = msgspec.json.decode(content, type=_Onionoo | list[str])
        except msgspec.DecodeError:
            pass  # an address in brackets is a list too
        else:
            yield from _from_json(found)
            return
    for line in content.decode("utf-8", "replace").splitlines():
        text = line.strip().removeprefix("ExitAddress").strip().strip("\"'")
        first = _FIRST.match(text)
        if first is not None and not text.startswith(_RELAY_LINES):
            yield first.group().removeprefix("[").removesuffix("]")


def _from_json(found: _Onionoo | list[str]) -> Iterator[str]:
    if isinstance(found, list):
        yield from found
        return
    for relay in found.relays:
        if "Exit" not in relay.flags:
            continue
        yield from relay.exit_addresses
        for address in relay.or_addresses:  # with port: 192.0.2.1:9001, [2001:db8::1]:9001
            yield address.rpartition(":")[0].strip("[]")


class Anonymizers:
    """The lists of a site; ``notes`` names entries that could not be used."""

    def __init__(self, site: Site) -> None:
        """Read the lists. SiteError when a file cannot be read."""
        networks: list[Network] = []
        notes: list[str] = []
        for path in site.geo.anonymizers:
            try:
                found, wrong = read_list(path)
            except OSError as error:
                raise SiteError(f"{site.path or 'gatewatch.toml'}:1: [geo]: {path} cannot be read: {error.strerror or error}") from error
            networks += found
            if wrong:
                notes.append(f"{path}: {wrong} entries are no address; {len(found)} are used")
        self.notes = tuple(notes)
        self._map = RangeMap((network, True) for network in dict.fromkeys(networks)) if site.geo.anonymizers else None

    def lists(self, version: int, number: int, routed: tuple[int, int] | None) -> bool | None:
        """Return whether the address, or the one it embeds, is listed; None without a list."""
        if self._map is None:
            return None
        return bool(self._map.find(version, number)) or (routed is not None and bool(self._map.find(*routed)))
