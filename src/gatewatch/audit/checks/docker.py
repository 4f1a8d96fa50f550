"""Docker daemon: whether its API can be reached, by whom, and whether containers reach each other."""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.audit.check import Check, Ground, Need, Verdict, by_setting, nist, stig
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.container import DockerSettings
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure

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
)  # fmt: skip
