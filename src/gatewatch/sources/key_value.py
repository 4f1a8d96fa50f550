r"""Texts of ``key=value`` pairs, in columns, and laid out in a fixed order so that a pattern can read them.

A value stands in double quotes, with ``\"`` for a quote within, or ends at the next space. The text is read from left to right, so what looks like a
pair inside a quoted value is none. A key that comes twice with different values has no value: one of them is not the writer's.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

SEPARATOR = "\x1f"  # stands in no text that was laid out
ANY = f"[^{SEPARATOR}]*"
_PAIR = r'[A-Za-z_][A-Za-z0-9_.-]*=(?:"(?:[^"\\]|\\.)*"|[^ "]*)'


def read(texts: pl.Series, keys: Sequence[str]) -> pl.DataFrame:
    """Return the values of *keys* in *texts* as one column per key, null where a text lacks the key or contradicts itself."""
    at = "zz_at"
    pairs = (
        texts.alias("text")
        .to_frame()
        .with_row_index(at)
        .select(at, pl.col("text").str.extract_all(_PAIR).alias("pair"))
        .explode("pair")
        .with_columns(pl.col("pair").str.extract(r"^([^=]+)=").alias("key"), pl.col("pair").str.extract(r"(?s)^[^=]+=(.*)$").alias("value"))
        .filter(pl.col("key").is_in(list(keys)))
        .with_columns(_unquoted(pl.col("value")).alias("value"))
    )
    single = (
        pairs.group_by(at, "key", maintain_order=True).agg(pl.col("value").first(), pl.col("value").n_unique().alias("n")).filter(pl.col("n") == 1)
    )
    rows = pl.DataFrame({at: pl.int_range(len(texts), dtype=pl.UInt32, eager=True)})
    wide = single.pivot(on="key", on_columns=list(keys), index=at, values="value") if single.height else single.select(at)
    joined = rows.join(wide, on=at, how="left", maintain_order="left")
    missing = [pl.lit(None, pl.String).alias(key) for key in keys if key not in joined.columns]
    return joined.with_columns(missing).select(keys)


def _unquoted(value: pl.Expr) -> pl.Expr:
    quoted = value.str.starts_with('"')
    return pl.when(quoted).then(value.str.slice(1, value.str.len_chars() - 2).str.replace_all(r'\\(["\\])', "${1}")).otherwise(value)


def behind(texts: pl.Series, head: str, rest: str) -> pl.DataFrame:
    """Return the groups of *head*, a regex that fits the beginning of each of *texts*, and what follows it as *rest*; null where it fits none.

    The same as the groups of ``^head(?P<rest>.*)$``, which would read on to the end of each text with the slow engine that remembers groups.
    """
    table = texts.alias("zz_text").to_frame()
    groups = table.select(pl.col("zz_text").str.extract_groups(f"^(?P<zz_head>{head})").alias("g")).unnest("g")
    after = pl.when(pl.col("zz_head").is_not_null()).then(pl.col("zz_text").str.strip_prefix(pl.col("zz_head")))
    groups = table.hstack(groups).select(pl.all().exclude("zz_text", "zz_head"), after.alias(rest))
    lines = groups[rest].str.contains("\n", literal=True).fill_null(value=False)
    if lines.any():  # no dot fits a line end
        groups = groups.with_columns(pl.when(pl.lit(~lines)).then(pl.col(name)).alias(name) for name in groups.columns)
    return groups


def lay_out(table: pl.DataFrame, keys: Sequence[str]) -> pl.Series:
    r"""Return the columns *keys* of *table* joined by :data:`SEPARATOR`; null is empty, and no value can hold the separator."""
    bad = f"[{SEPARATOR}\n]"
    held = table.select(pl.col(key).str.contains(bad).any() for key in keys).row(0)
    values = [
        pl.col(key).fill_null("").str.replace_all(bad, " ") if found else pl.col(key).fill_null("") for key, found in zip(keys, held, strict=True)
    ]
    return table.select(pl.concat_str(values, separator=SEPARATOR).alias("message"))["message"]


def layout(groups: Sequence[str]) -> str:
    """Return the regex of a laid-out text, by the groups it names in turn.

    ``name`` takes any value and no part where that is empty; ``name=regex`` takes part always; ``=regex`` is matched and not kept.
    """
    parts = []
    for group in groups:
        name, given, regex = group.partition("=")
        if not given:
            parts.append(f"(?P<{name}>{ANY[:-1]}+)?")
        else:
            parts.append(f"(?P<{name}>{regex})" if name else f"(?:{regex})")
    return "^" + SEPARATOR.join(parts) + "$"
