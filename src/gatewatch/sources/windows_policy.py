r"""Windows configuration and the log itself: Security 1102, 4608, 4616, 4657, 4719, 4739, 4946 to 4950 and 5025.

::

    4657 ObjectName=\REGISTRY\MACHINE\SYSTEM\ControlSet001\Control\Terminal Server ObjectValueName=fDenyTSConnections NewValue=0

Registry keys are written as Sysmon writes them, beginning with ``HKLM`` or ``HKU``, and ``CurrentControlSet`` whichever set that is. Rules of the
firewall are known by their name only; ports and programs stand in the firewall's own channel.

References: learn.microsoft.com, "Advanced security auditing", the events above; "1102(S): The audit log was cleared".
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.events import Kind
from gatewatch.sources.windows import Meaning, WindowsSource, datum
from gatewatch.sources.windows_code import REGISTRY_HINT

_SUBJECT = {"user": "SubjectUserName", "domain": "SubjectDomainName", "sid": "SubjectUserSid", "session": "SubjectLogonId"}
_DELETED = "%%1906"
_HIVES = (
    (r"(?i)^\\REGISTRY\\MACHINE\\", "HKLM\\"),
    (r"(?i)^\\REGISTRY\\USER\\", "HKU\\"),
    (r"(?i)^(HKLM\\SYSTEM)\\ControlSet[0-9]{3}\\", "${1}\\CurrentControlSet\\"),
)


def registry_key(key: pl.Expr) -> pl.Expr:
    """Return keys of the registry as Sysmon writes them."""
    for pattern, short in _HIVES:
        key = key.str.replace(pattern, short)
    return key


def _registry(frame: pl.DataFrame) -> pl.DataFrame:
    value = datum("ObjectValueName")
    named = value.is_not_null() & ~value.is_in(["", "-"])
    key = registry_key(pl.col("object")).str.strip_chars_end("\\")
    deleted = (datum("OperationType") == _DELETED).fill_null(False)
    return frame.with_columns(
        pl.when(named).then(key + "\\" + value).otherwise(key).alias("object"),
        pl.when(deleted).then(pl.lit("registry-deleted")).otherwise(pl.col("pattern")).alias("pattern"),
    )


def _cleared(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col("channel").alias("object"))


def _rule(name: str, number: int) -> Meaning:
    return Meaning(name, (number,), Kind.CONFIG_CHANGE, columns={"object": "RuleName"}, extra=("RuleId", "ProfileChanged"))


MEANINGS: tuple[Meaning, ...] = (
    Meaning("adfs-event", (1102,), why="1102 of AD FS is another event", providers=("AD FS Auditing", "AD FS")),
    Meaning("log-cleared", (1102,), Kind.LOG_CLEARED, columns=_SUBJECT, refine=_cleared),
    Meaning("boot", (4608,), Kind.BOOT),
    Meaning("clock-changed", (4616,), Kind.CLOCK_CHANGE, columns={**_SUBJECT, "process": "ProcessName"}, extra=("PreviousTime", "NewTime")),
    Meaning(
        "registry-set",
        (4657,),
        Kind.CONFIG_CHANGE,
        columns={**_SUBJECT, "object": "ObjectName", "command": "NewValue", "process": "ProcessName"},
        reads=("ObjectValueName", "OperationType"),
        hint=REGISTRY_HINT,
        refine=_registry,
    ),
    Meaning(
        "audit-policy-changed",
        (4719,),
        Kind.CONFIG_CHANGE,
        columns={**_SUBJECT, "object": ("SubcategoryGuid", "SubcategoryId")},
        extra=("AuditPolicyChanges", "CategoryId"),
    ),
    Meaning(
        "domain-policy-changed",
        (4739,),
        Kind.CONFIG_CHANGE,
        columns={**_SUBJECT, "object": "DomainPolicyChanged"},
        extra=("LockoutThreshold", "MinPasswordLength"),
    ),
    _rule("firewall-rule-added", 4946),
    _rule("firewall-rule-changed", 4947),
    _rule("firewall-rule-removed", 4948),
    Meaning("firewall-reset", (4949,), Kind.CONFIG_CHANGE),
    Meaning(
        "firewall-setting-changed",
        (4950,),
        Kind.CONFIG_CHANGE,
        columns={"object": "SettingType", "command": "SettingValue"},
        extra=("ProfileChanged",),
    ),
    Meaning("firewall-stopped", (5025,), Kind.CONFIG_CHANGE),
    Meaning("log-service", (1100, 1104, 1105), why="the log was closed, is full or was archived: nothing was lost"),
)

SOURCE = WindowsSource(
    name="windows-policy",
    title="Windows Security log: policies, registry, firewall, the log itself",
    channels=("Security",),
    meanings=MEANINGS,
    references=("https://learn.microsoft.com/windows/security/threat-protection/auditing/event-1102",),
)
