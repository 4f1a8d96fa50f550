r"""CEF and LEEF in columns: many records are taken apart at once, as :mod:`.cef_text` takes one apart.

Devices write the same keys in the same order again and again. The keys of each record are found in one scan and their sequence, its *shape*, says
which value is which. What is out of the ordinary is left to the reader of single records, which is the reference: characters other than printable
ASCII, escapes in the header, a second record within, a key that comes twice, shapes that hardly any record has.
"""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from gatewatch.sources.cef_text import ESCAPE, SEVERITIES, unescaped

ROW = "zz_row"
_FEWEST = 4  # records of one shape that are worth a turn
_MARK = "\x1f"
_FIELDS = r"(?P<vendor>[^|\\]*)\|(?P<product>[^|\\]*)\|[^|\\]*\|(?P<event>[^|\\]*)\|"
_HEADERS = {
    "cef": rf"^(?P<zz_head>CEF: ?[01]\|{_FIELDS}(?P<name>[^|\\]*)\|(?P<severity>[^|\\]*)\|)",
    "leef": rf"^(?P<zz_head>LEEF: ?1(?:\.[0-9])?\|{_FIELDS})",
}
_PRINTABLE = r"^[\t -~]*$"
_SECOND = r"(?:CEF|LEEF): ?[0-9]"
_KEYS = {"cef": r" [A-Za-z0-9_.\-\[\]]{1,100}=", "leef": r"\t[A-Za-z0-9_.\-]+="}
_LEEF_WHOLE = r"^(?:\t[A-Za-z0-9_.\-]+=[^\t]*)+\t?$"
HEADER = ("vendor", "product", "event", "name")
"""The columns of the header; vendor and product in small letters. They stand apart from keys, which begin with ``k_``."""


def read(texts: pl.Series, wanted: Collection[str], mark: str) -> tuple[pl.DataFrame, pl.Series]:
    """Return what can be read of *texts* in columns, and the places of the others.

    The columns: :data:`ROW` (the place), :data:`HEADER`, and ``k_<key>`` for those of the keys *wanted* (small letters) that occur, null where a
    record lacks it. *mark* is ``cef`` or ``leef``.
    """
    rows = pl.DataFrame([pl.int_range(len(texts), dtype=pl.UInt32, eager=True).alias(ROW), texts.alias("text")])
    plain = rows["text"].str.contains(_PRINTABLE).fill_null(value=False)
    groups = rows.select(pl.col("text").str.extract_groups(_HEADERS[mark]).alias("g")).unnest("g")
    table = rows.hstack(groups).filter(plain & groups["zz_head"].is_not_null())
    table = table.with_columns(pl.col("text").str.strip_prefix(pl.col("zz_head")).alias("text"))
    sound = ~table["text"].str.contains(_SECOND)
    if mark == "cef":
        severities = table["severity"].unique()
        valid = [value for value in severities.to_list() if SEVERITIES.fullmatch(value.strip()) is not None]
        sound &= table["severity"].is_in(valid)
        table = table.with_columns((" " + pl.col("text")).alias("text"))
    else:
        table = table.with_columns(("\t" + pl.col("text")).alias("text"))
        sound &= table["text"].str.contains(_LEEF_WHOLE) & table["text"].str.slice(1).str.contains("\t", literal=True)
    parts = _by_shape(table.filter(sound), frozenset(wanted), mark)
    if not parts:
        return pl.DataFrame(schema={ROW: pl.UInt32, **dict.fromkeys(HEADER, pl.String)}), rows[ROW]
    found = pl.concat(parts, how="diagonal").sort(ROW)
    return found, rows[ROW].filter(~rows[ROW].is_in(found[ROW].implode()))


def _by_shape(table: pl.DataFrame, wanted: frozenset[str], mark: str) -> list[pl.DataFrame]:
    """Return the records of each common shape with their header and the values of the keys *wanted*."""
    text = pl.col("text")
    coded = table.with_columns(text.str.extract_all(_KEYS[mark]).list.join("").alias("shape"), text.str.replace_all(_KEYS[mark], _MARK).alias("text"))
    parts = []
    for (shape,), part in coded.partition_by("shape", as_dict=True, maintain_order=True).items():
        keys = [key.strip().casefold() for key in str(shape).split("=")[:-1]]
        if part.height < _FEWEST or len(set(keys)) < len(keys):
            continue
        header = [pl.col(name).str.strip_chars().alias(name) for name in ("vendor", "product", "event")]
        header = [one.str.to_lowercase() for one in header[:2]] + header[2:]
        fields = part.select(text.str.split_exact(_MARK, len(keys)).alias("f")).unnest("f")
        values = [_value(fields.to_series(place), f"k_{key}", mark) for place, key in enumerate(keys, 1) if key in wanted or key == "name"]
        frame = part.select(ROW, *header, *([pl.col("name").str.strip_chars()] if mark == "cef" else [])).hstack(values)
        if mark == "leef":
            frame = frame.with_columns((pl.col("k_name") if "name" in keys else pl.lit("", pl.String)).alias("name"))
        parts.append(frame.select(ROW, *HEADER, *(f"k_{key}" for key in keys if key in wanted)))
    return parts


def _value(values: pl.Series, name: str, mark: str) -> pl.Series:
    """Return *values* without the blanks around them, and with what was escaped as it was."""
    values = values.str.strip_chars().alias(name)
    if mark == "cef":
        escaped = values.str.contains("\\", literal=True)
        if escaped.any():
            texts = [ESCAPE.sub(unescaped, value) for value in values.filter(escaped).to_list()]
            values = values.scatter(escaped.arg_true(), pl.Series(texts, dtype=pl.String))
    return values
