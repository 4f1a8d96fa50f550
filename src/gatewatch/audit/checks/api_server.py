"""kube-apiserver: anonymous requests, authorization, insecure doors, admission, audit and encryption."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gatewatch.audit.check import Check, Criterion, Ground, Need, Verdict, by_setting, cis, nist, stig
from gatewatch.schema.facts.base import Facts, Setting
from gatewatch.schema.facts.container import ApiServerSettings, AuditPolicy, AuditRule, AuthenticationConfig
from gatewatch.schema.findings import Mapping, Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure

NEED = Need((ApiServerSettings,), "cp /etc/kubernetes/manifests/kube-apiserver.yaml EVIDENCE/etc/kubernetes/manifests/ (or ps -ww -eo args)")
_HEALTH = frozenset({"/livez", "/readyz", "/healthz"})
Judge = Callable[[Facts, ApiServerSettings], Iterator[Verdict]]


def _each(judge: Judge) -> Criterion:
    def criterion(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
        for settings in facts.of(ApiServerSettings):
            yield from judge(facts, settings)

    return criterion


def _file(facts: Facts, settings: ApiServerSettings) -> tuple[str, AuthenticationConfig | None]:
    path = settings.text("authentication-config")
    return path, next((one for one in facts.of(AuthenticationConfig, settings.host) if one.path == path or path.endswith(one.path)), None)


def _anonymous(facts: Facts, settings: ApiServerSettings) -> Iterator[Verdict]:
    setting = settings.get("anonymous-auth")
    path, file = _file(facts, settings)
    if path and file is None:
        doubt = Setting("authentication-config", path, "flag --authentication-config", settings.where[0], f"{path} is not in the evidence")
        yield by_setting(settings, doubt, None, "anonymous requests", service="kube_api", subject="anonymous")
        return
    if file is not None and file.anonymous is not None:
        only = bool(file.conditions) and set(file.conditions) <= _HEALTH
        good = not file.anonymous or only
        said = "anonymous requests are refused" if not file.anonymous else (
            f"anonymous requests reach {', '.join(sorted(set(file.conditions)))} only" if only else "anonymous requests are accepted"
        )  # fmt: skip
        how = Setting("anonymous", str(file.anonymous).lower(), f"AuthenticationConfiguration {file.path}", file.where[0])
        yield by_setting(settings, how, good, said, service="kube_api", subject="anonymous")
        return
    good = setting is not None and setting.value == "false"
    said = "anonymous requests are refused" if good else "anonymous requests are accepted, as far as roles let them"
    yield by_setting(settings, setting, good, said, service="kube_api", subject="anonymous")


def _authorization(_facts: Facts, settings: ApiServerSettings) -> Iterator[Verdict]:
    config = settings.get("authorization-config")
    if config is not None:
        yield by_setting(settings, config, None, "authorization is set in a file that is not judged", service="kube_api", subject="authorization")
        return
    setting = settings.get("authorization-mode")
    modes = setting.value.split(",") if setting is not None else []
    good = "AlwaysAllow" not in modes and {"Node", "RBAC"} <= set(modes)
    said = "requests are authorized by node and role" if good else (
        "every request is allowed" if "AlwaysAllow" in modes else "Node and RBAC do not both authorize"
    )  # fmt: skip
    yield by_setting(settings, setting, good, said, service="kube_api", subject="authorization")


def _tokens(_facts: Facts, settings: ApiServerSettings) -> Iterator[Verdict]:
    found = settings.get("token-auth-file") or settings.get("basic-auth-file")
    setting = found or Setting("token-auth-file", "(not set)", "no flag gives one", settings.where[0] if settings.where else None)
    said = "a file of passwords that never expire lets people in" if found is not None else "no file of static credentials"
    yield by_setting(settings, setting, found is None, said, service="kube_api", subject="static credentials")


def _insecure(_facts: Facts, settings: ApiServerSettings) -> Iterator[Verdict]:
    port, address = settings.get("insecure-port"), settings.get("insecure-bind-address")
    found = port if port is not None and port.value != "0" else address
    none = Setting("insecure-port", "(not set)", "no flag opens it; it is gone since Kubernetes 1.24", settings.where[0] if settings.where else None)
    shown = found or port or none
    if port is None and address is None:
        shown = none
    said = "requests without any check are served" if found is not None else "no door without authentication"
    yield by_setting(settings, shown, found is None, said, service="kube_api", subject="insecure port")


def _admission(_facts: Facts, settings: ApiServerSettings) -> Iterator[Verdict]:
    on, off = settings.text("enable-admission-plugins").split(","), settings.text("disable-admission-plugins").split(",")
    good = "NodeRestriction" in on and "NodeRestriction" not in off and "AlwaysAdmit" not in on
    place = settings.where[0] if settings.where else None
    setting = settings.get("enable-admission-plugins") or Setting("enable-admission-plugins", "(not set)", "default of kube-apiserver", place)
    said = "NodeRestriction is on, AlwaysAdmit off" if good else "NodeRestriction is not on, or AlwaysAdmit is"
    yield by_setting(settings, setting, good, said, service="kube_api", subject="admission")


def _tls(_facts: Facts, settings: ApiServerSettings) -> Iterator[Verdict]:
    place = settings.where[0] if settings.where else None
    missing = [name for name in ("tls-cert-file", "tls-private-key-file", "client-ca-file", "etcd-cafile") if not settings.text(name)]
    old = settings.text("tls-min-version") in {"VersionTLS10", "VersionTLS11"}
    said = "TLS with certificates of its own, also towards etcd" if not missing and not old else (
        "TLS 1.1 or older is accepted" if old else f"not set: {', '.join(missing)}"
    )  # fmt: skip
    setting = settings.get("tls-min-version") or Setting("tls-min-version", "", "default", place)
    if missing:
        setting = Setting(missing[0], "(not set)", "no flag gives it", place)
    yield by_setting(settings, setting, not missing and not old, said, service="kube_api", subject="tls")


def _people(facts: Facts, settings: ApiServerSettings) -> Iterator[Verdict]:
    path, file = _file(facts, settings)
    place = settings.where[0] if settings.where else None
    issuer = settings.get("oidc-issuer-url")
    if path and file is None:
        issuer = Setting("authentication-config", path, "flag", place, f"{path} is not in the evidence")
    elif file is not None and file.issuers:
        issuer = Setting("jwt", " ".join(file.issuers), f"AuthenticationConfiguration {file.path}", file.where[0])
    good = issuer is not None
    said = "people log in by an identity provider" if good else "people have only client certificates and tokens, which ask for no second factor"
    shown = issuer or Setting("oidc-issuer-url", "(not set)", "no flag gives one", place)
    yield by_setting(settings, shown, good, said, service="kube_api", subject="people")


PROBES: tuple[tuple[str, str, str, str, str], ...] = (
    ("exec into a pod", "alice", "system:authenticated", "create", "/pods/exec"),
    ("attach to a pod", "alice", "system:authenticated", "create", "/pods/attach"),
    ("forward a port", "alice", "system:authenticated", "create", "/pods/portforward"),
    ("reach kubelet through nodes/proxy", "alice", "system:authenticated", "create", "/nodes/proxy"),
    ("bind a cluster role", "alice", "system:authenticated", "create", "rbac.authorization.k8s.io/clusterrolebindings"),
    ("an anonymous request", "system:anonymous", "system:unauthenticated", "get", "/secrets"),
)
"""Requests an attacker makes: what, user, group, verb, group/resource."""


def level(policy: AuditPolicy, user: str, group: str, verb: str, resource: str) -> tuple[str, AuditRule | None]:
    """Return the level at which the first matching rule logs a request, and the rule; ``None`` is the level of a request none matches.

    A rule that asks for more than the probe says (namespaces, names) may match: one that logs nothing then counts, one that logs does not.
    """
    for rule in policy.rules:
        api, _, kind = resource.partition("/")
        fits = (
            (not rule.users or user in rule.users)
            and (not rule.groups or group in rule.groups)
            and (not rule.verbs or verb in rule.verbs or "*" in rule.verbs)
            and (not rule.resources or any(_covers(one, api, kind) for one in rule.resources))
        )
        if fits and not (rule.narrow and rule.level != "None"):
            return rule.level, rule
    return "None", None


def _covers(pattern: str, api: str, kind: str) -> bool:
    """Return whether ``group/resource`` of a rule (``/pods``, ``/pods/*``, ``*/exec``, ``/*``) covers a resource and its subresource."""
    group, _, name = pattern.partition("/")
    main, slash, sub = kind.partition("/")
    return group in {api, "*"} and (name in {kind, "*"} or (bool(slash) and name in {f"*/{sub}", f"{main}/*"}))


def _audit(facts: Facts, settings: ApiServerSettings) -> Iterator[Verdict]:
    path = settings.get("audit-policy-file")
    target = settings.get("audit-log-path") or settings.get("audit-webhook-config-file")
    place = settings.where[0] if settings.where else None
    if path is None or target is None:
        name = "audit-policy-file" if path is None else "audit-log-path"
        setting = Setting(name, "(not set)", "no flag gives it", place)
        yield by_setting(settings, setting, False, "requests to the API are not logged", service="kube_api", subject="audit")
        return
    policy = next((one for one in facts.of(AuditPolicy, settings.host) if one.path == path.value or path.value.endswith(one.path)), None)
    if policy is None:
        doubt = Setting(path.name, path.value, path.how, path.where, f"{path.value} is not in the evidence")
        yield by_setting(settings, doubt, None, "what is logged", service="kube_api", subject="audit")
        return
    silent = []
    decided: tuple[object, ...] = policy.where
    for what, user, group, verb, resource in PROBES:
        found, rule = level(policy, user, group, verb, resource)
        if found not in {"Metadata", "Request", "RequestResponse"}:
            silent.append(what)
            decided = (rule.where,) if rule is not None and rule.where is not None and len(silent) == 1 else decided
    yield Verdict(
        status=Status.FAIL if silent else Status.PASS, host=settings.host, service="kube_api", subject="audit policy",
        message=f"not logged: {'; '.join(silent)}" if silent else "the requests an attacker makes are logged", value=policy.path,
        resolved=f"{len(PROBES)} requests put to the first matching rule", where=decided, as_of=policy.as_of,  # type: ignore[arg-type]
    )  # fmt: skip


def _check(number: str, title: str, about: str, judge: Judge, fix: Remediation, mappings: tuple[Mapping, ...], measures: tuple[Measure, ...],
           severity: Severity) -> Check:  # fmt: skip
    return Check(
        id=number, title=title, about=about, measures=measures, severity=severity, needs=(NEED,), judge=_each(judge), remediation=fix,
        mappings=mappings, references=("Kubernetes: kube-apiserver", "KEP-4633"), services=("kube_api",),
    )  # fmt: skip


CHECKS: tuple[Check, ...] = (
    _check(
        "M1035.1-04a", "API server: no anonymous requests",
        "--anonymous-auth is false, or AuthenticationConfiguration lets anonymous requests ask for health only.", _anonymous,
        Remediation("Set --anonymous-auth=false, or allow /livez, /readyz and /healthz only.", "- --anonymous-auth=false",
                    "Load balancers that probe without credentials need the health paths."),
        (*nist("AC-3", "IA-2", "AC-17"), *cis("Kubernetes", "2.1.0", "1.2.1"), *stig("Kubernetes", "CNTR-K8-000360 (V-242390)")),
        (Measure.ACCESS_AUDIT,), Severity.CRITICAL,
    ),
    _check(
        "M1035.1-04b", "API server: requests are authorized by node and role",
        "--authorization-mode has Node and RBAC and not AlwaysAllow.", _authorization,
        Remediation("Set --authorization-mode=Node,RBAC.", "- --authorization-mode=Node,RBAC", "Bind roles for every component first."),
        (*nist("AC-3", "AC-6"), *stig("Kubernetes", "CNTR-K8-000270")), (Measure.ACCESS_AUDIT,), Severity.CRITICAL,
    ),
    _check(
        "M1035.1-04c", "API server: no file of static credentials",
        "Neither --token-auth-file nor --basic-auth-file is set.", _tokens,
        Remediation("Remove the flag; give people an identity provider and programs service accounts."),
        nist("IA-2", "IA-5"), (Measure.ACCESS_AUDIT,), Severity.HIGH,
    ),
    _check(
        "M1042.2-06c", "API server: no port without authentication",
        "--insecure-port is absent or 0 and --insecure-bind-address absent.", _insecure,
        Remediation("Remove --insecure-port and --insecure-bind-address.", "- --insecure-port=0"),
        (*nist("CM-7", "AC-3"), *stig("Kubernetes", "CNTR-K8-000320", "CNTR-K8-000340")),
        (Measure.UNUSED_FEATURE, Measure.NETWORK_SERVICE), Severity.CRITICAL,
    ),
    _check(
        "M1042.5-04a", "API server: NodeRestriction on, AlwaysAdmit off",
        "--enable-admission-plugins holds NodeRestriction and not AlwaysAdmit.", _admission,
        Remediation("Add NodeRestriction to --enable-admission-plugins.", "- --enable-admission-plugins=NodeRestriction"),
        nist("CM-7", "AC-6"), (Measure.PLUGIN,), Severity.MEDIUM,
    ),
    _check(
        "M1035.7-05a", "API server: TLS 1.2 with certificates of its own, also towards etcd",
        "Certificate, key, client CA and etcd CA are set, and no TLS below 1.2 is accepted.", _tls,
        Remediation("Set --tls-cert-file, --tls-private-key-file, --client-ca-file, --etcd-cafile, and --tls-min-version=VersionTLS12."),
        nist("SC-8", "SC-23", "IA-5(2)"), (Measure.HARDENING,), Severity.HIGH,
    ),
    _check(
        "M1035.5-04", "API server: what an attacker does is logged",
        "An audit policy and a target are set, and exec, attach, port forwarding, nodes/proxy, role bindings and anonymous requests are logged.",
        _audit, Remediation("Log them at least at level Metadata.", "rules:\n- level: Metadata"),
        (*nist("AU-2", "AU-12"), *cis("Kubernetes", "2.1.0", "1.2.16", "3.2.1", "3.2.2")), (Measure.ACCESS_LOG,), Severity.MEDIUM,
    ),
    _check(
        "M1032.2-12", "API server: people log in by an identity provider",
        "An OIDC issuer is configured, by flag or AuthenticationConfiguration; what it asks for is the provider's to say.", _people,
        Remediation("Set --oidc-issuer-url, and give people no client certificates."), nist("IA-2(1)", "IA-2(2)"),
        (Measure.AUTH_METHOD,), Severity.MEDIUM,
    ),
)  # fmt: skip
