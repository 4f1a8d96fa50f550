"""NetScaler (Citrix ADC): ns.conf, with gateways, chains of authentication, administration and limits.

::

    #NS13.1 Build 49.15
    add vpn vserver GW SSL 203.0.113.20 443 -authnProfile AP
    bind authentication vserver AV -policy LDAP -priority 100 -nextFactor CODE

References: NetScaler command reference; nFactor authentication.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatewatch.evidence.address import parse_span
from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import LIKELY, SURE, Format, Outcome, Rejected
from gatewatch.evidence.gateway_setting import SettingTable, sockets, version_doubt
from gatewatch.evidence.netscaler_access import Book, book, doors
from gatewatch.evidence.netscaler_tree import Command, commands
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.gateway import GatewaySettings, Management, VpnGroup
from gatewatch.schema.facts.machine import LogTarget, Machine, System

_VERSION = re.compile(r"^#NS(\d{1,2}\.\d{1,2}) Build (\d{1,4}\.\d{1,4})", re.MULTILINE)
_PRIVATE = tuple(found for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10") if (found := parse_span(text)) is not None)


def _recognise(document: Document) -> int:
    if _VERSION.search(document.head):
        return SURE
    if document.at("ns.conf", "nsconfig/*"):
        return LIKELY + 10 if "set ns " in document.text[:200_000] or "add ns " in document.text[:200_000] else 0
    text = "\n" + document.text[:200_000]
    return LIKELY if "\nadd vpn vserver " in text or "\nadd authentication vserver " in text else 0


def _read(documents: list[Document], _bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        listed = list(commands(document))
        if not listed:
            yield Rejected(document, "holds no command")
            continue
        yield from _facts(document, book(document, listed))


def _facts(document: Document, found: Book) -> Iterator[Outcome]:
    match = _VERSION.search(document.head)
    version = f"{match.group(1)}-{match.group(2)}" if match else ""
    named = found.last("set", "ns hostname")
    host = (named.name if named is not None and named.name else document.stem).casefold()
    yield Machine(
        host=host, as_of=document.as_of, where=(document.where(1),), system=System.NETWORK, product="NetScaler", version=version,
        complete=not found.cut,
    )  # fmt: skip
    doubt = found.cut or version_doubt("NetScaler", version, ("12.", "13.", "14."))
    yield from _management(found, host)
    for path in doors(found, host):
        yield path
        yield from sockets(path)
    gateways = [one for (kind, _), one in found.servers.items() if kind == "vpn vserver"]
    yield _settings(found, host, version, doubt)
    for one in gateways:
        yield _gateway(found, host, one.name, version, doubt)
    if gateways:
        word, place = _authorization(found)
        yield VpnGroup(
            host=host, as_of=document.as_of, where=(place or found.where(gateways[0]),), product="netscaler", name="gateway users",
            limit="authorization policies (default DENY)" if word == "DENY" else "", uncertain="" if place is not None or not doubt else doubt,
        )  # fmt: skip
    for one in found.all:
        if one.verb == "add" and one.kind == "audit syslogaction" and len(one.words) > 1:
            level = one.option("logLevel", "ALL").upper()
            whole = level == "ALL" or "INFORMATIONAL" in level
            yield LogTarget(
                host=host, as_of=document.as_of, where=(found.where(one),), service="vpn", target=one.words[1], remote=True,
                encrypted=one.option("transport", "UDP").upper() == "TLS", kinds=("auth", "session", "deny") if whole else (),
            )  # fmt: skip


def _authorization(found: Book) -> tuple[str, Where | None]:
    """Return the default authorization in force at worst, and where it is said."""
    places = [
        one for one in found.all
        if one.option("defaultAuthorizationAction") and one.kind in {"vpn parameter", "vpn sessionaction"} and one.verb in {"set", "add"}
    ]  # fmt: skip
    lax = next((one for one in places if one.option("defaultAuthorizationAction").upper() == "ALLOW"), None)
    if lax is not None:
        return "ALLOW", found.where(lax)
    return "DENY", found.where(places[-1]) if places else None


def _own(found: Book) -> Command | None:
    """Return the line with the device's own address; other lines ``set ns config`` follow it in many files."""
    return next((one for one in reversed(found.all) if one.verb == "set" and one.kind == "ns config" and one.option("IPAddress")), None)


def _settings(found: Book, host: str, version: str, doubt: str) -> GatewaySettings:
    table = SettingTable(f"NetScaler {version}", doubt)
    tries = next((one for one in reversed(found.all) if one.verb == "set" and one.kind == "aaa parameter" and one.option("maxLoginAttempts")), None)
    gateways = [name for (kind, name) in found.servers if kind == "vpn vserver"]
    if tries is not None:
        table.written("maxloginattempts", tries.option("maxLoginAttempts"), found.where(tries))
    elif not gateways or not all(_tries(found, name) for name in gateways):
        table.default("maxloginattempts", "0")
    word, place = _authorization(found)
    table.either("default-authorization", word if place is not None else None, place, "DENY")
    own = _own(found)
    address = own.option("IPAddress") if own is not None else ""
    lines = [one for one in found.all if one.kind == "ns ip" and one.verb in {"set", "add"} and (not address or one.name == address)]
    for name, default in (("gui", "ENABLED"), ("telnet", "ENABLED"), ("ftp", "ENABLED")):
        line = next((one for one in reversed(lines) if one.option(name)), None)
        table.either(name, line.option(name).upper() if line is not None else None, found.where(line) if line is not None else None, default)
    return GatewaySettings(
        host=host, as_of=found.document.as_of, where=(found.document.where(1),), service="citrix", product="netscaler", version=version,
        values=tuple(table.settings),
    )  # fmt: skip


def _tries(found: Book, name: str) -> Command | None:
    """Return the line by which a gateway limits failed logins itself."""
    lines = (one for one in reversed(found.all) if one.kind == "vpn vserver" and one.verb in {"add", "set"} and one.name == name)
    return next((one for one in lines if one.option("maxLoginAttempts")), None)


def _gateway(found: Book, host: str, name: str, version: str, doubt: str) -> GatewaySettings:
    table = SettingTable(f"NetScaler {version}", doubt)
    tries = _tries(found, name)
    if tries is not None:
        table.written("maxloginattempts", tries.option("maxLoginAttempts"), found.where(tries))
    lines = [one for one in found.all if one.kind == "ssl vserver" and one.verb == "set" and one.name == name]
    profile = next((one.option("sslProfile") for one in reversed(lines) if one.option("sslProfile")), "")
    gap = ""
    switch = next((one for one in reversed(found.all) if one.kind == "ssl parameter" and one.option("defaultProfile")), None)
    if not profile and switch is not None and switch.option("defaultProfile").upper() == "ENABLED":  # what the server itself says is not used
        lines = [one for one in found.all if one.kind == "ssl profile" and one.name == "ns_default_ssl_profile_frontend"]
    if profile:
        lines = [one for one in found.all if one.kind == "ssl profile" and one.name == profile]
        gap = "" if lines else f"the profile {profile} is not in the evidence"
    old = {"ssl3": "DISABLED", "tls1": "ENABLED", "tls11": "ENABLED"}
    places: list[Where] = []
    for one in lines:
        for key in old:
            if one.option(key):
                old[key] = one.option(key).upper()
                places.append(found.where(one))
    spoken = [key for key, value in old.items() if value != "DISABLED"]
    if places:
        table.written("old-tls", ", ".join(spoken) or "none", places[0], "protocols before TLS 1.2 that are on", gap)
    else:
        table.default("old-tls", ", ".join(spoken), gap)
    return GatewaySettings(
        host=host, as_of=found.document.as_of, where=(found.where(found.servers["vpn vserver", name]),), service="citrix", product="netscaler",
        scope=name, version=version, values=tuple(table.settings),
    )  # fmt: skip


def _management(found: Book, host: str) -> Iterator[Management]:
    own = _own(found)
    address = own.option("IPAddress") if own is not None else ""
    guarded = any(one.kind in {"ns acl", "ns simpleacl"} and one.verb == "add" for one in found.all)
    listed = [one for one in found.all if one.kind == "ns ip" and one.verb in {"add", "set"} and one.name]
    names = dict.fromkeys([*([address] if address else []), *(one.name for one in listed)])
    for name in names:
        mine = [one for one in listed if one.name == name]
        merged = {key: text for one in mine for key, text in one.options.items()}
        span = parse_span(name)
        external = span is not None and not any(low <= span[0] <= high for low, high in _PRIVATE)
        place = (found.where(mine[0]) if mine else found.where(own) if own is not None else found.document.where(1),)
        managed = name == address or merged.get("mgmtaccess", "DISABLED").upper() == "ENABLED"
        if not managed:
            if external:
                yield Management(
                    host=host, as_of=found.document.as_of, where=place, product="netscaler", interface=name, protocol="", port=0, external=True
                )
            continue
        gui = merged.get("gui", "ENABLED").upper()
        planes = [("https", 443)] if gui != "DISABLED" else []
        planes += [("http", 80)] if gui == "ENABLED" else []
        for plane, port in (("ssh", 22), ("telnet", 23), ("snmp", 161)):
            if merged.get(plane, "ENABLED").upper() == "ENABLED":
                planes.append((plane, port))
        for plane, port in planes:
            yield Management(
                host=host, as_of=found.document.as_of, where=place, product="netscaler", interface=name, protocol=plane, port=port, external=external,
                text="NSIP" if name == address else "mgmtAccess ENABLED",
                uncertain="lists (add ns acl) may stand in front of it" if guarded else "",
            )  # fmt: skip


FORMAT = Format(
    name="netscaler",
    title="NetScaler ns.conf",
    recognise=_recognise,
    read=_read,
    collect="show ns runningConfig, or cp /nsconfig/ns.conf (hashes and keys may be masked)",
    references=("NetScaler command reference", "NetScaler nFactor authentication"),
)
