"""Containers as ``docker inspect`` and ``podman inspect`` give them: what they publish, and how they are kept apart from their host.

::

    [{"Name": "/web", "HostConfig": {"NetworkMode": "default", "Privileged": false, "Binds": ["/srv/www:/www:ro"]},
      "NetworkSettings": {"Ports": {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]}}}]

Variables and commands of containers are not kept: passwords stand in them. Reference: Docker Engine API, ContainerInspect.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Ignored, Outcome, Rejected
from gatewatch.evidence.kube_config import at, texts
from gatewatch.schema.facts.container import Container, Published

_SOCKETS = ("/var/run/docker.sock", "/run/docker.sock", "/var/run", "/run", "/run/podman/podman.sock", "/run/containerd/containerd.sock")


def _recognise(document: Document) -> int:
    text = document.text[:65536]
    return SURE if document.head.lstrip()[:1] in {"[", "{"} and '"HostConfig"' in text and '"NetworkSettings"' in document.text else 0


def _ports(tree: dict[str, Any]) -> Iterator[Published]:
    told = at(tree, "NetworkSettings.Ports") or at(tree, "HostConfig.PortBindings")
    for name, bound in told.items() if isinstance(told, dict) else ():
        inner, _, protocol = str(name).partition("/")
        for one in bound if isinstance(bound, list) else ():
            port = str(one.get("HostPort", "")) if isinstance(one, dict) else ""
            if port.isascii() and port.isdigit() and inner.isdigit() and int(port) < 65536 and int(inner) < 65536:
                yield Published(str(one.get("HostIp") or "0.0.0.0"), int(port), int(inner), protocol or "tcp")  # noqa: S104 - what Docker binds to


def _mounts(tree: dict[str, Any]) -> list[str]:
    binds = [one.partition(":")[0] for one in texts(at(tree, "HostConfig.Binds"))]
    listed = tree.get("Mounts")
    return binds + [str(one.get("Source")) for one in listed if isinstance(one, dict)] if isinstance(listed, list) else binds


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        tree = document.json()
        listed = tree if isinstance(tree, list) else [tree] if isinstance(tree, dict) else []
        if not listed:
            yield Rejected(document, document.fault) if document.fault else Ignored(document, "lists no container")
            continue
        found = False
        for number, one in enumerate(listed):
            if not isinstance(one, dict) or not isinstance(one.get("HostConfig"), dict):
                continue
            found = True
            name = str(one.get("Name") or one.get("Id") or number).lstrip("/")
            running = at(one, "State.Running")
            yield Container(
                host=bundle.host, as_of=document.as_of, where=(document.spot(f"$[{number}]", f"container {name}"),), name=name,
                image=str(at(one, "Config.Image") or ""), running=running if isinstance(running, bool) else None,
                published=tuple(dict.fromkeys(_ports(one))), privileged=at(one, "HostConfig.Privileged") is True,
                host_network=at(one, "HostConfig.NetworkMode") == "host",
                control=tuple(dict.fromkeys(path for path in _mounts(one) if path.rstrip("/") in _SOCKETS or path == "/")),
            )  # fmt: skip
        if not found:
            yield Ignored(document, "lists no container")


FORMAT = Format(
    name="docker-inspect",
    title="Containers (docker inspect)",
    recognise=_recognise,
    read=_read,
    collect="docker inspect $(docker ps -q) > EVIDENCE/commands/docker-inspect.json",
    references=("Docker Engine API: ContainerInspect",),
)
