"""Every syslog-like framing, one line each, and what jumps of the clock mean."""

from __future__ import annotations

from datetime import datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.intake.framed import FRAMED
from gatewatch.intake.line import cut, read_lines
from gatewatch.intake.syslog import Framed, Framer

SSH = "Failed password for root from 192.0.2.7 port 22 ssh2"


def frame(text: str | bytes, framer: Framer | None = None) -> Framed:
    data = text.encode() if isinstance(text, str) else text
    (block,) = list(cut([data])) or [None]
    return (framer or Framer()).frame(read_lines(block))


BSD = datetime(2000, 3, 1, 4, 5, 6)


@pytest.mark.parametrize(
    ("line", "host", "program", "pid", "stamp"),
    [
        (f"Mar  1 04:05:06 gate01 sshd[42]: {SSH}", "gate01", "sshd", "42", BSD),
        (f"Mar 01 04:05:06 gate01 sshd[42]: {SSH}", "gate01", "sshd", "42", BSD),
        (f"<38>Mar  1 04:05:06 gate01 sshd[42]: {SSH}", "gate01", "sshd", "42", BSD),
        (f"<4>Mar  1 04:05:06 gate01 sshd[42]: {SSH}", "gate01", "sshd", "42", BSD),
        (f"<138>Mar  1 04:05:06 gate01 sshd[42]: {SSH}", "gate01", "sshd", "42", BSD),
        (f"Mar  1 04:05:06 192.0.2.9 sshd[42]: {SSH}", "192.0.2.9", "sshd", "42", BSD),
        (f"Mar  1 04:05:06 2001:db8::9 sshd[42]: {SSH}", "2001:db8::9", "sshd", "42", BSD),
        (f"Mar  1 04:05:06 gate01 sshd(pam_unix)[42]: {SSH}", "gate01", "sshd(pam_unix)", "42", BSD),
        (f"Mar  1 04:05:06 gate01 sshd: {SSH}", "gate01", "sshd", None, BSD),
        (f"Mar  1 04:05:06 sshd[42]: {SSH}", None, "sshd", "42", BSD),
        (f"Mar  1 04:05:06 gate01 auth.info sshd[42]: {SSH}", "gate01", "sshd", "42", BSD),
        (f"Mar  1 04:05:06 gate01 <auth.info> sshd[42]: {SSH}", "gate01", "sshd", "42", BSD),
        (f"Mar  1 04:05:06.123456 gate01 sshd[42]: {SSH}", "gate01", "sshd", "42", datetime(2000, 3, 1, 4, 5, 6, 123456)),
        (f"Mar  1 04:05:06 2024 gate01 sshd[42]: {SSH}", "gate01", "sshd", "42", datetime(2024, 3, 1, 4, 5, 6)),
        (f"Fri Mar  1 04:05:06 2024 auth.info sshd[42]: {SSH}", None, "sshd", "42", datetime(2024, 3, 1, 4, 5, 6)),
        (f"Mar  1 2024 04:05:06 gate01 sshd[42]: {SSH}", "gate01", "sshd", "42", datetime(2024, 3, 1, 4, 5, 6)),
        (f"2024-03-01 04:05:06 gate01 sshd[42]: {SSH}", "gate01", "sshd", "42", datetime(2024, 3, 1, 4, 5, 6)),
        (f"2024-03-01 04:05:06,250 gate01 sshd[42]: {SSH}", "gate01", "sshd", "42", datetime(2024, 3, 1, 4, 5, 6, 250000)),
        (f"86 <38>Mar  1 04:05:06 gate01 sshd[42]: {SSH}", "gate01", "sshd", "42", BSD),
        (f"<38> Mar  1 04:05:06 gate01 sshd[42]: {SSH}", "gate01", "sshd", "42", BSD),
        (f"    Mar  1 04:05:06 gate01 sshd[42]: {SSH}", "gate01", "sshd", "42", BSD),
        (f"Mär 01 04:05:06 gate01 sshd[42]: {SSH}", "gate01", "sshd", "42", BSD),
        (f"mars  1 04:05:06 gate01 sshd[42]: {SSH}", "gate01", "sshd", "42", BSD),
        (f"Mar  1 04:05:06\tsshd\t42\t{SSH}", None, "sshd", "42", BSD),
        (f"4242 2024-03-01 04:05:06.250 {SSH}", None, "sshd", "4242", datetime(2024, 3, 1, 4, 5, 6, 250000)),
    ],
)
def test_wall_clock_framings(line: str, host: str | None, program: str, pid: str | None, stamp: datetime) -> None:
    framed = frame(line + "\n")
    assert framed.left.height == 0
    row = framed.records.row(0, named=True)
    assert (row["host"], row["program"], row["pid"], row["local"], row["message"]) == (host, program, pid, stamp, SSH)
    assert row["time"] is None


# one instant in five encodings (a peer dropped the offset)
@pytest.mark.parametrize(
    "line",
    [
        f"2024-03-01T13:05:06+09:00 gate01 sshd[42]: {SSH}",
        f"2024-03-01T04:05:06Z gate01 sshd[42]: {SSH}",
        f"2024-02-29T23:05:06.000-0500 gate01 sshd[42]: {SSH}",
        f"<38>1 2024-03-01T09:35:06.000000+05:30 gate01 sshd 42 - - {SSH}",
        f"1709265906.000000 gate01 sshd[42]: {SSH}",
        f"2024-03-01 04:05:06.000000+0000 gate01 sshd[42]: {SSH}",
        f'<38>1 2024-03-01T04:05:06Z gate01 sshd 42 ID7 [meta x="a]\\"b"][more] \ufeff{SSH}',
    ],
)
def test_the_same_instant_in_every_encoding(line: str) -> None:
    row = frame(line).records.row(0, named=True)
    assert row["time"].isoformat() == "2024-03-01T04:05:06+00:00"
    assert (row["host"], row["program"], row["pid"], row["message"]) == ("gate01", "sshd", "42", SSH)


@pytest.mark.parametrize("head", ["sshd[42]: ", "<38>sshd[42]: "])
def test_a_line_without_any_time_is_a_record_where_its_program_matters(head: str) -> None:
    row = frame(head + SSH).records.row(0, named=True)
    assert (row["time"], row["local"], row["program"], row["pid"], row["message"]) == (None, None, "sshd", "42", SSH)
    assert frame(f"anything[42]: {SSH}").left.height == 1


def test_openwrt_writes_the_instant_beside_its_wall_clock() -> None:
    row = frame(f"Fri Mar  1 05:05:06 2024 [1709265906.250] authpriv.info sshd[42]: {SSH}").records.row(0, named=True)
    assert (row["time"].isoformat(), row["program"], row["message"]) == ("2024-03-01T04:05:06.250000+00:00", "sshd", SSH)


def test_a_relays_header_leaves_the_line_within_whole() -> None:
    row = frame(f"Mar  1 04:05:06 relay01 2024-03-01T04:05:05Z gate01 sshd[42]: {SSH}").records.row(0, named=True)
    assert (row["host"], row["program"], row["message"]) == ("relay01", None, f"2024-03-01T04:05:05Z gate01 sshd[42]: {SSH}")


@pytest.mark.parametrize(("stamp", "time"), [("2024-03-01\t04:05:06", datetime(2024, 3, 1, 4, 5, 6)), ("03-01-2024\t04:05:06", None)])
def test_kiwi_files_hold_lines_and_a_day_and_a_month_that_may_be_either_are_no_time(stamp: str, time: datetime | None) -> None:
    row = frame(f"{stamp}\tLocal0.Info\tgate01\tsshd[42]: {SSH}").records.row(0, named=True)
    assert (row["host"], row["local"], row["message"]) == ("gate01", time, f"sshd[42]: {SSH}")


def test_framings_may_mix_in_one_file() -> None:
    text = (
        "Mar  1 04:05:06 a sshd[1]: x\n2024-03-01T04:05:07Z b sshd[2]: y\n<38>1 2024-03-01T04:05:08Z c sshd 3 - - z\n"
        "no header\n\nMar  1 04:05:09 d sshd[4]: w\r\n"
    )
    framed = frame(text)
    assert framed.records.select("record", "host", "message").rows() == [(1, "a", "x"), (2, "b", "y"), (3, "c", "z"), (6, "d", "w")]
    assert (framed.left["line"].to_list(), framed.blank) == (["no header"], 1)


def test_impossible_dates_are_no_header() -> None:
    framed = frame("Mar 32 04:05:06 a sshd[1]: x\nFoo  1 04:05:06 a sshd[1]: x\nMar  1 25:05:06 a sshd[1]: x\nFeb 29 04:05:06 a sshd[1]: x\n")
    assert framed.records.height == 1
    assert framed.left.height == 3


def test_message_repeated_is_a_weight() -> None:
    framed = frame(f"Mar  1 04:05:06 a sshd[1]: message repeated 5 times: [ {SSH}]\n")
    assert framed.records.select("message", "count").rows() == [(SSH, 5)]


def test_last_message_repeated_repeats_the_record_before_it_on_that_host() -> None:
    framed = frame(f"Mar  1 04:05:06 a sshd[1]: {SSH}\nMar  1 04:05:06 b cron[9]: other\nMar  1 04:05:08 a last message repeated 3 times\n")
    row = framed.records.row(2, named=True)
    assert (row["program"], row["pid"], row["message"], row["count"]) == ("sshd", "1", SSH, 3)


def test_new_year_is_counted_and_a_straggler_of_new_years_eve_goes_back() -> None:
    lines = ["Dec 31 23:59:58", "Jan  1 00:00:01", "Dec 31 23:59:59", "Jan  1 00:00:02", "Jun  1 00:00:00"]
    framed = frame("".join(f"{stamp} a sshd[1]: x\n" for stamp in lines))
    assert framed.records["rel"].to_list() == [0, 1, 0, 1, 1]
    assert framed.stamps.years == 1
    assert framed.stamps.jumps == []


def test_other_backward_jumps_are_faults_per_host() -> None:
    framed = frame("Mar  1 04:00:00 a sshd[1]: x\nMar  1 02:30:00 a sshd[1]: x\nMar  1 02:00:00 a sshd[1]: x\n")
    assert [jump[0] for jump in framed.stamps.jumps] == [2]
    # two hosts in one central file, one of them an hour and a half behind: no clock jumped
    framed = frame("".join(f"Mar  1 0{4 + i}:00:00 a sshd[1]: x\nMar  1 0{2 + i}:30:00 b sshd[1]: x\n" for i in range(3)))
    assert framed.stamps.jumps == []


@given(st.lists(st.binary(max_size=60).map(lambda data: data.replace(b"\n", b" ")), max_size=8))
def test_every_line_is_framed_left_or_blank(lines: list[bytes]) -> None:
    data = b"Mar  1 04:05:06 a sshd[1]: x\n" + b"".join(line + b"\n" for line in lines)
    framed = frame(data)
    assert framed.records.height + framed.left.height + framed.blank == len(lines) + 1
    assert dict(framed.records.schema) == FRAMED
    assert framed.records["record"].is_sorted()


@given(st.lists(st.sampled_from(["Mar  1 04:05:06 a sshd[1]: x", "2024-03-01T04:05:07Z b sshd[2]: y", "junk"]), min_size=1, max_size=6))
def test_what_came_before_changes_no_framing(lines: list[str]) -> None:
    framer = Framer()
    frame("2024-03-01T04:05:07Z b sshd[2]: y\n", framer)
    text = "".join(line + "\n" for line in lines)
    assert frame(text, framer).records.equals(frame(text).records)


def test_types_hold_for_an_empty_result() -> None:
    framed = frame("nothing here\n")
    assert framed.records.equals(pl.DataFrame(schema=FRAMED))


@given(
    st.lists(
        st.sampled_from(
            [
                "Mar  1 04:05:06 gate01 sshd[1234]: x",
                "Mar  1 04:05:06 gate01 sshd[12345678901]: x",
                "Mar  1 04:05:06 gate01 sshd[12a4]: x",
                "Mar  1 04:05:06 gate01 sshd[]: x",
                "Mar  1 04:05:06 gate01 sshd[123]:x",
                "Mar  1 04:05:06 gate02 sshd[123]: x",
                "Mar  1 04:05:06 gate01 sshd[123]:   padded  ",
                "<38>Mar  1 04:05:06 gate01 sshd[99]: x",
                "Mar  1 04:05:06 gate01 kernel: x",
            ]
        ),
        min_size=1,
        max_size=12,
    )
)
def test_headers_learnt_change_no_framing(lines: list[str]) -> None:
    """Comparing bytes with headers seen before gives what the regexes give."""
    framer = Framer()
    frame("Mar  1 04:05:06 gate01 sshd[1234]: x\nMar  1 04:05:06 gate01 kernel: x\n" * 10, framer)
    text = "".join(line + "\n" for line in lines)
    assert frame(text, framer).records.equals(frame(text).records)
