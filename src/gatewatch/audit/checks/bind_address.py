"""Administration listens on chosen addresses: where a host bears several, what administers it answers on the one meant for that."""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.audit.check import Check, Ground, Need, Verdict, nist
from gatewatch.audit.reach.span import address, holds, normal, of_address
from gatewatch.audit.reach.zone import of_network
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.filter import SIX
from gatewatch.schema.facts.machine import Listener
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure
from gatewatch.schema.port import service_of

ADMINISTRATION = frozenset({"ssh", "telnet", "rsh", "rdp", "vnc", "winrm", "docker_api", "kubelet", "radmin"})
"""Services by which a host is administered."""
_ANY = frozenset({"*", "0.0.0.0", "::", ""})  # noqa: S104 - what is looked for


def _service(one: Listener) -> str:
    return one.service or service_of(one.port, one.protocol)


def _bound(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    reach = ground.reach(facts)
    management = normal(of_network(one) for one in ground.site.posture.management)
    groups: dict[tuple[str, str, int], list[Listener]] = {}
    hosts: dict[str, Listener] = {}
    for one in facts.of(Listener):
        hosts.setdefault(one.host, one)
        if _service(one) in ADMINISTRATION and one.zone == "":
            groups.setdefault((one.host, one.protocol, one.port), []).append(one)
    for (host, protocol, port), listeners in groups.items():
        known = reach.addresses(host)
        status, said = _judged([one.address for one in listeners], known, [at for at in known if holds(management, at)])
        yield Verdict(
            status=status, host=host, message=f"{_service(listeners[0])} {said}", subject=f"{protocol}/{port}", service=_service(listeners[0]),
            value=", ".join(dict.fromkeys(one.address for one in listeners)), resolved="addresses of the host and what listens on them",
            where=tuple(place for one in listeners for place in one.where)[:3], as_of=listeners[0].as_of,
        )  # fmt: skip
    told = {host for host, _, _ in groups}
    for host, one in hosts.items():
        if host not in told:
            yield Verdict(status=Status.NOT_APPLICABLE, host=host, message="nothing that administers it listens", where=one.where[:1])


def _judged(bound: list[str], known: list[int], inner: list[int]) -> tuple[Status, str]:
    """Return what is said of a service bound to the addresses *bound*, on a host that bears *known*, *inner* of them for management."""
    wide = [one for one in bound if one in _ANY]
    if not wide:
        numbers = [at for one in bound if (at := of_address(one)) is not None and not one.startswith("127.") and one != "::1"]
        if not numbers:
            return Status.PASS, "listens on the host itself only"
        astray = [at for at in numbers if inner and at not in inner]
        if astray:
            return Status.FAIL, f"listens on {address(astray[0])}, though the host has {address(inner[0])} for management"
        return Status.PASS, f"listens on {', '.join(str(address(at)) for at in dict.fromkeys(numbers))} only"
    if not known:
        return Status.UNKNOWN, "listens on every address of the host, and which it has is not in the evidence (ip -j address)"
    four, six = sum(at < SIX for at in known), sum(at >= SIX for at in known)
    if four <= 1 and six <= 1:
        return Status.PASS, "listens on every address of the host, which has one"
    return Status.FAIL, f"listens on every one of the host's {len(known)} addresses"


CHECKS: tuple[Check, ...] = (
    Check(
        id="M1035.4-02",
        title="Administration listens on chosen addresses",
        about="On a host with several addresses, ssh, Remote Desktop, VNC, WinRM, kubelet and Docker's API listen on loopback or on one of them, "
        "that of management where the site has such a network.",
        measures=(Measure.ISOLATION, Measure.NETWORK_SERVICE),
        severity=Severity.MEDIUM,
        needs=(Need((Listener,), "sudo ss -lntup > EVIDENCE/commands/ss.txt; ip -j address > EVIDENCE/commands/ip-address.json"),),
        judge=_bound,
        remediation=Remediation(
            "Bind the service to the address of the management network.", "ListenAddress 10.9.0.5",
            "Whoever comes by another address of the host is cut off: check that you do not.",
        ),
        mappings=nist("SC-7", "CM-7"),
        references=("sshd_config(5) ListenAddress",),
    ),
)
