"""What a pod may do to the machine it runs on: the risks of a specification, and what roles allow.

``privileged``, ``host-pid``, ``host-ipc``, ``host-network``, ``run-as-root``, ``capability=SYS_ADMIN``, ``host-path=/etc``, of a pod that somebody
puts among those of the system ``system-namespace`` and, of roles, ``wildcard``, ``nodes-proxy``, ``pods-exec``, ``secrets``, ``escalate``,
``write``: each once, joined by commas, so that a rule can look for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

MOST = 12  # images, paths and subjects told of one record
_KINDS = ("containers", "initContainers", "ephemeralContainers")
_HOST = (("hostPID", "host-pid"), ("hostIPC", "host-ipc"), ("hostNetwork", "host-network"))
_WRITE = frozenset({"create", "update", "patch", "delete", "deletecollection"})
_ESCALATE = frozenset({"escalate", "bind", "impersonate"})


def mapping(value: Any) -> dict[str, Any]:
    """Return *value* when it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """Return *value* when it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def words(values: Iterable[Any]) -> tuple[str, ...]:
    """Return the texts among *values* that say something, each once, without commas, at most :data:`MOST`."""
    found = dict.fromkeys(value.replace(",", ";").strip() for value in values if isinstance(value, str) and value.strip())
    return tuple(found)[:MOST]


def pod_spec(request: Any) -> dict[str, Any]:
    """Return the specification of the pod that an object (pod, workload, cron job) describes; empty where it has none."""
    spec = mapping(mapping(request).get("spec"))
    for key in ("jobTemplate", "template"):
        if isinstance(spec.get(key), dict):
            spec = mapping(spec[key].get("spec"))
            if isinstance(spec.get("template"), dict):
                spec = mapping(spec["template"].get("spec"))
    return spec


def _containers(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for kind in _KINDS:
        for one in items(spec.get(kind)):
            if isinstance(one, dict):
                yield one


def images(spec: dict[str, Any]) -> tuple[str, ...]:
    """Return the images of a pod."""
    return words(one.get("image") for one in _containers(spec))


def commands(spec: dict[str, Any]) -> str | None:
    """Return what the first container that names a command runs; None when none does."""
    for one in _containers(spec):
        line = [*items(one.get("command")), *items(one.get("args"))]
        if line:
            return joined(line)
    return None


def joined(line: Any) -> str | None:
    """Return the words of a command as one text."""
    text = " ".join(word for word in items(line) if isinstance(word, str)).strip() if not isinstance(line, str) else line.strip()
    return text or None


def risks(spec: dict[str, Any]) -> tuple[str, ...]:
    """Return the risks of a pod's specification."""
    found = [word for key, word in _HOST if spec.get(key) is True]
    paths = []
    for volume in items(spec.get("volumes")):
        path = mapping(mapping(volume).get("hostPath")).get("path")
        paths += [f"host-path={path}"] if isinstance(path, str) else []
    for holder in (spec, *_containers(spec)):
        context = mapping(holder.get("securityContext"))
        if context.get("privileged") is True:
            found.append("privileged")
        user = context.get("runAsUser")
        if (user.__class__ is int and user == 0) or context.get("runAsNonRoot") is False:
            found.append("run-as-root")
        added = items(mapping(context.get("capabilities")).get("add"))
        found += [f"capability={name.removeprefix('CAP_')}" for name in added if isinstance(name, str)]
    return words((*found, *paths))


def allowed(rules: Any) -> tuple[str, ...]:
    """Return what the rules of a role allow that ordinary ones do not."""
    found: dict[str, None] = {}
    for rule in items(rules):
        verbs, resources = (set(words(items(mapping(rule).get(key)))) for key in ("verbs", "resources"))
        everything = "*" in verbs
        if everything or "*" in resources:
            found["wildcard"] = None
        if resources & {"nodes/proxy", "nodes/*"} or ("nodes" in resources and "*" in resources):
            found["nodes-proxy"] = None
        if resources & {"pods/exec", "pods/attach", "pods/*", "pods/ephemeralcontainers"}:
            found["pods-exec"] = None
        if "secrets" in resources:
            found["secrets"] = None
        if verbs & _ESCALATE:
            found["escalate"] = None
        if everything or verbs & _WRITE:
            found["write"] = None
    return tuple(found)
