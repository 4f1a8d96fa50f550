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

from collections.abc import Collection, Mapping
from typing import Any

import msgspec
import polars as pl

from gatewatch.schema.events import AuthMethod, Kind, Mfa, Service
from gatewatch.sources.cef_word import GOOD, LOGOFF, judge_plain
from gatewatch.sources.document import FAULTS, DocumentSource, Made, mapping, said
from gatewatch.sources.ecs_document import Document, End, Event, Machine, Name, Parent, Process, User, nested
from gatewatch.sources.entra_code import code_of, verdict_of
from gatewatch.sources.pattern import Outcome

_SERVICES: Mapping[str, Service] = {
    **{str(service): service for service in Service},
    **dict.fromkeys(("sshd", "openssh"), Service.SSH),
    **dict.fromkeys(("https", "http"), Service.WEB),
    **dict.fromkeys(("okta", "azure", "o365", "entra_id", "google_workspace", "auth0", "duo", "cisco_duo", "onelogin", "ping_one"), Service.IDP),
    **dict.fromkeys(("globalprotect", "openvpn"), Service.VPN),
}
_PORTS: Mapping[int, Service] = {22: Service.SSH, 3389: Service.RDP, 5985: Service.WINRM, 5986: Service.WINRM, 5900: Service.VNC, 23: Service.TELNET}
_NONE: frozenset[str] = frozenset()
_NO_FACT = frozenset({"alert", "metric", "pipeline_error", "state", "signal"})
_FLAT = (
    r'"(?:event|user|source|client|destination|host|observer|network|process|service|system|related|group|winlog|auth|ssh|target|changes|effective'
    r'|parent)\.[A-Za-z0-9_.]+"[ \t]*:|"_source"[ \t]*:'
)
_METHODS: Mapping[str, AuthMethod] = {
    "password": AuthMethod.PASSWORD,
    "publickey": AuthMethod.KEY,
    "keyboard-interactive/pam": AuthMethod.KEYBOARD,
    "gssapi-with-mic": AuthMethod.GSSAPI,
    "hostbased": AuthMethod.HOSTBASED,
}
_REQUIREMENTS = {"multifactorauthentication": Mfa.YES, "singlefactorauthentication": Mfa.NO}
_STEPS = ("mfa", "challenge", "token", "refresh", "consent", "verify", "policy")
"""What an action holds that is a part of a logon, or none."""
_IAM: Mapping[tuple[str, str], str] = {
    ("user", "creation"): "user-created", ("user", "deletion"): "user-deleted", ("user", "change"): "user-changed",
    ("group", "creation"): "group-created", ("group", "deletion"): "group-deleted", ("group", "change"): "group-changed",
    ("admin", "creation"): "user-created", ("admin", "change"): "user-changed", ("admin", "deletion"): "user-deleted",
}  # fmt: skip


_EVENT, _USER, _END, _MACHINE, _PROCESS, _NAME, _PARENT = Event(), User(), End(), Machine(), Process(), Name(), Parent()


def _text(*values: Any) -> str | None:
    """Return the first of *values* that says anything; a list of one stands for its item."""
    for value in values:
        if value is not None:
            found = said(value[0] if value.__class__ is list and len(value) == 1 else value)
            if found is not None:
                return found
    return None


def _words(value: Any) -> frozenset[str]:
    """Return the words of *value*, one or a list of them, in small letters."""
    if value is None:
        return _NONE
    items = value if isinstance(value, list) else [value]
    return frozenset(item.lower() for item in items if isinstance(item, str))


def _read(document: Document) -> Made:
    """Return what a document means."""
    if document.winlog is not None:
        return "a document of Windows that its sources could not read"
    event = document.event or _EVENT
    categories, types = _words(event.category), _words(event.type)
    outcome = (_text(event.outcome) or "").lower()
    action = (_text(event.action) or "").lower()
    if _words(event.kind) & _NO_FACT:
        return "an alert, a measurement or a state"
    if "authentication" in categories:
        return _authentication(document, types, outcome, action)
    if "session" in categories:
        if outcome == "failure":
            return "a session that failed"
        if types & {"end"}:
            return _row(document, Kind.SESSION_END, "session-ended")
        return _row(document, Kind.SESSION_START, "session-started") if types & {"start"} else "a session that neither begins nor ends"
    if "iam" in categories:
        return _change(document, types, outcome)
    if "process" in categories:
        return _row(document, Kind.EXEC, "process-started") if types & {"start"} and outcome != "failure" else "a process that does not begin"
    if categories & {"network", "network_traffic"}:
        if types & {"denied"}:
            return _row(document, Kind.CONNECTION_DENIED, "connection-denied")
        return _row(document, Kind.CONNECTION, "connection")
    return "a category that says nothing of remote access" if categories else "a document without a category"


def _authentication(document: Document, types: frozenset[str], outcome: str, action: str) -> Made:
    meant = judge_plain(action) if action else None
    if isinstance(meant, str):
        return meant
    if types & {"end"} or (meant is not None and meant.topic == LOGOFF):
        return _row(document, Kind.SESSION_END, "logoff")
    if any(step in action for step in _STEPS):
        return "a step of a logon, or a token"
    if document.azure is not None or document.o365 is not None:
        told = _entra(document)
        if told is not None:
            return told
    name = _text((document.user or _USER).name)
    if name is not None and name.endswith("$"):
        return "a machine's own account"
    good = {"success": True, "failure": False}.get(outcome)
    if meant is not None and meant.good is not None:
        if good is not None and good != meant.good:
            return "words that contradict each other"
        good = meant.good
    if good is None:
        return "a logon without its outcome"
    row = _row(document, Kind.AUTH_SUCCESS if good is GOOD else Kind.AUTH_FAILURE, "logon" if good is GOOD else "logon-failed")
    row["auth_method"] = _method(document)
    return row


def _entra(document: Document) -> Made | None:
    """Return what a sign-in of Entra ID is, by the number of its result: the document calls a right password that was stopped a failure as well."""
    entry = document.azure.signinlogs if document.azure is not None else None
    audit = document.o365.audit if document.o365 is not None else None
    given = mapping(entry.properties) if entry is not None else {}
    numbers = [mapping(given.get("status")).get("error_code"), entry.result_type if entry is not None else None]
    numbers.append(audit.ErrorNumber if audit is not None else None)
    code = next((found for found in map(code_of, numbers) if found is not None), None)
    if code is None or (code == 0 and entry is None):
        return None
    verdict, category = verdict_of(code), str(entry.category or "").lower() if entry is not None else ""
    if "serviceprincipal" in category or "managedidentity" in category:
        return "a sign-in of a program"
    if verdict.kind is not Kind.AUTH_FAILURE and ("noninteractive" in category or given.get("is_interactive") is False):
        return _row(document, Kind.CONNECTION, "token-used")
    row = _row(document, verdict.kind, verdict.pattern)
    row |= {"auth_method": verdict.method, "invalid_user": verdict.invalid_user}
    if verdict.kind is Kind.AUTH_SUCCESS:
        requirement = str(given.get("authentication_requirement") or "").lower()
        row |= {"auth_method": AuthMethod.UNKNOWN, "mfa": _REQUIREMENTS.get(requirement, Mfa.UNKNOWN)}
    return row


def _method(document: Document) -> str:
    """Return the method, as Filebeat's system module keeps it."""
    auth = document.system.auth if document.system is not None else None
    word = (_text(auth.ssh.method) or "").lower() if auth is not None and auth.ssh is not None else ""
    return str(_METHODS.get(word, AuthMethod.UNKNOWN))


def _change(document: Document, types: frozenset[str], outcome: str) -> Made:
    if outcome == "failure":
        return "a change that failed"
    pattern = next((_IAM[pair] for pair in sorted(_IAM) if set(pair) <= types), None)
    if pattern is None:
        return "a change of no account we know"
    row = _row(document, Kind.ACCOUNT_CHANGE, pattern)
    user = document.user or _USER
    target = _text((user.target or _NAME).name, (user.changes or _NAME).name)
    row |= {"target_user": target, "object": _text((document.group or _NAME).name) or row["extra"]["action"]}
    alone = _text((user.effective or _NAME).name) is None and (document.related is None or _text(document.related.user) is None)
    if target is None and alone and "user" in types:
        # Filebeat's system module names the new account alone, as ``user``
        row |= {"user": None, "user_domain": None, "target_user": _text(user.name)}
    return row


def _row(document: Document, kind: Kind, pattern: str) -> dict[str, Any]:
    event, user, source, destination = document.event or _EVENT, document.user or _USER, document.source or _END, document.destination or _END
    host, observer, process = document.host or _MACHINE, document.observer or _MACHINE, document.process or _PROCESS
    parent = process.parent or _PARENT
    port, dataset = _alone(destination.port), _text(event.dataset)
    name = _text(process.name)
    theirs = source.user or (document.client or _END).user or _NAME
    return {
        "kind": kind,
        "pattern": pattern,
        "time": _alone(document.at),
        "service": _service(document, name, dataset, port),
        "observer": _text(observer.name, observer.hostname, host.name, host.hostname),
        "host": _text(host.name, host.hostname, observer.name, observer.hostname),
        "user": _text(user.name, user.email, theirs.name, theirs.email),
        "user_domain": _text(user.domain),
        "rhost": _text(source.ip, source.address, document.client.ip if document.client is not None else None),
        "src_port": _alone(source.port),
        "src_host": _text(source.domain),
        "dhost": _text(destination.ip, destination.address),
        "dst_port": port,
        "dst_host": _text(destination.domain),
        "process": _text(process.executable) or name,
        "command": _text(process.command_line),
        "parent": _text(parent.executable, parent.name),
        "message": _text(document.message),
        "extra": {"dataset": dataset, "action": _text(event.action), "reason": _text(event.reason)},
    }


def _alone(value: Any) -> Any:
    return value[0] if value.__class__ is list and len(value) == 1 else value


def _service(document: Document, process: str | None, dataset: str | None, port: Any) -> str | None:
    """Return the service: by the protocol, the process or the product's data set, else by the port."""
    protocol = document.network.protocol if document.network is not None else None
    named = document.service.name if document.service is not None else None
    for word in (_text(protocol), process, _text(named), dataset.partition(".")[0] if dataset is not None else None):
        if word is not None:
            found = _SERVICES.get(word.lower())
            if found is not None:
                return str(found)
    by_port = _PORTS.get(port) if port.__class__ is int else None
    return None if by_port is None else str(by_port)


class EcsSource(DocumentSource):
    """ECS documents; those with keys that name a path are nested before they are read."""

    def decode(self, records: pl.DataFrame, wanted: Collection[Kind] | None = None, apart: Collection[Kind] = ()) -> Outcome:
        """Decode *records* whose ``fields`` are ECS documents."""
        flat = records["fields"].str.contains(_FLAT).fill_null(value=False)
        if flat.any():
            texts = records["fields"].filter(flat).to_list()
            laid = pl.Series([_laid(text) for text in texts], dtype=pl.String)
            records = records.with_columns(records["fields"].scatter(flat.arg_true(), laid))
        return super().decode(records, wanted, apart)


def _laid(text: str) -> str:
    """Return the document in *text* with its keys nested, without what stands around it; what is no object stays as it is."""
    try:
        whole = msgspec.json.decode(text)
        inner = whole.get("_source") if isinstance(whole, dict) else None
        document = inner if isinstance(inner, dict) else whole
        return msgspec.json.encode(nested(document)).decode() if isinstance(document, dict) else text
    except FAULTS:
        return text


SOURCE = EcsSource(
    name="ecs",
    title="Documents of the Elastic Common Schema",
    programs=("ecs",),
    read=_read,
    shape=Document,
    references=("https://www.elastic.co/docs/reference/ecs",),
)
