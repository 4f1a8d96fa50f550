r"""Falco's alerts, as JSON and as text: what its rules saw in containers, and in the audit log of the API server.

``{"time":"2026-01-05T12:00:00.123456789Z","rule":"Terminal shell in container","priority":"Notice","source":"syscall","hostname":"node-1",
"output":"…","output_fields":{"container.id":"1f2e…","proc.cmdline":"bash","user.name":"root","k8s.pod.name":"web-1",…}}``

``2026-01-05T12:00:00.123456789+0000: Notice A shell was spawned in a container with an attached terminal | user=root process=bash … command=bash …``
``12:00:00.123456789: Notice A shell was spawned … (user=root k8s.ns=default k8s.pod=web-1 container=1f2e… shell=bash cmdline=bash terminal=34816)``

Text does not name its rule: the sentence before the fields stands for it, and what the fields are called is left to the rule's author, so the names
of Falco's own rules are read, also from the text within JSON that has no ``output_fields``. A name that stands there twice with two values is null: a
command can hold what looks like a field. Lines with a time of day alone have no time unless a syslog header gives one.

An alert is what somebody's rule made of an event, so it corroborates: a shell in a container becomes ``container_exec``, another program ``exec``
with the rule as ``object``. Alerts about requests to the API server (``ka.`` fields) become what the audit log's own event becomes, as far as they
say it; give the audit log instead where you have it. Alerts without a program and a request are ignored.

References: https://falco.org/docs/concepts/outputs/formatting/
"""

from __future__ import annotations

import re
from typing import Any

from gatewatch.schema.events import Kind, Service
from gatewatch.sources.daemon_text import DaemonText
from gatewatch.sources.document import DocumentSource, Made, Part, Unreadable, mapping, said
from gatewatch.sources.two_forms import TwoForms

OTHERS = "an alert about no program and no request"
NO_RULE = "no rule in it"
_SHELLS = ("shell in", "shell untrusted", "exec in", "attach", "shell was spawned in a container", "shell spawned in a container")
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
_PRIORITY = "Emergency|Alert|Critical|Error|Warning|Notice|Informational|Info|Debug"
_TEXT = re.compile(rf"(?:[0-9T:.+Z-]+: )?({_PRIORITY}) (.*)", re.DOTALL)
_FIELD = re.compile(r"(?:^|[ (])([a-z][a-z0-9_.]{0,40})=")
_NAMES = {
    "user": "user.name",
    "user_name": "user.name",
    "command": "proc.cmdline",
    "cmdline": "proc.cmdline",
    "process": "proc.name",
    "shell": "proc.name",
    "program": "proc.name",
    "proc_exepath": "proc.exepath",
    "exepath": "proc.exepath",
    "parent": "proc.pname",
    "container_id": "container.id",
    "container": "container.id",
    "container_name": "container.name",
    "image": "container.image.repository",
    "container_image_repository": "container.image.repository",
    "k8s_pod_name": "k8s.pod.name",
    "k8s.pod": "k8s.pod.name",
    "k8s_ns_name": "k8s.ns.name",
    "k8s.ns": "k8s.ns.name",
}
"""What Falco's own rules call the fields in their text."""
_MOST_TEXT = 16_384


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
    fields = mapping(alert.output_fields) or fields_of(said(alert.output) or "")[1]
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


def fields_of(text: str) -> tuple[str, dict[str, Any]]:
    """Return the sentence of an alert's *text*, and its fields under their names in JSON.

    >>> fields_of("12:00:00.1: Notice A shell was spawned (user=root cmdline=sh -c id terminal=0)")
    ('A shell was spawned', {'user.name': 'root', 'proc.cmdline': 'sh -c id'})
    """
    found = _TEXT.fullmatch(text[:_MOST_TEXT].strip())
    body = found[2] if found is not None else text[:_MOST_TEXT]
    marks = list(_FIELD.finditer(body))
    if not marks:
        return body, {}
    sentence = body[: marks[0].start()].strip(" (|")
    bracketed = body[marks[0].start()] == "("
    fields: dict[str, Any] = {}
    for mark, after in zip(marks, [*marks[1:], None], strict=True):
        name = _NAMES.get(mark[1])
        if name is None:
            continue
        value = body[mark.end() : len(body) if after is None else after.start()].strip()
        if bracketed:
            value = value.partition(")")[0] if name != "proc.cmdline" else value.removesuffix(")")
        known = None if value in {"", "<NA>"} else value
        fields[name] = known if fields.get(name, known) == known else None
    return sentence, fields


def _read_line(line: str) -> Made:
    """Return what a line of text says; the time is that of the record."""
    found = _TEXT.fullmatch(line[:_MOST_TEXT].strip())
    if found is None:
        raise Unreadable(NO_RULE)
    sentence, fields = fields_of(line)
    return _read(_Alert(rule=sentence, priority=found[1], output=line[:_MOST_TEXT], output_fields=fields or {"": None}))


_REFERENCES = ("https://falco.org/docs/concepts/outputs/formatting/",)

SOURCE = TwoForms(
    DocumentSource(
        name="falco-events",
        title="Falco alerts",
        programs=("falco-events",),
        read=_read,
        shape=_Alert,
        essential="rule",
        references=_REFERENCES,
    ),
    DaemonText(
        name="falco-events",
        title="Falco alerts",
        programs=("falco", "falco-text"),
        busy=rf"^(?:[0-9T:.+Z-]+: )?(?:{_PRIORITY}) [^\n]*=",
        known=rf"^(?:[0-9T:.+Z-]+: )?(?:{_PRIORITY}) ",
        idle=OTHERS,
        read=_read_line,
        service=None,
        references=_REFERENCES,
    ),
)
