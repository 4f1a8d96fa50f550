"""Judging the settings of gateways: a demand on one setting of one product, and the verdicts it gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from gatewatch.audit.check import Criterion, Ground, Need, Verdict, by_setting
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.gateway import GatewaySettings
from gatewatch.schema.findings import Status

PRODUCTS = {
    "asa": "Cisco ASA", "ftd": "Cisco FTD", "fortios": "FortiOS", "panos": "PAN-OS", "openvpn": "OpenVPN", "wireguard": "WireGuard",
    "strongswan": "strongSwan", "netscaler": "NetScaler", "ivanti": "Ivanti Connect Secure", "pfsense": "pfSense", "opnsense": "OPNsense",
    "routeros": "MikroTik RouterOS",
}  # fmt: skip
COLLECT = {
    "asa": "show running-config all",
    "ftd": "show running-config all",
    "fortios": "show full-configuration (or a backup of the configuration)",
    "panos": "the running configuration exported as XML",
    "openvpn": "cp /etc/openvpn/server/*.conf EVIDENCE/etc/openvpn/server/",
    "wireguard": "cp /etc/wireguard/*.conf EVIDENCE/etc/wireguard/ (keys are masked)",
    "strongswan": "cp /etc/swanctl/swanctl.conf EVIDENCE/etc/swanctl/, or /etc/ipsec.conf",
    "netscaler": "cp /nsconfig/ns.conf EVIDENCE/",
    "pfsense": "the configuration as XML (config.xml)",
    "opnsense": "the configuration as XML (config.xml)",
    "routeros": "/export file=router (without show-sensitive)",
    "ivanti": "the XML export of authentication, sign-in and user realms",
}
"""What to bring of each product."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What one setting of a product has to be. ``good`` returns None where the value does not tell.

    ``optional``: asked only where the setting is given; of others, silence is unknown.
    ``feature``: the setting that says ``off`` where the demand is out of question.
    """

    products: tuple[str, ...]
    name: str
    good: Callable[[str], bool | None]
    met: str
    unmet: str
    optional: bool = False
    feature: str = ""


def among(*values: str) -> Callable[[str], bool]:
    """Return a demand for one of *values*."""
    return lambda text: text.lower() in values


def lacking(*values: str) -> Callable[[str], bool]:
    """Return a demand for anything but *values*."""
    return lambda text: text.lower() not in values


def at_most(most: int) -> Callable[[str], bool]:
    """Return a demand for a number from 1 to *most*."""
    return lambda text: text.isascii() and text.isdigit() and 0 < int(text[:12]) <= most


def at_least(least: int) -> Callable[[str], bool]:
    """Return a demand for a number of at least *least*."""
    return lambda text: text.isascii() and text.isdigit() and int(text[:12]) >= least


def judge_settings(demands: Sequence[Demand], feature: str = "") -> Criterion:
    """Return a criterion that asks each demand of the settings of its product; a setting that is not given is unknown.

    Where the setting *feature* says ``off``, the demands are out of question.
    """

    def criterion(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
        for settings in facts.of(GatewaySettings):
            off = settings.get(feature) if feature else None
            if off is not None and off.value == "off" and not off.uncertain and any(settings.product in one.products for one in demands):
                yield Verdict(
                    status=Status.NOT_APPLICABLE, host=settings.host, message=f"{feature} is off", resolved=off.how, where=settings.where[:1],
                    service=settings.service, subject=f"{settings.scope} {feature}".strip(), as_of=settings.as_of,
                )  # fmt: skip
                continue
            for demand in demands:
                if settings.product in demand.products:
                    setting = settings.get(demand.name)
                    if setting is None and demand.optional:
                        continue
                    gate = settings.get(demand.feature) if demand.feature else None
                    if gate is not None and gate.value == "off" and not gate.uncertain:
                        yield Verdict(
                            status=Status.NOT_APPLICABLE, host=settings.host, message=f"{demand.feature} is off", resolved=gate.how,
                            where=settings.where[:1], service=settings.service, subject=f"{settings.scope} {demand.name}".strip(),
                            as_of=settings.as_of,
                        )  # fmt: skip
                        continue
                    good = demand.good(setting.value) if setting is not None else None
                    said = demand.met if good else demand.unmet
                    subject = f"{settings.scope} {demand.name}".strip()
                    yield by_setting(settings, setting, good, said, service=settings.service, subject=subject)

    return criterion


def need_settings(*products: str) -> tuple[Need, ...]:
    """Return the need for the settings of one of *products*."""
    collect = "; ".join(dict.fromkeys(f"{PRODUCTS[product]}: {COLLECT[product]}" for product in products))
    return (Need((GatewaySettings,), collect, when=lambda fact: fact.product in products),)
