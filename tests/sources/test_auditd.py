"""The audit source against its annotated samples, public samples and arbitrary text."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewatch.intake import audit as framing
from gatewatch.intake.line import Block, read_lines
from gatewatch.intake.stamp import resolve
from gatewatch.intake.syslog import Framer
from gatewatch.schema.events import TimeBasis
from gatewatch.schema.records import RECORD_DTYPES
from gatewatch.sources.audit_command import CAP, mask
from gatewatch.sources.audit_user import RULES
from gatewatch.sources.auditd import SOURCE, split_point
from gatewatch.sources.pattern import Outcome

SAMPLES = sorted((Path(__file__).parents[1] / "samples" / "auditd").glob("*.log"))
PUBLIC = (Path(__file__).parents[2] / "../shared/data").resolve()


def records(lines: list[str]) -> pl.DataFrame:
    """Frame *lines* as an audit log."""
    rows = {"record": list(range(1, len(lines) + 1)), "offset": [0] * len(lines), "line": lines}
    return framing.frame(pl.DataFrame(rows, schema={"record": pl.Int64, "offset": pl.Int64, "line": pl.String}))


def check_sum(outcome: Outcome, read: int) -> None:
    """Each record has exactly one fate."""
    assert outcome.used + sum(outcome.ignored.values()) + outcome.unrecognised.height + outcome.rejected.height == read


def blocks() -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield ``id, comments, lines`` of each annotated block of the samples."""
    for path in SAMPLES:
        for number, block in enumerate(path.read_text(encoding="utf-8").split("\n\n")):
            lines = [line for line in block.split("\n") if line]
            comments = [line[2:] for line in lines if line.startswith("# ")]
            body = [line for line in lines if not line.startswith("# ")]
            if body:
                yield f"{path.stem}-{number}", comments, body


BLOCKS = list(blocks())


@pytest.mark.parametrize(("comments", "lines"), [pytest.param(c, b, id=i) for i, c, b in BLOCKS])
def test_sample(comments: list[str], lines: list[str]) -> None:
    outcome = SOURCE.decode(records(lines))
    check_sum(outcome, len(lines))
    wanted = [dict(part.split("=", 1) for part in shlex.split(c[8:])) for c in comments if c.startswith("expect: ")]
    rows = outcome.events.to_dicts()
    assert len(rows) == len(wanted), outcome.events
    for row, want in zip(rows, wanted, strict=True):
        for key, value in want.items():
            assert shown(row.get(key)) == value, (key, row)
    ignored = [c[9:] for c in comments if c.startswith("ignored: ")]
    assert outcome.ignored == {k: int(v) for c in ignored for k, v in (part.split("=") for part in c.split())}
    for word, frame in (("unrecognised", outcome.unrecognised), ("rejected", outcome.rejected)):
        numbers = [int(c.split(": ")[1]) for c in comments if c.startswith(f"{word}: ")]
        assert frame.height == sum(numbers), frame


def shown(value: object) -> str:
    """Return *value* as the samples write it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "")
    return str(value)


def test_every_rule_has_a_sample() -> None:
    seen: set[str] = set()
    for _, _, lines in BLOCKS:
        outcome = SOURCE.decode(records(lines))
        seen |= set(outcome.events["pattern"].to_list()) | set(outcome.ignored)
    assert {rule.name for rule in RULES} <= seen
    assert {"exec", "connect", "file-changed", "log-removed"} <= seen


def test_masked_name_is_told_in_extra_only() -> None:
    line = next(line for _, _, lines in BLOCKS for line in lines if "6D792070617373776F726421" in line)
    row = SOURCE.decode(records([line])).events.to_dicts()[0]
    assert '"user_redacted":true' in row["extra"]
    assert "password!" not in str(row)


def test_the_group_separator_changes_nothing() -> None:
    lines = [line for _, _, block in BLOCKS for line in block]
    kept = SOURCE.decode(records([line.replace("'UID=", "'\x1dUID=").replace('"ARCH=', '"\x1dARCH=') for line in lines]))
    lost = SOURCE.decode(records(lines))
    assert kept.events.equals(lost.events)


def test_journal_serial_joins_the_records_of_one_event() -> None:
    rows = records(['SYSCALL arch=c000003e syscall=59 success=yes ses=12 exe="/usr/bin/id" key=(null)', 'EXECVE argc=1 a0="id"'])
    joined = SOURCE.decode(rows.with_columns(pl.lit('{"_AUDIT_ID":"77"}').alias("fields")))
    assert joined.events.select("command", "session").to_dicts() == [{"command": "id", "session": "ses:12"}]
    assert joined.used == 2


def test_times_of_syslog_framing_give_way_to_those_of_the_message() -> None:
    line = BLOCKS[0][2][0]
    stamp = datetime(2026, 1, 5, 13, 0, 1, tzinfo=UTC)
    late = records([f"node=gate01 {line}"]).with_columns(
        pl.lit(stamp).cast(RECORD_DTYPES["time"]).alias("time"),
        pl.lit("collector").alias("host"),
        pl.lit(f"node=gate01 {line}").alias("message"),
    )
    event = SOURCE.decode(late).events.to_dicts()[0]
    assert (event["time"].hour, event["host"]) == (12, "gate01")


def test_split_anywhere_at_the_split_point_changes_nothing() -> None:
    lines = next(lines for name, _, lines in BLOCKS if name == "syscall-0")
    whole = SOURCE.decode(records(lines)).events
    for cut in range(1, len(lines)):
        head = records(lines[:cut])
        carry = split_point(head)
        first = SOURCE.decode(head.head(cut - carry)).events
        second = SOURCE.decode(records(lines).slice(cut - carry)).events
        assert pl.concat([frame for frame in (first, second) if frame.height]).equals(whole)


def test_split_point_needs_no_carry_after_the_end_of_an_event() -> None:
    lines = next(lines for name, _, lines in BLOCKS if name == "syscall-0")
    assert split_point(records(lines)) == 0
    assert split_point(records(lines[:-1])) == len(lines) - 1
    assert split_point(records(["----"])) == 0
    assert split_point(records([])) == 0


@pytest.mark.parametrize(
    ("command", "masked"),
    [
        ("mysqldump -u root -phunter2 --all-databases", "mysqldump -u root -p*** --all-databases"),
        ("mysql -p db", "mysql -p db"),
        ("tool --password hunter2 --port 22", "tool --password *** --port 22"),
        ("tool --db-password='a b' x", "tool --db-password=*** x"),
        ("PGPASSWORD=hunter2 psql -h db02", "PGPASSWORD=*** psql -h db02"),
        ("env MYSQL_PWD=hunter2 mysql", "env MYSQL_PWD=*** mysql"),
        ("sshpass -p hunter2 ssh ann@db02", "sshpass -p *** ssh ann@db02"),
        ("git clone https://ann:hunter2@git.example.org/x", "git clone https://ann:***@git.example.org/x"),
        ("curl -H 'Authorization: Bearer abc.def' https://h.example", "curl -H 'Authorization: Bearer ***' https://h.example"),
        ("echo eve:hunter2 | chpasswd", "echo eve:*** | chpasswd"),
        ("bash -c echo hunter2 | sudo -S id", "bash -c echo *** | sudo -S id"),
        ("smbclient -U ann%hunter2 //files/x", "smbclient -U ann%*** //files/x"),
        ("cp --preserve a b", "cp --preserve a b"),
        ("ssh -p 2222 ann@db02", "ssh -p 2222 ann@db02"),
        ("passwd eve", "passwd eve"),
    ],
)
def test_mask(command: str, masked: str) -> None:
    assert mask(command) == masked


def test_a_long_command_is_cut() -> None:
    line = f'type=EXECVE msg=audit(1767614721.001:2021): argc=2 a0="id" a1="{"x" * 3 * CAP}"'
    command = SOURCE.decode(records([line])).events["command"][0]
    assert len(command) == CAP + len(" […]")


_WORDS = st.sampled_from(
    [
        "type=SYSCALL msg=audit(1767614400.123:45): ",
        "type=EXECVE msg=audit(1767614400.123:45): ",
        "type=PATH msg=audit(1767614400.123:45): ",
        "type=SOCKADDR msg=audit(1767614400.123:45): ",
        "type=USER_LOGIN msg=audit(1767614400.123:46): ",
        "node=h ",
        "arch=c000003e ",
        "syscall=59 ",
        "syscall=257 ",
        "syscall=42 ",
        "success=yes ",
        "a0=",
        "a1[0]=",
        "a2=FFFF ",
        "saddr=0200",
        "saddr=0A00FF",
        '"',
        "'",
        "\x1d",
        "acct=",
        "res=failed",
        "res=success",
        "exe=",
        "ses=",
        'AUID="',
        "name=2F",
        "cwd=",
        "pid=99999999999999999999 ",
        "id=",
        "key=01",
    ]
)


@settings(deadline=None)
@given(st.lists(st.one_of(st.text(max_size=40), st.lists(_WORDS, max_size=12).map("".join)), max_size=12))
def test_no_text_raises(lines: list[str]) -> None:
    lines = [line.replace("\n", " ") for line in lines]
    framed = records(lines)
    check_sum(SOURCE.decode(framed), len(lines))
    check_sum(SOURCE.decode(framed.with_columns(pl.lit(None, pl.String).alias("message"))), len(lines))
    assert 0 <= split_point(framed) <= len(lines)


def public_files() -> list[Path]:
    """The public samples, where they are."""
    found = [path for end in ("log", "yaml") for path in PUBLIC.glob(f"linux/go-libaudit/*/testdata/*.{end}")]
    return sorted([*found, *PUBLIC.glob("hub/auditd*/*.log"), *PUBLIC.glob("plaso/audit_enriched.log")])


def test_public_samples_decode_and_add_up() -> None:
    paths = public_files()
    if not paths:
        pytest.skip("public samples are not here")
    kinds: set[str] = set()
    for path in paths:
        lines = [line.strip(" ") for line in path.read_text(encoding="utf-8", errors="replace").split("\n")]
        outcome = SOURCE.decode(records(lines))
        check_sum(outcome, len(lines))
        kinds |= set(outcome.events["kind"].to_list())
    assert {
        "exec",
        "auth_failure",
        "auth_success",
        "session_start",
        "session_end",
        "connection",
        "account_change",
        "privilege_use",
    } <= kinds


def test_messages_behind_a_syslog_header_keep_their_own_time_else_the_headers() -> None:
    head = "pid=4711 uid=0 auid=4294967295 ses=4294967295 msg='op="
    tail = """ acct="ann" exe="/usr/sbin/sshd" hostname=? addr=192.0.2.7 terminal=ssh res=failed'"""
    told = f"audispd: node=web1 type=USER_AUTH msg=audit(1767614400.123:45): {head}password{tail}"
    data = f"Jan  5 13:00:00 web1 {told}\nJan  5 13:00:01 web1 audit[9]: USER_LOGIN {head}login{tail}\n".encode()
    framed = Framer().frame(read_lines(Block(data, len(data), 0)))
    events = resolve(SOURCE.decode(framed.records).events, year=2026, basis=TimeBasis.YEAR_GIVEN, zone="UTC")
    assert [f"{time:%F %T.%f}" for time in events["time"]] == ["2026-01-05 12:00:00.123000", "2026-01-05 13:00:01.000000"]
    assert events["src_ip"].to_list() == ["192.0.2.7", "192.0.2.7"]
