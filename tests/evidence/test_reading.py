"""No bytes make a format raise, and every file has exactly one fate."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from gatewatch.evidence.document import Document
from gatewatch.evidence.reading import bundles, read
from gatewatch.schema.records import Disposition

CASES = Path(__file__).parents[1] / "audit" / "cases"
FILES = sorted(path for path in CASES.rglob("*") if path.is_file() and "evidence" in path.parts and path.suffix not in {".zip", ".gz"})


def _inner(path: Path) -> str:
    parts = path.parts
    return "/".join(parts[parts.index("evidence") + 2 :])


def _read(path: str, data: bytes) -> list[str]:
    """Return how formats failed: by a fault of ours that reading had to catch."""
    found = [read(bundle) for bundle in bundles([Document(f"h/{path}", path, "h", data)])]
    files = [file for reading in found for file in reading.files]
    assert len(files) == 1
    return [file.reason for file in files if "please report" in file.reason]


@given(data=st.data())
@settings(max_examples=400, deadline=None)
def test_no_damage_makes_a_format_fail(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(FILES))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, max(len(content) - 1, 0)))
        how = data.draw(st.integers(0, 3))
        if how == 0:
            del content[at:]
        elif how == 1:
            content[at:at] = data.draw(st.binary(max_size=8))
        elif how == 2:
            del content[at : at + data.draw(st.integers(1, 40))]
        elif content:
            content[at] = data.draw(st.integers(0, 255))
    assert _read(_inner(path), bytes(content)) == []


@given(content=st.binary(max_size=400), path=st.sampled_from([_inner(path) for path in FILES]))
@settings(max_examples=200, deadline=None)
def test_no_bytes_make_a_format_fail(content: bytes, path: str) -> None:
    assert _read(path, content) == []


def test_an_empty_file_is_ignored_and_said() -> None:
    [reading] = [read(bundle) for bundle in bundles([Document("h/x", "x", "h", b"\n")])]
    assert [(file.disposition, file.reason) for file in reading.files] == [(Disposition.IGNORED, "empty file")]
