"""What is asked for first: evidence of what the site shows; the rest is folded, and nothing of it passes."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO

import pytest
from audit_case import CASES, TODAY, audited

from gatewatch.audit.check import Ground
from gatewatch.audit.product import PRODUCTS, Presence
from gatewatch.audit.registry import CHECKS
from gatewatch.audit.run import run, table
from gatewatch.engines import posture
from gatewatch.schema.facts.access import AccessPath
from gatewatch.schema.facts.base import Fact, Facts
from gatewatch.schema.facts.machine import Listener, Machine, Software, System
from gatewatch.schema.findings import Audit, Finding, Status
from gatewatch.sinks.audit_registry import AUDIT_SINKS
from gatewatch.site.model import Site
from gatewatch.site.posture import Asset, Posture, Zone, ZoneKind

FOLDED = "Nothing shows these products; if you have them, bring"


def written(audit: Audit, name: str = "console", *, everything: bool = False) -> str:
    out = StringIO()
    next(sink for sink in AUDIT_SINKS if sink.name == name).write(audit, out, color=False, width=80, everything=everything)
    return out.getvalue()


def asked(facts: tuple[Fact, ...] = (), made: Posture | None = None) -> list[Finding]:
    held = Facts()
    held.add(facts)
    site = replace(Site.default(), posture=made) if made is not None else Site.default()
    return run(held, Ground(site, TODAY), CHECKS)


def absent(facts: tuple[Fact, ...] = (), made: Posture | None = None) -> set[str]:
    return {one.absent for one in asked(facts, made)}


def test_what_nothing_shows_stays_unknown_and_is_folded_on_the_console_only() -> None:
    audit = audited("ssh-weak")
    away = [one for one in audit.findings if one.absent]
    assert away and {one.status for one in away} == {Status.UNKNOWN}
    page = written(audit)
    first, _, rest = page.partition(FOLDED)
    told = first.partition("What could not be answered")[2]
    block = rest.partition("What somebody must say")[0]
    assert "Cisco ASA (" in block and "show running-config all" in block
    assert "Cisco ASA" not in told and "M1030.5-02" in told
    for product in {one.absent for one in away}:
        assert sum(line.startswith(f"  {product} (") for line in block.splitlines()) == 1
    assert f"{len(away)} checks of theirs stay unknown in the table" in page
    assert [line for line in page.splitlines() if len(line) > 80] == []
    everything = written(audit, everything=True)
    assert FOLDED not in everything
    assert all(one.check in everything for one in away)
    assert [json.loads(line)["check"] for line in written(audit, "jsonl").splitlines()] == [one.check for one in audit.findings]
    assert all(one.check in written(audit, "csv") and one.check in written(audit, "html") for one in away)


def test_the_table_counts_what_is_folded() -> None:
    found = asked()
    for row in table(found, CHECKS):
        mine = [one for one in found if row.measure in one.measures and one.status is Status.UNKNOWN]
        assert row.counts[Status.UNKNOWN] == len(mine)
    assert {one.status for one in found} <= {Status.UNKNOWN, Status.MANUAL}


@pytest.mark.parametrize(
    ("fact", "label"),
    [
        (Machine(host="edge", system=System.NETWORK, product="Cisco ASA"), "Cisco ASA"),
        (AccessPath(host="edge", service="vpn", product="fortios", name="x", ways=()), "FortiOS"),
        (Listener(host="a", address="*", port=1194, protocol="udp", process="openvpn"), "OpenVPN"),
        (Software(host="a", name="strongswan-swanctl"), "strongSwan"),
        (Machine(host="gate-netscaler-01", system=System.NETWORK), "NetScaler"),
    ],
)
def test_evidence_of_a_product_brings_its_questions_forward(fact: Fact, label: str) -> None:
    assert label in absent()
    assert label not in absent((fact,))


@pytest.mark.parametrize(
    ("made", "label"),
    [
        (Posture(assets=(Asset("asa01"),)), "Cisco ASA"),
        (Posture(assets=(Asset("edge", roles=("fortigate",)),)), "FortiOS"),
        (Posture(assets=(Asset("edge", services=("vpn",)),)), "VPN gateways and firewalls"),
        (Posture(minimum_version=(("panos", "11.1"),)), "PAN-OS"),
        (Posture(concentrators=("edge",)), "VPN gateways and firewalls"),
        (Posture(zones=(Zone("wireguard", ZoneKind.VPN),)), "WireGuard"),
    ],
)
def test_the_site_file_brings_questions_forward(made: Posture, label: str) -> None:
    assert label in absent()
    assert label not in absent((), made)


def test_a_name_that_only_contains_the_letters_shows_nothing() -> None:
    assert "Cisco ASA" in absent((Machine(host="nasa", system=System.LINUX), Software(host="nasa", name="casadm")))


def test_what_is_shown_depends_on_names_only_and_not_on_their_order() -> None:
    facts = [Machine(host="asa1", system=System.NETWORK), Software(host="b", name="openvpn"), Listener(host="c", address="*", port=3389)]
    one, other = Facts(), Facts()
    one.add(facts)
    other.add(reversed(facts))
    assert Presence(one, Site.default()).words() == Presence(other, Site.default()).words()


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product.label)
def test_every_product_has_checks(product: object) -> None:
    assert isinstance(product, type(PRODUCTS[0]))
    assert any(next((one for one in PRODUCTS if one.titles.search(check.title)), None) is product for check in CHECKS)


def test_evidence_of_an_asa_asks_for_the_rest_of_it() -> None:
    audit = posture.audit([str(CASES / "asa-weak" / "evidence")], Site.default(), TODAY)
    assert not [one for one in audit.findings if one.absent in {"Cisco ASA", "VPN gateways and firewalls"}]
