"""Headers are read without reading on to the end of the line, and stamps once for each run: the same as when all of it is read."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewatch.intake import (
    appliance,
    cef,
    container_text,
    guacamole,
    header,
    macos_text,
    netscaler,
    nps,
    openvpn_status,
    pf_text,
    tor,
    vnc,
    windows_text,
    xrdp,
)


def _framings(module: ModuleType) -> list[header.TextFraming]:
    """Return the framings that a module holds, alone or in tuples."""
    found = []
    for value in vars(module).values():
        found += [one for one in (value if isinstance(value, tuple) else (value,)) if isinstance(one, header.TextFraming)]
    return found


SAMPLES = Path(__file__).parents[1] / "samples"
FRAMINGS = (
    *header.FRAMINGS,
    *appliance._CISCO_FRAMINGS,
    *appliance._OPENVPN_FRAMINGS,
    *appliance._RADIUS_FRAMINGS,
    *appliance._CHARON_FRAMINGS,
    *appliance._DOUBLE_FRAMINGS,
    *cef.FRAMINGS,
    *container_text._STAMPED,
    *macos_text._FRAMINGS,
    *macos_text._SECURITY,
    *nps.FRAMINGS,
    *openvpn_status.FRAMINGS,
    *(value for module in (pf_text, guacamole, tor, vnc, windows_text, xrdp) for value in _framings(module)),
)
REGEXES = (*(framing.regex for framing in FRAMINGS), netscaler._HEADER)
LINES = sorted(
    {
        line
        for path in SAMPLES.glob("*/*.log")
        for line in path.read_text(encoding="utf-8").split("\n")
        if line and not line.startswith("# ")
    }
)


def _slow(regex: str, lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """Read the whole line by the regex as it stands."""
    groups = lines.select(pl.col("line").str.extract_groups(regex + "(?P<zz>)").alias("g")).unnest("g")
    hits = groups["zz"].is_not_null()
    return groups.filter(hits).drop("zz"), hits


def _same(lines: list[str]) -> int:
    """Assert that both ways agree on *lines* for every regex; return how many fitted."""
    table = pl.DataFrame({"line": lines}, schema={"line": pl.String})
    found = 0
    for regex in REGEXES:
        quick, hits = header.groups_of(regex, table)
        slow, expected = _slow(regex, table)
        assert hits.to_list() == expected.to_list(), regex
        if "message" in slow.columns:
            slow = slow.with_columns(pl.col("message").fill_null(""))
        assert quick.select(sorted(quick.columns)).equals(slow.select(sorted(slow.columns))), regex
        found += slow.height
    return found


def test_samples() -> None:
    assert _same(LINES) > len(LINES)


def test_most_headers_stop_early() -> None:
    assert sum(header._head(regex) is not None for regex in REGEXES) > len(REGEXES) * 3 // 4


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_spoiled(data: st.DataObject) -> None:
    """Lines cut short, with a character put in or taken out, or with a second header within."""
    line, other = data.draw(st.sampled_from(LINES)), data.draw(st.sampled_from(LINES))
    at = data.draw(st.integers(0, min(len(line), 120)))
    extra = data.draw(st.sampled_from([" ", ": ", "-", "[7]", "é", "\ufeff", "<13>", "%", "Jan  5 12:00:00 ", " \t", '"', "=", "|"]))
    _same([line[:at], line[:at] + extra + line[at:], line[:at] + line[at + 1 :], line[:at] + other, extra + line])


STAMPS = ["Jan  5 12:00:00", "Jan  5 12:00:01", "Feb 30 00:00:00", "Jan  5 12:00:00.250", "Jan 15 1:2:3"]


@given(st.lists(st.sampled_from(STAMPS), max_size=12))
def test_runs(stamps: list[str]) -> None:
    table = pl.DataFrame({"stamp": stamps}, schema={"stamp": pl.String})
    quick, slow = header.read_stamps("bsd", table), header._read_stamp("bsd", table)
    assert [one.to_list() for one in quick] == [one.to_list() for one in slow]
