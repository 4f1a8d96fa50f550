r"""Microsoft Defender Antivirus: what it found, and who put it to sleep.

``{"EventID": 5007, "EventData": {"Old Value": "", "New Value": "HKLM\\SOFTWARE\\…\\Exclusions\\Paths\\C:\\Temp = 0x0"}}``

==================  =====================================================================================================
record              becomes
==================  =====================================================================================================
5001, 5010, 5012    ``config_change`` ``defender-disabled``: real-time protection, scanning for spyware, for viruses
5007                ``config_change``; ``object`` is the new value, or the old one that went. In a scan only exclusions and switches
5013                ``privilege_denied``: tamper protection held a change back
1116, 1117          ``config_change`` ``defender-detection``; ``object`` is the threat, ``extra.Path`` the file
==================  =====================================================================================================

References: learn.microsoft.com, "Review event logs and error codes to troubleshoot issues with Microsoft Defender Antivirus".
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.events import Kind
from gatewatch.sources.windows import Meaning, WindowsSource, datum
from gatewatch.sources.windows_excerpt import silenced


def _value(frame: pl.DataFrame) -> pl.DataFrame:
    new, old = (pl.when(~datum(name).str.strip_chars().is_in(["", "-"])).then(datum(name)) for name in ("New Value", "Old Value"))
    return silenced(frame.with_columns(pl.coalesce(new, old).alias("object")), (new.is_null() & old.is_null(), "no-value"))


SOURCE = WindowsSource(
    name="windows-defender",
    title="Microsoft Defender Antivirus",
    channels=("Microsoft-Windows-Windows Defender/Operational",),
    meanings=(
        Meaning("defender-disabled", (5001, 5010, 5012), Kind.CONFIG_CHANGE),
        Meaning(
            "defender-setting-changed",
            (5007,),
            Kind.CONFIG_CHANGE,
            extra=("Old Value", "New Value"),
            text={"Old Value": r"Old value: *([^\r\n]+)", "New Value": r"New value: *([^\r\n]+)"},
            hint=r"(?i)Exclusions|\bDisable|TamperProtection|SpyNet|Real-Time Protection|AttackSurface|Controlled Folder|ThreatSeverityDefaultAction",
            refine=_value,
        ),
        Meaning("defender-change-blocked", (5013,), Kind.PRIVILEGE_DENIED, columns={"object": "Value"}, extra=("Changed Type",)),
        Meaning(
            "defender-detection",
            (1116, 1117),
            Kind.CONFIG_CHANGE,
            columns={"object": "Threat Name", "process": "Process Name", "user": "Detection User"},
            extra=("Path", "Action Name", "Severity Name"),
        ),
    ),
    references=("https://learn.microsoft.com/defender-endpoint/troubleshoot-microsoft-defender-antivirus",),
)
