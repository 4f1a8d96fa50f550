r"""Kubelet: requests to a node's own API, which runs commands in its pods without asking the API server.

``I0105 12:00:00.000000    1234 httplog.go:134] "HTTP" verb="POST" URI="/run/shop/web-1/app?cmd=id" latency="9ms" userAgent="curl/8.5.0"
srcIP="203.0.113.9:51514" resp=200``

The kubelet has no audit log; it writes requests from verbosity 3 on, in words that changed with its versions (all are read). ``/run``, ``/exec`` and
``/attach`` become ``container_exec``, ``/portForward`` ``port_forward``; refused requests ``auth_failure``; ``/pods``, ``/runningpods`` and the logs
of containers ``connection``. From an address that is not inner each of them is besides an ``auth_success`` ``kubelet-access``. Who asked is not
written: where anonymous requests are allowed, anybody. What the API server asks for on behalf of ``kubectl exec`` looks the same but comes from its
address. Tokens and certificates that a kubelet or an API server refuses, ``Unable to authenticate the request``, are an ``auth_failure`` whose
source is not written; failed TLS handshakes name an address. Requests to an API server in the same form are ignored: its audit log tells more.

References: https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/; https://pkg.go.dev/k8s.io/apiserver/pkg/server/httplog
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, unquote

from gatewatch.schema.addresses import canonical_address
from gatewatch.schema.events import AuthMethod, Kind, Service
from gatewatch.sources.daemon_text import DaemonText, pairs
from gatewatch.sources.document import Made

OTHERS = "says nothing of requests to the kubelet"
API_SERVER = "request to an API server"
HARMLESS = "health or figures of the node"
_PAIR = re.compile(r'(?:^|[ ,])([A-Za-z-]+)=("(?:[^"\\]|\\.)*"|[^ ",]*)')
_OLD = re.compile(r"\] ([A-Z]+) (/\S*): \([0-9.]+[a-zµ]+\) ([0-9]{3})(?: .*)?[\[ ]([0-9A-Fa-f.:\[\]]+:[0-9]{1,5})\]\s*$")
_DEEDS = {
    "run": (Kind.CONTAINER_EXEC, "run"),
    "exec": (Kind.CONTAINER_EXEC, "exec"),
    "attach": (Kind.CONTAINER_EXEC, "attach"),
    "portForward": (Kind.PORT_FORWARD, "port-forward"),
    "portforward": (Kind.PORT_FORWARD, "port-forward"),
    "pods": (Kind.CONNECTION, "pods-read"),
    "runningpods": (Kind.CONNECTION, "pods-read"),
    "containerLogs": (Kind.CONNECTION, "logs-read"),
    "logs": (Kind.CONNECTION, "logs-read"),
    "checkpoint": (Kind.CONNECTION, "checkpoint"),
    "configz": (Kind.CONNECTION, "configuration-read"),
}
_INNER = re.compile(
    r"^(?:10\.|127\.|169\.254\.|192\.168\.|172\.(?:1[6-9]|2[0-9]|3[01])\.|100\.(?:6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|::1$|f[cd]|fe80:)"
)

_UNKNOWN = re.compile(r'\] "?Unable to authenticate the request(?: due to an error: (.*)|" err="(.*)")$')
_TLS = re.compile(r"\] http: TLS handshake error from (\S+): (.*)$")


def _read(line: str) -> Made:
    refused = _UNKNOWN.search(line)
    if refused is not None:
        why = refused[1] or refused[2] or ""
        proof = AuthMethod.CERTIFICATE if "x509" in why else AuthMethod.TOKEN
        return {"kind": Kind.AUTH_FAILURE, "pattern": "credentials-refused", "auth_method": proof, "extra": {"reason": why[:200]}}
    shaken = _TLS.search(line)
    if shaken is not None:
        certificate = "certificate" in shaken[2]
        return {
            "kind": Kind.AUTH_FAILURE if certificate else Kind.CONNECTION,
            "pattern": "certificate-refused" if certificate else "tls-failed",
            "auth_method": AuthMethod.CERTIFICATE if certificate else None,
            "rhost": shaken[1],
            "src_port": shaken[1].rpartition(":")[2],
            "extra": {"reason": shaken[2][:200]},
        }
    old = _OLD.search(line)
    if old is not None:
        method, uri, code, source, agent = old[1], old[2], old[3], old[4], None
    else:
        found = pairs(line, _PAIR)
        method, uri, code, source = (found.get(name) or "" for name in ("verb", "URI", "resp", "srcIP"))
        agent = found.get("userAgent") or found.get("UserAgent")
    path, _, query = uri.partition("?")
    steps = [unquote(step) for step in path.split("/") if step]
    if not steps or steps[0] in {"api", "apis", "openapi", "version"} or "srcIP" in path:
        return API_SERVER if steps else OTHERS
    verb = steps[1] if steps[0] == "cri" and len(steps) > 1 else steps[0]
    if code in {"401", "403"}:
        method_used = AuthMethod.TOKEN if code == "401" else AuthMethod.NONE
        deed: dict[str, Any] = {"kind": Kind.AUTH_FAILURE, "pattern": "unauthorized" if code == "401" else "forbidden", "auth_method": method_used}
    elif verb not in _DEEDS:
        return HARMLESS
    else:
        kind, pattern = _DEEDS[verb]
        failed = code.isdigit() and int(code) >= 400
        deed = {"kind": Kind.CONNECTION, "pattern": "failed"} if failed else {"kind": kind, "pattern": pattern}
    address = canonical_address(source)
    base: dict[str, Any] = {
        "rhost": source or None,
        "src_port": source.rpartition(":")[2] if ":" in source else None,
        "session": f"kubelet:{address}" if address else None,
        "object": "/".join(steps[1:3]) or path,
        "command": _command(query),
        "extra": {"method": method, "path": path, "userAgent": agent, "code": code},
    }
    came_in = deed["kind"] is not Kind.AUTH_FAILURE and deed["pattern"] != "failed" and address is not None and not _INNER.match(address)
    access = [base | {"kind": Kind.AUTH_SUCCESS, "pattern": "kubelet-access", "object": None, "command": None}] if came_in else []
    return [*access, base | deed]


def _command(query: str) -> str | None:
    """Return the command that a request asks to run."""
    try:
        asked = [value for name, value in parse_qsl(query, max_num_fields=200) if name in {"cmd", "command"}]
    except ValueError:
        return None
    return " ".join(asked).strip() or None


SOURCE = DaemonText(
    name="kubernetes-kubelet",
    title="Kubelet",
    programs=(
        *("kubelet", "klog", "k3s", "k3s-agent"),
        *("rke2", "rke2-server", "rke2-agent", "kube-apiserver", "kubelite", "microk8s.daemon-kubelite", "snap.microk8s.daemon-kubelite"),
    ),
    busy=(
        r'(?:^| )verb="?[A-Z]+"?,? URI="|\] [A-Z]+ /[^ ]*: \([0-9.]+[a-zµ]+\) [0-9]{3}(?: |$)'
        r'|\] "?Unable to authenticate the request|\] http: TLS handshake error from '
    ),
    known=r'^(?:[IWEF][0-9]{4} |[a-z_0-9-]+\.go:[0-9]+\] |time="|Flag --|\{"ts":)',
    idle=OTHERS,
    read=_read,
    service=Service.KUBELET,
    references=(
        "https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/",
        "https://pkg.go.dev/k8s.io/apiserver/pkg/server/httplog",
    ),
)
