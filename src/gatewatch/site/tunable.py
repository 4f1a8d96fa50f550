"""The tunables: the mutable elements of ATT&CK's DET0354 and our own, with type, default and meaning.

A tunable is set for the whole site in ``[tunables]``, for one analytic in ``[tunables.AN1005]`` and for services, sites or users in
``[[override]]``. The most specific setting wins: user before site before service before analytic; among equals, the last in the file.
A list replaces the list it overrides; it does not add to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from gatewatch.schema.events import Service
from gatewatch.site.hours import Holiday, Window
from gatewatch.site.range import Network


class Type(StrEnum):
    """What a tunable holds."""

    NUMBER = "number"
    DURATION = "duration"  # "15m"; held in seconds
    HOURS = "hours"
    DATES = "dates"
    ZONE = "zone"
    NETWORKS = "networks"  # addresses and CIDRs
    CLIENTS = "clients"  # addresses, CIDRs and key fingerprints
    COUNTRIES = "countries"  # ISO 3166-1 codes and the site's own place names


@dataclass(frozen=True, slots=True)
class Grants:
    """The value of a list of known sources: networks, each as written, and key fingerprints."""

    networks: tuple[tuple[Network, str], ...] = ()
    fingerprints: tuple[str, ...] = ()


Value = int | str | tuple[str, ...] | tuple[Window, ...] | tuple[Holiday, ...] | Grants


@dataclass(frozen=True, slots=True)
class Tunable:
    """One tunable: ``text`` is ATT&CK's wording where ``attack``, else ours; ``analytic`` owns it (None: it holds for each)."""

    name: str
    type: Type
    default: Value | None
    text: str
    attack: bool = False
    analytic: str | None = None
    services: tuple[Service, ...] = ()  # the services a list of known sources speaks of; none: all

    @property
    def shown(self) -> str:
        """The default as a person would write it; empty when there is none."""
        if isinstance(self.default, int) and self.type is Type.DURATION:
            return show_duration(self.default)
        return "" if self.default is None else str(self.default)


@dataclass(frozen=True, slots=True)
class Layer:
    """Settings that hold where every given condition does; ``line`` is where the file makes them."""

    values: dict[str, Value | None]
    analytics: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()
    sites: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()
    order: int = 0
    lines: dict[str, int] = field(default_factory=dict)

    @property
    def rank(self) -> tuple[bool, bool, bool, bool, int]:
        """How specific it is; the highest wins."""
        return (bool(self.users), bool(self.sites), bool(self.services), bool(self.analytics), self.order)

    def holds(self, *, analytic: str | None, service: str | None, site: str | None, user: str | None) -> bool:
        """Return whether the settings hold there; an unknown value (None) meets no condition."""
        return (
            (not self.analytics or analytic in self.analytics)
            and (not self.services or service in self.services)
            and (not self.sites or site in self.sites)
            and (not self.users or user in self.users)
        )

    @property
    def where(self) -> str:
        """The conditions as text; ``the whole site`` when there are none."""
        given = (("analytic", self.analytics), ("service", self.services), ("site", self.sites), ("user", self.users))
        return ", ".join(f"{name} {' or '.join(sorted(values))}" for name, values in given if values) or "the whole site"


_CONTAINER = (Service.DOCKER_API, Service.KUBE_API, Service.KUBELET, Service.KUBE_DASHBOARD)

TUNABLES: tuple[Tunable, ...] = (
    Tunable("FailedLogonThreshold", Type.NUMBER, 5, "Number of failed logons before raising suspicion (e.g., >5).", attack=True),
    Tunable("TimeWindow", Type.DURATION, 900, "Time window to correlate failed attempts and success (e.g., 15m).", attack=True),
    Tunable("BusinessHours", Type.HOURS, None, "Normal business hours for logon activity.", attack=True, analytic="AN1004"),
    Tunable("KnownRemoteIPs", Type.NETWORKS, None, "List of approved external IPs or VPN endpoints.", attack=True, analytic="AN1004"),
    Tunable("GeoIPWhitelist", Type.COUNTRIES, None, "Geographic regions allowed for remote access.", attack=True, analytic="AN1004"),
    Tunable(
        "KnownSSHClients", Type.CLIENTS, None, "Legitimate IPs or client fingerprints for SSH/VPN.",
        attack=True, analytic="AN1005", services=(Service.SSH, Service.VPN),
    ),
    Tunable(
        "KnownVNCServers", Type.NETWORKS, None, "List of approved VNC/SSH sources.",
        attack=True, analytic="AN1006", services=(Service.VNC, Service.SSH),
    ),
    Tunable(
        "AllowedCIDRs", Type.NETWORKS, None, "Approved external IP ranges for container APIs.",
        attack=True, analytic="AN1007", services=_CONTAINER,
    ),
    Tunable("SlowFailedLogonThreshold", Type.NUMBER, 20, "Failed logons within SlowTimeWindow that make a slow guess."),
    Tunable("SlowTimeWindow", Type.DURATION, 86_400, "Time window of a slow guess."),
    Tunable("DistributedSources", Type.NUMBER, 5, "Different sources failing for one user that make a distributed guess."),
    Tunable("DistributedTimeWindow", Type.DURATION, 3_600, "Time window of a distributed guess."),
    Tunable("SprayUsers", Type.NUMBER, 10, "Different users failing from one source that make a password spray."),
    Tunable("SprayTimeWindow", Type.DURATION, 3_600, "Time window of a password spray."),
    Tunable("Holidays", Type.DATES, None, "Days without business hours: dates, or \"12-25\" for every year.", analytic="AN1004"),
    Tunable("HoursZone", Type.ZONE, None, "Zone of the business hours; if none, that of the host, then of the site.", analytic="AN1004"),
)

BY_NAME: dict[str, Tunable] = {tunable.name: tunable for tunable in TUNABLES}
KNOWN_LISTS: tuple[Tunable, ...] = tuple(tunable for tunable in TUNABLES if tunable.type in {Type.NETWORKS, Type.CLIENTS})

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def parse_duration(text: str) -> int:
    """Return the seconds of ``15m``, ``1h30m`` or ``24h``. ValueError otherwise.

    >>> parse_duration("1h30m")
    5400
    """
    total, digits, used = 0, "", ""
    for char in text.strip().lower():
        if char in "0123456789":
            digits += char
        elif char in _UNITS and digits and len(digits) < 10 and char not in used:
            total, digits, used = total + int(digits) * _UNITS[char], "", used + char
        else:
            break
    else:
        if total and not digits:
            return total
    raise ValueError(f"{text!r} is no length of time such as 30s, 15m, 24h or 7d")


def show_duration(seconds: int) -> str:
    """Return *seconds* as :func:`parse_duration` reads them.

    >>> show_duration(900), show_duration(86400), show_duration(5400)
    ('15m', '24h', '1h30m')
    """
    if seconds >= 172_800 and seconds % 86_400 == 0:
        return f"{seconds // 86_400}d"
    parts = ((seconds // 3_600, "h"), (seconds % 3_600 // 60, "m"), (seconds % 60, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0s"
