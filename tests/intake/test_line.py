"""Lines keep their offsets and numbers whatever the chunks, and nothing in the bytes is fatal."""

from __future__ import annotations

import codecs
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gatewatch.intake.line import LINE_CAP, cut, is_utf8, read_lines


def _lines(chunks: list[bytes]) -> list[tuple[int, int, str]]:
    rows = []
    base = 0
    for block in cut(chunks):
        lines = read_lines(block)
        rows += [(base + number, offset, line) for number, offset, line in lines.frame().select("record", "offset", "line").iter_rows()]
        rows += [(base + number, offset, "<long>") for number, offset in lines.long]
        base += lines.count
    return sorted(rows)


def _split(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(c % (len(data) + 1) for c in cuts)})
    return [data[a:b] for a, b in pairwise(places)]


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=6))
def test_chunking_changes_nothing(data: bytes, cuts: list[int]) -> None:
    if data[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
        data = b"x" + data
    expected = []
    offset = 0
    for number, line in enumerate(data.split(b"\n")[: data.count(b"\n") + bool(data.rpartition(b"\n")[2])], 1):
        end = offset + len(line) + 1
        expected.append((number, offset, data[offset:end].decode("utf-8", "replace")))
        offset = end
    assert _lines(_split(data, cuts)) == expected


def test_a_line_over_the_cap_is_one_reject_and_the_next_line_lives() -> None:
    data = b"first\n" + b"x" * (LINE_CAP * 3) + b"\nlast\n"
    rows = _lines([data[i : i + 100_000] for i in range(0, len(data), 100_000)])
    assert [(record, text.strip()) for record, _, text in rows] == [(1, "first"), (2, "<long>"), (3, "last")]
    assert rows[2][1] == data.index(b"last")
    assert _lines([data]) == rows


def test_a_file_that_is_one_endless_line() -> None:
    assert _lines([b"x" * 700_000] * 4) == [(1, 0, "<long>")]


def test_bad_bytes_cost_characters_not_lines() -> None:
    data = b"good\nb\xffd \xc3\xa9\nlast"
    assert [text for _, _, text in _lines([data])] == ["good\n", "b\ufffdd \u00e9\n", "last"]
    assert [offset for _, offset, _ in _lines([data])] == [0, 5, 12]


def test_utf16_is_read() -> None:
    data = codecs.BOM_UTF16_LE + "Jan  1 00:00:00 h sshd[1]: x\r\ny\r\n".encode("utf-16-le")
    assert [text for _, _, text in _lines([data[:7], data[7:]])] == ["Jan  1 00:00:00 h sshd[1]: x\r\n", "y\r\n"]


def test_the_lines_of_one_audit_event_stay_in_one_block() -> None:
    lines = [f"type={kind} msg=audit(1767406001.402:{serial}): x" for serial in range(40, 60) for kind in ("SYSCALL", "EXECVE", "PATH")]
    data = ("\n".join(lines) + "\n").encode()
    for size in (97, 150, 400):
        blocks = [block.data[: block.size] for block in cut([data[i : i + size] for i in range(0, len(data), size)])]
        assert b"".join(blocks) == data
        places = [{line.split(b":")[1] for line in block.splitlines()} for block in blocks]
        assert all(not (a & b) for i, a in enumerate(places) for b in places[i + 1 :])


BYTES = st.one_of(st.binary(max_size=4), st.text(max_size=3).map(lambda text: text.encode("utf-8", "surrogatepass")))


@given(st.lists(BYTES, max_size=8).map(b"".join))
def test_sound_utf8_is_what_python_decodes(data: bytes) -> None:
    try:
        data.decode("utf-8")
        sound = True
    except UnicodeDecodeError:
        sound = False
    assert is_utf8(data) == sound
