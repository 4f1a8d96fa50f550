"""Headers of gateways: whose line it is, when, and what is left for the source."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.intake.framed import FRAMED
from gatewatch.intake.line import cut, read_lines
from gatewatch.intake.syslog import Framed, Framer

ASA = "Group <g> User <ann> IP <192.0.2.7> AnyConnect parent session started."
NS = "default SSLVPN LOGIN 123 0 : User ann - Client_ip 192.0.2.7 - Nat_ip"
FGT = 'date=2026-01-05 time=12:00:00 devname="fw01" devid="FGX" eventtime=1767610800250000000 tz="+0100" logid="0101039426" type="event"'
WALL = datetime.fromisoformat("2026-01-05T12:00:00")
YEARLESS = datetime.fromisoformat("2000-01-05T12:00:00")
NOON = datetime(2026, 1, 5, 12, 0, 0, tzinfo=UTC)


def frame(text: str) -> Framed:
    (block,) = cut([text.encode()])
    return Framer().frame(read_lines(block))


@pytest.mark.parametrize(
    ("header", "host", "local", "time"),
    [
        ("<166>Jan 05 2026 12:00:00 fw01 : ", "fw01", WALL, None),
        ("Jan 05 2026 12:00:00 fw01 : ", "fw01", WALL, None),
        ("Jan  5 2026 12:00:00 fw01 ", "fw01", WALL, None),
        ("<166>Jan 05 2026 12:00:00: ", None, WALL, None),
        ("<166>:Jan 05 12:00:00 EDT: ", None, YEARLESS, None),
        ("Jan 05 2026 07:00:00 EDT: ", None, None, datetime(2026, 1, 5, 11, 0, 0, tzinfo=UTC)),
        ("Jan 05 2026 12:00:00 UTC: ", None, None, NOON),
        ("Jan 05 2026 12:00:00 CST: ", None, WALL, None),  # Chicago or Shanghai
        ("Jan  5 12:00:00 fw01 : ", "fw01", YEARLESS, None),
        ("Jan  5 12:00:00 fw01: ", "fw01", YEARLESS, None),
        ("Jan  5 12:00:00 fw01 ", "fw01", YEARLESS, None),
        ("Jan  5 12:00:00.123456: ", None, datetime.fromisoformat("2000-01-05T12:00:00.123456"), None),
        ("Jan  5 12:00:00: ", None, YEARLESS, None),
        ("<188>Jan  5 12:00:00: ", None, YEARLESS, None),
        ("Jan  5 12:00:00 fw01 : Jan  5 11:00:00 EDT: ", "fw01", YEARLESS.replace(hour=11), None),
        ("Jan  5 12:59:59 10.0.0.1 Jan 05 2026 12:00:00: ", "10.0.0.1", WALL, None),
        ("Jan  5 12:59:59 10.0.0.1 Jan 05 2026 12:00:00 fw01 : ", "fw01", WALL, None),
        ("<166>2026-01-05T12:00:00Z fw01 : ", "fw01", None, NOON),
        ("<166>2026-01-05T12:00:00Z: ", None, None, NOON),
        ("2026-01-05T13:00:00+01:00 10.0.0.1 : ", "10.0.0.1", None, NOON),
        ("2026-01-05T13:00:00.000+01:00 10.0.0.1 Jan 05 2026 12:30:00: ", "10.0.0.1", None, NOON),
        ("<166>:: ", None, None, None),
        ("<166>", None, None, None),
    ],
)
def test_cisco_headers(header: str, host: str | None, local: datetime | None, time: datetime | None) -> None:
    framed = frame(f"{header}%ASA-6-113039: {ASA}\n")
    assert framed.left.height == 0
    row = framed.records.row(0, named=True)
    assert (row["host"], row["program"], row["message"]) == (host, "%ASA-6-113039", ASA)
    assert (row["local"], row["time"]) == (local, time)


def test_a_cisco_class_word_stays_in_the_program() -> None:
    row = frame(f"Jan  5 12:00:00 fw01 : %ASA-auth-4-113004: {ASA}\n").records.row(0, named=True)
    assert row["program"] == "%ASA-auth-4-113004"


def test_a_name_in_a_message_is_no_cisco_header() -> None:
    """What a client typed stands within the message of another program and stays there."""
    text = "Invalid user %ASA-6-113039: x from 192.0.2.7 port 22"
    rows = frame(f"Jan  5 12:00:00 gate01 sshd[42]: {text}\n2026-01-05T12:00:00Z gate01 sshd[42]: {text}\n").records
    assert rows["program"].to_list() == ["sshd", "sshd"]
    assert rows["message"].to_list() == [text, text]


@pytest.mark.parametrize(
    ("header", "host", "local", "time"),
    [
        ("<134> 01/05/2026:12:00:00 GMT ns01 0-PPE-0 : ", "ns01", None, NOON),
        ("<134> 01/05/2026:12:00:00  ns01 0-PPE-0 : ", "ns01", WALL, None),
        ("<134> 01/05/2026:12:00:00 ns01 0-PPE-0 : ", "ns01", WALL, None),
        ("<135> 01/05/2026:12:00:00 GMT  0-PPE-12 : ", None, None, NOON),
        ("Jan  5 12:00:00 <local0.info> 10.0.0.5 01/05/2026:12:00:00 GMT ns01 0-PPE-0 : ", "ns01", None, NOON),
        ("Jan  5 12:00:00 10.0.0.5 01/05/2026:12:00:00 GMT  0-PPE-0 : ", "10.0.0.5", None, NOON),
        ("<135> ", None, None, None),
        ("<134> 25/12/2026:12:00:00 GMT ns01 0-PPE-0 : ", "ns01", None, datetime(2026, 12, 25, 12, 0, 0, tzinfo=UTC)),
    ],
)
def test_netscaler_headers(header: str, host: str | None, local: datetime | None, time: datetime | None) -> None:
    framed = frame(f"{header}{NS}\n")
    assert framed.left.height == 0
    row = framed.records.row(0, named=True)
    assert (row["host"], row["program"], row["message"]) == (host, "netscaler", NS)
    assert (row["local"], row["time"]) == (local, time)


def dates(*stamps: str) -> list[str]:
    framed = frame("".join(f"<134> {stamp}:12:00:00 GMT ns01 0-PPE-0 : {NS}\n" for stamp in stamps))
    return [str(value.date()) for value in framed.records["time"]]


def test_one_certain_date_tells_the_order_of_all() -> None:
    assert dates("05/01/2026", "13/01/2026") == ["2026-01-05", "2026-01-13"]
    assert dates("01/05/2026", "01/13/2026") == ["2026-01-05", "2026-01-13"]


def test_where_both_orders_fit_the_lines_lie_close_together() -> None:
    assert dates("01/05/2026", "02/05/2026", "03/05/2026") == ["2026-05-01", "2026-05-02", "2026-05-03"]
    assert dates("05/01/2026", "05/02/2026", "05/03/2026") == ["2026-05-01", "2026-05-02", "2026-05-03"]
    assert dates("01/02/2026") == ["2026-01-02"]


def test_an_impossible_netscaler_date_is_no_header() -> None:
    framed = frame(f"<134> 13/13/2026:12:00:00 GMT ns01 0-PPE-0 : {NS}\n")
    assert framed.records.filter(pl.col("program") == "netscaler").height == 0


@pytest.mark.parametrize(
    "header", ["", "<189>", "1: ", "Jan  5 12:00:01 10.0.0.1 ", "<189>2026-01-05T12:00:01Z 10.0.0.1 ", 'logver=700120523 vd="root" ']
)
def test_fortigate_headers(header: str) -> None:
    framed = frame(f"{header}{FGT}\n")
    assert framed.left.height == 0
    row = framed.records.row(0, named=True)
    assert (row["host"], row["program"], row["resolution"]) == ("fw01", "fortigate", 1)
    assert row["message"].endswith(FGT)
    assert row["time"] == datetime(2026, 1, 5, 11, 0, 0, 250000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "time", "local"),
    [
        ("eventtime=1767610800", datetime(2026, 1, 5, 11, 0, 0, tzinfo=UTC), None),
        ("eventtime=1767610800250", datetime(2026, 1, 5, 11, 0, 0, 250000, tzinfo=UTC), None),
        ("eventtime=1767610800250001", datetime(2026, 1, 5, 11, 0, 0, 250001, tzinfo=UTC), None),
        ('eventtime=176761 tz="+0100"', datetime(2026, 1, 5, 11, 0, 0, tzinfo=UTC), None),
        ('eventtime=1587230269052907555 tz="-0500"', datetime(2026, 1, 5, 17, 0, 0, tzinfo=UTC), None),
        ('tz="+0530"', datetime(2026, 1, 5, 6, 30, 0, tzinfo=UTC), None),
        ("level=notice", None, WALL),
    ],
)
def test_fortigate_instants(fields: str, time: datetime | None, local: datetime | None) -> None:
    row = frame(f"date=2026-01-05 time=12:00:00 {fields} logid=1 type=event\n").records.row(0, named=True)
    assert (row["time"], row["local"]) == (time, local)


@pytest.mark.parametrize(
    ("line", "program", "message"),
    [
        ("2026-01-05 12:00:00 192.0.2.7:50000 TLS: Initial packet from x", "openvpn", "192.0.2.7:50000 TLS: Initial packet from x"),
        ("2026-01-05 12:00:00 ann/192.0.2.7:50000 SIGTERM[soft] x", "openvpn", "ann/192.0.2.7:50000 SIGTERM[soft] x"),
        ("2026-01-05 12:00:00 us=12345 2001:db8::7:50000 [ann] Peer x", "openvpn", "2001:db8::7:50000 [ann] Peer x"),
        ("2026-01-05 12:00:00 MULTI: multi_create_instance called", "openvpn", "MULTI: multi_create_instance called"),
        ("Mon Jan  5 12:00:00 2026 192.0.2.7:50000 [ann] Peer x", "openvpn", "192.0.2.7:50000 [ann] Peer x"),
        ("Mon Jan  5 12:00:00 2026 OpenVPN 2.4.7 x86_64", "openvpn", "OpenVPN 2.4.7 x86_64"),
        ("2026-01-05T12:00:00 06[IKE] <rw|1> x", "charon", "06[IKE] <rw|1> x"),
        ("Jan 05 2026 12:00:00 06[IKE] <rw|1> x", "charon", "06[IKE] <rw|1> x"),
    ],
)
def test_logs_without_host(line: str, program: str, message: str) -> None:
    row = frame(line + "\n").records.row(0, named=True)
    assert (row["host"], row["program"], row["message"], row["local"]) == (None, program, message, WALL)


PANOS = "1,2026/01/05 12:00:03,0123,GLOBALPROTECT,0,2561,2026/01/05 12:00:00,vsys1,gateway-auth,login"


@pytest.mark.parametrize(
    ("header", "rest", "host", "time", "local"),
    [
        ("", "", None, None, WALL),
        ("Nov 30 16:09:08 ", "", None, None, WALL),
        ("Nov 30 16:09:08 fw01 ", "", "fw01", None, WALL),
        ("<14>2026-01-05T12:00:04Z fw01 ", "", "fw01", NOON, None),
        ("<14>2026-01-05T12:00:04+03:00 fw01 ", "", "fw01", NOON.replace(hour=9), None),
        ("<14>2026-01-05T09:00:04Z relay ", "", "relay", None, WALL),
        ("", ",2026-01-05T13:00:00.250+01:00,", None, datetime(2026, 1, 5, 12, 0, 0, 250000, tzinfo=UTC), None),
        ("", ",1970-01-01T01:00:00.000+01:00,", None, None, WALL),
    ],
)
def test_panos_rows(header: str, rest: str, host: str | None, time: datetime | None, local: datetime | None) -> None:
    framed = frame(f"{header}{PANOS}{rest}\n")
    assert framed.left.height == 0
    row = framed.records.row(0, named=True)
    assert (row["host"], row["program"], row["message"], row["time"], row["local"]) == (host, "panos", PANOS + rest, time, local)


def test_a_charon_line_without_year() -> None:
    row = frame("Jan  5 12:00:00 06[IKE] <rw|1> x\n").records.row(0, named=True)
    assert (row["host"], row["program"], row["message"], row["local"]) == (None, "charon", "06[IKE] <rw|1> x", YEARLESS)


def test_a_header_within_a_header() -> None:
    row = frame("Jan  5 12:00:01 relay 1 2026-01-05T13:00:00+01:00 vpn01 PulseSecure: - - - text\n").records.row(0, named=True)
    assert (row["host"], row["program"], row["message"], row["time"]) == ("vpn01", "PulseSecure", "text", NOON)


@given(
    st.lists(
        st.sampled_from(
            [
                f"<166>Jan 05 2026 12:00:00 fw01 : %ASA-6-1: {ASA}",
                FGT,
                f"{FGT[:40]}",
                f"<134> 01/05/2026:12:00:00 ns01 0-PPE-0 : {NS}",
                "<134> 99/99/2026:12:00:00 ns01 0-PPE-0 : x",
                "date=2026-99-01 time=12:00:00 x",
                "%ASA-6-113039: x",
                "junk %ASA-6-113039: x",
                "2026-01-05T12:00:00Z b sshd[2]: y",
                "Jan  5 12:00:00 a sshd[1]: x",
            ]
        ),
        min_size=1,
        max_size=8,
    )
)
def test_every_line_is_framed_or_left(lines: list[str]) -> None:
    framed = frame("".join(line + "\n" for line in lines))
    assert dict(framed.records.schema) == FRAMED
    numbers = framed.records["record"].to_list() + framed.left["record"].to_list()
    assert sorted(numbers) == list(range(1, len(lines) + 1))
    assert framed.left["record"].is_sorted()
