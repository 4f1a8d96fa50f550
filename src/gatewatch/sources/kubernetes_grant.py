"""What requests to a Kubernetes API server change of accounts, rights and doors: bindings, tokens, roles, webhooks, services."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from gatewatch.schema.events import Kind
from gatewatch.sources import kubernetes_spec as spec
from gatewatch.sources.kubernetes_request import Request

_CHANGES = frozenset({"create", "update", "patch"})
_BROAD = frozenset({"system:anonymous", "system:unauthenticated", "system:authenticated", "system:serviceaccounts"})
_TOKEN_SECRET = "kubernetes.io/service-account-token"  # noqa: S105 - a type
_OPEN_TYPES = ("NodePort", "LoadBalancer")


def _name(request: Request, body: dict[str, Any]) -> str | None:
    name = request.name or spec.mapping(body.get("metadata")).get("name")
    return name if isinstance(name, str) else None


def _subject(one: Any) -> str | None:
    """Return a subject of a binding as the audit log names it as a user."""
    subject = spec.mapping(one)
    name, place = subject.get("name"), subject.get("namespace")
    if not isinstance(name, str):
        return None
    if subject.get("kind") == "ServiceAccount":
        return f"system:serviceaccount:{place}:{name}" if isinstance(place, str) else f"system:serviceaccount:{name}"
    return name


def _binding(request: Request) -> Iterator[dict[str, Any]]:
    if request.verb not in _CHANGES or request.subresource:
        return
    body = request.object()
    subjects = spec.words(_subject(one) for one in spec.items(body.get("subjects")))
    role = spec.mapping(body.get("roleRef")).get("name")
    yield {
        "kind": Kind.ACCOUNT_CHANGE,
        "pattern": "cluster-role-bound" if request.resource == "clusterrolebindings" else "role-bound",
        "object": role if isinstance(role, str) else _name(request, body),
        "target_user": subjects[0] if subjects else None,
        "extra": {
            "binding": _name(request, body),
            "role": role if isinstance(role, str) else None,
            "subjects": ",".join(subjects),
            "broad": "yes" if _BROAD & set(subjects) else None,
        },
    }


def _role(request: Request) -> Iterator[dict[str, Any]]:
    if request.verb not in _CHANGES or request.subresource:
        return
    body = request.object()
    pattern = "role-created" if request.verb == "create" else "role-changed"
    yield {"kind": Kind.CONFIG_CHANGE, "pattern": pattern, "extra": {"risk": ",".join(spec.allowed(body.get("rules")))}}


def _service_account(request: Request) -> Iterator[dict[str, Any]]:
    if request.verb != "create" or request.subresource not in {"", "token"}:
        return
    name = request.name or spec.mapping(request.object().get("metadata")).get("name")
    account = f"system:serviceaccount:{request.namespace}:{name}" if request.namespace and isinstance(name, str) else None
    pattern = "token-issued" if request.subresource else "service-account-created"
    yield {"kind": Kind.ACCOUNT_CHANGE, "pattern": pattern, "target_user": account}


def _secret(request: Request) -> Iterator[dict[str, Any]]:
    if request.verb != "create" or request.subresource:
        return
    body = request.object()
    if body.get("type") != _TOKEN_SECRET:
        return
    holder = spec.mapping(spec.mapping(body.get("metadata")).get("annotations")).get("kubernetes.io/service-account.name")
    account = f"system:serviceaccount:{request.namespace}:{holder}" if request.namespace and isinstance(holder, str) else None
    yield {"kind": Kind.ACCOUNT_CHANGE, "pattern": "token-secret-created", "target_user": account}


def _certificate(request: Request) -> Iterator[dict[str, Any]]:
    if request.subresource == "approval" and request.verb in _CHANGES:
        yield {"kind": Kind.ACCOUNT_CHANGE, "pattern": "certificate-approved"}
    elif not request.subresource and request.verb == "create":
        yield {"kind": Kind.ACCOUNT_CHANGE, "pattern": "certificate-requested"}


def _config_map(request: Request) -> Iterator[dict[str, Any]]:
    if request.verb in _CHANGES and request.namespace == "kube-system" and request.name == "aws-auth":
        yield {"kind": Kind.ACCOUNT_CHANGE, "pattern": "aws-auth-changed"}


def _webhook(request: Request) -> Iterator[dict[str, Any]]:
    if request.verb == "create" and not request.subresource:
        yield {"kind": Kind.CONFIG_CHANGE, "pattern": "admission-webhook-created"}


def _service(request: Request) -> Iterator[dict[str, Any]]:
    if request.verb != "create" or request.subresource:
        return
    body = request.object()
    opened = spec.mapping(body.get("spec")).get("type")
    if opened in _OPEN_TYPES:
        yield {"kind": Kind.CONFIG_CHANGE, "pattern": "service-exposed", "extra": {"type": opened}}


def _ingress(request: Request) -> Iterator[dict[str, Any]]:
    if request.verb != "create" or request.subresource:
        return
    tls = spec.items(spec.mapping(request.object().get("spec")).get("tls"))
    yield {"kind": Kind.CONFIG_CHANGE, "pattern": "ingress-created", "extra": {"tls": "yes" if tls else "no"}}


def _network_policy(request: Request) -> Iterator[dict[str, Any]]:
    if request.verb in {"delete", "deletecollection"}:
        yield {"kind": Kind.CONFIG_CHANGE, "pattern": "network-policy-removed"}


GRANTS: dict[str, Callable[[Request], Iterator[dict[str, Any]]]] = {
    "clusterrolebindings": _binding,
    "rolebindings": _binding,
    "clusterroles": _role,
    "roles": _role,
    "serviceaccounts": _service_account,
    "secrets": _secret,
    "certificatesigningrequests": _certificate,
    "configmaps": _config_map,
    "mutatingwebhookconfigurations": _webhook,
    "validatingwebhookconfigurations": _webhook,
    "services": _service,
    "ingresses": _ingress,
    "networkpolicies": _network_policy,
}
"""What is made of requests for a resource, by its name."""
