r"""``docker events`` as JSON: containers created and started, commands run in them.

``{"Type":"container","Action":"exec_create: sh -c id","Actor":{"ID":"1f2e…","Attributes":{"image":"nginx","name":"web"}},"time":…,"timeNano":…}``

The command stands behind the action. Neither who asked nor from where is told, nor what the container may do to its host: the daemon's debug log
says that (:mod:`.docker_daemon`). A health check of a container is an execution like any other.

References: https://docs.docker.com/reference/cli/docker/system/events/
"""

from __future__ import annotations

from typing import Any

from gatewatch.schema.events import Kind, Service
from gatewatch.sources.document import DocumentSource, Made, Part, Unreadable, mapping, said
from gatewatch.sources.epoch import epoch_micros

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


SOURCE = DocumentSource(
    name="docker-events",
    title="Docker events",
    programs=("docker-events",),
    read=_read,
    shape=_Event,
    essential=("Action", "status"),
    service=Service.DOCKER_API,
    references=("https://docs.docker.com/reference/cli/docker/system/events/",),
)
