"""Configuration files of Kubernetes that are objects: of kubelet, of the API server's authentication, of its audit policy.

Reference: Kubernetes "kubelet.config.k8s.io/v1beta1", "apiserver.config.k8s.io/v1", "audit.k8s.io/v1".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gatewatch.evidence.document import Bundle, Document
from gatewatch.schema.facts.base import Fact, Setting
from gatewatch.schema.facts.container import AuditPolicy, AuditRule, AuthenticationConfig, KubeletConfig

KEYS: tuple[tuple[str, str], ...] = (
    ("anonymous-auth", "authentication.anonymous.enabled"),
    ("authentication-token-webhook", "authentication.webhook.enabled"),
    ("client-ca-file", "authentication.x509.clientCAFile"),
    ("authorization-mode", "authorization.mode"),
    ("read-only-port", "readOnlyPort"),
    ("tls-cert-file", "tlsCertFile"),
    ("tls-private-key-file", "tlsPrivateKeyFile"),
    ("tls-min-version", "tlsMinVersion"),
    ("rotate-certificates", "rotateCertificates"),
    ("rotate-server-certificates", "serverTLSBootstrap"),
)
"""The settings of kubelet that are judged: the flag's name, and the path in its configuration file."""


def at(tree: Any, path: str) -> Any:
    """Return what stands at a dotted *path*; None where nothing does."""
    for name in path.split("."):
        tree = tree.get(name) if isinstance(tree, dict) else None
    return tree


def texts(tree: Any) -> tuple[str, ...]:
    """Return a list of scalars as text; of anything else, nothing."""
    return tuple(str(one) for one in tree if isinstance(one, (str, int, float))) if isinstance(tree, list) else ()


def word(value: Any) -> str:
    """Return a scalar as configuration writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def kubelet(document: Document, pointer: str, item: dict[str, Any], bundle: Bundle) -> Iterator[Fact]:
    """Yield the settings of a ``KubeletConfiguration``."""
    version = str(item.get("apiVersion", ""))
    doubt = "" if version == "kubelet.config.k8s.io/v1beta1" else f"version {version[:60] or '(none)'} of the format is not known"
    values = []
    for name, path in KEYS:
        found = at(item, path)
        if isinstance(found, (str, int, bool)):
            spot = document.spot(f"{pointer}.{path}", f"{path}: {word(found)}")
            values.append(Setting(name, word(found), f"{path} in {document.path}", spot, doubt))
    yield KubeletConfig(
        host=bundle.host, as_of=document.as_of, where=(document.spot(pointer, "kind: KubeletConfiguration"),), service="kubelet",
        values=tuple(values), path="/" + document.path.lstrip("/"), version=version,
    )  # fmt: skip


def authentication(document: Document, pointer: str, item: dict[str, Any], bundle: Bundle) -> Iterator[Fact]:
    """Yield what an ``AuthenticationConfiguration`` says of anonymous requests and issuers."""
    anonymous = item.get("anonymous")
    enabled = anonymous.get("enabled") if isinstance(anonymous, dict) else None
    conditions = anonymous.get("conditions") if isinstance(anonymous, dict) else None
    issuers = [at(one, "issuer.url") for one in item.get("jwt", ()) or () if isinstance(one, dict)] if isinstance(item.get("jwt"), list) else []
    yield AuthenticationConfig(
        host=bundle.host, as_of=document.as_of, where=(document.spot(f"{pointer}.anonymous", f"anonymous: {anonymous}"),),
        path="/" + document.path.lstrip("/"), anonymous=enabled if isinstance(enabled, bool) else None,
        conditions=tuple(str(one.get("path")) for one in conditions if isinstance(one, dict)) if isinstance(conditions, list) else (),
        issuers=tuple(str(one) for one in issuers if one),
    )  # fmt: skip


def audit_policy(document: Document, pointer: str, item: dict[str, Any], bundle: Bundle) -> Iterator[Fact]:
    """Yield an audit policy."""
    rules = []
    listed = item.get("rules")
    for number, rule in enumerate(listed if isinstance(listed, list) else ()):
        if not isinstance(rule, dict):
            continue
        resources = []
        narrow = bool(rule.get("namespaces") or rule.get("nonResourceURLs"))
        for entry in rule.get("resources") or () if isinstance(rule.get("resources"), list) else ():
            if not isinstance(entry, dict):
                continue
            narrow = narrow or bool(entry.get("resourceNames"))
            group = str(entry.get("group") or "")
            resources += [f"{group}/{one}" for one in texts(entry.get("resources"))] or [f"{group}/*"]
        spot = document.spot(f"{pointer}.rules[{number}]", f"level: {rule.get('level')}")
        rules.append(
            AuditRule(
                str(rule.get("level", "")), texts(rule.get("users")), texts(rule.get("userGroups")), texts(rule.get("verbs")), tuple(resources),
                narrow, spot,
            )
        )  # fmt: skip
    yield AuditPolicy(
        host=bundle.host, as_of=document.as_of, where=(document.spot(pointer, "kind: Policy"),), path="/" + document.path.lstrip("/"),
        rules=tuple(rules),
    )  # fmt: skip
