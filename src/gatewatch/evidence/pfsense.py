"""pfSense and OPNsense: ``config.xml``, with rules, port forwards, the web interface, and OpenVPN and IPsec for users.

::

    <pfsense><system><hostname>edge</hostname></system><filter><rule><type>pass</type><interface>wan</interface>…

Reference: the products' documentation of backups; an XML document has no lines to name, so findings give the path of the element.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Outcome, Rejected
from gatewatch.evidence.gateway_setting import SettingTable, sockets
from gatewatch.evidence.panos_tree import text
from gatewatch.evidence.pfsense_filter import flag, network, packet_filter
from gatewatch.schema.facts.access import AccessPath, Factor, FactorKind, Way
from gatewatch.schema.facts.gateway import GatewaySettings
from gatewatch.schema.facts.machine import LogTarget, Machine, System

_NAMES = {"pfsense": "pfSense", "opnsense": "OPNsense"}
_PASSWORD = Factor(FactorKind.KNOWLEDGE, "password of a local user")
_CERTIFICATE = Factor(FactorKind.DEVICE, "certificate")


def _recognise(document: Document) -> int:
    return SURE if "<pfsense>" in document.head or "<opnsense>" in document.head else 0


def _read(documents: list[Document], _bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        root = document.xml()
        if root is None or root.tag not in _NAMES:
            yield Rejected(document, document.fault or "is no configuration of pfSense or OPNsense")
            continue
        yield from _facts(document, root, root.tag)


def _facts(document: Document, root: Element, product: str) -> Iterator[Outcome]:
    host = text(root, "system/hostname", document.stem).casefold()
    known = network(root)
    place = (document.spot("system"),)
    yield Machine(  # the version in the file is that of its own format, not of the product
        host=host, as_of=document.as_of, where=place, system=System.NETWORK, product=_NAMES[product], complete=True,
        addresses=tuple(own for one in root.findall("interfaces/*") if (own := text(one, "ipaddr"))[:1].isdigit()),
    )  # fmt: skip
    yield packet_filter(document, root, known, host, product)
    table = SettingTable(_NAMES[product])
    table.either("webgui-protocol", text(root, "system/webgui/protocol") or None, document.spot("system/webgui/protocol"), "https")
    secure = text(root, "system/webgui/protocol", "https") == "https"
    table.either("webgui-port", text(root, "system/webgui/port") or None, document.spot("system/webgui/port"), "443" if secure else "80")
    ssh = root.find("system/ssh")
    on = ssh is not None and (flag(ssh, "enable") or text(ssh, "enabled") == "enabled")
    table.written("ssh", "on" if on else "off", document.spot("system/ssh"), "as written" if ssh is not None else "not set")
    if on and ssh is not None:
        keys = text(ssh, "sshdkeyonly") in {"enabled", "both"} if product == "pfsense" else not flag(ssh, "passwordauth")
        table.written("ssh-keys-only", "yes" if keys else "no", document.spot("system/ssh"))
        table.either("ssh-port", text(ssh, "port") or None, document.spot("system/ssh/port"), "22")
    outer = ",".join(one.key for one in known.faces.values() if one.external)
    table.written("outer", outer, document.spot("interfaces"), "interfaces with a gateway")
    yield GatewaySettings(host=host, as_of=document.as_of, where=place, service="vpn", product=product, values=tuple(table.settings))
    for path in _doors(document, root, host, product):
        yield path
        yield from sockets(path)
    for name in ("remoteserver", "remoteserver2", "remoteserver3"):
        target = text(root, f"syslog/{name}")
        if target and (flag(root, "syslog/enable") or product == "opnsense"):
            whole = flag(root, "syslog/logall") or flag(root, "syslog/vpn")
            yield LogTarget(
                host=host, as_of=document.as_of, where=(document.spot(f"syslog/{name}", target),), service="vpn", target=target, remote=True,
                encrypted=False, kinds=("auth", "session", "deny") if whole else (),
            )  # fmt: skip


def _user_ways(root: Element, names: list[str]) -> list[tuple[tuple[Factor, ...], str]]:
    """Return what each authentication server asks for; each is a way of its own."""
    kinds = {text(one, "name"): text(one, "type") for one in root.findall("system/authserver")}
    hosts = {text(one, "name"): text(one, "host") for one in root.findall("system/authserver")}
    made: list[tuple[tuple[Factor, ...], str]] = []
    for name in names or ["Local Database"]:
        kind = kinds.get(name, "")
        if name == "Local Database":
            made.append(((_PASSWORD,), "local users"))
        elif kind == "totp":
            made.append(((_PASSWORD, Factor(FactorKind.POSSESSION, "one-time code")), f"{name} (local users with a one-time code)"))
        elif kind == "ldap-totp":
            made.append(((Factor(FactorKind.DELEGATED, name, name), Factor(FactorKind.POSSESSION, "one-time code")), f"{name} with a one-time code"))
        else:
            asked = Factor(FactorKind.DELEGATED, f"{kind or 'server'} {name}", name, servers=(hosts[name],) if hosts.get(name) else ())
            made.append(((asked,), f"{kind or 'server'} {name}"))
    return made


def _doors(document: Document, root: Element, host: str, product: str) -> Iterator[AccessPath]:
    for number, one in enumerate(root.findall("openvpn/openvpn-server"), 1):
        mode = text(one, "mode")
        if mode.startswith("p2p"):
            continue
        place = (document.spot(f"openvpn/openvpn-server[{number}]/mode", f"{mode} {text(one, 'authmode')}"),)
        users = _user_ways(root, [word.strip() for word in text(one, "authmode").split(",") if word.strip()])
        base = (_CERTIFICATE,) if mode in {"server_tls", "server_tls_user"} else ()
        if mode == "server_tls":
            ways = [Way(base, "certificate", place)]
        elif mode in {"server_user", "server_tls_user"}:
            label = "certificate, then " if base else ""
            ways = [Way((*base, *factors), f"{label}{name}", place) for factors, name in users]
        else:
            ways = [Way((), mode or "?", place, f"the mode {mode!r} is not one we know")]
        port = text(one, "local_port", "1194")
        yield _path(document, host, product, f"openvpn {text(one, 'description') or text(one, 'vpnid') or number}", ways, place[0].pointer,
                    not flag(one, "disable"), int(port[:5]) if port.isdigit() else 1194, text(one, "protocol", "UDP").lower()[:3])  # fmt: skip
    client = root.find("ipsec/client")
    names = [word.strip() for word in text(client, "user_source").split(",") if word.strip()]
    for number, one in enumerate(root.findall("ipsec/phase1"), 1):
        if one.find("mobile") is None:
            continue
        method = text(one, "authentication_method")
        place = (document.spot(f"ipsec/phase1[{number}]/authentication_method", method),)
        users = _user_ways(root, names)
        key = Factor(FactorKind.KNOWLEDGE, "shared key")
        table: dict[str, list[tuple[tuple[Factor, ...], str]]] = {
            "xauth_psk_server": [((key, *factors), f"shared key, then {name}") for factors, name in users],
            "xauth_rsa_server": [((_CERTIFICATE, *factors), f"certificate, then {name}") for factors, name in users],
            "hybrid_rsa_server": users,
            "eap-mschapv2": [((Factor(FactorKind.KNOWLEDGE, "eap-mschapv2"),), "eap-mschapv2")],
            "eap-radius": [((Factor(FactorKind.DELEGATED, f"eap-radius {name}", name),), f"eap-radius {name}") for name in names or ["eap-radius"]],
            "eap-tls": [((_CERTIFICATE,), "eap-tls")],
            "rsasig": [((_CERTIFICATE,), "certificate")], "cert": [((_CERTIFICATE,), "certificate")],
            "pre_shared_key": [((key,), "shared key")],
        }  # fmt: skip
        found = table.get(method)
        ways = [Way(factors, name, place) for factors, name in found or []] or [Way((), method or "?", place, f"{method!r} is not a method we know")]
        yield _path(document, host, product, f"ipsec {text(one, 'descr') or number}", ways, place[0].pointer, not flag(one, "disabled"), 500, "udp")
    mode = text(root, "system/webgui/authmode")
    place = (document.spot("system/webgui/authmode", mode),)
    ways = [Way(factors, name, place) for factors, name in _user_ways(root, [word.strip() for word in mode.split(",") if word.strip()])]
    yield AccessPath(
        host=host, as_of=document.as_of, where=place, service="web", product=product, name="web interface", ways=tuple(ways), admin=True
    )


def _path(
    document: Document, host: str, product: str, name: str, ways: list[Way], pointer: str, enabled: bool, port: int, protocol: str
) -> AccessPath:  # fmt: skip
    return AccessPath(
        host=host, as_of=document.as_of, where=(document.spot(pointer),), service="vpn", product=product, name=name, ways=tuple(ways),
        enabled=enabled, listeners=(("*", port, protocol),),
    )  # fmt: skip


FORMAT = Format(
    name="pfsense",
    title="pfSense and OPNsense config.xml",
    recognise=_recognise,
    read=_read,
    collect="Diagnostics > Backup & Restore (pfSense), System > Configuration > Backups (OPNsense): download the configuration as XML",
    references=("pfSense documentation: Backup and Recovery", "OPNsense documentation: Backups"),
)
