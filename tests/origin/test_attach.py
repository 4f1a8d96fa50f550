"""What happens in an outside session bears its origin; nothing else does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from gatewatch.origin.attach import attach, attribute
from gatewatch.origin.session import build
from gatewatch.schema.events import DTYPES

START = datetime(2026, 1, 5, 12, tzinfo=UTC)
OUT, INNER = "203.0.113.9", "10.0.0.5"


def table(*rows: dict[str, Any]) -> pl.DataFrame:
    names = sorted({name for row in rows for name in row} | {"host", "user", "session", "src_ip", "scope", "command", "source", "kind", "time"})
    data = {name: [row.get(name) for row in rows] for name in names if name != "minute"}
    data["time"] = [START + timedelta(minutes=row["minute"]) for row in rows]
    data["host"] = [row.get("host", "gate") for row in rows]
    data["scope"] = [row.get("scope", {OUT: "public", INNER: "private"}.get(row.get("src_ip", ""))) for row in rows]
    data.pop("minute", None)
    return pl.DataFrame(data, schema={name: DTYPES[name] for name in data}).sort("time").with_row_index("row")


def logon(minute: float, user: str = "ann", src: str = OUT, pid: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "minute": minute,
        "kind": "auth_success",
        "user": user,
        "src_ip": src,
        "session": f"pid:{pid}",
        "source": "sshd",
        "service": "ssh",
        "auth_method": "password",
    } | more


def end(minute: float, pid: int = 1, **more: Any) -> dict[str, Any]:
    return {"minute": minute, "kind": "session_end", "session": f"pid:{pid}", "source": "sshd"} | more


def sudo(minute: float, user: str = "ann", command: str = "/usr/bin/id", **more: Any) -> dict[str, Any]:
    return {"minute": minute, "kind": "privilege_use", "user": user, "target_user": "root", "command": command, "source": "sudo"} | more


def run(*rows: dict[str, Any], addresses: dict[str, str] | None = None) -> list[tuple[str | None, int | None, str | None]]:
    events = table(*rows)
    sessions = build(events)
    attached = attach(events, sessions, attribute(sessions, addresses or {}))
    assert attached["row"].to_list() == events["row"].to_list()
    return attached.select("origin_ip", "hop", "hop_confidence").rows()


def test_the_session_id_decides() -> None:
    rows = run(logon(0), {"minute": 1, "kind": "port_forward", "session": "pid:1", "source": "sshd"}, end(2))
    assert rows == [(OUT, 0, "certain")] * 3


def test_the_user_s_live_session_decides_where_no_id_does() -> None:
    assert run(logon(0), sudo(1), end(2), sudo(9))[1::2] == [(OUT, 0, "likely"), (None, None, None)]


def test_a_rival_session_makes_it_possible_only() -> None:
    rows = run(logon(0), logon(1, src=INNER, pid=2), sudo(2))
    assert rows[2] == (None, None, None)  # the session begun last is the likelier, and it is an inner one
    rows = run(logon(0, src=INNER, pid=2), logon(1), sudo(2))
    assert rows[2] == (OUT, 0, "possible")


def test_another_user_s_deeds_are_not_inherited() -> None:
    assert run(logon(0), sudo(1, user="bob"))[1] == (None, None, None)


def test_another_host_s_deeds_are_not_inherited() -> None:
    assert run(logon(0), sudo(1, host="other"))[1] == (None, None, None)


def test_a_tool_that_names_no_actor_is_explained_by_the_sudo_that_ran_it() -> None:
    rows = run(
        logon(0),
        logon(0, user="bob", src=INNER, pid=2),
        sudo(1, command="/usr/sbin/useradd eve"),
        {"minute": 1.02, "kind": "account_change", "target_user": "eve", "process": "useradd", "source": "shadow"},
        {"minute": 5, "kind": "account_change", "target_user": "tom", "process": "useradd", "source": "shadow"},
    )
    assert rows[3] == (OUT, 0, "likely")
    assert rows[4] == (None, None, None)


def test_root_s_own_session_explains_what_names_no_actor() -> None:
    assert run(logon(0, user="root"), {"minute": 3, "kind": "account_change", "target_user": "eve", "source": "shadow"})[1] == (OUT, 0, "likely")


def test_who_only_disconnected_is_no_rival_of_who_is_at_work() -> None:
    def windows(minute: float, number: int, src: str) -> tuple[dict[str, Any], dict[str, Any]]:
        came = logon(minute, user="adm", src=src, session=f"logon:0x{number}", source="windows-logon", service="rdp", pattern="logon-rdp")
        rights = {"minute": minute, "kind": "privilege_use", "user": "adm", "session": f"logon:0x{number}", "source": "windows-logon"}
        return came, rights | {"pattern": "special-privileges"}

    left = {"minute": 9, "kind": "session_end", "session": "logon:0x1", "source": "windows-logon", "pattern": "rdp-disconnected"}
    service = {"minute": 20, "kind": "service_install", "source": "windows-system", "pattern": "service-installed"}
    other = "198.51.100.20"
    assert run(*windows(0, 1, other), left, *windows(15, 2, OUT), service)[-1] == (OUT, 0, "likely")
    assert run(*windows(0, 1, other), *windows(15, 2, OUT), service)[-1] == (OUT, 0, "possible")  # two at work
    gone = {**left, "minute": 18, "session": "logon:0x2"}
    late = {**service, "minute": 30}
    assert run(*windows(0, 1, other), left, *windows(15, 2, OUT), gone, late)[-1] == (OUT, 0, "possible")  # nobody is


def test_without_a_security_log_whoever_is_on_the_desktop_may_have_done_it() -> None:
    came = logon(0, user="adm", session="ts:2", source="windows-rdp", service="rdp", pattern="rdp-session-logon")
    service = {"minute": 5, "kind": "service_install", "source": "windows-system", "pattern": "service-installed"}
    assert run(came, service)[1] == (OUT, 0, "likely")
    assert run(logon(0, user="adm", session="logon:0x1", source="windows-logon", service="smb"), service)[1] == (None, None, None)
    rights = {"minute": 1, "kind": "privilege_use", "user": "bob", "source": "windows-logon", "pattern": "special-privileges"}
    assert run(came, rights, service)[2] == (None, None, None)  # the log says who has rights, and it is somebody else


def test_a_logon_from_an_entered_host_is_one_hop_further_for_the_same_user_only() -> None:
    onward = logon(5, src=INNER, pid=9, host="db")
    other = logon(6, user="bob", src=INNER, pid=10, host="db")
    rows = run(logon(0), onward, other, addresses={INNER: "gate"})
    assert rows == [(OUT, 0, "certain"), (OUT, 1, "likely"), (None, None, None)]


def test_the_end_of_a_session_ends_it_and_a_reboot_ends_all() -> None:
    boot = {"minute": 3, "kind": "boot", "source": "system"}
    assert run(logon(0), boot, sudo(4))[2] == (None, None, None)
    assert run(logon(0), sudo(60 * 24 * 8))[1] == (OUT, 0, "possible")  # no end was seen, but a week is long
    assert run(logon(0), end(60 * 24 * 9), sudo(60 * 24 * 8))[1] == (OUT, 0, "likely")  # it ended a day later


def test_an_id_used_again_names_the_later_session() -> None:
    forward = {"minute": 11, "kind": "port_forward", "session": "pid:1", "source": "sshd"}
    rows = run(logon(0), end(1), logon(10, user="bob", src=INNER), forward)
    assert rows[3] == (None, None, None)


def test_failures_from_outside_are_their_own_origin() -> None:
    assert run({"minute": 0, "kind": "auth_failure", "src_ip": OUT, "source": "sshd", "user": "root"}) == [(OUT, 0, "certain")]
    assert run({"minute": 0, "kind": "auth_failure", "src_ip": INNER, "source": "sshd", "user": "root"}) == [(None, None, None)]


def test_the_audit_session_of_a_logon_is_the_logon() -> None:
    run_in = {"minute": 1, "kind": "exec", "session": "ses:7", "source": "auditd", "command": "id"}
    assert run(logon(0, linked_session="ses:7"), run_in)[1] == (OUT, 0, "certain")


def test_an_address_that_the_record_names_outweighs_rivals() -> None:
    other = "203.0.113.200"
    change = {"minute": 2, "kind": "config_change", "user": "ann", "source": "fortigate", "scope": "public"}
    inner, outer = logon(0, src=INNER, pid=2), logon(1)
    assert run(inner, outer, change | {"src_ip": OUT})[2] == (OUT, 0, "certain")
    assert run(inner, outer, change | {"src_ip": other})[2] == (other, 0, "certain")
    assert run(inner, outer, change | {"src_ip": None, "scope": None})[2] == (OUT, 0, "possible")
