"""Rules that alert, as a SIEM exports them: Sigma (YAML), Elastic (NDJSON), Microsoft Sentinel (ARM template or API), Splunk (savedsearches.conf).

::

    title: Many refused prompts
    logsource: {product: azure, service: signinlogs}
    detection: {selection: {ResultType: 500121}, condition: selection}

What a rule is about is told by its name and query: ``mfa-refused`` (prompts denied again and again), ``factor-changed`` (a method registered
or removed), ``policy-changed`` (a policy of sign-ins), ``guessing`` (failed logins, spraying), ``tor``. A rule that is off counts for nothing.
References: Sigma specification; Elastic detections API; Microsoft.SecurityInsights/alertRules; savedsearches.conf.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import LIKELY, SURE, Format, Outcome, Rejected
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.identity import AlertRule

_FACTOR = r"(?:\bmfa\b|multi-?factor|\b2fa\b|two-?factor|strong authentication|authenticator|security info)"
_ENDED = r"(?:disabl|remov|delet|reset|deregister)"
_ADDED = r"(?:regist|enrol|added|new device|new method)"
TOPICS: dict[str, re.Pattern[str]] = {
    "mfa-refused": re.compile(
        rf"(?i)\b500121\b|fatigue|push bomb|prompt bomb|{_FACTOR}.{{0,60}}(?:denied|declin|refus|reject|fail|interrupt|unanswered)"
        rf"|(?:denied|declin|refus|reject|failed).{{0,40}}{_FACTOR}"
    ),
    "factor-changed": re.compile(
        rf"(?i)registered security info|{_FACTOR}.{{0,60}}(?:{_ADDED}|{_ENDED})|(?:{_ADDED}|{_ENDED}).{{0,60}}{_FACTOR}"
    ),
    "policy-changed": re.compile(
        r"(?i)conditional access.{0,80}(?:updat|chang|delet|modif|add|disabl)|(?:updat|delet|modif|chang|disabl)\w{0,5} conditional access"
    ),
    "guessing": re.compile(
        r"(?i)brute|spray|\b50126\b|\b4625\b|credential stuffing|(?:many|multiple|repeated|excessive).{0,30}fail|fail\w{0,4}.{0,20}log-?o?i?n"
    ),
    "tor": re.compile(r"(?i)\btor\b|\.onion|anonymi[sz]er"),
}  # fmt: skip
_STANZA = re.compile(r"\[([^\]]{1,200})\]\s*$")
_CAP = 20_000  # characters of a rule that are looked at


def topics(text: str) -> tuple[str, ...]:
    """Return what a rule is about.

    >>> topics("Repeated MFA prompts denied by the user"), topics("A method was added: User registered security info"), topics("DNS tunnel")
    (('mfa-refused',), ('factor-changed',), ())
    """
    flat = " ".join(text[:_CAP].split())
    return tuple(name for name, pattern in TOPICS.items() if pattern.search(flat))


def _recognise(document: Document) -> int:
    head = document.head
    if document.at("savedsearches.conf"):
        return SURE
    if re.search(r"(?m)^logsource:", head) and re.search(r"(?m)^detection:", document.text[:40_000]):
        return SURE
    if '"rule_id"' in document.text[:40_000] and '"risk_score"' in document.text[:40_000]:
        return SURE
    return LIKELY + 10 if "Microsoft.SecurityInsights" in document.text[:40_000] and "alertRules" in document.text[:40_000] else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        made = list(_rules(document, bundle))
        yield from made
        if not made:
            yield Rejected(document, document.fault or "holds no rule that could be read")


def _rules(document: Document, bundle: Bundle) -> Iterator[AlertRule]:
    if document.at("savedsearches.conf"):
        yield from _splunk(document, bundle)
    elif "logsource:" in document.text:
        for number, tree in enumerate(document.yaml()):
            if isinstance(tree, dict) and "detection" in tree and "title" in tree:
                status = str(tree.get("status", "")).lower()
                text = f"{tree['title']} {tree.get('description', '')} {json.dumps(tree['detection'], default=str)}"
                yield _rule(bundle, document, document.spot(f"$[{number}]", str(tree["title"])), str(tree["title"]), "sigma", status not in {
                    "deprecated", "unsupported"}, text)  # fmt: skip
    elif '"rule_id"' in document.text[:40_000]:
        yield from _elastic(document, bundle)
    else:
        yield from _sentinel(document, bundle)


def _rule(bundle: Bundle, document: Document, where: Where, name: str, product: str, enabled: bool | None, text: str) -> AlertRule:
    return AlertRule(host=bundle.host, as_of=document.as_of, where=(where,), name=name, product=product, enabled=enabled, topics=topics(text))


def _elastic(document: Document, bundle: Bundle) -> Iterator[AlertRule]:
    for number, line in enumerate(document.lines, 1):
        try:
            tree = json.loads(line) if line.strip() else None
        except (ValueError, RecursionError):
            continue
        if isinstance(tree, dict) and "rule_id" in tree and "name" in tree:
            enabled = tree.get("enabled")
            text = f"{tree['name']} {tree.get('description', '')} {tree.get('query', '')}"
            name = str(tree["name"])
            yield _rule(bundle, document, Where(document.name, number, name), name, "elastic", enabled if isinstance(enabled, bool) else None, text)


def _sentinel(document: Document, bundle: Bundle) -> Iterator[AlertRule]:
    tree = document.json()
    listed = tree.get("resources") or tree.get("value") if isinstance(tree, dict) else tree
    for number, one in enumerate(listed if isinstance(listed, list) else ()):
        held: Any = one.get("properties") if isinstance(one, dict) else None
        if isinstance(held, dict) and held.get("displayName"):
            enabled, name = held.get("enabled"), str(held["displayName"])
            text = f"{name} {held.get('description', '')} {held.get('query', '')}"
            where = document.spot(f"$[{number}].properties", name)
            yield _rule(bundle, document, where, name, "sentinel", enabled if isinstance(enabled, bool) else None, text)


def _splunk(document: Document, bundle: Bundle) -> Iterator[AlertRule]:
    name, start, held = "", 0, dict[str, str]()
    for number, line in enumerate([*document.lines, "[end]"], 1):
        stanza = _STANZA.match(line)
        if stanza is None:
            key, mark, value = line.partition("=")
            if mark and not line.startswith(("#", " ")):
                held[key.strip().lower()] = value.strip()
            continue
        if name and name != "default" and "search" in held:
            scheduled = held.get("enablesched", held.get("is_scheduled", "0")).lower() in {"1", "true"}
            enabled = scheduled and held.get("disabled", "0").lower() in {"0", "false"}
            text = f"{name} {held.get('description', '')} {held['search']}"
            yield _rule(bundle, document, Where(document.name, start, f"[{name}]"), name, "splunk", enabled, text)
        name, start, held = stanza[1], number, {}


FORMAT = Format(
    name="alert-rule",
    title="Rules that alert (Sigma, Elastic, Sentinel, Splunk)",
    recognise=_recognise,
    read=_read,
    collect="cp -r sigma/rules EVIDENCE/commands/; or Elastic's rules_export.ndjson; "
    "az sentinel alert-rule list > EVIDENCE/commands/sentinel-rules.json; savedsearches.conf",
    references=("Sigma specification", "Elastic detections API: export rules", "Microsoft.SecurityInsights/alertRules", "savedsearches.conf"),
)
