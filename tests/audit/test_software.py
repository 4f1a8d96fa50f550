"""Doors that hide: what is taken for one and what is not."""

from __future__ import annotations

import pytest

from gatewatch.audit.checks.software import shadow
from gatewatch.audit.remote_tool import product_of
from gatewatch.schema.facts.machine import Autostart
from gatewatch.schema.incidents import Severity


def service(name: str, command: str, display: str = "") -> Autostart:
    return Autostart(host="h", name=name, manager="windows-service", display=display, command=command)


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("WinDefend", '"C:\\ProgramData\\Microsoft\\Windows Defender\\Platform\\4.18.26040.1-0\\MsMpEng.exe"'),
        ("WdNisSvc", '"%ProgramFiles%\\Windows Defender\\NisSrv.exe"'),
        ("mpssvc", "C:\\Windows\\system32\\svchost.exe -k LocalServiceNoNetworkFirewall -p"),
        ("SecurityHealthService", "\\SystemRoot\\system32\\SecurityHealthService.exe"),
        ("Sense", '"C:\\Program Files\\Windows Defender Advanced Threat Protection\\MsSense.exe"'),
        ("Storage", "C:\\Program Files\\Vendor\\storage.exe -f settings.conf"),
    ],
)
def test_what_belongs_there_is_left_alone(name: str, command: str) -> None:
    assert shadow(service(name, command, f"Windows Defender {name}" if name != "Storage" else "")) is None


@pytest.mark.parametrize(
    "command",
    [
        "C:\\ProgramData\\MsMpEng.exe",
        "C:\\Program Files\\Windows Defender Update\\x.exe",
        "C:\\Program Files\\Windows Defender\\..\\Temp\\x.exe",
        "C:\\Windows\\System32\\drivers\\x.exe",
        "C:\\Windows\\Temp\\Windows Defender\\MsMpEng.exe",
        "C:\\Users\\Public\\svchost.exe -k x",
    ],
)
def test_defenders_name_elsewhere_is_a_door(command: str) -> None:
    found = shadow(service("svc", command, "Microsoft Defender Antivirus Helper"))
    assert found is not None and found[0] is Severity.CRITICAL


@pytest.mark.parametrize(
    "command", ["C:\\x\\tor.exe -f C:\\x\\conf", "/opt/t/tor --defaults-torrc /x", "y.exe --torrc-file a/torrc", "z --SocksPort 1"]
)
def test_tor_with_its_own_configuration_is_a_door(command: str) -> None:
    assert shadow(service("svc", command)) is not None


@pytest.mark.parametrize(
    "name", ["libengine-gost-openssl1.1", "apt-transport-tor", "storage-monitor", "python3-parsec", "editor", "libreoffice-level"]
)
def test_names_that_only_hold_the_word_are_no_tool(name: str) -> None:
    assert product_of(name) == ""


@pytest.mark.parametrize(
    ("name", "product"),
    [
        ("tor@default.service", "Tor"),
        ("frpc.exe", "frp"),
        ("chisel_1.10", "chisel"),
        ("TeamViewer 15 Host", "TeamViewer"),
        ("meshagent", "MeshCentral"),
    ],
)
def test_tools_by_their_names(name: str, product: str) -> None:
    assert product_of(name) == product
