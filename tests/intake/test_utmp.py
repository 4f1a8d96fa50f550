"""Login records: layouts found by content, damage survived, nothing lost from the count."""

from __future__ import annotations

import json
import struct
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewatch.intake.batch import Batch
from gatewatch.intake.utmp import LAYOUTS, Layout, base_name, bears_secret, find_layout, read, sniff
from gatewatch.schema.records import RECORD_DTYPES

PUBLIC = (Path(__file__).parents[2] / "../shared/data/plaso").resolve()
START = 1_767_614_400  # 2026-01-05T12:00:00Z


def build(
    layout: Layout,
    kind: str,
    *,
    sec: int = START,
    pid: int = 4711,
    line: str = "pts/0",
    user: str = "ann",
    host: str = "",
    addr: bytes = b"",
) -> bytes:
    """Return one record of *layout*."""
    values: dict[str, object] = {
        "type": layout.types.index(kind), "pid": pid, "line": line.encode(), "id": b"ts/0", "user": user.encode(), "host": host.encode(),
        "termination": 0, "exit": 0, "session": 0, "sec": sec, "usec": 250_000, "addr": addr, "rest": b"",
    }  # fmt: skip
    return layout.record.pack(*(values[key] for key in layout.order))


def login(layout: Layout, **values: object) -> bytes:
    """Return a login from 192.0.2.7."""
    return build(layout, "USER_PROCESS", **{"host": "192.0.2.7", "addr": bytes([192, 0, 2, 7]), **values})  # type: ignore[arg-type]


def whole(data: bytes, name: str = "wtmp", size: int = 1 << 20) -> tuple[list[dict[str, object]], list[tuple[int, int, str]]]:
    """Read *data* in chunks of *size*; return rows and rejects, having checked that they add up."""
    batches: list[Batch] = list(read((data[i : i + size] for i in range(0, len(data), size)), name))
    rows = [row for batch in batches for row in batch.records.to_dicts()]
    rejects = [(reject.record, reject.offset, reject.reason) for batch in batches for reject in batch.rejects]
    assert sum(batch.read for batch in batches) == len(rows) + len(rejects)
    for batch in batches:
        assert batch.records.schema == RECORD_DTYPES
    numbers = sorted([int(str(row["record"])) for row in rows] + [number for number, _, _ in rejects])
    assert numbers == list(range(1, len(numbers) + 1))
    return rows, rejects


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_layout_is_found_by_content(layout: Layout) -> None:
    data = b"".join(login(layout, sec=START + i, user=f"u{i}") for i in range(6)) + build(layout, "DEAD_PROCESS", user="", host="")
    found = find_layout(data)
    assert found is not None
    assert found[0].name == layout.name
    rows, rejects = whole(data)
    assert (len(rows), rejects) == (7, [])
    first = rows[0]
    assert first["time"] == datetime(2026, 1, 5, 12, 0, 0, 250_000, UTC)
    assert first["pid"] == "4711"
    assert str(first["message"]).startswith("USER_PROCESS user=u0 line=pts/0 id=ts/0 host=192.0.2.7")
    fields = json.loads(str(first["fields"]))
    assert (fields["type"], fields["user"], fields["layout"]) == ("USER_PROCESS", "u0", layout.name)
    assert fields.get("addr") == (None if layout.name == "macos" else "192.0.2.7")


def test_macos_needs_only_its_signature() -> None:
    layout = LAYOUTS[-1]
    head = layout.record.pack(b"utmpx-1.00", b"", b"", 0, 10, 0, 0, b"", b"")
    assert sniff(head, "utmpx") == 1.0
    rows, rejects = whole(head + build(layout, "BOOT_TIME", user="", line="", pid=1), "utmpx")
    assert [str(row["message"]).split(" ")[0] for row in rows] == ["SIGNATURE", "BOOT_TIME"]
    assert {row["program"] for row in rows} == {"utmp"}
    assert rejects == []


@pytest.mark.parametrize("size", [1, 7, 384, 1000, 1 << 20])
def test_chunks_do_not_matter(size: int) -> None:
    data = b"".join(login(LAYOUTS[0], sec=START + i) for i in range(20))
    assert whole(data, size=size) == whole(data)


def test_ipv6_address() -> None:
    rows, _ = whole(login(LAYOUTS[0], addr=bytes.fromhex("20010db8000000000000000000000007"), host="2001:db8::7"))
    assert json.loads(str(rows[0]["fields"]))["addr"] == "2001:db8::7"


@pytest.mark.parametrize(
    ("name", "program"),
    [
        ("wtmp.1", "wtmp"),
        ("dir/case.zip!var/log/btmp-20260101", "btmp"),
        ("utmp", "utmp"),
        ("var\\run\\utmpx", "utmp"),
        ("blob.bin", "wtmp"),
    ],
)
def test_program_is_the_files_name(name: str, program: str) -> None:
    rows, _ = whole(login(LAYOUTS[0]), name)
    assert rows[0]["program"] == program


def test_a_file_of_failed_logins_is_btmp_whatever_its_name() -> None:
    data = b"".join(build(LAYOUTS[0], "LOGIN_PROCESS", line="ssh:notty", host="198.51.100.4", user="root") for _ in range(3))
    assert {row["program"] for row in whole(data, "blob.bin")[0]} == {"btmp"}


@pytest.mark.parametrize(
    ("user", "secret"),
    [("ann", False), ("svc-backup", False), ("ann.lee@corp.example", False), ("CORP\\ann", False), ("gate01$", False), ("", False),
     ("my secret!", True), ("Summer2025#", True), ("x" * 33, True), ("pässword", True)],
)  # fmt: skip
def test_names_that_no_account_bears(user: str, secret: bool) -> None:
    assert bears_secret(user) is secret


def test_a_password_typed_as_name_does_not_leave_the_reader() -> None:
    data = b"".join(build(LAYOUTS[0], "LOGIN_PROCESS", line="ssh:notty", host="198.51.100.4", user=user) for user in ("my secret!", "ann"))
    rows, _ = whole(data, "btmp")
    assert "secret" not in json.dumps([str(value) for row in rows for value in row.values()])
    assert [json.loads(str(row["fields"]))["user"] for row in rows] == ["<redacted>", "ann"]
    broken, rejects = whole(b"\xff" * 384 + data, "btmp")
    assert (len(broken), len(rejects)) == (2, 1)


def test_control_characters_are_replaced() -> None:
    rows, _ = whole(login(LAYOUTS[0], host="a\x1b[2Jb") + login(LAYOUTS[0]))
    assert json.loads(str(rows[0]["fields"]))["host"] == "a?[2Jb"


def test_a_damaged_record_costs_itself() -> None:
    good = login(LAYOUTS[0])
    bad_type = struct.pack("<h", 99) + good[2:]
    bad_time = good[:340] + struct.pack("<I", 5) + good[344:]
    rows, rejects = whole(good + bad_type + good + bad_time + good)
    assert len(rows) == 3
    assert rejects == [(2, 384, "unknown record type"), (4, 3 * 384, "time out of range")]


@pytest.mark.parametrize("lost", [1, 100, 383])
def test_lost_bytes_cost_the_record_they_belong_to(lost: int) -> None:
    records = [login(LAYOUTS[0], sec=START + i, user=f"user{i}") for i in range(8)]
    records[3] = records[3][: 384 - lost]
    rows, rejects = whole(b"".join(records))
    users = [json.loads(str(row["fields"])).get("user") for row in rows]
    assert set(users) >= {"user0", "user1", "user2", "user5", "user6", "user7"}
    assert "user4" in users or lost == 1
    assert 1 <= len(rejects) <= 2


def test_a_cut_end_is_a_reject() -> None:
    rows, rejects = whole(login(LAYOUTS[0]) * 2 + b"\0" * 50)
    assert len(rows) == 2
    assert rejects == [(3, 768, "record cut short: 50 of 384 bytes")]


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 4000, b"Jan  5 12:00:00 gate01 sshd[1]: x\n" * 100, bytes(range(256)) * 20, b"\x7fELF" + b"\1" * 4000]
)
def test_other_files_are_none_of_ours(data: bytes) -> None:
    assert sniff(data, "wtmp") == 0.0


@settings(deadline=None)
@given(st.binary(max_size=3000), st.sampled_from(["wtmp", "btmp", "x"]), st.integers(1, 700))
def test_no_bytes_raise(data: bytes, name: str, size: int) -> None:
    assert 0.0 <= sniff(data, name) <= 1.0
    whole(data, name, size)


@settings(deadline=None)
@given(st.binary(max_size=800), st.integers(0, 6), st.integers(1, 900))
def test_no_damage_raises_or_touches_what_stands_before(noise: bytes, sound: int, size: int) -> None:
    data = b"".join(login(LAYOUTS[0], sec=START + i) for i in range(sound))
    rows, _ = whole(data + noise + login(LAYOUTS[0]), "wtmp", size)
    assert [row["offset"] for row in rows[:sound]] == [384 * i for i in range(sound)]


@pytest.mark.parametrize(
    ("name", "layout", "rows", "rejects"),
    [("utmp", "linux-le", 14, 0), ("wtmp.1", "linux-le", 4, 1), ("utmp_corrupted", "linux-le", 2, 3), ("utmp_x86_64", "linux-le", 6, 0),
     ("utmp_aarch64", "linux-le-64", 6, 0), ("utmp_s390", "linux-be-64", 6, 0), ("utmpx_mac", "macos", 7, 0)],
)  # fmt: skip
def test_public_sample(name: str, layout: str, rows: int, rejects: int) -> None:
    path = PUBLIC / name
    if not path.exists():
        pytest.skip("public samples are not here")
    data = path.read_bytes()
    found = find_layout(data)
    assert found is not None
    assert found[0].name == layout
    made, refused = whole(data, name)
    assert (len(made), len(refused)) == (rows, rejects)


def test_base_name() -> None:
    assert base_name("a/b.tar.gz!c\\d/wtmp.1") == "wtmp.1"
