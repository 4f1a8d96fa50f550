r"""What Sysmon says was changed: files, registry values, WMI consumers, Sysmon itself. Part of :mod:`.windows_sysmon`.

``{"EventID": 13, "EventData": {"TargetObject": "HKLM\\System\\…\\Control\\Terminal Server\\fDenyTSConnections", "Details": "DWORD (0x00000000)"}}``

=========  ==============================================================================================================
record     becomes
=========  ==============================================================================================================
11         ``config_change`` ``file-created``: keys of SSH, tasks, start folders, dumps of LSASS, Tor, remote tools
12, 14     ``config_change``: a key or value made, deleted or renamed, of those below
13         ``config_change`` ``registry-set``; ``command`` is the new value
20         ``scheduled_job``: a WMI consumer, which runs what ``command`` says
4, 16      ``config_change``: Sysmon stopped, its configuration changed
=========  ==============================================================================================================

Of files and of the registry only what opens a way in, keeps one open, or blinds the defence becomes an event; the rest is ignored.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from gatewatch.schema.events import Kind
from gatewatch.sources.windows import Meaning, datum
from gatewatch.sources.windows_excerpt import silenced

# one or two backslashes: the same regex reads the value and the JSON around it
_B = r"\\{1,2}"
_END = r"(?:\x22|$)"

FILES = (
    rf"(?i)authorized_keys|{_B}ssh{_B}(?:sshd_config|ssh_host_)|{_B}Tasks{_B}[^\\\x22]+{_END}|Start Menu{_B}Programs{_B}Start-?Up{_B}"
    rf"|lsass[^\\\x22]*\.(?:dmp|mdmp){_END}|ntds\.dit|{_B}(?:sam|system|security)\.(?:save|hiv[e]?|bak){_END}"
    rf"|torrc|hs_ed25519|cached-microdesc|{_B}(?:PSEXESVC|paexec|csexec|winexesvc|remcomsvc)[^\\\x22]*\.exe"
    rf"|{_B}[^\\\x22]*(?:AnyDesk|TeamViewer|ScreenConnect|AteraAgent|Splashtop|RustDesk|MeshAgent|DWAgent|UltraViewer|Supremo|Ammyy|RemoteUtilities"
    rf"|NetSupport|ngrok|cloudflared|chisel|plink|tailscale|ZeroTier)[^\\\x22]*\.(?:exe|msi){_END}"
)
"""Paths of created files that matter."""

KEYS = (
    rf"(?i){_B}(?:fDenyTSConnections|fSingleSessionPerUser|UserAuthentication|SecurityLayer|Shadow){_END}|RDP-Tcp{_B}PortNumber"
    rf"|{_B}Services{_B}[^\\\x22]+{_B}(?:Parameters{_B})?(?:ImagePath|ServiceDll){_END}"
    rf"|{_B}Services{_B}(?:TermService|sshd|WinRM|RemoteRegistry|RemoteAccess|MpsSvc|WinDefend|WdNisSvc|Sense|EventLog|Sysmon(?:64)?|SysmonDrv|tor)"
    rf"{_B}Start{_END}"
    rf"|{_B}CurrentVersion{_B}(?:Policies{_B}Explorer{_B})?Run(?:Once|OnceEx|Services|ServicesOnce)?{_B}[^\\\x22]"
    rf"|Image File Execution Options{_B}[^\\\x22]+{_B}(?:Debugger|GlobalFlag|VerifierDlls)|SilentProcessExit{_B}"
    rf"|{_B}Winlogon{_B}(?:Shell|Userinit){_END}|SpecialAccounts{_B}UserList|LocalAccountTokenFilterPolicy|DisableRestrictedAdmin"
    rf"|DisableRealtimeMonitoring|DisableAntiSpyware|DisableBehaviorMonitoring|Windows Defender{_B}Exclusions{_B}"
    rf"|FirewallPolicy{_B}[^\\\x22]+{_B}(?:EnableFirewall|DoNotAllowExceptions|GloballyOpenPorts)"
    rf"|{_B}Lsa{_B}(?:OSConfig{_B})?(?:Security Packages|Authentication Packages|Notification Packages|RunAsPPL|LimitBlankPasswordUse)"
    r"|WDigest.{0,4}UseLogonCredential|AllowUnencrypted|TrustedHosts"
)
"""Registry values that matter: remote access, its policies, what runs at a logon, protection, credentials in memory."""


def _only(name: str, regex: str, reason: str) -> Callable[[pl.DataFrame], pl.DataFrame]:
    def refine(frame: pl.DataFrame) -> pl.DataFrame:
        return silenced(frame, (~datum(name).str.contains(regex).fill_null(False), reason))

    return refine


def _stopped(frame: pl.DataFrame) -> pl.DataFrame:
    return silenced(frame, (datum("State").str.to_lowercase().str.strip_chars().fill_null("") != "stopped", "sysmon-started"))


MEANINGS: tuple[Meaning, ...] = (
    Meaning(
        "file-created",
        (11,),
        Kind.CONFIG_CHANGE,
        columns={"object": "TargetFilename", "process": "Image", "user": "User"},
        hint=FILES,
        refine=_only("TargetFilename", FILES, "file-created-elsewhere"),
    ),
    Meaning(
        "registry-key-changed",
        (12,),
        Kind.CONFIG_CHANGE,
        columns={"object": "TargetObject", "command": "EventType", "process": "Image", "user": "User"},
        hint=KEYS,
        refine=_only("TargetObject", KEYS, "registry-elsewhere"),
    ),
    Meaning(
        "registry-set",
        (13,),
        Kind.CONFIG_CHANGE,
        columns={"object": "TargetObject", "command": "Details", "process": "Image", "user": "User"},
        hint=KEYS,
        refine=_only("TargetObject", KEYS, "registry-elsewhere"),
    ),
    Meaning(
        "registry-renamed",
        (14,),
        Kind.CONFIG_CHANGE,
        columns={"object": "TargetObject", "command": "NewName", "process": "Image", "user": "User"},
        hint=KEYS,
        refine=_only("TargetObject", KEYS, "registry-elsewhere"),
    ),
    Meaning(
        "wmi-consumer-created",
        (20,),
        Kind.SCHEDULED_JOB,
        columns={"object": "Name", "command": "Destination", "user": "User"},
        extra=("Operation", "Type"),
    ),
    Meaning("sysmon-stopped", (4,), Kind.CONFIG_CHANGE, columns={"object": "State"}, refine=_stopped),
    Meaning("sysmon-config-changed", (16,), Kind.CONFIG_CHANGE, columns={"object": "Configuration"}),
)
