"""The plan of a segmentation test: which ports of which declared assets to try from a zone, and which of them the site means to be open.

Only declared assets with a known address are tried, only over TCP (a silent UDP port says nothing), and only ports that matter: those the site
speaks of for the asset, and one of each remote service.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from gatewatch.schema.port import service_of
from gatewatch.site.model import Site
from gatewatch.site.posture import Asset

PORTS = (21, 22, 23, 135, 445, 2375, 3389, 5900, 5985, 5986, 6443, 10250)
"""One or two ports of each service that lets somebody in."""
INTERNET = "internet"
_RANGE = 4  # ports of a declared range that are tried: its ends and what lies next to them


@dataclass(frozen=True, slots=True, order=True)
class Planned:
    """A connection to try from a zone."""

    zone: str
    host: str
    address: str
    port: int


def zones(site: Site) -> tuple[str, ...]:
    """Return the zones to try from: those declared, and the internet."""
    return tuple(dict.fromkeys([*(zone.name for zone in site.posture.zones), INTERNET]))


def plan(site: Site, zone: str) -> tuple[Planned, ...]:
    """Return what to try from *zone*, by asset and port; nothing towards assets that stand in it."""
    by_host: dict[str, list[str]] = {}
    for address, host in site.addresses().items():
        by_host.setdefault(host, []).append(address)
    made = []
    for asset in site.posture.assets:
        if asset.zone == zone:
            continue
        ports = sorted({*PORTS, *_spoken_of(site, asset, zone)})
        made += [Planned(zone, asset.name, address, port) for address in sorted(by_host.get(asset.name, ())) for port in ports]
    return tuple(made)


def _spoken_of(site: Site, asset: Asset, zone: str) -> set[int]:
    """Return the ports that the site speaks of for *asset* as seen from *zone*."""
    flows = [span for flow in site.posture.flows if flow.source == zone and flow.target == asset.zone for span in flow.ports]
    found: set[int] = set()
    for span in (*asset.allow, *flows):
        if span.protocol == "tcp":
            every = range(span.first, span.last + 1)
            found.update(every if len(every) <= _RANGE else (*every[:2], *every[-2:]))
    return found


def meant(site: Site, zone: str, host: str, port: int, today: date) -> str:
    """Return why a TCP port of *host* may be open to *zone*; empty when the site does not say so."""
    asset = site.posture.asset(host)
    if asset is None:
        return ""
    if any(span.holds("tcp", port) for span in asset.allow):
        return "[assets] allow"
    for flow in site.posture.flows:
        inside = flow.source == zone and flow.target == asset.zone and any(span.holds("tcp", port) for span in flow.ports)
        if inside and (flow.until is None or today <= flow.until):
            return f"[[flows]] {flow.source} to {flow.target} (owner {flow.owner})"
    return ""


def called(port: int) -> str:
    """Return a port with its service, for people."""
    service = service_of(port)
    return f"tcp/{port} ({service})" if service else f"tcp/{port}"
