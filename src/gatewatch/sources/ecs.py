"""Documents of the Elastic Common Schema: exports of Elasticsearch and Kibana, files of Beats and Elastic Agent.

``{"@timestamp":"2026-01-05T12:00:00Z","event":{"category":["authentication"],"outcome":"failure"},"user":{"name":"ann"},"source":{"ip":"192.0.2.7"}}``

Keys may be nested or flat (``source.ip``), a hit's ``_source`` is looked into, and documents of Windows (``winlog``) go to the sources of Windows.

=================================  ==================================================================================
``event.category``                 becomes
=================================  ==================================================================================
authentication                     ``auth_success``, ``auth_failure`` by ``event.outcome``; where type or action is an end, ``session_end``;
                                   steps and tokens are ignored
session                            ``session_start``, ``session_end`` by ``event.type``
iam                                ``account_change`` unless it failed; ``user.target`` is who it was done to
process                            ``exec`` where ``event.type`` is start
network                            ``connection``, ``connection_denied``
the rest                           ignored, with its category
=================================  ==================================================================================

References: https://www.elastic.co/docs/reference/ecs
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from gatewatch.schema.events import AuthMethod, Kind, Service
from gatewatch.sources.cef_word import GOOD, LOGOFF, judge_plain
from gatewatch.sources.document import DocumentSource, Made, said

_SERVICES: Mapping[str, Service] = {
    **{str(service): service for service in Service},
    **dict.fromkeys(("sshd", "openssh"), Service.SSH),
    **dict.fromkeys(("https", "http"), Service.WEB),
    **dict.fromkeys(("okta", "azure", "o365", "entra_id", "google_workspace", "auth0", "duo", "cisco_duo", "onelogin", "ping_one"), Service.IDP),
    **dict.fromkeys(("globalprotect", "openvpn"), Service.VPN),
}
_PORTS: Mapping[int, Service] = {22: Service.SSH, 3389: Service.RDP, 5985: Service.WINRM, 5986: Service.WINRM, 5900: Service.VNC, 23: Service.TELNET}
_STEPS = ("mfa", "challenge", "token", "refresh", "consent", "verify", "policy")
"""What an action holds that is a part of a logon, or none."""
_IAM: Mapping[tuple[str, str], str] = {
    ("user", "creation"): "user-created", ("user", "deletion"): "user-deleted", ("user", "change"): "user-changed",
    ("group", "creation"): "group-created", ("group", "deletion"): "group-deleted", ("group", "change"): "group-changed",
    ("admin", "creation"): "user-created", ("admin", "change"): "user-changed", ("admin", "deletion"): "user-deleted",
}  # fmt: skip


@cache
def _parts(path: str) -> tuple[str, ...]:
    return tuple(path.split("."))


class _View:
    """A document whose keys may be nested, flat, or both."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        inner = document.get("_source")
        self.document: Mapping[str, Any] = inner if isinstance(inner, dict) else document
        self.flat = any("." in key for key in self.document) or any(
            "." in key for value in self.document.values() if value.__class__ is dict for key in value
        )

    def get(self, path: str) -> Any:
        """Return the value at a dotted *path*; a list of one stands for its item."""
        value: Any = self.document
        for part in _parts(path):
            value = value.get(part) if value.__class__ is dict else None
        if value is None and self.flat:
            value = self.document.get(path)
        if value is None and self.flat and "." in path:  # half flat: "event": {"x.y": …} or "event.x": {"y": …}
            head, _, rest = path.partition(".")
            inner = self.document.get(head)
            value = inner.get(rest) if isinstance(inner, dict) else None
        if isinstance(value, list) and len(value) == 1:
            return value[0]
        return value

    def text(self, *paths: str) -> str | None:
        """Return the first of *paths* that says anything."""
        for path in paths:
            found = said(self.get(path))
            if found is not None:
                return found
        return None

    def words(self, path: str) -> frozenset[str]:
        """Return the words at *path*: one or a list of them, in small letters."""
        value = self.get(path)
        items = value if isinstance(value, list) else [value]
        return frozenset(item.lower() for item in items if isinstance(item, str))


def _read(document: Mapping[str, Any]) -> Made:
    """Return what a document means."""
    view = _View(document)
    if view.get("winlog.event_id") is not None or view.get("winlog") is not None:
        return "a document of Windows that its sources could not read"
    categories, types = view.words("event.category"), view.words("event.type")
    outcome = (view.text("event.outcome") or "").lower()
    action = (view.text("event.action") or "").lower()
    if view.words("event.kind") & {"alert", "metric", "pipeline_error", "state", "signal"}:
        return "an alert, a measurement or a state"
    if "authentication" in categories:
        return _authentication(view, types, outcome, action)
    if "session" in categories:
        if outcome == "failure":
            return "a session that failed"
        if types & {"end"}:
            return _row(view, Kind.SESSION_END, "session-ended")
        return _row(view, Kind.SESSION_START, "session-started") if types & {"start"} else "a session that neither begins nor ends"
    if "iam" in categories:
        return _change(view, types, outcome)
    if "process" in categories:
        return _row(view, Kind.EXEC, "process-started") if types & {"start"} and outcome != "failure" else "a process that does not begin"
    if categories & {"network", "network_traffic"}:
        if types & {"denied"}:
            return _row(view, Kind.CONNECTION_DENIED, "connection-denied")
        return _row(view, Kind.CONNECTION, "connection")
    return "a category that says nothing of remote access" if categories else "a document without a category"


def _authentication(view: _View, types: frozenset[str], outcome: str, action: str) -> Made:
    meant = judge_plain(action) if action else None
    if isinstance(meant, str):
        return meant
    if types & {"end"} or (meant is not None and meant.topic == LOGOFF):
        return _row(view, Kind.SESSION_END, "logoff")
    if any(step in action for step in _STEPS):
        return "a step of a logon, or a token"
    name = view.text("user.name")
    if name is not None and name.endswith("$"):
        return "a machine's own account"
    good = {"success": True, "failure": False}.get(outcome)
    if meant is not None and meant.good is not None:
        if good is not None and good != meant.good:
            return "words that contradict each other"
        good = meant.good
    if good is None:
        return "a logon without its outcome"
    row = _row(view, Kind.AUTH_SUCCESS if good is GOOD else Kind.AUTH_FAILURE, "logon" if good is GOOD else "logon-failed")
    row["auth_method"] = _method(view)
    return row


def _method(view: _View) -> str:
    """Return the method, as Filebeat's system module keeps it."""
    word = (view.text("system.auth.ssh.method") or "").lower()
    known = {"password": AuthMethod.PASSWORD, "publickey": AuthMethod.KEY, "keyboard-interactive/pam": AuthMethod.KEYBOARD}
    known |= {"gssapi-with-mic": AuthMethod.GSSAPI, "hostbased": AuthMethod.HOSTBASED}
    return str(known.get(word, AuthMethod.UNKNOWN))


def _change(view: _View, types: frozenset[str], outcome: str) -> Made:
    if outcome == "failure":
        return "a change that failed"
    pattern = next((_IAM[pair] for pair in sorted(_IAM) if set(pair) <= types), None)
    if pattern is None:
        return "a change of no account we know"
    row = _row(view, Kind.ACCOUNT_CHANGE, pattern)
    target = view.text("user.target.name", "user.changes.name")
    row |= {"target_user": target, "object": view.text("group.name") or view.text("event.action")}
    if target is None and view.text("user.effective.name") is None and "user" in types and view.text("related.user") is None:
        # Filebeat's system module names the new account alone, as ``user``
        row |= {"user": None, "user_domain": None, "target_user": view.text("user.name")}
    return row


def _row(view: _View, kind: Kind, pattern: str) -> dict[str, Any]:
    port = view.get("destination.port")
    return {
        "kind": str(kind),
        "pattern": pattern,
        "time": view.get("@timestamp"),
        "service": _service(view, port),
        "observer": view.text("observer.name", "observer.hostname", "host.name", "host.hostname"),
        "host": view.text("host.name", "host.hostname", "observer.name", "observer.hostname"),
        "user": view.text("user.name", "user.email"),
        "user_domain": view.text("user.domain"),
        "rhost": view.text("source.ip", "source.address", "client.ip"),
        "src_port": view.get("source.port"),
        "src_host": view.text("source.domain"),
        "dhost": view.text("destination.ip", "destination.address"),
        "dst_port": port,
        "dst_host": view.text("destination.domain"),
        "process": view.text("process.executable", "process.name"),
        "command": view.text("process.command_line"),
        "parent": view.text("process.parent.executable", "process.parent.name"),
        "message": view.text("message"),
        "extra": {"dataset": view.text("event.dataset"), "action": view.text("event.action"), "reason": view.text("event.reason")},
    }


def _service(view: _View, port: Any) -> str | None:
    """Return the service: by the protocol, the process or the product's data set, else by the port."""
    words = [view.text(path) for path in ("network.protocol", "process.name", "service.name")]
    words.append((view.text("event.dataset") or "").partition(".")[0])
    found = next((_SERVICES[word.lower()] for word in words if word is not None and word.lower() in _SERVICES), None)
    if found is None and port.__class__ is int:
        found = _PORTS.get(port)
    return None if found is None else str(found)


SOURCE = DocumentSource(
    name="ecs",
    title="Documents of the Elastic Common Schema",
    programs=("ecs",),
    read=_read,
    references=("https://www.elastic.co/docs/reference/ecs",),
)
