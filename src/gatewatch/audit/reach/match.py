"""Match: whether a rule speaks of a class of packets, their sources aside."""

from __future__ import annotations

from dataclasses import dataclass

from gatewatch.schema.facts.filter import Rule


@dataclass(frozen=True, slots=True)
class Packet:
    """A class of packets. ``destination`` None: an address of the device itself that is not known; ``interfaces`` None: not known."""

    protocol: int
    port: int
    destination: int | None
    local: bool | None = None
    interface_in: str | None = None
    interface_out: str | None = None
    source_port: int | None = None


def matches(rule: Rule, packet: Packet, *, rows: bool = True) -> bool | None:
    """Return whether *rule* matches the class, sources aside; None where that cannot be decided.

    ``rows`` false: protocol, ports and known destinations are met already.
    """
    if not rule.new:
        return False
    if rows and rule.protocols is not None and packet.protocol not in rule.protocols:
        return False
    if rows and rule.ports is not None and not any(low <= packet.port <= high for low, high in rule.ports):
        return False
    doubt = bool(rule.unknown)
    if rule.destinations is not None:
        if not rule.destinations:
            return False
        if packet.destination is None:
            doubt = True
        elif rows and not any(low <= packet.destination <= high for low, high in rule.destinations):
            return False
    if rule.source_ports is not None:
        if packet.source_port is None:
            doubt = True
        elif not any(low <= packet.source_port <= high for low, high in rule.source_ports):
            return False
    if rule.local is not None:
        if packet.local is None:
            doubt = True
        elif packet.local is not rule.local:
            return False
    for names, name in ((rule.interfaces_in, packet.interface_in), (rule.interfaces_out, packet.interface_out)):
        if names is None:
            continue
        met = named(names, name)
        if met is False:
            return False
        doubt = doubt or met is None
    return None if doubt else True


INNER = ("lo", "docker", "br-", "veth", "virbr", "cni", "flannel", "cali", "lxc", "lxdbr", "podman")
"""How interfaces within a machine begin: what comes from another one never comes in by them."""


def named(names: tuple[str, ...], name: str | None) -> bool | None:
    """Return whether an interface is one of *names*; None when it is not known."""
    negated = bool(names) and all(one.startswith("!") for one in names)
    bare = [one.lstrip("!") for one in names]
    if name is None:
        return negated if all(one.startswith(INNER) for one in bare) else None
    met = any(one == name or (one[-1:] in {"*", "+"} and name.startswith(one[:-1])) for one in bare)
    return met is not negated
