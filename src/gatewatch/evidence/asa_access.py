"""Cisco ASA and FTD: the doors — tunnel groups for remote access, also the two that are always there, and administration — and group policies.

The last resort ``LOCAL`` after a server group is a way of its own: who makes the servers unreachable, or waits for it, needs a password only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from gatewatch.evidence.asa_filter import entry, ports
from gatewatch.evidence.asa_tree import Command, Config, objects
from gatewatch.evidence.gateway_setting import SettingTable
from gatewatch.schema.facts.access import AccessPath, Factor, FactorKind, Way
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.filter import LINE, Action
from gatewatch.schema.facts.gateway import Management, VpnGroup

ALWAYS = ("DefaultWEBVPNGroup", "DefaultRAGroup")
DEFAULT_POLICY = "DfltGrpPolicy"


@dataclass(slots=True)
class Group:
    """A tunnel group put together from its parts."""

    name: str
    type: str = ""
    lines: dict[str, list[Command]] = field(default_factory=dict)
    first: Command | None = None

    def find(self, part: str, *words: str) -> Command | None:
        """Return the last line of a part that begins with *words*."""
        return next((one for one in reversed(self.lines.get(part, [])) if one.starts(*words)), None)


def tunnel_groups(config: Config) -> list[Group]:
    """Return the tunnel groups for remote access, the always present ones included when remote access is on at all."""
    made: dict[str, Group] = {name: Group(name, "remote-access") for name in ALWAYS}
    for one in config.all("tunnel-group"):
        if len(one.words) < 3:
            continue
        group = made.setdefault(one.words[1], Group(one.words[1]))
        group.first = group.first or one
        if one.words[2] == "type":
            group.type = one.words[3] if len(one.words) > 3 else ""
        else:
            group.lines.setdefault(one.words[2], []).extend(one.below)
    return [one for one in made.values() if one.type in {"remote-access", "webvpn", "ipsec-ra", ""} and one.name != "DefaultL2LGroup"]


def _server(config: Config, name: str) -> Factor:
    protocol = config.last("aaa-server", name, "protocol")
    kind = protocol.words[3] if protocol is not None and len(protocol.words) > 3 else ""
    if name.upper() == "LOCAL":
        return Factor(FactorKind.KNOWLEDGE, "password of a local user")
    if kind == "sdi":
        return Factor(FactorKind.POSSESSION, f"SecurID passcode ({name})", multi=True)
    hosts = [one.words[one.words.index("host") + 1 :][:1] for one in config.all("aaa-server", name) if "host" in one.words]
    return Factor(FactorKind.DELEGATED, f"{kind or 'aaa'} {name}", name, servers=tuple(dict.fromkeys(word for words in hosts for word in words)))


def _servers(config: Config, line: Command | None, default: str) -> list[tuple[Factor, str, Command | None]]:
    """Return what a line ``…-server-group [(interface)] NAME [LOCAL] …`` asks for, one entry for each way."""
    words = [word for word in line.words[1:] if not word.startswith("(")] if line is not None else [default]
    if not words or words[0].lower() == "none":
        return []
    made = [(_server(config, words[0]), words[0], line)]
    if "LOCAL" in words[1:]:
        made.append((_server(config, "LOCAL"), f"LOCAL when {words[0]} does not answer", line))
    return made


def doors(config: Config, host: str, product: str, planes: list[Management], gap: str) -> Iterator[AccessPath]:
    """Yield the doors of the device."""
    yield from _remote(config, host, product, gap)
    yield from _admin(config, host, product, planes, gap)


def _remote(config: Config, host: str, product: str, gap: str) -> Iterator[AccessPath]:
    listeners = _listeners(config)
    ike = [one for one in config.all("crypto") if len(one.words) > 3 and one.words[1] in {"ikev1", "ikev2", "isakmp"} and one.words[2] == "enable"]
    if not listeners and not ike:
        return
    for group in tunnel_groups(config):
        if group.name == "DefaultWEBVPNGroup" and not listeners:
            continue
        enabled = _usable(config, group)
        web = listeners and group.name != "DefaultRAGroup"  # which takes what comes by IKE
        ways = [*(_web_ways(config, group, gap) if web else ()), *_ike_ways(config, group, {one.words[1] for one in ike}, gap)]
        if group.name == "DefaultRAGroup" and not ways and not gap:
            continue
        place = config.where(group.first) if group.first is not None else _web_line(config) or config.where((ike or config.commands)[0])
        yield AccessPath(
            host=host, as_of=config.document.as_of, where=(place,), service="vpn", product=product, name=group.name, ways=tuple(ways),
            enabled=enabled, listeners=tuple(listeners), users="everybody" if group.name in ALWAYS else f"tunnel group {group.name}",
        )  # fmt: skip


def _listeners(config: Config) -> list[tuple[str, int, str]]:
    made = []
    for web in config.all("webvpn"):
        number = web.find("port")
        port = int(number.words[1][:6]) if number is not None and len(number.words) > 1 and number.words[1].isdigit() else 443
        made += [(line.words[1], port, "tcp") for line in web.below if line.starts("enable") and len(line.words) > 1]
    return made


def _web_line(config: Config) -> Where | None:
    return next((config.where(line) for web in config.all("webvpn") for line in web.below if line.starts("enable")), None)


def _policy(config: Config, name: str, *words: str) -> Command | None:
    """Return the line of a group policy, or the one it inherits."""
    for policy in (name, DEFAULT_POLICY):
        for one in config.all("group-policy", policy, "attributes"):
            if (line := one.find(*words)) is not None:
                return line
    return None


def _usable(config: Config, group: Group) -> bool:
    """Return whether anybody can hold a session of the group: a policy with no simultaneous login closes it."""
    chosen = group.find("general-attributes", "default-group-policy")
    name = chosen.words[1] if chosen is not None and len(chosen.words) > 1 else DEFAULT_POLICY
    logins = _policy(config, name, "vpn-simultaneous-logins")
    if logins is None or logins.words[-1] != "0":
        return True
    # a user's own policy, or one a server assigns, would open it again
    own = any(one.find("vpn-group-policy") is not None or one.find("vpn-simultaneous-logins") is not None for one in config.all("username"))
    servers = group.find("general-attributes", "authentication-server-group")
    assigned = servers is not None and servers.words[-1] != "LOCAL"
    return own or assigned


def _web_ways(config: Config, group: Group, gap: str) -> Iterator[Way]:
    line = group.find("webvpn-attributes", "authentication")
    asked = line.words[1:] if line is not None else ["aaa"]
    place = (config.where(line),) if line is not None else ()
    if "saml" in asked:
        idp = group.find("webvpn-attributes", "saml", "identity-provider")
        provider = idp.words[2] if idp is not None and len(idp.words) > 2 else "saml"
        certificate = (Factor(FactorKind.DEVICE, "certificate"),) if "certificate" in asked else ()
        yield Way((*certificate, Factor(FactorKind.DELEGATED, f"saml {provider}", provider)), f"SAML {provider}", place, gap)
        return
    certificates: tuple[Factor, ...] = ()
    doubt = gap
    if "multiple-certificate" in asked:
        certificates = (Factor(FactorKind.DEVICE, "certificate"), Factor(FactorKind.DEVICE, "second certificate"))
        if "aaa" not in asked:
            doubt = gap or "two certificates are asked for; whether one of them is the user's alone (a smart card) is not in the configuration"
    elif "certificate" in asked:
        certificates = (Factor(FactorKind.DEVICE, "certificate"),)
    if "aaa" not in asked:
        yield Way(certificates, "certificate", place, doubt)
        return
    first = _servers(config, group.find("general-attributes", "authentication-server-group"), "LOCAL")
    second_line = group.find("general-attributes", "secondary-authentication-server-group")
    second = _servers(config, second_line, "none") if second_line is not None else []
    label = "certificate, then " if certificates else ""
    if not first:
        yield Way(certificates, f"{label}no server asks", place, doubt)
    for factor, name, one in first:
        places = tuple(config.where(found) for found in (one, line) if found is not None)
        if not second:
            yield Way((*certificates, factor), f"{label}{name}", places, doubt)
        for other, other_name, found in second:
            more = (config.where(found),) if found is not None else ()
            yield Way((*certificates, factor, other), f"{label}{name}, then {other_name}", (*more, *places), doubt)


def _ike_ways(config: Config, group: Group, versions: set[str], gap: str) -> Iterator[Way]:
    part = "ipsec-attributes"
    key = group.find(part, "ikev1", "pre-shared-key") or group.find(part, "pre-shared-key")
    trust = group.find(part, "ikev1", "trust-point")
    first = _servers(config, group.find("general-attributes", "authentication-server-group"), "LOCAL")
    if (key is not None or trust is not None) and versions & {"ikev1", "isakmp"}:
        line = key or trust
        base = Factor(FactorKind.KNOWLEDGE, "shared key of the group") if trust is None else Factor(FactorKind.DEVICE, "certificate")
        places = (config.where(line),) if line is not None else ()
        xauth = group.find(part, "ikev1", "user-authentication") or group.find(part, "isakmp", "ikev1-user-authentication")
        if xauth is not None and xauth.words[-1] == "none":
            yield Way((base,), f"IKEv1 {base.method}", (config.where(xauth), *places), gap)
        else:
            for factor, name, _ in first:
                yield Way((base, factor), f"IKEv1 {base.method}, then {name}", places, gap)
    for line in group.lines.get(part, []):
        if "ikev2" not in versions or not line.starts("ikev2", "remote-authentication") or len(line.words) < 3:
            continue
        how = line.words[2]
        if how == "certificate":
            yield Way((Factor(FactorKind.DEVICE, "certificate"),), "IKEv2 certificate", (config.where(line),), gap)
        elif how == "pre-shared-key":
            yield Way((Factor(FactorKind.KNOWLEDGE, "shared key"),), "IKEv2 shared key", (config.where(line),), gap)
        elif how == "eap":
            for factor, name, _ in first:
                yield Way((factor,), f"IKEv2 EAP {name}", (config.where(line),), gap)


def _admin(config: Config, host: str, product: str, planes: list[Management], gap: str) -> Iterator[AccessPath]:
    keys = [
        line for one in config.all("username") if len(one.words) > 2 and one.words[2] == "attributes" for line in one.below
        if line.starts("ssh", "authentication")
    ]  # fmt: skip
    for plane in ("ssh", "http", "telnet"):
        opened = [one for one in planes if one.protocol == ("https" if plane == "http" else plane)]
        if not opened:
            continue
        line = config.last("aaa", "authentication", plane, "console")
        ways: list[Way] = []
        if line is not None:
            words = line.words[4:]
            for factor, name, _ in _servers(config, Command(line.number, ["x", *words], 0), "LOCAL"):
                ways.append(Way((factor,), name, (config.where(line),), gap))
        elif plane == "telnet":
            ways.append(Way((Factor(FactorKind.KNOWLEDGE, "line password"),), "line password", opened[0].where[:1], gap))
        elif plane == "http":
            certificate = config.last("http", "authentication-certificate")
            if certificate is None:
                ways.append(Way((Factor(FactorKind.KNOWLEDGE, "enable password"),), "enable password", opened[0].where[:1], gap))
        if plane == "http" and (certificate := config.last("http", "authentication-certificate")) is not None:
            device = Factor(FactorKind.DEVICE, "certificate")
            more = (config.where(certificate),)
            ways = [Way((device, *way.factors), f"certificate, then {way.label}", (*more, *way.where), way.uncertain) for way in ways] or [
                Way((device,), "certificate", more, gap)
            ]
        if plane == "ssh":
            ways += [Way((Factor(FactorKind.POSSESSION, "key"),), "SSH key of a local user", (config.where(one),), gap) for one in keys[:1]]
        yield AccessPath(
            host=host, as_of=config.document.as_of, where=opened[0].where[:1], service="web" if plane == "http" else plane,
            product=product, name=f"administration by {'https' if plane == 'http' else plane}", ways=tuple(ways), admin=True,
            listeners=tuple((one.interface, one.port, "tcp") for one in opened),
        )  # fmt: skip


def _wide(config: Config, name: str) -> tuple[str, bool]:
    """Return the line of a filter that opens a whole inner network on every port, and whether the list is there at all."""
    lines = list(config.all("access-list", name)) if name else []
    inner = [span for port in ports(config).values() if not port.external for span in port.networks]
    known = objects(config)
    for line in lines:
        for rule in entry(config, known, line):
            if rule.action is not Action.ACCEPT or rule.ports is not None or rule.unknown or (rule.protocols is not None and 6 not in rule.protocols):
                continue
            held = rule.destinations or (LINE,)
            if rule.destinations is None or any(low <= first and last <= high and first < last for first, last in inner for low, high in held):
                return " ".join(line.words[2:])[:80], True
    return "", bool(lines)


def groups(config: Config, host: str, product: str, gap: str) -> Iterator[VpnGroup]:
    """Yield what each group policy in use holds its users back with."""
    used: dict[str, Command | None] = {}
    for group in tunnel_groups(config):
        chosen = group.find("general-attributes", "default-group-policy")
        if chosen is not None and len(chosen.words) > 1:
            used.setdefault(chosen.words[1], chosen)
    for policy, chosen in used.items():
        line = _policy(config, policy, "vpn-filter")
        limit = line.words[-1] if line is not None and line.words[-1] != "none" else ""
        wide, known = _wide(config, limit)
        gap = gap or ("" if known or not limit else f"access list {limit} is not in the configuration")
        blocked = config.last("no", "sysopt", "connection", "permit-vpn")
        if not limit and blocked is not None:
            limit = "access lists of the interface (no sysopt connection permit-vpn)"
        servers = any(
            found.words[-1] != "LOCAL"
            for group in tunnel_groups(config)
            if (found := group.find("general-attributes", "authentication-server-group")) is not None
        )
        place = line or blocked if limit else chosen
        doubt = gap if limit or not servers else gap or "a server may assign a filter to users (dynamic access policy, Filter-Id)"
        yield VpnGroup(
            host=host, as_of=config.document.as_of, where=(config.where(place),) if place is not None else (), product=product,
            name=policy, limit=limit, wide=wide, uncertain=doubt if not limit and _dynamic(config) else gap,
        )  # fmt: skip


def _dynamic(config: Config) -> bool:
    return config.last("dynamic-access-policy-record") is not None and any(
        one.words[1] != DEFAULT_POLICY for one in config.all("dynamic-access-policy-record") if len(one.words) > 1 and one.below
    )


def _in_use(config: Config) -> list[str]:
    """Return the group policies somebody can hold a session by; the groups that are always there lead to the default policy."""
    used = {one.words[1] for one in config.all("group-policy") if len(one.words) > 2 and one.words[1] != DEFAULT_POLICY}
    for group in tunnel_groups(config):
        chosen = group.find("general-attributes", "default-group-policy")
        if _usable(config, group):
            used.add(chosen.words[1] if chosen is not None and len(chosen.words) > 1 else DEFAULT_POLICY)
    return sorted(used)


def remote_access(config: Config) -> Command | None:
    """Return a line that lets users come in by VPN: the web portal or IKE on an interface; None when there is none."""
    web = (line for block in config.all("webvpn") for line in block.below if line.starts("enable") and len(line.words) > 1)
    ike = (one for one in config.all("crypto") if len(one.words) > 3 and one.words[1] in {"ikev1", "ikev2", "isakmp"} and one.words[2] == "enable")
    return next(web, None) or next(ike, None)


def policy_settings(config: Config, table: SettingTable, *, clientless: bool) -> None:
    """Add what holds of the group policies: time-outs and the clientless portal, each as the worst of them.

    *clientless*: whether the release still has that portal.
    """
    policies = [one for one in config.all("group-policy") if len(one.words) > 2 and one.words[2] == "attributes"]
    closed = [name for name in _in_use(config) if (line := _policy(config, name, "vpn-simultaneous-logins")) is not None and line.words[-1] == "0"]
    open_ = [name for name in _in_use(config) if name not in closed]
    for name, default in (("vpn-idle-timeout", "30"), ("vpn-session-timeout", "none")):
        lines = [_policy(config, one, name) for one in open_]
        found = [line for line in lines if line is not None and len(line.words) > 1]
        worst = next((line for line in found if line.words[1] == "none"), found[0] if found else None)
        if worst is not None and (worst.words[1] == "none" or len(found) == len(lines) or default != "none"):
            table.written(name, worst.words[1], config.where(worst), "the worst of all group policies that let anybody in")
        else:
            table.default(name, default)
    protocols = [line for one in policies if (line := one.find("vpn-tunnel-protocol")) is not None]
    allows = next((line for line in protocols if "ssl-clientless" in line.words), None)
    if not clientless:
        table.written("clientless", "off", None, "the release no longer has it")
    elif allows is not None:
        table.written("clientless", "on", config.where(allows), "a group policy allows it")
    elif protocols and all(_policy(config, name, "vpn-tunnel-protocol") is not None for name in _in_use(config)):
        table.written("clientless", "off", config.where(protocols[0]), "no group policy allows it")
    else:
        table.default("clientless", "on")
