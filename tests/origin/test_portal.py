"""Through Guacamole to an inner host: one hop on, whatever account the connection logs on with; and nothing where nothing says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatewatch.app import events
from gatewatch.site.load import load_site

SITE = """
[network]
outside = ["203.0.113.0/24", "198.51.100.0/24"]
proxies = ["10.0.0.9/32"]
[hosts.guac01]
addresses = ["10.0.0.7"]
[hosts.db02]
addresses = ["10.0.0.12"]
"""
WEB = "Mar  2 {0} guac01 tomcat9[800]: {0}.123 [http-nio-8080-exec-3] INFO  "
LOGIN = WEB.format("02:00:00") + 'o.a.g.r.auth.AuthenticationService - User "ann" successfully authenticated from {0}.'
CONNECT = WEB.format("02:01:00") + 'o.a.g.tunnel.TunnelRequestService - User "ann" connected to connection "{0}".'
SSH = "Mar  2 02:01:03 db02 sshd[900]: Accepted password for {0} from 10.0.0.7 port 40022 ssh2"
RDP = "[20260302-02:01:03] [INFO ] ++ created session: username {0}, ip 10.0.0.7"


def origins(folder: Path, *lines: str, xrdp: str = "") -> list[tuple[str | None, int | None, str | None]]:
    """Return origin, hop and confidence of the logon on db02."""
    (folder / "gatewatch.toml").write_text(SITE, encoding="utf-8")
    logs = folder / "logs"
    logs.mkdir()
    (logs / "all.log").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if xrdp:
        (logs / "db02").mkdir()
        (logs / "db02" / "xrdp-sesman.log").write_text(xrdp + "\n", encoding="utf-8")
    found = []
    for frame in events([str(logs)], site=load_site(folder / "gatewatch.toml"), zone="UTC", year=2026):
        part = frame.filter((frame["host"] == "db02") & (frame["kind"].cast(str) == "auth_success"))
        found += part.select("origin_ip", "hop", "hop_confidence").rows()
    return found


@pytest.mark.parametrize("account", ["ann", "postgres"])
def test_ssh_through_the_portal_is_one_hop_on(tmp_path: Path, account: str) -> None:
    lines = (LOGIN.format("203.0.113.7"), CONNECT.format("db02"), SSH.format(account))
    assert origins(tmp_path, *lines) == [("203.0.113.7", 1, "likely")]


def test_a_remote_desktop_of_linux_through_the_portal_is_one_hop_on(tmp_path: Path) -> None:
    lines = (LOGIN.format("203.0.113.7"), CONNECT.format("db02"))
    assert origins(tmp_path, *lines, xrdp=RDP.format("dbadmin")) == [("203.0.113.7", 1, "likely")]


def test_the_declared_proxy_before_the_portal_is_believed(tmp_path: Path) -> None:
    lines = (LOGIN.format("[198.51.100.66, 203.0.113.7, 10.0.0.9]"), CONNECT.format("db02"), SSH.format("postgres"))
    assert origins(tmp_path, *lines) == [("203.0.113.7", 1, "likely")]


def test_what_somebody_else_s_proxy_says_is_not_believed(tmp_path: Path) -> None:
    lines = (LOGIN.format("[203.0.113.7, 10.0.0.8]"), CONNECT.format("db02"), SSH.format("postgres"))
    assert origins(tmp_path, *lines) == [(None, None, None)]


def test_a_number_names_no_target_and_no_hop_is_invented(tmp_path: Path) -> None:
    lines = (LOGIN.format("203.0.113.7"), CONNECT.format("17"), SSH.format("postgres"))
    assert origins(tmp_path, *lines) == [(None, None, None)]


def test_another_target_is_none_of_it(tmp_path: Path) -> None:
    lines = (LOGIN.format("203.0.113.7"), CONNECT.format("web03"), SSH.format("postgres"))
    assert origins(tmp_path, *lines) == [(None, None, None)]


def test_two_people_on_one_target_are_rivals(tmp_path: Path) -> None:
    second = LOGIN.format("198.51.100.9").replace('"ann"', '"bob"').replace("02:00:00", "02:00:30")
    also = CONNECT.format("db02").replace('"ann"', '"bob"').replace("02:01:00", "02:01:01")
    rows = origins(tmp_path, LOGIN.format("203.0.113.7"), second, CONNECT.format("db02"), also, SSH.format("postgres"))
    assert rows == [("198.51.100.9", 1, "possible")]
