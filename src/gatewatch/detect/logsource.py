"""Which events a rule may be asked about: Sigma's ``logsource`` as a predicate. A matter of correctness, not of speed.

==========================  =============================================================================================
logsource                   events
==========================  =============================================================================================
``product: gatewatch``      ``category``: a kind of ours (or absent); ``service``: a service of ours, or a source's name
``linux`` + ``service``     the sources of :data:`LINUX_SERVICES`; ``syslog`` and ``messages``: every source fed by syslog
``process_creation``        events of kind ``exec`` (of Linux sources), Sigma's process fields mapped to our columns
``linux`` alone             the sources of :data:`LINUX`
``windows``                 sources that begin with ``windows-``, by channel and event id
                            (:mod:`gatewatch.detect.windows_logsource`)
other products, firewalls   by product and service (:mod:`gatewatch.detect.product_logsource`)
everything else             none: the rule is compiled, but dormant, and says so
==========================  =============================================================================================

A process creation without a product is one of Linux or macOS: its fields are our columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sigma.rule import SigmaLogSource

from gatewatch.detect import product_logsource
from gatewatch.detect.field_map import AUDITD, GENERIC, OWN, PROCESS, SUDO, FieldMap
from gatewatch.detect.predicate import FALSE, Among, Predicate, every, negation
from gatewatch.detect.sigma_regex import Refused
from gatewatch.detect.windows_logsource import WindowsGate, from_windows, windows_fields, windows_gate
from gatewatch.schema.events import Kind, Service

LINUX_SERVICES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "sshd": ("sshd",),
        "auth": ("sshd", "sftp", "pam", "sudo", "su", "logind", "shadow"),
        "sudo": ("sudo",),
        "su": ("su",),
        "pam": ("pam",),
        "cron": ("cron",),
        "auditd": ("auditd",),
    }
)
"""Sigma's Linux services and the names of our sources."""

SYSLOG = (
    "cron", "docker-daemon", "freeradius", "kubernetes-kubelet", "logind", "netfilter", "openvpn", "pam", "sftp", "shadow", "sshd", "strongswan",
    "su", "sudo", "system",
)  # fmt: skip
"""Our sources that a Linux host's syslog daemon feeds."""
LINUX = (*SYSLOG, "auditd", "docker-events", "fail2ban", "falco-events", "openvpn-status", "utmp")
"""Our sources of Linux hosts."""
_DORMANT = "no source for this logsource yet"


@dataclass(frozen=True, slots=True)
class Gate:
    """A log source resolved: the events it covers, its field names, why it covers none (``dormant``), and what of Windows it means."""

    predicate: Predicate
    fields: FieldMap
    dormant: str | None = None
    windows: WindowsGate | None = None


def gate(logsource: SigmaLogSource) -> Gate:
    """Return the gate of *logsource*; raises ``Refused`` when one of our own names is misspelt."""
    if logsource.product == "gatewatch":
        return Gate(_own(logsource), OWN)
    if logsource.product == "windows":
        windows = windows_gate(logsource)
        return Gate(windows.predicate, windows_fields(logsource), windows.why or None, windows)
    fields = FieldMap(_names(logsource))
    covered = _linux(logsource) if logsource.product in (None, "linux") else FALSE
    if covered == FALSE and logsource.product != "linux":
        covered, fields = product_logsource.covered(logsource), product_logsource.fields_of(logsource)
    return Gate(covered, fields, None if covered != FALSE else f"{_DORMANT}: {describe(logsource)}")


def describe(logsource: SigmaLogSource) -> str:
    """Return *logsource* in one line: ``linux / process_creation``."""
    return " / ".join(part for part in (logsource.product, logsource.category, logsource.service) if part)


def _own(logsource: SigmaLogSource) -> Predicate:
    parts: list[Predicate] = []
    if logsource.category is not None:
        if logsource.category not in {kind.value for kind in Kind}:
            raise Refused(f"logsource category {logsource.category!r} is no kind of event")
        parts.append(Among("kind", frozenset({logsource.category})))
    if logsource.service is not None:
        column = "service" if logsource.service in {service.value for service in Service} else "source"
        parts.append(Among(column, frozenset({logsource.service})))
    return every(parts)


def _names(logsource: SigmaLogSource) -> Mapping[str, str]:
    if logsource.category == "process_creation":
        return PROCESS
    return {"auditd": AUDITD, "sudo": SUDO}.get(logsource.service or "", GENERIC)


def _linux(logsource: SigmaLogSource) -> Predicate:
    category, service = logsource.category, logsource.service
    if category == "process_creation" and service is None:
        # not by LINUX: exchange formats (ECS, OCSF) carry processes as well, and do not say of which platform
        others = [negation(from_windows())]
        others += [negation(Among("source", frozenset(product_logsource.MACOS)))] if logsource.product == "linux" else []
        return every([Among("kind", frozenset({Kind.EXEC.value})), *others])
    if category is not None or (service is None and logsource.product is None):
        return FALSE
    if service is None:
        return Among("source", frozenset(LINUX))
    if service in ("syslog", "messages"):
        return Among("source", frozenset(SYSLOG))
    sources = LINUX_SERVICES.get(service)
    return Among("source", frozenset(sources)) if sources else FALSE
