"""Windows channels other than Security: what public logs give, and what holds of every text that a record may bear."""

from __future__ import annotations

import gzip
import json
import tarfile
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_windows_public import DATA, GUESSES, records
from windows_sample import WANTED, frame

from gatewatch.schema.addresses import canonical_address
from gatewatch.schema.events import Kind
from gatewatch.sources import registry, windows_mssql, windows_openssh, windows_powershell, windows_rdp, windows_sysmon, windows_task
from gatewatch.sources.windows import Meaning, WindowsSource
from gatewatch.sources.windows_excerpt import line, quoted
from gatewatch.sources.windows_ras import told
from gatewatch.sources.windows_smb import socket_address
from gatewatch.sources.windows_sysmon_change import FILES, KEYS

OTRF = DATA / "otrf"
public = pytest.mark.skipif(not DATA.is_dir(), reason="the public logs are not here")
LSM = "Microsoft-Windows-TerminalServices-LocalSessionManager/Operational"
names = st.text(st.characters(exclude_categories=("C", "Z")) | st.just(" "), min_size=1, max_size=30).map(str.strip).filter(bool)
addresses = st.sampled_from(["192.0.2.7", "198.51.100.20", "2001:db8::7"])


def decode(source: WindowsSource, batch: pl.DataFrame, *, scan: bool = True) -> pl.DataFrame:
    """Return the events that *source* makes of its part of *batch*."""
    parts = [part for one, part in registry.split(batch)[0] if one.name == source.name]
    assert len(parts) == 1, f"no records of {source.name}"
    return source.decode(parts[0], WANTED if scan else None).events


def lines(path: Path) -> Iterator[str]:
    """Return the lines of the archive *path*, one of which may be cut short."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as file:
            yield from file.read().decode().splitlines()
        return
    try:
        with gzip.open(path) as packed, tarfile.open(fileobj=packed, mode="r|") as archive:
            for member in archive:
                file = archive.extractfile(member)
                assert file is not None
                yield from (raw.decode(errors="replace") for raw in file)
    except (EOFError, tarfile.ReadError):
        return


def exported(texts: Iterable[str]) -> pl.DataFrame:
    """Return NXLog's flat objects and winlogbeat's as records."""
    found: list[dict[str, Any]] = []
    for text in texts:
        try:
            one = json.loads(text)
        except ValueError:
            continue
        beat = "log_name" in one
        found.append(
            {
                "EventID": int(one["event_id" if beat else "EventID"]),
                "Channel": one["log_name" if beat else "Channel"],
                "Computer": one["computer_name" if beat else "Hostname"],
                "Provider": one["source_name" if beat else "SourceName"],
                "Data": one.get("event_data", {}) if beat else {name: value for name, value in one.items() if name != "Message"},
                "Message": one.get("message" if beat else "Message"),
            }
        )
    return frame(found)


@public
def test_an_exposed_desktop() -> None:
    """Every 131 and 140 of the file, from outside, the failures from where the connections came."""
    (path,) = (DATA / "omerbenamram").glob("*RdpCoreTS*.evtx")
    batch = records(path)
    events = decode(windows_rdp.SOURCE, batch, scan=False)
    written = Counter(batch["event_id"].to_list())
    assert Counter(events["pattern"].to_list()) == {"rdp-connection": written[131], "rdp-failure": written[140]}
    assert written[131] > 100
    connections = events.filter(pl.col("pattern") == "rdp-connection")
    assert connections["src_port"].null_count() == 0
    assert events["src_ip"].null_count() == 0
    assert not events["src_ip"].str.contains(r"^(?:10\.|192\.168\.|127\.|169\.254\.|172\.(?:1[6-9]|2[0-9]|3[01])\.)").any()
    unconnected = set(events.filter(pl.col("kind") == str(Kind.AUTH_FAILURE))["src_ip"]) - set(connections["src_ip"])
    assert len(unconnected) <= 2  # their connections were in the damaged part


@public
def test_a_desktop_taken_up_again_and_lsass_dumped() -> None:
    """This export holds the messages of Remote Desktop's channels only, not their data."""
    batch = exported(lines(OTRF / "rdp_interactive_taskmanager_lsass_dump.zip"))
    desktop = decode(windows_rdp.SOURCE, batch).select("kind", "pattern", "user", "user_domain", "src_ip", "session").rows()
    assert desktop == [
        ("session_start", "rdp-authenticated", "pgustavo", "theshire", "1.2.3.4", None),
        ("session_end", "rdp-session-disconnect-reason", None, None, None, "ts:2"),
        ("auth_success", "rdp-session-reconnect", "pgustavo", "theshire", "1.2.3.4", "ts:2"),
    ]
    seen = decode(windows_sysmon.SOURCE, batch)
    dumps = seen.filter(pl.col("pattern").is_in(["process-access", "file-created"])).select("pattern", "object", "process")
    taskmgr = r"C:\windows\system32\taskmgr.exe"
    assert dumps.unique().sort("pattern").rows() == [
        ("file-created", r"C:\Users\pgustavo\AppData\Local\Temp\lsass.DMP", taskmgr),
        ("process-access", r"C:\windows\system32\lsass.exe", taskmgr),
    ]


@public
def test_remote_desktop_enabled_by_a_stager() -> None:
    seen = decode(windows_sysmon.SOURCE, exported(lines(OTRF / "empire_enable_rdp.tar.gz")))
    keys = seen.filter(pl.col("pattern") == "registry-set")["object"].str.extract(r"([^\\]+)$").to_list()
    assert sorted(keys) == ["UserAuthentication", "fDenyTSConnections"]


@public
def test_a_remote_session_of_powershell() -> None:
    events = decode(windows_powershell.SOURCE, exported(lines(OTRF / "empire_psremoting_stager.zip")))
    starts = events.filter(pl.col("kind") == str(Kind.SESSION_START))
    assert starts.select("pattern", "service").rows() == [("powershell-remoting", "winrm")]
    assert starts["session"].str.contains(r"^ps:[0-9a-f-]{36}$").all()


@public
@pytest.mark.parametrize(
    ("name", "source", "failures", "users"),
    [
        ("ID18456-SQL Server failed login because only Windows auth", windows_mssql.SOURCE, 6, {"unexisting-user"}),
        ("ID33205-SQL Server failed login because only Windows auth", windows_mssql.SOURCE, 6, {"unexisting-user"}),
        ("ID33205-SQL Server failed login with SA wrong password", windows_mssql.SOURCE, 27, {"sa"}),
        ("ID4-OpenSSH brutforce with non existing users (sshd logs)", windows_openssh.SOURCE, 7, {"hacker"}),
        ("ID4-OpenSSH brutforce with valid users", windows_openssh.SOURCE, 6, {"admmig"}),
    ],
)
def test_guesses_by_name(name: str, source: WindowsSource, failures: int, users: set[str]) -> None:
    """The client of that test network is ``10.23.23.9``."""
    events = decode(source, records(DATA / GUESSES / f"{name}.evtx"))
    guesses = events.filter(pl.col("kind") == str(Kind.AUTH_FAILURE))
    assert guesses.height == failures
    assert set(guesses["user"]) == users
    assert set(guesses["src_ip"]) == {"10.23.23.9"}


# -- what holds of every text


def test_data_go_before_the_message() -> None:
    message = "Remote Desktop Services: Session logon succeeded:\n\nUser: CORP\\eve\nSession ID: 9\nSource Network Address: 198.51.100.20"
    record = {"EventID": 21, "Channel": LSM, "Data": {"User": "CORP\\ann", "SessionID": 2, "Address": "192.0.2.7"}, "Message": message}
    event = decode(windows_rdp.SOURCE, frame([record])).row(0, named=True)
    assert (event["user"], event["src_ip"], event["session"]) == ("ann", "192.0.2.7", "ts:2")


@given(names, st.integers(0, 99), addresses, st.sampled_from(["\n", "\r\n"]), st.sampled_from([": ", ":", "\uff1a", " : "]))
def test_lines_of_a_message(name: str, number: int, address: str, end: str, colon: str) -> None:
    values = (name, str(number), address)
    message = "Title:" + end + end + end.join(f"Label{colon}{value}" for value in values)
    assert tuple(pl.Series([message]).str.extract(line(place), 1).str.strip_chars()[0] for place in range(3)) == values


@given(st.text(max_size=60), st.integers(0, 3))
def test_excerpts_of_any_text(text: str, place: int) -> None:
    series = pl.Series([text])
    for regex in (line(place), quoted(place)):
        found = series.str.extract(regex, 1)[0]
        assert found is None or found in text


@given(names, addresses)
def test_a_text_says_what_the_strings_say(user: str, address: str) -> None:
    """Whatever the user is called, the address is the one that the server wrote."""
    text = f"CoId={{NA}}: The user {user} connected from {address} but failed an authentication attempt due to the following reason: no"
    told_by_text, told_by_strings = told("failed-from", [], text), told("failed-from", ["{NA}", user, address, "no"], None)
    assert told_by_text["address"] == told_by_strings["address"] == address
    assert told_by_text["user"] == told_by_strings["user"] == user


def test_a_user_named_like_the_text() -> None:
    forged = "x connected from 198.51.100.20 but failed an authentication attempt due to the following reason: y"
    text = f"The user {forged} connected from 192.0.2.7 but failed an authentication attempt due to the following reason: no"
    assert told("failed-from", [], text) == {"coid": None, "user": forged, "address": "192.0.2.7", "reason": "no"}


@given(st.binary(min_size=4, max_size=4), st.integers(0, 65535), st.booleans())
def test_socket_addresses(address: bytes, port: int, dashes: bool) -> None:
    raw = b"\x02\x00" + port.to_bytes(2, "big") + address + bytes(120)
    text = raw.hex("-") if dashes else raw.hex()
    assert socket_address(text) == f"{'.'.join(map(str, address))}:{port}"


@given(st.text(max_size=60))
def test_any_text_as_socket_address(text: str) -> None:
    found = socket_address(text)
    assert found is None or found == text or canonical_address(found) is not None or found.startswith(("0.0.0.0:", "[::]:"))


WORDS = ("HKLM", "Services", "sshd", "Start", "Run", "RDP-Tcp", "PortNumber", "x", "Tasks", "u.exe", "lsass.dmp", "ssh", "Startup")


@given(st.lists(st.sampled_from(WORDS)))
def test_a_scan_looks_for_what_it_keeps(parts: list[str]) -> None:
    """The regexes of files and keys say the same of a value and of the JSON that holds it, so that no hint hides an event."""
    value = "\\".join(parts)
    for regex in (FILES, KEYS):
        plain, packed = (pl.Series([text]).str.contains(regex)[0] for text in (value, json.dumps({"TargetObject": value, "Image": "-"})))
        assert plain <= packed


def test_every_id_of_a_provider() -> None:
    """A Meaning without ids takes what its providers log and no id claims; ``*`` ends a beginning."""
    source = WindowsSource(
        name="windows-x",
        title="x",
        channels=("X",),
        meanings=(
            Meaning("known", (7,), Kind.BOOT),
            Meaning("any", (), Kind.CONFIG_CHANGE, columns={"object": "param1"}, providers=("Vnc*", "other")),
        ),
    )
    providers = ["vncserver", "VNC 4", "other", "others", None, "vncserver"]
    ids = [1, 99, 1, 1, 1, 7]
    data: list[dict[str, Any]] = [
        {"EventID": number, "Channel": "X", "Provider": provider, "Data": {"param1": "a"}} for number, provider in zip(ids, providers, strict=True)
    ]
    outcome = source.decode(frame(data), WANTED)
    assert outcome.events.select("record", "pattern").rows() == [(1, "any"), (2, "any"), (3, "any"), (6, "known")]
    assert outcome.ignored == {"event 1 says nothing of remote access": 2}
    assert source.wants(12345, WANTED)
    assert source.fate(12345) is None


def test_tasks_of_windows_itself_are_left_out_of_a_scan() -> None:
    tasks = ["\\Updater", "\\Microsoft\\Windows\\Defrag\\ScheduledDefrag", "\\MicrosoftEdgeUpdate"]
    batch = frame([{"EventID": 200, "Channel": windows_task.SOURCE.channels[0], "Data": {"TaskName": task, "ActionName": "x"}} for task in tasks])
    assert decode(windows_task.SOURCE, batch)["object"].to_list() == [tasks[0], tasks[2]]
    assert decode(windows_task.SOURCE, batch, scan=False).height == 3
