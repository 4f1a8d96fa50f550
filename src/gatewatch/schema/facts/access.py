"""Facts of access: each way to log in to a service, with the factors it asks for; accounts; providers somebody else runs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gatewatch.schema.facts.base import Fact, Where


class FactorKind(StrEnum):
    """What a factor proves: NIST SP 800-63B's kinds, a device's certificate, or what somebody else decides."""

    KNOWLEDGE = "knowledge"  # password, PIN
    POSSESSION = "possession"  # key, token, one-time code, smart card
    INHERENCE = "inherence"  # finger, face
    DEVICE = "device"  # a certificate or key in a file, shared by whoever uses the machine it lies on
    DELEGATED = "delegated"  # RADIUS, SAML, LDAP …: the site says what the provider asks for


@dataclass(frozen=True, slots=True)
class Factor:
    """One factor: its kind, the method by the configuration's name, and for a delegated one its provider (name or address).

    ``multi``: it proves two kinds by itself (a FIDO key that verifies its user). ``servers``: addresses of the provider, where the
    configuration gives it a name of its own too.
    """

    kind: FactorKind
    method: str
    provider: str = ""
    multi: bool = False
    servers: tuple[str, ...] = ()
    prompts: bool = False  # delegated: something the user types is handed on


@dataclass(frozen=True, slots=True)
class Way:
    """One way to be let in: all its factors are asked for. No factor at all means no authentication."""

    factors: tuple[Factor, ...]
    label: str  # as an administrator would say it: "publickey, then keyboard-interactive (pam_google_authenticator)"
    where: tuple[Where, ...] = ()
    uncertain: str = ""  # why it may not exist, or may ask for less


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessPath(Fact):
    """A door of a service and every way through it.

    ``service``: as in :class:`gatewatch.schema.events.Service`; ``product``: asa, fortios, panos, sshd, openvpn …; ``name``: the tunnel
    group, realm, virtual server, Match block; ``admin``: the way to administer the device itself; ``users``: who comes this way;
    ``enabled`` false: configured, but nobody can come this way.
    """

    service: str
    product: str
    name: str
    ways: tuple[Way, ...]
    admin: bool = False
    users: str = ""
    enabled: bool = True
    listeners: tuple[tuple[str, int, str], ...] = ()  # (address or interface, port, protocol) where it can be reached


@dataclass(frozen=True, slots=True, kw_only=True)
class Account(Fact):
    """An account that may log in remotely, at ``provider`` (local, ldap, entra …). Null where the evidence does not say."""

    name: str
    provider: str = "local"
    service: str = ""
    enabled: bool | None = None
    admin: bool | None = None
    factors: tuple[Factor, ...] = ()
    mfa: bool | None = None
    last_used_days: int | None = None
    expires: str = ""
