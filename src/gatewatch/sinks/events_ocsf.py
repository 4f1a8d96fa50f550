"""Events as OCSF 1.3 (https://schema.ocsf.io/1.3.0): JSON lines, nested by the path each column declares.

``class_uid``, ``activity_id`` and ``status_id`` come from the kind, which also travels as ``unmapped.kind``: the three cannot give it back.
A time is in milliseconds, as OCSF has it; microseconds beyond are ``unmapped.time_us`` (and ``received_us``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import BinaryIO

import polars as pl

from gatewatch.schema import events as ev
from gatewatch.schema.events import Kind, Mfa
from gatewatch.sinks.events_text import braces, is_bare, member, safe_lines

VERSION = "1.3.0"
INFORMATIONAL = 1  # severity_id: an event alone says nothing about its gravity

# a branch holds branches and, at its leaves, the name of a column
Branch = Mapping[str, "Branch | str"]


def write(frames: Iterator[pl.DataFrame], out: BinaryIO) -> None:
    """Write *frames* in order; rows without a kind are base events (class 0)."""
    for frame in frames:
        if not frame.height:
            continue
        whole = ev.ensure(frame, "kind")
        names = [name for name in ev.NAMES if name in whole.columns and whole[name].null_count() < whole.height]
        members = [_classes(), *_members(_tree(names), whole)]
        lines = whole.select(braces(members).alias("line"))["line"]
        out.write(("\n".join(safe_lines(lines)) + "\n").encode())


def head(kind: Kind) -> dict[str, int]:
    """Return the OCSF identifiers of *kind*."""
    ocsf = ev.OCSF[kind]
    return {
        "category_uid": ocsf.class_uid // 1000,
        "class_uid": ocsf.class_uid,
        "activity_id": ocsf.activity_id,
        "type_uid": ocsf.class_uid * 100 + ocsf.activity_id,
        "severity_id": INFORMATIONAL,
        "status_id": ocsf.status_id,
    }


def _classes() -> pl.Expr:
    texts = {kind.value: ",".join(f'"{key}":{number}' for key, number in head(kind).items()) for kind in Kind}
    none = f'"category_uid":0,"class_uid":0,"activity_id":0,"type_uid":0,"severity_id":{INFORMATIONAL},"status_id":0'
    return pl.col("kind").cast(pl.String).replace_strict(texts, default=none, return_dtype=pl.String)


def _tree(names: list[str]) -> Branch:
    root: dict[str, Branch | str] = {"metadata": {}}
    for column in ev.COLUMNS:
        if column.name not in names:
            continue
        *folders, leaf = column.ocsf.split(".")
        at = root
        for folder in folders:
            at = at.setdefault(folder, {})  # type: ignore[assignment]
        at[leaf] = column.name
    return root


def _members(branch: Branch, frame: pl.DataFrame, path: str = "") -> list[pl.Expr]:
    found = []
    for key, value in branch.items():
        if isinstance(value, str):
            found.append(member(key, _value(value), bare=is_bare(value) or ev.DTYPES[value] == ev.UTC or value == "mfa"))
        elif path == "" and key == "metadata":
            constant = pl.lit(f'"version":"{VERSION}"')
            found.append(pl.concat_str([pl.lit('"metadata":'), braces([constant, *_members(value, frame, key)])]))
        else:
            members = _members(value, frame, f"{path}.{key}")
            if path == "" and key == "unmapped":
                members += [_micros(name) for name in ("time", "received") if name in frame.columns]
            inner = pl.concat_str(members, separator=",", ignore_nulls=True)
            found.append(pl.when(inner != "").then(pl.concat_str([pl.lit(f'"{key}":{{'), inner, pl.lit("}")])))
    return found


def _micros(name: str) -> pl.Expr:
    """Return the microseconds of a time below its millisecond as ``NAME_us``; OCSF has room for milliseconds only."""
    rest = pl.col(name).dt.timestamp("us") % 1000
    return pl.when(rest != 0).then(pl.concat_str([pl.lit(f'"{name}_us":'), rest.cast(pl.String)]))


def _value(name: str) -> pl.Expr:
    dtype = ev.DTYPES[name]
    if dtype == ev.UTC:
        return pl.col(name).dt.timestamp("ms")
    if isinstance(dtype, pl.Duration):
        return pl.col(name).dt.total_microseconds()
    if name == "mfa":
        said = pl.col(name).cast(pl.String)
        return pl.when(said == Mfa.YES).then(pl.lit(True)).when(said == Mfa.NO).then(pl.lit(False))
    return pl.col(name)
