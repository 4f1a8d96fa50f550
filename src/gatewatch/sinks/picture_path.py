"""An incident's path: outside address, hosts, accounts and doors from left to right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from gatewatch.schema.incidents import Hop, Incident
from gatewatch.sinks.moment import both, local, zone_info
from gatewatch.sinks.svg import element, label, picture, text_width

NODE, TALL = 140.0, 40.0
GAP, ROW = 104.0, 52.0
MARGIN = 7.0
BEND = 26.0
LANE = 26.0  # between the level parts of two edges: a label above and its time below
LEAST_WIDTH, FULL_WIDTH = 640.0, 1190.0
MOST = 14  # edges drawn; the table below the picture has all


@dataclass(frozen=True, slots=True)
class Node:
    """A box of the graph: what it is called, what it is, and where it stands."""

    name: str
    role: str  # outside, host or thing
    says: str
    x: float
    y: float


def path_graph(incident: Incident, name: str) -> Markup:
    """Return the picture of ``incident.path``; without hops, of the one step that is known."""
    hops = incident.path[:MOST] or _implied(incident)
    if not hops:
        return Markup("")
    nodes, width, height = _arranged(hops, incident)
    edges: dict[tuple[str, str], list[Hop]] = {}
    for hop in hops:
        edges.setdefault((hop.source, hop.target), []).append(hop)
    leaving = Counter(source for source, _ in edges)
    arriving = Counter(target for _, target in edges)
    # labels stand where no other edge runs: beside the source of a merging edge, else before the target
    late = {(source, target): arriving[target] > 1 and leaving[source] == 1 for source, target in edges}
    lanes = _lanes(late, nodes, height)
    marks = [_edge(shared, nodes, incident, lane=lanes[pair]) for pair, shared in edges.items()]
    marks += [_box(node) for node in nodes.values()]
    told = "; ".join(f"{hop.source} to {hop.target} by {hop.via}, {hop.confidence}" for hop in hops)
    if any(nodes[target].x <= nodes[source].x for source, target in edges):
        height += 14  # room for the arcs that lead back
    return picture(name, "Path of the intruder", told, width, height, *marks)


def is_wide(incident: Incident) -> bool:
    """Return whether the picture needs the whole width of the page: more than three columns."""
    hops = incident.path[:MOST] or _implied(incident)
    return bool(hops) and max(_columns(hops).values()) > 2


def drawn(incident: Incident) -> int:
    """Return how many hops the picture leaves out."""
    return max(len(incident.path) - MOST, 0)


def _implied(incident: Incident) -> tuple[Hop, ...]:
    if incident.origin.ip is None or not incident.hosts:
        return ()
    user = incident.users[0] if incident.users else None
    via = incident.service or "logon"
    if incident.accepted is None:
        return tuple(Hop(incident.origin.ip, host, f"{via}, refused", user, incident.first_seen, "refused") for host in incident.hosts[:4])
    return tuple(Hop(incident.origin.ip, host, via, user, incident.accepted, "possible") for host in incident.hosts[:1])


def _arranged(hops: Sequence[Hop], incident: Incident) -> tuple[dict[str, Node], float, float]:
    """Return nodes by name, each one column right of where it was first reached from, and the size of the picture."""
    column = _columns(hops)
    columns: dict[int, list[str]] = {}
    for node, number in column.items():
        columns.setdefault(number, []).append(node)
    tallest = max(len(names) for names in columns.values())
    across = max(columns) + 1
    width = max(2 * MARGIN + across * NODE + (across - 1) * GAP, FULL_WIDTH if across > 3 else LEAST_WIDTH)
    into = Counter(column[target] for _, target in dict.fromkeys((hop.source, hop.target) for hop in hops))
    crossing = max(into.values()) > tallest  # more edges than boxes: room for those that run between
    height = max(tallest * ROW, (max(into.values()) + 2) * LANE if crossing else 0.0) + 2 * MARGIN
    gap = (width - 2 * MARGIN - across * NODE) / (across - 1) if across > 1 else 0.0
    nodes = {}
    for number, names in columns.items():
        for row, node in enumerate(names):
            y = MARGIN + (height - 2 * MARGIN) * (row + 0.5) / len(names) - TALL / 2
            nodes[node] = Node(node, *_role(node, incident), MARGIN + number * (NODE + min(gap, 2 * GAP)), y)
    return nodes, width, height


def _columns(hops: Sequence[Hop]) -> dict[str, int]:
    column: dict[str, int] = {}
    for hop in hops:
        column.setdefault(hop.source, 0)
        column.setdefault(hop.target, column[hop.source] + 1)
    return column


def _role(name: str, incident: Incident) -> tuple[str, str]:
    origin = incident.origin
    if name == origin.ip:
        return "outside", f"outside, {origin.country}" if origin.country else "outside"
    if name in origin.others:
        return "outside", "outside"
    if name in incident.hosts:
        return "host", "host"
    doors = [hop for hop in incident.path if hop.target == name]
    return "thing", doors[0].via if doors else "address"


def _box(node: Node) -> Markup:
    return element(
        "g",
        element("title", f"{node.name} ({node.says})"),
        element("rect", x=node.x, y=node.y, width=NODE, height=TALL, rx=20 if node.role == "outside" else 5, class_=f"node {node.role}"),
        label(_short(node.name), node.x + NODE / 2, node.y + 17, room=NODE - 16, size=12, class_="node-name", anchor="middle"),
        label(node.says, node.x + NODE / 2, node.y + 31, room=NODE - 16, class_="faint", anchor="middle"),
    )


def _short(name: str) -> str:
    """Return a long path by its last part, which tells more than its first."""
    return f"…/{name.rsplit('/', 1)[1]}" if name.startswith("/") and text_width(name, 12) > NODE - 16 else name


def _lanes(late: Mapping[tuple[str, str], bool], nodes: dict[str, Node], height: float) -> dict[tuple[str, str], float]:
    """Return the height of the level part of each edge: that of its target, or of its source where it is *late*, unless another edge runs there."""
    lanes: dict[tuple[str, str], float] = {}
    taken: dict[float, list[float]] = {}
    # level edges have no choice, so they come first
    for pair in sorted(late, key=lambda pair: nodes[pair[0]].y != nodes[pair[1]].y):
        source, target = (nodes[name] for name in pair)
        y0, y1 = source.y + TALL / 2, target.y + TALL / 2
        used = taken.setdefault(target.x, [])
        wished = (y0, y1) if late[pair] else (y1, y0)
        middle = (y0 + y1) / 2
        beside = sorted((float(y) for y in range(20, int(height) - 17, 13)), key=lambda y: (abs(y - middle), y))
        free = (lane for lane in (*wished, middle, *beside) if all(abs(lane - other) >= LANE for other in used))
        lanes[pair] = next(free, wished[0])
        used.append(lanes[pair])
    return lanes


def _edge(hops: Sequence[Hop], nodes: dict[str, Node], incident: Incident, *, lane: float) -> Markup:
    """Return the edge that *hops* share. It goes to the height of its *lane*, bears its label there, and from there to its target."""
    hop = hops[0]
    source, target = nodes[hop.source], nodes[hop.target]
    x0, y0 = source.x + NODE, source.y + TALL / 2
    x1, y1 = target.x, target.y + TALL / 2
    title = element("title", "; ".join(_said(one, incident) for one in hops))
    if x1 <= x0:
        return element("g", title, element("path", d=_arc(source, target), class_=f"edge {_sure(hop)}"))
    early, late = (0.0 if lane == y0 else BEND), (0.0 if lane == y1 else BEND)
    first, last = x0 + early, x1 - 8 - late
    line = f"M{x0:.1f} {y0:.1f}{_bent(x0, y0, first, lane)}H{last:.1f}{_bent(last, lane, x1 - 8, y1)}H{x1 - 6:.1f}"
    tip = f"M{x1 - 8:.1f} {y1 - 4.5:.1f}L{x1:.1f} {y1:.1f}L{x1 - 8:.1f} {y1 + 4.5:.1f}z"
    left, right = max(first, x1 - 2 * GAP) if not late else first, last
    middle, room = (left + right) / 2, right - left - 4
    return element(
        "g",
        title,
        element("path", d=line, class_=f"edge {_sure(hop)}"),
        element("path", d=tip, class_=f"tip {_sure(hop)}"),
        label(_via(hops), middle, lane - 6, room=room + 16, class_="edge-name", anchor="middle"),
        label(
            local(hop.time, zone_info(incident.zone))[5:16],
            middle,
            lane + 14,
            room=max(room + 20, 68.0),
            size=10.5,
            class_="faint halo",
            anchor="middle",
        ),
    )


def _bent(x0: float, y0: float, x1: float, y1: float) -> str:
    """Return the curve from one height to another; nothing where they are one."""
    half = (x0 + x1) / 2
    return "" if y0 == y1 else f"C{half:.1f} {y0:.1f} {half:.1f} {y1:.1f} {x1:.1f} {y1:.1f}"


def _via(hops: Sequence[Hop]) -> str:
    names = list(dict.fromkeys(hop.via for hop in hops))
    return ", ".join(names) + (f" ×{len(hops)}" if len(hops) > len(names) else "")


def _arc(source: Node, target: Node) -> str:
    """An edge that leads back or stays: an arc under the boxes."""
    x0, x1 = source.x + NODE / 2, target.x + NODE / 2 + (14 if source is target else 0)
    y0, y1 = source.y + TALL, target.y + TALL
    low = max(y0, y1) + 18
    return f"M{x0:.1f} {y0:.1f}C{x0:.1f} {low:.1f} {x1:.1f} {low:.1f} {x1:.1f} {y1 + 2:.1f}"


def _said(hop: Hop, incident: Incident) -> str:
    who = f" as {hop.user}" if hop.user else ""
    return f"{hop.source} → {hop.target}: {hop.via}{who}, {both(hop.time, zone_info(incident.zone), incident.zone)}, {hop.confidence}"


def _sure(hop: Hop) -> str:
    return hop.confidence if hop.confidence in {"certain", "likely", "possible", "refused"} else "possible"
