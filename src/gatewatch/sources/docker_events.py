r"""``docker events`` as JSON and as text: containers created and started, commands run in them.

``{"Type":"container","Action":"exec_create: sh -c id","Actor":{"ID":"1f2e…","Attributes":{"image":"nginx","name":"web"}},"time":…,"timeNano":…}``
``2026-01-05T12:00:00.123456789Z container exec_create: sh -c id 1f2e… (execID=77aa…, image=nginx, name=web)``

The second is what the command prints unless it is asked for JSON, and what ``docker compose events`` prints, there in the zone of the host. The
command stands behind the action, and in the text before the id: what a command holds cannot pass for the id or the attributes behind it. Neither
who asked nor from where is told, nor what the container may do to its host: the daemon's debug log says that (:mod:`.docker_daemon`). A health
check of a container is an execution like any other.

References: https://docs.docker.com/reference/cli/docker/system/events/
"""

from __future__ import annotations

import re
from typing import Any

from gatewatch.schema.events import Kind, Service
from gatewatch.sources.daemon_text import DaemonText
from gatewatch.sources.document import DocumentSource, Made, Part, Unreadable, mapping, said
from gatewatch.sources.epoch import epoch_micros
from gatewatch.sources.two_forms import TwoForms

OTHERS = "an action of no consequence"
STRANGE = "no action in it"
_DEEDS = {
    ("container", "create"): (Kind.CONTAINER_CREATE, "container-created"),
    ("container", "start"): (Kind.CONNECTION, "container-started"),
    ("container", "exec_create"): (Kind.CONTAINER_EXEC, "exec-created"),
    ("container", "exec_start"): (Kind.CONNECTION, "exec-started"),
    ("container", "attach"): (Kind.CONTAINER_EXEC, "attached"),
    ("container", "archive-path"): (Kind.FILE_TRANSFER, "copied-from-container"),
    ("container", "extract-to-dir"): (Kind.FILE_TRANSFER, "copied-into-container"),
    ("container", "export"): (Kind.FILE_TRANSFER, "container-exported"),
    ("image", "pull"): (Kind.CONNECTION, "image-pulled"),
    ("image", "import"): (Kind.CONNECTION, "image-imported"),
    ("image", "load"): (Kind.CONNECTION, "image-loaded"),
    ("plugin", "enable"): (Kind.CONFIG_CHANGE, "plugin-enabled"),
    ("daemon", "reload"): (Kind.CONFIG_CHANGE, "daemon-reloaded"),
    ("service", "create"): (Kind.CONTAINER_CREATE, "service-created"),
}
_LINE = re.compile(r"([a-z]+) ([a-z_-]+)(?:(: .*) ([0-9a-f]{12,64})| ([^ ]+))(?: \((.*)\))?")
_ATTRIBUTE = re.compile(r"(?:^|, )(execID|image|name)=([^ ,]*)(?=, |$)")
_TYPES = "builder|config|container|daemon|image|network|node|plugin|secret|service|volume"


class _Actor(Part):
    ID: Any = None
    Attributes: Any = None


class _Event(Part):
    Type: Any = None
    Action: Any = None
    Actor: _Actor | None = None
    status: Any = None
    id: Any = None
    image: Any = None
    time: Any = None
    timeNano: Any = None  # noqa: N815 - Docker's name


def _read(event: _Event) -> Made:
    action = event.Action if isinstance(event.Action, str) else event.status
    if not isinstance(action, str) or not action:
        raise Unreadable(STRANGE)
    verb, _, command = action.partition(": ")
    kind = event.Type if isinstance(event.Type, str) else "container"
    found = _DEEDS.get((kind, verb.rstrip(":")))
    if found is None:
        return OTHERS
    actor = event.Actor if event.Actor is not None else _Actor()
    attributes = mapping(actor.Attributes)
    identity = said(actor.ID) or said(event.id)
    named = said(attributes.get("name")) or (identity[:12] if identity else None)
    return {
        "kind": found[0],
        "pattern": found[1],
        "time": epoch_micros(event.timeNano) or epoch_micros(event.time) or event.time,
        "object": named,
        "command": command.strip() or None,
        "extra": {"images": said(attributes.get("image")), "container": identity, "execID": said(attributes.get("execID"))},
    }


def _read_line(line: str) -> Made:
    """Return what a line of text says, as :func:`_read` has it; the time is that of the record."""
    found = _LINE.fullmatch(line.strip())
    if found is None:
        raise Unreadable(STRANGE)
    attributes: dict[str, Any] = {}
    for name, value in _ATTRIBUTE.findall(found[6] or ""):
        attributes[name] = value if attributes.get(name, value) == value else None  # a label that looks like another attribute
    event = _Event(Type=found[1], Action=found[2] + (found[3] or ""), Actor=_Actor(ID=found[4] or found[5], Attributes=attributes))
    return _read(event)


_REFERENCES = ("https://docs.docker.com/reference/cli/docker/system/events/",)

SOURCE = TwoForms(
    DocumentSource(
        name="docker-events",
        title="Docker events",
        programs=("docker-events",),
        read=_read,
        shape=_Event,
        essential=("Action", "status"),
        service=Service.DOCKER_API,
        references=_REFERENCES,
    ),
    DaemonText(
        name="docker-events",
        title="Docker events",
        programs=("docker-events",),
        busy=rf"^(?:{_TYPES}) (?:{'|'.join(sorted({re.escape(verb) for _, verb in _DEEDS}))})(?::? |$)",
        known=rf"^(?:{_TYPES}) [a-z_-]+",
        idle=OTHERS,
        read=_read_line,
        service=Service.DOCKER_API,
        references=_REFERENCES,
    ),
)
