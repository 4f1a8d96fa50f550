"""Services, ingresses and NetworkPolicies: how the pods of a cluster can be reached.

A pod that no policy selects for a direction lets everything through; policies that select it add up. An annotation makes a load balancer
internal; without one, clouds make it face the internet. Reference: Kubernetes "Network Policies", "Service", and the clouds' annotations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from gatewatch.evidence.address import outside, parse_span, spans
from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.kube_config import at, texts
from gatewatch.evidence.kube_workload import pairs
from gatewatch.schema.facts.base import Fact
from gatewatch.schema.facts.container import ClusterService, Namespace, NetworkPolicy, Workload
from gatewatch.schema.facts.filter import TCP, UDP, Action, Chain, PacketFilter, Rule, Semantics, Spans

_INTERNAL: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("service.beta.kubernetes.io/aws-load-balancer-internal", ("true", "0.0.0.0/0")),
    ("service.beta.kubernetes.io/aws-load-balancer-scheme", ("internal",)),
    ("alb.ingress.kubernetes.io/scheme", ("internal",)),
    ("service.beta.kubernetes.io/azure-load-balancer-internal", ("true",)),
    ("networking.gke.io/load-balancer-type", ("internal",)),
    ("cloud.google.com/load-balancer-type", ("internal",)),
    ("service.beta.kubernetes.io/oci-load-balancer-internal", ("true",)),
    ("service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type", ("private",)),
    ("service.beta.kubernetes.io/openstack-internal-load-balancer", ("true",)),
)
_EXTERNAL = (
    ("service.beta.kubernetes.io/aws-load-balancer-scheme", "internet-facing"),
    ("alb.ingress.kubernetes.io/scheme", "internet-facing"),
)


@dataclass(frozen=True, slots=True)
class Raw:
    """A NetworkPolicy as it stands, with its place."""

    document: Document
    pointer: str
    item: dict[str, Any]


def _external(kind: str, item: dict[str, Any]) -> bool | None:
    notes = at(item, "metadata.annotations")
    notes = notes if isinstance(notes, dict) else {}
    if any(str(notes.get(name, "")).lower() in values for name, values in _INTERNAL):
        return False
    if any(str(notes.get(name, "")).lower() == value for name, value in _EXTERNAL):
        return True
    listed = at(item, "status.loadBalancer.ingress")
    addresses = [str(one.get("ip")) for one in listed if isinstance(one, dict) and one.get("ip")] if isinstance(listed, list) else []
    found = [span for one in addresses if (span := parse_span(one)) is not None]
    if found:
        return not all(any(low <= first and last <= high for low, high in _PRIVATE) for first, last in found)
    return None if kind == "Ingress" else True


_PRIVATE = tuple(span for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7") if (span := parse_span(text)))


def service(document: Document, pointer: str, item: dict[str, Any], bundle: Bundle) -> Iterator[Fact]:
    """Yield a Service."""
    kind = str(at(item, "spec.type") or "ClusterIP")
    listed = at(item, "spec.ports")
    ports = [(one.get("port"), one.get("nodePort") or 0) for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    yield ClusterService(
        host=bundle.host, as_of=document.as_of, where=(document.spot(f"{pointer}.spec.type", f"type: {kind}"),), kind="Service",
        namespace=str(at(item, "metadata.namespace") or "default"), name=str(at(item, "metadata.name") or ""), type=kind,
        ports=tuple((port, node) for port, node in ports if isinstance(port, int) and isinstance(node, int)),
        selector=pairs(at(item, "spec.selector")), external=_external("Service", item) if kind == "LoadBalancer" else None,
        source_ranges=texts(at(item, "spec.loadBalancerSourceRanges")),
    )  # fmt: skip


def ingress(document: Document, pointer: str, item: dict[str, Any], bundle: Bundle) -> Iterator[Fact]:
    """Yield an Ingress; its ``selector`` names the services behind it."""
    rules = at(item, "spec.rules")
    hosts: list[str] = []
    behind: list[str] = [str(at(item, "spec.defaultBackend.service.name"))] if at(item, "spec.defaultBackend.service.name") else []
    for rule in rules if isinstance(rules, list) else ():
        hosts += [str(rule.get("host"))] if isinstance(rule, dict) and rule.get("host") else []
        paths = at(rule, "http.paths")
        for path in paths if isinstance(paths, list) else ():
            name = at(path, "backend.service.name") or at(path, "backend.serviceName")
            behind += [str(name)] if name else []
    yield ClusterService(
        host=bundle.host, as_of=document.as_of, where=(document.spot(f"{pointer}.spec", f"hosts: {', '.join(hosts)}"),), kind="Ingress",
        namespace=str(at(item, "metadata.namespace") or "default"), name=str(at(item, "metadata.name") or ""), type="Ingress",
        selector=tuple(("service", one) for one in dict.fromkeys(behind)), external=_external("Ingress", item), hosts=tuple(hosts),
        source_ranges=tuple(
            one.strip() for one in _annotation(item, "nginx.ingress.kubernetes.io/whitelist-source-range").split(",") if one.strip()
        ),
    )  # fmt: skip


def _annotation(item: dict[str, Any], name: str) -> str:
    notes = at(item, "metadata.annotations")
    return str(notes.get(name, "")) if isinstance(notes, dict) else ""


def namespace(document: Document, pointer: str, item: dict[str, Any], bundle: Bundle) -> Iterator[Fact]:
    """Yield a namespace."""
    name = str(at(item, "metadata.name") or "")
    yield Namespace(host=bundle.host, as_of=document.as_of, where=(document.spot(pointer, f"Namespace {name}"),), name=name)


def policy(document: Document, pointer: str, item: dict[str, Any], bundle: Bundle) -> Iterator[Fact]:
    """Yield what a NetworkPolicy isolates."""
    spec = item.get("spec")
    spec = spec if isinstance(spec, dict) else {}
    inward, outward = directions(spec)
    yield NetworkPolicy(
        host=bundle.host, as_of=document.as_of,
        where=(document.spot(f"{pointer}.spec", f"NetworkPolicy {at(item, 'metadata.name')}"),),
        namespace=str(at(item, "metadata.namespace") or "default"), name=str(at(item, "metadata.name") or ""),
        everything=not _selects_some(spec.get("podSelector")), ingress=inward, egress=outward,
        open_ingress=inward and _open(spec.get("ingress")), open_egress=outward and _open(spec.get("egress")),
        labels=pairs(at(spec, "podSelector.matchLabels")), expressions=tuple(_expressions(spec.get("podSelector"))),
        everybody=inward and _everybody(spec.get("ingress")),
    )  # fmt: skip


def directions(spec: dict[str, Any]) -> tuple[bool, bool]:
    """Return whether a policy speaks of ingress and of egress; without ``policyTypes`` of ingress always, of egress if it has rules of it."""
    types = spec.get("policyTypes")
    if isinstance(types, list) and types:
        return "Ingress" in types, "Egress" in types
    return True, bool(spec.get("egress"))


def _selects_some(selector: Any) -> bool:
    return bool(isinstance(selector, dict) and (selector.get("matchLabels") or selector.get("matchExpressions")))


def _open(rules: Any) -> bool:
    """Return whether one rule lets everything through: no peers (or a block of all addresses) and no ports."""
    for rule in rules if isinstance(rules, list) else ():
        if not isinstance(rule, dict) or rule.get("ports"):
            continue
        peers = rule.get("from") or rule.get("to")
        if not peers:
            return True
        blocks = [at(one, "ipBlock.cidr") for one in peers] if isinstance(peers, list) else []
        found = spans(span for one in blocks if isinstance(one, str) and (span := parse_span(one)) is not None)
        if any(first == 0 and last >= (1 << 32) - 1 for first, last in found):
            return True
    return False


def _expressions(selector: Any) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    listed = selector.get("matchExpressions") if isinstance(selector, dict) else None
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict):
            yield str(one.get("key")), str(one.get("operator")), texts(one.get("values"))


def _everybody(rules: Any) -> bool:
    """Return whether one rule lets in every pod of the cluster: no peers, pods of every namespace, or a block that holds all private addresses."""
    for rule in rules if isinstance(rules, list) else ():
        peers = rule.get("from") if isinstance(rule, dict) else ()
        if not peers and isinstance(rule, dict):
            return True
        for peer in peers if isinstance(peers, list) else ():
            if not isinstance(peer, dict):
                continue
            if "namespaceSelector" in peer and not _selects_some(peer["namespaceSelector"]) and not _selects_some(peer.get("podSelector")):
                return True
            span = parse_span(str(at(peer, "ipBlock.cidr") or ""))
            if span is not None and span[0] == 0 and span[1] >= (1 << 32) - 1 and not at(peer, "ipBlock.except"):
                return True
    return False


def matches(selector: Any, labels: dict[str, str]) -> bool:
    """Return whether a label selector selects *labels*; an empty one selects everything.

    >>> matches({"matchLabels": {"app": "x"}}, {"app": "x"}), matches({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, {})
    (True, True)
    """
    if not isinstance(selector, dict):
        return True
    wanted = selector.get("matchLabels")
    if isinstance(wanted, dict) and any(labels.get(str(key)) != str(value) for key, value in wanted.items()):
        return False
    asked = selector.get("matchExpressions")
    for one in asked if isinstance(asked, list) else ():
        if not isinstance(one, dict):
            return False
        key, operator, values = str(one.get("key")), one.get("operator"), texts(one.get("values"))
        held = labels.get(key)
        good = {"In": held in values, "NotIn": held not in values, "Exists": held is not None, "DoesNotExist": held is None}.get(str(operator))
        if not good:
            return False
    return True


def filters(policies: list[Raw], facts: Iterable[Fact], bundle: Bundle) -> Iterator[Fact]:
    """Yield the packet filter of every pod with an address that a policy selects for ingress."""
    if not policies:
        return
    pods = [one for one in facts if isinstance(one, Workload) and one.kind == "Pod" and one.address and not one.host_network]
    for pod in pods:
        labels = dict(pod.labels)
        mine = [raw for raw in policies if str(at(raw.item, "metadata.namespace") or "default") == pod.namespace
                and isinstance(raw.item.get("spec"), dict) and directions(raw.item["spec"])[0]
                and matches(raw.item["spec"].get("podSelector"), labels)]  # fmt: skip
        span = parse_span(pod.address)
        if not mine or span is None:
            continue
        rules = tuple(rule for raw in mine for rule in _rules(raw, pods))
        yield PacketFilter(
            host=bundle.host, as_of=pod.as_of, where=pod.where, platform="networkpolicy", semantics=Semantics.ADDITIVE,
            chains=(Chain("ingress", rules, Action.DROP, pod.where[0]),), input=("ingress",), forward=("ingress",), protects=(span,),
            name=f"{pod.namespace}/{pod.name}",
        )  # fmt: skip


def _rules(raw: Raw, pods: list[Workload]) -> Iterator[Rule]:
    listed = raw.item["spec"].get("ingress")
    space = str(at(raw.item, "metadata.namespace") or "default")
    for number, rule in enumerate(listed if isinstance(listed, list) else ()):
        if not isinstance(rule, dict):
            continue
        where = raw.document.spot(f"{raw.pointer}.spec.ingress[{number}]", f"NetworkPolicy {at(raw.item, 'metadata.name')}")
        peers = rule.get("from")
        sources: list[tuple[Spans | None, str]] = [(None, "")] if not peers else [
            _peer(one, space, pods) for one in (peers if isinstance(peers, list) else ()) if isinstance(one, dict)
        ]  # fmt: skip
        ports = rule.get("ports")
        doors = [(None, None, "")] if not ports else [_port(one) for one in (ports if isinstance(ports, list) else ()) if isinstance(one, dict)]
        for source, doubt in sources:
            for protocol, door, unsure in doors:
                yield Rule(
                    Action.ACCEPT, where, sources=source, protocols=(protocol,) if protocol is not None else None,
                    ports=(door,) if door is not None else None, unknown="; ".join(one for one in (doubt, unsure) if one),
                )  # fmt: skip


def _peer(peer: dict[str, Any], space: str, pods: list[Workload]) -> tuple[Spans | None, str]:
    block = peer.get("ipBlock")
    if isinstance(block, dict):
        span = parse_span(str(block.get("cidr")))
        if span is None:
            return None, f"ipBlock {block.get('cidr')}"
        excepted = [one for text in texts(block.get("except")) if (one := parse_span(text)) is not None]
        return outside(excepted, span), ""
    if "namespaceSelector" in peer:
        return _PRIVATE_SPANS, "namespaceSelector"
    found = [span for pod in pods if pod.namespace == space and matches(peer.get("podSelector"), dict(pod.labels))
             and (span := parse_span(pod.address)) is not None]  # fmt: skip
    return spans(found), ""


_PRIVATE_SPANS = spans(_PRIVATE)


def _port(entry: dict[str, Any]) -> tuple[int | None, tuple[int, int] | None, str]:
    name = str(entry.get("protocol") or "TCP")
    protocol = {"TCP": TCP, "UDP": UDP, "SCTP": 132}.get(name)
    if protocol is None:
        return None, None, f"protocol {name[:20]}"
    port, end = entry.get("port"), entry.get("endPort")
    if port is None:
        return protocol, None, ""
    if isinstance(port, int) and 0 <= port <= 65535:
        last = end if isinstance(end, int) and port <= end <= 65535 else port
        return protocol, (port, last), ""
    return protocol, None, f"named port {port}"
