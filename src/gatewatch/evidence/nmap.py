"""nmap's XML: what a scan saw open, from which zone.

::

    <host><address addr="192.0.2.10" addrtype="ipv4"/><ports><port protocol="tcp" portid="3389"><state state="open"/></port></ports></host>

The zone it was run from is the file's name: ``scan-from-internet.xml``, ``nmap-from-office.xml``. A scan that did not end says nothing of what
is closed. nmap's own document type is taken off before the XML is read; any other is refused. Reference: nmap.dtd.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Outcome, Rejected
from gatewatch.evidence.tree import parse_xml
from gatewatch.schema.facts.machine import Listener
from gatewatch.schema.facts.server import ScanHost
from gatewatch.schema.port import service_of

_DOCTYPE = re.compile(rb"<!DOCTYPE\s+nmaprun\s*>")
_ZONE = re.compile(r"from[-_]([A-Za-z0-9_.-]{1,60}?)(?:\.[A-Za-z]{2,4})?$")


def _recognise(document: Document) -> int:
    return SURE + 5 if "<nmaprun" in document.head else 0


def _read(documents: list[Document], _bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        root, fault = parse_xml(_DOCTYPE.sub(b"", document.data, count=1))
        if root is None:
            yield Rejected(document, fault)
            continue
        found = _ZONE.search(document.path)
        zone = found[1].lower() if found is not None else ""
        finished = root.find("runstats/finished")
        whole = finished is not None and finished.get("exit", "success") == "success"
        asked = sum(int(info.get("numservices", "0")) for info in root.findall("scaninfo") if info.get("numservices", "").isdigit())
        seen = 0
        for number, host in enumerate(root.findall("host"), 1):
            name = _name(host)
            if not name:
                continue
            seen += 1
            where = document.spot(f"/nmaprun/host[{number}]", f"{name} from {zone or 'an unnamed zone'}")
            yield ScanHost(host=name, as_of=document.as_of, where=(where,), zone=zone, asked=asked, complete=whole)
            for port in host.findall("ports/port"):
                listener = _port(port, name, zone, document, number)
                if listener is not None:
                    yield listener
        if not seen:
            yield Rejected(document, "names no host; -oX without hosts that answered says nothing")


def _name(host: Element) -> str:
    """Return the name a user gave for the host, else its name in DNS, else its address."""
    names = sorted((one.get("type") != "user", one.get("name", "")) for one in host.findall("hostnames/hostname") if one.get("name"))
    address = next((one.get("addr", "") for one in host.findall("address") if one.get("addrtype") in {"ipv4", "ipv6"}), "")
    return (names[0][1].partition(".")[0] if names else address).casefold()


def _port(port: Element, host: str, zone: str, document: Document, number: int) -> Listener | None:
    state, service = port.find("state"), port.find("service")
    text, protocol = port.get("portid", ""), port.get("protocol", "")
    if state is None or state.get("state") != "open" or not text.isdigit() or len(text) > 5 or int(text) > 65535 or protocol not in {"tcp", "udp"}:
        return None
    product = f"{service.get('product', '')} {service.get('version', '')}".strip() if service is not None else ""
    where = document.spot(f"/nmaprun/host[{number}]/ports/port[{text}/{protocol}]", f"{protocol}/{text} open {product}")
    return Listener(
        host=host, as_of=document.as_of, where=(where,), address="*", port=int(text), protocol=protocol, service=service_of(int(text), protocol),
        process=product, seen=True, zone=zone or "unknown",
    )  # fmt: skip


FORMAT = Format(
    name="nmap",
    title="Results of nmap (XML)",
    recognise=_recognise,
    read=_read,
    collect="nmap -Pn -p- -oX scan-from-internet.xml TARGETS, run from that zone",
    references=("nmap(1)",),
)
