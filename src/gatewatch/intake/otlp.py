"""Log records of OpenTelemetry's protocol as JSON: one object holds those of many resources, each of them becomes an object.

``{"resourceLogs":[{"resource":{…},"scopeLogs":[{"scope":{…},"logRecords":[{"timeUnixNano":"…","body":{"stringValue":"…"}},…]}]}]}``

A record keeps its place in the file. Its ``body`` is a text or an object, its attributes stand in ``attributes``.
Reference: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from __future__ import annotations

from typing import Any

import msgspec

from gatewatch.intake.json_scan import Found
from gatewatch.intake.json_shape import FAULTS

HEAD = b'{"resourceLogs"'
_DEEPEST = 16
_SIMPLE = ("stringValue", "boolValue", "doubleValue", "bytesValue")


class _Scope(msgspec.Struct):
    logRecords: list[msgspec.Raw] = []  # noqa: N815 - the protocol's name


class _Resource(msgspec.Struct):
    scopeLogs: list[_Scope] = []  # noqa: N815 - likewise


class _Logs(msgspec.Struct):
    resourceLogs: list[_Resource] = []  # noqa: N815 - likewise


_logs = msgspec.json.Decoder(_Logs).decode
_any = msgspec.json.Decoder().decode


def records(found: Found) -> list[Found]:
    """Return the log records in an object, each where it stands; the object itself where it holds none."""
    if found.reason is not None or found.raw[1:40].lstrip()[:14] != HEAD[1:]:
        return [found]
    try:
        logs = _logs(found.raw)
    except FAULTS:
        return [found]
    made: list[Found] = []
    at = 0
    for resource in logs.resourceLogs:
        for scope in resource.scopeLogs:
            for raw in scope.logRecords:
                at = found.raw.find(bytes(raw), at)
                made.append(Found(found.offset + at, _object(bytes(raw)), None))
                at += len(raw)
    return made or [found]


def _object(raw: bytes) -> bytes:
    record = _any(raw)
    if not isinstance(record, dict):
        return raw
    made: dict[str, Any] = {"body": _value(record.get("body"), 0), "attributes": _pairs(record.get("attributes"), 0)}
    nanos = record.get("timeUnixNano") or record.get("observedTimeUnixNano")
    if isinstance(nanos, str) and nanos.isascii() and nanos.isdigit():
        made["timestamp"] = int(nanos[:19]) // 1000
    return msgspec.json.encode(made)


def _value(value: Any, depth: int) -> Any:
    if not isinstance(value, dict) or depth > _DEEPEST:
        return None
    for kind in _SIMPLE:
        if kind in value:
            return value[kind]
    if "intValue" in value:
        text = str(value["intValue"])
        return int(text) if text.isascii() and text.lstrip("-").isdigit() and len(text) < 20 else text
    if "arrayValue" in value and isinstance(value["arrayValue"], dict):
        listed = value["arrayValue"].get("values")
        return [_value(one, depth + 1) for one in listed] if isinstance(listed, list) else []
    held = value.get("kvlistValue")
    return _pairs(held.get("values"), depth + 1) if isinstance(held, dict) else None


def _pairs(listed: Any, depth: int) -> dict[str, Any]:
    if not isinstance(listed, list):
        return {}
    return {str(one.get("key")): _value(one.get("value"), depth) for one in listed if isinstance(one, dict)}
