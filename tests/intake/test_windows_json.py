"""Windows events in JSON: every shape gives the same row, what nobody wants is counted unread, and what is odd is a reject."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.intake import json_record
from gatewatch.intake.batch import Batch
from gatewatch.intake.json_shape import Interest, Objects
from gatewatch.intake.line import cut
from gatewatch.intake.windows_column import columns
from gatewatch.schema.records import RECORD_DTYPES, WINDOWS_DTYPES

DATA = {
    "SubjectUserSid": "S-1-5-18",
    "TargetUserName": 'al"ice\\: "EventID":4634 {',
    "TargetLogonId": "0x1a2b3c",
    "LogonType": "10",
    "IpAddress": "203.0.113.77",
}
SYSTEM: dict[str, Any] = {
    "time": datetime(2026, 1, 5, 12, 0, 0, 250_000, UTC),
    "host": "GATE01.corp.example",
    "channel": "Security",
    "program": "Security",
    "event_id": 4624,
    "provider": "Microsoft-Windows-Security-Auditing",
    "event_record": 4711,
}
ACTIVITY = "{0A1B2C3D-0000-0001-5F5F-5F5F5F5F5F5F}"
Z = "2026-01-05T12:00:00.2500000Z"
MESSAGE = "An account was successfully logged on."


def block(data: bytes, interest: Interest | None = None) -> list[Batch]:
    return [batch for piece in cut([data]) for batch in json_record.frame_block(piece, interest)]


def rows(*records: object, interest: Interest | None = None) -> list[dict[str, Any]]:
    batches = block("".join(json.dumps(record, separators=(",", ":")) + "\n" for record in records).encode(), interest)
    for batch in batches:
        assert batch.rejects == []
        assert batch.strange == []
        assert dict(batch.records.schema) == WINDOWS_DTYPES
    return [row for batch in batches for row in batch.records.rows(named=True)]


def one(record: object) -> dict[str, Any]:
    (row,) = rows(record)
    return row


def evtx(number: object = 4624, data: object = DATA, **system: object) -> dict[str, Any]:
    return {
        "Event": {
            "#attributes": {"xmlns": "http://schemas.microsoft.com/win/2004/08/events/event"},
            "System": {
                "Provider": {"#attributes": {"Name": SYSTEM["provider"], "Guid": "54849625-5478-4994-A5BA-3E3B0328C30D"}},
                "EventID": number,
                "TimeCreated": {"#attributes": {"SystemTime": Z}},
                "EventRecordID": 4711,
                "Correlation": {"#attributes": {"ActivityID": ACTIVITY.strip("{}")}},
                "Execution": {"#attributes": {"ProcessID": 712, "ThreadID": 20372}},
                "Channel": "Security",
                "Computer": SYSTEM["host"],
                "Security": {"#attributes": {"UserID": "S-1-5-19"}},
                **system,
            },
            "EventData": data,
        }
    }


def at_style(number: object) -> dict[str, Any]:
    system = {
        "Provider": {"@Name": SYSTEM["provider"]},
        "EventID": number,
        "TimeCreated": {"@SystemTime": Z},
        "EventRecordID": "4711",
        "Correlation": {"@ActivityID": ACTIVITY},
        "Execution": {"@ProcessID": "712"},
        "Channel": "Security",
        "Computer": SYSTEM["host"],
        "Security": {"@UserID": "S-1-5-19"},
    }
    return {"Event": {"@xmlns": "urn:x", "System": system, "EventData": {"Data": [{"@Name": key, "#text": value} for key, value in DATA.items()]}}}


def winlogbeat(version: int) -> dict[str, Any]:
    if version < 7:
        return {
            "@timestamp": "2026-01-05T12:00:00.250Z",
            "message": MESSAGE,
            "activity_id": ACTIVITY,
            "event_id": 4624,
            "log_name": "Security",
            "computer_name": SYSTEM["host"],
            "record_number": "4711",
            "source_name": SYSTEM["provider"],
            "process_id": 712,
            "user": {"identifier": "S-1-5-19"},
            "event_data": DATA,
        }
    return {
        "@timestamp": "2026-01-05T12:00:00.250Z",
        "message": MESSAGE,
        "event": {"code": "4624", "provider": SYSTEM["provider"]},
        "host": {"name": "collector"},
        "winlog": {
            "event_id": "4624" if version == 8 else 4624,
            "channel": "Security",
            "computer_name": SYSTEM["host"],
            "record_id": 4711,
            "provider_name": SYSTEM["provider"],
            "activity_id": ACTIVITY,
            "process": {"pid": 712},
            "user": {"identifier": "S-1-5-19"},
            "event_data": DATA,
        },
    }


def dotted() -> dict[str, Any]:
    found = winlogbeat(8)
    made = {f"winlog.{key}": value for key, value in found.pop("winlog").items() if key not in ("event_data", "process", "user")}
    made |= {f"winlog.event_data.{key}": value for key, value in DATA.items()}
    return {"@timestamp": found["@timestamp"], "message": MESSAGE, "event.code": "4624", "host.name": "x", **made}


def wazuh() -> dict[str, Any]:
    system = {
        "providerName": SYSTEM["provider"],
        "eventID": "4624",
        "systemTime": Z,
        "eventRecordID": "4711",
        "processID": "712",
        "channel": "Security",
        "computer": SYSTEM["host"],
        "message": f'"{MESSAGE}"',
    }
    eventdata = {key[0].lower() + key[1:]: value for key, value in DATA.items()}
    return {"timestamp": "2026-01-05T13:00:05.000+0100", "rule": {"id": "60106"}, "data": {"win": {"system": system, "eventdata": eventdata}}}


def ecmd(stamp: str = "2026-01-05T12:00:00.2500000") -> dict[str, Any]:
    data = {"EventData": {"Data": [{"@Name": key, "#text": value} for key, value in DATA.items()]}}
    return {
        "PayloadData1": "Target: corp\\alice",
        "MapDescription": "Successful logon",
        "ChunkNumber": 0,
        "Computer": SYSTEM["host"],
        "Payload": json.dumps(data),
        "Channel": "Security",
        "Provider": SYSTEM["provider"],
        "EventId": 4624,
        "EventRecordId": "4711",
        "RecordNumber": 1,
        "ProcessId": 712,
        "TimeCreated": stamp,
    }


def cmdlet(stamp: object) -> dict[str, Any]:
    return {
        "Id": 4624,
        "LogName": "Security",
        "MachineName": SYSTEM["host"],
        "RecordId": 4711,
        "ProviderName": SYSTEM["provider"],
        "TimeCreated": stamp,
        "ProcessId": 712,
        "ActivityId": ACTIVITY.strip("{}"),
        "Properties": [{"Value": value} for value in DATA.values()],
    }


def flat(**more: object) -> dict[str, Any]:
    head = {"EventID": 4624, "Channel": "Security", "Computer": SYSTEM["host"], "EventRecordID": 4711, "Provider_Name": SYSTEM["provider"]}
    return {**head, **DATA, **more}


def nxlog(**more: object) -> dict[str, Any]:
    return {
        "EventTime": "2026-01-05 07:00:00",
        "Hostname": SYSTEM["host"],
        "Keywords": -9214364837600034816,
        "EventID": 4624,
        "SourceName": SYSTEM["provider"],
        "RecordNumber": 4711,
        "ExecutionProcessID": 712,
        "Channel": "Security",
        "Message": MESSAGE,
        "SourceModuleName": "eventlog",
        **DATA,
        **more,
    }


def otel(data: Any) -> dict[str, Any]:
    return {
        "body": {
            "channel": "Security",
            "computer": SYSTEM["host"],
            "event_id": {"id": 4624, "qualifiers": 0},
            "provider": {"name": SYSTEM["provider"], "guid": "{x}"},
            "record_id": 4711,
            "system_time": Z,
            "event_data": data,
            "message": MESSAGE,
        },
        "severity": 9,
    }


XML = (
    f"<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='{SYSTEM['provider']}'/><EventID>4624</EventID>"
    f"<TimeCreated SystemTime='{Z}'/><EventRecordID>4711</EventRecordID><Execution ProcessID='712' ThreadID='8'/><Channel>Security</Channel>"
    f"<Computer>{SYSTEM['host']}</Computer></System><EventData>"
    + "".join(f"<Data Name='{name}'>{value}</Data>" for name, value in DATA.items())
    + "</EventData></Event>"
)
SHAPES: dict[str, dict[str, Any]] = {
    "evtx_dump": evtx(),
    "evtx_dump, attributes on the id": evtx({"#attributes": {"Qualifiers": 16384}, "#text": 4624}),
    "evtx_dump, separate attributes": {
        "Event": {
            "System": {
                "Provider_attributes": {"Name": SYSTEM["provider"]},
                "EventID": 4624,
                "TimeCreated_attributes": {"SystemTime": Z},
                "EventRecordID": 4711,
                "Channel": "Security",
                "Computer": SYSTEM["host"],
                "Execution_attributes": {"ProcessID": 712},
            },
            "EventData": DATA,
        }
    },
    "@ attributes": at_style("4624"),
    "xml2js": at_style({"$": "4624", "@Qualifiers": "0"}),
    "velociraptor": {
        "System": {
            "Provider": {"Name": SYSTEM["provider"]},
            "EventID": {"Value": 4624},
            "TimeCreated": {"SystemTime": 1767614400.25},
            "EventRecordID": 4711,
            "Channel": "Security",
            "Computer": SYSTEM["host"],
            "Execution": {"ProcessID": 712},
        },
        "EventData": DATA,
        "Message": MESSAGE,
    },
    "velociraptor, flat": {
        "EventTime": Z,
        "Computer": SYSTEM["host"],
        "Channel": "Security",
        "Provider": SYSTEM["provider"],
        "EventID": 4624,
        "EventRecordID": 4711,
        "EventData": DATA,
        "UserData": None,
        "Message": MESSAGE,
    },
    "winlogbeat 8": winlogbeat(8),
    "winlogbeat 7": winlogbeat(7),
    "winlogbeat 6": winlogbeat(6),
    "GELF": {"version": "1.1", "host": "relay", "short_message": "x", **{f"_{name}": value for name, value in flat(EventTime=Z).items()}},
    "Google Cloud": {"insertId": "x", "jsonPayload": flat(SystemTime=Z), "timestamp": "2026-01-05T12:00:07Z"},
    "Chainsaw": {"group": "Sigma", "document": {"kind": "evtx", "path": "x.evtx", "data": evtx()}, "timestamp": "2026-01-05T12:00:07Z"},
    "OpenTelemetry": otel(DATA),
    "OpenTelemetry, a list": otel({"data": [{name: value} for name, value in DATA.items()]}),
    "Splunk, XML": {"preview": False, "result": {"_raw": XML, "_time": "2026-01-05T12:00:07.000+00:00", "host": "relay"}},
    "Splunk, XML alone": {"_raw": XML, "host": "relay"},
    "elasticsearch hit": {"_index": "winlogbeat", "_id": "x", "_source": winlogbeat(8), "sort": [1]},
    "dotted": dotted(),
    "wazuh": wazuh(),
    "EvtxECmd": ecmd(),
    "EvtxECmd, blank": ecmd("2026-01-05 12:00:00.2500000"),
    "Sentinel": {
        "TimeGenerated": "2026-01-05T12:00:00.25Z",
        "EventSourceName": SYSTEM["provider"],
        "Channel": "Security",
        "Computer": SYSTEM["host"],
        "EventID": 4624,
        "EventRecordId": "4711",
        **DATA,
    },
    "Sentinel, WindowsEvent": {
        "TimeGenerated": "2026-01-05T12:00:00.25Z",
        "Provider": SYSTEM["provider"],
        "Channel": "Security",
        "Computer": SYSTEM["host"],
        "EventID": 4624,
        "EventRecordId": "4711",
        "EventData": DATA,
    },
    "flat, SystemTime": flat(SystemTime=Z),
    "flat, TimeCreated with an offset": flat(TimeCreated="2026-01-05T13:00:00.25+01:00"),
    "flat, UtcTime": flat(UtcTime="2026-01-05 12:00:00.250"),
    "flat, @timestamp": flat(**{"@timestamp": Z}),
    "flat, milliseconds": flat(timestamp=1767614400250),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_gives_the_same_row(shape: str) -> None:
    row = one(SHAPES[shape])
    assert {name: row[name] for name in SYSTEM} == SYSTEM
    assert row["local"] is None
    fields = json.loads(row["fields"])
    assert {name: fields.get(name) for name in DATA} == DATA
    assert set(fields) == set(DATA) or shape == "flat, UtcTime"
    assert (row["record"], row["offset"], row["count"]) == (1, 0, 1)
    assert row["pid"] in ("712", None)


@pytest.mark.parametrize("shape", SHAPES)
def test_what_nobody_wants_is_counted(shape: str) -> None:
    record = SHAPES[shape]
    (batch,) = block(f"{json.dumps(record)}\n{json.dumps(record, separators=(',', ':'))}\n".encode(), lambda channel, number: False)
    assert batch.skipped == {("Security", 4624): 2}
    assert (batch.read, batch.records.height, batch.rejects, batch.strange) == (2, 0, [], [])


@pytest.mark.parametrize("shape", SHAPES)
def test_what_somebody_wants_is_framed(shape: str) -> None:
    record = SHAPES[shape]
    (row,) = rows(record, interest=lambda channel, number: (channel, number) == ("Security", 4624))
    assert row["event_id"] == 4624


class Wants:
    """Somebody interested in an address only."""

    def __call__(self, channel: str, event_id: int) -> bool:
        return True

    def hint(self, channel: str, event_id: int) -> str | None:
        return '"IpAddress": ?"203[.]' if event_id == 4624 else None


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_a_hint_drops_only_what_lacks_it(shape: str, separators: tuple[str, str]) -> None:
    text = json.dumps(SHAPES[shape], separators=separators)
    lines = [text, text.replace("203.0.113.77", "10.0.0.5"), text.replace("203.0.113.77", "10.0.0.6"), text.replace("4624", "4625")]
    (batch,) = block("".join(f"{line}\n" for line in lines).encode(), Wants())
    records = batch.records["record"].to_list()
    assert records in ([1, 4], [1, 2, 3, 4])
    assert batch.skipped == ({("Security", 4624): 2} if len(records) == 2 else {})
    hardly = ("@ attributes", "xml2js", "wazuh", "EvtxECmd", "EvtxECmd, blank", "dotted", "GELF")
    assert len(records) == (4 if shape in hardly or shape.startswith(("Splunk", "OpenTelemetry")) else 2)


@pytest.mark.parametrize("shape", [name for name in SHAPES if name.startswith("evtx")])
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_columns_give_what_decoding_gives(shape: str, separators: tuple[str, str]) -> None:
    record = SHAPES[shape]
    objects = Objects.of([(7, json.dumps(record, separators=separators) + "\r\n")])
    rows, fits = columns(objects)
    assert fits.to_list() == [shape != "evtx_dump, separate attributes"]
    decoded = one(record)
    for row in rows.rows(named=True):
        assert json.loads(row.pop("fields")) == json.loads(decoded["fields"])
        assert row | {"record": 1, "offset": 0} == {name: value for name, value in decoded.items() if name != "fields"}


@pytest.mark.parametrize(
    "record",
    [
        evtx(70000),
        evtx("46.5"),
        evtx(data={"A": {"B": "c"}}),
        evtx(data={"A": ["b"]}),
        evtx(data={"Data": "x"}),
        evtx(TimeCreated={"#attributes": {"SystemTime": "2026-13-05T12:00:00Z"}}),
        evtx(Computer="a\\b"),
        evtx(EventRecordID=2**64),
        {"Event": {"EventData": DATA, "System": evtx()["Event"]["System"]}},
        {"Event": {**evtx()["Event"], "UserData": None}},
        {"Event": {**evtx()["Event"], "RenderingInfo": {"Message": "x"}}},
    ],
)
def test_what_is_not_just_so_is_decoded(record: dict[str, Any]) -> None:
    assert columns(Objects.of([(0, json.dumps(record))]))[1].to_list() == [False]


def test_columns_of_a_broken_object_are_none() -> None:
    text = json.dumps(evtx(), separators=(",", ":")).replace('"LogonType":', '"LogonType" ')
    for interest in (None, Wants()):
        (batch,) = block(f"{text}\n{json.dumps(evtx())}\n".encode(), interest)
        assert [(fault.record, fault.reason) for fault in batch.rejects] == [(1, "broken JSON")]
        assert batch.records["record"].to_list() == [2]


def test_the_rest_of_the_system_block() -> None:
    for record in (evtx(), at_style(4624), winlogbeat(8), winlogbeat(6)):
        row = one(record)
        assert (row["activity"], row["user_sid"], row["pid"]) == (ACTIVITY.strip("{}").lower(), "S-1-5-19", "712")
    assert one(winlogbeat(8))["message"] == one(wazuh())["message"] == MESSAGE


@pytest.mark.parametrize("stamp", ["/Date(1767614400250)/", {"value": "/Date(1767614400250)/", "DisplayHint": 2}, "2026-01-05T13:00:00.25+01:00"])
def test_get_winevent(stamp: object) -> None:
    row = one(cmdlet(stamp))
    assert {name: row[name] for name in SYSTEM} == SYSTEM
    assert json.loads(row["fields"]) == {f"param{place}": value for place, value in enumerate(DATA.values(), 1)}
    assert row["pid"] == "712"


def test_get_winevent_without_properties_reads_the_text() -> None:
    subject = "\tSecurity ID:\t\tS-1-5-21-1-2-3-1001\r\n\tAccount Name:\t\talice\r\n\tAccount Domain:\t\tCORP\r\n\tLogon ID:\t\t0x1A2B3C\r\n"
    message = f"An account was logged off.\r\n\r\nSubject:\r\n{subject}\r\nLogon Type:\t\t\t10\r\n"
    record = cmdlet("/Date(1767614400250)/") | {"Id": 4634, "Message": message}
    del record["Properties"]
    row = one(record)
    fields = json.loads(row["fields"])
    assert fields["TargetUserName"] == "alice"
    assert fields["TargetLogonId"] == "0x1a2b3c"
    assert row["message"].startswith("An account was logged off.")


def test_a_text_not_understood_stays_a_text() -> None:
    record = winlogbeat(8) | {"message": "Ein Konto wurde abgemeldet."}
    del record["winlog"]["event_data"]
    row = one(record)
    assert (row["fields"], row["message"]) == ("{}", "Ein Konto wurde abgemeldet.")


NAIVE = datetime(2026, 1, 5, 7, 0, 0)  # noqa: DTZ001 - the wall clock of the log
ABSOLUTE = datetime(2026, 1, 5, 12, 0, 0, tzinfo=UTC)


def test_nxlog_without_receipt_times_is_a_wall_clock() -> None:
    row = one(nxlog())
    assert (row["time"], row["local"], row["resolution"]) == (None, NAIVE, 1_000_000)
    assert json.loads(row["fields"]) == DATA
    assert (row["message"], row["pid"]) == (MESSAGE, "712")


def test_receipt_times_tell_the_zone() -> None:
    row = one(nxlog(EventReceivedTime="2026-01-05 07:00:03", **{"@timestamp": "2026-01-05T12:00:04.117Z"}))
    assert (row["time"], row["local"], row["resolution"]) == (ABSOLUTE, None, 1_000_000)
    half = one(nxlog(EventReceivedTime="2026-01-05 17:30:03", EventTime="2026-01-05 17:30:00", **{"@timestamp": "2026-01-05T12:00:04.117Z"}))
    assert half["time"] == ABSOLUTE


def test_receipts_that_lie_too_far_apart_tell_nothing() -> None:
    late = {"EventReceivedTime": "2026-01-05 07:00:03", "@timestamp": "2026-01-05T12:07:00.000Z"}
    assert one(nxlog(**late))["local"] == NAIVE
    prompt = {"EventReceivedTime": "2026-01-05 07:00:03", "@timestamp": "2026-01-05T12:00:04.000Z"}
    assert [row["time"] for row in rows(nxlog(**late), nxlog(**prompt))] == [ABSOLUTE, ABSOLUTE]


def test_data_that_are_named_like_parts_of_a_record() -> None:
    names = {"Payload": 'CommandInvocation(Get-Item): "Get-Item"', "Properties": "%%7688", "EventData": "x", "Version": "1", "user": "bob"}
    row = one(nxlog(**names))
    assert row["local"] == NAIVE
    assert json.loads(row["fields"]) == DATA | {name: value for name, value in names.items() if name != "Version"}
    assert row["user_sid"] is None


def test_a_zone_in_the_event_time_counts() -> None:
    row = one(nxlog(EventTime="2026-01-05T07:00:00.250000-05:00", EventReceivedTime="2026-01-05T07:00:03.000000-05:00", **{"@timestamp": Z}))
    assert row["time"] == SYSTEM["time"]


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        (None, {}),
        ("", {}),
        ({}, {}),
        ({"Data": {"#text": ["a", "", "b"]}}, {"param1": "a", "param2": "", "param3": "b"}),
        ({"Data": {"#text": "a"}}, {"param1": "a"}),
        ({"Data": "a", "Binary": None}, {"param1": "a"}),
        ({"Data": ["a", "b"], "Binary": "00FF"}, {"param1": "a", "param2": "b", "Binary": "00FF"}),
        ({"Data": [{"#attributes": {"Name": "User"}, "#text": "x"}, {"#attributes": {"Name": "Empty"}}]}, {"User": "x", "Empty": None}),
        ({"Data": [{"@Name": "User", "#text": "x"}, {"#text": "y"}]}, {"User": "x", "param1": "y"}),
        ({"Data": {"@Name": "User", "#text": "x"}}, {"User": "x"}),
        ({"#attributes": {"Name": "Template"}, "User": "x"}, {"User": "x"}),
        ({"Name": "n", "Value": "v"}, {"Name": "n", "Value": "v"}),
        ({"A": 1, "B": True, "C": ["x"], "D": None}, {"A": 1, "B": True, "C": ["x"], "D": None}),
    ],
)
def test_event_data_become_flat(data: object, fields: object) -> None:
    assert json.loads(one(evtx(data=data))["fields"]) == fields


def test_user_data() -> None:
    record = evtx(1149, None, Channel="Microsoft-Windows-TerminalServices-RemoteConnectionManager/Operational")
    record["Event"]["UserData"] = {"EventXML": {"#attributes": {"xmlns": "Event_NS"}, "Param1": "alice", "Param2": "CORP", "Param3": "203.0.113.77"}}
    wanted = {"Param1": "alice", "Param2": "CORP", "Param3": "203.0.113.77"}
    assert json.loads(one(record)["fields"]) == wanted
    beat = winlogbeat(8)
    del beat["winlog"]["event_data"]
    beat["winlog"]["user_data"] = {"xml_name": "EventXML", **wanted}
    assert json.loads(one(beat)["fields"]) == wanted
    made = ecmd() | {"Payload": json.dumps({"UserData": {"EventXML": {"@xmlns": "Event_NS", **wanted}}})}
    assert json.loads(one(made)["fields"]) == wanted
    shy = wazuh()
    del shy["data"]["win"]["eventdata"]
    shy["data"]["win"]["eventXML"] = {"param1": "alice", "param2": "CORP", "param3": "203.0.113.77"}
    assert json.loads(one(shy)["fields"]) == wanted


def test_wazuh_keeps_names_that_are_small() -> None:
    record = wazuh()
    record["data"]["win"]["system"]["channel"] = "OpenSSH/Operational"
    record["data"]["win"]["eventdata"] = {"process": "sshd", "payload": "Server listening on 0.0.0.0 port 22."}
    assert set(json.loads(one(record)["fields"])) == {"process", "payload"}
    record["data"]["win"]["system"]["channel"] = "System"
    record["data"]["win"]["eventdata"] = {"param1": "x"}
    assert json.loads(one(record)["fields"]) == {"param1": "x"}


def test_data_as_xml() -> None:
    text = '<DataItem><EventData xmlns="urn:x"><Data Name="User">a&amp;b</Data><Data>plain</Data><Data Name="None" /></EventData></DataItem>'
    record = {"TimeGenerated": Z, "EventLog": "System", "Computer": "h", "EventID": 7045, "Source": "x", "EventData": text}
    assert json.loads(one(record)["fields"]) == {"User": "a&b", "param1": "plain", "None": ""}


def test_channel_from_the_provider() -> None:
    record = flat(SystemTime=Z)
    del record["Channel"]
    (batch,) = block(json.dumps(record).encode(), lambda channel, number: channel == "Security")
    assert batch.records["channel"].to_list() == ["Security"]
    record["Provider_Name"] = "Microsoft-Windows-Sysmon"
    assert one(record)["channel"] == "Microsoft-Windows-Sysmon/Operational"


def test_wazuh_without_anything_around() -> None:
    assert one(wazuh()["data"]) == one(wazuh())


def test_the_event_as_xml_within_json() -> None:
    xml = "<Event><System><EventID>4625</EventID><Channel>Security</Channel></System><EventData><Data Name='IpAddress'>x</Data></EventData></Event>"
    for record in ({"Message": "m", "Event": xml}, {"event": {"original": f"<?xml version='1.0'?>{xml}"}}, {"message": f"\n{xml}"}):
        assert (one(record)["event_id"], json.loads(one(record)["fields"])) == (4625, {"IpAddress": "x"})


XML = "<Event><System><EventID>4625</EventID><Channel>Security</Channel></System><EventData><Data Name='IpAddress'>x</Data></EventData></Event>"
TEXT = "01/05/2026 12:00:00 PM\nLogName=Security\nEventCode=4625\nComputerName=h\nMessage=An account failed to log on."
OTLP = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"timeUnixNano": "1767614400123456789", "body": {"stringValue": XML}}] * 2}]}]}


@pytest.mark.parametrize(
    "record",
    [
        {"jsonPayload": {"channel": "Security", "raw_xml": XML}, "timestamp": Z},
        {"System": XML, "Message": "m"},
        {"body": XML, "attributes": {}},
        {"time": 1767614400, "sourcetype": "XmlWinEventLog", "event": XML},
        {"time": 1767614400, "sourcetype": "WinEventLog", "event": TEXT},
        {"timestamp": 1767614400123, "message": "[Security] [INFORMATION] [4625] [Microsoft-Windows-Security-Auditing] [h] [An account failed.]"},
        {"winlogbeat_winlog_event_id": 4625, "winlogbeat_winlog_channel": "Security", "winlogbeat_winlog_event_data_IpAddress": "x"},
        {"winlogbeat_event_id": 4625, "winlogbeat_source_name": "Microsoft-Windows-Security-Auditing", "winlogbeat_event_data_IpAddress": "x"},
        {"EventCode": "4625", "sourcetype": "WinEventLog:Security", "message": "m"},
        {"EventID": 4625, "Source": "Microsoft-Windows-Security-Auditing", "TimeGenerated": "/Date(1767614400000)/", "ReplacementStrings": []},
    ],
)
def test_what_agents_and_services_make_of_an_event(record: dict[str, Any]) -> None:
    assert (one(record)["event_id"], one(record)["channel"]) == (4625, "Security")


def test_records_of_opentelemetry() -> None:
    found = rows(OTLP)
    assert [row["event_id"] for row in found] == [4625, 4625]
    assert found[0]["offset"] < found[1]["offset"]
    nested = {"kvlistValue": {"values": [{"key": "channel", "value": {"stringValue": "Security"}}]}}
    identity = {"key": "event_id", "value": {"kvlistValue": {"values": [{"key": "id", "value": {"intValue": "4625"}}]}}}
    nested["kvlistValue"]["values"].append(identity)
    assert one({"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": nested}]}]}]})["event_id"] == 4625


@pytest.mark.parametrize("scopes", [1, [], [{"logRecords": [1]}], [{"logRecords": [{}]}]])
def test_other_records_of_opentelemetry(scopes: object) -> None:
    (batch,) = block(json.dumps({"resourceLogs": [{"scopeLogs": scopes}]}).encode())
    assert (batch.records.height, len(batch.strange) + len(batch.rejects)) == (0, 1)


@pytest.mark.parametrize("name", ["user", "url", "agent", "text"])
def test_a_text_elsewhere_is_no_event(name: str) -> None:
    (batch,) = block(json.dumps({"@timestamp": Z, "message": "GET /", name: XML}).encode())
    assert not batch.records.height or "event_id" not in batch.records.columns


VALUES = ["S-1-5-18", "H$", "W", "0x3e7", "S-1-5-21-1-2", "ann", "W", "0x1", "3", "p", "q", "WS", "-", "-", "-", "0", "0x5", "c", "203.0.113.9", "0"]


def test_values_in_the_order_of_their_template() -> None:
    record = {"ProviderName": "Microsoft-Windows-Security-Auditing", "EventID": 4624, "Channel": "Security", "StringInserts": VALUES}
    record["TimeCreated"] = "2026-01-05 12:00:00 +0000"
    data = json.loads(one(record)["fields"])
    assert (data["TargetUserName"], data["IpAddress"], data["LogonType"]) == ("ann", "203.0.113.9", "3")
    assert str(one(record)["time"]) == "2026-01-05 12:00:00+00:00"
    for changed in (VALUES[1:], VALUES[:1] + VALUES[2:] + ["x"]):  # one left out: all that follow would stand a place too early
        assert "TargetUserName" not in json.loads(one(record | {"StringInserts": changed})["fields"])


def test_channel_from_the_data() -> None:
    record = flat(SystemTime=Z)
    for name in ("Channel", "Provider_Name", "ProviderName", "SourceName"):
        record.pop(name, None)
    assert one(record)["channel"] == "Security"
    (batch,) = block(json.dumps(record | {"EventID": 99}).encode())
    assert not batch.records.height


def test_the_log_says_when_not_the_shipper() -> None:
    record = winlogbeat(8)
    record["@timestamp"], record["winlog"]["time_created"] = "2026-02-01T00:00:00Z", Z
    assert one(record)["time"] == one(winlogbeat(8) | {"@timestamp": Z})["time"]


@pytest.mark.parametrize("number", [65536, -1, "abc", None, 46.5, True, [], "99999999999"])
@pytest.mark.parametrize("interest", [None, lambda channel, number: False])
def test_no_event_id(number: object, interest: Interest | None) -> None:
    (batch,) = block(json.dumps(evtx(number)).encode(), interest)
    assert [(reject.record, reject.offset, reject.reason) for reject in batch.rejects] == [(1, 0, "no event id")]


def test_keys_that_stand_twice_are_decoded() -> None:
    cleared = evtx(104, None, Channel="System")
    cleared["Event"] = {"UserData": {"LogFileCleared": {"Channel": "Application", "EventID": 9}}, **cleared["Event"]}
    (row,) = rows(cleared, interest=lambda channel, number: (channel, number) == ("System", 104))
    assert json.loads(row["fields"]) == {"Channel": "Application", "EventID": 9}
    (batch,) = block(json.dumps(cleared).encode(), lambda channel, number: False)
    assert batch.skipped == {("System", 104): 1}


def test_text_in_values_fools_nothing() -> None:
    forged = winlogbeat(8) | {"message": 'x","EventID":1102,"Channel":"Security"} {"EventID":1102,"Channel":"Security"'}
    (batch,) = block((json.dumps(forged) + "\n").encode(), lambda channel, number: number == 1102)
    assert batch.skipped == {("Security", 4624): 1}


@pytest.mark.parametrize(
    "record",
    [
        {"EventID": 5, "text": "no channel"},
        {"Id": 5, "channel": {"name": "general"}},
        {"EventID": 5, "Channel": 7},
        {"event_id": "5"},
        {"a": 1},
    ],
)
def test_other_objects_are_strange(record: object) -> None:
    for interest in (None, lambda channel, number: False):
        (batch,) = block(json.dumps(record).encode(), interest)
        assert [(one.record, one.reason) for one in batch.strange] == [(1, "no known JSON shape")]
        assert batch.read == 1


KEYS = st.sampled_from(["#text", "#attributes", "Name", "Data", "Value", "x", "@Name", "$"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def mutants(draw: st.DrawFn) -> dict[str, Any]:
    """A record of any shape, some value of which was replaced by any other."""
    record = json.loads(json.dumps(draw(st.sampled_from([*SHAPES.values(), nxlog(), cmdlet("/Date(1)/")]))))
    for _ in range(draw(st.integers(1, 3))):
        place = record
        while True:
            key = draw(st.sampled_from(sorted(place)))
            if isinstance(place[key], dict) and place[key] and draw(st.booleans()):
                place = place[key]
                continue
            place[key] = draw(JSON)
            break
    return record


@given(st.lists(mutants(), min_size=1, max_size=5), st.booleans())
def test_no_values_raise_and_all_are_counted(records: list[dict[str, Any]], everything: bool) -> None:
    data = "".join(json.dumps(record) + "\n" for record in records).encode()
    batches = block(data, None if everything else lambda channel, number: number != 4624)
    assert sum(batch.read for batch in batches) == len(records)
    for batch in batches:
        if batch.records.height and "event_id" in batch.records.columns:  # a record without its event id may be a document of Elastic's, no more
            assert all(isinstance(json.loads(fields), dict) for fields in batch.records["fields"].to_list())
            assert dict(batch.records.schema) == WINDOWS_DTYPES
        else:
            assert batch.records.height == 0 or set(RECORD_DTYPES) <= set(batch.records.columns)


def test_rows_stand_in_the_order_of_the_file() -> None:
    records = [SHAPES["winlogbeat 8"], {"x": 1}, SHAPES["elasticsearch hit"], SHAPES["Sentinel"], nxlog()]
    text = "".join(json.dumps(record) + "\n" for record in records).encode()
    (batch,) = block(text)
    assert batch.records["record"].to_list() == [1, 3, 4, 5]
    assert batch.strange[0].record == 2
    lines = text.splitlines(keepends=True)
    assert batch.records["offset"].to_list() == [sum(map(len, lines[:place])) for place in (0, 2, 3, 4)]
    assert pl.Series(batch.records["offset"]).is_sorted()
