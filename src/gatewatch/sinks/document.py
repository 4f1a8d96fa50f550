"""JSON of our own structs: keys as declared, times in UTC with ``Z``, valid whatever a file was called."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from gatewatch.sinks.escape import json_line, mend
from gatewatch.sinks.moment import aware

_encode = msgspec.json.Encoder().encode


def encode(value: Any) -> str:
    """Return *value* (structs, tuples, times, strings ...) as one line of JSON."""
    try:
        line = _encode(_mapped(value, None))
    except UnicodeEncodeError:  # a file name that is no UTF-8
        line = _encode(_mapped(value, mend))
    return json_line(line.decode())


def _mapped(value: Any, text: Callable[[str], str] | None) -> Any:
    if isinstance(value, datetime):
        return aware(value)
    if isinstance(value, msgspec.Struct):
        return {name: _mapped(getattr(value, name), text) for name in value.__struct_fields__}
    if isinstance(value, dict):
        return {_mapped(key, text): _mapped(item, text) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_mapped(item, text) for item in value]
    if text is not None and type(value) is str:
        return text(value)
    return value
