r"""Windows Firewall: rules and settings changed.

``{"EventID": 2004, "EventData": {"RuleName": "Remote Desktop", "Direction": 1, "Action": 3, "LocalPorts": "3389", …}}``

===========================  =============================================================================================
record                       becomes ``config_change``
===========================  =============================================================================================
2004, 2071, 2097             ``firewall-rule-added`` (the id is the Windows version's); ``object`` is the rule's name
2005, 2073, 2099             ``firewall-rule-changed``
2006, 2052                   ``firewall-rule-removed``
2033, 2059                   ``firewall-rules-deleted``: all of them
2032, 2060                   ``firewall-reset``
2002, 2003, 2082, 2083       ``firewall-setting-changed``; ``firewall-disabled`` when it is the switch of a profile, turned off
2008, 2009                   ``firewall-policy-changed``: by Group Policy, or its policy could not be loaded
===========================  =============================================================================================

``Direction`` 1 is inbound, 2 outbound; ``Action`` 2 blocks, 3 allows. The user is a SID only (``ModifyingUser``).

References: learn.microsoft.com, "Firewall Rule Processing" (event texts); the provider's manifest. The ids of Windows 11 are from the manifest.
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.events import Kind
from gatewatch.sources.windows import Meaning, WindowsSource, datum
from gatewatch.sources.windows_excerpt import line

_RULE = ("LocalPorts", "Action", "Direction", "Protocol", "ApplicationPath", "ServiceName", "RemoteAddresses", "Active", "ModifyingUser")
_CHANGER = {"object": "RuleName", "process": "ModifyingApplication"}
_ENABLED = "1"  # setting type: the firewall of a profile


def _switch(frame: pl.DataFrame) -> pl.DataFrame:
    off = datum("SettingValue").str.contains(r"^(?:0x)?(?:00[-: ]?)*0+$")
    disabled = ((datum("SettingType").str.strip_chars() == _ENABLED) & off).fill_null(False)
    return frame.with_columns(pl.when(disabled).then(pl.lit("firewall-disabled")).otherwise(pl.col("pattern")).alias("pattern"))


SOURCE = WindowsSource(
    name="windows-firewall",
    title="Windows Firewall with Advanced Security",
    channels=("Microsoft-Windows-Windows Firewall With Advanced Security/Firewall",),
    meanings=(
        Meaning(
            "firewall-rule-added",
            (2004, 2071, 2097),
            Kind.CONFIG_CHANGE,
            columns=_CHANGER,
            extra=_RULE,
            text={"RuleName": line(2), "ApplicationPath": line(8)},
        ),
        Meaning("firewall-rule-changed", (2005, 2073, 2099), Kind.CONFIG_CHANGE, columns=_CHANGER, extra=_RULE),
        Meaning("firewall-rule-removed", (2006, 2052), Kind.CONFIG_CHANGE, columns=_CHANGER, extra=("RuleId", "ModifyingUser")),
        Meaning("firewall-rules-deleted", (2033, 2059), Kind.CONFIG_CHANGE, columns={"process": "ModifyingApplication"}, extra=("ModifyingUser",)),
        Meaning("firewall-reset", (2032, 2060), Kind.CONFIG_CHANGE, columns={"process": "ModifyingApplication"}, extra=("ModifyingUser",)),
        Meaning(
            "firewall-setting-changed",
            (2002, 2003, 2082, 2083),
            Kind.CONFIG_CHANGE,
            columns={"object": "SettingType", "command": "SettingValueString", "process": "ModifyingApplication"},
            extra=("Profiles", "SettingValue", "ModifyingUser"),
            refine=_switch,
        ),
        Meaning("firewall-policy-changed", (2008, 2009), Kind.CONFIG_CHANGE),
    ),
    references=(
        "https://learn.microsoft.com/previous-versions/windows/it-pro/windows-server-2008-R2-and-2008/dd364427(v=ws.10)",
        "https://github.com/nasbench/EVTX-ETW-Resources",
    ),
)
