"""unbound.conf: the zones an Unbound resolver answers by itself, and its response policy zones.

::

    server:
        module-config: "respip validator iterator"
        local-zone: "onion.to." always_nxdomain
    rpz:
        name: rpz.example
        zonefile: /etc/unbound/rpz.zone
        rpz-log: yes

``.onion`` is answered NXDOMAIN by default (RFC 7686), unless a ``local-zone`` of that name says otherwise. Reference: unbound.conf(5).
"""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.evidence.dns_name import clean, policy_names
from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import LIKELY, MAYBE, SURE, Format, Outcome, Rejected
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.web import DnsFilter, DnsZone, PolicyZone

_DEPTH = 16
_BLOCKING = frozenset({"always_nxdomain", "always_refuse", "always_nodata", "always_deny", "always_null", "deny", "refuse", "static", "redirect",
                       "inform_deny", "inform_redirect"})  # fmt: skip
_OPEN = frozenset({"transparent", "typetransparent", "nodefault", "always_transparent", "inform", "noview", "block_a", "ipset"})
Entry = tuple[str, str, str, Where]
"""Clause, name, value, place."""


def _recognise(document: Document) -> int:
    if document.at("unbound/unbound.conf"):
        return SURE
    if document.at("unbound/*.d/*", "unbound/conf.d/*"):
        return LIKELY
    if document.at("etc/unbound/*"):
        return MAYBE
    head = document.text[:65536]
    return LIKELY if "\nserver:" in "\n" + head and ("interface:" in head or "local-zone:" in head or "access-control:" in head) else 0


def entries(document: Document, bundle: Bundle, missing: list[str], clause: str = "", depth: int = 0) -> Iterator[Entry]:
    """Yield every setting, includes followed; a clause (``server:``) holds until the next."""
    if depth > _DEPTH:
        return
    for number, line in enumerate(document.lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, colon, value = text.partition(":")
        name, value = name.strip(), _value(value)
        if not colon:
            continue
        if not value:
            clause = name
            if name == "rpz":
                yield "rpz", "", "", document.where(number)
        elif name in {"include", "include-toplevel"}:
            found = [one for one in bundle.glob(value) if one.name != document.name]
            if not found and "*" not in value:
                missing.append(value)
            for one in found:
                yield from entries(one, bundle, missing, "" if name == "include-toplevel" else clause, depth + 1)
        else:
            yield clause, name, value, document.where(number)


def _value(text: str) -> str:
    kept = text.strip()
    if kept.startswith('"'):
        return kept[1:].partition('"')[0] + (" " + kept[1:].partition('"')[2].partition("#")[0].strip()).rstrip()
    return kept.partition(" #")[0].strip()


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    main = [one for one in documents if one.at("unbound/unbound.conf")] or documents[:1]
    for document in main:
        missing: list[str] = []
        listed = list(entries(document, bundle, missing))
        if not listed:
            yield Rejected(document, f"sets nothing itself, and {', '.join(missing)} not in the evidence" if missing else "sets nothing")
            continue
        modules = next((value for _, name, value, _ in reversed(listed) if name == "module-config"), "validator iterator")
        zones = [DnsZone("onion", "default of unbound (RFC 7686)", True, None)]
        for _, name, value, where in listed:
            words = value.split()
            if name == "local-zone" and len(words) == 2:
                kind = words[1].strip('"').lower()
                zones.append(DnsZone(clean(words[0]), f"local-zone {kind}", True if kind in _BLOCKING else False if kind in _OPEN else None, where))
        yield DnsFilter(
            host=bundle.host, as_of=document.as_of, where=(listed[0][3],), product="unbound", zones=tuple(zones),
            policies=tuple(_policies(listed, bundle, "respip" in modules)), incomplete=f"{', '.join(missing)} not in the evidence" if missing else "",
        )  # fmt: skip


def _policies(listed: list[Entry], bundle: Bundle, loaded: bool) -> Iterator[PolicyZone]:
    blocks: list[dict[str, str]] = []
    places: list[Where] = []
    for clause, name, value, where in listed:
        if clause == "rpz" and not name:
            blocks.append({})
            places.append(where)
        elif clause == "rpz" and blocks:
            blocks[-1][name] = value
    for block, where in zip(blocks, places, strict=True):
        zone, override = clean(block.get("name", "")), block.get("rpz-action-override", "").lower()
        document = bundle.get(block["zonefile"]) if block.get("zonefile") else None
        names, fault = policy_names(document.lines, zone) if document is not None else (None, "its zone file is not in the evidence")
        if not loaded:
            fault = "module-config lacks respip, so it is not used"
        acts = loaded and override not in {"passthru", "disabled"}
        yield PolicyZone(zone, acts, block.get("rpz-log", "no").lower() == "yes", names, fault, where)


FORMAT = Format(
    name="unbound",
    title="Unbound resolver (unbound.conf)",
    recognise=_recognise,
    read=_read,
    collect="cp -r /etc/unbound EVIDENCE/etc/",
    references=("unbound.conf(5)", "RFC 7686"),
)
