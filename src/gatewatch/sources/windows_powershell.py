r"""PowerShell: remoting sessions as the host they run on sees them, and scripts that reach out or open the host.

``{"EventID": 400, "Channel": "Windows PowerShell", "EventData": {"param3": "\tHostName=ServerRemoteHost\r\n\tHostId=1f0e…\r\n …"}}``

===================  ====================================================================================================
record               becomes
===================  ====================================================================================================
400, 403             ``session_start``, ``session_end`` of an engine whose host is ``ServerRemoteHost``; local engines are
                     ignored. The session is ``ps:<HostId>``; user and address are not in it
32850                ``session_start``: a remote session made for a user [manifest]
4104                 ``exec``: a script block; in a scan only those that match ``SHAPES``
4103, 800            ``exec``: a pipeline of a remote session, or one that matches ``SHAPES``
600, 40961, 40962    ignored: a provider, a console
===================  ====================================================================================================

A command is cut at 2000 characters. 4103 and 800 say the user; 4104 only its SID. Text inside the data is English on every system except for the
labels of 4103's context.

References: learn.microsoft.com, about_Logging_Windows; Black Hat 2014, "Investigating PowerShell Attacks"; the provider's manifest.
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.events import Kind, Service
from gatewatch.sources.windows import Meaning, WindowsSource, datum, masked
from gatewatch.sources.windows_excerpt import blank, silenced, with_user

LONGEST = 2000
SHAPES = (
    r"(?i)Enter-PSSession|New-PSSession|Enable-PSRemoting|Invoke-Command\b.{0,400}-(?:ComputerName|Cn|HostName|Session|VMName)\b"
    r"|WSMan:|winrm\b.{0,40}(?:quickconfig|set\b|create\b)|Set-WSManQuickConfig|Enter-PSHostProcess|Invoke-WmiMethod|Invoke-CimMethod|New-CimSession"
    r"|(?:New|Enable|Set)-LocalUser|Add-LocalGroupMember|New-ADUser|Add-ADGroupMember|Set-ADAccountPassword|net1?(?:\.exe)?\s+(?:user|localgroup)\s"
    r"|(?:New|Set|Enable)-NetFirewallRule|Set-NetFirewallProfile|netsh(?:\.exe)?\s+(?:adv)?firewall|portproxy"
    r"|(?:Set|Add)-MpPreference|OpenSSH\.(?:Server|Client)|authorized_keys|fDenyTSConnections|New-Service\b|Register-ScheduledTask|schtasks"
    r"|Invoke-WebRequest|Invoke-RestMethod|DownloadString|DownloadFile|DownloadData|Start-BitsTransfer|FromBase64String"
    r"|Mimikatz|DumpCreds|MiniDump|comsvcs|sekurlsa|lsass|ntds\.dit|Out-Minidump|Rubeus|SharpHound|Invoke-(?:Kerberoast|SMBExec|WMIExec|PSRemoting)"
    r"|\.onion\b|chisel|ngrok|plink(?:\.exe)?\s|wevtutil(?:\.exe)?\s+(?:cl|clear-log)\b|Clear-EventLog|Remove-EventLog"
)
"""What a script must hold to matter in a scan: remote sessions, accounts, firewall, protection, downloads, credentials, tunnels, log clearing."""

_REMOTE = "ServerRemoteHost"
# the aliases that Windows' own modules set when they are loaded name cmdlets of remote sessions
_OWN_ALIAS = r"^\s*Set-Alias -Name \w+ -Value [\w-]+ -Option ReadOnly, AllScope -ErrorAction SilentlyContinue\s*$"
_OWN_BINDING = r"^\s*CommandInvocation\(Set-Alias\)[^\n]*(?:\r?\n[ \t]*ParameterBinding\(Set-Alias\)[^\n]*)*\s*$"
_USER_ID = r"(?i)\bUserId=([^\r\n]+)"
_CONTEXT_USER = r"(?m)^\s*User = ([^\r\n]+)"
_CONNECTED = r"(?m)^\s*Connected User = ([^\r\n]+)"


def _cut(name: str) -> pl.Expr:
    text = datum(name).str.strip_chars()
    return pl.when(text != "").then(text.str.head(LONGEST)).alias("command")


def _script(frame: pl.DataFrame) -> pl.DataFrame:
    own = datum("ScriptBlockText").str.contains(_OWN_ALIAS)
    return silenced(frame.with_columns(_cut("ScriptBlockText")), (blank("ScriptBlockText"), "empty-script"), (own, "alias-of-a-module"))


def _engine(frame: pl.DataFrame) -> pl.DataFrame:
    """Engines of remote sessions; what the record says of them stands in one text."""
    text = pl.concat_str([datum("param3"), *([pl.col("message")] if "message" in frame.columns else [])], separator="\n", ignore_nulls=True)
    remote = text.str.contains(rf"HostName={_REMOTE}\b").fill_null(False)
    identity = text.str.extract(r"HostId=([0-9A-Fa-f-]{36})", 1).str.to_lowercase()
    application = text.str.extract(r"HostApplication=([^\r\n]+)", 1).str.strip_chars()
    frame = frame.with_columns((pl.lit("ps:") + identity).alias("session"), application.str.head(LONGEST).alias("command"))
    frame = frame.with_columns(pl.lit(masked(frame["command"])).alias("command"))
    return silenced(frame, (~remote, "local-engine"))


def _pipeline(frame: pl.DataFrame) -> pl.DataFrame:
    context = datum("ContextInfo")
    frame = with_user(frame, pl.coalesce(context.str.extract(_CONNECTED, 1), context.str.extract(_CONTEXT_USER, 1)))
    own = datum("Payload").str.contains(_OWN_BINDING)
    return silenced(frame.with_columns(_cut("Payload")), (blank("Payload"), "empty-script"), (own, "alias-of-a-module"))


def _classic_pipeline(frame: pl.DataFrame) -> pl.DataFrame:
    frame = with_user(frame, datum("param2").str.extract(_USER_ID, 1))
    command = pl.when(~blank("param1")).then(datum("param1")).otherwise(datum("param3")).str.strip_chars()
    frame = frame.with_columns(pl.when(command != "").then(command.str.head(LONGEST)).alias("command"))
    return silenced(frame, (pl.col("command").is_null(), "empty-script"))


SOURCE = WindowsSource(
    reads_message=True,
    name="windows-powershell",
    title="Windows PowerShell",
    channels=("Microsoft-Windows-PowerShell/Operational", "PowerShellCore/Operational", "Windows PowerShell"),
    meanings=(
        Meaning(
            "script-block",
            (4104,),
            Kind.EXEC,
            extra=("Path", "ScriptBlockId"),
            reads=("ScriptBlockText",),
            text={"ScriptBlockText": r"\n((?s:.*))$"},
            hint=SHAPES,
            refine=_script,
        ),
        Meaning("pipeline", (4103,), Kind.EXEC, reads=("ContextInfo", "Payload"), hint=rf"{SHAPES}|{_REMOTE}", refine=_pipeline),
        Meaning(
            "powershell-remoting",
            (400,),
            Kind.SESSION_START,
            set={"service": str(Service.WINRM)},
            reads=("param3",),
            refine=_engine,
        ),
        Meaning("powershell-remoting-ended", (403,), Kind.SESSION_END, set={"service": str(Service.WINRM)}, reads=("param3",), refine=_engine),
        Meaning(
            "powershell-remote-session",
            (32850,),
            Kind.SESSION_START,
            columns={"user": ("UserName", "param2")},
            set={"service": str(Service.WINRM)},
            text={"UserName": r"UserName: *(\S+?)\.?(?:\s|$)"},
        ),
        Meaning(
            "classic-pipeline",
            (800,),
            Kind.EXEC,
            reads=("param1", "param2", "param3"),
            hint=rf"{SHAPES}|{_REMOTE}",
            refine=_classic_pipeline,
        ),
        Meaning("powershell-provider", (600,), why="a provider of an engine that 400 tells"),
        Meaning("powershell-console", (40961, 40962, 53504), why="a console starts"),
    ),
    references=(
        "https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_logging_windows",
        "https://github.com/nasbench/EVTX-ETW-Resources",
    ),
)
