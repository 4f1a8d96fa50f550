"""A resolver or sensor tells of another host's contact with Tor: its address names the host, and the logon through a tunnel is explained."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatewatch.app import scan
from gatewatch.site.load import load_site

SITE = """
[site]
name = "relay"
zone = "UTC"
year = 2026
[hosts.db02]
addresses = ["10.0.0.6"]
"""
XRDP = "[20260302-02:01:03] [INFO ] ++ created session: username ann, ip 127.0.0.1"
QUERIES = {
    "dnsmasq": "Mar  1 20:00:00 dns01 dnsmasq[812]: query[A] abcdefghijklmnop.onion from {0}",
    "unbound": "Mar  1 20:00:00 dns01 unbound[812]: [812:0] info: {0} abcdefghijklmnop.onion. A IN",
    "unbound's own file": "[1772395200] unbound[812:0] info: {0} abcdefghijklmnop.onion. A IN",
    "bind": "Mar  1 20:00:00 dns01 named[812]: client @0x7f {0}#5353 (abcdefghijklmnop.onion): query: abcdefghijklmnop.onion IN A +E(0)K (10.0.0.2)",
    "notice": '{{"_path":"notice","ts":1772395200.0,"note":"TorNotice::Tor_Certificate","msg":"x","src":"{0}","dst":"203.0.113.4","p":9001}}',
    "zeek": '{{"_path":"dns","ts":1772395200.0,"uid":"C1","id.orig_h":"{0}","id.orig_p":5353,"id.resp_h":"10.0.0.2","id.resp_p":53,"proto":"udp",'
    '"query":"abcdefghijklmnop.onion","qtype_name":"A"}}',
}


def chains(folder: Path, query: str) -> list[str]:
    (folder / "gatewatch.toml").write_text(SITE, encoding="utf-8")
    logs = folder / "logs"
    (logs / "db02").mkdir(parents=True)
    (logs / "dns.log").write_text(query + "\n", encoding="utf-8")
    (logs / "db02" / "xrdp-sesman.log").write_text(XRDP + "\n", encoding="utf-8")
    return [incident.chain for incident in scan([str(logs)], site=load_site(folder / "gatewatch.toml")).incidents]


@pytest.mark.parametrize("resolver", list(QUERIES))
def test_the_host_that_asked_is_the_one_entered(tmp_path: Path, resolver: str) -> None:
    assert chains(tmp_path, QUERIES[resolver].format("10.0.0.6")) == ["an1005-tor-service"]


@pytest.mark.parametrize("address", ["10.0.0.7", "127.0.0.1"])
def test_another_host_asked(tmp_path: Path, address: str) -> None:
    assert chains(tmp_path, QUERIES["dnsmasq"].format(address)) == []
