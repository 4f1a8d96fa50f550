"""Rendered and forwarded text: the same event through every agent, and names that try to forge it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from windows_export import DATA, EVTXECMD, PROVIDER, evtxecmd, flat, rendered, table, xml

from gatewatch.intake.framed import FRAMED
from gatewatch.intake.line import cut, read_lines
from gatewatch.intake.syslog import Framer
from gatewatch.intake.windows_csv import read as read_csv
from gatewatch.intake.windows_message import id_of_message
from gatewatch.intake.windows_text import CLAIM, PROGRAMS, claim, data_of_message, frame
from gatewatch.intake.windows_wording import WORDINGS
from gatewatch.intake.windows_xml import read as read_xml
from gatewatch.schema.records import WINDOWS_DTYPES

CORE = ("TargetUserName", "TargetDomainName", "IpAddress", "IpPort", "LogonType", "Status", "SubStatus", "FailureReason", "WorkstationName")
TEXT = flat(rendered())
SNARE = f"MSWinEventLog\t1\tSecurity\t2174\tSun Jan 25 12:00:00 2026\t4625\t{PROVIDER}\tN/A\tN/A\tFailure Audit\tws01.corp.example\tLogon\t"
STRUCTURED = " ".join(f'{name}="{value}"' for name, value in DATA.items())


def framed(text: str) -> pl.DataFrame:
    """Return syslog lines as the engine frames them."""
    (block,) = cut([f"{text}\n".encode()])
    return Framer().frame(read_lines(block)).records


COLLECTED = (
    f"AgentDevice=WindowsLog\tAgentLogFile=Security\tPluginVersion=7.2.9\tSource={PROVIDER}\tComputer=ws01.corp.example\tUser=\tDomain=\tEventID=4625\t"
    "EventIDCode=4625\tEventType=16\tRecordNumber=7\tTimeGenerated={}\tTimeWritten=1769342402\tMessage="
)
FORWARDED = {
    "snare": f"Jan 25 12:00:01 relay {SNARE}\t{TEXT}\t77",
    "snare, #011": f"<13>Jan 25 12:00:01 relay {SNARE.replace(chr(9), '#011')}#011{TEXT}#01177",
    "ossec": "Jan 25 12:00:01 ossec 2026 Jan 25 12:00:00 WinEvtLog: Security: AUDIT_FAILURE(4625): "
    f"{PROVIDER}: (no user): no domain: ws01.corp.example: {TEXT}",
    "ossec, agent": "Jan 25 12:00:01 ossec 2026 Jan 25 12:00:00 (ws01) 10.0.0.7->WinEvtLog 2026 Jan 25 12:00:00 WinEvtLog: "
    f"Security: AUDIT_FAILURE(4625): {PROVIDER}: (no user): no domain: ws01.corp.example: {TEXT}",
    "ossec, program": f"Jan 25 12:00:00 ws01.corp.example WinEvtLog: Security: AUDIT_FAILURE(4625): {PROVIDER}: bob: CORP: ws01.corp.example: {TEXT}",
    "ossec, no header": f"2026 Jan 25 12:00:00 WinEvtLog: Security: AUDIT_FAILURE(4625): {PROVIDER}: bob: CORP: ws01.corp.example: {TEXT}",
    "ossec, archive": "2026 Jan 25 12:00:01 (ws01) 10.0.0.7->WinEvtLog 2026 Jan 25 12:00:00 WinEvtLog: Security: "
    f"AUDIT_FAILURE(4625): {PROVIDER}: (no user): no domain: ws01.corp.example: {TEXT}",
    "ossec, bare": f"WinEvtLog: Security: AUDIT_FAILURE(4625): {PROVIDER}: bob: CORP: ws01.corp.example: {TEXT}",
    "snare, iso": f"2026-01-25T12:00:01+00:00 relay {SNARE}\t{TEXT}\t77",
    "snare, iso, #011": f"<13>2026-01-25T12:00:01.250Z relay {SNARE.replace(chr(9), '#011')}#011{TEXT}#01177",
    "snare, host and tab": f"2026-01-25T12:00:01Z relay ws01\t{SNARE}\t{TEXT}\t77",
    "snare, bare": f"{SNARE}\t{TEXT}\t77",
    "evtsys": f"Jan 25 12:00:00 ws01.corp.example Security-Auditing: 4625: AUDIT_FAILURE {TEXT}",
    "evtsys, one blank": f"Jan 25 12:00:00 ws01.corp.example Security-Auditing: 4625: AUDIT_FAILURE {' '.join(TEXT.split())}",
    "rsyslog agent": f"Jan 25 12:00:00 ws01.corp.example {PROVIDER}: 4625: {TEXT}",
    "nxlog": f"Jan 25 12:00:00 ws01.corp.example {PROVIDER}[640]: {TEXT}",
    "nxlog, ietf": f"<14>1 2026-01-25T12:00:00Z ws01.corp.example {PROVIDER} 640 - "
    f'[NXLOG@14506 EventID="4625" Channel="Security" RecordNumber="7" {STRUCTURED}] {TEXT}',
    "wincollect": f"<13>Jan 25 12:00:01 relay {COLLECTED.format(1769342400)}{TEXT}",
    "wincollect, #011, milliseconds": f"<13>Jan 25 12:00:01 relay {COLLECTED.format(1769342400000)}{TEXT}".replace("\t", "#011"),
    "xml": f"Jan 25 12:00:01 relay {xml(message=rendered()).replace(chr(13) + chr(10), ' ')}",
}


@pytest.mark.parametrize("name", FORWARDED)
def test_the_same_event_through_every_agent(name: str) -> None:
    records = framed(FORWARDED[name])
    events, rest = frame(records)
    assert rest.height == 0
    assert events.schema == pl.Schema(WINDOWS_DTYPES)
    row = events.row(0, named=True)
    data = json.loads(row["fields"])
    assert {key: data[key] for key in CORE} == {key: DATA[key] for key in CORE}
    assert data.items() <= DATA.items()
    assert (row["channel"], row["program"], row["event_id"], row["provider"], row["host"]) == (
        "Security",
        "Security",
        4625,
        PROVIDER,
        "ws01.corp.example",
    )
    assert (row["record"], row["offset"], row["count"]) == (1, 0, 1)


def test_the_same_columns_from_xml_and_csv() -> None:
    (from_xml,) = read_xml([xml().encode()])
    (from_csv,) = read_csv([table(EVTXECMD, evtxecmd())])
    columns = ["time", "host", "program", "pid", "fields", "channel", "event_id", "provider", "event_record", "user_sid"]
    assert from_xml.records.select(columns).row(0)[:4] == from_csv.records.select(columns).row(0)[:4]
    assert from_xml.records.select(columns[5:]).row(0) == from_csv.records.select(columns[5:]).row(0)
    assert json.loads(from_xml.records["fields"][0]) == json.loads(from_csv.records["fields"][0]) == DATA


def test_an_agent_without_header_has_the_time_of_its_text() -> None:
    noon = datetime(2026, 1, 25, 12)  # noqa: DTZ001 - a wall clock
    for name, expected in (("ossec, no header", noon), ("ossec, archive", noon), ("snare, bare", noon), ("ossec, bare", None)):
        events, _ = frame(framed(FORWARDED[name]))
        assert events.select("time", "local").row(0) == (None, expected), name
    events, _ = frame(framed(FORWARDED["snare, iso, #011"]))
    assert events["time"].to_list() == [datetime(2026, 1, 25, 12, 0, 1, 250000, tzinfo=UTC)]


def test_an_agent_s_name_within_another_message_is_no_event() -> None:
    for text in (f"2026-01-25T12:00:01Z web01 app: user said {SNARE}", f"2026-01-25T12:00:01Z web01 app: x WinEvtLog: Security: {TEXT}"):
        events, rest = frame(framed(text))
        assert (events.height, rest.height) == (0, 1)


def test_times() -> None:
    noon = datetime(2026, 1, 25, 12)  # noqa: DTZ001 - a wall clock
    events, _ = frame(framed(FORWARDED["snare"]))
    assert events.select("time", "local", "rel").row(0) == (None, noon, None)
    events, _ = frame(framed(FORWARDED["ossec"]))
    assert events.select("time", "local", "rel").row(0) == (None, noon, None)
    events, _ = frame(framed(FORWARDED["evtsys"]))
    assert events.select("time", "local", "rel").row(0) == (None, noon.replace(year=2000), 0)
    for name in ("wincollect", "wincollect, #011, milliseconds"):
        events, _ = frame(framed(FORWARDED[name]))
        assert events["time"].to_list() == [datetime(2026, 1, 25, 12, tzinfo=UTC)], name
    events, _ = frame(framed(FORWARDED["xml"]))
    assert events["time"].to_list() == [datetime(2026, 1, 25, 12, 0, 0, 123456, tzinfo=UTC)]
    events, _ = frame(framed(f"2026-01-25T13:00:01.5+01:00 ws01 Security-Auditing: 4625: {TEXT}"))
    assert events["time"].to_list() == [datetime(2026, 1, 25, 12, 0, 1, 500000, tzinfo=UTC)]
    instant = framed(FORWARDED["snare"]).with_columns(
        pl.lit(datetime(2026, 1, 25, 11, tzinfo=UTC)).alias("time"), pl.lit(None, pl.Datetime("us")).alias("local")
    )
    events, _ = frame(instant)
    assert events.select("time", "local").row(0) == (datetime(2026, 1, 25, 11, tzinfo=UTC), None)


def test_records_with_their_instant() -> None:
    records = framed(FORWARDED["evtsys"]).drop("local", "rel", "resolution")
    at = datetime(2026, 1, 25, 12, tzinfo=UTC)
    records = records.with_columns(pl.lit(at).alias("time"), pl.lit(timedelta(seconds=1)).alias("time_err"))
    events, _ = frame(records)
    assert events.select("time", "local", "resolution").row(0) == (at, None, 1_000_000)


def test_what_is_no_event_stays_in_its_order() -> None:
    lines = [
        "Jan 25 12:00:00 gate sshd[1]: Accepted password for bob from 192.0.2.7 port 22 ssh2",
        FORWARDED["evtsys"],
        "Jan 25 12:00:00 gate sshd[2]: Invalid user WinEvtLog: Security: AUDIT_FAILURE(4625): a: b: c: d: An account failed. from 192.0.2.7",
        "Jan 25 12:00:00 gate sshd[3]: Invalid user MSWinEventLog from 192.0.2.7 port 22",
        "Jan 25 12:00:00 gate Security-Auditing: hello",
        "Jan 25 12:00:00 gate app: <Event>oops",
        "Jan 25 12:00:00 gate WinEvtLog: hello",
        'Jan 25 12:00:00 gate app: {"EventID": 1}',
        "Jan 25 12:00:00 gate MSWinEventLog\t1\tSecurity\t2",
    ]
    records = framed("\n".join(lines))
    events, rest = frame(records)
    assert events["record"].to_list() == [2]
    assert rest["record"].to_list() == [1, 3, 4, 5, 6, 7, 8, 9]
    assert rest.equals(records.filter(pl.col("record") != 2))


@pytest.mark.parametrize("tag", ["", "nxlog: ", "winevt[12]: "])
def test_an_event_as_one_json_object(tag: str) -> None:
    event = {"EventID": 4625, "Channel": "Security", "Hostname": "ws01.corp.example", "EventTime": "2026-01-25T12:00:00Z", **DATA}
    lines = [f"Jan 25 12:00:01 relay {tag}{json.dumps(event)}", f'Jan 25 12:00:01 relay {tag}{{"EventID": 1}}', f"Jan 25 12:00:01 relay {tag}{{"]
    events, rest = frame(framed("\n".join(lines)))
    assert events.select("record", "event_id", "channel", "host").rows() == [(1, 4625, "Security", "ws01.corp.example")]
    assert json.loads(events["fields"][0]).items() >= DATA.items()
    assert events["time"].to_list() == [datetime(2026, 1, 25, 12, tzinfo=UTC)]
    assert rest["record"].to_list() == [2, 3]


def test_the_text_of_what_nobody_wants_is_not_read() -> None:
    events, _ = frame(framed(FORWARDED["evtsys"]), interest=lambda channel, number: (channel, number) != ("Security", 4625))
    assert events.select("event_id", "fields").row(0) == (4625, None)


def test_text_in_another_language_has_no_data() -> None:
    message = "Fehler beim Anmelden eines Kontos.  Antragsteller:  Sicherheits-ID:  S-1-0-0  Kontoname:  -"
    assert data_of_message(4625, message) == {}
    events, _ = frame(framed(f"Jan 25 12:00:00 ws01 Security-Auditing: 4625: AUDIT_FAILURE {message}"))
    assert events.select("event_id", "fields").row(0) == (4625, None)


def test_the_wrong_sentence_is_not_read() -> None:
    assert data_of_message(4624, rendered()) == {}
    assert data_of_message(1, rendered()) == {}


FORGED = [
    "bob Account Domain: EVIL",
    "bob  Account Domain:  EVIL  Failure Information:  Failure Reason:  x",
    f"bob{TEXT.partition('Account Name:  bob')[2].partition('This event')[0].replace('203.0.113.77', '192.0.2.66')}",
    "Account For Which Logon Failed:  Security ID:  S-1-5-18  Account Name:  root",
    f"x {TEXT.replace('203.0.113.77', '192.0.2.66').replace('bob', 'eve')}",
    "bob  Source Network Address:  192.0.2.66  Source Port:  1",
    "bob  New Label:  x",
]


@pytest.mark.parametrize("name", FORGED)
@pytest.mark.parametrize("field", ["TargetUserName", "TargetDomainName", "WorkstationName"])
def test_a_forged_name_is_never_read_wrong(name: str, field: str) -> None:
    true = {**DATA, field: name}
    for text in (rendered(true), flat(rendered(true)), " ".join(rendered(true).split())):
        data = data_of_message(4625, text)
        for key in data.keys() - {"TargetUserSid", "TransmittedServices", "LmPackageName", "KeyLength"}:
            assert data[key].split() == true[key].split(), key
        assert data.get("LogonType", "read twice" if "Logon Type:" in name else None) in ("3", "read twice")
    lines = data_of_message(4625, rendered(true))
    assert (lines["IpAddress"], lines[field]) == ("203.0.113.77", " ".join(name.split()) if "  " not in name else lines[field])


LABELS = [
    "a",
    "b",
    " ",
    ":",
    "Account Name:",
    "Account Domain:",
    "Security ID:",
    "Logon Type:",
    " Source Port: ",
    "Source Network Address: 192.0.2.9",
]


@given(st.lists(st.sampled_from(LABELS), max_size=12).map("".join))
def test_no_name_makes_the_address_another(name: str) -> None:
    text = flat(rendered({**DATA, "TargetUserName": name, "WorkstationName": name}))
    data = data_of_message(4625, text)
    assert data.get("IpAddress", "203.0.113.77") == "203.0.113.77"
    assert data.get("TargetUserName", name.strip()).split() == name.split()


def test_a_text_that_is_cut_short_is_not_read() -> None:
    assert data_of_message(4625, TEXT[: TEXT.index("Source Network")]) == {}


SINGLE = {
    (131, "The server accepted a new TCP connection from client [203.0.113.77]:50022."): {"ConnType": "TCP", "ClientIP": "[203.0.113.77]:50022"},
    (140, "A connection from the client computer with an IP address of 203.0.113.77 failed because the user name or password is not correct."): {
        "IPString": "203.0.113.77"
    },
    (40, "Session 2 has been disconnected, reason code 11"): {"Session": "2", "Reason": "11"},
    (39, "Session 2 has been disconnected by session 3"): {"TargetSession": "2", "Source": "3"},
    (104, "The System log file was cleared."): {"Channel": "System"},
    (4, "sshd: Failed password for bob from 203.0.113.77 port 50022 ssh2"): {
        "process": "sshd",
        "payload": "Failed password for bob from 203.0.113.77 port 50022 ssh2",
    },
    (1149, "Remote Desktop Services: User authentication succeeded:\r\n\r\nUser: bob\r\nDomain: CORP\r\nSource Network Address: 203.0.113.77"): {
        "Param1": "bob",
        "Param2": "CORP",
        "Param3": "203.0.113.77",
    },
    (21, "Remote Desktop Services: Session logon succeeded:  User: CORP\\bob  Session ID: 2  Source Network Address: 203.0.113.77"): {
        "User": "CORP\\bob",
        "SessionID": "2",
        "Address": "203.0.113.77",
    },
    (23, "Remote Desktop Services: Session logoff succeeded:\n\nUser: CORP\\bob\nSession ID: 2"): {"User": "CORP\\bob", "SessionID": "2"},
    (4672, ("Special privileges assigned to new logon.\n\nSubject:\n\tSecurity ID:\t\tSYSTEM\n\tAccount Name:\t\tbob\n\tAccount Domain:\t\tCORP\n"
    "\tLogon ID:\t\t0x3E7\n\nPrivileges:\t\tSeDebugPrivilege\n\t\t\tSeBackupPrivilege")): {
        "SubjectUserSid": "S-1-5-18",
        "SubjectUserName": "bob",
        "SubjectDomainName": "CORP",
        "SubjectLogonId": "0x3e7",
        "PrivilegeList": "SeDebugPrivilege SeBackupPrivilege",
    },
    (7045, ("A service was installed in the system.  Service Name:  evil  Service File Name:  C:\\evil.exe -k  Service Type:  user mode service  "
    "Service Start Type:  auto start  Service Account:  LocalSystem")): {
        "ServiceName": "evil",
        "ImagePath": "C:\\evil.exe -k",
        "ServiceType": "user mode service",
        "StartType": "auto start",
        "AccountName": "LocalSystem",
    },
    (4776, ("The computer attempted to validate the credentials for an account. Authentication Package: MICROSOFT_AUTHENTICATION_PACKAGE_V1_0 "
    "Logon Account: bob Source Workstation: KALI Error Code: 0xC000006A")): {
        "PackageName": "MICROSOFT_AUTHENTICATION_PACKAGE_V1_0",
        "TargetUserName": "bob",
        "Workstation": "KALI",
        "Status": "0xc000006a",
    },
    (4724, ("An attempt was made to reset an accounts password. Subject: Security ID: CORP\\adm Account Name: adm Account Domain: CORP Logon ID: 0x1 "
    "Target Account: Security ID: S-1-5-21-1-2-3-500 Account Name: bob Account Domain: CORP")): {
        "SubjectUserName": "adm",
        "SubjectDomainName": "CORP",
        "SubjectLogonId": "0x1",
        "TargetSid": "S-1-5-21-1-2-3-500",
        "TargetUserName": "bob",
        "TargetDomainName": "CORP",
    },
    (4732, (
    "A member was added to a security-enabled local group. Subject: Security ID: S-1-5-18 Account Name: adm Account Domain: CORP Logon ID: 0x1 "
    "Member: Security ID: S-1-5-21-1-2-3-1001 Account Name: - Group: Security ID: BUILTIN\\Remote Desktop Users Group Name: Remote Desktop Users "
    "Group Domain: Builtin Additional Information: Privileges: -")): {
        "SubjectUserSid": "S-1-5-18",
        "SubjectUserName": "adm",
        "SubjectDomainName": "CORP",
        "SubjectLogonId": "0x1",
        "MemberSid": "S-1-5-21-1-2-3-1001",
        "MemberName": "-",
        "TargetSid": "S-1-5-32-555",
        "TargetUserName": "Remote Desktop Users",
        "TargetDomainName": "Builtin",
        "PrivilegeList": "-",
    },
}  # fmt: skip


@pytest.mark.parametrize("case", SINGLE)
def test_other_events(case: tuple[int, str]) -> None:
    assert data_of_message(*case) == SINGLE[case]


def test_a_command_line_may_look_like_anything() -> None:
    head = (
        "A new process has been created.  Creator Subject:  Security ID:  S-1-5-18  Account Name:  bob  Account Domain:  CORP  Logon ID:  0x5  "
        "Target Subject:  Security ID:  S-1-0-0  Account Name:  -  Account Domain:  -  Logon ID:  0x0  Process Information:  New Process ID:  0x10  "
        "New Process Name:  C:\\cmd.exe  Token Elevation Type:  TokenElevationTypeFull (2)  Mandatory Label:  S-1-16-12288  "
        "Creator Process ID:  0x9  "
        "Creator Process Name:  C:\\a.exe  Process Command Line:  "
    )
    command = "cmd /c echo Account Name: x  Creator Process ID:  0x1  Process Command Line: y Token Elevation Type indicates z"
    data = data_of_message(4688, f"{head}{command}  Token Elevation Type indicates the type of token.")
    assert data["CommandLine"] == command
    assert (data["SubjectUserName"], data["NewProcessName"], data["ParentProcessName"]) == ("bob", "C:\\cmd.exe", "C:\\a.exe")
    assert (data["SubjectLogonId"], data["TargetLogonId"], data["ProcessId"], data["TokenElevationType"]) == ("0x5", "0x0", "0x9", "%%1937")
    old = head.replace("Creator Subject", "Subject").replace(head[head.index("Target Subject") : head.index("Process Information")], "")
    assert data_of_message(4688, f"{old}whoami")["CommandLine"] == "whoami"


def test_every_wording_reads_itself() -> None:
    for ids, sentence, labels in WORDINGS:
        names = [line.lstrip("?").strip().removesuffix("*").strip() for line in labels.splitlines() if line.strip()]
        text = [f"{name.rstrip(':').partition('=')[0].split('|')[0]}:  S-1-5-{place}" for place, name in enumerate(names)]
        data = {name.partition("=")[2]: f"S-1-5-{place}" for place, name in enumerate(names) if name.partition("=")[2]}
        for join in ("  ", "\r\n\t"):
            assert data_of_message(ids[0], f"{sentence}{join}{join.join(text)}") == data, (ids, join)


def test_a_text_shortened_by_its_process() -> None:
    cut = TEXT[: TEXT.index("Process Information")] + TEXT[TEXT.index("Network Information") :]
    assert (data_of_message(4625, cut)["IpAddress"], data_of_message(4625, cut)["TargetUserName"]) == (DATA["IpAddress"], DATA["TargetUserName"])


def test_ids_by_the_first_sentence() -> None:
    assert id_of_message(TEXT) == 4625
    assert id_of_message("A service was installed in the system. Service Name: x") == 7045
    assert id_of_message("A service was installed in the system. Subject: Security ID: x") == 4697
    assert id_of_message("The System log file was cleared.") == 104
    assert id_of_message("sshd: Failed password") is None
    assert id_of_message("anything") is None


PIECES = st.sampled_from(
    [TEXT, SNARE, "\t", "#011", "WinEvtLog: ", "Security: AUDIT_FAILURE(4625): ", "<Event ", "{", '"EventID"', ": ", "4625: ", "x"]
)


@given(
    st.lists(
        st.tuples(
            st.one_of(st.sampled_from([*PROGRAMS[:3], "WinEvtLog", '{"a"']), st.none()),
            st.lists(st.one_of(PIECES, st.text(max_size=8)), max_size=6).map("".join),
        ),
        max_size=4,
    )
)
def test_no_record_raises_and_none_is_lost(rows: list[tuple[str | None, str]]) -> None:
    table = [{"record": place, "offset": 0, "program": program, "message": text, "count": 1} for place, (program, text) in enumerate(rows, start=1)]
    records = pl.DataFrame(table, schema=FRAMED)
    events, rest = frame(records)
    assert sorted([*events["record"], *rest["record"]]) == list(range(1, len(rows) + 1))
    assert events.schema == pl.Schema(WINDOWS_DTYPES) and rest.schema == records.schema


def test_claims_are_cheap_and_narrow() -> None:
    messages = pl.DataFrame({"program": ["sshd", None, None], "message": ["WinEvtLogger", "MSWinEventLog\t1", 'x {"EventID":1}']})
    assert messages.select(claim())["program"].to_list() == [False, True, False]
    assert pl.Series([FORWARDED["ossec"].partition("ossec ")[2]]).str.contains(CLAIM).all()
