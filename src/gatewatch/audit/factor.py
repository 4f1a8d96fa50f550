"""The algebra of factors: whether every way through a door asks for two kinds, decided by what is asked for and never by a keyword.

A way passes with two distinct kinds among knowledge, possession, inherence and device, or with one factor that proves two by itself. What
is delegated counts as the site says of the provider; of a provider it says nothing about, nothing is known, but that what a user types beside a
certificate (RADIUS, LDAP, a script) is another kind than the certificate.
A key or certificate in a file is a kind of its own beside what is held in the hand (a token, a phone): who copies the file does not hold the
token. NIST counts both as possession; a key and a one-time code pass here, two keys, or a password asked for twice, are one kind.
Source: NIST SP 800-63B, sections 4.2 and 5.1.
"""

from __future__ import annotations

from gatewatch.audit.check import Verdict
from gatewatch.schema.facts.access import AccessPath, Factor, FactorKind, Way
from gatewatch.schema.findings import Status
from gatewatch.site.posture import Posture

MULTI, SINGLE, OPEN = "several factors", "a single factor", "no authentication"


def kinds(way: Way, posture: Posture) -> tuple[set[FactorKind], list[str], bool]:
    """Return the kinds of a way, the providers nothing is known of, and whether one factor is enough by itself."""
    found: set[FactorKind] = set()
    unknown: list[str] = []
    enough = False
    for factor in way.factors:
        if factor.multi:
            enough = True
        if factor.kind is not FactorKind.DELEGATED:
            found.add(factor.kind)
            continue
        several = _asks_for_several(factor, posture)
        if several is None:
            unknown.append(factor.provider or factor.method)
        elif several:
            enough = True
        else:
            found.add(FactorKind.KNOWLEDGE)
    return found, unknown, enough


def _asks_for_several(factor: Factor, posture: Posture) -> bool | None:
    """Return whether a provider asks for several factors; None where the site does not say. By its name, else by all of its addresses."""
    named = posture.provider(factor.provider) or posture.provider(factor.method)
    if named is not None:
        return named.mfa
    found = [posture.provider(one) for one in factor.servers]
    if not found or None in found:  # any of them may be the one that answers
        return None
    return all(one.mfa for one in found if one is not None)


_PROMPTS = ("radius", "ldap", "tacacs", "kerberos", "nt", "script", "checks")
"""Methods by which a user types something that a server checks: whatever it is, it is no certificate."""


def _prompts(factor: Factor) -> bool:
    """Return whether the device itself asks for something to type and hands that on; what a web login or EAP asks for is out of its hands."""
    return factor.prompts or factor.method.casefold().split(" ")[0] in _PROMPTS


def weigh(way: Way, posture: Posture) -> tuple[Status, str]:
    """Return whether one way asks for several factors, and why, in words."""
    if not way.factors:
        return (Status.UNKNOWN, f"{way.label}: {way.uncertain}") if way.uncertain else (Status.FAIL, f"{way.label}: {OPEN}")
    found, unknown, enough = kinds(way, posture)
    if way.uncertain:
        return Status.UNKNOWN, f"{way.label}: {way.uncertain}"
    if enough or len(found) > 1:
        return Status.PASS, f"{way.label}: {MULTI}"
    if unknown and found == {FactorKind.DEVICE} and all(_prompts(factor) for factor in way.factors if factor.kind is FactorKind.DELEGATED):
        return Status.PASS, f"{way.label}: {MULTI}, the certificate and what {unknown[0]!r} asks for"
    if unknown:
        names = ", ".join(repr(name) for name in dict.fromkeys(unknown))
        return Status.MANUAL, f"{way.label}: what {names} asks for is not in the evidence; declare it in [[mfa_providers]]"
    only = next(iter(found))
    return Status.FAIL, f"{way.label}: only {only}" + (" (asked for more than once)" if len(way.factors) > 1 else "")


def judge_path(path: AccessPath, posture: Posture) -> Verdict:
    """Return the verdict on a door: it passes when every way does; the worst way is told first."""
    if not path.enabled:
        return Verdict(
            status=Status.NOT_APPLICABLE, host=path.host, message=f"{path.name}: configured, but nobody can come this way", service=path.service,
            subject=path.name, where=path.where[:1], as_of=path.as_of,
        )  # fmt: skip
    if not path.ways:
        return Verdict(
            status=Status.UNKNOWN, host=path.host, message=f"{path.name}: the evidence does not say how users prove who they are",
            service=path.service, subject=path.name, where=path.where[:1], as_of=path.as_of,
        )  # fmt: skip
    order = (Status.FAIL, Status.UNKNOWN, Status.MANUAL, Status.PASS)
    weighed = sorted(((*weigh(way, posture), way) for way in path.ways), key=lambda one: order.index(one[0]))
    status, reason, worst = weighed[0]
    same = sum(1 for one in weighed if one[0] is status)
    more = f" (and {same - 1} more such ways)" if status is not Status.PASS and same > 1 else ""
    message = f"every one of {len(weighed)} ways asks for several factors" if status is Status.PASS else f"{reason}{more}"
    return Verdict(
        status=status,
        host=path.host,
        message=message,
        value="; ".join(dict.fromkeys(way.label for _, _, way in weighed))[:400],
        resolved=f"{len(weighed)} ways weighed, each factor by its kind",
        where=(worst.where or path.where)[:4],
        service=path.service,
        subject=path.name,
        as_of=path.as_of,
    )


def password(method: str = "password") -> Factor:
    """Return a factor of knowledge."""
    return Factor(FactorKind.KNOWLEDGE, method)
