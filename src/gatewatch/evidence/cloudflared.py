"""Cloudflare's tunnels: the routes of ``cloudflared``, and the applications of Access that stand in front of them.

::

    tunnel: 6ff42ae2
    ingress:
      - hostname: ssh.example.com
        service: ssh://localhost:22
        originRequest: {access: {required: true, teamName: example, audTag: [abc]}}
      - service: http_status:404

``access`` counts under its route only: cloudflared ignores it in the ``originRequest`` at the top. References: Cloudflare One, "Configuration
file", "Origin parameters"; API "Access applications"; cloudflared issue 784.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Outcome, Rejected
from gatewatch.schema.facts.broker import AccessApplication, TunnelRoute

_TOP = re.compile(r"(?m)^ingress:")


def _applications(document: Document) -> bool:
    text = document.text[:20_000]
    return document.head.lstrip()[:1] in {"{", "["} and ('"self_hosted_domains"' in text or ('"decision"' in text and '"policies"' in text))


def _recognise(document: Document) -> int:
    if _applications(document):
        return SURE
    text = document.text[:20_000]
    if document.at("cloudflared/config.yml", "cloudflared/config.yaml", "cloudflared/*.yml"):
        return SURE
    return SURE if (_TOP.search(text) or '"ingress"' in text) and ("http_status:" in text or "tunnel:" in text or '"tunnel_id"' in text) else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        made: list[AccessApplication | TunnelRoute] = list(_apps(document, bundle) if _applications(document) else _routes(document, bundle))
        yield from made
        if not made:
            said = "has no ingress rules: they are managed by Cloudflare; bring the tunnel's configuration by its API"
            yield Rejected(document, document.fault or said)


def _routes(document: Document, bundle: Bundle) -> Iterator[TunnelRoute]:
    tree: Any = next(iter(document.yaml()), None)
    for key in ("result", "config"):
        if isinstance(tree, dict) and isinstance(tree.get(key), dict):
            tree = tree[key]
    rules = tree.get("ingress") if isinstance(tree, dict) else None
    rules = [rule for rule in rules if isinstance(rule, dict)] if isinstance(rules, list) else []
    for number, rule in enumerate(rules):
        asked = rule.get("originRequest")
        access = asked.get("access") if isinstance(asked, dict) else None
        hostname, service = str(rule.get("hostname") or ""), str(rule.get("service") or "")
        yield TunnelRoute(
            host=bundle.host, as_of=document.as_of, where=(document.spot(f"$.ingress[{number}]", f"{hostname or '(rest)'} -> {service}"),),
            hostname=hostname.lower(), service=service, checked=isinstance(access, dict) and access.get("required") is True,
            last=number == len(rules) - 1,
        )  # fmt: skip


def _apps(document: Document, bundle: Bundle) -> Iterator[AccessApplication]:
    tree = document.json()
    listed = tree.get("result") if isinstance(tree, dict) else tree
    for number, app in enumerate(listed if isinstance(listed, list) else ()):
        if not isinstance(app, dict):
            continue
        domains = [str(one) for one in (app.get("self_hosted_domains") or [app.get("domain")]) if one]
        policies = []
        for policy in app.get("policies") or ():
            if isinstance(policy, dict):
                rules = [name for rule in policy.get("include") or () if isinstance(rule, dict) for name in rule]
                policies.append((str(policy.get("name")), str(policy.get("decision")), tuple(rules)))
        yield AccessApplication(
            host=bundle.host, as_of=document.as_of, where=(document.spot(f"$.result[{number}]", str(app.get("name"))),), name=str(app.get("name")),
            domains=tuple(one.lower().partition("/")[0] for one in domains), policies=tuple(policies),
        )  # fmt: skip


FORMAT = Format(
    name="cloudflared",
    title="Cloudflare tunnels and Access applications",
    recognise=_recognise,
    read=_read,
    collect="cp /etc/cloudflared/config.yml EVIDENCE/etc/cloudflared/; curl .../accounts/ACCOUNT/access/apps > EVIDENCE/commands/access-apps.json",
    references=("Cloudflare One: Origin parameters", "Cloudflare API: Access applications"),
)
