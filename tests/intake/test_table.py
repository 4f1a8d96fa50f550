"""Tables are known by their headers, and rows are read by the last header before them."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from gatewatch.intake import table
from gatewatch.intake.batch import Batch
from gatewatch.intake.line import LINE_CAP, TOO_LONG

ZEEK = b"#separator \\x09\n#path\tconn\n#fields\tts\tid.orig_h\n"
VPC = b"version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n"
FIREWALL = (
    b"#Version: 1.5\r\n#Software: Microsoft Windows Firewall\r\n#Time Format: Local\r\n#Fields: date time action protocol src-ip dst-ip\r\n\r\n"
)
IIS = b"#Software: Microsoft Internet Information Services 10.0\n#Fields: date time s-ip cs-method cs-uri-stem\n2026-01-05 12:00:00 10.0.0.5 GET /\n"


def rows(batches: list[Batch]) -> list[tuple[int, str, str]]:
    found = [row for batch in batches for row in batch.records.select("record", "program", "message").iter_rows()]
    return sorted(found)


@pytest.mark.parametrize(
    ("head", "score"),
    [
        (ZEEK, 1.0),
        (b"#fields\tts\tuid\n", 1.0),
        (b"### made by a test\n\n" + ZEEK, 1.0),
        (b"\xef\xbb\xbf" + ZEEK, 1.0),
        (VPC, 1.0),
        (b"\n" + VPC, 1.0),
        (b"pkt-srcaddr pkt-dstaddr start\n", 1.0),
        (FIREWALL, 1.0),
        (IIS, 0.0),
        (b"", 0.0),
        (b"# a comment\n", 0.0),
        (b"version srcaddr\n", 0.0),
        (b"the srcaddr and the dstaddr of a Flow\n", 0.0),
        (b"Jan  5 12:00:00 gate01 sshd[1]: x\n" + ZEEK, 0.0),
        (b'{"ts":1}\n', 0.0),
    ],
)
def test_recognition(head: bytes, score: float) -> None:
    assert table.sniff(head) == score


def test_rows_go_by_the_last_header() -> None:
    data = ZEEK + b"1767614400.5\t192.0.2.1\n#close\tx\n#separator \\x2c\n#path,ssh\n#fields,id.orig_h,ts\n192.0.2.2,1767614401\n" + VPC + b"a b\n"
    batches = list(table.read([data]))
    assert rows(batches) == [
        (1, "zeek-tsv", "1767614400.5\t192.0.2.1"),
        (2, "zeek-tsv", "192.0.2.2,1767614401"),
        (3, "aws-vpc-flow", "a b"),
    ]
    headers = {row[0]: msgspec.json.decode(row[1]) for batch in batches for row in batch.records.select("record", "fields").iter_rows()}
    assert [headers[number]["path"] for number in (1, 2, 3)] == ["conn", "ssh", ""]
    times = {row[0]: row[1] for batch in batches for row in batch.records.select("record", "time").iter_rows()}
    assert times == {1: datetime(2026, 1, 5, 12, 0, 0, 500_000, UTC), 2: datetime(2026, 1, 5, 12, 0, 1, tzinfo=UTC), 3: None}


def test_offsets_are_those_of_the_rows() -> None:
    data = ZEEK + b"1767614400.5\tone\n\n#comment\n1767614400.5\ttwo"
    found = [(row[0], data[row[0] :].split(b"\n")[0].decode()) for batch in table.read([data]) for row in batch.records.select("offset").iter_rows()]
    assert [text for _, text in found] == ["1767614400.5\tone", "1767614400.5\ttwo"]


def test_wall_clock_is_local_unless_the_header_says_so() -> None:
    row = b"2026-01-05 12:00:00 DROP TCP 203.0.113.9 10.0.0.5\r\n"
    data = FIREWALL + row + FIREWALL.replace(b"Local", b"UTC") + row
    found = sorted(row for batch in table.read([data]) for row in batch.records.select("record", "time", "local").iter_rows())
    assert found == [(1, None, datetime(2026, 1, 5, 12, 0, 0)), (2, datetime(2026, 1, 5, 12, 0, 0, tzinfo=UTC), None)]  # noqa: DTZ001 - a wall clock


def test_rows_before_any_header_and_long_ones_are_told() -> None:
    data = b"a row\n" + ZEEK + b"x" * (LINE_CAP + 1) + b"\n1767614400.5\t192.0.2.1\n#Fields: date time cs-method\nno row of ours\n"
    batches = list(table.read([data]))
    assert sum(batch.read for batch in batches) == 4
    assert [(one.record, one.reason) for batch in batches for one in batch.strange] == [(1, table.NO_HEADER), (4, table.NO_HEADER)]
    assert [(one.record, one.reason) for batch in batches for one in batch.rejects] == [(2, TOO_LONG)]
    assert rows(batches) == [(3, "zeek-tsv", "1767614400.5\t192.0.2.1")]


def test_many_headers_are_refused_and_equal_ones_are_one() -> None:
    same = (ZEEK + b"1767614400.5\tx\n") * 500
    batches = list(table.read([same]))
    assert len(batches) == 1
    assert batches[0].records.height == 500
    other = b"".join(b"#fields\tts\tf%d\n1767614400.5\tx\n" % number for number in range(300))
    batches = list(table.read([b"#separator \\x09\n" + other]))
    assert sum(batch.records.height for batch in batches) == 256
    strange = [one.reason for batch in batches for one in batch.strange]
    assert strange == [table.MANY] * 44


def test_a_flow_log_without_header_is_known_line_by_line() -> None:
    from gatewatch.engines.decode import decode_block
    from gatewatch.intake.line import Block
    from gatewatch.intake.syslog import Framer

    lines = (
        b"Jan  5 12:00:00 gate01 kernel: [UFW BLOCK] IN=eth0 OUT= SRC=203.0.113.9 DST=10.0.0.5 LEN=60 PROTO=TCP SPT=1 DPT=22 "
        b"WINDOW=1 RES=0x00 SYN URGP=0\n"
        b"2 123456789010 eni-1235b8ca123456789 203.0.113.9 10.0.0.5 51514 22 6 20 4249 1767614400 1767614460 ACCEPT OK\n"
        b"2026-01-05 12:00:00 DROP TCP 203.0.113.9 10.0.0.5 51514 3389 52 S 1 0 64240 - - - RECEIVE\n"
        b"Jan  5 12:00:00 gate01 kernel: Linux version 6.8.0 (x) #1\n"
    )
    decoded = decode_block(Block(lines, len(lines), 0), Framer(), None)
    assert {source for source, _, _ in decoded.tally} == {"netfilter", "aws-vpc-flow", "windows-firewall-log", "system"}
