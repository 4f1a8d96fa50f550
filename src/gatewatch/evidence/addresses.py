"""``ip -j address``: the addresses a Linux host bears, and the networks behind its interfaces.

::

    [{"ifname": "eth0", "addr_info": [{"family": "inet", "local": "192.0.2.10", "prefixlen": 24}]}]

Reference: ip-address(8).
"""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.evidence.address import parse_span
from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Outcome, Rejected
from gatewatch.schema.facts.machine import Machine, System
from gatewatch.schema.facts.route import Route


def _recognise(document: Document) -> int:
    return SURE if '"ifname"' in document.head and '"addr_info"' in document.text else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        tree = document.json()
        if not isinstance(tree, list):
            yield Rejected(document, document.fault or "holds no list of interfaces")
            continue
        found: list[str] = []
        for number, entry in enumerate(tree):
            infos = entry.get("addr_info") if isinstance(entry, dict) else None
            for info in infos if isinstance(infos, list) else ():
                local = info.get("local") if isinstance(info, dict) else None
                if isinstance(local, str) and info.get("scope") != "link" and not local.startswith(("127.", "::1", "fe80")):
                    found.append(local)
                network = parse_span(f"{local}/{info.get('prefixlen')}") if isinstance(local, str) else None
                own = parse_span(local) if isinstance(local, str) else None
                if network is not None and own is not None:
                    face = str(entry.get("ifname", ""))
                    where = (document.spot(f"$[{number}]", f"{local} dev {face}"),)
                    yield Route(host=bundle.host, as_of=document.as_of, where=where, interface=face, network=network, own=own[0])
        yield Machine(
            host=bundle.host, as_of=document.as_of, where=(document.spot("$", ", ".join(found)),), system=System.LINUX, addresses=tuple(found)
        )


FORMAT = Format(
    name="addresses",
    title="Addresses of a Linux host (ip -j address)",
    recognise=_recognise,
    read=_read,
    collect="ip -j address > EVIDENCE/commands/ip-address.json",
    references=("ip-address(8)",),
)
