"""The settings of kubelet, API server and Docker daemon in force, made of command lines, configuration files and known defaults.

kubelet has two sets of defaults: with a configuration file an absent key takes the safe default of ``v1beta1``; without a file the flags'
old defaults hold (anonymous requests, no authorization, a read-only port). Flags win over the file, drop-ins of ``--config-dir`` over it too.
Source: kubernetes/kubernetes, cmd/kubelet/app/options (``applyLegacyDefaults``) and pkg/kubelet/apis/config/v1beta1/defaults.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gatewatch.schema.facts.base import Fact, Facts, Setting, Where
from gatewatch.schema.facts.container import ApiServerSettings, DockerConfig, DockerSettings, KubeletConfig, KubeletSettings, SocketUnit
from gatewatch.schema.facts.process import CommandLine

FILE_DEFAULTS = {
    "anonymous-auth": "false", "authentication-token-webhook": "true", "authorization-mode": "Webhook", "read-only-port": "0",
    "client-ca-file": "", "tls-cert-file": "", "rotate-server-certificates": "false",
}  # fmt: skip
FLAG_DEFAULTS = {
    **FILE_DEFAULTS, "anonymous-auth": "true", "authentication-token-webhook": "false", "authorization-mode": "AlwaysAllow",
    "read-only-port": "10255",
}  # fmt: skip
_NO_COMMAND = "the command line of kubelet is not in the evidence, and a flag wins over the file"


def _lines(facts: Facts, program: str) -> list[CommandLine]:
    """Return the command lines of *program*: as they run, and of hosts where none was seen running, as a unit would start it."""
    all_of = [one for one in facts.of(CommandLine) if one.program == program]
    seen = {one.host for one in all_of if one.seen}
    return [one for one in all_of if one.seen or one.host not in seen]


def kubelets(facts: Facts) -> Iterator[KubeletSettings]:
    """Yield the settings in force of every kubelet there is evidence of."""
    lines = _lines(facts, "kubelet")
    for line in lines:
        yield _with_command(line, facts.of(KubeletConfig, line.host))
    known = {line.host for line in lines}
    for config in facts.of(KubeletConfig):
        if config.host in known:
            continue
        known.add(config.host)
        found = {one.name: Setting(one.name, one.value, one.how, one.where, one.uncertain or _NO_COMMAND) for one in config.values}
        yield _made(config, found, FILE_DEFAULTS, "default of kubelet with a configuration file", _NO_COMMAND)


def _with_command(line: CommandLine, configs: list[KubeletConfig]) -> KubeletSettings:
    path = line.flag("--config")
    doubt = ""
    found: dict[str, Setting] = {}
    places = line.where
    if path:
        config = next((one for one in configs if one.path == path or path.endswith(one.path)), None)
        if config is None and len(configs) == 1:
            config = configs[0]
            doubt = f"{path} is not in the evidence; {config.path} was taken for it"
        if config is None:
            doubt = f"{path} is not in the evidence"
        else:
            places = (*places, *config.where)
            found = {one.name: Setting(one.name, one.value, one.how, one.where, one.uncertain or doubt) for one in config.values}
    folder = (line.flag("--config-dir") or "").rstrip("/")
    if folder:
        dropped = sorted((one for one in configs if one.path.rpartition("/")[0].endswith(folder)), key=lambda one: one.path)
        doubt = doubt or ("" if dropped else f"the drop-ins in {folder} are not in the evidence")
        for one in dropped:
            found.update({value.name: value for value in one.values})
        if not dropped:
            found = {name: Setting(name, one.value, one.how, one.where, one.uncertain or doubt) for name, one in found.items()}
    for name in FLAG_DEFAULTS:
        given = line.flag("--" + name)
        if given is not None:
            found[name] = Setting(name, given, f"flag --{name}, which wins over the configuration file", line.where[0] if line.where else None)
    if path or folder:
        return _made(line, found, FILE_DEFAULTS, "default of kubelet with a configuration file", doubt, places)
    return _made(line, found, FLAG_DEFAULTS, "default of kubelet's flags, as it runs without --config", "", places)


def _made(
    fact: Fact, found: dict[str, Setting], defaults: dict[str, str], how: str, doubt: str, places: tuple[Where, ...] | None = None
) -> KubeletSettings:
    values = {name: Setting(name, value, how, (places or fact.where or (None,))[0], doubt) for name, value in defaults.items()} | found
    return KubeletSettings(
        host=fact.host, as_of=fact.as_of, where=places or fact.where, service="kubelet",
        values=tuple(values[name] for name in sorted(values)),
    )  # fmt: skip


API_FLAGS = (
    "anonymous-auth", "authorization-mode", "authorization-config", "authentication-config", "token-auth-file", "basic-auth-file",
    "insecure-port", "insecure-bind-address", "audit-policy-file", "audit-log-path", "audit-webhook-config-file", "tls-cert-file",
    "tls-private-key-file", "tls-min-version", "client-ca-file", "oidc-issuer-url", "enable-admission-plugins", "disable-admission-plugins",
    "kubelet-client-certificate", "etcd-cafile", "etcd-certfile", "bind-address", "secure-port", "kubelet-certificate-authority",
)  # fmt: skip
_API_DEFAULTS = {"anonymous-auth": "true", "authorization-mode": "AlwaysAllow", "tls-min-version": "VersionTLS12"}


def api_servers(facts: Facts) -> Iterator[ApiServerSettings]:
    """Yield the settings of every kube-apiserver; two sightings with the same arguments are one."""
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for line in _lines(facts, "kube-apiserver"):
        key = (line.host, line.arguments)
        if key in seen:
            continue
        seen.add(key)
        where = line.where[0] if line.where else None
        values = []
        for name in API_FLAGS:
            given = line.flag("--" + name)
            if given is not None:
                values.append(Setting(name, given, f"flag --{name}", where))
            elif name in _API_DEFAULTS and not (name == "authorization-mode" and line.flag("--authorization-config") is not None):
                values.append(Setting(name, _API_DEFAULTS[name], "default of kube-apiserver", where))
        yield ApiServerSettings(host=line.host, as_of=line.as_of, where=line.where, service="kube_api", values=tuple(values))


_DOCKER_FLAGS = ("tlsverify", "tls", "tlscacert", "tlscert", "tlskey", "icc", "userns-remap", "userland-proxy", "no-new-privileges")
_DOCKER_LISTS = {"authorization-plugins": "--authorization-plugin", "insecure-registries": "--insecure-registry"}
_DOCKER_DEFAULTS = {"icc": "true", "tls": "false", "tlsverify": "false", "userns-remap": "", "authorization-plugins": "", "userland-proxy": "true"}


def dockers(facts: Facts) -> Iterator[DockerSettings]:
    """Yield the settings of every Docker daemon: flags and ``daemon.json`` together; the daemon refuses to start when both say the same key."""
    lines = {one.host: one for one in reversed(_lines(facts, "dockerd"))}
    for host in dict.fromkeys([*reversed(lines), *(one.host for one in facts.of(DockerConfig))]):
        line = lines.get(host)
        config = next(iter(facts.of(DockerConfig, host)), None)
        unit = next(iter(facts.of(SocketUnit, host)), None)
        yield _docker(host, line, config, unit)


def _docker(host: str, line: CommandLine | None, config: DockerConfig | None, unit: SocketUnit | None) -> DockerSettings:
    doubt = "" if line is not None else "the command line of dockerd is not in the evidence"
    half = "" if config is not None else "daemon.json is not in the evidence"
    whole = "; ".join(one for one in (doubt, half) if one)
    found = {one.name: Setting(one.name, one.value, one.how, one.where) for one in config.values} if config is not None else {}
    place = line.where[0] if line is not None and line.where else None
    sockets = found["hosts"].value.split() if "hosts" in found else []
    if line is not None:
        for name in _DOCKER_FLAGS:
            given = line.flag("--" + name)
            if given is not None:
                found[name] = Setting(name, given, f"flag --{name} of dockerd", place)
        for name, flag in _DOCKER_LISTS.items():
            if line.flags(flag):
                found[name] = Setting(name, " ".join(line.flags(flag)), f"flag {flag} of dockerd", place)
        sockets += line.flags("-H", "--host")
    handed = any(one.startswith("fd://") for one in sockets)
    if handed and unit is not None:
        sockets = [*(one for one in sockets if not one.startswith("fd://")), *(_stream(one) for one in unit.streams)]
        handed = False
    for name, value in _DOCKER_DEFAULTS.items():
        found.setdefault(name, Setting(name, value, "default of dockerd", place or (config.where[0] if config is not None else None), whole))
    listens = sockets or ["unix:///var/run/docker.sock"]
    said = "flags, daemon.json and docker.socket together" if sockets else "default of dockerd"
    alone = line is None and "hosts" in found  # were it a flag as well, dockerd would refuse to start
    unsure = ("" if alone else whole) or ("systemd hands it a socket, and docker.socket is not in the evidence" if handed else "")
    where = found["hosts"].where if "hosts" in found else place
    if unit is not None and any(one.startswith("tcp://") for one in map(_stream, unit.streams)):
        where = unit.where[0]
    found["hosts"] = Setting("hosts", " ".join(listens), said, where, unsure)
    facts = [one for one in (line, config, unit) if one is not None]
    return DockerSettings(
        host=host, as_of=facts[0].as_of, where=tuple(place for one in facts for place in one.where), service="docker_api",
        values=tuple(found[name] for name in sorted(found)), sockets=tuple(listens), handed=handed,
    )  # fmt: skip


def _stream(text: str) -> str:
    """Return a ListenStream as dockerd writes it: a path, or a port with or without address."""
    if text.startswith(("/", "@", "%")):
        return f"unix://{text}"
    return f"tcp://0.0.0.0:{text}" if text.isdigit() else f"tcp://{text}"


def derive(facts: Facts) -> Iterable[Fact]:
    """Return the settings in force of all three."""
    return [*kubelets(facts), *api_servers(facts), *dockers(facts)]
