"""dnsmasq.conf: the domains a dnsmasq resolver answers by itself.

::

    address=/onion/
    address=/onion.to/tor2web.org/0.0.0.0
    local=/use-application-dns.net/

``address`` without an address, or with an unroutable one, blocks; ``local`` (and ``server=/x/``) never asks anybody. Reference: dnsmasq(8).
"""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.evidence.dns_name import clean
from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import LIKELY, SURE, Format, Outcome, Rejected
from gatewatch.schema.facts.web import DnsFilter, DnsZone

_DEPTH = 16
_NOWHERE = frozenset({"", "0.0.0.0", "::", "127.0.0.1", "::1", "#"})  # noqa: S104 - compared, not bound


def _recognise(document: Document) -> int:
    if document.at("dnsmasq.conf"):
        return SURE
    return LIKELY if document.at("dnsmasq.d/*", "dnsmasq/*.conf") else 0


def _zones(document: Document, bundle: Bundle, missing: list[str], depth: int = 0) -> Iterator[DnsZone]:
    for number, line in enumerate(document.lines, 1):
        name, equals, value = line.partition("#")[0].strip().removeprefix("--").partition("=")
        name, value = name.strip(), value.strip()
        if name in {"address", "local", "server"} and value.startswith("/"):
            *domains, target = value[1:].split("/")
            plain = "" if name == "local" else target.strip()
            blocks = plain in _NOWHERE - {"#"} if name == "address" else plain == ""
            for domain in domains:
                stops = True if blocks else None if name == "address" else False
                yield DnsZone(clean(domain.lstrip(".*")), line.strip(), stops, document.where(number))
        elif name in {"conf-file", "conf-dir"} and equals and depth < _DEPTH:
            path = value.partition(",")[0]
            found = bundle.glob(path.rstrip("/") + "/*" if name == "conf-dir" else path)
            if not found and name == "conf-file":
                missing.append(path)
            for one in found:
                if one.name != document.name:
                    yield from _zones(one, bundle, missing, depth + 1)


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    main = [one for one in documents if one.at("dnsmasq.conf")]
    rest = [one for one in documents if one not in main]
    missing: list[str] = []
    zones = [zone for document in (*main, *rest) for zone in _zones(document, bundle, missing)]
    first = (main or rest)[0]
    if not any("=" in line or line.strip().isidentifier() for line in first.lines if not line.lstrip().startswith("#")) and not zones:
        yield Rejected(first, "sets nothing")
        return
    places = tuple(zone.where for zone in zones[:1] if zone.where is not None) or (first.where(1),)
    yield DnsFilter(
        host=bundle.host, as_of=first.as_of, where=places, product="dnsmasq", zones=tuple(dict.fromkeys(zones)),
        incomplete=f"{', '.join(missing)} not in the evidence" if missing else "",
    )  # fmt: skip


FORMAT = Format(
    name="dnsmasq",
    title="dnsmasq resolver",
    recognise=_recognise,
    read=_read,
    collect="cp -r /etc/dnsmasq.conf /etc/dnsmasq.d EVIDENCE/etc/",
    references=("dnsmasq(8)",),
)
