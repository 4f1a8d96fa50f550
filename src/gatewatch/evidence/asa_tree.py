"""The running configuration of Cisco ASA and FTD as commands with the lines indented below them, its names and its objects resolved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from gatewatch.evidence.address import parse_port, parse_span, spans
from gatewatch.evidence.document import Document
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.filter import FOUR_SPAN, SIX_SPAN, Spans

ANY: Spans = (FOUR_SPAN, SIX_SPAN)
PROTOCOLS = {
    "icmp": 1, "igmp": 2, "ipinip": 4, "tcp": 6, "udp": 17, "gre": 47, "esp": 50, "ah": 51, "icmp6": 58, "eigrp": 88, "ospf": 89, "sctp": 132,
}
_DEPTH = 16  # of groups within groups
ServiceItem = tuple[tuple[int, ...] | None, Spans | None, Spans | None]
"""Protocols, ports of the source and of the destination; None is any."""


@dataclass(slots=True)
class Command:
    """A line and those indented below it."""

    number: int
    words: list[str]
    depth: int
    below: list[Command] = field(default_factory=list)

    def starts(self, *words: str) -> bool:
        """Return whether the line begins with *words*."""
        return tuple(self.words[: len(words)]) == words

    def find(self, *words: str) -> Command | None:
        """Return the last line below that begins with *words*: later ones replace earlier ones."""
        return next((one for one in reversed(self.below) if one.starts(*words)), None)


@dataclass(slots=True)
class Config:
    """A whole configuration."""

    document: Document
    commands: list[Command]
    ended: bool  # by ``: end``, which a complete one does

    def all(self, *words: str) -> Iterator[Command]:
        """Yield the commands that begin with *words*, in order."""
        return (one for one in self.commands if one.starts(*words))

    def last(self, *words: str) -> Command | None:
        """Return the last such command."""
        return next((one for one in reversed(self.commands) if one.starts(*words)), None)

    def where(self, command: Command) -> Where:
        """Return where a command stands."""
        return self.document.where(command.number)


def parse(document: Document) -> Config:
    """Return the commands of *document*."""
    top: list[Command] = []
    stack: list[Command] = []
    ended = False
    for number, line in enumerate(document.lines, 1):
        if line.startswith((": end", "Cryptochecksum:", "[OK]")):
            ended = True
        if not line.strip() or line.lstrip().startswith(("!", ":")):
            continue
        depth = len(line) - len(line.lstrip(" "))
        made = Command(number, line.split(), depth)
        while stack and stack[-1].depth >= depth:
            stack.pop()
        (stack[-1].below if stack else top).append(made)
        stack.append(made)
    return Config(document, top, ended)


@dataclass(slots=True)
class Objects:
    """Names, network objects and groups, service objects and groups."""

    names: dict[str, str] = field(default_factory=dict)
    networks: dict[str, Command] = field(default_factory=dict)
    network_groups: dict[str, Command] = field(default_factory=dict)
    services: dict[str, Command] = field(default_factory=dict)
    service_groups: dict[str, Command] = field(default_factory=dict)

    def span(self, first: str, second: str = "") -> Spans | None:
        """Return the addresses of ``A``, ``A MASK`` or a name; None when they cannot be told."""
        first = self.names.get(first, first)
        found = parse_span(f"{first}/{second}" if second else first)
        return (found,) if found is not None else None

    def network(self, name: str, depth: int = 0) -> Spans | None:
        """Return the addresses of a network object or group; None where they cannot be told (a name, an unknown group)."""
        if depth > _DEPTH:
            return None
        if name in self.networks:
            return self._object(self.networks[name])
        if name not in self.network_groups:
            return self.span(name) if name in self.names else None
        made: list[tuple[int, int]] = []
        for line in self.network_groups[name].below:
            part: Spans | None = ()
            if line.starts("network-object"):
                part = self.address(line.words[1:])[0]
            elif line.starts("group-object") and len(line.words) > 1:
                part = self.network(line.words[1], depth + 1)
            if part is None:
                return None
            made += part
        return spans(made)

    def _object(self, command: Command) -> Spans | None:
        for line in command.below:
            words = line.words
            if words[0] == "host" and len(words) > 1:
                return self.span(words[1])
            if words[0] == "subnet" and len(words) > 1:
                return self.span(words[1], words[2] if len(words) > 2 else "")
            if words[0] == "range" and len(words) > 2:
                return self.span(f"{self.names.get(words[1], words[1])}-{self.names.get(words[2], words[2])}")
            if words[0] == "fqdn":
                return None
        return ()

    def address(self, words: list[str]) -> tuple[Spans | None, int]:
        """Return the addresses *words* begin with (None: cannot be told) and how many words they take (0: none)."""
        if not words:
            return None, 0
        head, second = words[0], words[1] if len(words) > 1 else ""
        if head == "any":
            return ANY, 1
        if head in {"any4", "any6"}:
            return ((FOUR_SPAN if head == "any4" else SIX_SPAN),), 1
        if head == "host":
            return self.span(second), 2
        if head in {"object", "object-group"}:
            return self.network(second), 2
        if head == "interface":
            return None, 2
        if "/" in head or ":" in head:
            return self.span(head), 1
        return self.span(head, second), 2

    def service(self, name: str, depth: int = 0) -> list[ServiceItem] | None:
        """Return what a service object or group stands for; None where it cannot be told."""
        if depth > _DEPTH:
            return None
        if name in self.services:
            line = self.services[name].find("service")
            return [item] if line is not None and (item := service_item(line.words[1:])) is not None else None
        group = self.service_groups.get(name)
        if group is None:
            return None
        protocols = _protocols(group.words[3]) if len(group.words) > 3 else None
        made: list[ServiceItem] = []
        for line in group.below:
            part: list[ServiceItem] | None = []
            if line.starts("port-object"):
                ports, _ = operator(line.words[1:])
                part = [(protocols, None, ports)] if ports is not None else None
            elif line.starts("service-object", "object"):
                part = self.service(line.words[2], depth + 1) if len(line.words) > 2 else None
            elif line.starts("service-object"):
                item = service_item(line.words[1:])
                part = [item] if item is not None else None
            elif line.starts("protocol-object"):
                part = [(_protocols(line.words[1]), None, None)] if len(line.words) > 1 else None
            elif line.starts("group-object"):
                part = self.service(line.words[1], depth + 1) if len(line.words) > 1 else None
            if part is None:
                return None
            made += part
        return made


def objects(config: Config) -> Objects:
    """Return the objects of a configuration."""
    made = Objects()
    for one in config.commands:
        words = one.words
        if words[0] == "name" and len(words) > 2:
            made.names[words[2]] = words[1]
        if len(words) < 3 or words[0] not in {"object", "object-group"}:
            continue
        kind = f"{words[0]} {words[1]}"
        table = {
            "object network": made.networks, "object service": made.services, "object-group network": made.network_groups,
            "object-group service": made.service_groups, "object-group protocol": made.service_groups,
        }.get(kind)  # fmt: skip
        if table is not None and words[2] in table:
            table[words[2]].below += one.below  # an object and its address translation stand apart
        elif table is not None:
            table[words[2]] = one
    return made


def service_item(words: list[str]) -> ServiceItem | None:
    """Return what ``tcp [source eq 1] [destination eq 2]`` stands for; None when it cannot be told."""
    if not words:
        return None
    protocols = _protocols(words[0])
    if protocols == ():
        return None
    ports: dict[str, Spans | None] = {"source": None, "destination": None}
    at = 1
    while at < len(words):
        side = words[at] if words[at] in ports else "destination"
        at += words[at] in ports
        found, used = operator(words[at:])
        if not used:
            break
        if found is None:
            return None
        ports[side] = found
        at += used
    return protocols, ports["source"], ports["destination"]


def _protocols(word: str) -> tuple[int, ...] | None:
    """Return the protocols of a word; None for any, empty for one that is not known."""
    if word in {"ip", "ip6"}:
        return None
    if word == "tcp-udp":
        return 6, 17
    if word.isdigit() and int(word[:4]) < 256:
        return (int(word[:4]),)
    return (PROTOCOLS[word],) if word in PROTOCOLS else ()


def protocols(word: str) -> tuple[int, ...] | None:
    """Return the protocols of a word of an access list."""
    return _protocols(word)


def operator(words: list[str]) -> tuple[Spans | None, int]:
    """Return the ports of ``eq 22``, ``range 1 5``, ``gt``, ``lt``, ``neq``; None where they cannot be told; and the words used (0: none)."""
    if not words or words[0] not in {"eq", "range", "gt", "lt", "neq"}:
        return None, 0
    first = parse_port(words[1]) if len(words) > 1 else None
    if words[0] == "range":
        second = parse_port(words[2]) if len(words) > 2 else None
        return (((first[0], second[1]),) if first and second and first[0] <= second[1] else None), 3
    if first is None:
        return None, 2
    port = first[0]
    made: Spans = {
        "eq": ((port, port),), "gt": ((min(port + 1, 65535), 65535),), "lt": ((0, max(port - 1, 0)),),
        "neq": spans([one for one in ((0, port - 1), (port + 1, 65535)) if one[0] <= one[1]]),
    }[words[0]]  # fmt: skip
    return made, 2
