"""What log services put around a record, taken off: the record stands under one key, as an object or as text, and nothing but its coat beside it.

===========================  ================================================================
service                      record
===========================  ================================================================
Splunk's HTTP collector      ``event`` beside ``sourcetype``, ``source``, ``host``, ``time``
Datadog's archives           ``attributes`` beside ``service``, ``date``, ``status``; ``message``
OpenTelemetry                ``body`` beside ``attributes``, ``timestamp``
Graylog (GELF)               ``full_message`` beside ``short_message``, ``version``
Loki (``logcli -o jsonl``)   ``line`` beside ``labels``, ``timestamp``
Kafka's tools                ``value`` beside ``topic``, ``partition``, ``offset``
===========================  ================================================================

An object with any other key is none of these and stays as it is. A record that is text becomes ``_raw``, beside the time of the coat.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from gatewatch.intake.json_shape import FAULTS

REGEX = r'"(?:sourcetype|service|topic|labels|full_message|body)"[ \t\r\n]*:'
INNER = r'"(?:event|attributes|message|body|full_message|line|value)"[ \t\r\n]*:[ \t\r\n]*(?:\{|"[ \t]*\{|"(?:\\[nrt])*[0-9A-Z<\[%])'
"""Both stand in every coat."""
_COATS: tuple[tuple[str, frozenset[str], frozenset[str]], ...] = (
    ("event", frozenset({"sourcetype"}), frozenset({"time", "host", "source", "index", "fields"})),
    (
        "attributes",
        frozenset({"service"}),
        frozenset({"_id", "id", "type", "date", "host", "hostname", "source", "status", "tags", "message", "ddtags", "ddsource", "timestamp"}),
    ),
    ("message", frozenset({"service"}), frozenset({"date", "host", "hostname", "source", "status", "tags", "ddtags", "ddsource", "timestamp"})),
    ("body", frozenset(), frozenset({"attributes", "resource", "timestamp", "severity", "severity_text", "severity_number", "observed_timestamp"})),
    ("line", frozenset({"labels"}), frozenset({"timestamp", "ts"})),
    ("value", frozenset({"topic"}), frozenset({"partition", "offset", "key", "timestamp", "headers", "tstype", "ts", "broker"})),
    ("full_message", frozenset({"short_message"}), frozenset({"version", "host", "timestamp", "level", "facility", "file", "line"})),
)
_TIMES = ("time", "date", "timestamp", "ts")
_LATEST = 4_102_444_800  # 2100
_NAMES = sorted({name for key, needed, beside in _COATS for name in (key, *needed, *beside)})
BEGINS = r'^[ \t\r\n]*\{[ \t\r\n]*"(?:(?:' + "|".join(_NAMES) + r')"|_|[^"\\]*\\)'
"""What every coat begins with: a key of a coat, one of GELF's own, or one that is spelled with escapes."""
_ABSENT = msgspec.Raw(b"")
_ONLY = msgspec.defstruct("_Only", [(name, msgspec.Raw, _ABSENT) for name in _NAMES], forbid_unknown_fields=True, gc=False)
_only = msgspec.json.Decoder(_ONLY).decode  # ends at the first key of another kind, so that what is no coat costs little
_pairs = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_any = msgspec.json.Decoder().decode


def taken_off(text: str) -> str | None:
    """Return the record within the coat that the object *text* is; None where it is none.

    >>> taken_off('{"sourcetype":"x","event":{"a":1}}'), taken_off('{"sourcetype":"x","event":{"a":1},"other":2}')
    ('{"a":1}', None)
    """
    try:
        if '"short_message"' in text:  # others may stand beside
            pairs = _pairs(text)
        else:
            one = _only(text)
            pairs = {name: raw for name in _NAMES if (raw := getattr(one, name)) is not _ABSENT}
    except FAULTS:
        return None
    for key, needed, beside in _COATS:
        if key not in pairs or not needed <= pairs.keys():
            continue
        rest = pairs.keys() - needed - beside - {key}
        if rest and not (key == "full_message" and all(name.startswith("_") for name in rest)):
            continue
        raw = bytes(pairs[key])
        if raw[:1] == b"{":
            return None if len(raw) < 3 or (key == "body" and b'"event_id"' in raw) else raw.decode()  # a Windows event's source reads it as it is
        held = _any(raw) if raw[:1] == b'"' else None
        if not isinstance(held, str) or not held.strip():
            return None
        if held.lstrip().startswith("{"):
            return held.strip()
        return msgspec.json.encode({"_raw": held, "@timestamp": _moment(pairs)}).decode()
    return None


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
