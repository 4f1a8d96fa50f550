"""Requests to a Kubernetes API server, out of whatever their audit event came in.

==========================  ===========================================================================================================
record                      holds
==========================  ===========================================================================================================
file, EventList item        the event itself (``audit.k8s.io/v1`` and older)
EKS                         CloudWatch: the event as text in ``message`` or ``@message``, or several of them in ``logEvents``; the cluster's
                            name is in ``logGroup``
AKS                         Azure Monitor: the event as text in ``properties.log`` (``log`` in some exports), the cluster in ``resourceId``; the
                            table ``AKSAudit`` has the event's own fields
GKE                         Cloud Logging: ``protoPayload`` of the service ``k8s.io``, in Google's words
Elastic                     ``kubernetes.audit``
container runtimes          the event as text in ``log``
==========================  ===========================================================================================================

All but the last of ``sourceIPs`` can be set by the client; so the last one counts, and those before it are only shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec

from gatewatch.sources.document import BROKEN, FAULTS, Part, Unreadable, filled, said
from gatewatch.sources.document_value import unpacked
from gatewatch.sources.kubernetes_spec import items, mapping

STRANGE = "no audit event in it"
ANONYMOUS = "system:anonymous"
_GRPC = {0: 200, 3: 400, 5: 404, 6: 409, 7: 403, 8: 429, 9: 400, 10: 409, 12: 501, 16: 401}
_EKS = re.compile(r"/aws/eks/([^/]+)/cluster")
_AKS = re.compile(r"(?i)/managedClusters/([^/]+)")
_METHOD = re.compile(r"io\.k8s\.(?:[A-Za-z0-9.-]+\.)?v[0-9]+(?:(?:alpha|beta)[0-9]+)?\.([A-Za-z0-9.-]+)")
_SAID = 200  # characters of a user agent that are kept


class _User(Part):
    username: Any = None
    name: Any = None  # Rancher's


class _Reference(Part):
    resource: Any = None
    namespace: Any = None
    name: Any = None
    subresource: Any = None


class _Status(Part):
    code: Any = None


class _Notes(Part):
    decision: Any = msgspec.field(default=None, name="authorization.k8s.io/decision")
    credential: Any = msgspec.field(default=None, name="authentication.kubernetes.io/issued-credential-id")


class _Event(Part):
    auditID: Any = None  # noqa: N815 - Kubernetes' name, as those below
    stage: Any = None
    requestURI: Any = None  # noqa: N815
    verb: Any = None
    user: _User | None = None
    impersonatedUser: _User | None = None  # noqa: N815
    sourceIPs: Any = None  # noqa: N815
    userAgent: Any = None  # noqa: N815
    objectRef: _Reference | None = None  # noqa: N815
    responseStatus: _Status | None = None  # noqa: N815
    requestObject: msgspec.Raw | None = None  # noqa: N815
    requestReceivedTimestamp: Any = None  # noqa: N815
    stageTimestamp: Any = None  # noqa: N815
    timestamp: Any = None
    RequestReceivedTime: Any = None  # of the tables AKSAudit and AKSAuditAdmin
    annotations: _Notes | None = None
    requestTimestamp: Any = None  # noqa: N815 - Rancher's, as those below
    remoteAddr: Any = None  # noqa: N815
    responseCode: Any = None  # noqa: N815
    userLoginName: Any = None  # noqa: N815


class _Answer(Part):
    status: Any = None
    code: Any = None


class _Proto(Part):
    methodName: Any = None  # noqa: N815
    resourceName: Any = None  # noqa: N815
    authenticationInfo: Any = None  # noqa: N815
    authorizationInfo: Any = None  # noqa: N815
    requestMetadata: Any = None  # noqa: N815
    status: Any = None
    request: msgspec.Raw | None = None
    response: _Answer | None = None


class _Elastic(Part):
    audit: _Event | None = None


class Entry(_Event):
    """A record that is an audit event or holds some."""

    log: Any = None
    log_s: Any = None  # of AzureDiagnostics, where each column bears its type
    message: Any = None
    at_message: Any = msgspec.field(default=None, name="@message")
    loud_message: Any = msgspec.field(default=None, name="MESSAGE")
    properties: Any = None
    protoPayload: _Proto | None = None  # noqa: N815
    authorizationInfo: Any = None  # noqa: N815
    logEvents: Any = None  # noqa: N815
    logGroup: Any = None  # noqa: N815
    resource: Any = None
    resourceId: Any = None  # noqa: N815
    operation: Any = None
    kubernetes: _Elastic | None = None
    time: Any = None
    at_timestamp: Any = msgspec.field(default=None, name="@timestamp")
    TimeGenerated: Any = None


ESSENTIAL = (
    *("verb", "sourceIPs", "auditID", "protoPayload", "properties", "log", "log_s", "message", "at_message", "loud_message", "logEvents"),
    "kubernetes",
)
"""Fields of which a record has one; else its keys are in another case, as in the table ``AKSAudit``."""


_event_decoder = msgspec.json.Decoder(_Event)


@dataclass(slots=True)
class Request:
    """One request at one stage of its life; ``body`` is its object as JSON text or already decoded."""

    time: Any
    host: str | None
    user: str | None
    acting_as: str | None
    address: str | None
    forwarded: tuple[str, ...]
    agent: str | None
    verb: str
    resource: str
    subresource: str
    namespace: str | None
    name: str | None
    uri: str
    code: int | None
    stage: str
    audit_id: str | None
    credential: str | None
    body: Any

    def object(self) -> dict[str, Any]:
        """Return the object that was sent; empty where the audit level leaves it out."""
        body = self.body
        if isinstance(body, msgspec.Raw):
            try:
                body = msgspec.json.decode(body)
            except FAULTS:
                return {}
        return mapping(body)

    def asked(self, key: str) -> list[str]:
        """Return the values of *key* in the query of the address asked for."""
        query = self.uri.partition("?")[2]
        if key not in query:
            return []
        try:
            return [value for name, value in parse_qsl(query, max_num_fields=200) if name == key]
        except ValueError:
            return []

    @property
    def path(self) -> str:
        """The path asked for, readable."""
        return unquote(self.uri.partition("?")[0])

    @property
    def named(self) -> str | None:
        """The object as people write it: ``default/web-1``, or what is asked for where it has no name."""
        if self.name is None:
            return self.resource if self.namespace is None else f"{self.resource}/{self.namespace}" if self.resource else None
        return self.name if self.namespace is None else f"{self.namespace}/{self.name}"


def requests(entry: Entry) -> Iterator[Request]:
    """Yield the requests that *entry* tells of. Unreadable where there are none."""
    if entry.verb is not None or entry.sourceIPs is not None or entry.objectRef is not None or entry.auditID is not None:
        yield _request(entry, _found(_AKS, entry.resourceId), entry.TimeGenerated or entry.at_timestamp)
    elif entry.protoPayload is not None:
        yield _google(entry, entry.protoPayload)
    elif isinstance(entry.logEvents, list):
        host = _found(_EKS, entry.logGroup)
        for one in entry.logEvents:
            yield _request(_inner(mapping(one).get("message")), host, _millis(mapping(one).get("timestamp")))
    elif entry.kubernetes is not None and entry.kubernetes.audit is not None:
        yield _request(entry.kubernetes.audit, None, entry.at_timestamp)
    else:
        properties = entry.properties
        if isinstance(properties, str):
            try:
                properties = msgspec.json.decode(properties)
            except FAULTS:
                raise Unreadable(BROKEN) from None
        held = (mapping(properties).get("log"), entry.log, entry.log_s, entry.message, entry.at_message, entry.loud_message)
        inner = next((value for value in held if value is not None), None)
        if inner is None:
            raise Unreadable(STRANGE)
        host = _found(_AKS, entry.resourceId) or _found(_EKS, entry.logGroup)
        yield _request(_inner(inner), host, entry.time if entry.time is not None else _millis(entry.timestamp))


def _inner(value: Any) -> _Event:
    """Return the event that a record holds as text, or as an object."""
    if isinstance(value, dict):
        made = filled(_Event, value)
    elif isinstance(value, str):
        try:
            made = _event_decoder.decode(value)
        except FAULTS:
            try:
                whole = msgspec.json.decode(value)
            except FAULTS:
                raise Unreadable(BROKEN) from None
            made = filled(_Event, mapping(whole))
    else:
        raise Unreadable(STRANGE)
    if made.verb is None and made.sourceIPs is None and made.objectRef is None and made.auditID is None:
        raise Unreadable(STRANGE)
    return made  # type: ignore[no-any-return]


def _request(event: _Event, host: str | None, received: Any) -> Request:
    user, acting, ref = event.user, event.impersonatedUser, event.objectRef
    chain = [value for value in items(unpacked(event.sourceIPs) if event.sourceIPs.__class__ is str else event.sourceIPs) if value.__class__ is str]
    notes = event.annotations
    code = _number(event.responseStatus.code) if event.responseStatus is not None else None
    if code is None:
        code = _number(event.responseCode)
    if code is None and notes is not None and notes.decision == "forbid":
        code = 403
    own = event.requestReceivedTimestamp or event.RequestReceivedTime or event.stageTimestamp or event.requestTimestamp or _millis(event.timestamp)
    return Request(
        time=own if own is not None else received,
        host=host,
        user=((said(user.username) or said(user.name)) if user is not None else None) or said(event.userLoginName),
        acting_as=said(acting.username) if acting is not None else None,
        address=chain[-1] if chain else said(event.remoteAddr),
        forwarded=tuple(chain[-5:-1]),
        agent=_agent(event.userAgent),
        verb=_word(event.verb),
        resource=_word(ref.resource) if ref is not None else "",
        subresource=_word(ref.subresource) if ref is not None else "",
        namespace=said(ref.namespace) if ref is not None else None,
        name=said(ref.name) if ref is not None else None,
        uri=event.requestURI if isinstance(event.requestURI, str) else "",
        code=code,
        stage=_word(event.stage),
        audit_id=said(event.auditID),
        credential=said(notes.credential) if notes is not None else None,
        body=event.requestObject,
    )


def _google(entry: Entry, proto: _Proto) -> Request:
    """Read Google's words: the verb is the end of the method, the object a path."""
    grants = [mapping(one) for one in (*items(proto.authorizationInfo), *items(entry.authorizationInfo))]
    called = proto.methodName if isinstance(proto.methodName, str) and proto.methodName.startswith("io.k8s.") else None
    method = called or next((one["permission"] for one in grants if isinstance(one.get("permission"), str)), "")
    found = _METHOD.fullmatch(method)
    if called is None and found is None:
        raise Unreadable(STRANGE)
    parts = found[1].split(".") if found is not None else [method.rpartition(".")[2]]
    name = proto.resourceName if isinstance(proto.resourceName, str) else next((one.get("resource") for one in grants), None)
    place = name.split("/") if isinstance(name, str) else []
    namespace = place[place.index("namespaces") + 1] if "namespaces" in place[:-1] else None
    resource = parts[0] if len(parts) > 1 else ""
    after = place[place.index(resource) + 1 :] if resource in place else []
    subresource = parts[1] if len(parts) > 2 else after[1] if len(after) > 1 else ""
    metadata, who = mapping(proto.requestMetadata), mapping(proto.authenticationInfo)
    code = _number(mapping(proto.status).get("code", 0))
    refused = any(one.get("granted") is False for one in grants)
    if proto.response is not None and proto.response.status == "Failure" and code == 0:
        code = {401: 16, 403: 7, 404: 5, 409: 6}.get(_number(proto.response.code) or 0, 3)
    operation = mapping(entry.operation)
    labels = mapping(mapping(entry.resource).get("labels"))
    return Request(
        time=_millis(entry.timestamp) or entry.time,
        host=said(labels.get("cluster_name")),
        user=said(who.get("principalEmail")) or (ANONYMOUS if who.get("authoritySelector") == ANONYMOUS else None),
        acting_as=None,
        address=said(metadata.get("callerIp")) or said(metadata.get("callerIP")),
        forwarded=(),
        agent=_agent(metadata.get("callerSuppliedUserAgent")),
        verb=parts[-1].lower(),
        resource=resource,
        subresource=subresource.lower(),
        namespace=namespace,
        name=after[0] if after else None,
        uri="" if resource else f"/{name}" if isinstance(name, str) else "",
        code=None if code is None else 403 if refused and code in {0, 7} else _GRPC.get(code, 500),
        stage="ResponseStarted" if operation.get("first") is True and operation.get("last") is not True else "ResponseComplete",
        audit_id=said(operation.get("id")),
        credential=None,
        body=proto.request,
    )


def _found(regex: re.Pattern[str], value: Any) -> str | None:
    found = regex.search(value) if isinstance(value, str) else None
    return None if found is None else found[1].lower()


def _number(value: Any) -> int | None:
    return value if value.__class__ is int else None


def _word(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _agent(value: Any) -> str | None:
    agent = said(value)
    return None if agent is None else agent[:_SAID]


def _millis(value: Any) -> Any:
    """Return milliseconds since the epoch, as CloudWatch counts, as an instant; other values as they are."""
    if value.__class__ is not int:
        return value
    try:
        return datetime.fromtimestamp(value / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return value
