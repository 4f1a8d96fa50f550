"""The audit log of a Kubernetes API server, and ``docker events`` of a container host, as JSON lines.

``{"kind":"Event","apiVersion":"audit.k8s.io/v1","stage":"ResponseComplete","verb":"get","user":{"username":"ann"},"sourceIPs":["84.1.2.3"],…}``
``{"Type":"container","Action":"exec_create: sh -c id","Actor":{"ID":"1f2e…","Attributes":{"image":"nginx","name":"web"}},"time":…,"timeNano":…}``

Sources: apiserver/pkg/apis/audit/v1/types.go; moby api/types/events.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

from gatewatch.lab.moment import SECOND, iso_z
from gatewatch.lab.organisation import Host
from gatewatch.lab.stage import Stage
from gatewatch.lab.writer.device import Device

_encode = json.JSONEncoder(separators=(",", ":")).encode
KUBECTL = "kubectl/v1.31.4 (linux/amd64) kubernetes/a78aa47"


class Kubernetes(Device):
    """The audit log of one cluster."""

    format: ClassVar[str] = "kubernetes"

    def __init__(self, stage: Stage, host: Host) -> None:
        super().__init__(stage, host)
        self.log = stage.stream(f"{host.name}/audit.log", rotate=7)

    def request(
        self, time: int, user: str, src: str, verb: str, resource: str, namespace: str | None, name: str | None = None, *, sub: str | None = None,
        code: int = 200, agent: str = KUBECTL, groups: tuple[str, ...] = ("system:authenticated",), body: dict[str, Any] | None = None, query: str = "",
        mark: int = 0, kind: str | None = None,
    ) -> None:  # fmt: skip
        """Say a request."""
        path = "/api/v1" if resource in _CORE else f"/apis/{_GROUPS.get(resource, 'apps')}/v1"
        path += (f"/namespaces/{namespace}" if namespace else "") + f"/{resource}" + (f"/{name}" if name else "") + (f"/{sub}" if sub else "")
        group = None if resource in _CORE else _GROUPS.get(resource, "apps")
        parts = {"resource": resource, "apiVersion": "v1", "namespace": namespace, "name": name, "subresource": sub, "apiGroup": group}
        reference = {key: value for key, value in parts.items() if value}
        stream = sub in {"exec", "attach", "portforward"}
        event: dict[str, Any] = {
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Request" if body else "Metadata", "auditID": f"{self.rng.getrandbits(64):016x}",
            "stage": "ResponseStarted" if stream else "ResponseComplete", "requestURI": path + query, "verb": verb, "user": {"username": user, "groups": list(groups)},
            "sourceIPs": [src], "userAgent": agent, "objectRef": reference, "responseStatus": {"metadata": {}, "code": 101 if stream else code},
        }  # fmt: skip
        if body:
            event["requestObject"] = body
        event |= {"requestReceivedTimestamp": iso_z(time), "stageTimestamp": iso_z(time + 4_000)}
        event["annotations"] = {"authorization.k8s.io/decision": "forbid" if code == 403 else "allow", "authorization.k8s.io/reason": ""}
        self.log.say(time, _encode(event), mark, (kind, user, src) if kind else None)


_CORE = frozenset({"pods", "secrets", "nodes", "services", "namespaces", "configmaps", "serviceaccounts", "events", "endpoints"})
_GROUPS = {
    "clusterrolebindings": "rbac.authorization.k8s.io", "rolebindings": "rbac.authorization.k8s.io", "clusterroles": "rbac.authorization.k8s.io",
    "cronjobs": "batch", "jobs": "batch", "leases": "coordination.k8s.io",
}  # fmt: skip


class DockerEvents(Device):
    """The events of one container host."""

    format: ClassVar[str] = "docker-events"

    def __init__(self, stage: Stage, host: Host) -> None:
        super().__init__(stage, host)
        self.log = stage.stream(f"{host.name}/docker-events.ndjson", rotate=7)

    def event(self, time: int, action: str, container: str, image: str, name: str, mark: int = 0, kind: str | None = None) -> None:
        """Say an event of a container."""
        at = time + self.host.skew
        body = {
            "status": action, "id": container, "from": image, "Type": "container", "Action": action,
            "Actor": {"ID": container, "Attributes": {"image": image, "name": name}}, "scope": "local", "time": at // SECOND, "timeNano": at * 1000,
        }  # fmt: skip
        self.log.say(time, _encode(body), mark, (kind, None, None) if kind else None)

    def container(self) -> str:
        """Return a fresh container id."""
        return f"{self.rng.getrandbits(64):016x}"
