"""Containers: dockerd, the kubelet and the API server, with the packet filter of their hosts.

Formats: daemon.json (docs.docker.com), KubeletConfiguration v1beta1, a static pod's manifest (kubernetes.io), iptables-save(8), ss(8), ps(1).
"""

from __future__ import annotations

import json

from gatewatch.lab.evidence.linux import MANAGEMENT, iptables, sockets
from gatewatch.lab.organisation import Host, Organisation
from gatewatch.lab.safeguard import Plan

_API = """apiVersion: v1
kind: Pod
metadata:
  name: kube-apiserver
  namespace: kube-system
spec:
  hostNetwork: true
  containers:
  - name: kube-apiserver
    image: registry.k8s.io/kube-apiserver:v1.33.1
    command:
    - kube-apiserver
    - --anonymous-auth={anonymous}
    - --authorization-mode=Node,RBAC
    - --oidc-issuer-url=https://login.corp.example
    - --audit-policy-file=/etc/kubernetes/audit.yaml
    - --audit-log-path=/var/log/kubernetes/audit.log
    - --enable-admission-plugins=NodeRestriction
    - --tls-cert-file=/etc/kubernetes/pki/apiserver.crt
    - --tls-private-key-file=/etc/kubernetes/pki/apiserver.key
    - --client-ca-file=/etc/kubernetes/pki/ca.crt
    - --etcd-cafile=/etc/kubernetes/pki/etcd/ca.crt
"""
_AUDIT = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n"
_KUBELET = """apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  anonymous:
    enabled: {anonymous}
  webhook:
    enabled: true
  x509:
    clientCAFile: /etc/kubernetes/pki/ca.crt
authorization:
  mode: {mode}
readOnlyPort: 0
serverTLSBootstrap: true
"""


def docker(host: Host, _organisation: Organisation, plan: Plan) -> dict[str, str]:
    """Return the exports of a Docker host."""
    remote = plan.missing("docker-socket", host.name, "docker_api")
    wide = plan.open(host.name, "docker_api")
    daemon: dict[str, object] = {"icc": False, "log-driver": "journald", "hosts": ["unix:///var/run/docker.sock"]}
    if remote:
        daemon["hosts"] = ["unix:///var/run/docker.sock", "tcp://0.0.0.0:2375"]
    return {
        "etc/docker/daemon.json": json.dumps(daemon, indent=1) + "\n",
        "commands/ps.txt": "COMMAND\n/usr/bin/dockerd --containerd=/run/containerd/containerd.sock\n",
        "commands/iptables-save.txt": iptables([("0.0.0.0/0" if wide else MANAGEMENT, 2375)]),
        "commands/ip6tables-save.txt": iptables([("::/0", 2375)] if wide and host.outer_v6 else []),
        "commands/ss.txt": sockets([(2375, "dockerd")] if remote else []),
    }


def node(host: Host, _organisation: Organisation, plan: Plan) -> dict[str, str]:
    """Return the exports of the node that runs the cluster."""
    admitted = []
    for service, port in (("kube_api", 6443), ("kubelet", 10250)):
        admitted.append(("0.0.0.0/0" if plan.open(host.name, service) else "10.0.0.0/8", port))
    nobody = plan.missing("kubelet-authentication", host.name, "kubelet")
    anonymous = plan.missing("api-authentication", host.name, "kube_api")
    return {
        "etc/kubernetes/manifests/kube-apiserver.yaml": _API.format(anonymous=str(anonymous).lower()),
        "etc/kubernetes/audit.yaml": _AUDIT,
        "var/lib/kubelet/config.yaml": _KUBELET.format(anonymous=str(nobody).lower(), mode="AlwaysAllow" if nobody else "Webhook"),
        "commands/ps.txt": "COMMAND\n/usr/bin/kubelet --config=/var/lib/kubelet/config.yaml\n",
        "commands/iptables-save.txt": iptables(admitted),
        "commands/ip6tables-save.txt": iptables([("::/0", port) for source, port in admitted if source == "0.0.0.0/0" and host.outer_v6]),
        "commands/ss.txt": sockets([(6443, "kube-apiserver"), (10250, "kubelet")]),
    }
