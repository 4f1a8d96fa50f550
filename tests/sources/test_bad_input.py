"""Bad input to sources of the network, macOS and CEF: cut short, far in the future, an empty user, ``-``, an IPv6 zone, IPv4-mapped addresses.

An address has one spelling, what says nothing is null, and what cannot be is rejected or not recognised: counted in any case.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from network_sample import read, rows

MAPPED, ZONE, NOTHING, GOOD = "::ffff:203.0.113.9", "fe80::9%eth0", "-", "203.0.113.9"
FUTURE = "99767614400"  # the year 5131
_PFIREWALL = (
    "#Version: 1.5\n#Software: Microsoft Windows Firewall\n#Time Format: Local\n"
    "#Fields: date time action protocol src-ip dst-ip src-port dst-port size tcpflags tcpsyn tcpack tcpwin icmptype icmpcode info path\n\n"
)
_FLOW = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n"
_ZEEK = (
    "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tssh\n"
    "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tauth_success\n#types\ttime\tstring\taddr\tport\taddr\tport\tbool\n"
)


def _pfirewall(source: str, day: str = "2026-01-05") -> str:
    return f"{day} 12:00:00 DROP TCP {source} 10.0.0.5 51514 3389 52 S 1 0 64240 - - - RECEIVE\n"


def _flow(source: str, start: str = "1767614400") -> str:
    return f"2 123456789010 eni-1235b8ca123456789 {source} 10.0.0.5 51514 22 6 20 4249 {start} {start} ACCEPT OK\n"


def _zeek(source: str, time: str = "1767614400.1") -> str:
    return f"{time}\tC1\t{source}\t51514\t10.0.0.5\t22\tF\n"


def _suricata(source: str, year: str = "2026") -> str:
    return (
        f'{{"timestamp":"{year}-01-05T12:00:00.123456+0000","flow_id":1,"event_type":"ssh","src_ip":"{source}","src_port":51514,'
        '"dest_ip":"10.0.0.5","dest_port":22,"proto":"TCP","ssh":{"client":{"software_version":"x"}}}\n'
    )


def _netfilter(source: str) -> str:
    return (
        f"Jan  5 12:00:00 gw kernel: [1.0] [UFW BLOCK] IN=eth0 OUT= MAC= SRC={source} DST=10.0.0.5 LEN=60 TOS=0x00 PREC=0x00 TTL=52 ID=1 DF "
        "PROTO=TCP SPT=5 DPT=22 WINDOW=1 RES=0x00 SYN URGP=0\n"
    )


def _cef(source: str, user: str = "ann", time: str = "1767614400000") -> str:
    return f"CEF:0|Acme|Vault|1.0|7|Logon|5|rt={time} act=Logon duser={user} src={source} outcome=failure\n"


def _macos(source: str, user: str = "ann", day: str = "2026-01-05") -> str:
    return f"{day} 12:00:00.123456+0100  mac01 sshd[1]: Failed password for {user} from {source} port 22 ssh2\n"


def _lost(data: str, folder: Path) -> tuple[list[dict[str, Any]], int]:
    """Return the events of *data*, and how many records were rejected or not recognised."""
    return _lost_bytes(data.encode(), folder)


def _lost_bytes(data: bytes, folder: Path) -> tuple[list[dict[str, Any]], int]:
    collected = read(data, folder)
    lost = sum(tally.count for tally in collected.tallies() if str(tally.disposition) in {"rejected", "unrecognised"})
    return sorted(rows(collected), key=lambda row: row["record"]), lost


CASES = {
    "pfirewall": (_PFIREWALL + _pfirewall(MAPPED) + _pfirewall(ZONE) + _pfirewall(NOTHING), _pfirewall(GOOD, "2226-01-05") + _pfirewall(GOOD)[:40]),
    "vpc-flow": (_FLOW + _flow(MAPPED) + _flow(ZONE) + _flow(NOTHING), _flow(GOOD, FUTURE) + _flow(GOOD)[:60]),
    "zeek": (_ZEEK + _zeek(MAPPED) + _zeek(ZONE) + _zeek(NOTHING), _zeek(GOOD, FUTURE) + _zeek(GOOD)[:25]),
    "suricata": (_suricata(MAPPED) + _suricata(ZONE) + _suricata(NOTHING), _suricata(GOOD, "2226") + _suricata(GOOD)[:90]),
    "cef": (_cef(MAPPED) + _cef(ZONE) + _cef(NOTHING), _cef(GOOD, time="2226-01-05 12:00:00") + "CEF:0|Acme|Vault|1.0|7|Logon in\n"),
    "macos": (_macos(MAPPED) + _macos(ZONE) + _macos(NOTHING), _macos(GOOD, day="2226-13-05") + _macos(GOOD)[:70]),
}


@pytest.mark.parametrize("name", CASES)
def test_addresses_have_one_spelling_and_what_cannot_be_is_counted(name: str, tmp_path: Path) -> None:
    sound, bad = CASES[name]
    events, lost = _lost(sound + bad, tmp_path)
    assert [row["src_ip"] for row in events] == ["203.0.113.9", "fe80::9", None]
    assert lost == 2


def test_netfilter(tmp_path: Path) -> None:
    """What is no address in a line of the kernel makes it none of the filter's."""
    events, lost = _lost(_netfilter(MAPPED) + _netfilter(ZONE) + _netfilter(NOTHING) + _netfilter("") + _netfilter(GOOD)[:70], tmp_path)
    assert [row["src_ip"] for row in events] == ["203.0.113.9"]
    assert lost == 4


@pytest.mark.parametrize("make", [_cef, _macos])
@pytest.mark.parametrize("user", ["", "-"])
def test_no_user(make: Any, user: str, tmp_path: Path) -> None:
    events, lost = _lost(make(GOOD, user), tmp_path)
    assert [(row["user"], row["src_ip"]) for row in events] == [(None, GOOD)]
    assert lost == 0


def test_flow_as_parquet(tmp_path: Path) -> None:
    """Flow records in the columns of a Parquet file are not read, and that is said; of a file cut short too."""
    path = tmp_path / "flow.parquet"
    pl.DataFrame({"version": [2], "srcaddr": [GOOD], "dstaddr": ["10.0.0.5"], "start": [1767614400], "action": ["ACCEPT"]}).write_parquet(path)
    events, lost = _lost_bytes(path.read_bytes(), tmp_path)
    assert (events, lost) == ([], 1)
    events, lost = _lost_bytes(path.read_bytes()[:-40], tmp_path)
    assert (events, lost) == ([], 1)
