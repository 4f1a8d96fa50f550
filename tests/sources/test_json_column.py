"""Plain event data read as columns are what decoding them one by one gives."""

from __future__ import annotations

import json

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatewatch.sources import windows
from gatewatch.sources.json_column import read_columns

NAMES = ("User", "Port", "Name.With[odd]")
KEYS = st.sampled_from([*NAMES, "Other", "use"])
VALUES = st.one_of(
    st.text(max_size=8), st.integers(0, 1 << 70), st.sampled_from(["-", "", "C:\\users\\ann", 'a"b', "x}", "{", "},{", "\t", "É\u2028"])
)
ODD = st.one_of(VALUES, st.none(), st.booleans(), st.floats(), st.integers(), st.lists(VALUES, max_size=2), st.dictionaries(KEYS, VALUES, max_size=2))
PIECES = st.sampled_from(
    ['{"User":"x}', '{","Port":1}', '{"User":1},{"Port":2}', '{"User":1,"User":2}', "{", "}", ",", '"', "\\", "\n", " ", "07", "[", "{}"]
)


def slowly(texts: pl.Series) -> list[list[str | None]] | None:
    """Decode one by one; None where one of the texts is not sound."""
    data, sound = windows._read(texts.to_list(), windows._decoder(NAMES), len(NAMES))
    return [windows._series("", values).to_list() for values in data] if sound is None else None


def same(texts: list[str | None]) -> bool:
    """Compare where the texts are plain; return whether they are."""
    series = pl.Series(texts, dtype=pl.String)
    columns = read_columns(series, NAMES)
    if columns is not None:
        assert [column.to_list() for column in columns] == slowly(series)
    return columns is not None


@given(st.lists(st.dictionaries(KEYS, VALUES, max_size=4), max_size=6), st.booleans())
def test_columns_of_plain_data_are_those_of_decoding(objects: list[dict[str, object]], spaced: bool) -> None:
    separators = (", ", ": ") if spaced else (",", ":")
    same([json.dumps(one, ensure_ascii=False, separators=separators) for one in objects])


@given(st.lists(st.one_of(st.none(), st.dictionaries(KEYS, ODD, max_size=4).map(json.dumps), st.lists(PIECES, max_size=4).map("".join)), max_size=5))
@example(['{"User":"x}', '{","Port":1}'])
@example(['{"User":"x}', '{","Port":1}', '{"User":1},{"Port":2}'])
@example(['{"User":1', '"Port":2}', '{"User":1},{"Port":2}'])
@example(['{"User":1,"User":2}'])
@example(['{"User":1,"\\u0055ser":2}'])
@example(['{"User":1.0}', '{"User":-0}', '{"User":1e3}'])
def test_nothing_odd_is_read_otherwise(texts: list[str | None]) -> None:
    same(texts)


@pytest.mark.parametrize("text", ['{"User":"DOM\\\\ann","Port":50000}', '{"User": "é", "Port": "7"}', "{}", '{"Other":"\\"User\\":"}'])
def test_plain_data_are_not_left_to_be_decoded(text: str) -> None:
    assert same([text, None])


@pytest.mark.parametrize(
    "text", ['{"User":null}', '{"User":["a"]}', '{"User":1,"User":2}', '{"User":"a"', '["User"]', "", '{"User":01}', '{"User":"\t"}']
)
def test_other_data_are(text: str) -> None:
    assert not same([text])
