"""Multi-factor authentication of sshd: every way in, through AuthenticationMethods, PAM and Match blocks."""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.audit.check import Check, Ground, Need, Verdict, nist, stig
from gatewatch.audit.factor import judge_path
from gatewatch.audit.pam_way import results
from gatewatch.schema.facts.access import AccessPath, FactorKind
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.ssh import PamStack, SshdSettings
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure

_COLLECT = "sudo sshd -T > EVIDENCE/commands/sshd-T.txt, and cp -r /etc/ssh /etc/pam.d EVIDENCE/etc/"
_LOCKOUT = "Enrol every user first, keep a session open, and log in anew before you close it."
_SNIPPET = "AuthenticationMethods publickey,keyboard-interactive\nKbdInteractiveAuthentication yes\nPasswordAuthentication no\nUsePAM yes"


def _paths(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    for path in facts.of(AccessPath):
        if path.product == "sshd":
            yield judge_path(path, ground.site.posture)


def _optional(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for stack in facts.of(PamStack):
        if stack.service != "sshd":
            continue
        lines = [line for line in stack.lines if line.kind == "auth"]
        second = [line for line in lines if any(one[1] is not None and one[1].kind is FactorKind.POSSESSION for one in results(line))]
        if not second:
            yield Verdict(
                status=Status.NOT_APPLICABLE, host=stack.host, message="the stack of sshd asks for no second factor", service="ssh",
                subject="pam sshd", where=stack.where[:1], as_of=stack.as_of,
            )  # fmt: skip
        for line in second:
            lax = next((word for word in line.arguments if word in {"nullok", "nouserok"}), "")
            said = f"{lax}: who has not enrolled is let in without a second factor" if lax else "who has not enrolled is not let in"
            yield Verdict(
                status=Status.FAIL if lax else Status.PASS, host=stack.host, message=f"{line.module}: {said}", service="ssh",
                subject=f"pam sshd {line.module}", value=" ".join((line.module, *line.arguments)), resolved="as written", where=(line.where,),
                as_of=stack.as_of,
            )  # fmt: skip


CHECKS: tuple[Check, ...] = (
    Check(
        id="M1032.2-01",
        title="sshd: every way in asks for several factors",
        about=(
            "Each list of AuthenticationMethods, each method that is on, and each way through the PAM stack proves two kinds of factors, in the "
            "global part and in every Match block; a FIDO key that verifies its user is enough."
        ),
        measures=(Measure.AUTH_METHOD, Measure.MFA_TOOL),
        severity=Severity.HIGH,
        needs=(Need((AccessPath,), _COLLECT, when=lambda path: path.product == "sshd"), Need((SshdSettings,), _COLLECT)),
        judge=_paths,
        remediation=Remediation("Ask for a key and a one-time code, and let no Match block ask for less.", _SNIPPET, _LOCKOUT),
        mappings=(*nist("IA-2(1)", "IA-2(2)", "AC-17"), *stig("Ubuntu 22.04", "UBTU-22-612010", "UBTU-22-612020")),
        references=("sshd_config(5)", "NIST SP 800-63B"),
        services=("ssh",),
    ),
    Check(
        id="M1032.2-02",
        title="PAM: the second factor of sshd cannot be left out",
        about="No one-time-code or token module in the stack of sshd has nullok or nouserok.",
        measures=(Measure.AUTH_METHOD,),
        severity=Severity.HIGH,
        needs=(Need((PamStack,), "cp -r /etc/pam.d EVIDENCE/etc/", when=lambda stack: stack.service == "sshd"),),
        judge=_optional,
        remediation=Remediation("Remove nullok once everybody has enrolled.", "auth required pam_google_authenticator.so", _LOCKOUT),
        mappings=nist("IA-2(1)", "IA-2(2)", "IA-5"),
        references=("pam_google_authenticator(8)", "pam_u2f(8)"),
        services=("ssh",),
    ),
)
