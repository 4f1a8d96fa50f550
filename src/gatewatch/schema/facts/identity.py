"""Facts of identities: accounts as their directory lists them, keys that log in, RADIUS clients, rules that alert, tunnels by identity."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from gatewatch.schema.facts.base import Fact, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryAccount(Fact):
    """An account of a directory (``linux``, ``ad``, ``entra``) that can log in. None: the evidence does not say.

    ``login``: it could log in remotely (shell, enabled); ``last_used`` is told with ``never`` false; ``never``: it never logged in;
    ``password``: it has to give one; ``expires``: its last day, ``unending``: it is said to have none; ``registered``: it has a second factor.
    """

    name: str
    directory: str
    login: bool | None = None
    admin: bool | None = None
    number: int | None = None  # of Linux: the user id
    password: bool | None = None
    last_used: date | None = None
    never: bool | None = None
    created: date | None = None
    expires: date | None = None
    unending: bool | None = None
    registered: bool | None = None
    methods: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizedKey(Fact):
    """A key in somebody's ``authorized_keys``: whose, its type, and what its options limit."""

    user: str
    kind: str
    options: tuple[str, ...] = ()  # names, in lower case
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RadiusSettings(Settings):
    """Settings of a RADIUS server towards one client (FreeRADIUS) or of one of its doors (Duo's proxy, ``duo``)."""

    product: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule(Fact):
    """A rule that alerts, of whatever SIEM: its name, whether it is on, and the topics it is about (see ``evidence.alert_rule``)."""

    name: str
    product: str
    enabled: bool | None
    topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogExport(Fact):
    """Which categories of an identity provider's log go where. ``targets`` empty: nowhere."""

    name: str
    categories: tuple[str, ...]
    targets: tuple[str, ...]
