"""Sites of web servers: content security policies, and whether what carries a login is served over TLS only.

Every server and location that serves something is judged: who publishes a portal publishes all of it. A redirect serves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from gatewatch.audit.check import Check, Criterion, Ground, Need, Verdict, nist, stig
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.web import WebHeader, WebPlace
from gatewatch.schema.findings import Mapping, Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure

NEED = Need((WebPlace,), "cp -r /etc/nginx (or /etc/apache2) EVIDENCE/etc/")
CSP, REPORT = "content-security-policy", "content-security-policy-report-only"
_NONCE = re.compile(r"'nonce-\$\{?\w{1,64}\}?'")
Policy = dict[str, tuple[str, ...]]
Judged = tuple[bool | None, str, WebHeader | None]
Judge = Callable[[WebPlace], Judged]


def parse(value: str) -> Policy:
    """Return the directives of a policy; the first of a name counts, as browsers have it.

    >>> parse("default-src 'self'; script-src 'none'; script-src *")
    {'default-src': ("'self'",), 'script-src': ("'none'",)}
    """
    found: Policy = {}
    for part in value.split(";"):
        words = part.split()
        if words:
            found.setdefault(words[0].lower(), tuple(words[1:]))
    return found


def weaknesses(policy: Policy) -> list[str]:
    """Return why scripts of strangers run under *policy*; empty when they do not."""
    scripts = policy.get("script-src", policy.get("default-src"))
    if scripts is None:
        return ["neither default-src nor script-src"]
    low = [one.lower() for one in scripts]
    found = []
    guarded = any(one.startswith(("'nonce-", "'sha256-", "'sha384-", "'sha512-")) for one in low)
    dynamic = "'strict-dynamic'" in low and guarded  # browsers then ignore hosts and schemes
    if "'unsafe-inline'" in low and not guarded:
        found.append("'unsafe-inline'")
    found += [one for one in ("'unsafe-eval'",) if one in low]
    if not dynamic:
        found += [one for one in ("*", "data:", "blob:", "http:", "https:", "filesystem:") if one in low]
        found += [one for one in low if one.startswith(("*.", "http://*", "https://*")) and one.count(".") < 2]
    objects = policy.get("object-src", policy.get("default-src"))
    if objects is None or not {one.lower() for one in objects} <= {"'none'", "'self'"}:
        found.append("object-src is not 'none'")
    if "base-uri" not in policy:
        found.append("no base-uri")
    return found


def _policies(place: WebPlace, name: str = CSP) -> list[WebHeader]:
    return [one for one in place.headers if one.name == name]


def _present(place: WebPlace) -> Judged:
    found = _policies(place)
    if not found:
        lost = "; the one around it does not hold here, as this block has headers of its own" if CSP in place.lost else ""
        return False, f"no content security policy{lost}", None
    if not any(one.always for one in found):
        return False, "its content security policy is missing from errors: 'always' is not said", found[0]
    return True, "a content security policy, also of errors", found[0]


def _strict(place: WebPlace) -> Judged:
    found = _policies(place)
    if not found:
        return False, "no content security policy that could stop a script", None
    bad = [weaknesses(parse(one.value)) for one in found]  # all hold together: one strict one is enough
    best = min(bad, key=len)
    if "$" in _NONCE.sub("", "".join(one.value for one in found)):
        return None, "its policy holds a variable", found[0]
    return not best, "scripts of strangers do not run" if not best else f"lets scripts in: {', '.join(best)}", found[0]


def _framed(place: WebPlace) -> Judged:
    for one in _policies(place):
        ancestors = parse(one.value).get("frame-ancestors")
        if ancestors is not None:
            wide = [word for word in ancestors if word in {"*", "http:", "https:"}]
            return not wide, f"may be framed by {' '.join(ancestors)}", one
    old = next((one for one in place.headers if one.name == "x-frame-options"), None)
    if old is not None:
        return old.value.upper() in {"DENY", "SAMEORIGIN"}, f"X-Frame-Options {old.value}", old
    return False, "any site may frame it", None


def _enforced(place: WebPlace) -> Judged:
    found, trial = _policies(place), _policies(place, REPORT)
    if trial and not found:
        return False, "its policy is on trial only: it reports and stops nothing", trial[0]
    if not found:
        return False, "no content security policy", None
    told = any({"report-uri", "report-to"} & set(parse(one.value)) for one in (*found, *trial))
    return told, "what it stops is reported" if told else "nobody learns what it stops: no report-uri or report-to", found[0]


def _each(judge: Judge) -> Criterion:
    def criterion(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
        serving = [one for one in facts.of(WebPlace) if not one.redirects]
        for place in facts.of(WebPlace):
            if place.redirects and not any(one.host == place.host for one in serving):
                yield _told(place, Status.NOT_APPLICABLE, f"only sends elsewhere: {place.redirects}", None)
        for place in serving:
            good, said, header = judge(place)
            status = Status.UNKNOWN if good is None or place.uncertain else Status.PASS if good else Status.FAIL
            yield _told(place, status, f"{said}; {place.uncertain}" if place.uncertain else said, header)

    return criterion


def _told(place: WebPlace, status: Status, said: str, header: WebHeader | None) -> Verdict:
    return Verdict(
        status=status, host=place.host, message=said, subject=f"{place.site}{' ' + place.path if place.path else ''}", service="web",
        value=header.value[:200] if header is not None else "", where=((header.where,) if header is not None else ()) + place.where,
        resolved=f"headers in force by the inheritance of {place.product}", as_of=place.as_of,
    )  # fmt: skip


def _tls(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for place in facts.of(WebPlace):
        if place.path:
            continue
        hsts = next((one for one in place.headers if one.name == "strict-transport-security"), None)
        if not place.tls:
            good = place.redirects.startswith("https://") or place.redirects.startswith("status 4")
            said = f"plain HTTP, sends on to {place.redirects}" if good else "served over plain HTTP"
        elif place.redirects:
            good, said = True, f"TLS, sends on to {place.redirects}"
        else:
            age = next((part.partition("=")[2].strip() for part in (hsts.value if hsts else "").split(";") if part.strip().startswith("max-age")), "")
            good = age.isdigit() and int(age) >= 15_552_000
            said = f"TLS, and browsers keep to it for {age} seconds" if good else "TLS, but browsers are not told to keep to it (HSTS of 180 days)"
        yield _told(place, Status.UNKNOWN if place.uncertain else Status.PASS if good else Status.FAIL, said, hsts)


def _check(number: str, title: str, about: str, judge: Criterion, text: str, snippet: str, mappings: tuple[Mapping, ...],
           severity: Severity = Severity.MEDIUM) -> Check:  # fmt: skip
    return Check(
        id=number, title=title, about=about, measures=(Measure.CSP,), severity=severity, needs=(NEED,), judge=judge,
        remediation=Remediation(text, snippet, "A policy that is too strict breaks the page: try it report-only first."), mappings=mappings,
        references=("W3C Content Security Policy Level 3", "ngx_http_headers_module", "mod_headers"), services=("web",),
    )  # fmt: skip


CHECKS: tuple[Check, ...] = (
    _check("M1021.3-01", "Web: a content security policy holds everywhere",
           "Every server and location that serves something has Content-Security-Policy, also of errors, inheritance resolved.", _each(_present),
           "Add the header in every block that has headers of its own, with always.",
           "add_header Content-Security-Policy \"default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'\" always;",
           nist("SC-18")),
    _check("M1021.3-02", "Web: the policy stops scripts of strangers",
           "No wildcard, 'unsafe-inline' without nonce or hash, 'unsafe-eval' or data: for scripts; object-src and base-uri are set.", _each(_strict),
           "Name the sources of scripts, or use nonces.", "script-src 'self'; object-src 'none'; base-uri 'none'", nist("SC-18", "SC-18(4)")),
    _check("M1021.3-03", "Web: no stranger can frame the site",
           "frame-ancestors has no wildcard, or X-Frame-Options is DENY or SAMEORIGIN.", _each(_framed),
           "Set frame-ancestors.", "frame-ancestors 'none'", nist("SC-23")),
    _check("M1021.3-04", "Web: the policy is enforced, and what it stops is reported",
           "A policy is not only on trial, and has report-uri or report-to.", _each(_enforced),
           "Enforce the policy and give it a place to report to.", "report-to csp", nist("AU-12", "SI-4"), Severity.LOW),
    _check("M1021.3-05", "Web: served over TLS only",
           "Plain HTTP only redirects to https, and TLS servers say Strict-Transport-Security of at least 180 days.", _tls,
           "Redirect plain HTTP and add the header.", 'add_header Strict-Transport-Security "max-age=31536000" always;',
           (*nist("SC-8", "AC-17(2)"), *stig("Web Server SRG", "SRG-APP-000439-WSR-000151 (V-206434)"))),
)  # fmt: skip
