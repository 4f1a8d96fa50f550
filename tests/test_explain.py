"""``gatewatch explain`` takes the way of a scan: it names the source that the scan names, and shows the same event."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from gatewatch.explain import explain_target

DROP = (
    "IN=eth0 OUT= MAC= SRC=203.0.113.9 DST=10.0.0.5 LEN=60 TOS=0x00 PREC=0x00 TTL=51 ID=54321 DF PROTO=TCP SPT=51514 DPT=22 WINDOW=64240 "
    "RES=0x00 SYN URGP=0"
)
OKTA = '{"eventType":"user.session.start","published":"2026-01-05T11:00:00.000Z","actor":{"alternateId":"ann"},"outcome":{"result":"FAILURE"}}'
INNER = "Jan  5 11:59:58 gate01 sshd[4711]: Failed password for root from 203.0.113.9 port 50022 ssh2"
PAGE = (Path(__file__).parents[1] / "docs/how-to/map-your-own-format.md").read_text(encoding="utf-8")
MAPS = [block.split("```", 1)[0] for block in PAGE.split("```toml\n")[1:4]]


@pytest.mark.parametrize(
    ("line", "source", "event"),
    [
        (f"Jan  5 12:00:00 fw01 kernel: [UFW BLOCK] {DROP}", "netfilter: score 1, pattern blocked-in", "kind            connection_denied"),
        ("Jan  5 12:00:00 fw01 kernel: usb 1-1: new device", "system: score 0", "event     none: unrecognised"),
        # the sources below lay a line out before their patterns see it
        (
            "2026-01-05 12:00:00 192.0.2.7:50000 [ann] Peer Connection Initiated with [AF_INET]192.0.2.7:50000",
            "openvpn: score 1, pattern peer-initiated",
            "user            ann",
        ),
        (
            'Jan  5 12:00:00 fw01 : %ASA-6-605005: Login permitted from 10.0.0.87/6651 to inside:10.0.0.1/ssh for user "ann"',
            "cisco-asa: score 1, pattern admin-permitted",
            "user            ann",
        ),
        ("Jan  5 12:00:00 gate01 sshd(pam_unix)[1]: session opened for user ann by (uid=0)", "pam: score 1", "user            ann"),
        (f"Jan  5 12:00:00 relay01 files: {INNER}", "sshd: score 1, pattern failed", "host            gate01"),
        (OKTA, "okta: claims okta", "user            ann"),
        ('{"hello": "world"}', "", "event     none: no shape of JSON that we know"),
        ("gibberish", "none of sshd", "event     none: no source claims this record"),
    ],
)
def test_a_line_goes_where_a_scan_sends_it(line: str, source: str, event: str) -> None:
    said = explain_target(line, year=2026)
    sources = [row for row in said.splitlines() if row.startswith("source ")]
    assert len(sources) == (1 if source else 0)
    assert source in "".join(sources)
    assert event in said


def test_a_bare_message_is_tried_with_every_source() -> None:
    said = explain_target("Failed password for root from 203.0.113.9 port 50022 ssh2")
    assert "source    sshd: score 1, pattern failed" in said
    assert "time            unknown" in said


@pytest.mark.parametrize("spec", MAPS)
def test_a_map_of_the_user_comes_first(spec: str, tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text(spec, encoding="utf-8")
    sample = tomllib.loads(spec)["map"][0]["sample"][0]["raw"]
    said = explain_target(sample, maps=[str(path)])
    assert f"your map recognises it ({path})" in said
    assert "decoded by" in said
    assert "your map" not in explain_target(sample)
    log = tmp_path / "app.log"
    log.write_text(sample + "\n", encoding="utf-8")
    assert "decoded by" in explain_target(f"{log}:1", maps=[str(path)])


def test_a_line_too_long_to_name_a_file_is_a_line() -> None:
    assert "framing" in explain_target("x" * 5000)
    assert "framing" in explain_target("a\x00b")
