"""Shared sources: a guess from an office's address is not the incident of the colleague who comes in next; one of the colleague stays one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gatewatch import app
from gatewatch.detect.failure import Book
from gatewatch.detect.shared import Company
from gatewatch.schema.incidents import Scan, Severity

NAT = "203.0.113.50"
STAFF = ("ann", "bob", "cid", "dan", "eva", "fay", "gus")
EARLIER = datetime(2026, 3, 2, 8, tzinfo=UTC)
NOW = datetime(2026, 3, 3, 9, tzinfo=UTC)


def line(moment: datetime, pid: int, text: str, src: str = NAT) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ} gate sshd[{pid}]: {text} from {src} port 4022 ssh2"


def scan(folder: Path, *today: str, staff: tuple[str, ...] = STAFF) -> Scan:
    """Scan the logs of a day on which *staff* came in from the address, and of the next morning."""
    lines = [line(EARLIER + timedelta(minutes=n), 100 + n, f"Accepted password for {name}") for n, name in enumerate(staff)]
    (folder / "auth.log").write_text("\n".join([*lines, *today]) + "\n", encoding="utf-8")
    return app.scan([str(folder / "auth.log")])


def failed(*names: str, start: int = 0) -> list[str]:
    return [line(NOW + timedelta(seconds=5 * n), 500 + n, f"Failed password for {name}") for n, name in enumerate(names, start)]


def came(name: str, second: int = 300) -> str:
    return line(NOW + timedelta(seconds=second), 900, f"Accepted password for {name}")


def test_what_one_mistypes_is_no_guess_of_the_colleague_who_comes_in_next(tmp_path: Path) -> None:
    assert scan(tmp_path, *failed(*["bob"] * 9), came("ann")).incidents == []


def test_without_the_company_it_is(tmp_path: Path) -> None:
    found = scan(tmp_path, *failed(*["bob"] * 9), came("ann"), staff=()).incidents
    assert [incident.severity for incident in found] == [Severity.HIGH]


def test_a_guess_of_the_account_itself_stays_one(tmp_path: Path) -> None:
    found = scan(tmp_path, *failed(*["ann"] * 40), came("ann")).incidents
    assert [incident.origin.ip for incident in found] == [NAT]
    found = scan(tmp_path, *failed(*["zoe"] * 9), came("zoe")).incidents
    assert [incident.severity for incident in found] == [Severity.HIGH]


def test_an_account_that_was_never_there_among_strangers_names_stays_one(tmp_path: Path) -> None:
    found = scan(tmp_path, *failed(*["root"] * 9), came("oracle")).incidents
    assert [incident.severity for incident in found] == [Severity.HIGH]


def test_everybody_mistypes_once_and_one_more_gets_in(tmp_path: Path) -> None:
    staff = tuple(f"user{n:02}" for n in range(20))
    assert scan(tmp_path, *failed(*staff[:14]), came("user19"), staff=staff).incidents == []
    names = tuple(f"name{n:02}" for n in range(14))
    assert [incident.severity for incident in scan(tmp_path, *failed(*names), came("zoe"), staff=staff).incidents] == [Severity.HIGH]


def test_where_something_else_makes_an_incident_it_says_that_the_source_is_shared(tmp_path: Path) -> None:
    log = [*failed(*["bob"] * 9), came("ann")]
    door = f"{NOW + timedelta(minutes=8):%Y-%m-%dT%H:%M:%SZ} gate sudo: ann : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/usr/sbin/useradd -o -u 0 sys2"
    made = f"{NOW + timedelta(minutes=8, seconds=1):%Y-%m-%dT%H:%M:%SZ} gate useradd[77]: new user: name=sys2, UID=0, GID=0, home=/, shell=/bin/bash"
    (incident,) = scan(tmp_path, *log, door, made).incidents
    assert incident.severity is Severity.MEDIUM
    assert any(factor.factor == "shared source" and factor.score == 0 for factor in incident.why)
    assert any(miss.startswith(f"no guess: 6 other accounts had come in from {NAT} before: 9 failures") for miss in incident.near_misses)
    assert "guess" not in {stage.name for stage in incident.stages}
    assert "guess" not in incident.verdict and "stopped" not in incident.verdict


@pytest.mark.parametrize(("people", "shared"), [(4, False), (5, True)])
def test_five_others_make_an_address_shared(people: int, shared: bool) -> None:
    company = Company({NAT: {f"u{n}": EARLIER for n in range(people)}}, {NAT: (EARLIER,) * people})
    failures = pl.DataFrame(
        {"row": range(9), "time": [NOW] * 9, "user": ["u0"] * 9, "src_ip": [NAT] * 9, "origin_ip": [NAT] * 9, "count": [1] * 9},
        schema_overrides={"time": pl.Datetime("us", "UTC")},
    ).with_columns(country=pl.lit(None, pl.String), asn=pl.lit(None, pl.UInt32))
    book = Book(failures, failures.clear(), ("origin_ip",))
    assert bool(company.judge(NAT, "ann", book, np.arange(9), NOW, 5)) == shared
    assert company.others(NAT, "u0", NOW) == people - 1
    assert company.others(NAT, "ann", EARLIER) == 0
