"""Windows log sources of Sigma: the channels and events behind them, and what their field names mean.

Rules for ``product: windows`` are asked of events whose ``source`` begins with ``windows-``. Their fields are Windows' own names, looked up
in ``extra``, where the values stand as Windows wrote them (``IpAddress: '-'``); never in our columns, which are normalised. A ``service``
is a channel, a ``category`` one or more events of a channel; both together must hold.

Generic categories have more than one witness: a process creation is Sysmon 1 or Security 4688, and a field finds whichever name is there
(``Image``, ``NewProcessName``). Unnamed data are ``Data``. Keywords and ``Message`` are searched in the rendered text and in every value.

Log sources: https://sigmahq.io/docs/basics/log-sources.html; channels of services:
https://github.com/SigmaHQ/sigma-specification/blob/main/appendix/sigma-taxonomy-appendix.md
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

import polars as pl
from sigma.rule import SigmaDetection, SigmaDetections, SigmaLogSource

from gatewatch.detect.extra_key import CHANNEL, EVENT_ID, HEAD, TEXT, UNNAMED
from gatewatch.detect.field_map import Field, FieldMap, Form, at_keys
from gatewatch.detect.predicate import FALSE, Leaf, Predicate, every, given, leaves_of, some
from gatewatch.detect.sigma_leaf import leaf, text_leaf
from gatewatch.detect.sigma_regex import literal

Decoded = Mapping[str, Collection[int]]
"""The events that some source decodes: channel and their ids."""

SOURCE_PREFIX = "windows-"
SYSMON = "Microsoft-Windows-Sysmon/Operational"
_POWERSHELL = ("Microsoft-Windows-PowerShell/Operational", "PowerShellCore/Operational")
_CLASSIC = "Windows PowerShell"


def _sysmon(*ids: int) -> tuple[tuple[str, int], ...]:
    return tuple((SYSMON, number) for number in ids)


CATEGORIES: Mapping[str, tuple[tuple[str, int], ...]] = MappingProxyType(
    {
        "process_creation": (*_sysmon(1), ("Security", 4688)),
        "file_change": _sysmon(2),
        "network_connection": _sysmon(3),
        "sysmon_status": _sysmon(4, 16),
        "process_termination": _sysmon(5),
        "driver_load": _sysmon(6),
        "image_load": _sysmon(7),
        "create_remote_thread": _sysmon(8),
        "raw_access_thread": _sysmon(9),
        "process_access": _sysmon(10),
        "file_event": _sysmon(11),
        "registry_event": _sysmon(12, 13, 14),
        "registry_add": _sysmon(12),
        "registry_delete": _sysmon(12),
        "registry_set": _sysmon(13),
        "registry_rename": _sysmon(14),
        "create_stream_hash": _sysmon(15),
        "pipe_created": _sysmon(17, 18),
        "wmi_event": _sysmon(19, 20, 21),
        "dns_query": _sysmon(22),
        "file_delete": _sysmon(23),
        "clipboard_change": _sysmon(24),
        "process_tampering": _sysmon(25),
        "file_delete_detected": _sysmon(26),
        "file_block_executable": _sysmon(27),
        "file_block_shredding": _sysmon(28),
        "file_executable_detected": _sysmon(29),
        "sysmon_error": _sysmon(255),
        "ps_module": tuple((channel, 4103) for channel in _POWERSHELL),
        "ps_script": tuple((channel, 4104) for channel in _POWERSHELL),
        "ps_classic_start": ((_CLASSIC, 400),),
        "ps_classic_provider_start": ((_CLASSIC, 600),),
        "ps_classic_script": ((_CLASSIC, 800),),
    }
)
"""Sigma's categories and the events (channel, id) that are of them."""

_TERMINAL_SERVICES = "Microsoft-Windows-TerminalServices"
_MORE_SERVICES = {
    "terminalservices-remoteconnectionmanager": (f"{_TERMINAL_SERVICES}-RemoteConnectionManager/Operational",),
    "terminalservices-gateway": (f"{_TERMINAL_SERVICES}-Gateway/Operational", f"{_TERMINAL_SERVICES}-Gateway/Admin"),
    "terminalservices-rdpclient": (f"{_TERMINAL_SERVICES}-RDPClient/Operational",),
    "rdpcorets": ("Microsoft-Windows-RemoteDesktopServices-RdpCoreTS/Operational",),
    "winrm": ("Microsoft-Windows-WinRM/Operational",),
    "smbclient-connectivity": ("Microsoft-Windows-SmbClient/Connectivity",),
    "smbserver-security": ("Microsoft-Windows-SMBServer/Security",),
    "smbserver-connectivity": ("Microsoft-Windows-SMBServer/Connectivity",),
    "smbserver-operational": ("Microsoft-Windows-SMBServer/Operational",),
    "smbserver-audit": ("Microsoft-Windows-SMBServer/Audit",),
}


@cache
def services() -> Mapping[str, tuple[str, ...]]:
    """Return Sigma's services and their channels: pySigma's table, and what it lacks of remote access."""
    from sigma.pipelines.common import windows_logsource_mapping  # noqa: PLC0415 - heavy, and only Windows rules need it

    found = {name: (channels,) if isinstance(channels, str) else tuple(channels) for name, channels in windows_logsource_mapping.items()}
    return MappingProxyType({**_MORE_SERVICES, **found})


_NOT_KEPT = frozenset({"Level", "Keywords", "Task", "Opcode"})
_KEYWORD = Field("keywords", "extra", (TEXT,))
_ID = Field("EventID", "extra", (EVENT_ID,))
_CHANNEL = Field("Channel", "extra", (CHANNEL,))
_COMMON: Mapping[str, Field] = {
    "EventID": _ID,
    "Data": Field("Data", "extra", (UNNAMED,)),
    "Message": Field("Message", "extra", (TEXT,)),
    "ComputerName": at_keys("ComputerName", "ComputerName", "Computer"),
    "LogonProcessName": at_keys("LogonProcessName", "LogonProcessName", form=Form.TRIMMED),  # Windows pads it with blanks
}
_PROCESS: Mapping[str, Field] = {
    "Image": at_keys("Image", "Image", "NewProcessName"),
    "ParentImage": at_keys("ParentImage", "ParentImage", "ParentProcessName"),
    "ProcessId": at_keys("ProcessId", "NewProcessId", "ProcessId"),  # the ProcessId of 4688 is the creator's
    "LogonId": at_keys("LogonId", "LogonId", "SubjectLogonId"),
    "User": at_keys("User", "User", "SubjectUserSid", "SubjectDomainName", "SubjectUserName", form=Form.ACCOUNT),
    "IntegrityLevel": at_keys("IntegrityLevel", "IntegrityLevel", "MandatoryLabel", form=Form.INTEGRITY),
}


@dataclass(frozen=True, slots=True)
class WindowsGate:
    """A Windows log source resolved: ``events`` are its (channel, ids), ids None for all; None where it means every channel."""

    predicate: Predicate
    events: tuple[tuple[str, frozenset[int] | None], ...] | None
    why: str = ""


def from_windows() -> Leaf:
    """Return the leaf "some source of Windows events decoded it"."""
    return _FROM_WINDOWS


_FROM_WINDOWS = leaf(lambda source: source.str.starts_with(SOURCE_PREFIX), Field("source", "source"))


def windows_fields(logsource: SigmaLogSource) -> FieldMap:
    """Return the field names of a Windows log source."""
    fields = {**_COMMON, **_PROCESS} if logsource.category == "process_creation" else dict(_COMMON)
    spaced = logsource.service == "windefend"  # its data have names such as New Value
    return FieldMap(MappingProxyType({}), own=False, fields=fields, absent=_NOT_KEPT, spaced=spaced, keyword=_KEYWORD)


def windows_gate(logsource: SigmaLogSource) -> WindowsGate:
    """Return the events a Windows log source covers; ``why`` says why they are none."""
    service, category = logsource.service, logsource.category
    if service is not None and service not in services():
        return WindowsGate(FALSE, (), f"no channel is known for the Windows service {service!r}")
    if category is not None and category not in CATEGORIES:
        return WindowsGate(FALSE, (), f"no event is known for the Windows category {category!r}")
    channels = None if service is None else services()[service]
    if category is None:
        if channels is None:
            return WindowsGate(_FROM_WINDOWS, None)
        return WindowsGate(every([_FROM_WINDOWS, _channels(channels)]), tuple((channel, None) for channel in channels))
    pairs = [pair for pair in CATEGORIES[category] if channels is None or pair[0] in channels]
    ids = {channel: frozenset(number for name, number in pairs if name == channel) for channel, _ in pairs}
    if not ids:
        return WindowsGate(FALSE, (), f"no {category} is written to the channel of {service}")
    either = some([every([_channels((channel,)), _numbers(numbers)]) for channel, numbers in ids.items()])
    return WindowsGate(every([_FROM_WINDOWS, either]), tuple(ids.items()))


@cache
def _channels(names: tuple[str, ...]) -> Leaf:
    return text_leaf(_CHANNEL, rf"\A(?:{'|'.join(map(literal, names))})\z", cased=False)


@cache
def _numbers(numbers: frozenset[int]) -> Leaf:
    return text_leaf(_ID, rf"\A(?:{'|'.join(map(str, sorted(numbers)))})\z", cased=True)


def head_answers(leaves: Collection[Leaf], channels: pl.Series, numbers: pl.Series) -> list[dict[Leaf, bool]]:
    """Return, for each pair of *channels* and *numbers* (text), what those of *leaves* answer that ask for nothing else."""
    asked = [part for part in dict.fromkeys(leaves) if part.keys and HEAD.issuperset(part.keys) and part.columns == ("extra",)]
    frame = pl.DataFrame([channels.alias(CHANNEL.label), numbers.alias(EVENT_ID.label)])
    if not asked:
        return [{} for _ in range(frame.height)]
    told = frame.select(part.shared.fill_null(False).alias(str(at)) for at, part in enumerate(asked) if part.shared is not None)
    return [dict(zip(asked, row, strict=True)) for row in told.iter_rows()]


def asked_ids(detections: SigmaDetections) -> tuple[str, ...]:
    """Return the event ids that *detections* name, as written."""
    found: dict[str, None] = {}

    def walk(detection: SigmaDetection) -> None:
        for item in detection.detection_items:
            if isinstance(item, SigmaDetection):
                walk(item)
            elif item.field == "EventID":
                found.update(dict.fromkeys(str(value) for value in item.value))

    for detection in detections.detections.values():
        walk(detection)
    return tuple(found)


def undecoded(gate: WindowsGate, predicate: Predicate, decoded: Decoded, asked: Sequence[str] = ()) -> str | None:
    """Return why *predicate* can meet no event of *decoded*: none that it asks for is among them; None when one is.

    *asked*: the event ids it names, for the reason.
    """
    known = {channel.lower(): frozenset(ids) for channel, ids in decoded.items()}
    events = [(channel, None) for channel in sorted(decoded)] if gate.events is None else gate.events
    pairs = [
        (channel, number)
        for channel, ids in events
        for number in sorted(known.get(channel.lower(), frozenset()))
        if ids is None or number in ids
    ]
    channels = pl.Series([channel for channel, _ in pairs], dtype=pl.String)
    numbers = pl.Series([str(number) for _, number in pairs], dtype=pl.String)
    told = head_answers(list(leaves_of(predicate)), channels, numbers)
    if any(given(predicate, {"source": SOURCE_PREFIX}, answers) != FALSE for answers in told):
        return None
    wanted = "any channel" if gate.events is None else ", ".join(_event(channel, ids) for channel, ids in gate.events)
    return f"no such event is decoded: {wanted}{f', EventID {_listed(asked)}' if asked and not _numbered(gate) else ''}"


def _numbered(gate: WindowsGate) -> bool:
    return gate.events is not None and any(ids is not None for _, ids in gate.events)


def _event(channel: str, ids: frozenset[int] | None) -> str:
    return channel if ids is None else f"{channel} {_listed(map(str, sorted(ids)))}"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)
