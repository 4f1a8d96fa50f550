"""``/etc/docker/daemon.json``: the settings of a Docker daemon, and the socket unit that hands it its listener.

::

    { "hosts": ["unix:///var/run/docker.sock", "tcp://0.0.0.0:2376"], "tlsverify": true, "icc": false }

    [Socket]
    ListenStream=/run/docker.sock

Reference: dockerd(8), "Daemon configuration file"; systemd.socket(5).
"""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import LIKELY, SURE, Format, Ignored, Outcome, Rejected
from gatewatch.evidence.mask import value as masked
from gatewatch.schema.facts.base import Setting, Where
from gatewatch.schema.facts.container import DockerConfig, SocketUnit

_KEYS = (
    '"tlsverify"', '"icc"', '"userns-remap"', '"authorization-plugins"', '"log-driver"', '"userland-proxy"', '"insecure-registries"',
    '"data-root"', '"live-restore"', '"no-new-privileges"', '"storage-driver"',
)  # fmt: skip


def _recognise(document: Document) -> int:
    if document.at("docker/daemon.json"):
        return SURE
    return LIKELY if document.path.endswith("daemon.json") and any(key in document.head for key in _KEYS) else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        tree = document.json()
        if not isinstance(tree, dict):
            yield Rejected(document, document.fault or "holds no settings")
            continue
        values = []
        for name, value in sorted(tree.items()):
            text = " ".join(str(one) for one in value) if isinstance(value, list) else _word(value)
            values.append(Setting(name.lower(), masked(name, text), "as written in daemon.json", document.spot(f"$.{name}", f'"{name}": {text}')))
        yield DockerConfig(
            host=bundle.host, as_of=document.as_of, where=(document.spot("$"),), service="docker_api", values=tuple(values)
        )  # fmt: skip


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _recognise_unit(document: Document) -> int:
    return SURE + 5 if "docker.socket" in document.path and "[Socket]" in document.head else 0  # surer than what reads any unit


def _read_unit(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    streams: list[str] = []
    places: list[Where] = []
    own = any(document.at("etc/systemd/system/docker.socket") for document in documents)  # it replaces the vendor's
    for document in sorted(documents, key=lambda one: (".d/" in one.path, one.path)):  # drop-ins last; an empty value begins anew
        if own and document.at("systemd/system/docker.socket") and not document.at("etc/systemd/system/docker.socket"):
            yield Ignored(document, "the unit in /etc takes its place")
            continue
        before = len(places)
        for number, line in enumerate(document.lines, 1):
            name, equals, value = line.strip().partition("=")
            if name.strip() != "ListenStream" or not equals:
                continue
            places.append(document.where(number))
            streams = [*streams, value.strip()] if value.strip() else []
        if len(places) == before:
            yield Ignored(document, "names no ListenStream")
    if places:
        yield SocketUnit(host=bundle.host, as_of=documents[0].as_of, where=tuple(places), name="docker.socket", streams=tuple(streams))


FORMAT = Format(
    name="docker-daemon",
    title="Settings of the Docker daemon (daemon.json)",
    recognise=_recognise,
    read=_read,
    collect="cp /etc/docker/daemon.json EVIDENCE/etc/docker/; systemctl cat docker.socket > EVIDENCE/commands/docker.socket.txt",
    references=("dockerd(8)",),
)
SOCKET_FORMAT = Format(
    name="docker-socket",
    title="Socket unit of the Docker daemon",
    recognise=_recognise_unit,
    read=_read_unit,
    collect="systemctl cat docker.socket > EVIDENCE/commands/docker.socket.txt",
    references=("systemd.socket(5)",),
)
