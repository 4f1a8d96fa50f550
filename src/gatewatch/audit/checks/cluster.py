"""A Kubernetes cluster: who holds which role, what is published, dashboards, isolation of namespaces and of pods from their nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gatewatch.audit.check import Check, Criterion, Ground, Need, Verdict, cis, nist, stig
from gatewatch.audit.reach.span import less, normal, shown
from gatewatch.audit.reach.zone import internet, of_network
from gatewatch.schema.facts.base import Fact, Facts, Where
from gatewatch.schema.facts.container import ClusterService, Namespace, NetworkPolicy, Role, RoleBinding, Workload
from gatewatch.schema.facts.filter import LINE, Spans
from gatewatch.schema.facts.machine import Machine, System
from gatewatch.schema.findings import Mapping, Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure
from gatewatch.site.range import parse_network

_COLLECT = (
    "kubectl get ns,pods,deploy,ds,sts,svc,ingress,netpol,clusterroles,roles,clusterrolebindings,rolebindings -A -o json > "
    "EVIDENCE/commands/cluster.json"
)
_EVERYBODY = {"system:anonymous": "anybody without credentials", "system:unauthenticated": "anybody without credentials",
              "system:authenticated": "every account of the cluster"}  # fmt: skip
_DISCOVERY = frozenset({"system:discovery", "system:basic-user", "system:public-info-viewer", "kubeadm:bootstrap-signer-clusterinfo"})
_SYSTEM = frozenset({"kube-system", "kube-public", "kube-node-lease"})
_OWN = ("system:", "kubeadm:", "eks:", "aks", "gke-")
ADMIN_NAMES = (
    "kubernetes-dashboard", "kubernetesui/dashboard", "argocd-server", "argocd", "grafana", "kubeapps", "rancher", "portainer", "weave-scope",
    "headlamp", "kiali", "prometheus", "octant", "kubeview", "longhorn-ui", "jenkins", "vault", "consul-ui",
    "kube-ops-view", "traefik-dashboard", "airflow", "jupyter", "guacamole", "code-server", "wetty", "ttyd",
)  # fmt: skip
"""Web interfaces and shells by which a cluster or what runs in it is administered, by their usual names."""


def _verdict(fact: Fact, good: bool | None, message: str, subject: str, *, value: str = "", resolved: str = "as written",
             severity: Severity | None = None, where: tuple[Where, ...] = (), service: str = "kube_api") -> Verdict:  # fmt: skip
    status = Status.UNKNOWN if good is None else Status.PASS if good else Status.FAIL
    return Verdict(
        status=status, host=fact.host, message=message, value=value, resolved=resolved, where=where or fact.where[:2], service=service,
        subject=subject, severity=severity, as_of=fact.as_of,
    )  # fmt: skip


def _clusters(facts: Facts) -> list[Machine]:
    return [one for one in facts.of(Machine) if one.system is System.CLUSTER]


def _everybody(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for cluster in dict.fromkeys(one.host for one in facts.of(RoleBinding)):
        bad = False
        for binding in facts.of(RoleBinding, cluster):
            for _, _, name in binding.subjects:
                if name in _EVERYBODY and binding.role not in _DISCOVERY:
                    bad = True
                    grave = Severity.CRITICAL if name != "system:authenticated" or binding.role == "cluster-admin" else Severity.HIGH
                    yield _verdict(binding, False, f"{_EVERYBODY[name]} holds {binding.role}", binding.name, value=name, severity=grave)
        if not bad:
            first = facts.of(RoleBinding, cluster)[0]
            count = len(facts.of(RoleBinding, cluster))
            yield _verdict(first, True, f"none of {count} bindings gives a role to everybody, beyond discovery", "everybody")


def _admins(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for cluster in dict.fromkeys(one.host for one in facts.of(RoleBinding)):
        wild = {one.name for one in facts.of(Role, cluster) if not one.namespace and _all(one)} | {"cluster-admin"}
        bad = False
        for binding in facts.of(RoleBinding, cluster):
            if binding.role not in wild or binding.role_kind != "ClusterRole" or binding.namespace:
                continue
            for kind, space, name in binding.subjects:
                if name == "system:masters" or (kind == "User" and name.startswith("system:")) or (kind == "ServiceAccount" and space in _SYSTEM):
                    continue
                inner = name.removeprefix("system:serviceaccounts").lstrip(":")
                if kind == "Group" and name.startswith("system:serviceaccounts") and inner not in _SYSTEM:
                    bad = True
                    whose = f"of namespace {inner}" if inner else "of every namespace"
                    yield _verdict(
                        binding, False, f"all pods {whose} hold {binding.role}: who takes one holds the cluster", f"{binding.name} {name}",
                        value=binding.role,
                    )  # fmt: skip
                if kind == "ServiceAccount":
                    bad = True
                    yield _verdict(
                        binding, False, f"the pods of service account {space}/{name} hold {binding.role}: who takes one holds the cluster",
                        f"{binding.name} {space}/{name}", value=binding.role,
                    )  # fmt: skip
        if not bad:
            yield _verdict(facts.of(RoleBinding, cluster)[0], True, "no service account outside kube-system may do everything", "cluster-admin")


def _all(role: Role) -> bool:
    return any("*" in verbs and "*/*" in resources for verbs, resources, _ in role.rules)


def _proxy(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for cluster in dict.fromkeys(one.host for one in facts.of(Role)):
        held = {(one.role, one.namespace) for one in facts.of(RoleBinding, cluster)}
        names = {name for name, _ in held}
        bad = False
        for role in facts.of(Role, cluster):
            grants = any({"*", "get", "create"} & set(verbs) and "/nodes/proxy" in resources for verbs, resources, _ in role.rules)
            if grants and role.name in names and not role.name.startswith(_OWN):
                bad = True
                yield _verdict(role, False, f"{role.name} reaches every kubelet through nodes/proxy, past the API server's log", role.name)
        if not bad:
            yield _verdict(facts.of(Role, cluster)[0], True, "no bound role of the site's own has nodes/proxy", "nodes/proxy")


def is_admin(*names: str) -> str:
    """Return the admin interface that one of *names* speaks of; empty when none does."""
    for name in names:
        low = name.lower()
        parts = {low, low.rpartition("/")[2].partition(":")[0].partition("@")[0]}
        for known in ADMIN_NAMES:
            if any(part == known or part.startswith(known + "-") or part.endswith(("-" + known, "/" + known)) or f"/{known}:" in part
                   for part in parts):  # fmt: skip
                return known
    return ""


def _behind(facts: Facts, service: ClusterService) -> list[Workload]:
    wanted = set(service.selector)
    if service.kind == "Ingress":
        names = {name for _, name in service.selector}
        inner = [one for one in facts.of(ClusterService, service.host)
                 if one.kind == "Service" and one.namespace == service.namespace and one.name in names]  # fmt: skip
        return [pod for one in inner for pod in _behind(facts, one)]
    return [one for one in facts.of(Workload, service.host)
            if wanted and one.namespace == service.namespace and wanted <= set(one.labels)]  # fmt: skip


def _open_sources(service: ClusterService, ground: Ground) -> Spans:
    """Return the internet's addresses a published service lets in; without a list of ranges, all of it."""
    outside = internet(ground.site)
    if not service.source_ranges:
        return outside
    spans = []
    for text in service.source_ranges:
        try:
            spans.append(of_network(parse_network(text)))
        except ValueError:
            return outside
    allowed = normal(spans)
    return less(outside, less((LINE,), allowed))


def _published(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    for service in facts.of(ClusterService):
        if service.type in {"ClusterIP", "ExternalName"}:
            continue
        pods = _behind(facts, service)
        inner = [name for kind, name in service.selector if kind == "service"] if service.kind == "Ingress" else []
        admin = is_admin(service.name, *inner, *(name for pod in pods for name in (pod.name, *pod.images)), *(service.hosts))
        subject = f"{service.kind} {service.namespace}/{service.name}"
        doors = ", ".join(f"{port}" + (f" (node port {node})" if node else "") for port, node in service.ports)
        if not admin:
            yield _verdict(service, True, f"{service.type} of no interface for administration known to us", subject, value=doors, service="web")
        elif service.external is False:
            yield _verdict(service, True, f"{admin}: its load balancer is internal", subject, value=doors, service="kube_dashboard")
        elif service.type == "NodePort":
            yield _verdict(
                service, False, f"{admin} is published on a port of every node, whatever addresses they have", subject, value=doors,
                severity=Severity.HIGH, service="kube_dashboard",
            )  # fmt: skip
        else:
            sources = _open_sources(service, ground)
            who = ", ".join(shown(sources, 4))
            said = f"{admin} can be reached from the internet by {who}" if sources else f"{admin}: only addresses of the site are let in"
            unsure = service.external is None and bool(sources)
            good = None if unsure else not sources
            if unsure:
                said = f"{admin} is published; whether its controller faces the internet is not in the evidence"
            yield _verdict(service, good, said, subject, value=doors, service="kube_dashboard")
    yield from _none_published(facts)


def _none_published(facts: Facts) -> Iterator[Verdict]:
    for host in dict.fromkeys(one.host for one in facts.of(ClusterService)):
        if all(one.type in {"ClusterIP", "ExternalName"} for one in facts.of(ClusterService, host)):
            yield _verdict(facts.of(ClusterService, host)[0], True, "no service is published", "services")


def _is_dashboard(image: str) -> bool:
    name = image.partition("@")[0].partition(":")[0] if image.count(":") < 2 else image.rpartition(":")[0]
    return "kubernetesui/dashboard" in name or name.endswith("/kubernetes-dashboard") or "/kubernetes-dashboard-" in name


_BAD_FLAGS = ("--enable-skip-login", "--enable-insecure-login", "--disable-settings-authorizer")


def _dashboard(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for host in dict.fromkeys(one.host for one in facts.of(Workload)):
        boards = [one for one in facts.of(Workload, host) if not one.owned and any(_is_dashboard(image) for image in one.images)]
        if not boards:
            first = facts.of(Workload, host)[0]
            yield _verdict(first, True, "no Kubernetes dashboard runs", "dashboard", service="kube_dashboard")
        for board in boards:
            subject = f"{board.kind} {board.namespace}/{board.name}"
            bad = [one for one in board.arguments if one.partition("=")[0] in _BAD_FLAGS and not one.endswith("=false")]
            bad += [one for one in board.arguments if one in {"--insecure-bind-address=0.0.0.0", "--insecure-bind-address=::"}]
            if bad:
                yield _verdict(board, False, f"lets people in without a token: {' '.join(bad)}", f"{subject} flags", value=" ".join(bad),
                               service="kube_dashboard")  # fmt: skip
            else:
                yield _verdict(board, True, "asks for a token", f"{subject} flags", service="kube_dashboard")
            mine = [one for one in facts.of(RoleBinding, host) if ("ServiceAccount", board.namespace, board.account) in one.subjects]
            wild = {one.name for one in facts.of(Role, host) if _all(one)} | {"cluster-admin"}
            strong = [one for one in mine if one.role in wild]
            if strong:
                yield _verdict(strong[0], False, f"its service account {board.account} holds {strong[0].role}", f"{subject} account",
                               service="kube_dashboard")  # fmt: skip
            elif facts.of(RoleBinding, host):
                yield _verdict(board, True, f"its service account {board.account} holds no role over everything", f"{subject} account",
                               service="kube_dashboard")  # fmt: skip
            else:
                yield _verdict(board, None, "who holds which role is not in the evidence", f"{subject} account", service="kube_dashboard")


def _isolated(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for space in facts.of(Namespace):
        if space.name in _SYSTEM:
            continue
        mine = [one for one in facts.of(NetworkPolicy, space.host) if one.namespace == space.name]
        for way in ("ingress", "egress"):
            whole = [one for one in mine if one.everything and getattr(one, way)]
            opened = [one for one in whole if getattr(one, f"open_{way}")]
            subject = f"{space.name} {way}"
            if not whole:
                said = "no policy selects all pods: what no policy selects " + ("takes connections from everywhere" if way == "ingress"
                                                                               else "connects to everywhere")  # fmt: skip
                yield _verdict(space, False, said, subject, service="")
            elif opened:
                yield _verdict(opened[0], False, f"{opened[0].name} lets everything through for all pods", subject, service="")
            else:
                yield _verdict(whole[0], True, f"{whole[0].name} isolates all pods", subject, service="", resolved="policies add up; none opens all")
    for cluster in _clusters(facts):
        spaces = facts.of(Namespace, cluster.host)
        if all(one.name in _SYSTEM for one in spaces):
            yield _verdict(cluster, None, "no namespace of the site's own is in the evidence", "namespaces", service="")


def _host(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for host in dict.fromkeys(one.host for one in facts.of(Workload)):
        bad = False
        for pod in facts.of(Workload, host):
            if pod.owned or pod.namespace in _SYSTEM:
                continue
            if pod.host_network or pod.host_ports:
                bad = True
                said = "shares the network of its node" if pod.host_network else f"takes ports of its node: {', '.join(map(str, pod.host_ports))}"
                yield _verdict(pod, False, f"{said}, past every NetworkPolicy", f"{pod.kind} {pod.namespace}/{pod.name}", service="")
        if not bad:
            yield _verdict(facts.of(Workload, host)[0], True, "no pod of the site's own takes its node's network or ports", "pods", service="")


_SOCKETS = (
    "/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock", "/var/run/containerd/containerd.sock", "/run/crio/crio.sock",
)  # fmt: skip


def _takeover(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for host in dict.fromkeys(one.host for one in facts.of(Workload)):
        bad = False
        for pod in facts.of(Workload, host):
            if pod.owned or pod.namespace in _SYSTEM:
                continue
            paths = [one for one in pod.host_paths if one.rstrip("/") in {"", *_SOCKETS, "/etc", "/root", "/var/run", "/run", "/var/lib/kubelet"}]
            if pod.privileged or paths:
                bad = True
                said = "is privileged" if pod.privileged else f"holds {', '.join(paths)} of its node"
                yield _verdict(pod, False, f"{said}: who takes it holds the node", f"{pod.kind} {pod.namespace}/{pod.name}", service="")
        if not bad:
            yield _verdict(facts.of(Workload, host)[0], True, "no pod of the site's own can take its node over", "pods", service="")


def _need(*kinds: type[Fact]) -> tuple[Need, ...]:
    return (Need(kinds, _COLLECT, systems=(System.CLUSTER,)),)


def _check(number: str, title: str, about: str, kinds: tuple[type[Fact], ...], judge: Criterion, fix: Remediation,
           mappings: tuple[Mapping, ...], measures: tuple[Measure, ...], severity: Severity, services: tuple[str, ...] = ()) -> Check:  # fmt: skip
    return Check(
        id=number, title=title, about=about, measures=measures, severity=severity, needs=_need(*kinds), judge=judge, remediation=fix,
        mappings=mappings, references=("Kubernetes documentation: Security",), services=services,
    )  # fmt: skip


_DENY = (
    "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: default-deny}\nspec:\n  podSelector: {}\n"
    "  policyTypes: [Ingress, Egress]"
)
Judge = Callable[[Facts, Ground], Iterator[Verdict]]
CHECKS: tuple[Check, ...] = (
    _check(
        "M1035.1-03a", "Kubernetes: nobody without credentials holds a role",
        "No binding gives system:anonymous, system:unauthenticated or system:authenticated more than discovery.", (RoleBinding,), _everybody,
        Remediation("Delete the binding.", "kubectl delete clusterrolebinding NAME"), (*nist("AC-3", "AC-6"), *cis("Kubernetes", "2.1.0", "5.1.1")),
        (Measure.ACCESS_AUDIT,), Severity.CRITICAL, ("kube_api",),
    ),
    _check(
        "M1035.1-03b", "Kubernetes: no pod of the site's own may do everything",
        "No service account outside kube-system holds cluster-admin or a role of all verbs on all resources.", (RoleBinding,), _admins,
        Remediation("Give the service account a role with what it needs."), (*nist("AC-6"), *cis("Kubernetes", "2.1.0", "5.1.1")),
        (Measure.ACCESS_AUDIT,), Severity.HIGH, ("kube_api",),
    ),
    _check(
        "M1035.1-03c", "Kubernetes: no role reaches kubelets through nodes/proxy",
        "No bound role of the site's own allows nodes/proxy.", (Role,), _proxy,
        Remediation("Use nodes/metrics or nodes/stats instead."), (*nist("AC-6"), *cis("Kubernetes", "2.1.0", "5.1.10")),
        (Measure.ACCESS_AUDIT,), Severity.MEDIUM, ("kube_api", "kubelet"),
    ),
    _check(
        "M1042.4-05", "Kubernetes: no interface for administration is published",
        "No Service (NodePort, external LoadBalancer) or Ingress leads to a dashboard or admin interface from beyond the site.", (ClusterService,),
        _published, Remediation("Make it a ClusterIP and use kubectl port-forward, or an internal load balancer behind the VPN.",
                                "type: ClusterIP", "Whoever uses the public address loses it."),
        nist("CM-7", "SC-7", "AC-17(3)"), (Measure.UNNECESSARY_SERVICE, Measure.NETWORK_SERVICE), Severity.CRITICAL, ("kube_dashboard",),
    ),
    _check(
        "M1042.4-06", "Kubernetes dashboard: asks for a token and may do little",
        "No dashboard runs with --enable-skip-login, --enable-insecure-login or --disable-settings-authorizer, or under an all-powerful account.",
        (Workload,), _dashboard, Remediation("Remove the flags and bind its account to a role that reads; better, remove the dashboard."),
        (*nist("CM-7", "AC-3", "AC-6"), *stig("Kubernetes", "CNTR-K8-000420 (V-242395)")),
        (Measure.UNNECESSARY_SERVICE,), Severity.CRITICAL, ("kube_dashboard",),
    ),
    _check(
        "M1030.4-01", "Kubernetes: every namespace denies by default",
        "In every namespace of the site's own a NetworkPolicy selects all pods for ingress and one for egress, and none of those opens everything.",
        (Namespace,), _isolated, Remediation("Add a policy that denies, then one for each flow that is meant.", _DENY,
                                             "What no further policy allows stops at once, DNS included."),
        (*nist("SC-7(5)", "AC-4"), *cis("Kubernetes", "2.1.0", "5.3.2")), (Measure.MICROSEGMENTATION,), Severity.HIGH,
    ),
    _check(
        "M1030.4-03a", "Kubernetes: pods keep to their own network",
        "No pod outside kube-system has hostNetwork or hostPort.", (Workload,), _host,
        Remediation("Remove hostNetwork and hostPort; publish by a Service."),
        (*nist("SC-7", "CM-7"), *stig("Kubernetes", "CNTR-K8-000960 (V-242414)")), (Measure.MICROSEGMENTATION,), Severity.HIGH,
    ),
    _check(
        "M1030.4-03b", "Kubernetes: pods cannot take over their nodes",
        "No pod outside kube-system is privileged or mounts the container runtime's socket or the node's root.", (Workload,), _takeover,
        Remediation("Remove privileged and the hostPath volume; enforce the baseline of Pod Security Standards."),
        nist("AC-6", "SC-39"), (Measure.MICROSEGMENTATION, Measure.ISOLATION), Severity.HIGH,
    ),
)  # fmt: skip
