"""Rules for Windows logs, written as SigmaHQ writes them, over events that our sources made of records."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from gatewatch.detect.content import load_content, report
from gatewatch.detect.correlation_file import load_correlations
from gatewatch.detect.rule import RuleSet, load_rules
from gatewatch.schema.events import DTYPES
from gatewatch.schema.records import WINDOWS_DTYPES
from gatewatch.sources import windows_account, windows_logon, windows_process
from gatewatch.sources.windows import WindowsSource, everything

SECURITY, SYSTEM, SYSMON = "Security", "System", "Microsoft-Windows-Sysmon/Operational"
SOURCES: tuple[WindowsSource, ...] = (windows_logon.SOURCE, windows_account.SOURCE, windows_process.SOURCE)
LOGON = {"LogonType": "10", "TargetUserName": "ann", "TargetDomainName": "CORP", "LogonProcessName": "User32 ", "KeyLength": 0}


def records(*given: tuple[str, int, dict[str, Any]]) -> pl.DataFrame:
    rows = [
        {"record": at, "offset": 0, "host": "WS01", "channel": channel, "event_id": number, "provider": "P", "fields": json.dumps(data), "count": 1}
        for at, (channel, number, data) in enumerate(given, 1)
    ]
    return pl.DataFrame([{name: row.get(name) for name in WINDOWS_DTYPES} for row in rows], schema=WINDOWS_DTYPES)


def decoded(*given: tuple[str, int, dict[str, Any]]) -> pl.DataFrame:
    """The events that our sources make of records, with all they said, in order."""
    table = records(*given)
    parts = [source.decode(table.filter(pl.col("event_id").is_in(sorted(source.ids)))).events for source in SOURCES]
    events = pl.concat([part for part in parts if part.height], how="diagonal_relaxed").sort("record")
    assert events.height == len(given)
    return events.with_columns(pl.col("kind").cast(DTYPES["kind"]))


def events(*given: tuple[str, int, dict[str, Any]], source: str = "windows-x", message: str | None = None) -> pl.DataFrame:
    """Events of channels whose sources do not matter here, with ``extra`` as sources make it."""
    table = records(*given)
    told = pl.lit(message, pl.String).alias("message")
    return table.select(everything(table), pl.lit(source).alias("source"), pl.lit("exec", DTYPES["kind"]).alias("kind"), told)


def rule_text(logsource: str, detection: str, name: str = "t") -> str:
    return f"title: {name}\nlogsource: {{{logsource}}}\ndetection:\n" + textwrap.indent(textwrap.dedent(detection).strip("\n"), "    ") + "\n"


def load(folder: Path, logsource: str, detection: str, **options: Any) -> RuleSet:
    (folder / "rule.yml").write_text(rule_text(logsource, detection), encoding="utf-8")
    return load_rules([folder], **options)


def met(folder: Path, logsource: str, detection: str, frame: pl.DataFrame) -> list[bool]:
    rules = load(folder, logsource, detection)
    assert rules.refused == ()
    found = rules.evaluate(frame)["rule:rule"].to_list()
    complete = frame.with_columns(pl.lit(None, DTYPES[name]).alias(name) for name in rules.columns() if name not in frame.columns)
    assert complete.select(rules.rules[0].expr).to_series().to_list() == found  # what is shared changes nothing
    return found


PUBLIC_RDP = """
selection:
    EventID: 4624
    LogonType: 10
filter_main_inside:
    IpAddress|cidr:
        - '::1/128'
        - '10.0.0.0/8'
        - 'fe80::/10'
filter_main_empty:
    IpAddress: '-'
condition: selection and not 1 of filter_main_*
"""


def test_fields_have_the_values_that_windows_wrote(tmp_path: Path) -> None:
    addresses = ["203.0.113.9", "10.1.2.3", "-", "::1", "::ffff:10.0.0.1", "2001:db8::1", "FE80::1%4"]
    frame = decoded(
        *((SECURITY, 4624, {**LOGON, "IpAddress": address}) for address in addresses),
        (SECURITY, 4624, {**LOGON, "LogonType": "3", "IpAddress": "203.0.113.9"}),
        (SECURITY, 4625, {**LOGON, "IpAddress": "203.0.113.9"}),
    )
    assert frame["src_ip"].to_list()[2] is None  # our column is normalised, the rule's field is not
    assert met(tmp_path, "product: windows, service: security", PUBLIC_RDP, frame)[:6] == [True, False, False, False, False, True]
    assert met(tmp_path, "product: windows, service: security", PUBLIC_RDP, frame)[7:] == [False, False]


@pytest.mark.parametrize(
    ("selection", "hits"),
    [
        ("{TargetUserName|endswith: '$'}", ["pc$"]),
        ("{TargetUserName: ADMIN}", ["admin"]),
        ("{TargetUserName|cased: ADMIN}", []),
        ("{TargetUserName: null}", ["none"]),
        ("{TargetUserName|exists: false}", ["none"]),
        ("{TargetUserName: ''}", ["empty"]),
        ("{LogonType: 3}", ["admin", "number"]),
        ("{LogonType: '3'}", ["admin", "number"]),
        ("{LogonType|gte: 10}", ["ten"]),
        ("{SubjectLogonId: '0x3E7'}", ["hex"]),
        ("{SubjectLogonId|gt: 1}", []),
        ("{TargetUserName|re: '^pc'}", ["pc$"]),
        ("{TargetUserName|re|i: '^PC[$]'}", ["pc$"]),
        ("{TargetUserName|fieldref: SubjectUserName}", ["same"]),
        ("{LogonProcessName: NtLmSsp}", ["padded"]),
        ("{host: x}", ["column"]),
        ("{process: sshd}", ["lower"]),
        ("{Provider_Name|startswith: p, Computer: ws01, TargetUserName: admin}", ["admin"]),
        ("{ComputerName: ws01, TargetUserName: admin}", ["admin"]),
        ("{Nested.Key: 1}", ["nested"]),
    ],
)
def test_comparisons(tmp_path: Path, selection: str, hits: list[str]) -> None:
    data: dict[str, dict[str, Any]] = {
        "pc$": {"TargetUserName": "pc$"},
        "admin": {"TargetUserName": "Admin", "LogonType": "3"},
        "none": {},
        "empty": {"TargetUserName": ""},
        "number": {"LogonType": 3, "TargetUserName": "x"},
        "ten": {"LogonType": "10", "TargetUserName": "x"},
        "hex": {"SubjectLogonId": "0x3e7", "TargetUserName": "x"},
        "same": {"TargetUserName": "Ann", "SubjectUserName": "ANN"},
        "padded": {"LogonProcessName": "NtLmSsp ", "TargetUserName": "x"},
        "column": {"host": "X", "TargetUserName": "x"},
        "lower": {"process": "sshd", "TargetUserName": "x"},
        "nested": {"Nested": {"Key": 1}, "TargetUserName": "x"},
    }
    frame = events(*((SECURITY, 1, value) for value in data.values())).with_columns(host=pl.lit("y"), process=pl.lit("y"))
    found = met(tmp_path, "product: windows, service: security", f"s: {selection}\ncondition: s", frame)
    assert [name for name, hit in zip(data, found, strict=True) if hit] == hits


def test_a_service_is_a_channel_and_a_category_is_events(tmp_path: Path) -> None:
    places = [(SECURITY, 4688), (SECURITY, 4624), (SYSTEM, 4688), (SYSMON, 1), (SYSMON, 3), ("security", 4688), ("Application", 1)]
    frame = events(*((channel, number, {}) for channel, number in places))
    anything = "s: {Nothing: null}\ncondition: s"

    def covered(logsource: str) -> list[tuple[str, int]]:
        return [place for place, hit in zip(places, met(tmp_path, logsource, anything, frame), strict=True) if hit]

    assert covered("product: windows, service: security") == [(SECURITY, 4688), (SECURITY, 4624), ("security", 4688)]
    assert covered("product: windows, service: system") == [(SYSTEM, 4688)]
    assert covered("product: windows, service: sysmon") == [(SYSMON, 1), (SYSMON, 3)]
    assert covered("product: windows, service: application") == [("Application", 1)]
    assert covered("product: windows, category: process_creation") == [(SECURITY, 4688), (SYSMON, 1), ("security", 4688)]
    assert covered("product: windows, category: process_creation, service: sysmon") == [(SYSMON, 1)]
    assert covered("product: windows, category: network_connection") == [(SYSMON, 3)]
    assert covered("product: windows") == places
    assert covered("product: linux") == []
    assert covered("product: linux, service: syslog") == []
    assert covered("category: process_creation") == []
    assert covered("product: linux, category: process_creation") == []


def test_rules_for_windows_never_meet_other_events(tmp_path: Path) -> None:
    anything = "s: {Nothing: null}\ncondition: s"
    frame = events((SECURITY, 4688, {}), source="auditd")
    assert met(tmp_path, "product: windows", anything, frame) == [False]
    assert met(tmp_path, "product: windows, service: security", anything, frame) == [False]
    assert met(tmp_path, "product: linux", anything, frame) == [True]


def test_a_process_creation_is_of_either_witness(tmp_path: Path) -> None:
    native = {"NewProcessName": r"C:\Windows\cmd.exe", "ParentProcessName": r"C:\app\w3wp.exe", "CommandLine": "cmd /c whoami"}
    sysmon = {"Image": r"C:\Windows\cmd.exe", "ParentImage": r"C:\app\w3wp.exe", "CommandLine": "cmd -c whoami", "User": r"NT AUTHORITY\SYSTEM"}
    subject = {"SubjectUserSid": "S-1-5-18", "SubjectUserName": "WS01$", "SubjectDomainName": "CORP", "SubjectLogonId": "0x3e7"}
    person = {"SubjectUserSid": "S-1-5-21-1-2-3-1104", "SubjectUserName": "ann", "SubjectDomainName": "CORP"}
    frame = events(
        (SECURITY, 4688, {**native, **subject, "MandatoryLabel": "S-1-16-16384", "ProcessId": "0x1", "NewProcessId": "0x2"}),
        (SECURITY, 4688, {**native, **person, "MandatoryLabel": "S-1-16-8192"}),
        (SYSMON, 1, {**sysmon, "IntegrityLevel": "System", "LogonId": "0x3e7", "ProcessId": 2}),
        (SYSMON, 1, {"Image": r"C:\Windows\cmd.exe"}),
    )

    def ask(detection: str) -> list[bool]:
        return met(tmp_path, "product: windows, category: process_creation", detection, frame)

    assert ask(r"""
        s: {Image|endswith: '\cmd.exe', ParentImage|contains: '\w3wp'}
        condition: s""") == [True, True, True, False]
    assert ask("s: {CommandLine|windash|contains: ' -c '}\ncondition: s") == [True, True, True, False]
    assert ask("s: {CommandLine|contains|all: [cmd, whoami]}\ncondition: s") == [True, True, True, False]
    assert ask("s: {User|contains: AUTHORI, LogonId: '0x3e7'}\ncondition: s") == [True, False, True, False]
    assert ask(r"""
        s: {User: 'corp\ann'}
        condition: s""") == [False, True, False, False]
    assert ask("s: {IntegrityLevel: System}\ncondition: s") == [True, False, True, False]
    assert ask("s: {ProcessId: ['0x2', 2]}\ncondition: s") == [True, False, True, False]
    assert ask("s: {Image|endswith: cmd.exe}\nf: {ParentImage: null}\ncondition: s and not f") == [True, True, True, False]


def test_the_process_of_4688_is_no_process_elsewhere(tmp_path: Path) -> None:
    frame = events((SECURITY, 4688, {"NewProcessName": "a.exe"}))
    assert met(tmp_path, "product: windows, service: security", "s: {NewProcessName: a.exe}\ncondition: s", frame) == [True]
    assert met(tmp_path, "product: windows, service: security", "s: {Image: a.exe}\ncondition: s", frame) == [False]


def test_encoded_words_are_found(tmp_path: Path) -> None:
    frame = events((SYSMON, 1, {"CommandLine": "powershell -e SUVYIChOZXctT2JqZWN0"}), (SYSMON, 1, {"CommandLine": "powershell"}))
    detection = "s: {CommandLine|base64offset|contains: 'IEX (New'}\ncondition: s"
    assert met(tmp_path, "product: windows, category: process_creation", detection, frame) == [True, False]


def test_the_channel_of_a_cleared_log_is_that_log(tmp_path: Path) -> None:
    cleared = [(SYSTEM, "Security"), (SYSTEM, "Application"), (SECURITY, "Security")]
    extra = [json.dumps({"EventID": 104, "System_Channel": channel, "Channel": log}) for channel, log in cleared]
    frame = pl.DataFrame({"extra": extra, "source": ["windows-system"] * 3})
    detection = "s: {EventID: 104, Channel: [Security, System]}\ncondition: s"
    assert met(tmp_path, "product: windows, service: system", detection, frame) == [True, False, False]


def test_an_event_id_among_the_data_is_no_event_id(tmp_path: Path) -> None:
    extra = [{"System_EventID": 4625, "Channel": SECURITY, "EventID": 4624}, {"EventID": 4624, "Channel": SECURITY}]
    frame = pl.DataFrame({"extra": [json.dumps(one) for one in extra], "source": ["windows-logon"] * 2})
    assert met(tmp_path, "product: windows, service: security", "s: {EventID: 4624}\ncondition: s", frame) == [False, True]


def test_the_system_part_is_found_wherever_it_stands(tmp_path: Path) -> None:
    texts = [
        '{"Channel":"Security","EventID":4624}',
        '{"EventID":4624,"Channel":"Sec\\u0075rity"}',
        '{"EventID":4624,"Channel":null}',
        "{broken",
        None,
    ]
    frame = pl.DataFrame({"extra": texts, "source": ["windows-logon"] * len(texts)})
    found = met(tmp_path, "product: windows, service: security", "s: {EventID: 4624}\ncondition: s", frame)
    assert found == [True, True, False, False, False]


def test_keywords_are_searched_in_every_value(tmp_path: Path) -> None:
    frame = events(
        (SECURITY, 4688, {"CommandLine": r"load C:\x\mimilib.dll"}),
        (SYSMON, 15, {"CommandLine": r"\mimilib.dll"}),
        (SYSTEM, 7045, {"n": {"a": ["deep::word"]}}),
    )
    detection = r"""
    keywords:
        - '\mimilib.dll'
        - 'deep::word'
        - 'CommandLine'
    filter:
        EventID: 15
    condition: keywords and not filter
    """
    assert met(tmp_path, "product: windows", detection, frame) == [True, False, True]
    spoken = events((SECURITY, 1, {}), message="An account was logged on")
    assert met(tmp_path, "product: windows", "s: {Message|contains: account was}\ncondition: s", spoken) == [True]
    assert met(tmp_path, "product: windows", "s: ['was LOGGED']\ncondition: s", spoken) == [True]
    assert met(tmp_path, "product: windows", "s: {'|all': [logged, nowhere]}\ncondition: s", spoken) == [False]


def test_data_without_names_are_one_text(tmp_path: Path) -> None:
    frame = events(
        ("Application", 18456, {"param1": "sa", "param3": "[CLIENT: 203.0.113.9]"}),
        ("Application", 18456, {"Data": "CLIENT: 10.0.0.1"}),
        ("Application", 18456, {"param": "CLIENT"}),
    )
    detection = "s: {EventID: 18456, Data|contains: CLIENT}\nf: {Data|contains: 'CLIENT: 10.'}\ncondition: s and not f"
    assert met(tmp_path, "product: windows, service: application", detection, frame) == [True, False, False]
    detection = r"""
        s: {Data|re: '^sa\n\[CLIENT'}
        condition: s"""
    assert met(tmp_path, "product: windows, service: application", detection, frame) == [True, False, False]


def test_names_with_blanks_are_found_however_rules_write_them(tmp_path: Path) -> None:
    defender = "Microsoft-Windows-Windows Defender/Operational"
    frame = events((defender, 5007, {"New Value": r"HKLM\x = 0x1"}))
    for name in ("New Value", "New_Value", "NewValue"):
        assert met(tmp_path, "product: windows, service: windefend", f"s: {{{name}|endswith: '= 0x1'}}\ncondition: s", frame) == [True], name


@pytest.mark.parametrize(
    ("detection", "reason"),
    [
        ("s: {EventID: 4672, SubjectUserName|expand: '%Admins%'}\ncondition: s", "%Admins%"),
        ("s: {EventID: 4625}\ntimeframe: 10m\ncondition: s", "correlation"),
        ("s: {EventID: 4625}\ncondition: s | count(IpAddress) by TargetUserName > 5", "pipe syntax"),
        ("s: {ImagePath|re: '(?!x)y'}\ncondition: s", "look-around"),
        ("s: {IpAddress|cidr: 10.0.0.1/8}\ncondition: s", "CIDR"),
        ("s: {Keywords: '0x8010000000000000'}\ncondition: s", "'Keywords' is not kept"),
        ("s: {EventID|hour: 3}\ncondition: s", "is no time"),
    ],
)
def test_what_cannot_be_compiled_is_refused_by_name(tmp_path: Path, detection: str, reason: str) -> None:
    rules = load(tmp_path, "product: windows, service: security", detection)
    assert rules.rules == ()
    assert [reason in refusal.reason for refusal in rules.refused] == [True]


DECODED = {SECURITY: (4624, 4688), SYSMON: (1, 3)}


@pytest.mark.parametrize(
    ("logsource", "selection", "dormant"),
    [
        ("product: windows, category: create_remote_thread", "{x: 1}", f"no such event is decoded: {SYSMON} 8"),
        ("product: windows, category: ps_classic_start", "{x: 1}", "no such event is decoded: Windows PowerShell 400"),
        ("product: windows, service: ntlm", "{EventID: 8001}", "no such event is decoded: Microsoft-Windows-NTLM/Operational, EventID 8001"),
        ("product: windows, service: security", "{EventID: [4656, 4663]}", "no such event is decoded: Security, EventID 4656, 4663"),
        ("product: windows", "{EventID: 9}", "no such event is decoded: any channel, EventID 9"),
        ("product: windows, service: security", "{EventID: [4656, 4624]}", None),
        ("product: windows, service: security", "{x: 1}", None),
        ("product: windows, category: process_creation", "{x: 1}", None),
        ("product: windows", "{x: 1}", None),
        ("product: windows, service: nonesuch", "{x: 1}", "no channel is known for the Windows service 'nonesuch'"),
        ("product: windows, category: webserver", "{x: 1}", "no event is known for the Windows category 'webserver'"),
        ("product: windows, category: ps_script, service: security", "{x: 1}", "no ps_script is written to the channel of security"),
        ("product: fortigate, service: traffic", "{x: 1}", "no source for this logsource yet: fortigate / traffic"),
        ("product: zeek, service: http", "{x: 1}", "no source for this logsource yet: zeek / http"),
        ("category: proxy", "{x: 1}", "no source for this logsource yet: proxy"),
        ("product: macos, category: file_event", "{x: 1}", "no source for this logsource yet: macos / file_event"),
    ],
)
def test_what_no_event_can_meet_is_dormant_and_says_why(tmp_path: Path, logsource: str, selection: str, dormant: str | None) -> None:
    rules = load(tmp_path, logsource, f"s: {selection}\ncondition: s", decoded=DECODED)
    assert rules.refused == ()
    assert rules.rules[0].dormant == dormant


def test_without_knowing_what_is_decoded_no_windows_rule_is_dormant(tmp_path: Path) -> None:
    assert load(tmp_path, "product: windows, category: create_remote_thread", "s: {x: 1}\ncondition: s").rules[0].dormant is None


def test_rules_share_what_they_ask_and_do_not_mix_it(tmp_path: Path) -> None:
    """Many rules over many rows, few distinct values and many, agree with each rule's own expression."""
    data: list[tuple[str, int, dict[str, Any]]] = []
    for at in range(300):
        place: tuple[str, int] = ((SECURITY, 4688), (SYSMON, 1), (SECURITY, 4624))[at % 3]
        fields: dict[str, Any] = {"NewProcessName": f"p{at % 4}.exe", "CommandLine": f"run {at}", "n": at % 5, "f": at / 8, "l": [at % 2]}
        data.append((*place, {name: value for name, value in fields.items() if (at + len(name)) % 7}))
    frame = events(*data)
    asked = {
        "a": "s: {Image: p1.exe, CommandLine|endswith: '1'}\ncondition: s",
        "b": "s: {Image: [p1.exe, p2.exe]}\nf: {CommandLine|contains: '7'}\ncondition: s and not f",
        "c": "s: {n|gte: 3}\nt: {f: 1.5}\nu: {l: '[1]'}\ncondition: 1 of them",
        "d": "s: {CommandLine: null}\nt: ['p3']\ncondition: s or t",
        "e": "s: {f|lt: 2}\nt: {Image|exists: true}\ncondition: not (s and t)",
    }
    for name, detection in asked.items():
        (tmp_path / f"{name}.yml").write_text(rule_text("product: windows, category: process_creation", detection, name))
    (tmp_path / "z.yml").write_text(rule_text("product: windows, service: security", "s: {EventID: 4624, n: 2}\ncondition: s", "z"))
    rules = load_rules([tmp_path])
    assert rules.names == (*asked, "z")
    found = rules.evaluate(frame)
    for rule in rules.rules:
        expected = frame.select(rule.expr).to_series().to_list()
        assert found[f"rule:{rule.name}"].to_list() == expected
        assert 0 < sum(expected) < len(expected)


def test_what_is_said_of_a_folder_of_rules(tmp_path: Path) -> None:
    texts = {
        "met": rule_text("product: windows, service: security", "s: {EventID: 4624}\ncondition: s"),
        "dark": rule_text("product: windows, category: image_load", "s: {Image: x}\ncondition: s"),
        "old": rule_text("product: windows, service: security", "s: {EventID: 4625}\ntimeframe: 5m\ncondition: s", "An old rule"),
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.yml").write_text(text)
    content = load_content([tmp_path], DECODED)
    assert content.extra == ("dark", "met")
    assert content.notes == (
        f"rule not used: {tmp_path / 'old.yml'}: An old rule: timeframe belongs to the old aggregation syntax; write a correlation",
        f"rule without a log it could meet: dark: no such event is decoded: {SYSMON} 7",
    )
    frame = content.rules.evaluate(decoded((SECURITY, 4624, LOGON)).with_columns(file=pl.lit("a.evtx")), content.extra)
    assert report(content, frame)[:1] == ["your rule met: 1 events; the first is record 1 of a.evtx"]


CORRELATION = """
title: Many failures
name: many
correlation:
    type: event_count
    rules: [failed]
    group-by: [TargetUserName, IpAddress]
    timespan: 5m
    condition: {gte: 3}
---
title: Failed
name: failed
logsource: {product: windows, service: security}
detection: {s: {EventID: 4625}, condition: s}
"""


def test_correlations_group_by_windows_names(tmp_path: Path) -> None:
    (tmp_path / "many.yml").write_text(CORRELATION)
    rules = load_rules([tmp_path])
    correlations = load_correlations([tmp_path], rules)
    assert correlations.refused == ()
    users = ["ann", "ann", "eve", "ann"]
    frame = events(*((SECURITY, 4625, {"TargetUserName": user, "IpAddress": "-"}) for user in users))
    timed = frame.with_row_index("row").with_columns(time=pl.datetime(2026, 1, 5, time_zone="UTC", time_unit="us") + pl.duration(seconds="row"))
    fired = correlations.evaluate(rules.evaluate(timed))["many"]
    assert fired.select("TargetUserName", "IpAddress", "row").rows() == [("ann", "-", 3)]
