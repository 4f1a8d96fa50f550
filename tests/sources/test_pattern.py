from __future__ import annotations

import polars as pl
import pytest
from sample import Sample, records

from gatewatch.schema.events import Kind, Service
from gatewatch.sources.pattern import Pattern, PatternSource

PATTERNS = (
    Pattern("noise", ("noise",), (r"^noise",), why="of no use"),
    Pattern("hello", ("hello",), (r"^hello (?P<user>[a-z]+)$", r"^hello (?P<user>.*) from (?P<rhost>[!-~]+)$"), Kind.CONNECTION),
    Pattern("link", ("link",), (r"^link (?P<linked_session>[0-9]*)$",), Kind.SESSION_START, session_prefix="tty:"),
    Pattern("of", ("of",), (r"^of(?: (?P<service>[a-z]+))?$",), Kind.CONNECTION, services={"web": Service.WEB}),
    Pattern("named", ("named",), (r"^named (?P<src_host>[!-~]+) \((?P<rhost>[!-~]+)\)$",), Kind.CONNECTION),
)


def source(**options: object) -> PatternSource:
    return PatternSource(name="toy", title="Toy", programs=("toy",), patterns=PATTERNS, **options)  # type: ignore[arg-type]


def batch(*texts: str | None) -> pl.DataFrame:
    frame = records([Sample("", n, "toy", "7", None, text or "", None, None) for n, text in enumerate(texts)])
    return frame.with_columns(pl.Series("message", texts, dtype=pl.String))


def test_rows_keep_the_order_of_the_records() -> None:
    outcome = source(session="pid:").decode(batch("of", "hello a from 192.0.2.1", "noise", "hello b", None, "other", "noise"))
    assert outcome.events["record"].to_list() == [1, 2, 4]
    assert outcome.events["user"].to_list() == [None, "a", "b"]
    assert outcome.events["session"].to_list() == ["pid:7"] * 3
    assert outcome.ignored == {"noise": 2}
    assert outcome.unrecognised["record"].to_list() == [5, 6]


def test_a_linked_session_bears_the_prefix() -> None:
    events = source().decode(batch("link 12", "link ")).events
    assert events["linked_session"].to_list() == ["tty:12", None]


@pytest.mark.parametrize(("default", "expected"), [(None, [None, "web", None]), (Service.SSH, ["ssh", "web", None])])
def test_a_service_is_the_default_mapped_or_unknown(default: Service | None, expected: list[str | None]) -> None:
    assert source(service=default).decode(batch("of", "of web", "of toast")).events["service"].to_list() == expected


def test_a_host_name_that_is_an_address_is_none() -> None:
    events = source().decode(batch("named a.example (192.0.2.1)", "named 192.0.2.1 (192.0.2.1)", "named b.example (c.example)")).events
    assert events["src_host"].to_list() == ["a.example", None, "b.example"]
    assert events["src_ip"].to_list() == ["192.0.2.1", "192.0.2.1", None]


def test_a_platform_prefix_is_looked_through() -> None:
    outcome = source().decode(batch("[ID 800047 auth.info] hello a", "[ID 800047 auth.info] other", "sshd: noise", "other"))
    assert outcome.events["record"].to_list() == [1]
    assert outcome.ignored == {"noise": 1}
    assert outcome.unrecognised["message"].to_list() == ["[ID 800047 auth.info] other", "other"]


def test_what_prepare_rewrote_is_reported_as_it_was() -> None:
    prepared = source(prepare=lambda frame: frame.with_columns(pl.col("message").str.replace("^x ", "")))
    outcome = prepared.decode(batch("x hello a", "x other", "x noise"))
    assert outcome.events["user"].to_list() == ["a"]
    assert outcome.unrecognised["message"].to_list() == ["x other"]
    assert outcome.ignored == {"noise": 1}


def test_an_empty_batch() -> None:
    outcome = source().decode(batch())
    assert (outcome.events.height, outcome.ignored, outcome.unrecognised.height, outcome.rejected.height) == (0, {}, 0, 0)


def test_classify_tells_what_was_tried() -> None:
    assert source().classify(batch("hello a")) == [("hello", True)]
    assert source().classify(batch("named x")) == [("named", False)]
