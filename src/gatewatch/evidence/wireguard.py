"""WireGuard: wg-quick's file or ``wg showconf``: an interface, its port, and the addresses each peer may bear.

::

    [Interface]
    ListenPort = 51820
    [Peer]
    PublicKey = ...
    AllowedIPs = 10.8.0.2/32

Sections repeat, which no parser of INI files allows. References: wg(8), wg-quick(8).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from gatewatch.evidence.address import parse_span
from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import LIKELY, SURE, Format, Ignored, Outcome, Rejected
from gatewatch.schema.facts.access import AccessPath, Factor, FactorKind, Way
from gatewatch.schema.facts.filter import SIX
from gatewatch.schema.facts.gateway import GatewaySettings, VpnGroup
from gatewatch.schema.facts.machine import Listener


@dataclass(slots=True)
class _Section:
    kind: str
    line: int
    values: dict[str, list[tuple[str, int]]] = field(default_factory=dict)

    def get(self, name: str) -> str:
        found = self.values.get(name)
        return found[-1][0] if found else ""


def _recognise(document: Document) -> int:
    text = document.head.lower()
    if "[interface]" in text and ("privatekey" in text or "listenport" in text or "[peer]" in text):
        return SURE
    return LIKELY if document.at("etc/wireguard/*.conf") else 0


def _sections(document: Document) -> list[_Section]:
    made: list[_Section] = []
    for number, text in enumerate(document.lines, 1):
        line = text.partition("#")[0].strip()
        if line.startswith("[") and line.endswith("]"):
            made.append(_Section(line[1:-1].strip().lower(), number))
        elif "=" in line and made:
            name, _, value = line.partition("=")
            made[-1].values.setdefault(name.strip().lower(), []).append((value.strip(), number))
    return made


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        sections = _sections(document)
        faces = [one for one in sections if one.kind == "interface"]
        peers = [one for one in sections if one.kind == "peer"]
        if not faces:
            yield Rejected(document, "has no [Interface]")
            continue
        port = faces[0].get("listenport")
        if not port and all(one.get("endpoint") for one in peers):
            yield Ignored(document, "configures a client: it listens on no port it names")
            continue
        yield from _facts(document, bundle, faces[0], peers, port)


def _facts(document: Document, bundle: Bundle, face: _Section, peers: list[_Section], port: str) -> Iterator[Outcome]:
    name, place = document.stem, (document.where(face.line),)
    number = int(port[:6]) if port.isdigit() and int(port[:6]) < 65536 else 51820
    doubt = "" if peers else "no [Peer] stands in the file; it may be cut off, or peers are added at run time"
    ways = tuple(
        Way((Factor(FactorKind.POSSESSION, "key"),), f"key of peer {at}", (document.where(peer.line),)) for at, peer in enumerate(peers[:50], 1)
    )
    yield AccessPath(
        host=bundle.host, as_of=document.as_of, where=place, service="vpn", product="wireguard", name=name, ways=ways,
        listeners=(("*", number, "udp"),),
    )  # fmt: skip
    yield Listener(host=bundle.host, as_of=document.as_of, where=place, address="*", port=number, protocol="udp", service="vpn", process="wireguard")
    yield GatewaySettings(host=bundle.host, as_of=document.as_of, where=place, service="vpn", product="wireguard", scope=name)
    wide = [(peer, text, line) for peer in peers for text, line in peer.values.get("allowedips", []) if not _single(text)]
    where = document.where(wide[0][2]) if wide else place[0]
    yield VpnGroup(
        host=bundle.host, as_of=document.as_of, where=(where,), product="wireguard", name=name,
        limit="" if wide or doubt else f"one address for each of {len(peers)} peers", uncertain=doubt,
    )  # fmt: skip


def _single(text: str) -> bool:
    """Return whether every network of a list is one address."""
    for part in text.split(","):
        word = part.strip()
        found = parse_span(word) if word else None
        if word and (found is None or found[0] != found[1]):
            return False
        if found is not None and found[0] >= SIX and "/" in word and not word.endswith("/128"):
            return False
    return True


FORMAT = Format(
    name="wireguard",
    title="WireGuard configuration",
    recognise=_recognise,
    read=_read,
    collect="for f in /etc/wireguard/*.conf; do sed 's/^\\(P.*Key *=\\).*/\\1 ***/' $f > EVIDENCE/etc/wireguard/$(basename $f); done",
    references=("wg(8)", "wg-quick(8)"),
)
