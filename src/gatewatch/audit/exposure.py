"""Exposure: whether a service on a host can be got at from outside, as far as listeners, scans and the site say.

A scan from outside that found the port open proves it; a listener on loopback only proves the contrary; then the packet filters are asked. Where
they cannot tell, a device or asset in a zone of kind ``dmz`` or ``internet`` counts as exposed, and of all else nothing is known.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gatewatch.audit.reach.query import Reach
from gatewatch.audit.reach.zone import internet
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.filter import Spans
from gatewatch.schema.facts.machine import Listener
from gatewatch.schema.findings import Exposure
from gatewatch.schema.port import service_of
from gatewatch.site.model import Site
from gatewatch.site.posture import ZoneKind

_OUTSIDE = frozenset({ZoneKind.DMZ, ZoneKind.INTERNET})


@dataclass(slots=True)
class ExposureTable:
    """The exposure of each (host, service), worked out once."""

    facts: Facts
    site: Site
    reach: Reach
    _known: dict[tuple[str, str], Exposure] = field(default_factory=dict)
    _outside: Spans = ()

    def of(self, host: str, service: str) -> Exposure:
        """Return the exposure of *service* on *host*."""
        key = (host, service)
        if key not in self._known:
            self._known[key] = self._find(host, service)
        return self._known[key]

    def _find(self, host: str, service: str) -> Exposure:
        mine = [one for one in self.facts.of(Listener, host) if service and (one.service or service_of(one.port, one.protocol)) == service]
        if any(one.zone == "internet" for one in mine):
            return Exposure.EXPOSED
        if mine and all(one.loopback for one in mine):
            return Exposure.INTERNAL
        if not self._outside:
            self._outside = internet(self.site)
        verdicts = {self.reach.ask(self._outside, host, one.port, one.protocol).verdict for one in mine if not one.loopback}
        if "yes" in verdicts:
            return Exposure.EXPOSED
        if verdicts == {"no"}:
            return Exposure.INTERNAL
        asset = self.site.posture.asset(host)
        zone = self.site.posture.zone(asset.zone) if asset is not None and asset.zone else None
        if zone is not None and zone.kind in _OUTSIDE and (mine or not service or service in (asset.services if asset is not None else ())):
            return Exposure.EXPOSED
        if asset is not None and asset.zone == "internet":
            return Exposure.EXPOSED
        return Exposure.UNKNOWN
