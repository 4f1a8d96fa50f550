"""What one logon over a Cisco ASA becomes: several messages, one logon, one session id."""

from __future__ import annotations

from typing import Any

from sample import Sample, records

from gatewatch.sources.cisco_asa import SOURCE


def decode(*texts: str) -> list[dict[str, Any]]:
    rows = []
    for number, text in enumerate(texts):
        code, _, message = text.partition(": ")
        rows.append(Sample("", number, f"%ASA-6-{code}", None, None, message, None, None))
    return SOURCE.decode(records(rows)).events.to_dicts()


ANN = "Group <staff> User <ann> IP <192.0.2.7>"


def test_one_logon_is_one_success_with_the_public_address() -> None:
    rows = decode(
        "113004: AAA user authentication Successful : server =  10.0.0.8 : user = ann",
        "113009: AAA retrieved default group policy (staff) for user = ann",
        "113008: AAA transaction status ACCEPT : user = ann",
        "734001: DAP: User ann, Addr 192.0.2.7, Connection AnyConnect: The following DAP records were selected for this connection: x",
        f"716038: {ANN} Authentication: successful, Session Type: WebVPN.",
        f"113039: {ANN} AnyConnect parent session started.",
        f"722022: {ANN} TCP SVC connection established without compression",
        f"722051: {ANN} IPv4 Address <10.9.0.5> IPv6 address <::> assigned to session",
    )
    successes = [row for row in rows if row["kind"] == "auth_success"]
    assert [(row["user"], row["src_ip"]) for row in successes] == [("ann", "192.0.2.7")]
    assert [row["assigned_ip"] for row in rows if row["assigned_ip"]] == ["10.9.0.5"]
    assert {row["session"] for row in rows if row["src_ip"]} == {"ann@192.0.2.7"}


def test_a_session_keeps_its_id_when_the_client_moves() -> None:
    rows = decode(
        f"113039: {ANN} AnyConnect parent session started.",
        f"716058: {ANN} AnyConnect session lost connection. Waiting to resume.",
        f"716059: {ANN} AnyConnect session resumed. Connection from <203.0.113.9>.",
        "113019: Group = staff, Username = ann, IP = 192.0.2.7, Session disconnected. Session Type: SSL, Duration: 0h:32m:16s, "
        "Bytes xmt: 297103, Bytes rcv: 1216163, Reason: User Requested",
    )
    assert {row["session"] for row in rows} == {"ann@192.0.2.7"}
    assert [(row["kind"], row["src_ip"]) for row in rows] == [
        ("auth_success", "192.0.2.7"),
        ("session_end", "192.0.2.7"),  # of the connection: the session waits to be resumed
        ("auth_success", "203.0.113.9"),
        ("session_end", "192.0.2.7"),
    ]
    assert rows[2]["auth_method"] == "token"  # never the end of a guess


def test_one_failed_attempt_shares_a_session_id() -> None:
    rows = decode(
        "113015: AAA user authentication Rejected : reason = Invalid password : local database : user = ann : user IP = 192.0.2.7",
        "611102: User authentication failed: IP address: 192.0.2.7, Uname: ann",
        '605004: Login denied from 192.0.2.7/51923 to outside:203.0.113.1/ssh for user "ann"',
    )
    assert [row["kind"] for row in rows] == ["auth_failure"] * 3
    assert {row["session"] for row in rows} == {"ann@192.0.2.7"}
