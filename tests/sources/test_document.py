"""The base of sources of JSON records: what it makes of raw values, of broken objects and of times."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import polars as pl
import pytest
from document_sample import frame

from gatewatch.schema.events import Kind, Service
from gatewatch.sources.document import DocumentSource, Made, Part, Unreadable, epoch, filled, port_of
from gatewatch.sources.pattern import Outcome


class _Client(Part, rename="camel"):
    ip_address: Any = None


class _Factor(Part):
    name: Any = None


class _Entry(Part, rename="camel"):
    event_type: Any = None
    at: Any = None
    user: Any = None
    client: _Client | None = None
    factors: list[_Factor] | None = None
    rest: Any = None


def read(entry: _Entry) -> Made:
    match entry.event_type:
        case "logon":
            made = {"kind": Kind.AUTH_SUCCESS, "pattern": "logon", "time": entry.at, "user": entry.user, "extra": {"rest": entry.rest, "none": None}}
            return made | {"rhost": entry.client.ip_address if entry.client else None}
        case "pair":
            return _pair(entry)
        case "raw":
            return {"kind": Kind.EXEC, "pattern": "raw", "time": entry.at, **entry.rest}
        case "noise":
            return "noise"
        case None:
            raise Unreadable("no event type")
        case _:
            raise Unreadable(f"factors: {[factor.name for factor in entry.factors or ()]}")


def _pair(entry: _Entry) -> Iterator[dict[str, Any]]:
    yield {"kind": Kind.MFA_OK, "pattern": "first", "time": entry.at}
    yield {"kind": Kind.CONNECTION, "pattern": "second", "time": entry.at}


def source(**changes: Any) -> DocumentSource:
    given: dict[str, Any] = {"name": "toy", "title": "Toy", "programs": ("toy",), "read": read, "shape": _Entry, "essential": "event_type"}
    return DocumentSource(**given | changes)


def decode(*objects: Any, wanted: frozenset[Kind] | None = None, **changes: Any) -> Outcome:
    texts = [one if isinstance(one, str) else json.dumps(one) for one in objects]
    return source(**changes).decode(frame([("toy", text) for text in texts]), wanted)


def raw(**columns: Any) -> dict[str, Any]:
    return decode({"eventType": "raw", "at": "2026-03-02T08:15:00Z", "rest": columns}).events.to_dicts()[0]


NOON = {"eventType": "logon", "at": "2026-03-02T12:00:00.5Z"}
UTC_NOON = datetime(2026, 3, 2, 12, 0, 0, 500_000, UTC)


def test_the_service_is_that_of_the_source_unless_the_event_has_its_own() -> None:
    entries = [
        NOON,
        {"eventType": "raw", "at": NOON["at"], "rest": {"service": Service.SSH}},
        {"eventType": "raw", "at": NOON["at"], "rest": {"service": None}},
    ]
    assert decode(*entries, service=Service.IDP).events["service"].to_list() == ["idp", "ssh", None]
    assert "service" not in decode(NOON).events.columns


def test_values_become_columns() -> None:
    entry = NOON | {"user": r"CORP\Ann", "client": {"ipAddress": "::ffff:192.0.2.7", "other": [1]}, "rest": 3}
    row = decode(entry, service=Service.IDP).events.to_dicts()[0]
    assert (row["user"], row["user_domain"], row["src_ip"], row["service"], row["extra"]) == ("ann", "corp", "192.0.2.7", "idp", '{"rest":3}')
    assert (row["time"], row["resolution"], row["source"], row["count"], row["host"]) == (UTC_NOON, 1, "toy", 1, None)


def test_a_name_goes_to_the_host_column_and_a_given_name_comes_first() -> None:
    assert [raw(rhost="GATE01")[name] for name in ("src_ip", "src_host")] == [None, "gate01"]
    assert [raw(rhost="192.0.2.7", src_host="Gate01")[name] for name in ("src_ip", "src_host")] == ["192.0.2.7", "gate01"]
    assert [raw(rhost="box", src_host="192.0.2.7")[name] for name in ("src_ip", "src_host")] == [None, "box"]
    assert [raw(dhost="2001:DB8::1%3").get(name) for name in ("dst_ip", "dst_host")] == ["2001:db8::1", None]


def test_an_address_is_one_or_null_and_comes_before_what_a_host_says() -> None:
    assert raw(src_ip="225.01.00.16").get("src_ip") is None
    assert "src_host" not in raw(src_ip="box")
    assert raw(src_ip="192.0.2.7", rhost="198.51.100.1")["src_ip"] == "192.0.2.7"
    assert [raw(src_ip="-", rhost="box")[name] for name in ("src_ip", "src_host")] == [None, "box"]


@pytest.mark.parametrize(
    ("given", "port"),
    [("192.0.2.7:22", "22"), ("[2001:db8::7]:443", "443"), ("2001:db8::7", None), ("192.0.2.7", None), ("x:1", None), (None, None), (3, None)],
)
def test_the_port_behind_an_address(given: Any, port: str | None) -> None:
    assert port_of(given) == port


@pytest.mark.parametrize("given", [1_772_452_800, 1_772_452_800.0, 1_772_452_800_000, 1_772_452_800_000_000, 1_772_452_800_000_000_000])
def test_numbers_since_the_epoch_by_their_size(given: float) -> None:
    assert epoch(given) == 1_772_452_800_000_000


@pytest.mark.parametrize("given", [1e300, 2**70, float("inf")])
def test_a_number_that_is_no_time(given: float) -> None:
    with pytest.raises(Unreadable, match="unreadable time"):
        epoch(given)


def test_objects_within_text() -> None:
    entries = [NOON | {"client": '{"ipAddress": "192.0.2.7"}'}, NOON | {"client": "{broken"}, NOON | {"client": "[1]"}]
    assert decode(*entries).events["src_ip"].to_list() == ["192.0.2.7", None, None]


@pytest.mark.parametrize(
    ("given", "port"), [(22, 22), ("22", 22), (22.0, 22), (0, None), (65536, None), (-1, None), ("x", None), (True, None), ([], None)]
)
def test_a_port_is_one_or_null(given: Any, port: int | None) -> None:
    assert raw(src_port=given)["src_port"] == port


@pytest.mark.parametrize(("given", "count"), [(3, 3), ("3", 3), (0, 1), (None, 1), (2**40, 1), ("many", 1)])
def test_a_count_is_at_least_one(given: Any, count: int) -> None:
    assert raw(count=given)["count"] == count


@pytest.mark.parametrize("given", ["", "-", None, True, [], {"a": 1}])
def test_what_is_no_text_is_null(given: Any) -> None:
    row = raw(object=given, user=given, session=given, rhost=given, user_domain=given)
    assert [row.get(name) for name in ("object", "user", "session", "src_ip", "src_host", "user_domain")] == [None] * 6


def test_a_domain_stands_in_where_the_name_has_none() -> None:
    assert raw(user="ann", user_domain="CORP")["user_domain"] == "corp"
    assert raw(user="ann@a.example", user_domain="CORP")["user_domain"] == "a.example"


def test_extra_is_made_where_it_is_kept() -> None:
    made: list[str] = []

    def lazy(entry: _Entry) -> Made:
        def extra() -> dict[str, Any]:
            made.append(entry.rest)
            return {"rest": entry.rest}

        return {"kind": Kind(entry.event_type), "pattern": "x", "time": NOON["at"], "extra": extra}

    records = frame([("toy", json.dumps({"eventType": kind, "rest": kind})) for kind in ("exec", "auth_failure", "boot")])
    toy = source(read=lazy)
    assert toy.decode(records).events["extra"].null_count() == 0
    made.clear()
    scan = toy.decode(records, frozenset({Kind.EXEC, Kind.AUTH_FAILURE}), (Kind.AUTH_FAILURE,)).events
    assert scan.select("kind", "extra").rows() == [("exec", '{"rest":"exec"}'), ("auth_failure", None)]
    assert made == ["exec"]
    assert toy.decode(records, frozenset({Kind.AUTH_FAILURE, Kind.OTHER}), (Kind.AUTH_FAILURE,)).events["extra"].null_count() == 0


def test_commands_are_masked() -> None:
    assert raw(command="tool --password hunter2")["command"] == "tool --password ***"


def test_a_record_may_be_several_events() -> None:
    both = decode({"eventType": "pair", "at": "2026-03-02T12:00:00Z"}, {"eventType": "noise"})
    assert both.events["pattern"].to_list() == ["first", "second"]
    assert both.events["record"].to_list() == [1, 1]
    assert (both.used, both.ignored) == (1, {"noise": 1})
    one = decode({"eventType": "pair", "at": "2026-03-02T12:00:00Z"}, wanted=frozenset({Kind.MFA_OK}))
    assert (one.events["pattern"].to_list(), one.used) == (["first"], 1)
    none = decode({"eventType": "pair", "at": "2026-03-02T12:00:00Z"}, wanted=frozenset({Kind.EXEC}))
    assert (none.events.height, none.used) == (0, 1)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"eventType": ', "broken JSON"),
        ("", "broken JSON"),
        ("[1]", "no JSON object"),
        ("3", "no JSON object"),
        ("[" * 5000, "broken JSON"),
        ('{"eventType": "\\ud800"}', "broken JSON"),
        ("{}", "no event type"),
        ('{"eventType": "logon"}', "no time"),
        ('{"eventType": "logon", "at": ""}', "no time"),
        ('{"eventType": "logon", "at": "yesterday"}', "unreadable time"),
        ('{"eventType": "logon", "at": "0001-01-01T00:00:00Z"}', "unreadable time"),
        ('{"eventType": "logon", "at": "0001-01-01T00:00:00+14:00"}', "unreadable time"),
        ('{"eventType": "logon", "at": "9999-12-31T23:59:59-14:00"}', "unreadable time"),
        ('{"eventType": "logon", "at": 17}', "unreadable time"),
        ('{"eventType": "logon", "at": [1]}', "unreadable time"),
        ('{"eventType": "other", "factors": [{"name": "a"}, 3, {"NAME": "b"}]}', "factors: ['a', 'b']"),
    ],
)
def test_what_cannot_be_read_is_rejected_with_the_reason(text: str, reason: str) -> None:
    outcome = decode(text, NOON)
    assert outcome.rejected.select("record", "message", "reason").rows() == [(1, text, reason)]
    assert outcome.events["record"].to_list() == [2]


@pytest.mark.parametrize(
    ("given", "moment", "resolution"),
    [
        ("2026-03-02T12:00:00Z", datetime(2026, 3, 2, 12, tzinfo=UTC), 1_000_000),
        ("2026-03-02 12:00:00.123456789+01:00", datetime(2026, 3, 2, 11, 0, 0, 123456, UTC), 1),
        ("2026-03-02T12:00:00+0000", datetime(2026, 3, 2, 12, tzinfo=UTC), 1_000_000),
        (1_772_452_800_000_000, datetime(2026, 3, 2, 12, tzinfo=UTC), 1),
        (datetime(2026, 3, 2, 12, tzinfo=timezone(timedelta(hours=2))), datetime(2026, 3, 2, 10, tzinfo=UTC), 1),
    ],
)
def test_times(given: Any, moment: datetime, resolution: int) -> None:
    def timed(_: Any) -> Made:
        return {"kind": Kind.BOOT, "pattern": "x", "time": given}

    row = decode({"eventType": "x"}, read=timed).events.to_dicts()[0]
    assert (row["time"], row["local"], row["resolution"]) == (moment, None, resolution)


def test_a_time_without_a_zone_is_utc_or_the_wall_clock_of_the_file() -> None:
    entry = {"eventType": "logon", "at": "2026-03-02T12:00:00"}
    assert decode(entry).events.select("time", "local").row(0) == (datetime(2026, 3, 2, 12, tzinfo=UTC), None)
    assert decode(entry, zoned=False).events.select("time", "local").row(0) == (None, UTC_NOON.replace(microsecond=0, tzinfo=None))


def test_events_without_a_time_where_the_source_allows_them() -> None:
    outcome = decode({"eventType": "logon", "user": "ann"}, {"eventType": "logon", "at": "x"}, timeless=True)
    assert outcome.events.select("user", "time").rows() == [("ann", None)]
    assert outcome.rejected["reason"].to_list() == ["unreadable time"]


def test_keys_in_any_case_and_values_of_any_type() -> None:
    entries = [
        {"EventType": "logon", "At": "2026-03-02T12:00:00Z", "User": "ann", "Client": {"IPADDRESS": "192.0.2.7"}},
        {"eventtype": "logon", "at": "2026-03-02T12:00:00Z", "client": "192.0.2.7"},
        NOON | {"client": [1], "user": "bob"},
    ]
    assert decode(*entries).events.select("user", "src_ip").rows() == [("ann", "192.0.2.7"), (None, None), ("bob", None)]


def test_the_key_as_declared_wins_over_other_spellings() -> None:
    assert filled(_Entry, {"eventType": "a", "EventType": "b"}).event_type == "a"


def test_records_that_a_hint_leaves_out_are_not_read() -> None:
    def refuse(entry: _Entry) -> Made:
        assert entry.event_type == "logon"
        return read(entry)

    texts = [NOON, {"eventType": "noise"}, '{"eventType": "broken', {"eventType": "logon", "heartbeat": 1}]
    outcome = decode(*texts, read=refuse, hint='"eventType": ?"logon"', others="nothing", idle=(('"heartbeat"', "heartbeat"),))
    assert outcome.ignored == {"heartbeat": 1, "nothing": 2}
    assert outcome.events["record"].to_list() == [1]


def test_without_a_struct_the_object_is_a_dict() -> None:
    def whole(entry: dict[str, Any]) -> Made:
        return {"kind": Kind.BOOT, "pattern": entry["name"], "time": 1_772_452_800_000_000}

    assert decode({"name": "x"}, read=whole, shape=None, essential=()).events["pattern"].to_list() == ["x"]


def test_nothing_in_gives_nothing_out() -> None:
    outcome = decode()
    assert outcome.events.height == 0
    assert outcome.used == 0
    assert isinstance(outcome.events.schema["kind"], pl.Enum)


def test_parts_have_defaults() -> None:
    assert msgspec.json.decode("{}", type=_Entry) == _Entry()
