"""OCSF events (Open Cybersecurity Schema Framework), as JSON or Parquet: of security lakes, of SIEMs, and gatewatch's own.

``{"class_uid":3002,"activity_id":1,"status_id":2,"time":1767614400000,"user":{"name":"ann"},"src_endpoint":{"ip":"192.0.2.7"},"service":{"name":"ssh"}}``

================================  ==================================================================================
class                             becomes
================================  ==================================================================================
3002 Authentication, logon        ``auth_success`` or ``auth_failure`` by status; without one, and for services and batches, ignored
3002, logoff                      ``session_end``
3002, tickets of Kerberos         ``auth_success``, ``auth_failure`` (the ticket to get tickets), ``connection`` (those for services)
3002, account switch              ``privilege_use``, ``privilege_denied``
3001, 3005, 3006                  ``account_change`` unless it failed; ``user`` is who did it, ``target_user`` who it was done to
4001, 4005 … 4007                 ``connection``, ``connection_closed``, ``connection_denied``
4010, 4014                        ``file_transfer``; ``session_start`` and ``session_end`` of a tunnel
1006, 1007, 1008                  ``scheduled_job``, ``exec``, ``log_cleared``
1001, 6002, 6003                  ``config_change``, ``service_install`` and others, where path or operation tells
the rest                          ignored, with its class
================================  ==================================================================================

``unmapped.kind``, where it is one of our kinds, says it all; a line that gatewatch wrote itself keeps its source and all its columns.

References: https://schema.ocsf.io/1.3.0/classes
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import polars as pl

from gatewatch.schema.events import AuthMethod, Kind, Mfa, Service
from gatewatch.sources import gatewatch
from gatewatch.sources.document import BAD_TIME, NO_TIME, DocumentSource, Made, Part, Unreadable, said
from gatewatch.sources.epoch import epoch_micros
from gatewatch.sources.ocsf_class import (
    ACCESS,
    ACCOUNT,
    CALLS,
    FAILED,
    GROUP,
    LOCAL,
    METHODS,
    NO_PERSON,
    PLAIN,
    PORTS,
    REMOTE_DESKTOP,
    SERVICES,
    STATUS,
    SUCCEEDED,
    TELLING_FILE,
)
from gatewatch.sources.ocsf_own import NAMED, OWN, flatten
from gatewatch.sources.pattern import Outcome

_KINDS = frozenset(str(kind) for kind in Kind)
_METHODS = frozenset(str(method) for method in AuthMethod)
_file = re.compile(TELLING_FILE)


class _User(Part):
    name: Any = None
    email_addr: Any = None
    domain: Any = None


class _Actor(Part):
    user: _User | None = None


class _End(Part):
    ip: Any = None
    port: Any = None
    hostname: Any = None
    name: Any = None


class _Named(Part):
    name: Any = None
    uid: Any = None
    cmd_line: Any = None


class _Path(Part):
    path: Any = None
    name: Any = None


class _Process(Part):
    name: Any = None
    cmd_line: Any = None
    file: _Path | None = None
    parent_process: _Path | None = None
    user: _User | None = None


class _Product(Part):
    name: Any = None
    vendor_name: Any = None


class _Metadata(Part):
    product: _Product | None = None


class _Api(Part):
    operation: Any = None


class _Traffic(Part):
    bytes_in: Any = None
    bytes_out: Any = None


class _Unmapped(Part):
    kind: Any = None


class _Event(Part):
    class_uid: Any = None
    activity_id: Any = None
    status_id: Any = None
    status: Any = None
    status_detail: Any = None
    time: Any = None
    time_dt: Any = None
    message: Any = None
    count: Any = None
    metadata: _Metadata | None = None
    user: _User | None = None
    actor: _Actor | None = None
    src_endpoint: _End | None = None
    dst_endpoint: _End | None = None
    device: _End | None = None
    session: _Named | None = None
    auth_protocol: Any = None
    auth_protocol_id: Any = None
    is_mfa: Any = None
    logon_type_id: Any = None
    service: _Named | None = None
    process: _Process | None = None
    file: _Path | None = None
    job: _Named | None = None
    group: _Named | None = None
    api: _Api | None = None
    traffic: _Traffic | None = None
    action_id: Any = None
    unmapped: _Unmapped | None = None


_NUMBERS = ("class_uid", "activity_id", "status_id", "time")


def _read(event: _Event) -> Made:
    """Return what an OCSF event means."""
    for name in _NUMBERS:  # tools that write all values as text
        if (value := getattr(event, name)).__class__ is str and value.isdigit():
            setattr(event, name, int(value))
    number, activity = event.class_uid, event.activity_id
    if number.__class__ is not int or activity.__class__ is not int:
        raise Unreadable("class or activity is no number")
    kept = event.unmapped.kind if event.unmapped is not None else None
    meant = (kept, f"class-{number}") if kept.__class__ is str and kept in _KINDS else _meaning(event, number, activity)
    if isinstance(meant, str):
        return meant
    kind, pattern = meant
    # in most classes ``user`` is whom it was done to, or who did it where nobody else is named
    actor = event.actor.user if event.actor is not None else None
    acted = number in (3001, 3005, 3006)
    within = event.process.user if event.process is not None else None
    named = next((one for one in (event.user, within, actor) if one is not None and _name(one) is not None), event.user or within or actor)
    user, target = (actor, event.user) if acted else (named, None)
    host = _host(event)
    row: dict[str, Any] = {
        "kind": kind,
        "pattern": pattern,
        "time": _time(event),
        "service": _service(event, number),
        "host": host,
        "observer": said(event.device.hostname) if event.device is not None else host,
        "user": _name(user),
        "user_domain": said(user.domain) if user is not None else None,
        "target_user": _name(target),
        "message": said(event.message),
        "count": event.count,
    }
    for end, raw, port, name in ((event.src_endpoint, "rhost", "src_port", "src_host"), (event.dst_endpoint, "dhost", "dst_port", "dst_host")):
        if end is not None:
            row |= {raw: said(end.ip), port: end.port, name: said(end.hostname) or said(end.name)}
    if event.session is not None:
        row["session"] = said(event.session.uid)
    if event.process is not None:
        process = event.process
        row["process"] = (said(process.file.path) if process.file is not None else None) or said(process.name)
        row["command"] = said(process.cmd_line)
        row["parent"] = said(process.parent_process.name) if process.parent_process is not None else None
    if number == 3002:
        row["auth_method"] = _method(event)
        row["mfa"] = str(Mfa.YES) if event.is_mfa is True else str(Mfa.NO) if event.is_mfa is False else None
        row["extra"] = {"status_detail": said(event.status_detail), "logon_type_id": event.logon_type_id}
    if event.traffic is not None:
        row |= {"bytes_in": event.traffic.bytes_in, "bytes_out": event.traffic.bytes_out}
    row |= _thing(event)
    return row


def _meaning(event: _Event, number: int, activity: int) -> tuple[str, str] | str:
    """Return kind and pattern, or why the event is ignored."""
    status = _status(event)
    if number == 3002:
        return _authentication(event, activity, status)
    if number in (3001, 3005, 3006):
        pattern = {3001: ACCOUNT, 3005: ACCESS, 3006: GROUP}[number].get(activity)
        if status == FAILED:
            return "a change that failed"
        return (str(Kind.ACCOUNT_CHANGE), pattern) if pattern is not None else f"class {number}: an activity that is no known change"
    if number == 1001:
        path = said(event.file.path) if event.file is not None else None
        if activity in (1, 3, 5) and status != FAILED and path is not None and _file.search(path):
            return str(Kind.CONFIG_CHANGE), "file-changed"
        return "a file that opens no door"
    if number == 6003:
        operation = said(event.api.operation) if event.api is not None else None
        call = CALLS.get(operation.lower()) if operation is not None else None
        if call is None:
            return "a call that says nothing of remote access"
        return "a call that failed" if status == FAILED else (str(call[1]), call[0])
    if number == 4001 and event.action_id == 2:
        return str(Kind.CONNECTION_DENIED), "connection-denied"
    found = PLAIN.get((number, activity))
    if found is None:
        return f"class {number} says nothing of remote access"
    pattern, kind = found
    if status == FAILED:
        return (str(Kind.CONNECTION_DENIED), "connection-failed") if number == 4001 else "an act that failed"
    return str(kind), pattern


def _authentication(event: _Event, activity: int, status: int | None) -> tuple[str, str] | str:
    if activity == 2:
        return str(Kind.SESSION_END), "logoff"
    if activity == 7:
        return (str(Kind.PRIVILEGE_DENIED), "switch-failed") if status == FAILED else (str(Kind.PRIVILEGE_USE), "account-switched")
    if activity in (4, 5):
        return str(Kind.CONNECTION), "service-ticket"
    if activity not in (1, 3, 6):
        return "an authentication that is neither logon nor logoff"
    name = said(event.user.name) if event.user is not None else None
    if event.logon_type_id.__class__ is int and event.logon_type_id in NO_PERSON:
        return "a logon of the system, a service or a batch"
    if name is not None and name.endswith("$"):
        return "a machine's own account"
    if status is None:
        return "a logon without its outcome"
    if activity == 6 and status == SUCCEEDED:
        return "a step before a logon"
    what = {1: "logon", 3: "kerberos-ticket", 6: "kerberos-preauthentication"}[activity]
    return (str(Kind.AUTH_SUCCESS), what) if status == SUCCEEDED else (str(Kind.AUTH_FAILURE), f"{what}-failed")


def _status(event: _Event) -> int | None:
    """Return whether it succeeded or failed; None where that is not said, or said twice and differently."""
    number = event.status_id if event.status_id.__class__ is int and event.status_id in (SUCCEEDED, FAILED) else None
    word = STATUS.get(event.status.lower()) if event.status.__class__ is str else None
    if number is not None and word is not None and number != word:
        return None
    return number if number is not None else word


def _time(event: _Event) -> Any:
    if event.time.__class__ in (int, float):
        micros = epoch_micros(event.time)
        if micros is None:
            raise Unreadable(BAD_TIME)
        return micros
    if event.time is None and event.time_dt is None:
        raise Unreadable(NO_TIME)
    return event.time_dt if event.time is None else event.time


def _host(event: _Event) -> str | None:
    for end in (event.dst_endpoint, event.device):
        name = (said(end.hostname) or said(end.name)) if end is not None else None
        if name is not None:
            return name
    return None


def _name(user: _User | None) -> str | None:
    if user is None:
        return None
    name, mail = said(user.name), said(user.email_addr)
    return mail if name is None or (mail is not None and " " in name.strip()) else name  # "Ann Ash" is what people are called, not an account


def _method(event: _Event) -> str:
    word = event.auth_protocol.lower() if event.auth_protocol.__class__ is str else ""
    if word in _METHODS:
        return word
    return str(METHODS.get(event.auth_protocol_id, AuthMethod.UNKNOWN) if event.auth_protocol_id.__class__ is int else AuthMethod.UNKNOWN)


def _service(event: _Event, number: int) -> str | None:
    """Return the service: as named, else by what is special to the logon, the port or the product."""
    named = said(event.service.name) if event.service is not None else None
    if named is not None:
        found = SERVICES.get(named.lower())
        return None if found is None else str(found)
    if number == 3002:
        if event.activity_id in (3, 4, 5, 6):
            return str(Service.KERBEROS)
        kind = event.logon_type_id
        if kind == REMOTE_DESKTOP:
            return str(Service.RDP)
        if kind.__class__ is int and kind in LOCAL and (event.src_endpoint is None or said(event.src_endpoint.ip) is None):
            return str(Service.LOCAL)
    port = event.dst_endpoint.port if event.dst_endpoint is not None else None
    by_port = PORTS.get(port) if port.__class__ is int else None
    if by_port is not None:
        return str(by_port)
    product = event.metadata.product if event.metadata is not None else None
    names = (said(product.name), said(product.vendor_name)) if product is not None else ()
    by_name = next((SERVICES[name.lower()] for name in names if name is not None and name.lower() in SERVICES), None)
    return None if by_name is None else str(by_name)


def _thing(event: _Event) -> dict[str, Any]:
    """Return what it was done to: job, group, file, operation."""
    if event.job is not None:
        return {"object": said(event.job.name)} | ({"command": event.job.cmd_line} if said(event.job.cmd_line) else {})
    if event.group is not None:
        return {"object": said(event.group.name)}
    if event.file is not None:
        return {"object": said(event.file.path) or said(event.file.name)}
    return {"object": said(event.api.operation)} if event.api is not None else {}


class OcsfSource(DocumentSource):
    """OCSF events; lines that gatewatch wrote go back to what they were."""

    def decode(self, records: pl.DataFrame, wanted: Collection[Kind] | None = None, apart: Collection[Kind] = ()) -> Outcome:
        """Decode *records* whose ``fields`` are OCSF events."""
        mine = (records["fields"].str.contains(OWN) & records["fields"].str.contains(NAMED)).fill_null(value=False)
        if not mine.any():
            return super().decode(records, wanted, apart)
        own = gatewatch.SOURCE.decode(flatten(records.filter(mine)), wanted, apart)
        if mine.all():
            return own
        others = super().decode(records.filter(~mine), wanted, apart)
        return Outcome(
            pl.concat([own.events, others.events], how="diagonal_relaxed").sort("record"),
            others.ignored,
            others.unrecognised,
            pl.concat([own.rejected, others.rejected], how="diagonal_relaxed").sort("record"),
            own.used + others.used,
        )


SOURCE = OcsfSource(
    name="ocsf",
    title="OCSF events (JSON, Parquet)",
    programs=("ocsf",),
    read=_read,
    shape=_Event,
    essential=("class_uid",),
    references=("https://schema.ocsf.io/1.3.0/classes",),
)
