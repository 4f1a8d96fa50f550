"""FortiOS: a backup or ``show full-configuration``, with SSL and IPsec VPN, users, administration, policies and logging.

::

    #config-version=FGT60F-7.2.5-FW-build1517-230606:opmode=0:vdom=0:user=admin
    config vpn ssl settings
        set source-interface "wan1"
    end

Reference: FortiOS CLI Reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatewatch.evidence.address import parse_span, spans
from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import LIKELY, SURE, Format, Outcome, Rejected
from gatewatch.evidence.fortios_access import admin_doors, doors, groups
from gatewatch.evidence.fortios_filter import PLANES, interfaces, packet_filter
from gatewatch.evidence.fortios_tree import Node, Tree, parse
from gatewatch.evidence.gateway_setting import SettingTable, sockets, version_doubt
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.filter import Span, Spans
from gatewatch.schema.facts.gateway import GatewaySettings, Management
from gatewatch.schema.facts.machine import LogTarget, Machine, System

_VERSION = re.compile(r"^#config-version=[\w-]{1,40}?-(\d{1,2}\.\d{1,2}(?:\.\d{1,3})?)-", re.MULTILINE)
_TABLES = ("config system global", "config system interface", "config firewall policy", "config vpn ssl settings", "config system admin")


def _recognise(document: Document) -> int:
    if document.head.startswith("#config-version=F"):
        return SURE
    if "config " not in document.head:
        return 0
    text = document.text[:2_000_000]
    return LIKELY + 10 if any(f"{table}\n" in text for table in _TABLES) and ("\nend" in text or "    next\n" in text) else 0


def _read(documents: list[Document], _bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        tree = parse(document)
        if not tree.top.tables:
            yield Rejected(document, "holds no table of FortiOS")
            continue
        if not tree.cut and not any(domain.tables.get("firewall policy") for _, domain in tree.domains()):
            tree.cut = "holds no firewall policies; it may be a part of the configuration"
        yield from _facts(tree)


def _facts(tree: Tree) -> Iterator[Outcome]:
    document, shared = tree.document, tree.shared()
    found = _VERSION.search(document.head)
    version = found.group(1) if found else ""
    host = (shared.table("system global").get("hostname") or document.stem).casefold()
    place = (document.where(1),)
    yield Machine(
        host=host, as_of=document.as_of, where=place, system=System.NETWORK, product="FortiOS", version=version, complete=not tree.cut,
        addresses=tuple(one.get("ip") for one in shared.table("system interface").entries.values() if one.get("ip") not in {"", "0.0.0.0"}),  # noqa: S104
    )  # fmt: skip
    doubt = tree.cut or version_doubt("FortiOS", version, ("6.4", "7."))
    planes: list[Management] = []
    for _, domain in tree.domains():
        planes += [one for one in _management(tree, shared, domain, host, doubt) if one.where not in [other.where for other in planes]]
        if shared is not tree.top:
            break
    yield from planes
    for name, domain in tree.domains():
        yield packet_filter(tree, name, domain, host, planes, interfaces(shared, domain, name))
        yield _settings(tree, name, shared, domain, host, version, doubt)
        for path in doors(tree, name, domain, host):
            yield path
            yield from sockets(path)
        yield from groups(tree, domain, host)
    yield from admin_doors(tree, shared, host)
    yield from _logging(tree, shared, host)


def _external(shared: Node, tree: Tree, face: str) -> bool | None:
    node = shared.table("system interface").entries.get(face)
    role = node.get("role") if node is not None else ""
    if role == "wan":
        return True
    if role in {"lan", "dmz"}:
        return False
    for _, domain in tree.domains():
        for route in domain.table("router static").entries.values():
            if route.get("device") == face and (not route.many("dst") or route.many("dst")[0] == "0.0.0.0"):  # noqa: S104
                return True
    if node is not None and node.get("mode") in {"dhcp", "pppoe"} and node.get("defaultgw", "enable") == "enable":
        return True  # it learns the default route there
    return True if face.lower().startswith("wan") else None


def _hosts(admin: Node) -> list[Span]:
    """Return the networks an administrator may come from; empty where that is anywhere."""
    made = []
    for at in range(1, 11):
        words = admin.many(f"trusthost{at}")
        span = parse_span("/".join(words[:2])) if words and words[0] != "0.0.0.0" else None  # noqa: S104 - that is none
        if span is not None:
            made.append(span)
    return made


def _trusted(shared: Node) -> Spans | None:
    """Return the addresses administrators may come from; None when one of them may come from anywhere."""
    made: list[Span] = []
    for node in shared.table("system admin").entries.values():
        listed = _hosts(node)
        if not listed:
            return None
        made += listed
    return spans(made) if made else None


def _management(tree: Tree, shared: Node, domain: Node, host: str, doubt: str) -> Iterator[Management]:
    trusted = _trusted(shared)
    system = shared.table("system global")
    guarded = domain.table("firewall local-in-policy").entries
    for face, node in shared.table("system interface").entries.items():
        allowed = [word for word in node.many("allowaccess") if word in PLANES]
        external = _external(shared, tree, face)
        if node.get("status") == "down":
            continue
        place = (tree.document.where(node.line_of("allowaccess")),)
        for plane in allowed:
            port = {"https": system.get("admin-sport"), "http": system.get("admin-port"), "ssh": system.get("admin-ssh-port")}.get(plane, "")
            judged = any(one.get("intf") in {face, "any"} and one.get("action", "deny") == "deny" for one in guarded.values())
            yield Management(
                host=host, as_of=tree.document.as_of, where=place, product="fortios", interface=face, protocol=plane,
                port=int(port[:6]) if port.isdigit() else PLANES[plane], sources=None if plane in {"snmp", "fgfm"} else trusted, external=external,
                text="allowaccess " + " ".join(node.many("allowaccess")),
                uncertain="a local-in policy refuses some of it" if judged else tree.cut,
            )  # fmt: skip
        if external and not allowed:
            yield Management(
                host=host, as_of=tree.document.as_of, where=place, product="fortios", interface=face, protocol="", port=0, external=True,
                uncertain=tree.cut or (doubt if "allowaccess" not in node.values else ""),
            )  # fmt: skip


def _settings(tree: Tree, name: str, shared: Node, domain: Node, host: str, version: str, doubt: str) -> GatewaySettings:
    table = SettingTable(f"FortiOS {version}", doubt)
    ssl = domain.table("vpn ssl settings")
    faces = ssl.many("source-interface")
    on = bool(faces) and ssl.get("status", "enable") == "enable"

    def where(node: Node, key: str) -> Where | None:
        return tree.document.where(node.line_of(key)) if node.line_of(key) else None

    if on:
        table.written("sslvpn", "on", where(ssl, "source-interface"), "has an interface to listen on")
        for key, default in (
            ("ssl-min-proto-ver", "tls1-2"), ("login-attempt-limit", "2"), ("reqclientcert", "disable"), ("idle-timeout", "300"),
            ("source-address", "all"),
        ):
            table.either(key, " ".join(ssl.many(key)) or None, where(ssl, key), default)
        portals = domain.table("vpn ssl web portal").entries.values()
        used = {rule.get("portal") for rule in ssl.table("authentication-rule").entries.values()} | {ssl.get("default-portal")}
        web = next((one for one in portals if one.name in used and one.get("web-mode", "disable") == "enable"), None)
        table.either("web-mode", "enable" if web else None, where(web, "web-mode") if web else None, "disable")
    elif tree.cut or version_doubt("FortiOS", version, ("6.4", "7.")):
        table.default("sslvpn", "off")
    else:
        table.written("sslvpn", "off", where(ssl, "status"), "has no interface to listen on, or is off")
        table.written("web-mode", "disable", None, "SSL VPN is off")
    system = shared.table("system global")
    for key, default in (("admin-lockout-threshold", "3"), ("admintimeout", "5"), ("strong-crypto", "enable")):
        table.either(key, system.get(key) or None, where(system, key), default)
    lax = next((one for one in shared.table("system admin").entries.values() if not _hosts(one)), None)
    if lax is not None:
        table.written("trusthost", f"none for {lax.name}", tree.document.where(lax.line), "the most lax of all administrators", tree.cut)
    elif shared.table("system admin").entries:
        table.written("trusthost", "all", tree.document.where(shared.table("system admin").line), "every administrator has one")
    events = domain.table("log eventfilter") if domain.tables.get("log eventfilter") else shared.table("log eventfilter")
    table.either(
        "silenced", "vpn events" if events.get("vpn", "enable") == "disable" or events.get("event", "enable") == "disable" else None,
        where(events, "vpn"), "none",
    )  # fmt: skip
    if not any(name.startswith("log ") for node in (shared, domain) for name in node.tables):
        table.default("logging", "off", "the configuration holds no log settings; bring show full-configuration")
    place = tree.document.where(ssl.line or 1)
    return GatewaySettings(
        host=host, as_of=tree.document.as_of, where=(place,), service="vpn", product="fortios", scope=name, version=version,
        values=tuple(table.settings),
    )  # fmt: skip


def _logging(tree: Tree, shared: Node, host: str) -> Iterator[LogTarget]:
    nodes = [shared, *(domain for _, domain in tree.domains())]
    told: set[tuple[str, str]] = set()
    for node in nodes:
        for number in ("", "2", "3", "4"):
            for kind in ("syslogd", "fortianalyzer"):
                one = node.table(f"log {kind}{number} setting")
                target = one.get("server")
                if one.get("status", "disable") != "enable" or not target or (kind, target) in told:
                    continue
                told.add((kind, target))
                level = node.table(f"log {kind}{number} filter").get("severity", "information")
                secure = one.get("enc-algorithm", "high" if kind == "fortianalyzer" else "disable") not in {"disable", "low"}
                yield LogTarget(
                    host=host, as_of=tree.document.as_of, where=(_place(tree, one),), service="vpn", target=target, remote=True, encrypted=secure,
                    kinds=("auth", "session", "deny", "config") if level in {"information", "notification", "debug"} else (),
                )  # fmt: skip


def _place(tree: Tree, node: Node) -> Where:
    return tree.document.where(node.line_of("server"))


FORMAT = Format(
    name="fortios",
    title="FortiOS configuration",
    recognise=_recognise,
    read=_read,
    collect="show full-configuration (or the backup from System > Configuration, passwords masked)",
    references=("FortiOS CLI Reference",),
)
