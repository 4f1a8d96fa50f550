"""kubelet: who may ask it to run commands in pods."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gatewatch.audit.check import Check, Criterion, Ground, Need, Verdict, by_setting, nist, stig
from gatewatch.schema.facts.base import Facts, Setting
from gatewatch.schema.facts.container import KubeletSettings
from gatewatch.schema.findings import Remediation
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure

NEED = Need((KubeletSettings,), "ps -ww -eo args > EVIDENCE/commands/ps.txt, and cp /var/lib/kubelet/config.yaml EVIDENCE/var/lib/kubelet/")
_LOCKOUT = "The API server itself must authenticate: give it --kubelet-client-certificate first, or logs and exec stop working."


def _each(name: str, good: Callable[[str], bool], right: str, wrong: str) -> Criterion:
    def criterion(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
        for settings in facts.of(KubeletSettings):
            setting: Setting | None = settings.get(name)
            fine = setting is not None and good(setting.value)
            yield by_setting(settings, setting, fine, right if fine else wrong, service="kubelet", subject=name)

    return criterion


def _certificate(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for settings in facts.of(KubeletSettings):
        file, asked = settings.get("tls-cert-file"), settings.get("rotate-server-certificates")
        good = bool(settings.text("tls-cert-file")) or settings.text("rotate-server-certificates") == "true"
        chosen = file if file is not None and file.value else asked
        said = "its certificate can be checked" if good else "it serves with a certificate it signed itself"
        yield by_setting(settings, chosen, good, said, service="kubelet", subject="certificate")


def _check(number: str, title: str, about: str, judge: Criterion, text: str, snippet: str, rules: tuple[str, ...], controls: tuple[str, ...],
           measures: tuple[Measure, ...], severity: Severity = Severity.CRITICAL) -> Check:  # fmt: skip
    return Check(
        id=number, title=title, about=about, measures=measures, severity=severity, needs=(NEED,), judge=judge,
        remediation=Remediation(text, snippet, _LOCKOUT), mappings=(*nist(*controls), *(stig("Kubernetes", *rules) if rules else ())),
        references=("Kubernetes: Kubelet authentication/authorization", "kubelet.config.k8s.io/v1beta1"), services=("kubelet",),
    )  # fmt: skip


_AUDIT = (Measure.ACCESS_AUDIT,)
CHECKS: tuple[Check, ...] = (
    _check(
        "M1035.1-05a", "kubelet: no anonymous requests",
        "authentication.anonymous.enabled is false in force, by file, flag or the default of its regime.",
        _each("anonymous-auth", lambda value: value == "false", "anonymous requests are refused", "anybody who reaches the port is let in unnamed"),
        "Set authentication.anonymous.enabled to false.", "authentication:\n  anonymous:\n    enabled: false",
        ("CNTR-K8-000370",), ("AC-3", "IA-2", "CM-6"), _AUDIT,
    ),
    _check(
        "M1035.1-05b", "kubelet: every request is authorized",
        "authorization.mode is Webhook in force.",
        _each("authorization-mode", lambda value: value == "Webhook", "the API server is asked for each request", "every request is allowed"),
        "Set authorization.mode to Webhook.", "authorization:\n  mode: Webhook", ("CNTR-K8-000380",), ("AC-3", "AC-6"), _AUDIT,
    ),
    _check(
        "M1035.1-05c", "kubelet: client certificates are checked against a CA",
        "authentication.x509.clientCAFile is set.",
        _each("client-ca-file", bool, "client certificates are checked", "no CA is set, so that no client certificate is accepted or checked"),
        "Set authentication.x509.clientCAFile.", "authentication:\n  x509:\n    clientCAFile: /etc/kubernetes/pki/ca.crt", (), ("IA-2", "IA-5(2)"),
        _AUDIT, Severity.HIGH,
    ),
    _check(
        "M1042.2-06b", "kubelet: no read-only port",
        "readOnlyPort is 0 in force.",
        _each("read-only-port", lambda value: value == "0", "no read-only port", "pods and their settings can be read without authentication"),
        "Set readOnlyPort to 0.", "readOnlyPort: 0", ("CNTR-K8-000330",), ("CM-7", "AC-3"),
        (Measure.UNUSED_FEATURE, Measure.NETWORK_SERVICE), Severity.HIGH,
    ),
    _check(
        "M1035.7-05b", "kubelet: serves with a certificate of its own",
        "tlsCertFile is set, or serverTLSBootstrap is true, so that nobody can pose as the node.",
        _certificate,
        "Set serverTLSBootstrap to true, or tlsCertFile and tlsPrivateKeyFile.", "serverTLSBootstrap: true", (), ("SC-8", "SC-23"),
        (Measure.HARDENING,), Severity.MEDIUM,
    ),
)  # fmt: skip
