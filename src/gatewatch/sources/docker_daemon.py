r"""Docker daemon: on what addresses its API listens, and in debug mode what it is asked to do; containerd's executions.

``time="2026-01-05T12:00:00.123456789Z" level=info msg="API listen on [::]:2375"``
``time="…" level=debug msg="Calling POST /v1.41/containers/create?name=x"``
``time="…" level=debug msg="form data: {\"Image\":\"alpine\",\"HostConfig\":{\"Privileged\":true,\"Binds\":[\"/:/mnt\"]},…}"``

Neither account nor address of whoever calls is written, in no mode: port 2375 asks nobody who they are. A call and the form behind it (bodies of at
most 4 KiB) are one event. Behind a syslog header the line's own time counts: it has a year and a zone. ``request-url=`` and ``form-data=``, as
newer daemons write, are read as well. Failed TLS handshakes name an address.

References: https://docs.docker.com/engine/security/protect-access/;
https://github.com/moby/moby/blob/master/daemon/server/middleware/debug.go
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec
import polars as pl

from gatewatch.schema.events import AuthMethod, Kind, Service
from gatewatch.sources import kubernetes_spec as spec
from gatewatch.sources.daemon_text import DaemonText, pairs
from gatewatch.sources.document import FAULTS, Made
from gatewatch.sources.pattern import Outcome

OTHERS = "says nothing of the API"
LOCAL = "the API listens on the host only"
OTHER_CALL = "a call of no consequence"
_PAIR = re.compile(r'(?:^| )([A-Za-z][A-Za-z0-9_.-]*)=("(?:[^"\\]|\\.)*"|[^ "]*)')
_LISTEN = re.compile(r"API listen on (?:tcp://)?(\S+?:[0-9]{1,5})$")
_OPEN = re.compile(r"API is accessible on (http://\S+) without encryption|^Bind(?:ing)? to (?:an )?(?:IP address|TCP)\b.*without --tlsverify")
_LOOPBACK = re.compile(r"(?:^|//)(?:127\.|localhost:|\[::1\]|::1:)")
_CALL = re.compile(r"^Calling ([A-Z]+) (\S+)$")
_HANDSHAKE = re.compile(r"^http: TLS handshake error from (\S+): (.*)$", re.DOTALL)
_EXEC = re.compile(r'^Exec for "([0-9a-f]{12,64})" with command \[(.*)\],? (?:and timeout|tty)')
_VERSION = re.compile(r"^/v[0-9.]+(?=/)")
_CREATE, _EXECUTE = "container-create", "container-exec"
_WITHIN = 5  # records between a call and its form


def _read(line: str) -> Made:
    found = pairs(line, _PAIR)
    said = found.get("msg") or (line if line.startswith("http: ") else "")
    form = found.get("form-data") or (said[11:] if said.startswith("form data: ") else None)
    if form:
        return _form(form, found)
    url, call = found.get("request-url"), _CALL.match(said)
    if call is not None or (url and found.get("method")):
        return _call(call[1], call[2]) if call is not None else _call(found["method"] or "", url or "")
    listen = _LISTEN.search(said)
    if listen is not None:
        local = _LOOPBACK.search(listen[1]) is not None
        return LOCAL if local else {"kind": Kind.CONFIG_CHANGE, "pattern": "api-listening", "object": listen[1]}
    opened = _OPEN.search(said)
    if opened is not None:
        where = opened[1] or found.get("host") or found.get("addr")
        if where and _LOOPBACK.search(where):
            return LOCAL
        return {"kind": Kind.CONFIG_CHANGE, "pattern": "api-unprotected", "object": where.rpartition("//")[2] if where else None}
    failed = _HANDSHAKE.match(said)
    if failed is not None:
        certificate = "certificate" in failed[2]
        kind = Kind.AUTH_FAILURE if certificate else Kind.CONNECTION
        return {
            "kind": kind,
            "pattern": "certificate-refused" if certificate else "tls-failed",
            "auth_method": AuthMethod.CERTIFICATE if certificate else None,
            "rhost": failed[1],
            "src_port": failed[1].rpartition(":")[2],
            "extra": {"reason": failed[2][:200]},
        }
    executed = _EXEC.match(said)
    if executed is not None:
        return {"kind": Kind.CONTAINER_EXEC, "pattern": "cri-exec", "object": executed[1][:12], "command": executed[2]}
    return OTHERS


def _call(method: str, url: str) -> Made:
    """Return what a call of the API is."""
    path, asked = url.partition("?")[0], _asked(url)
    steps = [unquote(step) for step in _VERSION.sub("", path).split("/") if step]
    if method == "POST" and steps[:2] == ["containers", "create"]:
        return {"kind": Kind.CONTAINER_CREATE, "pattern": f"{_CREATE}-called", "object": asked.get("name")}
    last = steps[-1] if len(steps) == 3 and steps[0] == "containers" else ""
    if method == "POST" and last == "exec":
        return {"kind": Kind.CONTAINER_EXEC, "pattern": f"{_EXECUTE}-called", "object": steps[1][:64]}
    if last == "attach" and (method == "POST" or "ws" in steps):
        return {"kind": Kind.CONTAINER_EXEC, "pattern": "container-attached", "object": steps[1][:64]}
    if last == "archive" and method in {"GET", "PUT"}:
        pattern = "copied-from-container" if method == "GET" else "copied-into-container"
        return {"kind": Kind.FILE_TRANSFER, "pattern": pattern, "object": steps[1][:64], "command": asked.get("path")}
    if method in {"GET", "HEAD"} or last in {"wait", "resize", "start", "stop", "kill", "restart"}:
        return {"kind": Kind.CONNECTION, "pattern": "api-read" if method in {"GET", "HEAD"} else "api-call", "object": path}
    return {"kind": Kind.CONNECTION, "pattern": "api-call", "object": path}


def _asked(url: str) -> dict[str, str]:
    """Return the query of a call."""
    try:
        return dict(parse_qsl(url.partition("?")[2], max_num_fields=100))
    except ValueError:
        return {}


def _form(form: str, found: dict[str, str | None]) -> Made:
    """Return what the body of a call asks for."""
    try:
        body = spec.mapping(msgspec.json.decode(form))
    except FAULTS:
        return OTHER_CALL
    command = spec.joined([*_line(body.get("Entrypoint")), *_line(body.get("Cmd"))])
    url = found.get("request-url") or ""
    host = body.get("HostConfig")
    if isinstance(host, dict) or (isinstance(body.get("Image"), str) and "Cmd" in body):
        name = _asked(url).get("name")
        return {
            "kind": Kind.CONTAINER_CREATE,
            "pattern": f"{_CREATE}-form" if not url else f"{_CREATE}-handled",
            "object": name,
            "command": command,
            "extra": {"images": body.get("Image"), "risk": ",".join(risks(spec.mapping(host), body)), "account": body.get("User")},
        }
    if isinstance(body.get("Cmd"), list) and ("AttachStdout" in body or "Detach" in body or "Privileged" in body or "Tty" in body):
        risk = "privileged" if body.get("Privileged") is True else ""
        return {
            "kind": Kind.CONTAINER_EXEC,
            "pattern": f"{_EXECUTE}-form" if not url else f"{_EXECUTE}-handled",
            "command": command,
            "extra": {"risk": risk, "account": body.get("User")},
        }
    return OTHER_CALL


def _line(value: Any) -> list[Any]:
    return [value] if isinstance(value, str) else spec.items(value)


def risks(host: dict[str, Any], body: dict[str, Any]) -> tuple[str, ...]:
    """Return the risks of a container, in the words of :mod:`.kubernetes_spec`."""
    found = ["privileged"] if host.get("Privileged") is True else []
    for key, word in (("PidMode", "host-pid"), ("IpcMode", "host-ipc"), ("NetworkMode", "host-network"), ("UsernsMode", "host-users")):
        found += [word] if host.get(key) == "host" else []
    found += [f"capability={name.removeprefix('CAP_')}" for name in spec.items(host.get("CapAdd")) if isinstance(name, str)]
    binds = [bind.partition(":")[0] for bind in spec.items(host.get("Binds")) if isinstance(bind, str) and bind.startswith("/")]
    mounts = [mount.get("Source") for mount in spec.items(host.get("Mounts")) if isinstance(mount, dict) and mount.get("Type") == "bind"]
    found += [f"host-path={path}" for path in (*binds, *mounts) if isinstance(path, str)]
    if body.get("User") in ("root", "0", "0:0"):
        found.append("run-as-root")
    return spec.words(found)


class DockerDaemon(DaemonText):
    """The daemon's text, in which a call and its form are one event."""

    def decode(self, records: pl.DataFrame, wanted: Any = None, apart: Any = ()) -> Outcome:
        """Decode *records*; see :class:`.DaemonText`."""
        outcome = super().decode(records, wanted, apart)
        outcome.events = _joined(outcome.events)
        return outcome


def _joined(events: pl.DataFrame) -> pl.DataFrame:
    """Return *events* with each call dropped whose form follows at once; the form takes the name over."""
    pattern = events["pattern"].to_list()
    if not any(name.endswith("-form") for name in pattern):
        return events
    record, host = events["record"].to_list(), events["host"].to_list()
    named: list[str | None] = events["object"].to_list() if "object" in events.columns else [None] * len(pattern)
    gone: set[int] = set()
    waiting: dict[tuple[str | None, str], int] = {}
    for at, name in enumerate(pattern):
        stem, _, end = name.rpartition("-")
        if end == "called":
            waiting[host[at], stem] = at
        elif end == "form":
            call = waiting.pop((host[at], stem), None)
            if call is not None and 0 < record[at] - record[call] <= _WITHIN:
                gone.add(call)
                named[at] = named[at] or named[call]
    kept = pl.Series([at not in gone for at in range(len(pattern))], dtype=pl.Boolean)
    return events.with_columns(pl.Series("object", named, dtype=pl.String)).filter(kept)


SOURCE = DockerDaemon(
    name="docker-daemon",
    title="Docker daemon and containerd",
    programs=("dockerd", "dockerd-current", "docker", "containerd", "logfmt"),
    busy=(
        r'API listen on |API is accessible on |without --tlsverify|msg="(?:Calling [A-Z]|form data: |Exec for )|form-data=|request-url=|'
        "TLS handshake error from "
    ),
    known=r'(?:^|^time="[^"]*" )level=[a-z]+ |^time="|^level=',
    idle=OTHERS,
    read=_read,
    own_time=r'^time="([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2}))"',
    service=Service.DOCKER_API,
    references=(
        "https://docs.docker.com/engine/security/protect-access/",
        "https://github.com/moby/moby/blob/master/daemon/server/middleware/debug.go",
    ),
)
