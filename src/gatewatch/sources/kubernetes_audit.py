r"""Kubernetes audit log: who asked the API server for what.

``{"kind":"Event","apiVersion":"audit.k8s.io/v1","stage":"ResponseStarted","verb":"get","user":{"username":"ann"},"sourceIPs":["203.0.113.9"],
"objectRef":{"resource":"pods","subresource":"exec","namespace":"shop","name":"web-1"},"responseStatus":{"code":101},…}``

===========================================================================  ==============================================================
request                                                                      becomes
===========================================================================  ==============================================================
401, 403                                                                     ``auth_failure`` (no guess: nothing here is a password)
any other that was answered, of a person or from elsewhere                   besides what it is: ``auth_success`` ``api-access``, once for each
                                                                             user, address and user agent in a quarter of an hour, so that the
                                                                             ledger says who came in; ``anonymous-access`` without an account
create of pods and workloads; change of one where it adds a risk             ``container_create``; ``extra`` has images and risks
exec, attach, ephemeral containers, nodes/proxy                              ``container_exec``, by whatever verb: newer clients GET them
exec of tar that writes to its output (``kubectl cp`` out of a pod)          ``file_transfer``
portforward, pods/proxy and services/proxy                                   ``port_forward``
secrets read                                                                 ``exec``, pattern ``secrets-read``
role bindings, service accounts, tokens, approved certificates, aws-auth     ``account_change``
roles, admission webhooks, exposed services, network policies                ``config_change``
events deleted                                                               ``log_cleared``
others                                                                       ``connection``
===========================================================================  ==============================================================

A request is told at up to three stages: RequestReceived says nothing yet and is ignored; where a stream begins (ResponseStarted) and ends
(ResponseComplete), only the first counts, by ``auditID``. What components of the cluster (nodes, controllers, ``kube-system``) do from inside with
their own programs is their work, and a ``connection``; so is what nodes and EKS itself do, wherever they are. The address is the last of
``sourceIPs``: behind a load balancer it is that of the balancer, unless the site says that it is a proxy of its own
(:mod:`gatewatch.enrich.forwarded`) and the balancer says who asks. ``session`` is ``kube:USER@ADDRESS``: requests share no
connection that the log could name. ``host`` is the cluster; ``kubernetes`` where no record names it.

References: https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/; https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/
"""

from __future__ import annotations

import copy
import re
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

import polars as pl

from gatewatch.schema.addresses import canonical_address
from gatewatch.schema.events import AuthMethod, Kind, Service
from gatewatch.sources import kubernetes_spec as spec
from gatewatch.sources.document import DocumentSource, Made
from gatewatch.sources.kubernetes_grant import GRANTS
from gatewatch.sources.kubernetes_request import ANONYMOUS, ESSENTIAL, Entry, Request, requests
from gatewatch.sources.pattern import Outcome

RECEIVED = "request received: its answer counts"
ENDED = "end of a request that was counted when it began"
COMPONENT = "a component of the cluster reads"
ACCESS = ("api-access", "anonymous-access")
CLUSTER = "kubernetes"  # the host where no record names the cluster
BUCKET = 900  # seconds for which one api-access stands
WORKLOADS = frozenset({"pods", "deployments", "daemonsets", "statefulsets", "jobs", "cronjobs", "replicasets", "replicationcontrollers"})
_SYSTEM = re.compile(r"^(?:kube-(?:system|public|node-lease)|gke-[a-z-]+|gmp-[a-z-]+|aks-[a-z-]+|openshift-[a-z-]+)$")
_READS = frozenset({"get", "list", "watch"})
_CHANGES = frozenset({"create", "update", "patch"})
_STREAMS = {"exec": "exec", "attach": "attach", "ephemeralcontainers": "ephemeral-container"}
_INNER = re.compile(
    r"^(?:10\.|127\.|169\.254\.|192\.168\.|172\.(?:1[6-9]|2[0-9]|3[01])\.|100\.(?:6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|::1$|f[cd]|fe80:)"
)
_COMPONENT = re.compile(
    r"^system:(?:node:|kube-|apiserver|cluster-autoscaler|gke-|gcp-|serviceaccount:(?:kube-system|gke-|gmp-)|cloud-|aggregator|konnectivity)"
)
_OWN_PROGRAM = re.compile(r"^(?:kube-|kubelet|cluster-autoscaler|cloud-|glbc|k3s/|hyperkube)")
_OPEN = re.compile(r"^/(?:|healthz|livez|readyz|version|api|apis|openapi|\.well-known|openid)(?:/.*)?$")
_METRICS = re.compile(r"/proxy/(?:metrics|stats|healthz|configz|spec)(?:/|$)")
_COPY_OUT = re.compile(r"^(?:/\S*/)?tar\s+-?-?c\S*\s+(?:-\s|\S+\s+-(?:\s|$))|^(?:/\S*/)?tar\s+-?c\S*f\s*-(?:\s|$)")
_HELM = re.compile(r"^sh\.helm\.release\.")
_QUIET = r"(?:[^s\"][^\"]*|s[^e\"][^\"]*|se[^c\"][^\"]*)"  # a resource that is not secrets
_IDLE = (
    r'^\{"kind":"Event","apiVersion":"audit\.k8s\.io/v1[a-z0-9]*","level":"[A-Za-z]*",(?:"timestamp":"[^"]*",)?"auditID":"[^"]*",'
    r'"stage":"Response[A-Za-z]*","requestURI":"[^"\\]*(?:\\.[^"\\]*)*","verb":"(?:get|list|watch)","user":\{'
    r'"username":"system:(?:node:|kube-|apiserver|serviceaccount:kube-system:)[^"]*"'
    r'.*?"sourceIPs":\["(?:10|127|192\.168|172\.(?:1[6-9]|2[0-9]|3[01]))\.[0-9.]*"\],"userAgent":"(?:kube|k3s|Go-http-client)[^"\\]*",'
    rf'"objectRef":\{{"resource":"{_QUIET}",(?:"namespace":"[^"]*",)?(?:"name":"[^"]*",)?(?:"uid":"[^"]*",)?(?:"apiGroup":"[^"]*",)?'
    r'"apiVersion":"[^"]*"(?:,"resourceVersion":"[^"]*")?(?:,"subresource":"(?:status|scale|log)")?\}'
)
"""Reads by the cluster's own components, as the API server writes them: most of a log. No order of keys but its own is trusted."""


class _Reader:
    """Says what the records of one batch mean; remembers which accesses and streams it told."""

    def __init__(self, *, whole: bool) -> None:
        self._whole = whole
        self._seen: set[tuple[Any, ...]] = set()
        self._begun: set[str] = set()

    def read(self, entry: Entry) -> Made:
        rows: list[dict[str, Any]] = []
        why = ""
        for request in requests(entry):
            made = self._one(request)
            if isinstance(made, str):
                why = why or made
            else:
                rows += made
                why = "" if made else why
        return why if why and not rows else rows

    def _one(self, request: Request) -> str | list[dict[str, Any]]:
        if request.stage == "RequestReceived":
            return RECEIVED
        code = request.code
        base = _base(request)
        if code in {401, 403}:
            pattern, method = ("unauthorized", AuthMethod.TOKEN) if code == 401 else ("forbidden", AuthMethod.NONE)
            return [base | {"kind": Kind.AUTH_FAILURE, "pattern": pattern, "auth_method": method}]
        if code is not None and code >= 400:
            return self._plain(base, "failed")
        if _is_component(request):
            return (self._access(request, base) if _is_far_node(request) else []) + self._plain(base, "component")
        stream = request.subresource in _STREAMS or request.subresource in {"portforward", "proxy"}
        if stream and request.audit_id is not None:
            if request.stage == "ResponseComplete" and request.audit_id in self._begun:
                return ENDED
            self._begun.add(request.audit_id)
        told = list(_meaning(request))
        rows = self._access(request, base)
        if not told:
            return rows + self._plain(base, "api-read" if request.verb in _READS else "api-write" if request.verb else "api-request")
        for columns in told:
            extra = columns.pop("extra", {})
            rows.append(base | columns | {"extra": base["extra"] | extra})
        return rows

    def _plain(self, base: dict[str, Any], pattern: str) -> list[dict[str, Any]]:
        return [base | {"kind": Kind.CONNECTION, "pattern": pattern}] if self._whole else []

    def _access(self, request: Request, base: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the access that *request* shows, unless it was told."""
        anonymous = request.user == ANONYMOUS
        if request.user is None or (anonymous and _is_open(request)):
            return []
        key = (request.host, request.user, base["rhost"], request.forwarded[-1:], request.agent, _bucket(request.time))
        if key in self._seen:
            return []
        self._seen.add(key)
        method = AuthMethod.NONE if anonymous else _method(request.credential)
        return [base | {"kind": Kind.AUTH_SUCCESS, "pattern": ACCESS[anonymous], "auth_method": method, "object": None}]


class AuditSource(DocumentSource):
    """The source of audit events: JSON records, and lines of text that hold one."""

    claims_message = r'^\s*\{"kind":"Event","apiVersion":"audit\.k8s\.io/'

    def decode(self, records: pl.DataFrame, wanted: Collection[Kind] | None = None, apart: Collection[Kind] = ()) -> Outcome:
        """Decode *records* whose ``fields``, or else ``message``, are records of ours."""
        whole = wanted is None or Kind.CONNECTION in wanted
        reader = copy.copy(self)
        reader.read = _Reader(whole=whole).read
        reader.idle = () if whole else ((_IDLE, COMPONENT),)
        if "message" in records.columns:
            records = records.with_columns(pl.coalesce("fields", "message").alias("fields"))
        return super(AuditSource, reader).decode(records, wanted, apart)


def _base(request: Request) -> dict[str, Any]:
    """Return the columns that every event of *request* has."""
    address = canonical_address(request.address) if request.address else None
    user = request.user
    extra = {
        "verb": request.verb,
        "resource": f"{request.resource}/{request.subresource}" if request.subresource else request.resource,
        "userAgent": request.agent,
        "auditID": request.audit_id,
        "code": request.code,
        "impersonated": request.acting_as,
        "forwarded": ",".join(request.forwarded),
    }
    return {
        "time": request.time,
        "host": request.host or CLUSTER,
        "user": user,
        "rhost": request.address,
        "session": f"kube:{user}@{address}" if user and address else None,
        "object": request.named if request.resource else request.path or None,
        "extra": extra,
    }


def _is_component(request: Request) -> bool:
    """Return whether *request* is a component's own work: by its account, its program and from inside."""
    user = request.user
    if user is None:
        return False
    if user.startswith("eks:") or (user.startswith("system:node:") and request.subresource not in {"exec", "attach", "proxy"}):
        return True
    if _COMPONENT.match(user) is None or any(_INNER.match(address) is None for address in (request.address, *request.forwarded[-1:]) if address):
        return False  # also where a proxy says that it asks for somebody outside
    if request.subresource in {"exec", "attach", "proxy"} and request.namespace != "kube-system":
        return False
    own = request.agent is None or _OWN_PROGRAM.match(request.agent) is not None
    return own or (request.verb in _READS and request.resource != "secrets")


def _is_far_node(request: Request) -> bool:
    """Return whether a node calls from elsewhere: its work is its own, but the ledger shows from where."""
    return bool(request.user and request.user.startswith("system:node:") and request.address and not _INNER.match(request.address))


def _is_open(request: Request) -> bool:
    """Return whether *request* asks for what everybody may ask for: health, version, discovery, the facts to join a cluster."""
    if request.resource == "configmaps" and request.namespace == "kube-public" and request.name == "cluster-info":
        return True
    if request.address and canonical_address(request.address) in {"127.0.0.1", "::1"}:
        return True
    return not request.resource and _OPEN.match(request.path) is not None


def _method(credential: str | None) -> AuthMethod | None:
    if credential is None:
        return None
    return AuthMethod.CERTIFICATE if credential.startswith("X509SHA256=") else AuthMethod.TOKEN if credential.startswith("JTI=") else None


def _bucket(time: Any) -> int | None:
    """Return the quarter of an hour of an instant; None for what is none."""
    try:
        moment = datetime.fromisoformat(time) if isinstance(time, str) else time
        return int(moment.timestamp()) // BUCKET if isinstance(moment, datetime) else None
    except (OverflowError, ValueError, OSError):
        return None


def _meaning(request: Request) -> Iterator[dict[str, Any]]:
    """Yield what *request* did, beyond a plain read or write."""
    resource, sub, verb = request.resource, request.subresource, request.verb
    if sub in _STREAMS and resource == "pods":
        if sub != "ephemeralcontainers" or verb not in _READS:
            yield _stream(request)
    elif sub == "portforward" or (sub == "proxy" and resource in {"pods", "services"}):
        yield {"kind": Kind.PORT_FORWARD, "pattern": f"{resource}-{sub}"}
    elif sub == "proxy" and resource == "nodes":
        if not _METRICS.search(request.path):
            yield {"kind": Kind.CONTAINER_EXEC, "pattern": "node-proxy", "command": request.path or None}
    elif resource == "secrets" and verb in _READS and not sub:
        if not _is_helm(request):
            yield {"kind": Kind.EXEC, "pattern": "secrets-read", "object": _secrets(request)}
    elif resource in WORKLOADS and not sub and verb in _CHANGES:
        yield from _workload(request)
    elif resource == "events" and verb in {"delete", "deletecollection"}:
        yield {"kind": Kind.LOG_CLEARED, "pattern": "events-deleted"}
    elif resource in GRANTS:
        yield from GRANTS[resource](request)


def _stream(request: Request) -> dict[str, Any]:
    """Return what an exec, an attach or a container put into a running pod is."""
    body = request.object()
    command = spec.joined(request.asked("command")) or spec.joined(body.get("command"))
    pod = spec.pod_spec(body)
    container = request.asked("container") or spec.items([body.get("container")])
    extra = {"container": container[0] if container and isinstance(container[0], str) else None}
    kind, pattern = Kind.CONTAINER_EXEC, _STREAMS[request.subresource]
    if request.subresource == "ephemeralcontainers":
        command = spec.commands(pod)
        extra |= {"images": ",".join(spec.images(pod)), "risk": ",".join(spec.risks(pod))}
    elif command is not None and _COPY_OUT.match(command):
        kind, pattern = Kind.FILE_TRANSFER, "copied-from-pod"
    return {"kind": kind, "pattern": pattern, "command": command, "extra": extra}


def _is_helm(request: Request) -> bool:
    """Return whether secrets are read in which Helm keeps its releases."""
    return bool(request.name and _HELM.match(request.name)) or any("owner=helm" in value for value in request.asked("labelSelector"))


def _secrets(request: Request) -> str:
    return "/".join(("secrets", *(part for part in (request.namespace or "all namespaces", request.name) if part)))


def _workload(request: Request) -> list[dict[str, Any]]:
    """Return what the creation of a workload is, or a change that matters."""
    body = request.object()
    pod = spec.pod_spec(body)
    risk = spec.risks(pod)
    single = request.resource.removesuffix("s")
    created = request.verb == "create"
    if not created and not risk and request.resource != "cronjobs":
        return []
    name = request.name or spec.mapping(body.get("metadata")).get("name")
    place = request.namespace
    extra = {
        "images": ",".join(spec.images(pod)),
        "risk": ",".join((*risk, "system-namespace") if request.resource == "pods" and _SYSTEM.match(place or "") else risk),
        "account": pod.get("serviceAccountName"),
        "schedule": spec.mapping(body.get("spec")).get("schedule"),
    }
    return [
        {
            "kind": Kind.CONTAINER_CREATE,
            "pattern": f"{single}-{'created' if created else 'changed'}",
            "object": f"{place}/{name}" if place and isinstance(name, str) else name if isinstance(name, str) else request.named,
            "command": spec.commands(pod),
            "extra": extra,
        }
    ]


SOURCE = AuditSource(
    name="kubernetes-audit",
    title="Kubernetes audit log",
    programs=("kubernetes-audit",),
    read=_Reader(whole=True).read,
    shape=Entry,
    essential=ESSENTIAL,
    service=Service.KUBE_API,
    timeless=True,
    references=(
        "https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/",
        "https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/",
    ),
)
