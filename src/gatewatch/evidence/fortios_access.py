"""FortiOS: the doors — each group or user of the SSL VPN, each dial-up tunnel, each administrator — and what holds users back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gatewatch.evidence.address import parse_span
from gatewatch.evidence.fortios_filter import Objects
from gatewatch.evidence.fortios_tree import Node, Tree
from gatewatch.schema.facts.access import AccessPath, Factor, FactorKind, Way
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.gateway import VpnGroup

_SERVERS = ("radius", "ldap", "tacacs+", "saml")
_TOKENS = {"fortitoken", "fortitoken-cloud", "sms", "email", "fortitoken-mobile"}
_MOST = 400  # users of a group told one by one


def _asked(domain: Node, kind: str, name: str) -> Factor:
    """Return the factor of who is asked: a server by its name, with its addresses."""
    node = domain.table(f"user {kind}").entries.get(name)
    keys = ("server", "secondary-server", "tertiary-server")
    servers = tuple(one for key in keys if (one := node.get(key))) if node is not None else ()
    return Factor(FactorKind.DELEGATED, f"{kind or 'server'} {name}", name or kind, servers=servers)


def _kind(domain: Node, name: str) -> str:
    """Return which kind of server is called *name*; empty where none is."""
    return next((one for one in _SERVERS if name in domain.table(f"user {one}").entries), "")


def _user(domain: Node, name: str) -> tuple[tuple[Factor, ...], Node] | None:
    node = domain.table("user local").entries.get(name)
    if node is None or node.get("status", "enable") == "disable":
        return None
    kind = node.get("type", "password")
    server = node.get(f"{kind}-server") or node.get("tacacs+-server")
    first = Factor(FactorKind.KNOWLEDGE, "password") if kind == "password" else _asked(domain, kind, server)
    second = node.get("two-factor", "disable")
    more = (Factor(FactorKind.POSSESSION, second),) if second in _TOKENS else ()
    return (first, *more), node


def member_ways(tree: Tree, domain: Node, group: str, extra: tuple[Factor, ...], label: str, seen: int = 0) -> Iterator[Way]:
    """Yield a way for each member of a group: its users, and the servers whose users all belong to it."""
    node = domain.table("user group").entries.get(group)
    if node is None:
        yield Way((), f"{label}{group}", (), f"the group {group} is not in the evidence")
        return
    for member in node.many("member")[:_MOST]:
        place = tree.document.where(node.line_of("member"))
        found = _user(domain, member)
        if found is not None:
            factors, user = found
            yield Way((*extra, *factors), f"{label}user {member} of {group}", (tree.document.where(user.line), place), tree.cut)
        elif member in domain.table("user local").entries:
            continue  # switched off
        elif member in domain.table("user peer").entries:
            peer = domain.table("user peer").entries[member]
            factors = (Factor(FactorKind.DEVICE, "certificate"),)
            if peer.get("two-factor") == "enable":
                factors = (*factors, Factor(FactorKind.KNOWLEDGE, "password"))
            yield Way((*extra, *factors), f"{label}certificate {member} of {group}", (tree.document.where(peer.line), place), tree.cut)
        else:
            kind = _kind(domain, member)
            server = _asked(domain, kind, member)
            doubt = tree.cut or ("" if kind else f"{member} is neither a user nor a server of the evidence")
            yield Way((*extra, server), f"{label}{kind or 'member'} {member} of {group}", (place,), doubt)
    if not node.many("member") and seen == 0:
        yield Way((), f"{label}{group}", (tree.document.where(node.line),), f"the group {group} has no member in the evidence")


def doors(tree: Tree, name: str, domain: Node, host: str) -> Iterator[AccessPath]:
    """Yield the doors of users in a virtual domain."""
    forced = domain.table("vpn ssl settings").get("force-two-factor-auth", "disable") == "enable"
    for path in _ssl(tree, name, domain, host):
        left = _forced(path.ways) if forced else path.ways
        yield replace(path, ways=left, enabled=bool(left) or not path.ways or not forced)
    yield from _dial(tree, name, domain, host)


def _ssl(tree: Tree, name: str, domain: Node, host: str) -> Iterator[AccessPath]:
    ssl = domain.table("vpn ssl settings")
    faces = ssl.many("source-interface")
    if not faces or ssl.get("status", "enable") != "enable":
        return
    port = ssl.get("port", "443")
    listeners = tuple((face, int(port[:6]) if port.isdigit() else 443, "tcp") for face in faces)
    wanted = ssl.get("reqclientcert", "disable") == "enable"
    named: dict[str, None] = {}
    single: dict[str, None] = {}
    rules = list(ssl.table("authentication-rule").entries.values())
    for rule in rules:
        certificate = wanted or rule.get("client-cert", "disable") == "enable"
        extra = (Factor(FactorKind.DEVICE, "certificate"),) if certificate else ()
        label = "certificate, then " if certificate else ""
        for group in rule.many("groups"):
            named[group] = None
            ways = tuple(member_ways(tree, domain, group, extra, label))
            yield _path(tree, host, f"{name} ssl {group}".strip(), ways, tree.document.where(rule.line), listeners, group)
        for user in rule.many("users"):
            single[user] = None
            yield from _single(tree, domain, user, extra, label, (host, f"{name} ssl user {user}".strip()), tree.document.where(rule.line), listeners)
    # groups and users that policies let in, without a rule of their own, come by the default portal
    for policy in domain.table("firewall policy").entries.values():
        if not any(face.startswith("ssl.") for face in policy.many("srcintf")) or policy.get("status") == "disable":
            continue
        extra = (Factor(FactorKind.DEVICE, "certificate"),) if wanted else ()
        for group in policy.many("groups"):
            if group not in named:
                named[group] = None
                ways = tuple(member_ways(tree, domain, group, extra, "certificate, then " if wanted else ""))
                yield _path(tree, host, f"{name} ssl {group} (default portal)".strip(), ways, tree.document.where(policy.line), listeners, group)
        for user in policy.many("users"):
            if user not in single:
                single[user] = None
                label, whose = "certificate, then " if wanted else "", (host, f"{name} ssl user {user} (default portal)".strip())
                yield from _single(tree, domain, user, extra, label, whose, tree.document.where(policy.line), listeners)
    if not named and not single and not rules:
        yield _path(tree, host, f"{name} ssl".strip(), (), tree.document.where(ssl.line), listeners, "")


def _single(
    tree: Tree, domain: Node, user: str, extra: tuple[Factor, ...], label: str, named: tuple[str, str], place: Where,
    listeners: tuple[tuple[str, int, str], ...],
) -> Iterator[AccessPath]:  # fmt: skip
    """Yield the door of one user that a rule or policy names; one who is switched off has none."""
    host, name = named
    found = _user(domain, user)
    if found is None and user in domain.table("user local").entries:
        return
    where = tree.document.where(found[1].line) if found is not None else place
    doubt = tree.cut or ("" if found is not None else f"{user} is no user of the evidence")
    way = Way((*extra, *(found[0] if found is not None else ())), f"{label}user {user}", (where,), doubt)
    yield _path(tree, host, name, (way,), where, listeners, user)


def _path(
    tree: Tree, host: str, name: str, ways: tuple[Way, ...], place: Where, listeners: tuple[tuple[str, int, str], ...], users: str
) -> AccessPath:
    return AccessPath(
        host=host, as_of=tree.document.as_of, where=(place,), service="vpn", product="fortios", name=name, ways=ways, users=users, listeners=listeners
    )


def _forced(ways: tuple[Way, ...]) -> tuple[Way, ...]:
    """Return the ways that ``force-two-factor-auth`` leaves: users with a certificate and a password."""
    return tuple(way for way in ways if len(way.factors) > 1 and way.factors[0].kind is FactorKind.DEVICE)


def _dial(tree: Tree, name: str, domain: Node, host: str) -> Iterator[AccessPath]:
    for table in ("vpn ipsec phase1-interface", "vpn ipsec phase1"):
        for node in domain.table(table).entries.values():
            if node.get("type", "static") != "dynamic":
                continue
            place = tree.document.where(node.line)
            method = node.get("authmethod", "psk")
            base = Factor(FactorKind.DEVICE, "certificate") if method == "signature" else Factor(FactorKind.KNOWLEDGE, "shared key")
            label = f"{base.method}, then "
            group = node.get("authusrgrp")
            asks_xauth = node.get("ike-version", "1") == "1" and node.get("xauthtype", "disable") not in {"disable", "client"}
            asks_eap = node.get("ike-version", "1") == "2" and node.get("eap", "disable") == "enable"
            if (asks_xauth or asks_eap) and group:
                # by EAP the shared key is of the gateway alone; it proves nothing of the user
                extra = () if asks_eap else (base,)
                ways = tuple(member_ways(tree, domain, group, extra, "EAP " if asks_eap else label))
            elif asks_xauth or asks_eap:
                found = [one for one in domain.table("firewall policy").entries.values() if node.name in one.many("srcintf")]
                listed = list(dict.fromkeys(group for one in found for group in one.many("groups")))
                extra = () if asks_eap else (base,)
                ways = tuple(way for one in listed for way in member_ways(tree, domain, one, extra, "EAP " if asks_eap else label))
            else:
                ways = (Way((base,), base.method, (place,), tree.cut),)
            face = node.get("interface")
            yield AccessPath(
                host=host, as_of=tree.document.as_of, where=(place,), service="vpn", product="fortios", name=f"{name} ipsec {node.name}".strip(),
                ways=ways, users=group, listeners=((face, 500, "udp"), (face, 4500, "udp")),
            )  # fmt: skip


def admin_doors(tree: Tree, shared: Node, host: str) -> Iterator[AccessPath]:
    """Yield a door for each administrator."""
    for node in shared.table("system admin").entries.values():
        remote = node.get("remote-auth") == "enable"
        group = node.get("remote-group")
        place = (tree.document.where(node.line),)
        second = node.get("two-factor", "disable")
        more = (Factor(FactorKind.POSSESSION, second),) if second in _TOKENS else ()
        ways: list[Way] = []
        if remote:
            for _, domain in [("", shared), *tree.domains()]:
                members = domain.table("user group").entries.get(group)
                listed = members.many("member") if members is not None else []
                ways += [Way((_asked(domain, _kind(domain, one), one), *more), f"{node.name} by {one}", place, tree.cut) for one in listed]
                if members is not None:
                    break
            if not ways:
                ways.append(Way((Factor(FactorKind.DELEGATED, group, group), *more), f"{node.name} by group {group}", place, tree.cut))
        if not remote or node.get("wildcard", "disable") != "enable":
            if node.get("peer-auth") == "enable":
                more = (*more, Factor(FactorKind.DEVICE, "certificate"))
            local = Way((Factor(FactorKind.KNOWLEDGE, "password"), *more), f"{node.name} by local password", place, tree.cut)
            if not remote or "password" in node.values:
                ways.append(local)
        yield AccessPath(
            host=host, as_of=tree.document.as_of, where=place, service="web", product="fortios", name=f"administrator {node.name}", ways=tuple(ways),
            admin=True, users=node.name,
        )  # fmt: skip


def _whole(policy: Node, domain: Node, tree: Tree) -> str:
    """Return what of a policy opens a whole network of an inner interface on every port; empty when nothing does."""
    if "ALL" not in [name.upper() for name in policy.many("service")]:
        return ""
    known = Objects((domain, tree.shared()))
    inner = [
        span for one in tree.shared().table("system interface").entries.values() if one.get("role") != "wan"
        if len(one.many("ip")) > 1 and (span := parse_span("/".join(one.many("ip")[:2]))) is not None and span[0] < span[1]
    ]  # fmt: skip
    for name in policy.many("dstaddr"):
        held = known.address(name) or ()
        if any(low <= first and last <= high for first, last in inner for low, high in held):
            return f"{name} ALL"
    return ""


def groups(tree: Tree, domain: Node, host: str) -> Iterator[VpnGroup]:
    """Yield what policies let users of the VPN reach."""
    tunnels = {
        node.name for table in ("vpn ipsec phase1-interface",) for node in domain.table(table).entries.values() if node.get("type") == "dynamic"
    }  # fmt: skip
    for policy in domain.table("firewall policy").entries.values():
        faces = policy.many("srcintf")
        from_vpn = [face for face in faces if face.startswith("ssl.") or face in tunnels]
        if not from_vpn or policy.get("status") == "disable" or policy.get("action", "deny") != "accept":
            continue
        place = tree.document.where(policy.line)
        wide = "all" in [name.lower() for name in policy.many("dstaddr")] and "ALL" in [name.upper() for name in policy.many("service")]
        whole = _whole(policy, domain, tree)
        who = ", ".join(policy.many("groups") or policy.many("users") or from_vpn)
        yield VpnGroup(
            host=host, as_of=tree.document.as_of, where=(place,), product="fortios", name=f"{who} (policy {policy.name})",
            limit="" if wide else f"policy {policy.name}: {', '.join(policy.many('dstaddr')[:4])} {', '.join(policy.many('service')[:4])}",
            wide=whole, uncertain=tree.cut,
        )  # fmt: skip
