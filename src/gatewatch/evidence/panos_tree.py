"""The configuration of PAN-OS: elements by path, with the names of entries, wherever the document begins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from gatewatch.evidence.address import parse_port, parse_span, spans
from gatewatch.evidence.document import Document
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.filter import TCP, UDP, Spans

_DEPTH = 16
_SERVICES = {"service-http": (80, 8080), "service-https": (443,)}


def text(node: Element | None, path: str, default: str = "") -> str:
    """Return the text at *path* below *node*."""
    found = node.find(path) if node is not None else None
    return (found.text or "").strip() if found is not None and found.text and found.text.strip() else default


def members(node: Element | None, path: str) -> list[str]:
    """Return the members (or names of entries) at *path*; the text itself where there are none."""
    found = node.find(path) if node is not None else None
    if found is None:
        return []
    listed = [(one.text or "").strip() for one in found if one.tag == "member"] + [one.get("name", "") for one in found if one.tag == "entry"]
    return [one for one in listed if one] or ([found.text.strip()] if found.text and found.text.strip() else [])


def entries(node: Element | None, path: str) -> list[Element]:
    """Return the entries at *path*."""
    found = node.find(path) if node is not None else None
    return [one for one in found if one.tag == "entry"] if found is not None else []


@dataclass(slots=True)
class Config:
    """A configuration: its document, its root ``config`` element and that of the device."""

    document: Document
    root: Element
    device: Element | None

    def spot(self, pointer: str, quote: str = "") -> Where:
        """Return a place within the document."""
        return self.document.spot(pointer, quote)

    def systems(self) -> Iterator[tuple[str, Element]]:
        """Yield the virtual systems."""
        for one in entries(self.device, "vsys"):
            yield one.get("name", "vsys1"), one

    def scopes(self, system: Element) -> list[Element]:
        """Return where the objects of a virtual system stand, its own first."""
        shared = self.root.find("shared")
        panorama = [one for one in (self.root.find("panorama"), system.find("panorama")) if one is not None]
        return [system, *panorama, *([shared] if shared is not None else [])]


def config(document: Document) -> Config | None:
    """Return the configuration in *document*; None when it is none."""
    root = document.xml()
    if root is None:
        return None
    if root.tag != "config":
        found = root.find(".//config")
        if found is None:
            return None
        root = found
    device = root.find("devices/entry")
    return Config(document, root, device)


@dataclass(slots=True)
class Objects:
    """Addresses and services of a virtual system."""

    scopes: list[Element]

    def entry(self, path: str, name: str) -> Element | None:
        """Return the entry *name* of a table, of the nearest scope that has it."""
        for scope in self.scopes:
            for one in entries(scope, path):
                if one.get("name") == name:
                    return one
        return None

    def address(self, name: str, depth: int = 0) -> Spans | None:
        """Return the addresses of an object, a group or a literal; None where they cannot be told."""
        found = self.entry("address", name)
        if found is not None:
            literal = text(found, "ip-netmask") or text(found, "ip-range")
            one = parse_span(literal) if literal else None
            return (one,) if one is not None else None
        group = self.entry("address-group", name)
        if group is not None:
            if group.find("static") is None or depth > _DEPTH:
                return None
            made: list[tuple[int, int]] = []
            for member in members(group, "static"):
                part = self.address(member, depth + 1)
                if part is None:
                    return None
                made += part
            return spans(made)
        literal_span = parse_span(name)
        return (literal_span,) if literal_span is not None else None

    def service(self, name: str, depth: int = 0) -> list[tuple[tuple[int, ...], Spans]] | None:
        """Return the protocols and ports of a service or group; None where they cannot be told."""
        found = self.entry("service", name)
        if found is not None:
            made: list[tuple[tuple[int, ...], Spans]] = []
            for kind, number in (("tcp", TCP), ("udp", UDP)):
                listed = text(found, f"protocol/{kind}/port")
                ports = [port for word in listed.split(",") if (port := parse_port(word)) is not None] if listed else []
                if ports:
                    made.append(((number,), spans(ports)))
            return made or None
        group = self.entry("service-group", name)
        if group is not None and depth <= _DEPTH:
            whole: list[tuple[tuple[int, ...], Spans]] = []
            for member in members(group, "members"):
                part = self.service(member, depth + 1)
                if part is None:
                    return None
                whole += part
            return whole
        known = _SERVICES.get(name)
        return [((TCP,), spans([(port, port) for port in known]))] if known else None
