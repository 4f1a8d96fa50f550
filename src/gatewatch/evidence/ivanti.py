"""Ivanti Connect Secure (Pulse, Juniper SA): the XML export of authentication, sign-in addresses and realms.

::

    <configuration><users><user-realms><realm><name>Staff</name><authentication-server>AD</authentication-server>…

Element names differ between versions and no schema of them is public; elements are known by the ends of their names, and what cannot be
found is uncertain, never absent. Reference: Ivanti Connect Secure Administration Guide, XML import/export.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import LIKELY, SURE, Format, Ignored, Outcome, Rejected
from gatewatch.evidence.gateway_setting import SettingTable
from gatewatch.schema.facts.access import AccessPath, Factor, FactorKind, Way
from gatewatch.schema.facts.base import Setting
from gatewatch.schema.facts.gateway import GatewaySettings
from gatewatch.schema.facts.machine import LogTarget, Machine, System

_SPACE = re.compile(r"xml\.(?:juniper|pulsesecure|ivanti)\.(?:net|com)/ive-sa/([\w.]{1,20})")
_LOCAL = frozenset({"system local", "administrators", "local"})
_NAMES = frozenset({"name", "server", "authentication-server", "auth-server"})
_EMPTY = frozenset({"", "none", "false", "0", "disabled", "no", "same as above"})


def _recognise(document: Document) -> int:
    if _SPACE.search(document.head):
        return SURE
    return LIKELY if "<configuration" in document.head and ("<user-realms" in document.text[:400_000] or "<auth-servers" in document.head) else 0


def _tag(node: Element) -> str:
    return node.tag.rpartition("}")[2].lower() if isinstance(node.tag, str) else ""


def _child(node: Element, *names: str) -> str | None:
    for one in node:
        if _tag(one) in names:
            return (one.text or "").strip()
    return None


def _below(node: Element, name: str) -> Iterator[Element]:
    return (one for one in node.iter() if _tag(one) == name)


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        root = document.xml()
        if root is None:
            yield Rejected(document, document.fault or "is no XML")
            continue
        realms = [(kind, realm) for kind in ("user-realms", "admin-realms") for group in _below(root, kind) for realm in _below(group, "realm")]
        if not realms:
            yield Ignored(document, "holds no realm")
            continue
        yield from _facts(document, bundle, root, realms)


def _facts(document: Document, bundle: Bundle, root: Element, realms: list[tuple[str, Element]]) -> Iterator[Outcome]:
    found = _SPACE.search(document.head)
    version = found.group(1) if found else ""
    named = next((text for node in _below(root, "hostname") if (text := (node.text or "").strip())), "") or bundle.host
    host = named.casefold()
    yield Machine(
        host=host, as_of=document.as_of, where=(document.spot("configuration", version),), system=System.NETWORK,
        product="Ivanti Connect Secure", version=version,
    )  # fmt: skip
    used = _used(root)
    for kind, realm in realms:
        name = _child(realm, "name") or "?"
        pointer = f"{kind}/realm[name={name!r}]"
        yield AccessPath(
            host=host, as_of=document.as_of, where=(document.spot(pointer, name),), service="vpn", product="ivanti", name=f"realm {name}",
            ways=tuple(_ways(document, realm, pointer)), admin=kind == "admin-realms", enabled=used is None or name in used,
        )  # fmt: skip
    yield _settings(document, root, host, version)
    for node in root.iter():
        if _tag(node) in {"syslog-server", "syslog-servers"}:
            target = _child(node, "server", "server-name", "hostname", "host")
            if target:
                kind_of = (_child(node, "type", "protocol", "server-type") or "").lower()
                yield LogTarget(
                    host=host, as_of=document.as_of, where=(document.spot("syslog", target),), service="vpn", target=target, remote=True,
                    encrypted="tls" in kind_of if kind_of else None, kinds=("auth", "session"),
                )  # fmt: skip


def _used(root: Element) -> set[str] | None:
    """Return the realms that enabled sign-in addresses lead to; None when no address is in the export."""
    urls = [*_below(root, "access-url"), *_below(root, "sign-in-url")]
    if not urls:
        return None
    made: set[str] = set()
    for url in urls:
        if (_child(url, "enabled", "enable") or "true").lower() in {"false", "disabled", "no"}:
            continue
        for node in url.iter():
            if _tag(node) in {"realm", "realms", "selected-realms", "user-realm", "admin-realm"} and node.text and node.text.strip():
                made.add(node.text.strip())
    return made or None


def _ways(document: Document, realm: Element, pointer: str) -> Iterator[Way]:
    first = _child(realm, "authentication-server", "auth-server", "authentication-server-name")
    place = document.spot(f"{pointer}/authentication-server", first or "")
    if first is None:
        yield Way((), "?", (place,), "the realm's authentication server is not in the export")
        return
    local = first.casefold() in _LOCAL
    base = Factor(FactorKind.KNOWLEDGE, "password of a local user") if local else Factor(FactorKind.DELEGATED, first, first)
    secondary = [node for node in realm.iter() if "secondary" in _tag(node)]
    servers = [
        (node.text or "").strip() for node in secondary if "server" in _tag(node) and (node.text or "").strip().lower() not in _EMPTY
    ]  # fmt: skip
    nested = [
        (one.text or "").strip() for node in secondary for one in node.iter()
        if one is not node and _tag(one) in _NAMES and (one.text or "").strip().lower() not in _EMPTY
    ]  # fmt: skip
    second = next(iter([*servers, *nested]), "")
    certificate = any(
        "certificate" in _tag(node) and (node.text or "").strip().lower() in {"required", "require", "only-allow-with-certificate"}
        for node in realm.iter()
    )
    factors = (Factor(FactorKind.DEVICE, "certificate"),) if certificate else ()
    label = "certificate, then " if certificate else ""
    if second:
        code = "totp" in second.lower()
        other = Factor(FactorKind.POSSESSION, f"one-time code ({second})") if code else Factor(FactorKind.DELEGATED, second, second)
        yield Way((*factors, base, other), f"{label}{first}, then {second}", (place,))
    else:
        doubt = "" if secondary or certificate else "no element about a second server is in the export, so it may lack that part"
        yield Way((*factors, base), f"{label}{first}", (place,), doubt if base.kind is not FactorKind.DELEGATED else "")


def _settings(document: Document, root: Element, host: str, version: str) -> GatewaySettings:
    table = SettingTable(f"Ivanti Connect Secure {version}", "")
    for node in root.iter():
        tag, text = _tag(node), (node.text or "").strip()
        if tag in {"allowed-ssl-tls-version", "ssl-version", "allowed-tls-version", "inbound-ssl-version"} and text:
            good = ("1.3" in text or "1.2" in text) and not re.search(r"1\.[01]\b|1_[01]\b|ssl", text.lower())
            table.written("tls-min", "1.2" if good else text[:40], document.spot(tag, text))
        elif tag in {"idle-timeout", "session-idle-timeout"} and text.isdigit():
            table.written("idle-timeout", text, document.spot(tag, text))
        elif tag in {"allow-admin-on-external-port", "enable-administrators-on-external-port", "admin-external-port"} and text:
            value = "on" if text.lower() in {"true", "enabled", "yes", "1"} else "off"
            table.written("admin-external", value, document.spot(tag, text))
    kept: dict[str, Setting] = {}
    for setting in table.settings:
        worse = setting.name == "idle-timeout" and setting.name in kept and int(setting.value[:9]) < int(kept[setting.name].value[:9])
        if not worse:
            kept[setting.name] = setting
    return GatewaySettings(
        host=host, as_of=document.as_of, where=(document.spot("configuration"),), service="vpn", product="ivanti", version=version,
        values=tuple(kept.values()),
    )  # fmt: skip


FORMAT = Format(
    name="ivanti",
    title="Ivanti Connect Secure XML export",
    recognise=_recognise,
    read=_read,
    collect="Maintenance > Import/Export > Export XML: sign-in, authentication servers, user and administrator realms, security, logs",
    references=("Ivanti Connect Secure Administration Guide",),
)
