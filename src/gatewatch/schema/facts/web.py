"""Facts of the web: proxies, DNS filters, sites with their headers, browsers' policies, sensors, lists of Tor nodes."""

from __future__ import annotations

from dataclasses import dataclass

from gatewatch.schema.facts.base import Fact, Setting, Settings, Where
from gatewatch.schema.facts.filter import Spans


@dataclass(frozen=True, slots=True)
class ProxyAcl:
    """A named list of a proxy: its kind, its values (files read in), and the files that are not in the evidence."""

    name: str
    kind: str
    values: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    networks: Spans = ()  # of dst and src
    fold: bool = False  # patterns without regard to case


@dataclass(frozen=True, slots=True)
class ProxyRule:
    """A rule: allow or deny when every term holds; a term is a list's name and whether it is negated."""

    allow: bool
    terms: tuple[tuple[str, bool], ...]
    where: Where


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyPolicy(Fact):
    """Who may get where through a proxy: rules in order, the first that matches decides. ``incomplete``: what of it is not in the evidence."""

    product: str
    acls: tuple[ProxyAcl, ...]
    rules: tuple[ProxyRule, ...]
    incomplete: str = ""
    log_denied: bool | None = None
    log_place: Where | None = None

    def acl(self, name: str) -> ProxyAcl | None:
        """Return the list *name*."""
        return next((one for one in self.acls if one.name == name), None)


@dataclass(frozen=True, slots=True)
class DnsZone:
    """A zone a resolver answers by itself: ``blocks`` when names in it get no answer that leads anywhere (None: not known)."""

    name: str
    how: str
    blocks: bool | None
    where: Where | None


@dataclass(frozen=True, slots=True)
class PolicyZone:
    """A response policy zone: whether its rules act, whether hits are logged, and its triggers where its file is in the evidence.

    ``names``: domain and whether it is blocked (``*.`` for all below); None where the file is not in the evidence or cannot be read.
    """

    name: str
    acts: bool
    logged: bool
    names: tuple[tuple[str, bool], ...] | None
    fault: str = ""
    where: Where | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsFilter(Fact):
    """What a resolver refuses to resolve."""

    product: str
    zones: tuple[DnsZone, ...] = ()
    policies: tuple[PolicyZone, ...] = ()
    incomplete: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolverUse(Fact):
    """The resolvers a host asks."""

    servers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WebHeader:
    """A header of responses; ``always``: also of errors."""

    name: str
    value: str
    always: bool
    where: Where


@dataclass(frozen=True, slots=True, kw_only=True)
class WebPlace(Fact):
    """A server or location of a web server, with the headers in force there. ``redirects``: it only sends elsewhere, to https or not."""

    product: str
    site: str
    path: str = ""
    tls: bool = False
    redirects: str = ""
    headers: tuple[WebHeader, ...] = ()
    lost: tuple[str, ...] = ()  # headers of the place around it that do not hold here
    uncertain: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserPolicy(Settings):
    """The mandatory policies of a browser: ``product`` chrome, edge, chromium or firefox; names as the vendor writes them, lower case."""

    product: str
    lists: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def list(self, name: str) -> tuple[str, ...]:
        """Return the values of a policy that is a list."""
        return next((values for key, values in self.lists if key == name), ())


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorRules(Fact):
    """A file of rules of an intrusion detection system: how many are on, and those of them about Tor."""

    product: str
    path: str
    enabled: int
    disabled: int
    tor: int
    tor_disabled: int
    first: Where | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorSettings(Fact):
    """A sensor's settings: the rule files it loads, and where its alerts go. ``settings`` tells the deciding places."""

    product: str
    files: tuple[str, ...] = ()
    alerts: tuple[Setting, ...] = ()
    logs: tuple[Setting, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TorList(Fact):
    """A list of public Tor nodes: addresses, and the day it says it is from (empty: it does not say)."""

    kind: str
    addresses: Spans
    count: int
    day: str = ""
