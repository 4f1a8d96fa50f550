"""Every record the lab writes is read back by our own sources, with the values that the lab says it has."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from ipaddress import IPv6Address
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatewatch import app
from gatewatch.engines import local
from gatewatch.lab.estate import Estate
from gatewatch.lab.moment import DAY, HOUR, MINUTE, START, to_datetime
from gatewatch.lab.organisation import found
from gatewatch.lab.safeguard import draw
from gatewatch.lab.scenario import library
from gatewatch.lab.site_file import describe
from gatewatch.lab.stage import Stage
from gatewatch.lab.stream import Row
from gatewatch.lab.world import make

# what one fact may be called once copies and the halves of one logon are joined, or a flow is weighed by its bytes
SAME = {
    "auth_success": {"auth_success", "session_start"},
    "session_start": {"session_start", "auth_success"},
    "connection": {"connection", "connection_denied", "file_transfer", "session_start"},  # the last: a control plane that answers
}
NEAR = timedelta(seconds=6)


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(seed=st.integers(0, 10_000))
def test_what_is_written_is_read_back(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    out = tmp_path_factory.mktemp("round") / "world"
    facts: dict[tuple[str, int], Row] = {}

    def witness(file: str, record: int, row: Row) -> None:
        if row[4] is not None:
            facts[file, record] = row

    make(out, seed=seed, users=20, days=2, scenarios=library(), number=6, volume=0.3, witness=witness)
    at, near = _events(out)
    wrong = [(key, row[2][:200], row[4]) for key, row in facts.items() if not _told(key, row, at, near)]
    assert len(facts) > 1_000
    assert wrong == []


Event = tuple[str, str | None, str | None]


def _events(out: Path) -> tuple[dict[tuple[str, int], list[Event]], dict[int, list[Event]]]:
    at: dict[tuple[str, int], list[Event]] = defaultdict(list)
    near: dict[int, list[Event]] = defaultdict(list)
    for frame in app.events([str(out / "logs")], config=str(out / "gatewatch.toml"), year=2026):
        for file, record, kind, user, src, time in frame.select("file", "record", "kind", "user", "src_ip", "time").iter_rows():
            event = (str(kind), user, src)
            at[file.split("/logs/", 1)[1], record].append(event)
            near[int(time.timestamp())].append(event)
    return at, near


def _told(key: tuple[str, int], row: Row, at: dict[tuple[str, int], list[Event]], near: dict[int, list[Event]]) -> bool:
    assert row[4] is not None
    kind, user, src = row[4]
    kinds = SAME.get(kind, {kind})

    def fits(event: Event) -> bool:
        return event[0] in kinds and (user is None or event[1] == user) and (src is None or event[2] == src)

    if key in at:
        return any(map(fits, at[key]))
    # joined with another record of the same fact: that one's event must say it all
    second = int(to_datetime(row[0]).timestamp())
    return any(fits(event) for offset in range(-NEAR.seconds, NEAR.seconds + 1) for event in near.get(second + offset, ()))


def _everywhere(out: Path, src: str) -> dict[tuple[str, int], Row]:
    """Let somebody from *src* come in by every door that logs addresses, and fail at each before; return what the records say."""
    stage_facts: dict[tuple[str, int], Row] = {}

    def witness(file: str, record: int, row: Row) -> None:
        if row[4] is not None and row[4][2] is not None:
            stage_facts[file, record] = row

    organisation = found(8, 30, 4)
    stage = Stage(organisation, out / "logs", witness)
    (out / "logs").mkdir(parents=True)
    for number, host in enumerate(organisation.hosts, 1):
        host.outer_v6 = f"2001:db8:1::{number:x}" if host.outer else None
        host.skew, host.wrong_zone = 0, None
    estate = Estate(stage)
    at, person = START + 9 * HOUR, organisation.of("developer")[0]
    for name in ("gate01", "app01"):  # the second is audited
        estate.ssh_fail(at, name, person.name, src)
        entry = estate.ssh(at + MINUTE, name, person.name, src, "password")
        estate.command(at + 2 * MINUTE, entry, "/usr/bin/id", root=True)
        estate.ssh_end(at + 3 * MINUTE, entry)
    for terminal in organisation.having("terminal"):
        estate.rdp_fail(at, terminal.name, person.name, src, "PC-1")
        desk = estate.rdp(at + MINUTE, terminal.name, person.name, src, "PC-1")
        estate.rdp_end(at + 5 * MINUTE, desk)
    for gateway in organisation.gateways:
        estate.vpn_fail(at, gateway, person.name, src)
        tunnel = estate.vpn(at + MINUTE, gateway, person.name, src, at + HOUR, "PC-1")
        if gateway in ADMINISTERED_BY_NAME:
            estate.gateways[gateway].resume(at + 20 * MINUTE, tunnel, src)
            estate.gateways[gateway].administer(at + 30 * MINUTE, "ops", src, "", "")
        estate.vpn_end(at + HOUR, tunnel)
    estate.mac.ssh_fail(at, person.name, src)
    estate.mac.close(at + 3 * MINUTE, estate.mac_ssh(at + MINUTE, person.name, src, "password", ""))
    estate.mac_screen(at + 5 * MINUTE, person.name, src)
    for provider in (estate.okta, estate.entra):
        provider.fail(at, person.name, src, person.agent)
        provider.push(at + MINUTE, person.name, src, person.agent, denied=True)
        provider.enter(at + 3 * MINUTE, person.name, src, person.agent)
    estate.kube.request(at, person.name, src, "list", "secrets", "shop", kind="auth_success")
    stage.flush(START + 4 * DAY)
    stage.close()
    plan = draw(organisation, [], frozenset())
    (out / "gatewatch.toml").write_text(describe(organisation, estate, plan), encoding="utf-8")
    return stage_facts


ADMINISTERED_BY_NAME = ("asa01", "fgt01", "pa01")
# every vendor whose records carry the address of a client; IPv6 as the vendor prints it
VENDORS = {
    "gate01/var/log/auth.log", "app01/var/log/auth.log", "app01/var/log/audit/audit.log", "rds01.corp.example/winlogbeat.ndjson",
    "rds02.corp.example/events.jsonl", "central/asa01.log", "central/fgt01.log", "central/pa01.log", "central/vpn01.log", "central/ns01.log",
    "rad01/var/log/radius.log", "mac01/unified.ndjson", "okta/system.ndjson", "entra/signins.ndjson", "zeek01/conn.ndjson", "zeek01/ssh.ndjson",
    "zeek01/rdp.ndjson", "kube01/audit.log",
}  # fmt: skip


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(number=st.integers(0x2000 << 112, (0x4000 << 112) - 1) | st.sampled_from([0x2A02 << 112 | 1, 0x2600_1700 << 96 | 0x10_0000_0000_0001]))
def test_ipv6_is_read_back_as_each_vendor_writes_it(number: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    src, out = str(IPv6Address(number)), tmp_path_factory.mktemp("six") / "world"
    facts = _everywhere(out, src)
    at, near = _events(out)
    assert {file.partition("-2026")[0] for file, _ in facts} == VENDORS
    assert {row[4][2] for row in facts.values() if row[4] is not None} == {src}
    assert [(key, row[2][:200], row[4]) for key, row in facts.items() if not _told(key, row, at, near)] == []


def test_the_inner_addresses_of_a_tunnel_are_read_back(tmp_path: Path) -> None:
    _everywhere(tmp_path / "w", "2001:db8:77::1")
    told: dict[str, set[str]] = defaultdict(set)
    for frame in app.events([str(tmp_path / "w" / "logs" / "central")], config=str(tmp_path / "w" / "gatewatch.toml"), year=2026):
        second = pl.col("extra").cast(pl.String).str.json_path_match("$.ipv6").alias("second")
        for host, *inner in frame.select("host", "assigned_ip", second).iter_rows():
            told[host].update(address for address in inner if address is not None)
    assert {host: inner for host, inner in told.items() if inner} == {
        "asa01": {"10.60.0.2", "fd00:10:60::2"}, "fgt01": {"10.61.0.2"}, "pa01": {"10.62.0.2", "fd00:10:62::2"},
        "vpn01": {"10.63.0.2", "fd00:10:63::2"},
    }  # fmt: skip


def test_who_goes_on_by_the_inner_ipv6_address_of_a_tunnel_is_known(tmp_path: Path) -> None:
    out = tmp_path / "w"
    _everywhere(out, "2001:db8:77::1")
    stamp = "2026-03-02T09:30:00.000000+00:00"
    lines = [
        f"{stamp} gate02 sshd[{number}]: Accepted publickey for ada.abel from fd00:10:{pool}::2 port 50022 ssh2: ED25519 SHA256:x"
        for number, pool in ((900, 60), (901, 62), (902, 63))
    ]
    (out / "logs" / "more").mkdir()
    (out / "logs" / "more" / "auth.log").write_text("\n".join([*lines, ""]))
    (frame,) = [local.prepare([str(out / "logs")], app.find_site([], str(out / "gatewatch.toml")), app.options()).events]
    found = frame.filter(pl.col("src_ip").cast(pl.String).str.starts_with("fd00:") & (pl.col("kind") == "auth_success"))
    assert found.select("src_ip", "origin_ip", "hop").sort("src_ip").rows() == [
        (f"fd00:10:{pool}::2", "2001:db8:77::1", 1) for pool in (60, 62, 63)
    ]
