"""What listens: declared services only, no protocol that knows but passwords, no file share beyond its zone; doors of concentrators."""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.audit.check import Check, Ground, Need, Verdict, cis, nist
from gatewatch.audit.checks.firewall import describe
from gatewatch.audit.factor import judge_path
from gatewatch.audit.reach.zone import internet
from gatewatch.schema.facts.access import AccessPath
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.filter import PacketFilter
from gatewatch.schema.facts.machine import Listener, System
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure
from gatewatch.schema.port import GATEWAYS, service_of

_SOCKETS = Need((Listener,), "sudo ss -lntup > EVIDENCE/commands/ss.txt", when=lambda one: one.seen, systems=(System.LINUX,))
_FILTER = Need((PacketFilter,), "sudo nft list ruleset > EVIDENCE/commands/nft-list-ruleset.txt, and iptables-save, ip6tables-save")
_PASSWORD_ONLY = frozenset({"telnet", "rsh", "ftp", "tftp", "vnc"})
_SHARES = frozenset({"smb", "nfs", "afp", "rpcbind", "rsync"})


def _open(facts: Facts) -> dict[str, list[Listener]]:
    """Return the seen listeners that others can get at, by host; a host that has none is there with an empty list."""
    found: dict[str, list[Listener]] = {}
    for one in facts.of(Listener):
        if one.seen:
            found.setdefault(one.host, [])
            if not one.loopback:
                found[one.host].append(one)
    return found


def _name(one: Listener) -> str:
    return one.service or service_of(one.port, one.protocol)


def _declared(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    for host, listeners in _open(facts).items():
        asset = ground.site.posture.asset(host)
        if asset is None:
            said = f"{len(listeners)} sockets listen, and [assets.{host}] does not say which are meant to"
            yield Verdict(status=Status.UNKNOWN, host=host, message=said)
            continue
        odd = [one for one in listeners if _name(one) not in asset.services and not any(span.holds(one.protocol, one.port) for span in asset.allow)]
        told: set[tuple[str, int]] = set()
        for one in odd:
            if (one.protocol, one.port) in told:
                continue
            told.add((one.protocol, one.port))
            subject = f"{one.protocol}/{one.port}"
            said = f"{one.process or 'an unknown program'} listens on {one.address}:{one.port}, which the site does not declare"
            grave = None if _name(one) else Severity.LOW
            yield Verdict(
                status=Status.FAIL, host=host, message=said, service=_name(one), subject=subject, where=one.where, as_of=one.as_of, severity=grave
            )
        if not odd:
            yield Verdict(status=Status.PASS, host=host, message=f"all {len(listeners)} sockets are declared", resolved="gatewatch.toml [assets]")


def _of_kind(facts: Facts, ground: Ground, services: frozenset[str], what: str) -> Iterator[Verdict]:
    reach = ground.reach(facts)
    outside = internet(ground.site)
    for host, listeners in _open(facts).items():
        found = {(one.protocol, one.port): one for one in listeners if _name(one) in services}
        if not found:
            yield Verdict(status=Status.PASS, host=host, message=f"no {what} listens", resolved="every listening socket was looked at")
        for (protocol, port), one in found.items():
            answer = reach.ask(outside, host, port, protocol)
            status = {"yes": Status.FAIL, "may": Status.UNKNOWN, "no": Status.PASS}[answer.verdict]
            said = f"{_name(one)} {protocol}/{port} " + ("cannot be reached from the internet" if answer.verdict == "no" else describe(answer))
            yield Verdict(
                status=status, host=host, message="; ".join([said, *answer.notes]), service=_name(one), subject=f"{protocol}/{port}", where=one.where,
                as_of=one.as_of,
            )  # fmt: skip


def _passwords(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    yield from _of_kind(facts, ground, _PASSWORD_ONLY, "service that knows nothing but passwords")


def _shares(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    yield from _of_kind(facts, ground, _SHARES, "file share")


def _doors(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    """Judge every door of a concentrator: its weakest decides, so each is told."""
    hosts = ground.site.posture.concentrators
    for path in facts.of(AccessPath):
        if path.admin or (path.host not in hosts and path.service not in GATEWAYS):
            continue
        yield judge_path(path, ground.site.posture)
    judged = {path.host for path in facts.of(AccessPath) if not path.admin}
    for host in hosts:
        if host not in judged:
            yield Verdict(status=Status.UNKNOWN, host=host, message="a concentrator of the site, whose doors are not in the evidence")
    if not hosts and not any(path.service in GATEWAYS for path in facts.of(AccessPath)):
        yield Verdict(status=Status.UNKNOWN, host="(site)", message="no gateway is in the evidence, and [audit] concentrators names none")


CHECKS: tuple[Check, ...] = (
    Check(
        id="M1042.4-01",
        title="Only declared services listen",
        about="Every socket that others can get at belongs to a service or port that [assets] declares for the host.",
        measures=(Measure.UNNECESSARY_SERVICE, Measure.NETWORK_SERVICE),
        severity=Severity.HIGH,
        needs=(_SOCKETS,),
        judge=_declared,
        remediation=Remediation("Disable the service, bind it to loopback, or declare it in [assets] services or allow."),
        mappings=(*nist("CM-7", "CM-7(1)"), *cis("Debian 12", "1.1.0", "2.1.22")),
        references=("ss(8)",),
    ),
    Check(
        id="M1032.3-03",
        title="No service that knows nothing but passwords is reachable from the internet",
        about="Telnet, rsh, FTP, TFTP and VNC do not listen, or no address of the internet gets through to them.",
        measures=(Measure.LEGACY_AUTH, Measure.UNNECESSARY_SERVICE),
        severity=Severity.CRITICAL,
        needs=(_SOCKETS, _FILTER),
        judge=_passwords,
        remediation=Remediation("Put it behind a gateway that asks for several factors, or replace it by SSH or RDP behind one."),
        mappings=nist("IA-2(1)", "AC-17(2)", "CM-7"),
    ),
    Check(
        id="M1035.3-03",
        title="No file share is reachable from the internet",
        about="SMB, NFS, AFP, rpcbind and rsync do not listen, or no address of the internet gets through to them.",
        measures=(Measure.NETWORK_SERVICE, Measure.FILE_SHARE),
        severity=Severity.HIGH,
        needs=(_SOCKETS, _FILTER),
        judge=_shares,
        remediation=Remediation("Filter the ports at the edge and on the host; reach shares through the VPN."),
        mappings=nist("CM-7", "SC-7"),
    ),
    Check(
        id="M1035.10-01",
        title="Every door of a concentrator asks for several factors",
        about="Each way through each door of a VPN, RD Gateway, Citrix gateway or declared concentrator proves two kinds of factors.",
        measures=(Measure.MFA_TOOL, Measure.REMOTE_ACCESS),
        severity=Severity.CRITICAL,
        needs=(Need((AccessPath,), "the configuration of every gateway, and [audit] concentrators in gatewatch.toml"),),
        judge=_doors,
        remediation=Remediation(
            "Ask for a second factor at every door, the forgotten ones first: default groups, second realms, local logins.",
            "",
            "Enrol every user first; keep a way in from the management network.",
        ),
        mappings=nist("IA-2(1)", "IA-2(2)", "AC-17", "AC-17(3)"),
        references=("NIST SP 800-63B",),
    ),
)
