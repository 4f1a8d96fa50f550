"""Framings: the ways a file is cut into records. Apart from the rest so that the command line can list them without loading anything."""

from __future__ import annotations

from enum import StrEnum


class Framing(StrEnum):
    """How a file is cut into records."""

    SYSLOG_BSD = "syslog-bsd"  # Jan  5 12:00:00 host program[pid]: text
    SYSLOG_ISO = "syslog-iso"  # 2026-01-05T12:00:00.000+01:00 host program[pid]: text
    SYSLOG_5424 = "syslog-5424"  # <38>1 2026-01-05T12:00:00Z host program pid msgid [sd] text
    JOURNAL_JSON = "journal-json"
    JOURNAL_EXPORT = "journal-export"
    JOURNAL_BINARY = "journal-binary"
    WIN32_OPENSSH = "win32-openssh"  # 1234 2026-01-05 12:00:00.123 text
    AUDIT = "audit"  # type=USER_LOGIN msg=audit(1767614400.123:45): text
    UTMP = "utmp"
    EVTX = "evtx"
    JSON = "json"  # objects, one a line, in an array or one after the other
    WINDOWS_XML = "windows-xml"  # <Event xmlns=…>…</Event>, alone or in <Events>
    M365_CSV = "m365-csv"  # Microsoft 365's audit log: rows with a column AuditData
    ENTRA_CSV = "entra-csv"  # sign-ins and audit log of Entra ID as its portal writes them
    EXPORT_CSV = "export-csv"  # tables of Log Analytics, results of Splunk, CloudTrail's event history
    WINDOWS_CSV = "windows-csv"  # EvtxECmd, Event Viewer, Get-WinEvent | Export-Csv
    WINDOWS_BLOCK = "windows-block"  # wevtutil qe /f:text; Splunk's text of event logs
    PARQUET = "parquet"  # events as gatewatch writes them, or OCSF
    TABLE = "table"  # rows under a header: Zeek TSV, AWS VPC flow logs, pfirewall.log
    RADIUS_DETAIL = "radius-detail"  # FreeRADIUS' accounting: blocks of attributes under a date
    MESSAGE = "message"  # bare messages of one source, without header (`gatewatch explain`)
    UNKNOWN = "unknown"
