"""Reports of one failed Windows logon become one; an address is given only where nothing else can be meant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.canonical.windows_failure import StopPlaces, join_failures
from gatewatch.schema import events as ev

START = datetime(2026, 1, 5, 12, tzinfo=UTC)
SCHEMA = {
    name: ev.DTYPES[name]
    for name in ("time", "kind", "host", "user", "src_ip", "src_host", "service", "source", "pattern", "count", "record", "corroborated_by")
}


def table(*rows: dict[str, Any]) -> pl.DataFrame:
    filled = [
        {"host": "rds01", "kind": "auth_failure", "count": 1, "record": number} | row | {"time": START + timedelta(seconds=row["at"])}
        for number, row in enumerate(rows, 1)
    ]
    return pl.DataFrame([{name: row.get(name) for name in SCHEMA} for row in filled], schema=SCHEMA)


def logon(at: float, user: str = "bob", **more: Any) -> dict[str, Any]:
    return {"at": at, "source": "windows-logon", "pattern": "failure-network", "user": user, **more}


def refusal(at: float, src_ip: str, **more: Any) -> dict[str, Any]:
    return {"at": at, "source": "windows-rdp", "pattern": "rdp-failure", "src_ip": src_ip, "service": "rdp", **more}


def ntlm(at: float, user: str = "bob", **more: Any) -> dict[str, Any]:
    return {"at": at, "source": "windows-kerberos", "pattern": "ntlm-failure", "user": user, "host": "dc01", **more}


NOTHING = table().clear()


def essence(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    return [(row["user"], row["src_ip"], row["service"], row["corroborated_by"]) for row in frame.iter_rows(named=True)]


def test_an_account_and_an_address_of_the_same_moment_are_one_failure() -> None:
    joined = join_failures(table(logon(0.0), refusal(0.02, "192.0.2.7")), NOTHING)
    assert essence(joined) == [("bob", "192.0.2.7", "rdp", ["windows-rdp"])]


def test_two_addresses_in_the_same_seconds_are_not_told_apart() -> None:
    joined = join_failures(table(logon(0.0), refusal(0.0, "192.0.2.7"), refusal(0.5, "192.0.2.8")), NOTHING)
    assert essence(joined) == [("bob", None, None, None), (None, "192.0.2.7", "rdp", None), (None, "192.0.2.8", "rdp", None)]


def test_a_client_known_from_quieter_moments_tells_them_apart() -> None:
    rows = (
        logon(0, src_host="kali"),
        refusal(0.1, "192.0.2.7"),
        logon(60, src_host="kali"),
        refusal(60.1, "192.0.2.7"),
        refusal(61, "192.0.2.8"),
    )
    joined = join_failures(table(*rows), NOTHING)
    assert [(row[0], row[1]) for row in essence(joined)] == [("bob", "192.0.2.7"), ("bob", "192.0.2.7"), (None, "192.0.2.8")]


def test_a_client_with_two_addresses_tells_nothing() -> None:
    rows = (
        logon(0, src_host="kali"),
        refusal(0.1, "192.0.2.7"),
        logon(30, src_host="kali"),
        refusal(30.1, "192.0.2.8"),
        logon(60, src_host="kali"),
        refusal(60.1, "192.0.2.7"),
        refusal(61, "192.0.2.8"),
    )
    joined = join_failures(table(*rows), NOTHING)
    assert essence(joined)[2][:2] == ("bob", None)


def test_another_host_lends_no_address() -> None:
    joined = join_failures(table(logon(0.0), refusal(0.0, "192.0.2.7", host="rds02")), NOTHING)
    assert len(joined) == 2
    assert joined["src_ip"].to_list() == [None, "192.0.2.7"]


def test_without_140_the_only_connection_before_gives_the_address() -> None:
    calls = table(refusal(-6, "192.0.2.7") | {"kind": "connection", "pattern": "rdp-connection"})
    assert essence(join_failures(table(logon(0.0)), calls))[0][1] == "192.0.2.7"
    more = table(
        *({"at": at, "source": "windows-rdp", "pattern": "rdp-connection", "src_ip": ip} for at, ip in ((-6, "192.0.2.7"), (-2, "192.0.2.8")))
    )
    assert essence(join_failures(table(logon(0.0)), more))[0][1] is None


def test_an_address_that_the_record_has_is_kept_and_the_140_beside_it_adds_nothing() -> None:
    joined = join_failures(table(logon(0.0, src_ip="192.0.2.9"), refusal(0.1, "192.0.2.9")), NOTHING)
    assert essence(joined) == [("bob", "192.0.2.9", "rdp", ["windows-rdp"])]


def test_the_domain_controllers_word_counts_once_and_names_the_client() -> None:
    joined = join_failures(table(logon(0.0), ntlm(0.4, src_host="kali"), ntlm(500, src_host="kali")), NOTHING)
    assert [(row["host"], row["src_host"]) for row in joined.iter_rows(named=True)] == [("rds01", "kali"), ("dc01", "kali")]


def test_sshds_own_line_is_better_than_the_security_log() -> None:
    own = {"at": 1, "source": "windows-openssh", "pattern": "failed", "user": "bob", "src_ip": "192.0.2.5", "service": "ssh"}
    joined = join_failures(table(logon(0.4, pattern="failure-cleartext", service="ssh"), own), NOTHING)
    assert essence(joined) == [("bob", "192.0.2.5", "ssh", ["windows-logon"])]


def test_rows_of_other_sources_pass() -> None:
    other = table({"at": 0, "source": "sshd", "pattern": "failed", "user": "root", "src_ip": "192.0.2.1", "service": "ssh"})
    assert join_failures(other, NOTHING).select(other.columns).equals(other)


@given(st.lists(st.tuples(st.sampled_from("lrn"), st.floats(0, 30), st.integers(1, 3)), max_size=14))
def test_no_address_is_invented_and_no_account_lost(drawn: list[tuple[str, float, int]]) -> None:
    make = {"l": lambda at, n: logon(at, f"u{n}"), "r": lambda at, n: refusal(at, f"192.0.2.{n}"), "n": lambda at, n: ntlm(at, f"u{n}")}
    rows = [make[what](at, number) for what, at, number in drawn]
    before = table(*rows)
    after = join_failures(before, NOTHING)
    addresses = {(row["at"], row["src_ip"]) for row in rows if row.get("src_ip")}
    for row in after.filter(pl.col("src_ip").is_not_null()).iter_rows(named=True):
        at = (row["time"] - START).total_seconds()
        assert any(ip == row["src_ip"] and abs(when - at) <= 3.01 for when, ip in addresses)
    users = {row["user"] for row in rows if row.get("user")}
    assert set(after["user"].drop_nulls().to_list()) == users
    assert {ip for _, ip in addresses} == set(after["src_ip"].drop_nulls().to_list())


def test_a_stop_without_an_address_gets_that_of_the_only_connection() -> None:
    stop = {"at": 0, "source": "windows-logon", "pattern": "stopped-expired", "kind": "auth_stopped", "user": "bob"}
    knock = {"at": -2, "source": "windows-rdp", "pattern": "rdp-connection", "kind": "connection", "src_ip": "192.0.2.7"}
    places = StopPlaces(table(stop))
    places.look(NOTHING, table(knock))
    assert places.placed()["src_ip"].to_list() == ["192.0.2.7"]
    places.look(NOTHING, table(knock | {"src_ip": "192.0.2.8"}))
    assert places.placed()["src_ip"].to_list() == [None]
