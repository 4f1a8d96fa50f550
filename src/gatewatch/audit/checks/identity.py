"""Identity providers: Conditional Access of Entra ID, its methods, and the users of AWS."""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.audit.check import Check, Ground, Need, Verdict, by_setting, nist
from gatewatch.audit.conditional_access import ADMINS, MODERN, PHISHING_RESISTANT, Probe, ask, tenants
from gatewatch.audit.factor import judge_path
from gatewatch.schema.facts.access import AccessPath
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.cloud import ConditionalPolicy, MethodSettings
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure

_COLLECT = "az rest --url https://graph.microsoft.com/v1.0/identity/conditionalAccess/policies > EVIDENCE/TENANT/commands/ca-policies.json"
NEED = Need((ConditionalPolicy,), _COLLECT)
_LOCKOUT = "Keep two accounts for emergencies out of it, and run it report-only for a week first."


def _paths(product: str, facts: Facts, ground: Ground) -> Iterator[Verdict]:
    for path in facts.of(AccessPath):
        if path.product != product:
            continue
        glass = [one for one in (path.users, path.name) if one and ground.site.posture.is_break_glass(one)]
        if glass and path.enabled:
            yield Verdict(
                status=Status.NOT_APPLICABLE, host=path.host, message=f"{glass[0]} is kept for emergencies ([[break_glass]])", service=path.service,
                subject=path.name, where=path.where[:1], as_of=path.as_of,
            )  # fmt: skip
        else:
            yield judge_path(path, ground.site.posture)


def _covered(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    yield from _paths("entra", facts, ground)


def _aws(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    yield from _paths("aws", facts, ground)


def _legacy(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    for path in facts.of(AccessPath):
        if path.product != "entra-legacy" or (path.users and ground.site.posture.is_break_glass(path.users)):
            continue
        asks = any(len(way.factors) > 1 for way in path.ways)
        status = Status.PASS if not path.enabled else Status.UNKNOWN if asks else Status.FAIL
        said = "blocked" if not path.enabled else (
            "not blocked, but asked for what such clients cannot do" if asks else "let in: such clients can only send a password"
        )  # fmt: skip
        yield Verdict(
            status=status, host=path.host, message=said, service="idp", subject=path.name, where=path.where[:2], as_of=path.as_of,
            resolved="enforced policies that apply to everybody",
        )  # fmt: skip


def _admins(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for host, policies, _ in tenants(facts):
        for role, title in ADMINS.items():
            worst: list[str] = []
            places = policies[0].where
            unsure = ""
            for client in MODERN:
                door = ask(policies, Probe(title, who=(("role", role),), client=client))
                for way in door.ways:
                    methods = {factor.method for factor in way.factors}
                    if not methods & PHISHING_RESISTANT:
                        worst.append(way.label)
                    unsure = unsure or way.uncertain
                places = tuple(place for one in door.policies for place in one.where) or places
            status = Status.FAIL if worst else Status.UNKNOWN if unsure else Status.PASS
            yield Verdict(
                status=status, host=host, subject=title, service="idp", where=places[:3], as_of=policies[0].as_of,
                message=f"logs in with what can be phished: {worst[0]}" if worst else unsure or "logs in with what cannot be phished only",
                resolved="enforced policies that apply to the role",
            )  # fmt: skip


def _flow(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for host, policies, _ in tenants(facts):
        door = ask(policies, Probe("device code", flow="deviceCodeFlow"))
        where = tuple(place for one in (door.policies or tuple(policies)) for place in one.where)[:2]
        yield Verdict(
            status=Status.PASS if door.blocked else Status.FAIL, host=host, subject="device code", service="idp", where=where,
            message="the flow of device codes is blocked" if door.blocked else "a code sent to a victim lets an attacker's device in",
            as_of=policies[0].as_of, resolved="enforced policies that apply to everybody",
        )  # fmt: skip


def _risk(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for host, policies, _ in tenants(facts):
        blocking = [one for one in policies if one.enforced and "All" in one.users.include and "high" in one.sign_in_risk
                    and "block" in one.grant.controls and "All" in one.applications.include]  # fmt: skip
        where = tuple(place for one in (blocking or policies) for place in one.where)[:2]
        yield Verdict(
            status=Status.PASS if blocking else Status.FAIL, host=host, subject="high risk", service="idp", where=where,
            message="sign-ins of high risk are blocked" if blocking else "sign-ins of high risk are not blocked for everybody",
            as_of=policies[0].as_of, resolved="enforced policies that apply to everybody",
        )  # fmt: skip


_WEAK = {"sms": "text messages", "voice": "calls", "email": "codes by e-mail"}


def _methods(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for settings in facts.of(MethodSettings):
        for name, title in _WEAK.items():
            setting = settings.get(name)
            good = setting is not None and setting.value.lower() == "disabled"
            said = f"{title} are no factor" if good else f"{title} are a factor: they can be intercepted"
            yield by_setting(settings, setting, good, said, service="idp", subject=name)


def _campaign(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for settings in facts.of(MethodSettings):
        setting = settings.get("registration campaign")
        state = setting.value.lower() if setting is not None else ""
        good = {"enabled": True, "disabled": False}.get(state)
        said = {"enabled": "users are asked to enrol a strong method", "disabled": "nobody is asked to enrol a strong method"}.get(
            state, "whether users are asked to enrol is left to Microsoft" if state == "default" else "the state of the registration campaign"
        )
        yield by_setting(settings, setting, good, said, service="idp", subject="registration campaign")


CHECKS: tuple[Check, ...] = (
    Check(
        id="M1032.1-01", title="Entra: every sign-in asks for several factors",
        about="For everybody, every application and every modern client, and for each exclusion, the enforced policies together ask for several "
              "factors; accounts in [[break_glass]] are left out.",
        measures=(Measure.IAM, Measure.MFA_TOOL), severity=Severity.CRITICAL,
        needs=(NEED, Need((AccessPath,), _COLLECT, when=lambda path: path.product == "entra")), judge=_covered,
        remediation=Remediation("Add a policy for all users and all applications that grants with mfa, and remove exclusions.",
                                '"grantControls": {"operator": "OR", "builtInControls": ["mfa"]}', _LOCKOUT),
        mappings=nist("IA-2(1)", "IA-2(2)", "AC-17"), references=("Microsoft: Conditional Access", "ScubaGear MS.AAD.3.2v2"), services=("idp",),
    ),
    Check(
        id="M1032.1-02", title="Entra: clients that know no second factor are blocked",
        about="An enforced policy blocks exchangeActiveSync and other clients for everybody.",
        measures=(Measure.IAM, Measure.LEGACY_AUTH), severity=Severity.HIGH,
        needs=(NEED, Need((AccessPath,), _COLLECT, when=lambda path: path.product == "entra-legacy")), judge=_legacy,
        remediation=Remediation("Block clientAppTypes exchangeActiveSync and other for all users.",
                                '"clientAppTypes": ["exchangeActiveSync", "other"], "grantControls": {"builtInControls": ["block"]}',
                                "Old mail programs and scanners stop working."),
        mappings=nist("IA-2(1)", "CM-7"), references=("ScubaGear MS.AAD.1.1v1",), services=("idp",),
    ),
    Check(
        id="M1032.1-03", title="Entra: administrators log in with what cannot be phished",
        about="Each highly privileged role is asked for Windows Hello, a FIDO2 key or a multifactor certificate.",
        measures=(Measure.IAM,), severity=Severity.HIGH, needs=(NEED,), judge=_admins,
        remediation=Remediation("Require the strength \"Phishing-resistant MFA\" for directory roles.", "", _LOCKOUT),
        mappings=nist("IA-2(1)", "AC-6"), references=("ScubaGear MS.AAD.3.6v1",), services=("idp",),
    ),
    Check(
        id="M1032.1-04a", title="Entra: the flow of device codes is blocked",
        about="An enforced policy blocks authentication flow deviceCodeFlow for everybody.",
        measures=(Measure.IAM,), severity=Severity.MEDIUM, needs=(NEED,), judge=_flow,
        remediation=Remediation("Block the transfer method deviceCodeFlow for all users.", "", "Devices without a browser cannot enrol."),
        mappings=nist("IA-2", "AC-17"), references=("ScubaGear MS.AAD.3.9v1",), services=("idp",),
    ),
    Check(
        id="M1032.1-04b", title="Entra: sign-ins of high risk are blocked",
        about="An enforced policy blocks signInRiskLevels high for everybody and every application.",
        measures=(Measure.IAM, Measure.AUTH_ALERT), severity=Severity.MEDIUM, needs=(NEED,), judge=_risk,
        remediation=Remediation("Block sign-ins of high risk for all users (needs Entra ID P2)."),
        mappings=nist("IA-2", "SI-4"), references=("ScubaGear MS.AAD.2.3v1",), services=("idp",),
    ),
    Check(
        id="M1032.1-05", title="AWS: root and every user of the console has a second factor",
        about="Root, and each user with a password, has an MFA device.",
        measures=(Measure.IAM, Measure.MFA_TOOL), severity=Severity.HIGH,
        needs=(Need((AccessPath,), "aws iam get-credential-report (decoded), aws iam get-account-summary", when=lambda path: path.product == "aws"),),
        judge=_aws, remediation=Remediation("Register a device for the user, or take the password away and use the identity center."),
        mappings=nist("IA-2(1)", "IA-2(2)"), references=("AWS IAM: credential reports",), services=("idp",),
    ),
    Check(
        id="M1032.1-06", title="Entra: no text messages, calls or e-mails as a factor",
        about="The methods Sms, Voice and Email are disabled.",
        measures=(Measure.IAM, Measure.AUTH_METHOD), severity=Severity.MEDIUM,
        needs=(Need((MethodSettings,), "az rest --url https://graph.microsoft.com/v1.0/policies/authenticationMethodsPolicy"),),
        judge=_methods, remediation=Remediation("Disable the methods once everybody has a better one.", "", "Who has no other method is locked out."),
        mappings=nist("IA-2(1)", "IA-5"), references=("ScubaGear MS.AAD.3.5v2", "ATT&CK T1111"), services=("idp",),
    ),
    Check(
        id="M1032.5-03", title="Entra: users are asked to enrol a second factor",
        about="The registration campaign of the authentication methods policy is enabled.",
        measures=(Measure.TRAINING, Measure.IAM), severity=Severity.MEDIUM,
        needs=(Need((MethodSettings,), "az rest --url https://graph.microsoft.com/v1.0/policies/authenticationMethodsPolicy"),),
        judge=_campaign, remediation=Remediation("Enable the registration campaign for all users, with few snoozes."),
        mappings=nist("IA-2(1)", "AT-2"), references=("Microsoft Entra: registration campaign",), services=("idp",),
    ),
)  # fmt: skip
