"""Lines: where things stand in a TOML text."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.site.line import Path, find_lines, line_of

TEXT = '''# comment with [brackets] and = signs
a = 1
"b.c" = "x # no comment"
d.e = [ # [
  1,
  [2, "]", \'}\'], # one
  """three
quotes " inside""",
  {f = 1, g = 2},
]

[t]
u = \'\'\'multi
line\'\'\'
v = { w = { x = 1 } }  # inline
[[s]]
n = 1
[[s]]
n = 2
[s.sub]
k = 2026-01-01T00:00:00Z
[x."y z"]
"q\\u0041" = "\\"esc\\\\"
last = true'''

PLACES: dict[Path, int] = {
    ("a",): 2,
    ("b.c",): 3,
    ("d", "e"): 4,
    ("d", "e", 0): 5,
    ("d", "e", 1): 6,
    ("d", "e", 1, 1): 6,
    ("d", "e", 2): 7,
    ("d", "e", 3): 9,
    ("d", "e", 3, "g"): 9,
    ("t",): 12,
    ("t", "u"): 13,
    ("t", "v", "w", "x"): 15,
    ("s", 0): 16,
    ("s", 0, "n"): 17,
    ("s", 1): 18,
    ("s", 1, "n"): 19,
    ("s", 1, "sub"): 20,
    ("s", 1, "sub", "k"): 21,
    ("x", "y z"): 22,
    ("x", "y z", "qA"): 23,
    ("x", "y z", "last"): 24,
}


def walk(value: Any, path: Path = ()) -> list[Path]:
    """Return every path of a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(deep for key, item in inner for deep in walk(item, (*path, key)))]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_lines(newline: str) -> None:
    lines = find_lines(TEXT.replace("\n", newline))
    assert {path: lines.get(path) for path in PLACES} == PLACES


def test_every_path_of_the_document_has_a_line() -> None:
    assert [path for path in walk(tomllib.loads(TEXT))[1:] if path not in find_lines(TEXT)] == []


def test_an_unknown_path_stands_where_its_holder_does() -> None:
    lines = find_lines(TEXT)
    assert line_of(lines, ("s", 1, "missing", 3)) == 18
    assert line_of(lines, ("nothing",)) == 1


@given(st.text(alphabet="[]{}=.,\"'#\n\\ a1", max_size=60))
def test_no_text_hangs_or_raises(text: str) -> None:
    assert all(1 <= line <= text.count("\n") + 1 for line in find_lines(text).values())
