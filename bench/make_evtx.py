"""Write EVTX files of distinct records: a Security log and one of RDP connections, in the mix of a server that is exposed.

The chunks of two small logs are repeated; in every copy the record ids go on and the times move, within the records too, and the
checksums fit. The small logs are written here, or are chunks of real files (--samples): those of the channels Security and RdpCoreTS.

Usage: python bench/make_evtx.py [--records 1000000] [--samples FOLDER] FOLDER
"""

from __future__ import annotations

import argparse
import io
import json
import struct
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from evtx import PyEvtxParser

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "intake"))
from evtx_writer import CHUNK, HEAD, head, write_evtx

_RDP = "Microsoft-Windows-RemoteDesktopServices-RdpCoreTS/Operational"
_STEP = 10_000_000  # one second, between the last record of a chunk and the first of the next
_RARE = 1 << 24  # eight bytes that stand for a smaller number may stand for something else
_LONGEST = 600 * _STEP  # that a chunk may span: repeated often, longer ones would end in another age
_HOST = {"Computer": "gate01.example.net", "ProcessID": 612}


def _security(number: int) -> dict[str, Any]:
    """One event of a Security log: of a hundred, 30 failed logons, 10 logons and 10 ends, shares, processes, and noise."""
    user, address = f"user{number % 37}", f"203.0.113.{number % 200 + 1}"
    subject = {"SubjectUserSid": "S-1-5-18", "SubjectUserName": "GATE01$", "SubjectDomainName": "EXAMPLE", "SubjectLogonId": 999}
    target = {"TargetUserSid": "S-1-0-0", "TargetUserName": user, "TargetDomainName": "EXAMPLE"}
    source = {"ProcessId": 0, "ProcessName": "-", "IpAddress": address, "IpPort": str(50_000 + number)}
    turn = number % 100
    if turn < 30:
        status = {"Status": 0xC000006D, "FailureReason": "%%2313", "SubStatus": 0xC000006A, "LogonType": 3, "LogonProcessName": "NtLmSsp"}
        more = {"AuthenticationPackageName": "NTLM", "WorkstationName": "kali", "TransmittedServices": "-", "LmPackageName": "-", "KeyLength": 0}
        return {"EventID": 4625, "EventData": subject | target | status | more | source}
    if turn < 40:
        source["IpAddress"] = f"192.168.7.{number % 5 + 20}"  # logons that succeed are the services' own, or come from within
        if turn < 37:
            own = {"TargetUserSid": "S-1-5-18", "TargetUserName": "SYSTEM", "TargetDomainName": "NT AUTHORITY", "TargetLogonId": 999, "LogonType": 5}
            return {"EventID": 4624, "EventData": subject | own | source | {"LogonProcessName": "Advapi", "IpAddress": "-", "IpPort": "-"}}
        logon = {"TargetLogonId": 1_000_000 + number, "LogonType": 3, "LogonProcessName": "Kerberos", "AuthenticationPackageName": "Kerberos"}
        more = {"WorkstationName": "-", "LogonGuid": "{00000000-0000-0000-0000-000000000000}", "ElevatedToken": "%%1842"}
        return {"EventID": 4624, "EventData": subject | target | logon | more | source}
    if turn < 50:
        return {"EventID": 4634, "EventData": target | {"TargetLogonId": 1_000_000 + number, "LogonType": 3}}
    if turn < 55:
        return {"EventID": 4672, "EventData": subject | {"PrivilegeList": "SeSecurityPrivilege\r\n\t\t\tSeBackupPrivilege\r\n\t\t\tSeDebugPrivilege"}}
    if turn < 60:
        process = {"NewProcessId": number, "NewProcessName": "C:\\Windows\\System32\\svchost.exe", "TokenElevationType": "%%1936"}
        more = {"CommandLine": f"svchost.exe -k netsvcs -p -s Schedule{number}", "ParentProcessName": "C:\\Windows\\System32\\services.exe"}
        return {"EventID": 4688, "EventData": subject | process | more}
    if turn < 65:
        share = {"ObjectType": "File", "IpAddress": "192.168.7.20", "IpPort": "49812", "ShareName": "\\\\*\\SYSVOL", "ShareLocalPath": "C:\\s"}
        return {"EventID": 5145, "EventData": subject | share | {"RelativeTargetName": f"example\\Policies\\{number}", "AccessMask": 129}}
    flow = {"ProcessID": 4, "Application": "System", "Direction": "%%14592", "SourceAddress": address, "SourcePort": str(40_000 + number)}
    more = {"DestAddress": "192.0.2.10", "DestPort": "3389", "Protocol": 6, "FilterRTID": 67_249, "LayerName": "%%14610", "LayerRTID": 44}
    return {"EventID": 5156, "EventData": flow | more}


def _rdp(number: int) -> dict[str, Any]:
    """One event of RdpCoreTS: of ten, a connection, a failure, and eight that say nothing of remote access."""
    address = f"203.0.113.{number % 200 + 1}"
    made: tuple[int, dict[str, Any]] = (
        (131, {"ConnType": "TCP", "ClientIP": f"{address}:{50_000 + number}"}),
        (65, {"ConnectionName": f"RDP-Tcp#{number}"}),
        (141, {"InstanceID": number}),
        (103, {"ReasonCode": 14}),
        (148, {"ChannelName": "rdpcmd", "TunnelID": 0}),
        (140, {"IPString": address}),
        (72, {"MethodName": "OnDisconnected"}),
        (143, {"error": 64}),
        (226, {"StateTransition": "RDP_TCP", "PreviousStateName": "StateUnknown", "NewStateName": "StateDisconnected", "Event": 43}),
        (72, {"MethodName": "OnConnected"}),
    )[number % 10]
    return {"EventID": made[0], "EventData": made[1], "ActivityID": f"f4208cec-4df9-4d54-882a-{number:012x}", "UserID": "S-1-5-20"}


def _written(channel: str) -> list[bytes]:
    security = channel == "Security"
    provider = {"Provider": "Microsoft-Windows-Security-Auditing" if security else _RDP.split("/", maxsplit=1)[0]}
    events = []
    for number in range(2400):
        time = {"SystemTime": f"2026-01-05T00:{number // 60:02}:{number % 60:02}.123456Z", "Channel": channel, "EventRecordID": _RARE + number}
        events.append(_HOST | provider | time | (_security(number) if security else _rdp(number)))
    return _cut(write_evtx(events))[:-1]


def _cut(data: bytes) -> list[bytes]:
    return [data[at : at + CHUNK] for at in range(HEAD, len(data) - CHUNK + 1, CHUNK) if data.startswith(b"ElfChnk\0", at)]


def _sampled(folder: Path, channel: str) -> list[bytes]:
    """Return the sound chunks, at least half full, of the files in *folder* whose first record is of *channel*."""
    chunks = []
    for path in sorted(folder.rglob("*.evtx")):
        first = next(PyEvtxParser(str(path)).records_json())["data"]
        if f'"Channel":"{channel}"' in first:
            chunks += [chunk for chunk in _cut(path.read_bytes()) if _is_sound(chunk)]
    return chunks


def _is_sound(chunk: bytes) -> bool:
    end, checksum = struct.unpack_from("<II", chunk, 48)
    return CHUNK // 2 < end <= CHUNK and zlib.crc32(chunk[512:end]) == checksum


def _record_ids(chunk: bytes) -> list[int]:
    """Return the record ids within the events of *chunk*; exported logs have other ones in the heads of their records."""
    events = (json.loads(record["data"])["Event"] for record in PyEvtxParser(io.BytesIO(head(1) + chunk)).records_json())
    return [int(event["System"]["EventRecordID"]) for event in events]


class _Mould:
    """A chunk to be copied: where its record ids and times stand."""

    def __init__(self, chunk: bytes) -> None:
        self.octets = np.frombuffer(chunk, np.uint8).copy()
        self.end = struct.unpack_from("<I", chunk, 48)[0]
        starts = []
        at = 512
        while at < self.end:
            starts.append(at)
            at += struct.unpack_from("<I", chunk, at + 4)[0]
        self.count = len(starts)
        self.heads = np.array(starts)
        times = [struct.unpack_from("<Q", chunk, start + 16)[0] for start in starts]
        self.first_time = times[0]
        self.ids = self._places(chunk, starts, 8, _record_ids(chunk))
        self.times = self._places(chunk, starts, 16, times)
        self.offsets = np.clip([time - self.first_time for time in times], 0, _LONGEST)

    def _places(self, chunk: bytes, starts: list[int], head_place: int, values: list[int]) -> np.ndarray:
        """Return where each record holds the eight bytes of its value, in its head and in its event: rows of record and place."""
        found = []
        for row, (start, value) in enumerate(zip(starts, values, strict=True)):
            found.append((row, start + head_place))
            end = start + struct.unpack_from("<I", chunk, start + 4)[0]
            at = chunk.find(struct.pack("<Q", value), start + 24, end) if value >= _RARE else -1
            while at >= 0:
                found.append((row, at))
                at = chunk.find(struct.pack("<Q", value), at + 8, end)
        return np.array(found)

    def copy(self, first_id: int, first_time: int) -> bytes:
        """Return the chunk with ids and times from these on."""
        made = self.octets.copy()
        for places, values in ((self.ids, first_id + np.arange(self.count)), (self.times, first_time + self.offsets)):
            put = values[places[:, 0]].astype("<u8").view(np.uint8).reshape(-1, 8)
            made[places[:, 1][:, None] + np.arange(8)] = put
        data = bytearray(made.tobytes())
        last = first_id + self.count - 1
        struct.pack_into("<QQQQ", data, 8, first_id, last, first_id, last)
        struct.pack_into("<I", data, 52, zlib.crc32(memoryview(data)[512 : self.end]))
        struct.pack_into("<I", data, 124, zlib.crc32(memoryview(data)[128:512], zlib.crc32(memoryview(data)[:120])))
        return bytes(data)


def copies(chunks: list[bytes], records: int) -> Iterator[tuple[bytes, int]]:
    """Yield copies of *chunks* with the number of their records until there are *records*."""
    moulds = [_Mould(chunk) for chunk in chunks]
    number, time = 1, moulds[0].first_time
    while number <= records:
        for mould in moulds:
            yield mould.copy(number, time), mould.count
            number += mould.count
            time += int(mould.offsets.max()) + _STEP
            if number > records:
                return


def write(folder: Path, records: int, samples: Path | None = None) -> list[Path]:
    """Write about *records* records in all, two thirds of them of the Security log; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for channel, share in (("Security", records * 2 // 3), (_RDP, records - records * 2 // 3)):
        path = folder / (channel.replace("/", "%4") + ".evtx")
        chunks = _written(channel) if samples is None else _sampled(samples, channel)
        written = number = 0
        with path.open("wb") as file:
            file.write(bytes(HEAD))
            for chunk, count in copies(chunks, share):
                file.write(chunk)
                written, number = written + 1, number + count
            file.seek(0)
            file.write(head(written, number + 1))
        print(f"{path}: {number:,} records, {written:,} chunks")
        paths.append(path)
    return paths


def main() -> int:
    """Write the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--samples", type=Path, default=None, help="a folder with EVTX files whose chunks are repeated")
    given = parser.parse_args()
    write(given.folder, given.records, given.samples)
    return 0


if __name__ == "__main__":
    sys.exit(main())
