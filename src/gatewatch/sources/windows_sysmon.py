r"""Sysmon: processes, connections, reads of LSASS, and (:mod:`.windows_sysmon_change`) files, registry, WMI and Sysmon's own state.

``{"EventID": 10, "EventData": {"SourceImage": "C:\\x.exe", "TargetImage": "C:\\Windows\\system32\\lsass.exe", "GrantedAccess": "0x1010", …}}``

=========  ==============================================================================================================
record     becomes
=========  ==============================================================================================================
1          ``exec``; the session is the logon id of Security 4624
3          ``connection``; one from here to a port of remote administration of another host is ``logon_out``, one to this
           host's own RDP port by anything but a client ``port_forward`` (the inner end of a tunnel). ``host_ip`` is the local side
10         ``exec`` ``process-access``: LSASS, with a right that reads memory, by nothing known to
22         ``connection`` ``dns-query``; of a name in ``.onion`` ``relay_contact`` ``onion-query``
=========  ==============================================================================================================

In a scan only what matters is decoded: of connections those that leave for remote administration, of process accesses those to LSASS. Microsoft's
own readers of LSASS are known by their whole path, not by a name that anybody may use. Which side is source in 3 follows ``Initiated`` [K]:
inbound, Sysmon names the client as source.

References: learn.microsoft.com/sysinternals/downloads/sysmon (events); SwiftOnSecurity/sysmon-config.
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema import events as ev
from gatewatch.schema.addresses import canonical_address
from gatewatch.schema.events import Kind, Service
from gatewatch.sources import windows_sysmon_change
from gatewatch.sources.resolver import map_values
from gatewatch.sources.windows import Meaning, WindowsSource, datum
from gatewatch.sources.windows_excerpt import silenced

PORTS = {
    22: Service.SSH,
    23: Service.TELNET,
    139: Service.SMB,
    445: Service.SMB,
    3389: Service.RDP,
    5900: Service.VNC,
    5985: Service.WINRM,
    5986: Service.WINRM,
}
"""Ports of remote administration, and the service behind them."""

_ONION = r"(?i)(?:^|\.)[a-z2-7]{1,56}\.onion(?:\.[a-z]{2,8})?\.?$"
_OUTBOUND = rf'"DestinationPort": ?"?(?:{"|".join(str(number) for number in PORTS)})"?[,}}]'
_CLIENTS = r"(?i)\\(?:mstsc|msrdc|msrdcw|mstsc\.exe\.mui|RDCMan|mRemoteNG|RemoteDesktopManager(?:64)?|svchost)\.exe$"
_LOOPBACK = r"^(?:127\.|::1$)"
_LSASS = r'(?i)"TargetImage": ?"[^"]*lsass\.exe"'
_VM_READ = 0x10
_READERS = (
    r"(?i)^(?:[a-z]:\\Windows\\(?:System32|SysWOW64)\\(?:csrss|wininit|winlogon|smss|services|svchost|lsass|lsm|lsaiso|wbem\\wmiprvse"
    r"|SecurityHealthService|MRT|CompatTelRunner|sppsvc)\.exe"
    r"|[a-z]:\\ProgramData\\Microsoft\\Windows Defender\\Platform\\[^\\]+\\(?:MsMpEng|MpDefenderCoreService|NisSrv|MpCmdRun)\.exe"
    r"|[a-z]:\\Program Files\\Windows Defender(?: Advanced Threat Protection)?\\(?:MsMpEng|MsSense|SenseIR|SenseNdr|SenseCncProxy)\.exe"
    r"|[a-z]:\\Windows\\Sysmon(?:64)?\.exe)$"
)


def _access(text: str) -> str | None:
    """Return ``read`` when the rights hold that of reading memory.

    >>> _access("0x1010"), _access("0x1000"), _access("-")
    ('read', None, None)
    """
    try:
        return "read" if int(text, 16) & _VM_READ else None
    except ValueError:
        return None


def _process_access(frame: pl.DataFrame) -> pl.DataFrame:
    target = pl.col("object").str.contains(r"(?i)\\lsass\.exe$").fill_null(False)
    reads = pl.lit(map_values(frame["x_GrantedAccess"], _access)).is_not_null()
    known = pl.col("process").str.contains(_READERS)
    return silenced(frame, (~target, "process-access-other"), (~reads, "process-access-without-reading"), (known, "process-access-known-reader"))


def _connection(frame: pl.DataFrame) -> pl.DataFrame:
    outbound = (datum("Initiated").str.to_lowercase().str.strip_chars() == "true").fill_null(False)
    local = frame.select(pl.when(outbound).then(datum("SourceIp")).otherwise(datum("DestinationIp")).alias("a"))["a"]
    frame = frame.with_columns(pl.lit(map_values(local, canonical_address)).alias("host_ip"))
    port, target = pl.col("dst_port"), pl.col("dst_ip")
    service = port.cast(pl.Int64).replace_strict({number: str(name) for number, name in PORTS.items()}, default=None, return_dtype=pl.String)
    inner = target.str.contains(_LOOPBACK).fill_null(False) | (target == pl.col("src_ip")).fill_null(False)
    administration = outbound & service.is_not_null() & target.is_not_null() & ~inner
    tunnel = (outbound & inner & (port == 3389) & ~pl.col("process").str.contains(_CLIENTS)).fill_null(False)
    kind = pl.when(administration).then(pl.lit(str(Kind.LOGON_OUT), ev.KIND)).when(tunnel).then(pl.lit(str(Kind.PORT_FORWARD), ev.KIND))
    pattern = pl.when(administration).then(pl.lit("outbound-connection")).when(tunnel).then(pl.lit("loopback-rdp"))
    return frame.with_columns(
        kind.otherwise(pl.col("kind")).alias("kind"),
        pattern.otherwise(pl.col("pattern")).alias("pattern"),
        service.cast(ev.SERVICE).alias("service"),
    )


def _query(frame: pl.DataFrame) -> pl.DataFrame:
    """A name of a hidden service, or of one of the gateways to them in the public DNS (``….onion.example``)."""
    onion = pl.col("object").str.contains(_ONION).fill_null(False)
    return frame.with_columns(
        pl.when(onion).then(pl.lit(str(Kind.RELAY_CONTACT), ev.KIND)).otherwise(pl.col("kind")).alias("kind"),
        pl.when(onion).then(pl.lit("onion-query")).otherwise(pl.col("pattern")).alias("pattern"),
    )


MEANINGS: tuple[Meaning, ...] = (
    Meaning(
        "process-created",
        (1,),
        Kind.EXEC,
        columns={"user": "User", "session": "LogonId", "command": "CommandLine", "process": "Image", "parent": "ParentImage"},
        extra=("ParentCommandLine", "OriginalFileName", "Company", "IntegrityLevel"),
    ),
    Meaning(
        "network-connection",
        (3,),
        Kind.CONNECTION,
        columns={
            "user": "User",
            "process": "Image",
            "rhost": "SourceIp",
            "src_port": "SourcePort",
            "src_host": "SourceHostname",
            "dhost": "DestinationIp",
            "dst_port": "DestinationPort",
            "dst_host": "DestinationHostname",
        },
        extra=("Protocol", "Initiated"),
        hint=_OUTBOUND,
        kinds=(Kind.CONNECTION, Kind.LOGON_OUT, Kind.PORT_FORWARD),
        refine=_connection,
    ),
    Meaning(
        "process-access",
        (10,),
        Kind.EXEC,
        columns={"object": "TargetImage", "process": "SourceImage", "user": "SourceUser"},
        extra=("GrantedAccess", "CallTrace"),
        hint=_LSASS,
        refine=_process_access,
    ),
    Meaning(
        "dns-query",
        (22,),
        Kind.CONNECTION,
        columns={"object": "QueryName", "process": "Image", "user": "User"},
        extra=("QueryResults",),
        hint=r"(?i)\.onion\b",
        kinds=(Kind.CONNECTION, Kind.RELAY_CONTACT),
        refine=_query,
    ),
    *windows_sysmon_change.MEANINGS,
)

SOURCE = WindowsSource(
    name="windows-sysmon",
    title="Sysmon",
    channels=("Microsoft-Windows-Sysmon/Operational",),
    meanings=MEANINGS,
    references=("https://learn.microsoft.com/sysinternals/downloads/sysmon", "https://github.com/SwiftOnSecurity/sysmon-config"),
)
