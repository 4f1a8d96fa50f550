"""Whatever a network log holds, nothing raises, every record is accounted for, and a value is right or null."""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from network_sample import FILES, WANTED, load

from gatewatch.engines.decode import decode_batch, decode_block, merge
from gatewatch.enrich.scope import ScopeTable
from gatewatch.intake import json_record, table
from gatewatch.intake.line import Block, cut
from gatewatch.intake.syslog import Framer
from gatewatch.schema.addresses import canonical_address
from gatewatch.schema.events import Kind, Scope
from gatewatch.schema.table import Header
from gatewatch.site.model import Networks
from gatewatch.sources import flow
from gatewatch.sources.port import NAMED
from gatewatch.sources.row import as_text, fits, moments, split_rows

RELAXED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
ODD = st.sampled_from(
    (
        *("-", "", "(empty)", "0", "-1", "65536", "99999999999999999999", "0x16", "1e9", "nan", "inf", "\x00", "\ufeff", "é", "\\x09", '"', "'", "#"),
        *(
            "0.0.0.0",
            "::",
            "::1",
            "999.1.1.1",
            "192.0.2.07",
            "fe80::1%eth0",
            "[2001:db8::1]:22",
            "::ffff:10.0.0.1",
            "10.0.0.1:22",
            "REJECT",
            "S0",
            "T",
        ),
        *(
            "NODATA",
            "1767614400",
            "1767614400.999999999",
            "-1.5",
            "2026-01-05T12:00:00Z",
            "104857600",
            "KDC_ERR_PREAUTH_FAILED",
            "SSH::Password_Guessing",
        ),
    )
)


def decoded(data: bytes, suffix: str, wanted: frozenset[Kind] | None) -> list[Any]:
    """Return what the engine makes of *data*, framed as *suffix* says."""
    if suffix == "table":
        return [decode_batch(batch, wanted) for batch in table.read([data])]
    if suffix == "jsonl":
        return [decode_batch(batch, wanted) for block in cut([data]) for batch in json_record.frame_block(block, None)]
    return [decode_block(Block(data, len(data), 0), Framer(), wanted)]


@st.composite
def spoilt(draw: st.DrawFn, path: Path) -> bytes:
    """A sample file some of whose cells, lines and bytes say something else."""
    lines = load(path)[1].decode().splitlines()
    for _ in range(draw(st.integers(0, 8))):
        place = draw(st.integers(0, len(lines) - 1))
        separator = "\t" if "\t" in lines[place] else "," if path.suffix == ".jsonl" else " "
        cells = lines[place].split(separator)
        cell = draw(st.integers(0, len(cells) - 1))
        match draw(st.integers(0, 4)):
            case 0:
                cells[cell] = draw(ODD | st.text(max_size=12))
            case 1:
                key, colon, _ = cells[cell].partition(":")
                cells[cell] = key + colon + draw(ODD)
            case 2:
                del cells[cell]
            case 3:
                cells.insert(cell, draw(ODD))
            case 4:
                cells = cells[:cell]
        lines[place] = separator.join(cells)
    lines = draw(st.permutations(lines)) if draw(st.integers(0, 5)) == 0 else lines
    data = "\n".join(lines).encode("utf-8", "replace")
    at = draw(st.integers(0, len(data)))
    return data[:at] + draw(st.binary(max_size=6)) + data[at:] if draw(st.booleans()) else data


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
@given(data=st.data())
@RELAXED
def test_spoilt_files(path: Path, data: st.DataObject) -> None:
    content = data.draw(spoilt(path))
    for wanted in (None, WANTED):
        parts = decoded(content, path.suffix[1:], wanted)
        whole = merge(parts)
        assert whole.records == sum(whole.tally.values())
        for frame in (whole.bulk, whole.rich, whole.acts):
            for row in frame.with_columns(pl.col(pl.Categorical).cast(pl.String)).iter_rows(named=True) if frame is not None else ():
                for column in ("src_ip", "dst_ip", "host_ip"):
                    address = row.get(column)
                    assert address is None or str(ipaddress.ip_address(address)) == address
                for column in ("src_port", "dst_port"):
                    assert row.get(column) != 0
                for column in ("bytes_in", "bytes_out"):
                    assert (row.get(column) or 0) >= 0
                for column in ("user", "user_domain", "src_host", "dst_host"):
                    assert row.get(column) not in {"", "-"}
                assert wanted is None or Kind(row["kind"]) in wanted
                assert json.loads(row.get("extra") or "{}") is not None


@given(data=st.binary(max_size=400))
@RELAXED
def test_bytes_under_a_header(data: bytes) -> None:
    for head in (
        b"#separator \\x09\n#path\tconn\n#fields\tts\tid.orig_h\tconn_state\n",
        b"version srcaddr dstaddr start\n",
        b"#Fields: date time action protocol src-ip dst-ip\n",
    ):
        whole = merge([decode_batch(batch, None) for batch in table.read([head + data])])
        assert whole.records == sum(whole.tally.values())


@given(size=st.integers(1, 2000), path=st.sampled_from([path for path in FILES if path.suffix == ".table"]))
@RELAXED
def test_a_table_may_be_cut_anywhere(size: int, path: Path) -> None:
    """The chunks in which a file arrives change nothing."""
    data = load(path)[1]

    def records(chunks: list[bytes]) -> list[tuple[Any, ...]]:
        names = ("record", "offset", "time", "local", "message", "fields")
        return sorted(row for batch in table.read(chunks) for row in batch.records.select(names).iter_rows())

    assert records([data[at : at + size] for at in range(0, len(data), size)]) == records([data])


cells = st.text(st.characters(codec="utf-8", exclude_characters="\t"), max_size=6)


@given(rows=st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=8))
@RELAXED
def test_rows_are_split_as_python_would(rows: list[tuple[str, str, str]]) -> None:
    header = Header(("a", "b", "c"), "\t", "", "-", "(empty)")
    messages = pl.Series(["\t".join(row) for row in rows], dtype=pl.String)
    assert fits(messages, header).all()
    found = split_rows(messages, header, ("c", "a", "d"))
    assert found.columns == ["x_c", "x_a", "x_d"] or sorted(found.columns) == ["x_a", "x_c", "x_d"]
    for name, place in (("x_a", 0), ("x_c", 2)):
        assert found[name].to_list() == [None if row[place] in {"-", "(empty)", ""} else row[place] for row in rows]
    assert found["x_d"].to_list() == [None] * len(rows)


@given(
    st.lists(
        st.none() | st.text(max_size=4) | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.just([1]), max_size=6
    )
)
@RELAXED
def test_values_as_text_keep_their_places(values: list[Any]) -> None:
    found = as_text(values)
    assert len(found) == len(values)
    for value, text in zip(values, found.to_list(), strict=True):
        if value is None or isinstance(value, str):
            assert text == value
        elif isinstance(value, bool):
            assert text == str(value).lower()
        elif isinstance(value, int):
            assert int(text) == value


@given(st.integers(1, 4_000_000_000_000_000))
@RELAXED
def test_moments_are_exact_to_the_microsecond(micros: int) -> None:
    text = f"{micros // 1_000_000}.{micros % 1_000_000:06d}"
    assert moments(pl.Series([text])).cast(pl.Int64).to_list() == [micros]


def test_moments_that_are_none() -> None:
    odd = ["-", "", "0", "-5", "nan", "inf", "1e30", "yesterday", "2026-01-05", "2026-01-05T12:00:00", "2026-13-05T12:00:00Z", None]
    assert moments(pl.Series(odd, dtype=pl.String)).to_list() == [None] * len(odd)


ADDRESSES = st.ip_addresses().map(str) | st.sampled_from(
    [
        "10.0.0.1",
        "192.168.1.1",
        "172.16.0.1",
        "172.32.0.1",
        "100.64.0.1",
        "203.0.113.9",
        "2001:db8::9",
        "fd00::5",
        "fe80::1",
        "127.0.0.1",
        "224.0.0.1",
    ]
)


@given(texts=st.lists(ADDRESSES, min_size=1, max_size=8))
@RELAXED
def test_inner_and_public_agree_with_the_table_of_scopes(texts: list[str]) -> None:
    """Never called public or inner what the engine's own table says is not."""
    scopes = ScopeTable(Networks())
    values = [address for text in texts if (address := canonical_address(text)) is not None]
    frame = pl.DataFrame({"a": values}, schema={"a": pl.String}).select("a", flow.inner("a").alias("i"), flow.public("a").alias("p"))
    for text, is_inner, is_public in frame.iter_rows():
        parsed = ipaddress.ip_address(text)
        scope = scopes.scope(parsed.version, int(parsed))
        assert not is_inner or scope in {Scope.PRIVATE, Scope.SHARED}
        assert is_inner or (scope is not Scope.SHARED and (scope is not Scope.PRIVATE or text.startswith("fe")))
        assert is_public or scope is not Scope.PUBLIC
        assert flow.heads_out("10.0.0.1", text) == is_public
        assert flow.heads_out(text, "203.0.113.9") == is_inner


@given(
    st.lists(st.tuples(st.none() | st.integers(1, 65535) | st.sampled_from(sorted(NAMED)), st.none() | st.integers(1, 65535)), min_size=1, max_size=8)
)
@RELAXED
def test_one_flow_is_oriented_as_many_are(ports: list[tuple[int | None, int | None]]) -> None:
    frame = pl.DataFrame(ports, schema={"src_port": pl.UInt16, "dst_port": pl.UInt16}, orient="row").select(flow.answers().alias("a"))
    assert frame["a"].to_list() == [flow.is_answer(*pair) for pair in ports]
