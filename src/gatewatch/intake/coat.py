"""What log services put around a record, taken off: the record stands under one key, as an object or as text, and nothing but its coat beside it.

===========================  ================================================================
service                      record
===========================  ================================================================
Splunk's HTTP collector      ``event`` beside ``sourcetype``, ``source``, ``host``, ``time``
Datadog's archives           ``attributes`` beside ``service``, ``date``, ``status``; ``message``
OpenTelemetry                ``body`` beside ``attributes``, ``timestamp``, or all of these with a capital
Graylog (GELF)               ``full_message`` beside ``short_message``, ``version``; the latter alone
Loki (``logcli -o jsonl``)   ``line`` beside ``labels``, ``timestamp``
Kafka's tools                ``value`` beside ``topic``, ``partition``, ``offset``
EventBridge                  ``detail`` beside ``detail-type``, ``source``, ``account``
Google's Pub/Sub             ``data`` in ``message``, as text, perhaps Base64, beside ``subscription``
Wazuh's integrations         the key that ``integration`` names
loggers of OCSF              ``ocsf`` beside anything
===========================  ================================================================

But for the last, an object with any other key is none of these and stays as it is. A record that is text becomes ``_raw``, beside the time of the
coat.
"""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from typing import Any

import msgspec

from gatewatch.intake.json_shape import FAULTS

REGEX = (
    r'"(?:sourcetype|service|topic|labels|full_message|short_message|[bB]ody|detail-type|subscription)"[ \t\r\n]*:'
    r'|^\{[ \t\r\n]*"integration"[ \t\r\n]*:|"ocsf"[ \t\r\n]*:[ \t\r\n]*\{'
)
INNER = (
    r'"(?:event|attributes|message|[bB]ody|full_message|short_message|line|value|detail|data|ocsf)"[ \t\r\n]*:[ \t\r\n]*(?:\{|"[ \t]*\{|"eyJ|'
    r'"(?:\\[nrt])*(?:[0-9A-Z<\[%*]|date=|id=|device|events |node=|type=|kernel|[a-z0-9-]+,[a-z]))|^\{[ \t\r\n]*"integration"'
)
"""Both stand in every coat."""
_GELF = frozenset({"version", "host", "timestamp", "level", "facility", "file", "line"})
_COATS: tuple[tuple[str, frozenset[str], frozenset[str]], ...] = (
    ("event", frozenset({"sourcetype"}), frozenset({"time", "host", "source", "index", "fields"})),
    (
        "attributes",
        frozenset({"service"}),
        frozenset({"_id", "id", "type", "date", "host", "hostname", "source", "status", "tags", "message", "ddtags", "ddsource", "timestamp"}),
    ),
    ("message", frozenset({"service"}), frozenset({"date", "host", "hostname", "source", "status", "tags", "ddtags", "ddsource", "timestamp"})),
    ("body", frozenset(), frozenset({"attributes", "resource", "timestamp", "severity", "severity_text", "severity_number", "observed_timestamp"})),
    (
        "Body",
        frozenset({"Timestamp"}),
        frozenset({"Attributes", "Resource", "SeverityText", "SeverityNumber", "ObservedTimestamp", "TraceId", "SpanId", "TraceFlags"})
        | frozenset({"InstrumentationScope", "Severity"}),
    ),
    ("detail", frozenset({"detail-type"}), frozenset({"version", "id", "source", "account", "time", "region", "resources", "replay-name"})),
    ("line", frozenset({"labels"}), frozenset({"timestamp", "ts"})),
    ("value", frozenset({"topic"}), frozenset({"partition", "offset", "key", "timestamp", "headers", "tstype", "ts", "broker"})),
    ("full_message", frozenset({"short_message"}), _GELF),
    ("short_message", frozenset({"version"}), _GELF - {"version"}),
)
_TIMES = ("time", "date", "timestamp", "ts", "Timestamp")
_LATEST = 4_102_444_800  # 2100
_NAMES = sorted({name for key, needed, beside in _COATS for name in (key, *needed, *beside)})
BEGINS = r'^[ \t\r\n]*\{[ \t\r\n]*"(?:(?:' + "|".join((*_NAMES, "integration", "subscription")) + r')"|_|[^"\\]*\\)|"ocsf"[ \t\r\n]*:[ \t\r\n]*\{'
"""What every coat begins with: a key of a coat, one of GELF's own, or one that is spelled with escapes; of OCSF's, what it holds."""
_ABSENT = msgspec.Raw(b"")
_PLAIN = {name: name.replace("-", "_") for name in _NAMES}
_ONLY = msgspec.defstruct(
    "_Only",
    [(plain, msgspec.Raw, _ABSENT) for plain in _PLAIN.values()],
    rename={plain: name for name, plain in _PLAIN.items()},
    forbid_unknown_fields=True,
    gc=False,
)
_only = msgspec.json.Decoder(_ONLY).decode  # ends at the first key of another kind, so that what is no coat costs little
_pairs = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_any = msgspec.json.Decoder().decode


def taken_off(text: str) -> str | None:
    """Return the record within the coat that the object *text* is; None where it is none.

    >>> taken_off('{"sourcetype":"x","event":{"a":1}}'), taken_off('{"sourcetype":"x","event":{"a":1},"other":2}')
    ('{"a":1}', None)
    """
    if '"integration"' in text[:40] or '"ocsf"' in text or '"subscription"' in text:
        return _named(text)
    try:
        if '"short_message"' in text:  # others may stand beside
            pairs = _pairs(text)
        else:
            one = _only(text)
            pairs = {name: raw for name, plain in _PLAIN.items() if (raw := getattr(one, plain)) is not _ABSENT}
    except FAULTS:
        return None
    if "_EventID" in pairs:  # of Windows, with its data
        return None
    for key, needed, beside in _COATS:
        if key not in pairs or not needed <= pairs.keys():
            continue
        rest = pairs.keys() - needed - beside - {key}
        if rest and not (key in {"full_message", "short_message"} and all(name.startswith("_") for name in rest)):
            continue
        if key == "short_message" and "_application_name" in pairs:  # a syslog record taken apart
            return None
        raw = bytes(pairs[key])
        if raw[:1] == b"{":
            if key in {"body", "Body"} and b'"event_id"' in raw:  # a Windows event's source reads it as it is
                return None if key == "body" else f'{{"body":{raw.decode()}}}'
            return None if len(raw) < 3 else raw.decode()
        held = _any(raw) if raw[:1] == b'"' else None
        if not isinstance(held, str) or not held.strip():
            return None
        if held.lstrip().startswith("{"):
            return held.strip()
        return msgspec.json.encode({"_raw": held, "@timestamp": _moment(pairs)}).decode()
    return None


def _named(text: str) -> str | None:
    """Return the record of a coat that names its key, as Wazuh's and loggers of OCSF do, or in which it stands deeper, as in Pub/Sub's."""
    try:
        pairs = _pairs(text)
        name = _any(pairs["integration"]) if "integration" in pairs else "ocsf"
        raw = bytes(pairs[name]) if isinstance(name, str) and name in pairs else b""
        if raw[:1] == b"{" and len(raw) > 2:
            return raw.decode()
        held = _any(pairs["message"]).get("data") if "subscription" in pairs and bytes(pairs.get("message", b""))[:1] == b"{" else None
    except FAULTS:
        return None
    if not isinstance(held, str):
        return None
    if held.startswith("eyJ"):
        try:
            held = base64.b64decode(held, validate=True).decode()
        except (binascii.Error, ValueError):
            return None
    return held.strip() if held.lstrip().startswith("{") else None


def _moment(pairs: dict[str, msgspec.Raw]) -> str | None:
    """Return when the coat says it was, as ISO text."""
    value: Any = next((_any(pairs[name]) for name in _TIMES if name in pairs), None)
    if isinstance(value, str) and value[10:11] == "T":
        return value
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    seconds = next((value / scale for scale in (1, 1_000, 1_000_000, 1_000_000_000) if 0 < value < _LATEST * scale), None)
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()
