"""Standing: whether a measure was there before a move, by findings, packet filters and the log itself; and what that says of the time then."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gatewatch.audit.barrier import Barrier, Shared
from gatewatch.audit.check import Ground
from gatewatch.audit.meeting import GUESSES, direct, onward, target
from gatewatch.audit.probe_plan import INTERNET, meant
from gatewatch.audit.reach.query import Answer
from gatewatch.audit.reach.span import of_address
from gatewatch.audit.run import EVERYWHERE
from gatewatch.schema.control import Move, Standing
from gatewatch.schema.events import Kind, Mfa, Service
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.container import ApiServerSettings
from gatewatch.schema.facts.filter import PacketFilter
from gatewatch.schema.facts.machine import Listener, Machine
from gatewatch.schema.facts.probe import Probe, Result
from gatewatch.schema.findings import Finding, Status
from gatewatch.schema.measure import Measure, Mitigation
from gatewatch.schema.port import GATEWAYS, service_of

_PORTS = {
    "ssh": 22, "rdp": 3389, "vnc": 5900, "winrm": 5985, "smb": 445, "wmi": 135, "telnet": 23, "ftp": 21, "docker_api": 2375, "kubelet": 10250,
    "kube_api": 6443,
}  # fmt: skip
_CLUSTER = "kubernetes"  # what the audit log's host is called where no record names the cluster: the only one there is evidence of
_APART = frozenset({"okta", "auth0", "onelogin", "duo"})  # providers whose configuration is not read: that of another says nothing of them
_ORDER = (Status.FAIL, Status.ERROR, Status.UNKNOWN, Status.MANUAL, Status.PASS)
_OF_THE_SITE = frozenset({Status.FAIL, Status.MANUAL, Status.PASS})  # that a check had no evidence anywhere says nothing of this host
_FACTORS = frozenset({Measure.AUTH_METHOD, Measure.MFA_TOOL, Measure.IAM})


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether a measure was there, what says so, and what that means for the time of the move."""

    status: Standing
    as_of: datetime | None = None
    then: str = ""
    said: str = ""
    finding: Finding | None = None
    collect: str = ""
    fix: str = ""


@dataclass(slots=True)
class Ledger:
    """The findings of an audit by host, and its packet filters, ready to be asked about moves."""

    facts: Facts
    findings: Sequence[Finding]
    ground: Ground
    _by_host: dict[str, list[Finding]] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)
    _holders: dict[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)
    _asked: dict[tuple[str, str, int], Answer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Index findings by host and names by address."""
        for finding in self.findings:
            self._by_host.setdefault(finding.host.casefold(), []).append(finding)
        for machine in self.facts.of(Machine):
            self._names.update(dict.fromkeys(machine.addresses, machine.host))
        self._names.update(self.ground.site.addresses())
        masters = {fact.host for fact in self.facts.of(ApiServerSettings)}
        if len(masters) == 1 and _CLUSTER not in self._by_host:
            self._names.setdefault(_CLUSTER, masters.pop())

    def host(self, name: str | None) -> str:
        """Return the name that the site and the evidence give a host or an address."""
        given = name or ""
        known = self.ground.site.host_name(self._names.get(given, given)) if given else ""
        short = known.partition(".")[0]
        if known.casefold() not in self._by_host and of_address(known) is None and short.casefold() in self._by_host:
            return short
        return known

    def prove(self, barrier: Barrier, move: Move) -> Proof | None:
        """Return whether the measure of *barrier* was there before *move*; None where it is not to be spoken of without evidence."""
        answer = self._answer(move) if barrier.filtered else None
        relevant = sorted(self._relevant(barrier, move, answer), key=lambda one: (_ORDER.index(one.status), -one.severity.rank, one.check, one.id))
        first = relevant[0] if relevant else None
        if first is None and barrier.evidence:
            return None
        if first is not None and first.status is Status.FAIL:
            return Proof(Standing.MISSING, first.as_of, _missing(first.as_of, move), _words(first), first)
        declared = self._declared(move) if barrier.filtered else ""
        if declared and (first is None or first.status is Status.PASS):
            said = f"the site means {self.host(target(move))} to be reached so: {declared}"
            return Proof(Standing.PRESENT, first.as_of if first is not None else None, "nothing was to be cut here", said, first)
        if answer is not None and answer.verdict == "yes" and not declared:  # that the filter is on says nothing against what it lets through
            return self._filtered(answer, barrier, move)
        if first is not None and first.status is Status.PASS:
            return Proof(Standing.PRESENT, first.as_of, _present(first.as_of, barrier, move), _words(first), first)
        logged = _by_log(barrier, move)
        if logged is not None:
            return logged
        if first is None and answer is not None and answer.verdict != "may":
            return self._filtered(answer, barrier, move)
        probed = self._probed(barrier, move) if barrier.filtered else None
        if probed is not None:
            return probed
        collect = first.collect if first is not None and first.collect else barrier.collect
        said = first.message if first is not None else "; ".join(answer.notes) if answer is not None else ""
        return Proof(Standing.UNKNOWN, None, "", said, first, collect)

    def _relevant(self, barrier: Barrier, move: Move, answer: Answer | None) -> Iterator[Finding]:
        hosts = [self.host(target(move) or move.host), *(answer.devices if answer is not None else ()), *self._elsewhere(barrier, move), EVERYWHERE]
        found = [
            finding
            for host in dict.fromkeys(one.casefold() for one in hosts if one)
            for finding in self._by_host.get(host, ())
            if finding.status in _ORDER
            and any(fnmatch.fnmatchcase(finding.check, check) for check in barrier.checks)
            and (_of_service(finding.service, move) or barrier.shared is not Shared.NO)
            and (finding.host != EVERYWHERE or finding.status in _OF_THE_SITE)
        ]
        doors = {name.casefold() for name in (move.door, move.object) if name}
        named = [finding for finding in found if finding.subject.casefold() in doors]
        yield from named or found

    def _elsewhere(self, barrier: Barrier, move: Move) -> tuple[str, ...]:
        """Return the other hosts whose findings decide: that of the only tenant or gateway there is, or of every proxy and resolver."""
        if barrier.shared is Shared.NO or (move.service == Service.IDP and (move.host or "").casefold() in _APART):
            return ()
        if barrier.checks not in self._holders:
            self._holders[barrier.checks] = tuple(
                host
                for host, findings in self._by_host.items()
                if host != EVERYWHERE and any(fnmatch.fnmatchcase(one.check, check) for one in findings for check in barrier.checks)
            )
        hosts = self._holders[barrier.checks]
        return hosts if barrier.shared is Shared.ANY or len(hosts) == 1 else ()

    def _answer(self, move: Move) -> Answer | None:
        """Ask the packet filters for this very connection; None where there is none or the event does not say enough."""
        if not self.facts.of(PacketFilter) or not (direct(move) or onward(move)):
            return None
        host, source = self.host(target(move)), self._source(move)
        port = self._port(host, move)
        number = of_address(source) if source else None
        if not host or number is None or port is None:
            return None
        key = (source, host, port)
        if key not in self._asked:
            zone = self.ground.site.posture.zone_of_address(source)
            self._asked[key] = self.ground.reach(self.facts).ask(((number, number),), host, port, "tcp", zone)
        return self._asked[key]

    def _source(self, move: Move) -> str:
        if move.kind != Kind.LOGON_OUT and move.src_ip:
            return move.src_ip
        name = self.host(move.host if move.kind == Kind.LOGON_OUT else move.src_host)
        return next((address for address, host in sorted(self._names.items()) if host == name and name), "")

    def _port(self, host: str, move: Move) -> int | None:
        if move.dst_port:
            return move.dst_port
        mine = [one for one in self.facts.of(Listener, host) if (one.service or service_of(one.port, one.protocol)) == move.service]
        return mine[0].port if mine else _PORTS.get(move.service or "")

    def _zone(self, move: Move) -> str:
        source = self._source(move)
        zone = self.ground.site.posture.zone_of_address(source) if source else None
        return zone.name if zone is not None else INTERNET if direct(move) else ""

    def _declared(self, move: Move) -> str:
        """Return why the site means this connection to be possible; empty when it does not say so."""
        host, zone = self.host(target(move)), self._zone(move)
        port = self._port(host, move) if host and zone else None
        return meant(self.ground.site, zone, host, port, self.ground.today) if port is not None else ""

    def _probed(self, barrier: Barrier, move: Move) -> Proof | None:
        """Return what the latest probe of this port from the zone of the source says; None where nobody tried."""
        host, name = self.host(target(move)), self._zone(move)
        port = self._port(host, move)
        tried = [one for one in self.facts.of(Probe, host) if one.zone == name and one.port == port]
        last: Probe | Listener | None = max(tried, key=_when, default=None)
        if last is None:  # a scan from that zone tells what it found open
            last = next((one for one in self.facts.of(Listener, host) if one.seen and one.zone == name and name and one.port == port), None)
        if last is None or port is None:
            return None
        place = f" ({last.where[0].file}:{last.where[0].line})" if last.where else ""
        result = last.result if isinstance(last, Probe) else Result.OPEN
        said = f"a {'probe' if isinstance(last, Probe) else 'scan'} from {name} found tcp/{port} of {host} {result}{place}"
        if result is Result.OPEN:
            return Proof(Standing.MISSING, last.as_of, _missing(last.as_of, move), said, fix=_refuse(host, port))
        return Proof(Standing.PRESENT, last.as_of, _present(last.as_of, barrier, move), said)

    def _asked_words(self, answer: Answer, move: Move) -> str:
        return f"{answer.host} {answer.protocol}/{answer.port} from {self._source(move)}"

    def _filtered(self, answer: Answer, barrier: Barrier, move: Move) -> Proof:
        dates = [one.as_of for host in answer.devices for one in self.facts.of(PacketFilter, host) if one.as_of is not None]
        as_of = max(dates, default=None)
        step = next((one for one in reversed(answer.steps) if one.where.file), None)
        rule = f", by {step.where.file}:{step.where.line}" if step is not None else ""
        asked = self._asked_words(answer, move)
        if answer.verdict == "yes":
            said = f"the packet filters let {asked} through{rule}"
            return Proof(Standing.MISSING, as_of, _missing(as_of, move), said, fix=_refuse(answer.host, answer.port))
        return Proof(Standing.PRESENT, as_of, _present(as_of, barrier, move), f"the packet filters in the evidence refuse {asked}{rule}")


def _of_service(service: str, move: Move) -> bool:
    """Return whether a finding about *service* is about the move; what one gateway calls VPN, another calls by its product's trade."""
    return service in {"", move.service or ""} or (service in GATEWAYS and move.service in GATEWAYS)


def _when(probe: Probe) -> tuple[float, bool]:
    return (probe.as_of.timestamp() if probe.as_of is not None else 0.0, probe.result is Result.OPEN)


def _by_log(barrier: Barrier, move: Move) -> Proof | None:
    """Return what the log itself says of a second factor."""
    if barrier.measure not in _FACTORS or move.stage in GUESSES:
        return None
    if move.kind == Kind.MFA_DENIED:
        return Proof(Standing.PRESENT, move.time, "in place then: it stopped the logon", "the log says that the second factor was refused")
    if move.mfa == Mfa.NO:
        return Proof(Standing.MISSING, move.time, "missing then: the log says so", "the log says that no second factor was asked for")
    if move.mfa == Mfa.YES:
        then = "in place then, and passed: given by the user, or with what was stolen"
        return Proof(Standing.PRESENT, move.time, then, "the log says that a second factor was given")
    return None


def _refuse(host: str, port: int) -> str:
    return f"Refuse tcp/{port} of {host} to all but those who need it, or declare in gatewatch.toml that it is meant to be reached."


def _words(finding: Finding) -> str:
    waived = f" (accepted by {finding.waiver.owner}: {finding.waiver.reason})" if finding.waiver is not None and finding.waived else ""
    value = f" [{finding.value[:160]}]" if finding.value and finding.value not in finding.message else ""
    return finding.message + value + waived


def _missing(as_of: datetime | None, move: Move) -> str:
    if as_of is None:
        return "missing by the site file or undated evidence; unknown then"
    if as_of > move.time:
        return f"missing now ({as_of:%Y-%m-%d}), unknown then"
    return f"missing on {as_of:%Y-%m-%d}, {_before(as_of, move)}; nothing says that it came since"


def _present(as_of: datetime | None, barrier: Barrier, move: Move) -> str:
    passed = ""
    if barrier.measure.mitigation is Mitigation.M1032 and move.mfa == Mfa.NO:
        passed = "; the log says that no second factor was asked for, so this logon came another way or before it was in force"
    elif barrier.measure.mitigation is Mitigation.M1032 and move.mfa == Mfa.YES:
        passed = "; the log says that a second factor was given: by the user, or with what was stolen"
    if as_of is None:
        return f"in place by the site file or undated evidence, and did not cut: put there since, or passed by{passed}"
    if as_of > move.time:
        return f"in place now ({as_of:%Y-%m-%d}), unknown then: put there since, or passed by{passed}"
    return f"in place on {as_of:%Y-%m-%d}, {_before(as_of, move)}, and did not cut: changed since, or passed by{passed}"


def _before(as_of: datetime, move: Move) -> str:
    days = (move.time - as_of).days
    return f"{days} day{'' if days == 1 else 's'} before" if days else "the day before"
