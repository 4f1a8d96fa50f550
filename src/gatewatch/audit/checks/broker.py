"""Brokers of remote access: Guacamole, tailnets, Cloudflare's tunnels: who gets in, and how far."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator

from gatewatch.audit.check import Check, Ground, Need, Verdict, by_setting, nist
from gatewatch.audit.factor import judge_path
from gatewatch.schema.facts.access import AccessPath
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.broker import AccessApplication, GuacamoleSettings, TailnetRule, TunnelRoute
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure

_GUACAMOLE = "cp -r /etc/guacamole EVIDENCE/etc/; ls -R /etc/guacamole > EVIDENCE/commands/guacamole-files.txt"
_TAILNET = Need((TailnetRule,), "the policy file of the tailnet as EVIDENCE/TAILNET/policy.hujson")
_TUNNEL = Need((TunnelRoute,), "cp /etc/cloudflared/config.yml EVIDENCE/etc/cloudflared/")
_EVERYBODY = frozenset({"*", "autogroup:member", "autogroup:members", "autogroup:danger-all"})
_EVERYTHING = frozenset({"*:*", "*:0-65535", "*:1-65535", "autogroup:danger-all:*"})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def _doors(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    for path in facts.of(AccessPath):
        if path.product == "guacamole":
            yield judge_path(path, ground.site.posture)


def _mapping(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for one in facts.of(GuacamoleSettings):
        found = "user-mapping.xml" in one.files
        status = Status.FAIL if found else Status.PASS if one.listed else Status.UNKNOWN
        said = (
            "user-mapping.xml holds users and their passwords" if found
            else "no user-mapping.xml" if one.listed
            else "whether there is a user-mapping.xml is not in the evidence"
        )  # fmt: skip
        yield Verdict(
            status=status, host=one.host, service="guacamole", message=said, where=one.where, as_of=one.as_of, resolved="listing of its folder"
        )


def _guacd(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for one in facts.of(GuacamoleSettings):
        bind, certificate = one.get("server.bind_host"), one.get("ssl.server_certificate")
        good = bind is not None and (bind.value in _LOOPBACK or certificate is not None)
        said = "guacd takes connections of the host itself only" if good else "guacd takes connections over the network, and asks nobody who they are"
        if good and bind is not None and bind.value not in _LOOPBACK:
            said = "guacd takes connections over TLS"
        yield by_setting(one, bind, good, said if bind is not None else "where guacd listens", service="guacd")


def _wide(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for host in dict.fromkeys(rule.host for rule in facts.of(TailnetRule)):
        rules = [rule for rule in facts.of(TailnetRule, host) if rule.kind != "ssh"]
        bad = [rule for rule in rules if _EVERYBODY & set(rule.sources) and _EVERYTHING & set(rule.targets) and rule.action == "accept"]
        for rule in bad:
            yield Verdict(
                status=Status.FAIL, host=host, service="tailscale", subject=rule.where[0].pointer, message="everybody reaches everything",
                value=rule.where[0].quote, where=rule.where, as_of=rule.as_of, resolved="rules of the policy; what none allows is refused",
            )  # fmt: skip
        if rules and not bad:
            said = f"none of {len(rules)} rules lets everybody reach everything"
            yield Verdict(status=Status.PASS, host=host, service="tailscale", message=said, where=rules[0].where, as_of=rules[0].as_of)
        elif not rules:
            said = "the file has rules of ssh only; who reaches what is not in it"
            yield Verdict(status=Status.UNKNOWN, host=host, service="tailscale", message=said)


def _tailnet_ssh(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for host in dict.fromkeys(rule.host for rule in facts.of(TailnetRule)):
        rules = [rule for rule in facts.of(TailnetRule, host) if rule.kind == "ssh"]
        if not rules:
            yield Verdict(status=Status.NOT_APPLICABLE, host=host, service="tailscale", message="no rule of ssh: it is off")
        for rule in rules:
            good = rule.action == "check"
            said = "asks for a fresh login" if good else "lets whoever holds the device in without a fresh login"
            yield Verdict(
                status=Status.PASS if good else Status.FAIL, host=host, service="tailscale", subject=rule.where[0].pointer, message=said,
                value=f"action {rule.action} as {', '.join(rule.users)}", where=rule.where, as_of=rule.as_of, resolved="action of the rule",
            )  # fmt: skip


def _fits(domain: str, hostname: str) -> bool:
    return domain == hostname or ("*" in domain and fnmatch.fnmatchcase(hostname, domain))


def _fronted(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    apps = facts.of(AccessApplication)
    for route in facts.of(TunnelRoute):
        if route.service.startswith("http_status:"):
            continue
        mine = [app for app in apps if any(_fits(domain, route.hostname) for domain in app.domains)]
        loose = [f"{app.name}: {name}" for app in mine for name, decision, rules in app.policies
                 if decision == "bypass" or (decision == "allow" and "everyone" in rules)]  # fmt: skip
        named = [app for app in mine if app.policies]
        if loose:
            status, said = Status.FAIL, f"Access lets everybody through ({loose[0]})"
        elif route.checked:
            status, said = Status.PASS, "the tunnel itself asks for Access' token"
        elif named:
            status, said = Status.PASS, f"stands behind Access ({named[0].name})"
        elif mine:
            status, said = Status.UNKNOWN, f"stands behind Access ({mine[0].name}), whose policies are not in the evidence"
        elif apps:
            status, said = Status.FAIL, "no application of Access stands in front of it"
        else:
            status, said = Status.UNKNOWN, "the tunnel asks for nothing, and Access' applications are not in the evidence"
        yield Verdict(
            status=status, host=route.host, service="cloudflared", subject=route.hostname or "(rest)", message=said, value=route.service,
            where=(*route.where, *(place for app in mine for place in app.where))[:3], as_of=route.as_of,
            resolved="originRequest.access of the route, else applications of Access",
        )  # fmt: skip
    hosts = dict.fromkeys(route.host for route in facts.of(TunnelRoute))
    for host in hosts:
        if all(route.service.startswith("http_status:") for route in facts.of(TunnelRoute, host)):
            yield Verdict(status=Status.NOT_APPLICABLE, host=host, service="cloudflared", message="no route leads anywhere")


def _rest(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for route in facts.of(TunnelRoute):
        if route.last:
            good = route.service.startswith("http_status:4") and not route.hostname
            said = "whatever no route takes is refused" if good else f"whatever no route takes goes to {route.service}"
            yield Verdict(
                status=Status.PASS if good else Status.FAIL, host=route.host, service="cloudflared", subject="(rest)", message=said,
                value=route.service, where=route.where, as_of=route.as_of, resolved="last route",
            )  # fmt: skip


_MEASURES = (Measure.REMOTE_ACCESS_TOOL, Measure.REMOTE_ACCESS)
CHECKS: tuple[Check, ...] = (
    Check(
        id="M1035.8-01a", title="Guacamole asks for several factors",
        about="Every extension that lets somebody in is followed by TOTP or Duo, or hands over to a provider that asks for several factors.",
        measures=(*_MEASURES, Measure.MFA_TOOL), severity=Severity.CRITICAL, judge=_doors,
        needs=(Need((AccessPath,), _GUACAMOLE, when=lambda path: path.product == "guacamole"),),
        remediation=Remediation("Install the extension for TOTP or Duo, or log in by a provider.", "guacamole-auth-totp-1.5.5.jar in extensions/"),
        mappings=nist("IA-2(1)", "AC-17(3)"), references=("Guacamole Manual",), services=("guacamole",),
    ),
    Check(
        id="M1035.8-01b", title="Guacamole: no passwords in user-mapping.xml", about="The file is not there.",
        measures=_MEASURES, severity=Severity.HIGH, needs=(Need((GuacamoleSettings,), _GUACAMOLE),), judge=_mapping,
        remediation=Remediation("Keep users in a directory or database, and remove the file."), mappings=nist("IA-5(1)", "IA-5(7)"),
        references=("Guacamole Manual",), services=("guacamole",),
    ),
    Check(
        id="M1035.8-01c", title="Guacamole: guacd serves its own host only", about="bind_host is a loopback address, or a certificate is set.",
        measures=(*_MEASURES, Measure.HARDENING), severity=Severity.HIGH, needs=(Need((GuacamoleSettings,), _GUACAMOLE),), judge=_guacd,
        remediation=Remediation("Bind it to loopback.", "[server]\nbind_host = 127.0.0.1"), mappings=nist("SC-7", "CM-7"),
        references=("Guacamole Manual: guacd",), services=("guacd",),
    ),
    Check(
        id="M1035.8-02a", title="Tailscale: nobody reaches everything", about="No acl or grant leads from everybody to every device and port.",
        measures=(*_MEASURES, Measure.MICROSEGMENTATION), severity=Severity.HIGH, needs=(_TAILNET,), judge=_wide,
        remediation=Remediation(
            "Name who reaches what.", '{"action": "accept", "src": ["group:ops"], "dst": ["tag:server:22"]}',
            "The rule every tailnet begins with goes: write the others first.",
        ),
        mappings=nist("AC-4", "AC-6"), references=("Tailscale: policy file",), services=("tailscale",),
    ),
    Check(
        id="M1035.8-02b", title="Tailscale: SSH asks for a fresh login", about="Every rule of ssh has the action check.",
        measures=_MEASURES, severity=Severity.MEDIUM, needs=(_TAILNET,), judge=_tailnet_ssh,
        remediation=Remediation("Use check in place of accept.", '"action": "check", "checkPeriod": "12h"'), mappings=nist("IA-11", "AC-17"),
        references=("Tailscale: policy file",), services=("tailscale",),
    ),
    Check(
        id="M1035.8-03a", title="Cloudflare tunnels: a login stands before every route",
        about="The route asks for Access' token, or an application of Access stands before its host name, without a policy for everybody.",
        measures=(*_MEASURES, Measure.MFA_TOOL), severity=Severity.CRITICAL, needs=(_TUNNEL,), judge=_fronted,
        remediation=Remediation(
            "Put an application of Access before it, and have the tunnel check.",
            "- hostname: ssh.example.com\n  service: ssh://localhost:22\n"
            "  originRequest:\n    access: {required: true, teamName: TEAM, audTag: [AUD]}",
        ),
        mappings=nist("AC-17", "IA-2"), references=("Cloudflare One: Origin parameters",), services=("cloudflared",),
    ),
    Check(
        id="M1035.8-03b", title="Cloudflare tunnels: what no route takes is refused", about="The last route is http_status:404.",
        measures=_MEASURES, severity=Severity.MEDIUM, needs=(_TUNNEL,), judge=_rest,
        remediation=Remediation("End with it.", "- service: http_status:404"), mappings=nist("SC-7(5)"),
        references=("Cloudflare One: Configuration file",), services=("cloudflared",),
    ),
)  # fmt: skip
