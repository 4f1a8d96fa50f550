from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.sinks.escape import cell, clip, escape, json_line, mend

ANY_TEXT = st.text(st.characters())  # lone surrogates included


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain text, Grüße", "plain text, Grüße"),
        ("\x1b[31m", r"\x1b[31m"),
        ("\x9b31m\x7f", r"\x9b31m\x7f"),
        ("a\tb\r\n", r"a\tb\r\n"),
        ("ad\u202enimda", r"ad\u202enimda"),
        ("ze\u200bro", r"ze\u200bro"),
        ("wide\u3000space", r"wide\u3000space"),
        ("\u3164", r"\u3164"),
        ("caf\udce9", r"caf\xe9"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
        ("e\u0301", "e\u0301"),
        ("a" + "\u0301" * 5, "a" + "\u0301" * 3 + r"\u0301\u0301"),
    ],
)
def test_invisible_characters_are_shown_by_their_code(raw: str, shown: str) -> None:
    assert escape(raw) == shown


@given(ANY_TEXT)
def test_escaped_text_is_printable_and_stays_as_it_is(text: str) -> None:
    once = escape(text)
    assert once.isprintable()
    assert escape(once) == once
    assert not any(unicodedata.bidirectional(char) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"} for char in once)


@given(ANY_TEXT, st.integers(1, 50))
def test_clip_never_exceeds_its_limit(text: str, limit: int) -> None:
    shown = clip(text, limit)
    assert len(shown) <= limit
    assert shown == escape(text) if len(escape(text)) <= limit else shown.endswith("…")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\uff1dx"])
def test_formula_cells_are_quoted(text: str) -> None:
    assert cell(text) == "'" + escape(text)


def test_harmless_cells_are_not_quoted() -> None:
    assert [cell(text) for text in ("", "root", "203.0.113.9", "a=b")] == ["", "root", "203.0.113.9", "a=b"]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_json_keeps_its_meaning(text: str) -> None:
    line = json_line(json.dumps(text, ensure_ascii=False))
    assert json.loads(line) == text
    assert "\x9b" not in line
    assert "\u202e" not in line


def test_undecodable_bytes_of_file_names_become_valid_unicode() -> None:
    assert mend("caf\udce9 \ud83d").encode() == rb"caf\xe9 \ud83d"
