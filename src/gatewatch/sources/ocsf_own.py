"""OCSF as ``gatewatch events -o ocsf`` writes it, back into the columns it was made of, by the path that each column declares."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import polars as pl

from gatewatch.schema import events as ev
from gatewatch.schema.events import Kind, Mfa
from gatewatch.sources.document import FAULTS
from gatewatch.sources.gatewatch import READ

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PATHS = tuple((column.name, tuple(column.ocsf.split("."))) for column in ev.COLUMNS if column.name in READ)
_TIMES = frozenset(name for name, dtype in ev.DTYPES.items() if dtype == ev.UTC)
OWN = r'"unmapped":\{(?:"time_err":[0-9]+,)?(?:"time_basis":"[a-z_]+",)?"kind":"(?:' + "|".join(Kind) + ")"
"""What such a line holds, beside ``"event_code"``."""
NAMED = r'"product":\{"name":"[a-z0-9:._-]+"\},"event_code":"'


def flatten(records: pl.DataFrame) -> pl.DataFrame:
    """Return *records* with each object in ``fields`` laid flat, as ``gatewatch events -o jsonl`` writes it; what is no object stays as it is."""
    return records.with_columns(pl.Series("fields", [_flat(text) for text in records["fields"].to_list()], dtype=pl.String))


def _flat(text: str) -> str:
    try:
        whole = msgspec.json.decode(text)
        flat = {name: value for name, path in _PATHS if (value := _walk(whole, path)) is not None}
        for name in _TIMES & flat.keys():
            flat[name] = _iso(flat[name], _walk(whole, ("unmapped", f"{name}_us")))
        if "mfa" in flat:
            flat["mfa"] = {True: Mfa.YES, False: Mfa.NO}.get(flat["mfa"])
        return msgspec.json.encode(flat).decode()
    except FAULTS:
        return text


def _walk(value: Any, path: tuple[str, ...]) -> Any:
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _iso(value: Any, micros: Any) -> Any:
    beyond = micros if micros.__class__ is int and 0 < micros < 1000 else 0
    try:
        return (_EPOCH + timedelta(milliseconds=value, microseconds=beyond)).isoformat() if value.__class__ is int else value
    except OverflowError:
        return str(value)
