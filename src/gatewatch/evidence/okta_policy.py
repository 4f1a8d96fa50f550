"""Okta: the rules of sign-on policies and of authentication policies, as its API gives them.

::

    [{"name": "Catch-all Rule", "status": "ACTIVE", "priority": 99, "actions": {"appSignOn": {"access": "ALLOW",
      "verificationMethod": {"factorMode": "1FA", "type": "ASSURANCE"}}}}]

``GET /api/v1/policies?type=ACCESS_POLICY`` and ``.../policies/ID/rules``; rules may stand below their policy (``rules``, ``_embedded``).
Reference: Okta API, "Policies" (OKTA_SIGN_ON, ACCESS_POLICY).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Ignored, Outcome, Rejected
from gatewatch.evidence.kube_config import at, texts
from gatewatch.schema.facts.machine import Machine, System
from gatewatch.schema.facts.sign_on import SignOnRule

_DEPTH = 8


def _recognise(document: Document) -> int:
    text = document.text[:200_000]
    if document.head.lstrip()[:1] not in {"[", "{"}:
        return 0
    return SURE if '"appSignOn"' in text or ('"signon"' in text and '"access"' in text and '"actions"' in text) else 0


def _rules(tree: Any, pointer: str, policy: str, depth: int = 0) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield (pointer, policy, rule) of every rule in *tree*, whatever it was put into."""
    if depth > _DEPTH:
        return
    if isinstance(tree, list):
        for number, one in enumerate(tree):
            yield from _rules(one, f"{pointer}[{number}]", policy, depth + 1)
    elif isinstance(tree, dict):
        actions = tree.get("actions")
        if isinstance(actions, dict) and ("appSignOn" in actions or "signon" in actions):
            yield pointer, policy, tree
            return
        name = str(tree.get("name") or policy) if str(tree.get("type") or "") in {"ACCESS_POLICY", "OKTA_SIGN_ON"} else policy
        if isinstance(tree.get("policy"), dict):
            name = str(tree["policy"].get("name") or name)
        for key in ("rules", "_embedded", "value", "policies"):
            yield from _rules(tree.get(key), f"{pointer}.{key}", name, depth + 1)


def _links(chain: Any, depth: int = 0) -> int:
    """Return the least number of steps in a chain of authentication methods."""
    if depth > _DEPTH or not isinstance(chain, dict):
        return 0
    following = chain.get("next")
    inner = [_links(one, depth + 1) for one in following] if isinstance(following, list) and following else [0]
    return 1 + min(inner)


def _factors(action: dict[str, Any]) -> int | None:
    method = action.get("verificationMethod")
    if not isinstance(method, dict):
        return None
    chains = method.get("chains")
    if str(method.get("type")) == "AUTH_METHOD_CHAIN" and isinstance(chains, list) and chains:
        return min(_links(one) for one in chains)
    return {"1FA": 1, "2FA": 2}.get(str(method.get("factorMode")))


def _rule(document: Document, bundle: Bundle, pointer: str, policy: str, rule: dict[str, Any]) -> SignOnRule:
    application = at(rule, "actions.appSignOn")
    action = application if isinstance(application, dict) else at(rule, "actions.signon")
    action = action if isinstance(action, dict) else {}
    asked = action.get("requireFactor")
    only = [f"network {str(at(rule, 'conditions.network.connection')).lower()}"] if at(rule, "conditions.network.connection") not in {
        None, "ANYWHERE"} else []  # fmt: skip
    only += ["groups"] if texts(at(rule, "conditions.people.groups.include")) else []
    only += ["devices that are managed"] if at(rule, "conditions.device.managed") is True else []
    return SignOnRule(
        host=bundle.host, as_of=document.as_of, where=(document.spot(pointer, f"{rule.get('name')}: {action.get('access')}"),), product="okta",
        policy=policy, name=str(rule.get("name") or rule.get("id") or pointer), kind="app" if isinstance(application, dict) else "session",
        allow=str(action.get("access", "ALLOW")).upper() == "ALLOW",
        factors=_factors(action) if isinstance(application, dict) else (2 if asked is True else 1 if asked is False else None),
        early="primaryFactor" in action, only=tuple(only),
    )  # fmt: skip


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        tree = document.json()
        if tree is None:
            yield Rejected(document, document.fault)
            continue
        found = False
        for pointer, policy, rule in _rules(tree, "$", ""):
            if str(rule.get("status", "ACTIVE")).upper() == "ACTIVE":
                found = True
                yield _rule(document, bundle, pointer, policy, rule)
        if not found:
            yield Ignored(document, "lists no rule that is in force")
            continue
        yield Machine(host=bundle.host, as_of=document.as_of, where=(document.spot("$"),), system=System.CLOUD, product="Okta organization")


FORMAT = Format(
    name="okta-policies",
    title="Okta: rules of sign-on and authentication policies",
    recognise=_recognise,
    read=_read,
    collect=(
        "for each policy of GET /api/v1/policies?type=ACCESS_POLICY (and OKTA_SIGN_ON): GET /api/v1/policies/ID/rules > "
        "EVIDENCE/ORG/commands/okta-ID.json"
    ),
    references=("Okta API: Policies",),
)
