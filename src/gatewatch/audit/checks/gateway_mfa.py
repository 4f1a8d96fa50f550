"""Gateways: whether every door asks for several factors, whether one door goes round the others, and how the device itself is administered."""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.audit.check import Check, Criterion, Ground, Need, Verdict, nist, stig
from gatewatch.audit.factor import judge_path, weigh
from gatewatch.audit.gateway import COLLECT, PRODUCTS
from gatewatch.schema.facts.access import AccessPath
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.machine import Machine
from gatewatch.schema.findings import Mapping, Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure

_LOCKOUT = "Try the new login with a second session before you end the one you work in, and keep a break-glass account."


def _of(facts: Facts, products: tuple[str, ...], *, admin: bool = False) -> list[AccessPath]:
    return [path for path in facts.of(AccessPath) if path.product in products and path.admin is admin]


def _doors(*products: str) -> Criterion:
    def criterion(facts: Facts, ground: Ground) -> Iterator[Verdict]:
        for path in _of(facts, products):
            yield judge_path(path, ground.site.posture)
        yield from _without(facts, products, "vpn")

    return criterion


def _without(facts: Facts, products: tuple[str, ...], subject: str) -> Iterator[Verdict]:
    """Yield a verdict for each device of *products* on which no remote access is configured."""
    doors = {path.host for path in _of(facts, products)}
    for host, product in dict.fromkeys((path.host, path.product) for path in _of(facts, products, admin=True)):
        if host in doors:
            continue
        whole = all(one.complete for one in facts.of(Machine, host))
        said = f"{PRODUCTS[product]}: no remote access is configured" + ("" if whole else ", but the configuration is not whole")
        yield Verdict(status=Status.NOT_APPLICABLE if whole else Status.UNKNOWN, host=host, message=said, subject=subject, service="vpn")


def _wireguard(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    posture = ground.site.posture
    for path in _of(facts, ("wireguard",)):
        declared = posture.provider(f"{path.host}/{path.name}") or posture.provider(path.name) or posture.provider("wireguard")
        if declared is not None and declared.mfa and path.enabled:
            yield Verdict(
                status=Status.PASS, host=path.host, message=f"{path.name}: keys alone, but the site declares a control beside them: {declared.why}",
                resolved="[[mfa_providers]]", where=path.where[:1], service="vpn", subject=path.name, as_of=path.as_of,
            )  # fmt: skip
        else:
            yield judge_path(path, posture)


def _concentrators(facts: Facts) -> dict[str, list[AccessPath]]:
    made: dict[str, list[AccessPath]] = {}
    for path in _of(facts, tuple(PRODUCTS)):
        made.setdefault(path.host, []).append(path)
    return made


_WORST = (Status.FAIL, Status.UNKNOWN, Status.MANUAL, Status.PASS, Status.NOT_APPLICABLE)


def _bypass(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    """Judge whether a weaker way stands beside one that asks for several factors."""
    yield from _without(facts, tuple(PRODUCTS), "bypass")
    for host, paths in _concentrators(facts).items():
        ways = [
            (*weigh(way, ground.site.posture), way, path) for path in paths if path.enabled for way in path.ways
        ]  # fmt: skip
        if not ways:
            yield Verdict(status=Status.UNKNOWN, host=host, message="how users prove who they are is not in the evidence", subject="bypass")
            continue
        strong = [one for one in ways if one[0] is Status.PASS]
        order = sorted(ways, key=lambda one: _WORST.index(one[0]))
        status, reason, way, path = order[0]
        if len(strong) == len(ways):
            said = f"all {len(ways)} ways in ask for several factors"
        elif strong or any(one[0] is not Status.FAIL for one in ways):
            said = f"beside ways that may ask for more, {path.name} lets in with less: {reason}"
        else:
            status, said = Status.NOT_APPLICABLE, "no way asks for several factors, so there is nothing to go round"
        yield Verdict(
            status=status, host=host, message=said, value=way.label, resolved=f"{len(ways)} ways of {len(paths)} doors", subject="bypass",
            where=(way.where or path.where)[:3], service=path.service, as_of=path.as_of,
        )  # fmt: skip


def _admin(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    for path in _of(facts, tuple(PRODUCTS), admin=True):
        yield judge_path(path, ground.site.posture)
    planes = {path.host for path in _of(facts, tuple(PRODUCTS), admin=True)}
    for host, paths in _concentrators(facts).items():
        if host not in planes:
            said = "how the device itself is administered is not in the evidence"
            if paths[0].product in {"openvpn", "wireguard", "strongswan"}:
                said = "a service of its host, whose own logins are judged with sshd"
                yield Verdict(status=Status.NOT_APPLICABLE, host=host, message=said, where=paths[0].where[:1], subject="administration")
            else:
                yield Verdict(status=Status.UNKNOWN, host=host, message=said, where=paths[0].where[:1], subject="administration")


def _need(*products: str) -> tuple[Need, ...]:
    collect = "; ".join(dict.fromkeys(f"{PRODUCTS[product]}: {COLLECT[product]}" for product in products))
    return (Need((AccessPath,), collect, when=lambda path: path.product in products),)


def _check(
    number: str, products: tuple[str, ...], title: str, about: str, fix: str, snippet: str, more: tuple[Mapping, ...] = (),
    severity: Severity = Severity.CRITICAL, judge: Criterion | None = None, references: tuple[str, ...] = (),
) -> Check:  # fmt: skip
    return Check(
        id=f"M1032.2-{number}", title=title, about=about, measures=(Measure.AUTH_METHOD, Measure.MFA_TOOL), severity=severity,
        needs=_need(*products), judge=judge or _doors(*products), remediation=Remediation(fix, snippet, _LOCKOUT),
        mappings=(*nist("IA-2(1)", "IA-2(2)", "AC-17"), *more), references=(*references, "NIST SP 800-63B"), services=("vpn",),
    )  # fmt: skip


_VPN_SRG = stig("VPN SRG", "SRG-NET-000140-VPN-000500 (V-207209)")
_GATEWAYS = _need(*PRODUCTS)

CHECKS: tuple[Check, ...] = (
    _check(
        "03", ("openvpn",), "OpenVPN: a certificate and a login are asked for",
        "verify-client-cert is require and a plug-in or script checks a user as well, or what checks the user asks for several factors.",
        "Ask for a client certificate and check the user by PAM with a one-time code, RADIUS or Duo.",
        "verify-client-cert require\nplugin /usr/lib/openvpn/openvpn-plugin-auth-pam.so openvpn", _VPN_SRG, Severity.HIGH,
        references=("openvpn(8)",),
    ),
    _check(
        "04", ("wireguard",), "WireGuard: something beside the keys is asked for",
        "WireGuard knows keys only; the site declares what gates them in [[mfa_providers]] (named after the interface, or 'wireguard').",
        "Put the tunnel behind a portal that gives out keys for one session after a login with several factors, and declare it.", "",
        severity=Severity.MEDIUM, judge=_wireguard, references=("wg(8)",),
    ),
    _check(
        "05", ("strongswan",), "strongSwan: two rounds of authentication, or a provider that asks for several factors",
        "Each connection for remote users asks for a certificate and EAP, or for EAP by a provider that the site declares.",
        "Add a second round that asks the user, beside the certificate.", "remote { auth = pubkey }\nremote-2 { auth = eap-radius }",
        _VPN_SRG, Severity.HIGH, references=("swanctl.conf(5)", "ipsec.conf(5)"),
    ),
    _check(
        "06", ("asa", "ftd"), "Cisco ASA: every tunnel group asks for several factors",
        "Each tunnel group for remote access, the always present ones included, asks for a certificate and a login, two servers of different "
        "kinds, or a provider that asks for several factors; LOCAL as a last resort is a way of its own.",
        "Ask for aaa and certificate, or SAML; remove LOCAL after the server group; close the default groups with a policy of 0 logins.",
        "tunnel-group STAFF webvpn-attributes\n authentication aaa certificate", stig("Cisco ASA VPN", "CASA-VN-000440 (V-239968)"),
        references=("Cisco ASA Series Command Reference",),
    ),
    _check(
        "07", ("fortios",), "FortiOS: every VPN user and group has a second factor",
        "Each local user in a VPN group has two-factor set, each server in one is a provider that asks for several factors, or a client "
        "certificate is asked for as well.",
        "Give every VPN user a token, or authenticate by SAML at a provider with MFA.", "config user local\n edit NAME\n  set two-factor fortitoken",
        references=("FortiOS CLI Reference",),
    ),
    _check(
        "08", ("panos",), "PAN-OS GlobalProtect: portals and gateways ask for several factors",
        "Each client authentication of each portal and gateway leads to a provider that asks for several factors, or asks for a certificate and a "
        "login; a cookie that stands in for a login is a way of its own.",
        "Use SAML or RADIUS with MFA, or set a certificate profile and require both; shorten or remove authentication override cookies.", "",
        _VPN_SRG, references=("GlobalProtect Administrator's Guide",),
    ),
    _check(
        "09", ("ivanti",), "Ivanti Connect Secure: every realm asks for several factors",
        "Each realm that a sign-in address leads to has a second server of another kind, a certificate, or a provider that asks for several factors.",
        "Add a secondary authentication server (TOTP, RADIUS) to the realm, or authenticate by SAML.", "",
        stig("Ivanti Connect Secure VPN", "IVCS-VN-000190 (V-258589)"), references=("Ivanti Connect Secure Administration Guide",),
    ),
    _check(
        "10", ("netscaler",), "NetScaler Gateway: every chain of policies ends in several factors",
        "Each policy bound to a gateway or its authentication server, followed through its next factors, ends in two kinds of factors.",
        "Bind the second factor as -nextFactor of every policy, or as -secondary for classic policies.",
        "bind authentication vserver AV -policy LDAP -priority 100 -nextFactor OTP", stig("Citrix VAD StoreFront", "CVAD-SF-000855 (V-234252)"),
        references=("NetScaler: nFactor authentication",),
    ),
    Check(
        id="M1035.10-02",
        title="No way goes round the second factor",
        about="No second door, realm, local fallback or cookie of a concentrator lets in with less than its strongest way.",
        measures=(Measure.MFA_TOOL,),
        severity=Severity.CRITICAL,
        needs=_GATEWAYS,
        judge=_bypass,
        remediation=Remediation("Close the weaker way, or ask for the same factors there.", "", _LOCKOUT),
        mappings=nist("IA-2(1)", "IA-2(2)"),
        references=("ATT&CK T1133", "ATT&CK T1556.006"),
        services=("vpn",),
    ),
    Check(
        id="M1035.10-03",
        title="Administration of a concentrator asks for several factors",
        about="Each way to administer the device itself asks for several factors.",
        measures=(Measure.MFA_TOOL, Measure.AUTH_METHOD),
        severity=Severity.HIGH,
        needs=_GATEWAYS,
        judge=_admin,
        remediation=Remediation("Let administrators log in by a provider with several factors; keep one break-glass account.", "", _LOCKOUT),
        mappings=(*nist("IA-2(1)"), *stig("Ivanti Connect Secure NDM", "IVCS-NM-000320 (V-258609)")),
        references=("NIST SP 800-63B",),
    ),
)
