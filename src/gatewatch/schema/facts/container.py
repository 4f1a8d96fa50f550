"""Facts of containers: configuration of kubelet, API server and Docker daemon, and the objects of a cluster that let people in."""

from __future__ import annotations

from dataclasses import dataclass

from gatewatch.schema.facts.base import Fact, Settings, Where


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeletConfig(Settings):
    """A ``KubeletConfiguration`` as written; ``path`` is where it lay on its host. What a flag overrides does not show here."""

    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeletSettings(Settings):
    """The settings of a kubelet in force: flags over file over the defaults of the regime it runs in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiServerSettings(Settings):
    """The settings of a kube-apiserver in force."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerConfig(Settings):
    """``daemon.json`` as written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerSettings(Settings):
    """The settings of a Docker daemon in force. ``sockets``: every address it is asked to listen on; ``handed``: systemd hands it some."""

    sockets: tuple[str, ...] = ()
    handed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketUnit(Fact):
    """A systemd socket unit: what it listens on."""

    name: str
    streams: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticationConfig(Fact):
    """An ``AuthenticationConfiguration`` of the API server; ``anonymous`` None: it does not speak of anonymous requests."""

    path: str
    anonymous: bool | None = None
    conditions: tuple[str, ...] = ()  # the only paths anonymous requests may ask for
    issuers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AuditRule:
    """A rule of an audit policy; an empty condition matches everything. ``resources``: ``group/resource``, ``*`` for any."""

    level: str
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    narrow: bool = False  # it asks for namespaces, names or URLs, so it does not match every request of the kind
    where: Where | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPolicy(Fact):
    """An audit policy of the API server: the first rule that matches decides; a request none matches is not logged."""

    path: str
    rules: tuple[AuditRule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload(Fact):
    """A pod, or the template of those that a controller makes."""

    kind: str
    namespace: str
    name: str
    labels: tuple[tuple[str, str], ...] = ()
    images: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    account: str = "default"
    host_network: bool = False
    host_ports: tuple[int, ...] = ()
    privileged: bool = False
    host_paths: tuple[str, ...] = ()
    address: str = ""
    owned: bool = False  # a controller made it, whose template is judged


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterService(Fact):
    """A Service or Ingress: how pods can be reached. ``external`` None: whether a load balancer faces the internet is not said."""

    kind: str
    namespace: str
    name: str
    type: str
    ports: tuple[tuple[int, int], ...] = ()  # port, node port (0: none)
    selector: tuple[tuple[str, str], ...] = ()
    external: bool | None = None
    source_ranges: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleBinding(Fact):
    """Who holds a role, in one namespace or (empty) everywhere. ``subjects``: kind, namespace, name."""

    namespace: str
    name: str
    role_kind: str
    role: str
    subjects: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Role(Fact):
    """What a role allows: verbs, resources (``group/resource``) and URLs, one triple for each rule."""

    namespace: str
    name: str
    rules: tuple[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace(Fact):
    """A namespace of a cluster."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkPolicy(Fact):
    """A NetworkPolicy: which pods it isolates (``everything``: all of its namespace), in which directions, and whether a rule lets all through."""

    namespace: str
    name: str
    everything: bool
    ingress: bool
    egress: bool
    open_ingress: bool = False
    open_egress: bool = False
    labels: tuple[tuple[str, str], ...] = ()  # of the pods it selects, all of them
    expressions: tuple[tuple[str, str, tuple[str, ...]], ...] = ()  # key, operator and values, which must all hold too
    everybody: bool = False  # some rule lets in every pod, on some port

    def selects(self, labels: tuple[tuple[str, str], ...]) -> bool:
        """Return whether it selects a pod that bears *labels*."""
        held = dict(labels)
        if any(held.get(key) != value for key, value in self.labels):
            return False
        for key, operator, values in self.expressions:
            mine = held.get(key)
            good = {"In": mine in values, "NotIn": mine not in values, "Exists": mine is not None, "DoesNotExist": mine is None}
            if not good.get(operator, False):
                return False
        return True


@dataclass(frozen=True, slots=True)
class Published:
    """A port of a container that its host publishes: on which address and port of the host, and which port within."""

    address: str
    port: int
    inner: int
    protocol: str = "tcp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Container(Fact):
    """A container of Docker or Podman. ``control``: paths of its host it was given by which it can take the host over."""

    name: str
    image: str = ""
    running: bool | None = None
    published: tuple[Published, ...] = ()
    privileged: bool = False
    host_network: bool = False
    control: tuple[str, ...] = ()
