"""Pods and the templates controllers make them of. Environment variables are never read: they hold secrets.

A static pod of the API server is a command line too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.kube_config import at, texts
from gatewatch.evidence.mask import quote
from gatewatch.evidence.process import program_of, shell_words
from gatewatch.schema.facts.base import Fact
from gatewatch.schema.facts.container import Workload
from gatewatch.schema.facts.process import CommandLine

_TEMPLATES = {"Pod": "spec", "CronJob": "spec.jobTemplate.spec.template.spec"}
_LABELS = {"Pod": "metadata.labels", "CronJob": "spec.jobTemplate.spec.template.metadata.labels"}


def pairs(tree: Any) -> tuple[tuple[str, str], ...]:
    """Return a map of labels as sorted pairs."""
    return tuple(sorted((str(key), str(value)) for key, value in tree.items())) if isinstance(tree, dict) else ()


def workload(document: Document, pointer: str, item: dict[str, Any], bundle: Bundle) -> Iterator[Fact]:
    """Yield a workload, and the API server's command line where it is one."""
    kind = str(item.get("kind"))
    path = _TEMPLATES.get(kind, "spec.template.spec")
    spec = at(item, path)
    if not isinstance(spec, dict):
        return
    listed = [(f"{path}.{part}[{at_}]", one) for part in ("containers", "initContainers", "ephemeralContainers")
              for at_, one in enumerate(spec.get(part) or () if isinstance(spec.get(part), list) else ()) if isinstance(one, dict)]  # fmt: skip
    arguments: list[str] = []
    ports: list[int] = []
    privileged = False
    for place, container in listed:
        said = shell_words([*texts(container.get("command")), *texts(container.get("args"))])
        words = [quote(one) if "=" in one else one for one in said]
        arguments += words
        for port in container.get("ports") or () if isinstance(container.get("ports"), list) else ():
            number = port.get("hostPort") if isinstance(port, dict) else None
            ports += [number] if isinstance(number, int) and 0 < number < 65536 else []
        privileged = privileged or at(container, "securityContext.privileged") is True
        program, start = program_of(words)
        if program == "kube-apiserver":
            node = str(spec.get("nodeName") or "") if not document.at("etc/kubernetes/manifests/*") else ""
            yield CommandLine(
                host=node.casefold() or bundle.host, as_of=document.as_of, where=(document.spot(f"{pointer}.{place}.command", program),),
                program=program, arguments=tuple(words[start:]),
            )  # fmt: skip
    volumes = spec.get("volumes")
    host_paths = [str(at(one, "hostPath.path")) for one in volumes if at(one, "hostPath.path")] if isinstance(volumes, list) else []
    owners = at(item, "metadata.ownerReferences")
    yield Workload(
        host=bundle.host, as_of=document.as_of, where=(document.spot(f"{pointer}.{path}", f"{kind} {at(item, 'metadata.name')}"),), kind=kind,
        namespace=str(at(item, "metadata.namespace") or "default"), name=str(at(item, "metadata.name") or ""),
        labels=pairs(at(item, _LABELS.get(kind, "spec.template.metadata.labels"))),
        images=tuple(str(one.get("image", "")) for _, one in listed), arguments=tuple(arguments),
        account=str(spec.get("serviceAccountName") or "default"), host_network=spec.get("hostNetwork") is True, host_ports=tuple(ports),
        privileged=privileged, host_paths=tuple(host_paths), address=str(at(item, "status.podIP") or ""),
        owned=isinstance(owners, list) and any(isinstance(one, dict) and one.get("controller") and one.get("kind") != "Node" for one in owners),
    )  # fmt: skip
