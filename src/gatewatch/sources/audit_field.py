"""Audit messages taken apart in columns: the header in its variants, ``key=value`` fields, quoted or hex values.

Where a message may come from:

- ``audit.log``: ``type=USER_LOGIN msg=audit(1767614400.123:45): pid=…``
- the kernel's log: ``audit: type=1112 audit(1767614400.123:45): pid=…``
- journald's audit transport: ``USER_LOGIN pid=…`` (time and, as ``_AUDIT_ID``, serial beside it)

The kernel and libaudit write a value that holds a space, a quote or a control character as upper-case hex without quotes, so an
attacker cannot add fields by choosing a name. Enriched logs append names after a group separator (``AUID="ann"``), which some
shippers lose.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import polars as pl

from gatewatch.sources.audit_type import type_name

_HEX = re.compile(r"(?:[0-9A-F]{2})+")
_ENCODED = re.compile(r"[^!#-~]")  # what makes the writer choose hex
_UNKNOWN = frozenset({"", "?", "(null)", "(null", '""', '"?"'})  # an expression of :func:`value` ends before ")"
_TYPE = r"(?:^|^node=[^ ]+ |audit: )type=([A-Z0-9_\[\]]{1,40}) "
_JOURNAL = r"^(?:<audit-([0-9]{4})>|AUDIT([0-9]{4})|([A-Z][A-Z0-9_]{2,39})) [a-z][a-z0-9_-]*="
_SERIAL = r"audit\(([0-9]{1,10}\.[0-9]{3}:[0-9]{1,20})\)"
DAMAGED = "audit header is damaged or cut"
INTERPRETED = "times in words (ausearch -i): export with ausearch --raw"


def header(records: pl.DataFrame) -> pl.DataFrame:
    """Return *records* with ``type`` (null: no audit message), ``serial`` (null: none given) and ``fault`` (why a record is a reject).

    ``time``, ``time_err`` and ``time_basis`` are those of the message where it has its own, and ``host`` is its ``node``.
    """
    message = pl.col("message").fill_null("")
    journal = message.str.extract_groups(_JOURNAL)
    table = records.with_columns(
        pl.coalesce(message.str.extract(_TYPE), journal.struct[0], journal.struct[1], journal.struct[2]).alias("raw_type"),
        pl.coalesce(
            message.str.extract(_SERIAL),
            pl.lit("journal:") + pl.col("fields").str.extract(r'"_AUDIT_ID": ?"?([0-9]{1,20})'),
        ).alias("serial"),
        message.str.contains(_TYPE).alias("by_type"),
        message.str.extract(r"^node=([^ ]+) ").alias("node"),
    )
    names = {raw: type_name(raw) for raw in table["raw_type"].drop_nulls().unique().to_list()}
    known = [raw for raw, name in names.items() if name is not None]
    stamp = pl.col("serial").str.extract_groups(r"^([0-9]{1,10})\.([0-9]{3}):")
    micros = stamp.struct[0].cast(pl.Int64) * 1_000_000 + stamp.struct[1].cast(pl.Int64) * 1_000
    own = micros.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    typed = table.with_columns(
        pl.col("raw_type").replace_strict(known, [names[raw] for raw in known], default=None, return_dtype=pl.String).alias("type")
        if known
        else pl.lit(None, pl.String).alias("type"),
        pl.coalesce(own, "time").alias("time"),
        pl.when(own.is_not_null()).then(pl.duration(milliseconds=1)).otherwise(pl.col("time_err")).alias("time_err"),
        pl.when(own.is_not_null()).then(pl.lit("absolute").cast(table.schema["time_basis"])).otherwise("time_basis").alias("time_basis"),
        pl.coalesce("node", "host").alias("host"),
        pl.when(pl.col("by_type") & pl.col("serial").is_null())
        .then(pl.when(pl.col("message").str.contains(r"audit\([0-9]{1,4}[/-]")).then(pl.lit(INTERPRETED)).otherwise(pl.lit(DAMAGED)))
        .alias("fault"),
    )
    return typed.drop("raw_type", "by_type", "node")


def value(name: str) -> pl.Expr:
    """Return the raw value of the first field *name* of ``message`` as an expression; quotes stay on, a missing field is null."""
    return pl.col("message").str.extract(rf"""(?:^|[ ,('\x1d]){name}=("[^"]*"|[^ ,)'"\x1d]*)""").alias(name)


def enriched(name: str) -> pl.Expr:
    """Return the enriched name *name* (``AUID``) as an expression; null when absent, ``unset`` or ``unknown(1000)``."""
    found = pl.col("message").str.extract(rf"""[ '")\x1d]{name}="([^"(]+)\"""")
    return pl.when(found != "unset").then(found)


def plain(name: str) -> pl.Expr:
    """Return field *name* without quotes; null when absent, ``?``, ``(null)`` or empty. For values that are never hex."""
    bare = value(name).str.strip_chars('"')
    return pl.when(~bare.is_in(["", "?", "(null)", "(null", "(none)", "(none"])).then(bare).alias(name)


def decode(values: pl.Series, *, kernel: bool = False) -> pl.Expr:
    """Return raw *values* decoded (:func:`decode_value`), each distinct one once, as an expression."""
    return mapped(values, lambda raw: decode_value(raw, kernel=kernel))


def mapped(values: pl.Series, resolve: Callable[[str], str | None]) -> pl.Expr:
    """Return *values* resolved, each distinct one once, as an expression."""
    unique = values.drop_nulls().unique()
    if not len(unique):
        return pl.lit(None, pl.String)
    made = pl.Series([resolve(raw) for raw in unique.to_list()], dtype=pl.String)
    return pl.lit(values.replace_strict(unique, made, default=None, return_dtype=pl.String))


def result() -> pl.Expr:
    """Return how it ended (``success``, ``failed``, ``1``, ``0``, ``Success`` …); enriched names may be glued to it."""
    return pl.col("message").str.extract(r"[ ,('\x1d]res(?:ult)?=([A-Z]?[a-z]+|[01])")


def audit_session() -> pl.Expr:
    """Return the audit session as ``ses:<number>``; null when unset."""
    number = value("ses")
    return pl.when(~number.is_in(["4294967295", "-1", ""])).then(pl.lit("ses:") + number)


def decode_value(raw: str, *, kernel: bool = False) -> str | None:
    """Return a raw value without quotes and decoded from hex; null for ``?``, ``(null)`` and the empty value.

    The *kernel* quotes or encodes every text, so what it left bare is hex. Old PAM never quoted: there, upper-case hex is taken for hex
    only when it holds what makes a writer choose hex, so ``acct=FACADE11`` stays a name as long as it can be one.
    """
    if raw in _UNKNOWN:
        return None
    if raw.startswith('"'):
        return raw.strip('"')
    if _HEX.fullmatch(raw):
        decoded = bytes.fromhex(raw).decode("utf-8", "replace")
        if kernel or _ENCODED.search(decoded):
            return decoded.replace("\0", " ").rstrip(" ") or None
    return raw


_GLUED = re.compile(r"""(?<=[^ \x1d])(?=ARCH=|SADDR=)|(?<=[0-9'")])(?=[OA]?UID=)""")
_FIELD = re.compile(r'([A-Za-z][A-Za-z0-9_-]*(?:\[[0-9]+\])?)=("[^"]*"|[^ \x1d]*)')


def fields(message: str) -> dict[str, str]:
    """Return all fields of *message* raw, the first of each name; for single messages, where columns do not pay."""
    made: dict[str, str] = {}
    for name, raw in _FIELD.findall(_GLUED.sub("\x1d", message)):
        made.setdefault(name, raw)
    return made
