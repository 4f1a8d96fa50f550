"""What no configuration says: training and policy, on the word of an owner, with a date and an expiry."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from gatewatch.audit.check import Check, Criterion, Ground, Verdict, nist
from gatewatch.audit.run import EVERYWHERE
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure

YEAR = timedelta(days=365)


def attested(topic: str, what: str, term: timedelta = YEAR) -> Criterion:
    """Return a criterion that an entry of ``[[attested]]`` about *topic* is there and counts today."""

    def criterion(_facts: Facts, ground: Ground) -> Iterator[Verdict]:
        entries = [entry for entry in ground.site.posture.attested if entry.topic == topic]
        if not entries:
            said = f"{what}: ask who answers for it, and declare it in [[attested]] (topic = '{topic}')"
            yield Verdict(status=Status.MANUAL, host=EVERYWHERE, message=said)
        for entry in entries:
            until = min(entry.until or entry.done + term, entry.done + term)
            said = f"{what}: {entry.owner}, done {entry.done}, counts until {until}" + (f" ({entry.document})" if entry.document else "")
            good = entry.done <= ground.today <= until
            yield Verdict(
                status=Status.MANUAL if good else Status.FAIL,
                host=EVERYWHERE,
                message=said if good else f"{said}: {'expired' if ground.today > until else 'lies in the future'}",
                value=str(entry.done),
                resolved="on the owner's word, in gatewatch.toml",
                subject=entry.owner,
            )

    return criterion


def _break_glass(_facts: Facts, ground: Ground) -> Iterator[Verdict]:
    entries = ground.site.posture.break_glass
    if not entries:
        yield Verdict(status=Status.MANUAL, host=EVERYWHERE, message="no account for emergencies is declared in [[break_glass]]")
    for entry in entries:
        expired = entry.until is not None and entry.until < ground.today
        said = f"{entry.account}: owner {entry.owner}, {entry.why}" + (f"; expired on {entry.until}" if expired else "")
        yield Verdict(status=Status.FAIL if expired else Status.MANUAL, host=EVERYWHERE, message=said, subject=entry.account)


def _check(number: str, title: str, about: str, judge: Criterion, text: str, severity: Severity = Severity.LOW) -> Check:
    return Check(
        id=f"M1032.5-{number}", title=title, about=about, measures=(Measure.TRAINING,), severity=severity, needs=(), judge=judge,
        remediation=Remediation(text), mappings=nist("AT-2", "PL-4", "AC-17"), automated=False,
    )  # fmt: skip


CHECKS: tuple[Check, ...] = (
    _check(
        "01", "A policy names remote access and who answers for it",
        "[[attested]] topic 'mfa-policy' has an owner and was reviewed within a year.",
        attested("mfa-policy", "policy of remote access and multi-factor authentication"), "Review the policy every year and declare it.",
    ),
    _check(
        "02", "Users of remote access are trained",
        "[[attested]] topic 'training' has an owner and was done within a year.",
        attested("training", "training of those who use remote access"),
        "Train every user of remote access once a year; say what to do about a prompt they did not cause.",
    ),
    _check(
        "05", "Accounts for emergencies have owners and expiry",
        "Every entry of [[break_glass]] has an owner and has not expired.",
        _break_glass, "Keep two such accounts, with security keys, and alert on their use.", Severity.MEDIUM,
    ),
)  # fmt: skip
