"""Docker daemon: whether its API can be reached, by whom, and whether containers reach each other."""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.audit.check import Check, Ground, Need, Verdict, by_setting, nist, stig
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.container import Container, DockerSettings
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure
from gatewatch.schema.port import service_of

NEED = Need(
    (DockerSettings,),
    "ps -ww -eo args > EVIDENCE/commands/ps.txt; cp /etc/docker/daemon.json EVIDENCE/etc/docker/; systemctl cat docker.socket > "
    "EVIDENCE/commands/docker.socket.txt",
)
_LOCKOUT = "Whoever administers it over the network loses that; use docker context with ssh:// instead."


def _remote(sockets: tuple[str, ...]) -> list[str]:
    return [one for one in sockets if one.startswith(("tcp://", "http://", "https://", ":")) or one[:1].isdigit()]


def _loopback(socket: str) -> bool:
    address = socket.partition("://")[2] or socket
    return address.startswith(("127.", "localhost:", "[::1]"))


def _listener(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for settings in facts.of(DockerSettings):
        exposed = [one for one in _remote(settings.sockets) if not _loopback(one)]
        said = f"its API listens on {', '.join(exposed)}" if exposed else "its API cannot be reached over the network"
        setting = settings.get("hosts")
        if exposed and setting is not None and setting.uncertain:  # what is not in the evidence can add listeners, not take this one away
            yield Verdict(
                status=Status.FAIL, host=settings.host, message=said, value=f"hosts {setting.value}", resolved=setting.how,
                where=settings.where[:1], service="docker_api", subject="listener", as_of=settings.as_of,
            )  # fmt: skip
        else:
            yield by_setting(settings, setting, not exposed, said, service="docker_api", subject="listener")


def _tls(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for settings in facts.of(DockerSettings):
        remote = _remote(settings.sockets)
        hosts, verify = settings.get("hosts"), settings.get("tlsverify")
        if not remote and hosts is not None and not hosts.uncertain:
            yield Verdict(
                status=Status.NOT_APPLICABLE, host=settings.host, message="its API cannot be reached over the network", service="docker_api",
                subject="tls", where=settings.where[:1], as_of=settings.as_of,
            )  # fmt: skip
            continue
        missing = [name for name in ("tlscacert", "tlscert", "tlskey") if not settings.text(name)]
        good = settings.text("tlsverify") == "true" and not missing
        said = "clients must have a certificate" if good else (
            "clients need no certificate: whoever reaches it is root" if settings.text("tlsverify") != "true" else f"not set: {', '.join(missing)}"
        )  # fmt: skip
        if not remote:
            good = None  # type: ignore[assignment]
        yield by_setting(settings, verify, good, said, service="docker_api", subject="tls")


def _icc(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for settings in facts.of(DockerSettings):
        good = settings.text("icc") == "false"
        said = "containers on the default bridge do not reach each other" if good else "containers on the default bridge reach each other"
        yield by_setting(settings, settings.get("icc"), good, said, service="docker_api", subject="icc")


def _plugins(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for settings in facts.of(DockerSettings):
        good = bool(settings.text("authorization-plugins")) or not _remote(settings.sockets)
        said = "requests are authorized, or come over a local socket only" if good else "every authenticated client may do everything"
        hosts = settings.get("hosts")
        setting = settings.get("authorization-plugins") if settings.text("authorization-plugins") or not good else hosts
        yield by_setting(settings, setting, good, said, service="docker_api", subject="authorization")


_INSPECT = Need((Container,), "docker inspect $(docker ps -q) > EVIDENCE/commands/docker-inspect.json")


def _containers(facts: Facts) -> Iterator[Container]:
    yield from (one for one in facts.of(Container) if one.running is not False)


def _verdict(one: Container, good: bool, said: str, value: str, service: str = "docker_api") -> Verdict:
    return Verdict(
        status=Status.PASS if good else Status.FAIL, host=one.host, message=said, subject=one.name, value=value, where=one.where[:1],
        resolved="as docker inspect says", service=service, as_of=one.as_of,
    )  # fmt: skip


def _none_runs(facts: Facts) -> Iterator[Verdict]:
    for host in dict.fromkeys(one.host for one in facts.of(Container)):
        mine = facts.of(Container, host)
        if all(one.running is False for one in mine):
            yield Verdict(status=Status.NOT_APPLICABLE, host=host, message="no container runs", where=mine[0].where[:1])


def _published(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    for one in _containers(facts):
        asset = ground.site.posture.asset(one.host)
        wide = []
        for port in one.published:
            service = service_of(port.inner, port.protocol) or service_of(port.port, port.protocol)
            meant = asset is not None and any(entry.holds(port.protocol, port.port) for entry in asset.allow)
            if service and not meant and port.address in _EVERYWHERE:
                wide.append((service, f"{port.address}:{port.port}->{port.inner}/{port.protocol}"))
        doors = ", ".join(text for _, text in wide)
        said = f"publishes {', '.join(dict.fromkeys(name for name, _ in wide))} on every address of the host, past its input rules: {doors}"
        yield _verdict(one, not wide, said if wide else "publishes no remote service on every address", doors, wide[0][0] if wide else "docker_api")
    yield from _none_runs(facts)


def _apart(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for one in _containers(facts):
        ways = ["shares the network of its host"] if one.host_network else []
        ways += ["is privileged"] if one.privileged else []
        ways += [f"holds {path} of its host" for path in one.control]
        yield _verdict(one, not ways, ", ".join(ways) or "has a network of its own and no hold on its host", ", ".join(ways))
    yield from _none_runs(facts)


_EVERYWHERE = frozenset({"0.0.0.0", "::", "", "*"})  # noqa: S104 - what is looked for
CHECKS: tuple[Check, ...] = (
    Check(
        id="M1042.2-06a",
        title="Docker: its API is not reachable over the network",
        about="No listener of dockerd, by flag, daemon.json or socket unit, is a TCP address beyond loopback.",
        measures=(Measure.UNUSED_FEATURE, Measure.NETWORK_SERVICE, Measure.ISOLATION),
        severity=Severity.CRITICAL,
        needs=(NEED,),
        judge=_listener,
        remediation=Remediation("Remove tcp:// from hosts and -H.", '{ "hosts": ["unix:///var/run/docker.sock"] }', _LOCKOUT),
        mappings=(*nist("CM-7", "AC-3", "SC-7"), *stig("Docker Enterprise", "DKER-EE-001050 (V-235776)")),
        references=("dockerd(8)", "Docker Engine: protect the Docker daemon socket"),
        services=("docker_api",),
    ),
    Check(
        id="M1035.7-04",
        title="Docker: a remote API asks for client certificates",
        about="With a TCP listener, tlsverify is true and CA, certificate and key are set.",
        measures=(Measure.HARDENING,),
        severity=Severity.CRITICAL,
        needs=(NEED,),
        judge=_tls,
        remediation=Remediation("Set tlsverify with tlscacert, tlscert and tlskey, and listen on 2376.", '{ "tlsverify": true }', _LOCKOUT),
        mappings=nist("SC-8", "IA-2", "IA-5(2)"),
        references=("Docker Engine: protect the Docker daemon socket",),
        services=("docker_api",),
    ),
    Check(
        id="M1030.4-04",
        title="Docker: containers do not reach each other on the default bridge",
        about="icc is false.",
        measures=(Measure.MICROSEGMENTATION,),
        severity=Severity.MEDIUM,
        needs=(NEED,),
        judge=_icc,
        remediation=Remediation("Set icc to false, and give containers that belong together a network of their own.", '{ "icc": false }',
                                "Containers that talk over the default bridge stop doing so."),
        mappings=nist("SC-7", "AC-4"),
        references=("dockerd(8)",),
        services=("docker_api",),
    ),
    Check(
        id="M1042.5-04b",
        title="Docker: requests over the network are authorized",
        about="With a TCP listener an authorization plugin is set; without one everybody authenticated is root of the host.",
        measures=(Measure.PLUGIN, Measure.ACCESS_AUDIT),
        severity=Severity.MEDIUM,
        needs=(NEED,),
        judge=_plugins,
        remediation=Remediation("Set authorization-plugins, or close the TCP listener."),
        mappings=nist("AC-3", "AC-6"),
        references=("Docker Engine: access authorization plugin",),
        services=("docker_api",),
    ),
    Check(
        id="M1030.4-04b",
        title="Docker: containers publish no remote service on every address",
        about="A published port of a remote service is bound to a chosen address, or the site allows it: rules of the input hook do not see it.",
        measures=(Measure.MICROSEGMENTATION, Measure.FIREWALL),
        severity=Severity.HIGH,
        needs=(_INSPECT,),
        judge=_published,
        remediation=Remediation("Publish on an address of the management network, or on loopback.", "docker run -p 127.0.0.1:2222:22 ..."),
        mappings=nist("SC-7", "AC-4"),
        references=("Docker Engine: published ports",),
    ),
    Check(
        id="M1030.4-04c",
        title="Docker: containers are kept apart from their host",
        about="No running container is privileged, shares its host's network, or holds the daemon's socket or the root of the file system.",
        measures=(Measure.MICROSEGMENTATION, Measure.UNUSED_FEATURE),
        severity=Severity.HIGH,
        needs=(_INSPECT,),
        judge=_apart,
        remediation=Remediation("Run it without --privileged and --network host, and give it no socket of the daemon."),
        mappings=nist("SC-7(21)", "AC-6", "CM-7"),
        references=("Docker Engine: security",),
    ),
)  # fmt: skip
