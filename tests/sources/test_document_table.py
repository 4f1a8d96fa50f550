"""Times of a whole column are what they are one by one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatewatch.sources.document_table import Sheet, instants, moment
from gatewatch.sources.document_value import Unreadable

_TEXTS = st.one_of(
    st.datetimes(datetime(1985, 1, 1), datetime(2220, 1, 1)).map(lambda time: time.isoformat()),  # noqa: DTZ001 - the zone follows
    st.from_regex(r"20[0-9]{2}-[0-9]{2}-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{0,9})?", fullmatch=True),
)
_ZONES = st.sampled_from(["", "Z", "+00:00", "-00:00", "+0000", "+02:00", "Zoo", " "])
_VALUES = st.one_of(
    st.builds(lambda text, zone: text + zone, _TEXTS, _ZONES),
    st.integers(-(10**18), 10**18),
    st.none(),
    st.text(max_size=20),
    st.datetimes(timezones=st.just(UTC)),
    st.just(["2026-03-02T08:15:00Z"]),
)


@given(st.lists(_VALUES, max_size=8), st.booleans(), st.booleans())
@example(["2026-02-30T08:15:00Z", "2026-03-02T08:15:60Z", "2026-03-02T24:00:00Z", "2026-03-02T08:15:00.1234567Z"], True, False)
@example(["1989-12-31T23:59:59Z", "2200-01-01T00:00:00Z", "2026-03-02T08:15:00\n", "2026-03-02T08:15:00Z+00:00"], False, True)
def test_a_column_of_times_is_read_as_each_of_them(values: list[Any], zoned: bool, timeless: bool) -> None:
    columns, bad = instants(values, zoned=zoned, timeless=timeless)
    for place, (value, *found) in enumerate(zip(values, *(column.to_list() for column in columns), strict=True)):
        try:
            expected: Any = moment(value, zoned=zoned, timeless=timeless)
        except Unreadable:
            assert place in bad, value
        else:
            assert place not in bad, value
            assert tuple(found) == expected, value


@pytest.mark.parametrize("size", [1, 1024, 2500])
def test_rows_are_the_same_however_many_there_are(size: int) -> None:
    sheet = Sheet({"connection"}, None)
    for number in range(size):
        row = {"kind": "connection" if number % 2 else "exec", "user": number}
        sheet.add(row | ({"late": number} if number == size - 1 else {}) | {"extra": {"n": number}}, number)
    columns = sheet.columns()
    assert columns["user"] == list(range(size))
    assert columns["late"] == [None] * (size - 1) + [size - 1]
    assert columns["extra"] == [None if number % 2 else f'{{"n":{number}}}' for number in range(size)]
    assert sheet.owners == list(range(size))
