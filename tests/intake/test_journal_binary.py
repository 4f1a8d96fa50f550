"""Journal files against what journalctl says of them, and against damage; the other compressions in files built here."""

from __future__ import annotations

import builtins
import lzma
import struct
from collections.abc import Callable
from pathlib import Path

import lz4.block
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewatch.intake import journal_binary, journal_export, journal_json
from gatewatch.intake.batch import Batch, RawReject
from gatewatch.schema.records import RECORD_DTYPES

SAMPLES = Path(__file__).parents[1] / "samples" / "journal"
_BASE = 1_767_614_400_000_000


def sample(name: str) -> bytes:
    return lzma.decompress((SAMPLES / f"{name}.xz").read_bytes())


def collect(batches: list[Batch]) -> tuple[pl.DataFrame, list[RawReject]]:
    for batch in batches:
        assert dict(batch.records.schema) == RECORD_DTYPES
        assert batch.read == batch.records.height + len(batch.rejects)
    frames = [batch.records for batch in batches]
    return pl.concat(frames) if frames else pl.DataFrame(schema=RECORD_DTYPES), [reject for batch in batches for reject in batch.rejects]


def read(data: bytes) -> tuple[pl.DataFrame, list[RawReject]]:
    return collect(list(journal_binary.read([data[: len(data) // 2], data[len(data) // 2 :]])))


def build(messages: list[bytes], flag: int, pack: Callable[[bytes], bytes], header_flags: int = 0) -> bytes:
    """A journal file in the regular layout whose messages are compressed by *pack*."""
    body = bytearray(bytes(272))
    offsets: list[int] = []

    def append(kind: int, flags: int, rest: bytes) -> int:
        at = len(body)
        body.extend(struct.pack("<BB6xQ", kind, flags, 16 + len(rest)) + rest)
        body.extend(bytes(-len(body) % 8))
        return at

    for number, message in enumerate(messages, 1):
        data = [append(1, flag, bytes(48) + pack(b"MESSAGE=" + message)), append(1, 0, bytes(48) + b"_HOSTNAME=gate")]
        entry = struct.pack("<QQQ16sQ", number, _BASE + number, number, bytes(16), 0)
        offsets.append(append(3, 0, entry + b"".join(struct.pack("<QQ", at, 0) for at in data)))
    array = append(6, 0, bytes(8) + b"".join(struct.pack("<Q", at) for at in (*offsets, 0)))
    body[:16] = struct.pack("<8sII", b"LPKSHHRH", 0, flag | header_flags)
    body[88:96] = struct.pack("<Q", 272)
    body[152:184] = struct.pack("<QQQQ", len(messages), len(messages), 1, array)
    return bytes(body)


def build_lz4(messages: list[bytes]) -> bytes:
    return build(messages, 2, lambda data: struct.pack("<Q", len(data)) + lz4.block.compress(data, store_size=False))


@pytest.mark.parametrize("name", ["regular", "compact"])
def test_it_reads_what_journalctl_reads(name: str) -> None:
    records, rejects = read(sample(f"{name}.journal"))
    expected, _ = collect(list(journal_json.read([(SAMPLES / "compact.jsonl").read_bytes()])))
    assert rejects == []
    assert records.height == 40
    assert records.drop("offset").equals(expected.drop("offset"))


def test_the_export_of_a_journal_is_the_same_records() -> None:
    records, _ = read(sample("compact.journal"))
    exported, rejects = collect(list(journal_export.read([sample("compact.export")])))
    assert rejects == []
    assert exported.drop("offset").equals(records.drop("offset"))


def test_a_long_message_was_compressed_and_comes_out_whole() -> None:
    records, _ = read(sample("compact.journal"))
    message = records["message"][11]
    assert message.startswith("long 11: word0 word11") and message.endswith("word3289")
    assert b"word3289" not in sample("compact.journal")


def test_offsets_point_to_the_entries() -> None:
    data = sample("regular.journal")
    records, _ = read(data)
    assert {data[offset] for offset in records["offset"]} == {3}


@pytest.mark.parametrize("name", ["regular", "compact"])
def test_a_lost_chain_loses_no_entry(name: str) -> None:
    data = bytearray(sample(f"{name}.journal"))
    whole, _ = read(bytes(data))
    data[176:184] = bytes(8)
    records, rejects = read(bytes(data))
    assert rejects == []
    assert records.equals(whole)


def test_a_damaged_stretch_costs_its_entries_only() -> None:
    data = bytearray(sample("regular.journal"))
    whole, _ = read(bytes(data))
    middle = whole["offset"][20]
    data[middle : middle + 16] = b"\xff" * 16
    records, rejects = read(bytes(data))
    assert [reject.reason for reject in rejects] == ["damaged journal object"]
    assert records.height == 39
    assert set(whole["message"]) - set(records["message"]) == {whole["message"][20]}


def test_a_file_cut_short_gives_what_it_has_and_says_how_much_is_missing() -> None:
    data = sample("regular.journal")
    whole, _ = read(data)
    records, rejects = read(data[: whole["offset"][30]])
    assert records["message"].to_list()[:5] == whole["message"].to_list()[:5]
    assert 5 <= records.height <= 30
    assert rejects[-1].reason == f"journal entries missing: 40 counted, {records.height} found"


def test_an_entry_without_its_other_fields_is_kept_and_one_without_message_is_not() -> None:
    data = bytearray(build([b"first", b"second"], 0, bytes))
    data[data.index(b"_HOSTNAME=gate") - 64] = 7
    records, _ = read(bytes(data))
    assert records.select("message", "host").rows() == [("first", None), ("second", "gate")]
    data = bytearray(build([b"first", b"second"], 0, bytes))
    data[data.index(b"MESSAGE=first") - 64] = 7
    records, rejects = read(bytes(data))
    assert records["message"].to_list() == ["second"]
    assert [(reject.record, reject.reason) for reject in rejects] == [(1, "damaged journal object")]
    assert "gate" in rejects[0].raw


def test_lz4_and_xz_fields_are_read() -> None:
    messages = [b"Failed password for root from 192.0.2.7 port 50022 ssh2 " * 20, b"short"]
    expected = [message.decode() for message in messages]
    assert read(build_lz4(messages))[0]["message"].to_list() == expected
    assert read(build(messages, 1, lzma.compress))[0]["message"].to_list() == expected


@pytest.mark.parametrize("flag", [1, 2, 4])
def test_a_damaged_compression_is_a_reject(flag: int) -> None:
    records, rejects = read(build([b"x" * 600], flag, lambda data: struct.pack("<Q", 99) + b"\xff" * 20))
    assert records.height == 0
    assert rejects[0].reason.startswith("compressed journal field is damaged")


def test_a_missing_library_is_told_for_each_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def refuse(name: str, *rest: object) -> object:
        if name.startswith("lz4"):
            raise ImportError(name)
        return original(name, *rest)  # type: ignore[arg-type]

    data = build_lz4([b"x" * 600, b"y" * 600])
    monkeypatch.setattr(builtins, "__import__", refuse)
    _, rejects = read(data)
    assert [reject.reason for reject in rejects] == ["journal field compressed by LZ4: the package lz4 is not installed"] * 2


def test_a_message_beyond_the_cap_is_a_reject() -> None:
    records, rejects = read(build([b"x" * (1 << 20), b"y" * ((1 << 20) + 1)], 0, bytes))
    assert records["message"].str.len_bytes().to_list() == [1 << 20]
    assert [(reject.record, reject.reason) for reject in rejects] == [(2, "line longer than 1 MiB")]
    _, rejects = read(build([b"y" * (1 << 26)], 1, lambda data: lzma.compress(data, preset=0)))
    assert rejects[0].reason == "line longer than 1 MiB"


def test_unknown_features_and_other_files_are_one_reject() -> None:
    assert "newer kind" in read(build([b"x"], 0, bytes, header_flags=64))[1][0].reason
    assert read(b"LPKSHHRH")[1][0].reason == "journal file ends within its header"
    assert read(b"")[1][0].reason == "no journal file"


def test_sniff() -> None:
    assert journal_binary.sniff(sample("compact.journal")[:65536]) == 1.0
    assert journal_binary.sniff(b"KSHHRHLP") == 0.0


_SMALL = build([b"Connection closed by 192.0.2.%d port 50022" % n for n in range(5)], 0, bytes)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(8, len(_SMALL) - 1), st.binary(min_size=1, max_size=9)), max_size=8), st.integers(0, len(_SMALL)))
def test_no_damage_raises(patches: list[tuple[int, bytes]], size: int) -> None:
    data = bytearray(_SMALL)
    for at, patch in patches:
        data[at : at + len(patch)] = patch
    records, rejects = read(bytes(data[:size]))
    assert records.height + len(rejects) <= 1_000
