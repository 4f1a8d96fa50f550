r"""The System log: services installed and changed, the log cleared, boots, the clock, old Terminal Services errors.

``{"EventID": 7045, "EventData": {"ServiceName": "PSEXESVC", "ImagePath": "%SystemRoot%\\PSEXESVC.exe", "StartType": "Manuell starten", …}}``

=========================  ==============================================================================================
record                     becomes
=========================  ==============================================================================================
7045                       ``service_install``; types are in the language of the system and decide nothing. No user but a SID
7040                       ``config_change``: a start type; in a scan only services of remote access and of protection
104                        ``log_cleared``; ``object`` is the channel
12 (Kernel-General), 6005  ``boot``; the 6009 beside them as well
1 (Kernel-General)         ``clock_change``; less than a minute is the time service at work, ignored
56 (TermDD)                ``connection``: RDP from before Windows 8 broke off, mostly for a bad password or a scanner
13, 6006, 6008, 7036       ignored
=========================  ==============================================================================================

References: learn.microsoft.com, "Appendix L: Events to monitor"; the providers' manifests (EVTX-ETW-Resources).
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.events import Kind, Service
from gatewatch.sources.windows import Meaning, WindowsSource, datum
from gatewatch.sources.windows_excerpt import ADDRESS, blank, line, silenced, with_source

_STEP = 60_000_000  # microseconds
_WATCHED = (
    r"(?i)TermService|UmRdpService|SessionEnv|sshd|ssh-agent|WinRM|RemoteRegistry|RemoteAccess|LanmanServer|TlntSvr|vnc"
    r"|WinDefend|WdNisSvc|\bSense\b|SecurityHealth|MpsSvc|EventLog|Sysmon|VSS\b|wuauserv|AnyDesk|TeamViewer|ScreenConnect|\btor\b"
)


def _install(frame: pl.DataFrame) -> pl.DataFrame:
    return silenced(frame, (blank("ServiceName") & blank("ImagePath"), "no-service"))


def _cleared(frame: pl.DataFrame) -> pl.DataFrame:
    return silenced(frame, (blank("Channel") & blank("SubjectUserName"), "no-log"))


def _step(frame: pl.DataFrame) -> pl.DataFrame:
    """Changes of the clock that are no correction of the time service."""
    new, old = (datum(name).str.head(19).str.to_datetime("%Y-%m-%dT%H:%M:%S", time_unit="us", strict=False) for name in ("NewTime", "OldTime"))
    return silenced(frame, ((new - old).dt.total_microseconds().abs() < _STEP, "small-correction"))


def _broken_off(frame: pl.DataFrame) -> pl.DataFrame:
    texts = pl.concat_str([datum("param1"), datum("param2"), _rendered(frame)], separator="\n", ignore_nulls=True)
    return with_source(frame, texts.str.extract(ADDRESS, 1))


def _rendered(frame: pl.DataFrame) -> pl.Expr:
    """Return what follows the last colon of the rendered text, in any language the address."""
    return pl.col("message").str.extract(r": *([^ ]+?)\.?\s*$", 1) if "message" in frame.columns else pl.lit(None, pl.String)


SOURCE = WindowsSource(
    name="windows-system",
    title="Windows System log",
    channels=("System",),
    meanings=(
        Meaning(
            "service-installed",
            (7045,),
            Kind.SERVICE_INSTALL,
            columns={"object": "ServiceName", "command": "ImagePath"},
            extra=("ServiceType", "StartType", "AccountName"),
            text={"ServiceName": line(0), "ImagePath": line(1)},
            refine=_install,
        ),
        Meaning(
            "service-start-changed",
            (7040,),
            Kind.CONFIG_CHANGE,
            columns={"object": ("param4", "param1"), "command": "param3"},
            extra=("param1", "param2"),
            hint=_WATCHED,
        ),
        Meaning("service-state", (7036,), why="a service runs or stops, many times a day"),
        Meaning(
            "log-cleared",
            (104,),
            Kind.LOG_CLEARED,
            columns={"user": "SubjectUserName", "domain": "SubjectDomainName", "object": "Channel"},
            extra=("BackupPath",),
            refine=_cleared,
        ),
        Meaning("boot", (12,), Kind.BOOT, providers=("Microsoft-Windows-Kernel-General",)),
        Meaning("event-log-started", (6005,), Kind.BOOT),
        Meaning("booted-version", (6009,), Kind.BOOT),
        Meaning("shutdown", (13, 6006, 6008), why="an end, which the next boot tells better"),
        Meaning(
            "clock-changed",
            (1,),
            Kind.CLOCK_CHANGE,
            extra=("OldTime", "NewTime", "Reason"),
            providers=("Microsoft-Windows-Kernel-General",),
            refine=_step,
        ),
        Meaning(
            "rdp-broken-off",
            (56,),
            Kind.CONNECTION,
            set={"service": str(Service.RDP)},
            reads=("param1", "param2"),
            providers=("TermDD",),
            refine=_broken_off,
        ),
    ),
    references=(
        "https://learn.microsoft.com/windows-server/identity/ad-ds/plan/appendix-l--events-to-monitor",
        "https://github.com/nasbench/EVTX-ETW-Resources",
    ),
)
