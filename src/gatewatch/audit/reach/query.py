"""The question: from which of these sources can a new connection to a host's port come about, and which rules decide.

What a packet meets: on each device in front of the host, address translation, then the forward hook; on the host itself, translation (which
is how a container's published port passes by the input hook), then ``input`` or ``forward``. Every filter on the way must let it through.
Where the evidence does not say which of several devices lies on the way, what all let through is sure, and what one lets through may be.
A host nobody has evidence of a filter for is no open host: the answer is ``may``.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field, replace

from gatewatch.audit.reach.flow import ANY, Engine, Fate, Packet, Step
from gatewatch.audit.reach.fresh import first_time
from gatewatch.audit.reach.span import NOTHING, holds, join, less, meet, normal, of_address, size, union
from gatewatch.audit.reach.translation import classes, comes_by, goes_to, told_apart
from gatewatch.audit.reach.zone import internet, private
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.filter import FOUR_SPAN, SIX, SIX_SPAN, TCP, UDP, Action, Nat, PacketFilter, Rule, Spans
from gatewatch.schema.facts.machine import Machine
from gatewatch.schema.facts.route import Route
from gatewatch.site.model import Site
from gatewatch.site.posture import Zone

_PROTOCOLS = {"tcp": TCP, "udp": UDP}
_ROUTING = frozenset({"nftables", "iptables", "ip6tables"})  # which have no networks of their own: the host's routes tell
_ANSWERS = 2_048  # kept, for the questions about one host come together


@dataclass(frozen=True, slots=True)
class Answer:
    """Who can (``sure``) and who may (``may``) connect; the rules that decided; what the evidence does not say."""

    host: str
    protocol: str
    port: int
    sure: Spans
    may: Spans
    steps: tuple[Step, ...]
    notes: tuple[str, ...]
    devices: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """``yes``, ``may`` or ``no``."""
        return "yes" if self.sure else "may" if self.may else "no"


@dataclass(slots=True)
class Reach:
    """All packet filters of an audit, compiled once."""

    facts: Facts
    site: Site
    fresh: bool = False  # ask for those who connect for the first time, whom no limit of rates keeps out
    engines: list[Engine] = field(default_factory=list)
    _own: dict[str, list[Engine]] = field(default_factory=dict)
    _behind: dict[tuple[int, int], list[Engine]] = field(default_factory=dict)  # what lies behind whom; most devices share few ranges
    _addresses: dict[str, list[str]] = field(default_factory=dict)
    _outside: Spans = NOTHING
    _answers: dict[tuple[object, ...], Answer] = field(default_factory=dict)
    _known: dict[str, list[int]] = field(default_factory=dict)
    _judges: dict[str, list[Engine]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Compile every filter and index who has which address and what lies behind whom."""
        self.engines = [
            Engine(first_time(one) if self.fresh else one, routes=tuple(self.facts.of(Route, one.host)) if one.platform in _ROUTING else ())
            for one in self.facts.of(PacketFilter)
        ]
        for engine in self.engines:
            self._own.setdefault(engine.rules.host, []).append(engine)
            for span in _fronted(engine.rules):
                self._behind.setdefault(span, []).append(engine)
        self._outside = internet(self.site)
        for text, name in self.site.addresses().items():
            self._addresses.setdefault(name, []).append(text)

    def addresses(self, host: str) -> list[int]:
        """Return the addresses of *host* that the site or the evidence knows."""
        if host in self._known:
            return self._known[host]
        texts = list(self._addresses.get(host, ()))
        texts += [text for machine in self.facts.of(Machine, host) for text in machine.addresses]
        texts += [host] if not texts and of_address(host) is not None else []
        found = {number: None for text in texts if (number := of_address(text)) is not None}
        self._known[host] = list(found)
        return self._known[host]

    def _class(self, host: str, port: int) -> tuple[int, ...]:
        """Return which ports *port* fares with at every filter that may have a say in what reaches *host*."""
        if host not in self._judges:
            near = [engine for at in self.addresses(host) for (low, high), some in self._behind.items() if low <= at <= high for engine in some]
            self._judges[host] = list(dict.fromkeys([*self._own.get(host, ()), *near]))
        return tuple(bisect_right(engine.edges, port) for engine in self._judges[host])

    def ask(self, sources: Spans, host: str, port: int, protocol: str = "tcp", zone: Zone | None = None) -> Answer:
        """Return who of *sources* (in *zone*; the internet's own where none is given) can connect to *port* of *host*, by any of its addresses."""
        if zone is None and sources and not less(sources, self._outside):
            zone = self.site.posture.zone("internet")
        key = (host, protocol, sources, (zone.name, zone.interfaces) if zone is not None else None, self._class(host, port))
        answer = self._answers.get(key)
        if answer is None:
            if len(self._answers) >= _ANSWERS:
                self._answers.clear()
            answer = self._answers[key] = self._ask(sources, host, port, protocol, zone)
        if answer.port == port:
            return answer
        return Answer(host, protocol, port, answer.sure, answer.may, answer.steps, answer.notes, answer.devices)

    def _ask(self, sources: Spans, host: str, port: int, protocol: str, zone: Zone | None) -> Answer:
        number = _PROTOCOLS[protocol]
        known: list[int | None] = [*self.addresses(host)]
        notes: list[str] = []
        if not known:
            notes.append(f"no address of {host} is known; rules that name one may or may not speak of it ([hosts.{host}] addresses)")
        devices: dict[str, None] = {}
        fates = [self._one(sources, host, destination, number, port, zone, notes, devices) for destination in known or [None]]
        sure = union([fate.yes for fate in fates])
        may = less(union([fate.may for fate in fates]), sure)
        told = _merged([step for fate in fates for step in fate.steps])
        return Answer(host, protocol, port, sure, may, told, tuple(dict.fromkeys(notes)), tuple(devices))

    def _one(
        self,
        sources: Spans,
        host: str,
        destination: int | None,
        protocol: int,
        port: int,
        zone: Zone | None,
        notes: list[str],
        devices: dict[str, None],
    ) -> Fate:
        if destination is not None:
            sources = meet(sources, (FOUR_SPAN,) if destination < SIX else (SIX_SPAN,))
        hidden = destination is not None and holds(private(), destination) and bool(less(sources, private()))
        front = self._front(host, destination, port, protocol, zone, hidden)
        live = Fate(sources, sources)
        if front:
            fates = [self._device(engine, sources, destination, protocol, port, zone, hidden) for engine in front]
            devices.update(dict.fromkeys(engine.rules.host for engine in front))
            live = _parallel(fates)
        elif hidden:
            notes.append(f"{host} has an address the internet does not route, and no device in front of it is in the evidence")
            unrouted = less(sources, private())
            live = Fate(sources, less(sources, unrouted), unrouted)
        own = self._own.get(host, [])
        covered: Spans = NOTHING
        for engine in own:
            part = meet(live.accepted, engine.rules.covers)
            covered = join(covered, engine.rules.covers)
            devices[host] = None
            made = arrive(engine, part, Packet(protocol, port, destination, local=True, interface_in=interface_of(engine, zone)))
            beside = less(live.accepted, part)
            live = live.then(Fate(live.accepted, join(made.yes, beside), made.may, made.steps))
        notes += [f"{one.rules.name or one.rules.host}: {one.rules.incomplete}" for one in (*front, *own) if one.rules.incomplete]
        bare = less(live.accepted, covered)
        if bare:
            live = Fate(sources, less(live.yes, bare), join(live.may, bare), live.steps)
            family = "IPv6" if meet(bare, (SIX_SPAN,)) == bare else "IPv4" if own else ""
            notes.append(f"no {family + ' ' if family else ''}packet filter of {host} is in the evidence: it may let everything in")
        return live

    def _front(self, host: str, destination: int | None, port: int, protocol: int, zone: Zone | None, hidden: bool) -> list[Engine]:
        """Return the devices in front of *host*: those with its address behind them, by a network, by what they protect or translate to.

        To an address that is not routed (*hidden*) what a device translates leads, and nothing else. Whoever stands on the segment that *zone*
        comes in by is beside the device, not behind it.
        """
        if destination is None:
            return []
        near = [engine for (low, high), engines in self._behind.items() if low <= destination <= high for engine in engines]
        return [
            engine
            for engine in dict.fromkeys(near)
            if engine.rules.host != host
            and (_before(engine, destination, port, protocol) or (hidden and _leads_to(engine, destination)))
            and not _beside(engine, destination, port, protocol, zone)
        ]

    def _device(
        self, engine: Engine, sources: Spans, destination: int | None, protocol: int, port: int, zone: Zone | None, hidden: bool
    ) -> Fate:
        """Return what a device in front does: straight through, unless the address is not routed, and by every translation to the target."""
        incoming = interface_of(engine, zone)
        ways: list[Fate] = []
        if not hidden:
            outgoing = interface_to(engine, destination)
            packet = Packet(protocol, port, destination, local=False, interface_in=incoming, interface_out=outgoing)
            ways.append(arrive(engine, sources, packet))
        assert destination is not None
        for rule, nat in _entries(engine, destination, port, protocol):
            for entrance, outer in comes_by(rule, nat, destination, port, engine.edges):
                packet = Packet(protocol, outer, entrance, local=True, interface_in=incoming)
                ways.append(arrive(engine, sources, packet, to=(destination, port)))
        return _best(ways, sources)


def _fronted(rules: PacketFilter) -> list[tuple[int, int]]:
    """Return the spans of addresses that may lie behind a device."""
    nats = [span for chain in rules.chains for rule in chain.rules if rule.nat is not None for span in rule.nat.addresses or ()]
    return list(dict.fromkeys([*rules.protects, *(span for one in rules.interfaces for span in one.networks), *nats]))


def _before(engine: Engine, destination: int, port: int, protocol: int) -> bool:
    if holds(engine.rules.protects, destination) or any(holds(one.networks, destination) for one in engine.rules.interfaces):
        return True
    return bool(_entries(engine, destination, port, protocol))


def _leads_to(engine: Engine, destination: int) -> bool:
    return any(nat.addresses is not None and holds(nat.addresses, destination) for _, nat in engine.translations)


def _beside(engine: Engine, destination: int, port: int, protocol: int, zone: Zone | None) -> bool:
    """Return whether what comes from *zone* reaches the address on the segment it comes by, before the device."""
    incoming = interface_of(engine, zone)
    if incoming is None or holds(engine.rules.protects, destination) or _entries(engine, destination, port, protocol):
        return False
    return incoming == interface_to(engine, destination)


def _merged(steps: list[Step]) -> tuple[Step, ...]:
    """Return one step for each rule, with all sources it decided for."""
    found: dict[tuple[object, ...], list[tuple[int, int]]] = {}
    first: dict[tuple[object, ...], Step] = {}
    for step in steps:
        key = (step.where, step.action, step.sure)
        first.setdefault(key, step)
        found.setdefault(key, []).extend(step.sources)
    return tuple(replace(first[key], sources=normal(spans)) for key, spans in found.items())


def arrive(engine: Engine, sources: Spans, packet: Packet, to: tuple[int, int] | None = None) -> Fate:
    """Return what *engine* does with a class on its way in: translation, then input or forward.

    *to*: count only what is translated to this address and port. Whoever connects chooses the source port, so the best of all classes counts.
    """
    ways = [_arrive(engine, sources, replace(packet, source_port=number), to) for number in engine.source_ports]
    made = _best(ways, sources)
    if len(ways) > 1:
        made.steps = list(dict.fromkeys(made.steps))
    return made


def _best(ways: list[Fate], sources: Spans) -> Fate:
    """Return what becomes of *sources* that may take any of several ways: whoever connects chooses the best."""
    if len(ways) == 1:
        return ways[0]
    sure = union([fate.yes for fate in ways])
    may = less(union([fate.may for fate in ways]), sure)
    return Fate(sources, sure, may, [step for fate in ways for step in fate.steps])


def _arrive(engine: Engine, sources: Spans, packet: Packet, to: tuple[int, int] | None) -> Fate:
    before = engine.through(engine.rules.prerouting, sources, packet)
    after = engine.rules.input if packet.local else engine.rules.forward
    if after:  # else what came before has decided
        before.steps = [step for step in before.steps if step.action is Action.DROP]
    if not before.rewritten:
        if to is not None:
            return Fate(sources, steps=before.steps)
        return before.then(engine.through(after, before.accepted, packet))
    accepted, dropped, steps = [], [before.dropped], before.steps
    rest = before.accepted
    for hit, rule, sure in before.rewritten:
        made = _translated(engine, packet, Step(hit, rule.where, Action.NAT, sure, rule.unknown), rule, to)
        accepted.append(made.accepted)
        dropped.append(made.dropped)
        steps += made.steps
        if sure:
            rest = less(rest, hit)
    if to is None:
        inner = engine.through(after, rest, packet)
        accepted.append(inner.accepted)
        rest = inner.dropped
        steps += inner.steps
    return Fate.of(sources, union(accepted), union([*dropped, rest]), steps)


def _translated(engine: Engine, packet: Packet, step: Step, rule: Rule, to: tuple[int, int] | None) -> Fate:
    """Return what becomes of the sources of *step*, which *rule* translates; of several new ports or addresses any may be theirs."""
    nat = rule.nat or Nat()
    hit = step.sources
    addresses, ports = goes_to(rule, nat, packet.destination, packet.port)
    kept = nat.local or addresses is None
    single = addresses[0][0] if addresses and size(addresses) == 1 else None
    address = _redirected(engine, packet) if nat.local else packet.destination if kept else single
    certain = True
    asked = classes(ports, engine.edges)
    if to is not None:
        if not holds(ports, to[1]) or not (address == to[0] if kept else holds(addresses or (), to[0])):
            return Fate(hit)
        certain = size(ports) == 1 and (address is not None)
        address, asked = to[0], [to[1]]
    elif told_apart(ports, engine.edges):
        certain = False
    own = True if nat.local else _own(engine, ((address, address),) if address is not None else addresses)
    accepted, dropped, steps = [], [NOTHING if certain else hit], [step]
    for port in asked:
        for local in (True, False) if own is None else (own,):
            moved = replace(packet, destination=address, port=port, local=local, interface_out=interface_to(engine, address))
            inner = engine.through(engine.rules.input if local else engine.rules.forward, hit, moved)
            accepted.append(inner.accepted)
            dropped.append(inner.dropped)
            steps += inner.steps
    return Fate.of(hit, union(accepted), union(dropped), steps)


def _entries(engine: Engine, destination: int, port: int, protocol: int) -> list[tuple[Rule, Nat]]:
    """Return the translations that can end at *destination* and *port*."""
    found = []
    for rule, nat in engine.translations:
        if nat.addresses is None or not holds(nat.addresses, destination):
            continue
        if rule.protocols is not None and protocol not in rule.protocols:
            continue
        ports = nat.ports if nat.ports is not None else rule.ports
        if ports is None or any(low <= port <= high for low, high in ports):
            found.append((rule, nat))
    return found


def interface_of(engine: Engine, zone: Zone | None) -> str | None:
    """Return the interface of a device by which a zone comes in, where that is certain."""
    wanted = {name.casefold() for name in (*zone.interfaces, zone.name)} if zone is not None else set()
    found = [one.name for one in engine.rules.interfaces if one.name.casefold() in wanted or (one.zone and one.zone.casefold() in wanted)]
    if zone is not None and not engine.rules.interfaces and len(zone.interfaces) == 1 and zone.interfaces[0] in engine.faces:
        return zone.interfaces[0]
    return found[0] if len(found) == 1 else _only_way_in(engine)


def _only_way_in(engine: Engine) -> str | None:
    """Return the interface by which everything from elsewhere comes in, where the host has but one that leads outside."""
    return next(iter(engine.table.outer)) if len(engine.table.outer) == 1 else None


def interface_to(engine: Engine, destination: int | None) -> str | None:
    """Return the interface behind which an address lies: by the device's networks, else by the narrowest of the host's routes."""
    if destination is None:
        return None
    near = next((one.name for one in engine.rules.interfaces if holds(one.networks, destination)), None)
    return near if near is not None else engine.table.leads_by(destination)


def _redirected(engine: Engine, packet: Packet) -> int | None:
    """Return the address a redirected connection goes to: that of the interface it came in by; None where it has none or several."""
    six = packet.destination is not None and packet.destination >= SIX
    found = {at for face, at in engine.table.own if face == packet.interface_in and (at >= SIX) is six}
    return found.pop() if len(found) == 1 else None


def _own(engine: Engine, addresses: Spans | None) -> bool | None:
    """Return whether *addresses* are the device's own; None where some of them are."""
    met = meet(engine.mine, addresses or ())
    return False if not met else True if met == addresses else None


def _parallel(fates: list[Fate]) -> Fate:
    """Return what devices do of which nobody knows whether they lie behind or beside each other."""
    if len(fates) == 1:
        return fates[0]
    steps = [step for one in fates for step in one.steps]
    return Fate.of(fates[0].sources, union([one.accepted for one in fates]), union([one.dropped for one in fates]), steps)


__all__ = ["ANY", "Answer", "Reach", "arrive", "interface_of", "interface_to"]
