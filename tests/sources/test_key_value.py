"""Pairs are read from left to right, and a value is right or null."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.sources.key_value import SEPARATOR, behind, lay_out, layout, read


def value(text: str, key: str = "user") -> str | None:
    return read(pl.Series([text]), (key,))[key].item()


@pytest.mark.parametrize(
    ("text", "user"),
    [
        ('user="ann" x=1', "ann"),
        ("user=ann x=1", "ann"),
        ("x=1 user=ann", "ann"),
        ('user=""', ""),
        ("user= x=1", ""),
        ('user="ann lee" x=1', "ann lee"),
        (r'user="x\" user=\"root"', 'x" user="root'),
        (r'user="CORP\\ann"', r"CORP\ann"),
        (r'user="CORP\ann"', r"CORP\ann"),
        ('msg="user=root" user="ann"', "ann"),
        ('user="ann" user="ann"', "ann"),
        ('user="ann" user="root"', None),
        ("xuser=ann", None),
        ("", None),
        ('user="ann', ""),  # cut short
    ],
)
def test_values(text: str, user: str | None) -> None:
    assert value(text) == user


def test_every_text_has_a_row_and_every_key_a_column() -> None:
    table = read(pl.Series(["b=2 a=1", "", "c=3"]), ("a", "b", "z"))
    assert table.to_dicts() == [{"a": "1", "b": "2", "z": None}, {"a": None, "b": None, "z": None}, {"a": None, "b": None, "z": None}]
    assert read(pl.Series([], dtype=pl.String), ("a",)).height == 0
    assert read(pl.Series(["x", "y"]), ("a",)).to_dicts() == [{"a": None}, {"a": None}]


@given(st.lists(st.text(max_size=20), max_size=4), st.text(max_size=10))
def test_a_laid_out_text_gives_its_values_back(values: list[str], other: str) -> None:
    """No value reaches into the next one, whatever it holds."""
    names = [f"v{n}" for n in range(len(values))]
    table = pl.DataFrame({"what": ["x"], **dict(zip(names, ([value] for value in values), strict=True)), "end": [other]})
    text = lay_out(table, ("what", *names, "end"))
    found = text.str.extract_groups(layout(("=x", *names, "end"))).struct.unnest().row(0, named=True)
    for name, wanted in zip([*names, "end"], [*values, other], strict=True):
        assert (found[name] or "") == wanted.replace(SEPARATOR, " ").replace("\n", " ")


@given(st.lists(st.text(alphabet="a1 \n<>[]|é", max_size=12), min_size=1, max_size=4))
def test_what_stands_behind_a_beginning_is_what_a_group_to_the_end_takes(texts: list[str]) -> None:
    series = pl.Series(texts, dtype=pl.String)
    for head in ("(?:(?P<name>[^ ]+)/)?(?P<a>a+) ", "(?:<(?P<number>[0-9]+)> )?", "(?P<who>.*?)\\[(?P<roles>[^]]*)\\]"):
        whole = series.to_frame("t").select(pl.col("t").str.extract_groups(f"^{head}(?P<text>.*)$").alias("g")).unnest("g")
        assert behind(series, head, "text").equals(whole)
