"""One table of address forms: what a log may write, the address it is, the scope it has, and whether it may begin an origin."""

from __future__ import annotations

import pytest

from gatewatch.enrich.scope import ScopeTable
from gatewatch.schema.addresses import canonical_address
from gatewatch.schema.events import Scope
from gatewatch.site.range import parse_address

TABLE = (
    ("203.0.113.9", "203.0.113.9", Scope.PUBLIC),
    ("::ffff:203.0.113.9", "203.0.113.9", Scope.PUBLIC),  # IPv4-mapped
    ("[::ffff:203.0.113.9]:50022", "203.0.113.9", Scope.PUBLIC),
    ("::ffff:10.0.0.5", "10.0.0.5", Scope.PRIVATE),
    ("::%16777216", "::1", Scope.LOOPBACK),  # a forward of the own host (ngrok), as Windows writes it
    ("::%5", None, None),
    ("64:ff9b::cb00:7109", "203.0.113.9", Scope.PUBLIC),  # NAT64 of an outside address
    ("64:ff9b::a00:5", "10.0.0.5", Scope.PRIVATE),  # NAT64 of an inner one
    ("64:ff9b:1::1", "64:ff9b:1::1", Scope.RESERVED),  # local NAT64: what is in it, nobody knows
    ("100.64.0.1", "100.64.0.1", Scope.SHARED),  # CGNAT, overlays
    ("100.127.255.254", "100.127.255.254", Scope.SHARED),
    ("100.128.0.1", "100.128.0.1", Scope.PUBLIC),
    ("fd00::5", "fd00::5", Scope.PRIVATE),  # ULA
    ("fc00::1", "fc00::1", Scope.PRIVATE),
    ("fe80::1%eth0", "fe80::1", Scope.LINK_LOCAL),  # zone
    ("fe80::1%12", "fe80::1", Scope.LINK_LOCAL),
    ("2001:DB8::1", "2001:db8::1", Scope.PUBLIC),
    ("2002:cb00:7109::1", "2002:cb00:7109::1", Scope.PUBLIC),  # 6to4 of an outside address
    ("2002:a00:5::1", "2002:a00:5::1", Scope.RESERVED),  # 6to4 of an inner one: a lie, and never inside
    ("127.0.0.1", "127.0.0.1", Scope.LOOPBACK),
    ("::1", "::1", Scope.LOOPBACK),
    ("169.254.1.1", "169.254.1.1", Scope.LINK_LOCAL),
    ("192.000.2.7", None, None),
    ("0.0.0.0", None, None),
    ("-", None, None),
)


@pytest.mark.parametrize(("written", "address", "scope"), TABLE)
def test_an_address_is_one_address_however_it_is_written(written: str, address: str | None, scope: Scope | None) -> None:
    assert canonical_address(written) == address
    if address is not None:
        assert ScopeTable().scope(*(parse_address(address) or (0, 0))) is scope
