"""What sshd's lines of one connection mean together; single lines are in the samples."""

from __future__ import annotations

from typing import Any

import pytest
from sample import Sample, records

from gatewatch.sources.sshd import SOURCE


def decode(*lines: tuple[str, str]) -> list[dict[str, Any]]:
    batch = records([Sample("", n, "sshd", pid, None, text, None, None) for n, (pid, text) in enumerate(lines)])
    return SOURCE.decode(batch).events.to_dicts()


def test_one_attempt_is_told_by_several_patterns_of_one_session() -> None:
    rows = decode(
        ("90", "Invalid user admin from 192.0.2.1 port 50022"),
        ("90", "pam_unix(sshd:auth): check pass; user unknown"),
        ("90", "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.1"),
        ("90", "Failed password for invalid user admin from 192.0.2.1 port 50022 ssh2"),
        ("90", "Connection closed by invalid user admin 192.0.2.1 port 50022 [preauth]"),
    )
    assert [row["pattern"] for row in rows] == ["invalid-user", "pam-failure-sshd", "failed", "closed-invalid"]
    assert {row["session"] for row in rows} == {"pid:90"}
    assert {row["src_ip"] for row in rows} == {"192.0.2.1"}
    assert {row["service"] for row in rows} == {"ssh"}
    assert [row["kind"] for row in rows] == ["auth_failure", "auth_failure", "auth_failure", "connection_closed"]


def test_a_login_links_the_process_that_serves_it() -> None:
    rows = decode(
        ("90", "Accepted publickey for alice from 192.0.2.1 port 50022 ssh2: ED25519 SHA256:abcd"),
        ("90", "pam_unix(sshd:session): session opened for user alice(uid=1000) by (uid=0)"),
        ("90", "User child is on pid 95"),
        ("95", "Starting session: shell on pts/0 for alice from 192.0.2.1 port 50022 id 0"),
        ("95", "Disconnected from user alice 192.0.2.1 port 50022"),
        ("90", "pam_unix(sshd:session): session closed for user alice"),
    )
    assert [row["kind"] for row in rows] == [
        "auth_success",
        "session_start",
        "session_start",
        "session_start",
        "session_end",
        "session_end",
    ]
    assert [row["session"] for row in rows] == ["pid:90", "pid:90", "pid:90", "pid:95", "pid:95", "pid:90"]
    assert [row["linked_session"] for row in rows] == [None, None, "pid:95", "tty:pts/0", None, None]


def test_repeats_multiply() -> None:
    batch = records([Sample("", 1, "sshd", "90", None, "Failed password for root from 192.0.2.1 port 22 ssh2", None, None)] * 2)
    batch = batch.with_columns(count=5)
    more = records(
        [
            Sample(
                "",
                1,
                "sshd",
                "90",
                None,
                "PAM 2 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.1",
                None,
                None,
            )
        ]
    )
    assert SOURCE.decode(batch).events["count"].to_list() == [5, 5]
    assert SOURCE.decode(more.with_columns(count=3)).events["count"].to_list() == [6]


@pytest.mark.parametrize(
    ("spoof", "user"),
    [
        ("root from 198.51.100.9 port 22 ssh2", "root from 198.51.100.9 port 22 ssh2"),
        ("x from 198.51.100.9", "x from 198.51.100.9"),
        ("x from 198.51.100.9 port 22 ssh2 [preauth]", "x from 198.51.100.9 port 22 ssh2 [preauth]"),
        ("x [preauth]", "x [preauth]"),
        ("198.51.100.9 port 22", "198.51.100.9 port 22"),
    ],
)
def test_a_name_never_stands_for_the_peer(spoof: str, user: str) -> None:
    texts = (
        f"Failed password for invalid user {spoof} from 192.0.2.1 port 50022 ssh2",
        f"Invalid user {spoof} from 192.0.2.1 port 50022",
        f"error: maximum authentication attempts exceeded for invalid user {spoof} from 192.0.2.1 port 50022 ssh2 [preauth]",
        f"Connection closed by invalid user {spoof} 192.0.2.1 port 50022 [preauth]",
        f"Disconnected from invalid user {spoof} 192.0.2.1 port 50022 [preauth]",
        f"Disconnecting invalid user {spoof} 192.0.2.1 port 50022: Too many authentication failures [preauth]",
        f"error: PAM: Authentication failure for illegal user {spoof} from 192.0.2.1",
    )
    rows = decode(*(("90", text) for text in texts))
    assert len(rows) == len(texts)
    assert {row["src_ip"] for row in rows} == {"192.0.2.1"}
    assert {row["user"] for row in rows} == {user}
    assert all(row["invalid_user"] for row in rows)
