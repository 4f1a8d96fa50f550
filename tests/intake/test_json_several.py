"""Objects of a stream that are taken several at once are those that would be taken one by one."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatewatch.intake import json_scan
from gatewatch.intake.json_scan import Found, scan

LIKE = [
    '{"a":1}',
    '{"a":{"b":[{"a":2},{"a":3}]}}',
    '{"a":"},{\\"a\\":1"}',
    '{"a":"},{"}',
    '{ "a" : "é" , "c":null}',
    '{"a":NaN}',
    '{"a":"\x01"}',
    '{"a":"\\ud800"}',
    '{"a":1',
    '{"a":1}}',
    '{"a":01}',
    '{"count":3,"finished":1}',
    '{"count":3}',
    '{"kind":"Event","x":1}',
    '{"kind":"EventList","items":[{"kind":"Event"},{"kind":"Event"}]}',
    '{"Records":[{"a":1},{"a":2}]}',
    '{"@odata.context":"x","value":[{"a":1},{"a":2}]}',
    '{"@odata.context":"x"}',
    '{"name":"x"}',
    "junk",
]
BETWEEN = [",", ",\n", " ", "\n", "\r\n", "", ", ,", "\x1e", ",\n  "]


def _alone(chunks: list[bytes]) -> list[Found]:
    with patch.object(json_scan._Scanner, "several", lambda _: []):
        return list(scan(chunks))


@given(st.lists(st.tuples(st.sampled_from(LIKE), st.sampled_from(BETWEEN)), max_size=12), st.booleans(), st.integers(1, 40))
@example([(LIKE[0], ","), (LIKE[1], ","), (LIKE[2], ","), (LIKE[0], "")], True, 7)
@example([(LIKE[13], ","), (LIKE[14], ","), (LIKE[13], "")], True, 40)
def test_several_are_as_one_by_one(parts: list[tuple[str, str]], within: bool, size: int) -> None:
    text = "".join(one + between for one, between in parts)
    data = (f"[{text}]" if within else text).encode("utf-8", "replace")
    chunks = [data[at : at + size] for at in range(0, len(data), size)]
    assert list(scan(chunks)) == _alone(chunks)


@pytest.mark.parametrize("head", ["[", '{"Records":[', '{"kind":"EventList","items":['])
def test_long_arrays_are_taken_several_at_once(head: str) -> None:
    made = [f'{{"kind":"Event","number":{number},"user":{{"kind":"x{number * 7919 % 97}"}}}}' for number in range(5000)]
    data = (head + ", ".join(made) + ("]}" if head != "[" else "]")).encode()
    with patch.object(json_scan._Scanner, "object", autospec=True, side_effect=json_scan._Scanner.object) as one:
        found = list(scan([data]))
    assert [each.raw.decode() for each in found] == made
    assert [data[each.offset : each.offset + len(each.raw)] for each in found] == [each.raw for each in found]
    assert one.call_count < 100
    assert found == _alone([data])
