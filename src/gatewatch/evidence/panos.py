"""PAN-OS: the running configuration as XML, with GlobalProtect, administration, rules and logging.

::

    <config version="10.2.0"><devices><entry name="localhost.localdomain">…</entry></devices></config>

An XML document has no lines to name; findings give the path of the element. Reference: PAN-OS Administrator's Guide.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from gatewatch.evidence.address import parse_span, spans
from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Ignored, Outcome, Rejected
from gatewatch.evidence.gateway_setting import SettingTable, sockets, version_doubt
from gatewatch.evidence.panos_access import admin_doors, doors
from gatewatch.evidence.panos_filter import external_interfaces, faces, packet_filter, rules_of, zones
from gatewatch.evidence.panos_tree import Config, Objects, config, entries, members, text
from gatewatch.schema.facts.filter import Spans
from gatewatch.schema.facts.gateway import GatewaySettings, Management, VpnGroup
from gatewatch.schema.facts.machine import LogTarget, Machine, System

_KNOWN = ("9.", "10.", "11.", "12.")
_PLANES = {"https": 443, "http": 80, "ssh": 22, "telnet": 23, "snmp": 161}
_OUTER = frozenset({"untrust", "outside", "internet", "wan", "l3-untrust", "external"})
_TLS = ("tls1-0", "tls1-1", "tls1-2", "tls1-3")


def _recognise(document: Document) -> int:
    head = document.head
    if "<config" not in head:
        return 0
    return SURE if "<mgt-config" in head or "urldb=" in head or "<deviceconfig" in document.text[:400_000] else 0


def _read(documents: list[Document], _bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        found = config(document)
        if found is None:
            yield Rejected(document, document.fault or "holds no config element")
        elif found.device is None:
            yield Ignored(document, "holds no device")
        else:
            yield from _facts(found, found.device)


def _facts(found: Config, device: Element) -> Iterator[Outcome]:
    document = found.document
    system = device.find("deviceconfig/system")
    version = found.root.get("detail-version") or found.root.get("version") or ""
    host = text(system, "hostname", document.stem).casefold()
    yield Machine(
        host=host, as_of=document.as_of, where=(found.spot("config/@version", version),), system=System.NETWORK, product="PAN-OS", version=version,
        complete=True,
    )  # fmt: skip
    doubt = version_doubt("PAN-OS", version, _KNOWN)
    planes = list(_management(found, device, host))
    yield from planes
    for name, virtual in found.systems():
        yield packet_filter(found, name, virtual, host, planes)
        for path in doors(found, virtual, host):
            yield path
            yield from sockets(path)
        yield from _groups(found, virtual, host)
        yield _settings(found, device, name, virtual, host, version, doubt)
    yield from admin_doors(found, host)
    yield from _logging(found, host)


def _permitted(node: Element | None) -> Spans | None:
    listed = [span for name in members(node, "permitted-ip") if (span := parse_span(name)) is not None]
    return spans(listed) if listed else None


def _outer(found: Config, device: Element) -> set[str]:
    """Return the interfaces that face the internet: by a default route, also a learned one, a public address or the usual names of their zone."""
    made = external_interfaces(found)
    for node in device.iter("entry"):
        inner = node.find("layer3")
        layer = inner if inner is not None else node
        client = layer.find("dhcp-client")
        learned = client is not None and text(client, "enable", "yes") == "yes" and text(client, "create-default-route", "yes") == "yes"
        if learned or layer.find("pppoe") is not None:
            made.add(node.get("name", ""))
    public = {face for face, listed in faces(found).items() for one in listed if (span := parse_span(one)) is not None and _routed(span[0])}
    named = {face for _, virtual in found.systems() for zone, names in zones(virtual).items() if zone.casefold() in _OUTER for face in names}
    return made | public | named


def _number(text_: str) -> int:
    return int(text_[:6]) if text_.isascii() and text_.isdigit() else 0


def _routed(address: int) -> bool:
    near = (*_PRIVATE, *(span for text_ in ("127.0.0.0/8", "169.254.0.0/16") if (span := parse_span(text_)) is not None))
    return address < 1 << 32 and not any(low <= address <= high for low, high in near)


def _management(found: Config, device: Element, host: str) -> Iterator[Management]:
    system = device.find("deviceconfig/system")
    own = text(system, "ip-address")
    span = parse_span(own) if own else None
    external = None if span is None else _routed(span[0])
    for plane, off in (("https", "disable-https"), ("ssh", "disable-ssh"), ("http", "disable-http"), ("telnet", "disable-telnet")):
        default = "no" if plane in {"https", "ssh"} else "yes"
        if text(system, f"service/{off}", default) == "no":
            yield Management(
                host=host, as_of=found.document.as_of, where=(found.spot("deviceconfig/system/permitted-ip", f"management {own}"),), product="panos",
                interface="management", protocol=plane, port=_PLANES[plane], sources=_permitted(system), external=external,
                text=", ".join(members(system, "permitted-ip")),
            )  # fmt: skip
    profiles = {one.get("name", ""): one for one in entries(device, "network/profiles/interface-management-profile")}
    outer = _outer(found, device)
    zone_of = {face: zone for _, virtual in found.systems() for zone, names in zones(virtual).items() for face in names}
    for node in device.iter("entry"):
        layer = node.find("layer3") if node.find("layer3") is not None else node
        name = text(layer, "interface-management-profile")
        face = node.get("name", "")
        if face not in zone_of:
            continue
        faced = face in outer if outer else None
        profile = profiles.get(name)
        place = (found.spot(f"interface[@name={face!r}]/interface-management-profile", name),)
        opened = [plane for plane in _PLANES if profile is not None and text(profile, plane) == "yes"]
        for plane in opened:
            yield Management(
                host=host, as_of=found.document.as_of, where=place, product="panos", interface=face, protocol=plane, port=_PLANES[plane],
                sources=_permitted(profile), external=faced, text=", ".join(members(profile, "permitted-ip")),
            )  # fmt: skip
        if faced and not opened:
            yield Management(
                host=host, as_of=found.document.as_of, where=place, product="panos", interface=face, protocol="", port=0, external=True,
                uncertain=f"the profile {name} is not in the evidence" if name and profile is None else "",
            )  # fmt: skip


_PRIVATE = tuple(found for text_ in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10") if (found := parse_span(text_)) is not None)


def _settings(
    found: Config, device: Element, name: str, virtual: Element, host: str, version: str, doubt: str
) -> GatewaySettings:  # fmt: skip
    table = SettingTable(f"PAN-OS {version}", doubt)
    known = Objects(found.scopes(virtual))
    outer = _outer(found, device)
    facing = [zone for zone, names in zones(virtual).items() if outer & set(names)]
    if facing:
        table.written("outer", ",".join(facing), found.spot("zone"), "zones of the interfaces that face the internet")
    system = device.find("deviceconfig/system")
    allowed = members(system, "permitted-ip")
    place = found.spot("deviceconfig/system/permitted-ip")
    table.either("permitted-ip", ", ".join(allowed) or None, place if allowed else None, "none")
    nodes = [*entries(virtual, "global-protect/global-protect-portal"), *entries(virtual, "global-protect/global-protect-gateway")]
    if nodes:
        table.written("globalprotect", "on", found.spot("global-protect"), "a portal or gateway is configured")
        worst: tuple[int, str] | None = None
        missing, certificate = "", True
        for one in nodes:
            base = one.find("portal-config") if one.find("portal-config") is not None else one
            profile_name = text(base, "ssl-tls-service-profile")
            profile = known.entry("ssl-tls-service-profile", profile_name)
            least = text(profile, "protocol-settings/min-version", "tls1-0")
            missing = missing or (f"the profile {profile_name} is not in the evidence" if profile is None else "")
            rank = _TLS.index(least) if least in _TLS else 0
            if worst is None or rank < worst[0]:
                worst = (rank, least)
            strict = all(text(auth, "user-credential-or-client-cert-required", "no") == "no" for auth in entries(base, "client-auth"))
            certificate = certificate and bool(text(base, "certificate-profile")) and strict
        pointer = "ssl-tls-service-profile"
        table.written("tls-min", worst[1] if worst else "", found.spot(pointer), "the worst of all portals and gateways", missing)
        table.written("certificate-and-login", "yes" if certificate else "no", found.spot("global-protect"), "portals and gateways with both")
    else:
        table.written("globalprotect", "off", None, "no portal and no gateway")
    used = {text(auth, "authentication-profile") for one in nodes for auth in one.iter("entry")} - {""}
    profiles = [one for scope in known.scopes for one in entries(scope, "authentication-profile") if one.get("name") in used]
    numbers = sorted((_number(text(one, "lockout/failed-attempts", "0")), one.get("name", "")) for one in profiles)
    lax = numbers[0] if numbers and numbers[0][0] == 0 else numbers[-1] if numbers else None
    if lax is not None:
        place = found.spot(f"authentication-profile/entry[@name={lax[1]!r}]/lockout")
        table.written("failed-attempts", str(lax[0]), place, "the laxest profile in use")
    elif nodes:
        table.default("failed-attempts", "0")
    else:
        lock = text(device, "deviceconfig/setting/management/admin-lockout/failed-attempts")
        table.either("failed-attempts", lock or None, found.spot("admin-lockout/failed-attempts") if lock else None, "0")
    return GatewaySettings(
        host=host, as_of=found.document.as_of, where=(found.spot(f"vsys/entry[@name={name!r}]"),), service="vpn", product="panos",
        scope=name if len(list(found.systems())) > 1 else "", version=version, values=tuple(table.settings),
    )  # fmt: skip


def _groups(found: Config, virtual: Element, host: str) -> Iterator[VpnGroup]:
    zone_of = {face: zone for zone, names in zones(virtual).items() for face in names}
    pools = {
        zone_of[face] for one in entries(virtual, "global-protect/global-protect-gateway")
        if (face := text(one, "remote-user-tunnel")) in zone_of
    }  # fmt: skip
    for pointer, rule in rules_of(found, virtual, "security"):
        sources = members(rule, "from")
        if text(rule, "disabled") == "yes" or text(rule, "action") != "allow" or not pools & set(sources):
            continue
        wide = all((members(rule, kind) or ["any"]) == ["any"] for kind in ("destination", "application"))
        limit = "" if wide else f"{', '.join(members(rule, 'destination')[:3])} {', '.join(members(rule, 'application')[:3])}"
        yield VpnGroup(
            host=host, as_of=found.document.as_of, where=(found.spot(pointer),), product="panos", limit=limit,
            name=f"zone {', '.join(sources)} (rule {rule.get('name', '')})",
        )  # fmt: skip


def _logging(found: Config, host: str) -> Iterator[LogTarget]:
    shared = found.root.find("shared")
    servers = {one.get("name", ""): entries(one, "server") for one in entries(shared, "log-settings/syslog")}
    kinds: dict[str, dict[str, None]] = {}
    for log, what in (("globalprotect", ("auth", "session")), ("system", ("auth", "config")), ("config", ("config",))):
        for one in entries(shared, f"log-settings/{log}/match-list"):
            for profile in members(one, "send-syslog"):
                kinds.setdefault(profile, {}).update(dict.fromkeys(what))
    for profile, listed in kinds.items():
        for server in servers.get(profile, []):
            yield LogTarget(
                host=host, as_of=found.document.as_of, where=(found.spot(f"log-settings/syslog/entry[@name={profile!r}]", profile),), service="vpn",
                target=text(server, "server"), remote=True, encrypted=text(server, "transport", "UDP").upper() == "SSL", kinds=tuple(listed),
            )  # fmt: skip


FORMAT = Format(
    name="panos",
    title="PAN-OS configuration as XML",
    recognise=_recognise,
    read=_read,
    collect="set cli config-output-format xml; show config running (or Device > Setup > Operations > Export named configuration snapshot)",
    references=("PAN-OS Administrator's Guide", "GlobalProtect Administrator's Guide"),
)
