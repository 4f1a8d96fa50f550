"""PAN-OS: the doors — GlobalProtect portals and gateways, administrators — followed through authentication profiles and sequences.

Additional factors of an authentication profile apply to Authentication policy only, not to GlobalProtect or administrators, which get several
factors by SAML or RADIUS or with a certificate (PAN-OS Administrator's Guide, Configure Multi-Factor Authentication).
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from gatewatch.evidence.panos_tree import Config, Objects, entries, members, text
from gatewatch.schema.facts.access import AccessPath, Factor, FactorKind, Way
from gatewatch.schema.facts.base import Where

_DAY = 24.0
_METHODS = ("saml-idp", "radius", "ldap", "kerberos", "tacplus", "cloud", "local-database", "none")


def profile_ways(config: Config, known: Objects, name: str, depth: int = 0) -> list[Way]:
    """Return the ways an authentication profile or sequence lets in."""
    sequence = known.entry("authentication-sequence", name)
    if sequence is not None and depth < 4:
        return [way for one in members(sequence, "authentication-profiles") for way in profile_ways(config, known, one, depth + 1)]
    profile = known.entry("authentication-profile", name)
    place = (config.spot(f"authentication-profile/entry[@name={name!r}]", name),)
    if profile is None:
        return [Way((Factor(FactorKind.DELEGATED, name, name),), f"profile {name}", place, f"the profile {name} is not in the evidence")]
    method = profile.find("method")
    kind = next((one for one in _METHODS if method is not None and method.find(one) is not None), "")
    factor_kind = {"local-database": FactorKind.KNOWLEDGE}.get(kind, FactorKind.DELEGATED)
    server = text(method, f"{kind}/server-profile") if kind else ""
    idle = " (its MFA factors do not apply here)" if text(profile, "multi-factor-auth/mfa-enable") == "yes" else ""
    if kind == "none":
        return [Way((), f"profile {name}: none{idle}", place)]
    doubt = "" if kind else f"the method of profile {name} is not one we know"
    provider = "" if factor_kind is FactorKind.KNOWLEDGE else server or name
    node = known.entry(f"server-profile/{kind}", server) if provider else None
    listed = entries(node, "server") if node is not None else []
    servers = tuple(one for each in listed if (one := text(each, "ip-address") or text(each, "address")))
    return [Way((Factor(factor_kind, kind or "profile", provider, servers=servers),), f"{kind or 'profile'} {server or name}{idle}", place, doubt)]


def _lifetime(node: Element | None) -> float:
    """Return the hours a cookie is accepted for; the default is a day."""
    life = node.find("cookie-lifetime") if node is not None else None
    if life is None:
        return _DAY
    for path, factor in (("lifetime-in-days", 24.0), ("lifetime-in-hours", 1.0), ("lifetime-in-minutes", 1 / 60)):
        written = text(life, path)
        if written.isdigit():
            return int(written[:6]) * factor
    return _DAY


def _logins(config: Config, known: Objects, node: Element, certificate: str, pointer: str) -> list[Way]:
    made: list[Way] = []
    device = Factor(FactorKind.DEVICE, "certificate")
    listed = entries(node, "client-auth")
    for one in listed:
        name = text(one, "authentication-profile")
        place = config.spot(f"{pointer}/client-auth/entry[@name={one.get('name', '')!r}]", name)
        either = text(one, "user-credential-or-client-cert-required", "no") == "yes"
        for way in profile_ways(config, known, name) if name else []:
            whole = (device, *way.factors) if certificate and not either else way.factors
            label = f"certificate, then {way.label}" if certificate and not either else way.label
            made.append(Way(whole, label, (place, *way.where), way.uncertain))
        if certificate and either:
            made.append(Way((device,), "certificate instead of a login", (place,)))
    if not listed and certificate:
        made.append(Way((device,), "certificate", (config.spot(pointer, certificate),)))
    return made


def doors(config: Config, system: Element, host: str) -> Iterator[AccessPath]:
    """Yield the portals and gateways of a virtual system."""
    known = Objects(config.scopes(system))
    given: list[Way] = []  # the ways to a cookie
    portals = []
    for one in entries(system, "global-protect/global-protect-portal"):
        pointer = f"global-protect-portal/entry[@name={one.get('name', '')!r}]"
        inner = one.find("portal-config")
        if inner is None:
            continue
        ways = _logins(config, known, inner, text(inner, "certificate-profile"), pointer)
        accepts = [found for found in entries(one, "client-config/configs") if found.find("authentication-override/accept-cookie") is not None]
        if any(text(found, "authentication-override/generate-cookie") == "yes" for found in entries(one, "client-config/configs")):
            given += ways
        portals.append((one, pointer, inner, ways, accepts))
    gateways = entries(system, "global-protect/global-protect-gateway")
    prepared = []
    for one in gateways:
        pointer = f"global-protect-gateway/entry[@name={one.get('name', '')!r}]"
        ways = _logins(config, known, one, text(one, "certificate-profile"), pointer)
        tunnels = entries(one, "remote-user-tunnel-configs")
        if any(text(found, "authentication-override/generate-cookie") == "yes" for found in tunnels):
            given += ways
        prepared.append((one, pointer, ways, [found for found in tunnels if found.find("authentication-override/accept-cookie") is not None]))
    for one, pointer, inner, ways, accepts in portals:
        more = _cookies(config, pointer, accepts, given, bool(text(inner, "certificate-profile")))
        face = text(inner, "local-address/interface")
        yield _path(config, host, f"portal {one.get('name', '')}", [*ways, *more], pointer, face)
    for one, pointer, ways, accepts in prepared:
        more = _cookies(config, pointer, accepts, given, bool(text(one, "certificate-profile")))
        yield _path(config, host, f"gateway {one.get('name', '')}", [*ways, *more], pointer, text(one, "local-address/interface"))


def _cookies(config: Config, pointer: str, accepts: list[Element], given: list[Way], certificate: bool) -> Iterator[Way]:
    for one in accepts:
        hours = _lifetime(one.find("authentication-override/accept-cookie"))
        place = config.spot(f"{pointer}//entry[@name={one.get('name', '')!r}]/authentication-override", f"accept-cookie {hours:g} h")
        if hours > _DAY:
            base = (Factor(FactorKind.DEVICE, "certificate"),) if certificate else ()
            yield Way((*base, Factor(FactorKind.POSSESSION, "cookie")), f"a cookie of up to {hours:g} hours instead of a login", (place,))
            continue
        for way in given:
            yield Way(way.factors, f"a cookie of up to {hours:g} hours after: {way.label}", (place, *way.where), way.uncertain)


def _path(config: Config, host: str, name: str, ways: list[Way], pointer: str, face: str) -> AccessPath:
    return AccessPath(
        host=host, as_of=config.document.as_of, where=(config.spot(pointer),), service="vpn", product="panos", name=name, ways=tuple(ways),
        listeners=((face or "*", 443, "tcp"),),
    )  # fmt: skip


def admin_doors(config: Config, host: str) -> Iterator[AccessPath]:
    """Yield a door for each administrator, and one for those a provider brings."""
    shared = config.root.find("shared")
    known = Objects([one for one in (shared, *(system for _, system in config.systems())) if one is not None])
    system = config.device.find("deviceconfig/system") if config.device is not None else None
    certificate = (Factor(FactorKind.DEVICE, "certificate"),) if text(system, "certificate-profile") else ()
    for one in entries(config.root, "mgt-config/users"):
        name = one.get("name", "")
        place = config.spot(f"mgt-config/users/entry[@name={name!r}]")
        ways: list[Way] = []
        profile = text(one, "authentication-profile")
        if profile:
            ways += [Way((*certificate, *way.factors), way.label, (place, *way.where), way.uncertain) for way in profile_ways(config, known, profile)]
        elif text(one, "client-certificate-only") == "yes":
            ways.append(Way((Factor(FactorKind.DEVICE, "certificate"),), "certificate", (place,)))
        elif one.find("phash") is not None:
            ways.append(Way((*certificate, Factor(FactorKind.KNOWLEDGE, "password")), "password", (place,)))
        if one.find("public-key") is not None:
            ways.append(Way((Factor(FactorKind.POSSESSION, "SSH key"),), "SSH key", (place,)))
        yield _admin(config, host, f"administrator {name}", ways, place)
    profile = text(system, "authentication-profile")
    if profile:
        place = config.spot("deviceconfig/system/authentication-profile", profile)
        ways = [Way((*certificate, *way.factors), way.label, (place, *way.where), way.uncertain) for way in profile_ways(config, known, profile)]
        yield _admin(config, host, f"administrators by {profile}", ways, place)


def _admin(config: Config, host: str, name: str, ways: list[Way], place: Where) -> AccessPath:
    return AccessPath(
        host=host, as_of=config.document.as_of, where=(place,), service="web", product="panos", name=name, ways=tuple(ways), admin=True
    )
