"""Products: which the checks speak of, and whether the evidence or the site shows one, so that a reader is asked first for what is there.

It decides what is told first, never an outcome: a check without its evidence is ``unknown`` whether its product is shown or not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from gatewatch.audit.check import Check, Need
from gatewatch.schema.facts.base import Fact, Facts
from gatewatch.schema.facts.machine import Autostart, Listener, Machine, Software, System
from gatewatch.schema.port import service_of
from gatewatch.site.model import Site

_WORD = re.compile(r"[a-z0-9]+|[^\W_]+")
_LETTERS = re.compile(r"[a-z]{2,}")
_SPOKEN = ("product", "service", "platform", "process", "unit", "provider")


@dataclass(frozen=True, slots=True)
class Product:
    """A product: ``titles`` is found in the titles of its checks; each of ``words``, as the name of anything, shows that the site has one."""

    label: str
    titles: re.Pattern[str]
    words: frozenset[str]


def _product(label: str, titles: str, words: str) -> Product:
    return Product(label, re.compile(titles), frozenset(words.split()))


_APPLIANCES = "asa ftd cisco anyconnect fortios fortigate fortinet fgt panos paloalto globalprotect ivanti pulse netscaler citrix pfsense opnsense"
PRODUCTS: tuple[Product, ...] = (
    _product("Cisco ASA", r"^Cisco ASA", "asa ftd cisco anyconnect"),
    _product("FortiOS", r"^FortiOS", "fortios fortigate fortinet fgt"),
    _product("PAN-OS", r"^PAN-OS", "panos paloalto palo globalprotect"),
    _product("Ivanti Connect Secure", r"^Ivanti", "ivanti pulse ics"),
    _product("NetScaler", r"^NetScaler", "netscaler citrix"),
    _product("pfSense, OPNsense", r"^pfSense", "pfsense opnsense"),
    _product("pf", r"^pf:", "pf openbsd freebsd"),
    _product("OpenVPN", r"^OpenVPN", "openvpn ovpn"),
    _product("WireGuard", r"^WireGuard", "wireguard wg"),
    _product("strongSwan", r"^strongSwan", "strongswan swanctl charon ipsec"),
    _product("RD Gateway", r"^RD Gateway", "rdgateway rdgw rdg"),
    _product(
        "VPN gateways and firewalls", r"^Gateways|[Aa] gateway|^Appliances|concentrator|^Users of a VPN|^No translation|^No way goes round",
        _APPLIANCES + " openvpn wireguard strongswan gateway concentrator vpn firewall",
    ),
    _product("xrdp and VNC", r"xrdp|VNC", "xrdp vnc x11vnc tigervnc xvnc vino"),
    _product("Samba", r"^Samba", "samba smbd smb"),
    _product("NFS", r"^NFS", "nfs nfsd mountd"),
    _product("Docker", r"^Docker", "docker dockerd docker_api containerd"),
    _product(
        "Kubernetes", r"^Kubernetes|^kubelet|^API server|^Managed clusters",
        "kubernetes kube k8s kubelet kube_api kubeapi apiserver eks aks gke openshift cluster",
    ),
    _product("AWS", r"^AWS", "aws amazon ec2 eks"),
    _product("Azure", r"^Azure", "azure aks"),
    _product("Google Cloud", r"^Google Cloud", "gcp gcloud google gke"),
    _product("Entra", r"^Entra", "entra azuread aad microsoft365 m365 office365"),
    _product("managed browsers", r"^Browsers|^Browser ", "chrome chromium firefox edge browser"),
    _product("a web proxy", r"^Web proxy|^Logs of web proxies", "squid proxy webproxy"),
    _product("a DNS filter", r"^DNS: (?!hosts)", "unbound named bind bind9 dnsmasq resolver dns"),
    _product("a web server", r"^Web:", "nginx apache apache2 httpd web portal"),
    _product("a network sensor", r"sensor", "suricata snort zeek sensor ids"),
    _product("RADIUS", r"^RADIUS", "radius freeradius radiusd duoauthproxy authproxy nps"),
    _product("Guacamole", r"^Guacamole", "guacamole guacd"),
    _product("Tailscale", r"^Tailscale", "tailscale tailscaled"),
    _product("Cloudflare tunnels", r"^Cloudflare", "cloudflare cloudflared"),
)  # fmt: skip
_SYSTEMS: dict[System, str] = {
    System.LINUX: "Linux", System.WINDOWS: "Windows", System.MACOS: "macOS", System.NETWORK: "network devices",
    System.CLUSTER: "Kubernetes", System.CLOUD: "a cloud account",
}  # fmt: skip
_SYSTEM_WORDS: dict[System, frozenset[str]] = {
    System.LINUX: frozenset(["linux", "debian", "ubuntu", "rhel", "ssh"]),
    System.WINDOWS: frozenset(["windows", "win", "rdp", "winrm", "wmi", "rdgateway"]),
    System.MACOS: frozenset(["macos", "mac", "macbook", "imac"]),
    System.NETWORK: frozenset(_APPLIANCES.split()),
    System.CLUSTER: frozenset(["kubernetes", "kube", "k8s", "cluster"]),
    System.CLOUD: frozenset(["aws", "azure", "gcp", "entra"]),
}


@dataclass(slots=True)
class Presence:
    """What the evidence and the site show, by name: of machines, listeners, programs, doors, assets, zones, roles, services, providers."""

    facts: Facts
    site: Site
    _words: frozenset[str] | None = field(default=None, repr=False)

    def absent(self, check: Check, lacking: list[Need]) -> str:
        """Return the product *check* speaks of where nothing shows it, for a check that lacks evidence; empty where it, or the site, is there."""
        product = next((one for one in PRODUCTS if one.titles.search(check.title)), None)
        systems = [system for need in lacking for system in need.systems]
        if product is None and not systems:
            return ""
        words = frozenset().union(*(_SYSTEM_WORDS[system] for system in systems), product.words if product is not None else ())
        if words & self.words() or any(machine.system in systems for machine in self.facts.of(Machine)):
            return ""
        return product.label if product is not None else " or ".join(dict.fromkeys(_SYSTEMS[system] for system in systems))

    def words(self) -> frozenset[str]:
        """Return every word by which something is called, in lower case."""
        if self._words is None:
            named = {name for fact in self.facts for name in _names(fact)}
            named.update(_declared(self.site))
            self._words = frozenset(word for name in named for word in _split(name))
        return self._words


def _split(name: str) -> Iterator[str]:
    lower = name.casefold()
    yield lower
    yield lower.replace("-", "").replace(" ", "")
    yield from _WORD.findall(lower)
    yield from _LETTERS.findall(lower)


def _names(fact: Fact) -> Iterator[str]:
    yield fact.host
    for name in _SPOKEN:
        text = getattr(fact, name, "")
        if isinstance(text, str) and text:
            yield text
    if isinstance(fact, (Software, Autostart)):
        yield fact.name
    elif isinstance(fact, Listener):
        yield service_of(fact.port, fact.protocol) or ""
    elif isinstance(fact, Machine):
        yield fact.system.value


def _declared(site: Site) -> Iterator[str]:
    posture = site.posture
    for asset in posture.assets:
        yield from (asset.name, *asset.roles, *asset.services)
    for zone in posture.zones:
        yield from (zone.name, *zone.interfaces, *(("vpn",) if zone.kind.value == "vpn" else ()))
    for provider in posture.providers:
        yield from (provider.name, *provider.servers)
    yield from (product for product, _ in posture.minimum_version)
    yield from (*posture.concentrators, *(("concentrator",) if posture.concentrators else ()))
    yield from posture.remote_tools
    if posture.web_proxies:
        yield "proxy"
    if posture.resolvers:
        yield "resolver"
