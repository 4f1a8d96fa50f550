"""Facts of machines: what they are, what they listen on, what is installed and what starts by itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gatewatch.schema.facts.base import Fact


class System(StrEnum):
    """What kind of system evidence was collected on; a check says on which it applies."""

    LINUX = "linux"
    WINDOWS = "windows"
    MACOS = "macos"
    NETWORK = "network"  # firewall, gateway, switch
    CLUSTER = "cluster"  # Kubernetes, as its API tells
    CLOUD = "cloud"  # an account or tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine(Fact):
    """A machine: its system, product and version, the addresses it bears, and whether a collector gathered everything it could.

    ``complete``: the collector's manifest lists what exists, so that what is not there is known to be absent.
    """

    system: System
    product: str = ""  # "Debian GNU/Linux", "Cisco ASA", "FortiOS"
    version: str = ""
    addresses: tuple[str, ...] = ()
    complete: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener(Fact):
    """A socket that takes connections: address ``*`` (any), an address, and port; as seen (``ss``) or as configured.

    ``service``: the remote service by process or port, see :mod:`gatewatch.schema.port`; ``seen``: by ``ss``/``netstat``/a scan, not
    only configured; ``outside``: seen open from outside by a scan, whose zone is ``zone``.
    """

    address: str
    port: int
    protocol: str = "tcp"
    service: str = ""
    process: str = ""
    unit: str = ""
    seen: bool = False
    zone: str = ""

    @property
    def loopback(self) -> bool:
        """Whether only the machine itself can connect."""
        return self.address.startswith("127.") or self.address in {"::1", "localhost"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Software(Fact):
    """An installed program, package, app or browser extension; ``manager`` is who lists it (dpkg, rpm, msi, chrome …)."""

    name: str
    version: str = ""
    vendor: str = ""
    manager: str = ""
    path: str = ""
    user: str = ""  # whose, where it is installed for one user


@dataclass(frozen=True, slots=True, kw_only=True)
class Autostart(Fact):
    """What starts by itself: a service, unit, task, agent or cron job. ``enabled`` None: not said."""

    name: str
    manager: str  # systemd, windows-service, scheduled-task, launchd, cron, run-key …
    display: str = ""
    vendor: str = ""
    command: str = ""  # path and arguments, secrets masked
    user: str = ""
    enabled: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogTarget(Fact):
    """Where a service's log goes. ``remote``: to another host; ``encrypted`` None where the evidence does not say."""

    service: str
    target: str
    remote: bool
    encrypted: bool | None = None
    kinds: tuple[str, ...] = ()  # what is logged: "auth", "deny", "session", "config"
