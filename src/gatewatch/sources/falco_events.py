r"""Falco's alerts as JSON: what its rules saw in containers, and in the audit log of the API server.

``{"time":"2026-01-05T12:00:00.123456789Z","rule":"Terminal shell in container","priority":"Notice","source":"syscall","hostname":"node-1",
"output":"…","output_fields":{"container.id":"1f2e…","proc.cmdline":"bash","user.name":"root","k8s.pod.name":"web-1",…}}``

An alert is what somebody's rule made of an event, so it corroborates: a shell in a container becomes ``container_exec``, another program ``exec``
with the rule as ``object``. Alerts about requests to the API server (``ka.`` fields) become what the audit log's own event becomes, as far as they
say it; give the audit log instead where you have it. Alerts without a program and a request are ignored.

References: https://falco.org/docs/concepts/outputs/formatting/
"""

from __future__ import annotations

from typing import Any

from gatewatch.schema.events import Kind, Service
from gatewatch.sources.document import DocumentSource, Made, Part, Unreadable, mapping, said

OTHERS = "an alert about no program and no request"
NO_RULE = "no rule in it"
_SHELLS = ("shell in", "shell untrusted", "exec in", "attach")
_REQUESTS: tuple[tuple[str, Kind, str], ...] = (
    ("attach/exec pod", Kind.CONTAINER_EXEC, "pod-exec"),
    ("ephemeralcontainers", Kind.CONTAINER_EXEC, "ephemeral-container"),
    ("port-forward", Kind.PORT_FORWARD, "port-forward"),
    ("pod", Kind.CONTAINER_CREATE, "pod-created"),
    ("deployment", Kind.CONTAINER_CREATE, "workload-created"),
    ("service account", Kind.ACCOUNT_CHANGE, "service-account"),
    ("serviceaccount", Kind.ACCOUNT_CHANGE, "service-account"),
    ("cluster-admin", Kind.ACCOUNT_CHANGE, "cluster-role-bound"),
    ("clusterrolebinding", Kind.ACCOUNT_CHANGE, "cluster-role-bound"),
    ("role", Kind.CONFIG_CHANGE, "role-changed"),
)


class _Alert(Part):
    rule: Any = None
    time: Any = None
    hostname: Any = None
    priority: Any = None
    source: Any = None
    output: Any = None
    output_fields: Any = None


def _read(alert: _Alert) -> Made:
    rule = said(alert.rule)
    if rule is None:
        raise Unreadable(NO_RULE)
    fields = mapping(alert.output_fields)
    extra = {
        "rule": rule,
        "priority": said(alert.priority),
        "container": said(fields.get("container.name")) or said(fields.get("container.id")),
        "images": said(fields.get("container.image.repository")) or said(fields.get("ka.req.pod.containers.image")),
        "parent": said(fields.get("proc.pname")),
    }
    base: dict[str, Any] = {
        "time": alert.time,
        "host": said(alert.hostname),
        "message": said(alert.output),
        "extra": extra,
    }
    if alert.source == "k8s_audit" or "ka.verb" in fields or "ka.user.name" in fields:
        return base | _request(rule, fields)
    command = said(fields.get("proc.cmdline"))
    if command is None and said(fields.get("proc.name")) is None:
        return OTHERS
    pod, place = said(fields.get("k8s.pod.name")), said(fields.get("k8s.ns.name"))
    shell = any(word in rule.lower() for word in _SHELLS)
    where = f"{place}/{pod}" if place and pod else pod or extra["container"]
    return base | {
        "kind": Kind.CONTAINER_EXEC if shell else Kind.EXEC,
        "pattern": "shell-in-container" if shell else "program",
        "user": said(fields.get("user.name")),
        "command": command,
        "process": said(fields.get("proc.exepath")) or said(fields.get("proc.name")),
        "parent": extra["parent"],
        "object": where if shell else rule,
        "service": None,
    }


def _request(rule: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Return what an alert about a request to the API server is."""
    low = rule.lower()
    kind, pattern = next(((kind, pattern) for word, kind, pattern in _REQUESTS if word in low), (Kind.CONNECTION, "request"))
    place, name = said(fields.get("ka.target.namespace")), said(fields.get("ka.target.name"))
    code = said(fields.get("ka.response.code"))
    if code in {"401", "403"}:
        kind, pattern = Kind.AUTH_FAILURE, "forbidden"
    source = fields.get("ka.sourceips")
    return {
        "kind": kind,
        "pattern": pattern,
        "user": said(fields.get("ka.user.name")),
        "rhost": source[-1] if isinstance(source, list) and source else source,
        "object": f"{place}/{name}" if place and name else name or said(fields.get("ka.uri")),
        "auth_method": "none" if kind is Kind.AUTH_FAILURE else None,
        "service": Service.KUBE_API,
    }


SOURCE = DocumentSource(
    name="falco-events",
    title="Falco alerts",
    programs=("falco-events",),
    read=_read,
    shape=_Alert,
    essential="rule",
    references=("https://falco.org/docs/concepts/outputs/formatting/",),
)
