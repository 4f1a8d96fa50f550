"""Lists of a Windows machine in PowerShell's JSON or CSV: optional features, members of local groups, event logs, shares' access lists.

::

    Get-WindowsOptionalFeature -Online | Select FeatureName,State | ConvertTo-Json
    Get-LocalGroup | % { $g = $_.Name; Get-LocalGroupMember $g | Select @{n='Group';e={$g}},Name,ObjectClass,PrincipalSource } | ConvertTo-Json
    Get-WinEvent -ListLog * | Select LogName,IsEnabled,MaximumSizeInBytes,LogMode | ConvertTo-Json

``net localgroup NAME`` is read too. References: the cmdlets' pages (Microsoft Learn).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import LIKELY, SURE, Format, Outcome, Rejected
from gatewatch.evidence.powershell import Row, has, number, rows, truth
from gatewatch.schema.facts.base import Fact, Setting, Where
from gatewatch.schema.facts.machine import Machine, Software, System
from gatewatch.schema.facts.windows import EventLogSettings, Feature, GroupMembers, ShareAccess, SmbSettings

_ON = {"enabled": True, "installed": True, "disabled": False, "disabledwithpayloadremoved": False, "available": False, "removed": False}
# by name only: what numbers the enumerations have differs between their cmdlets
_ALIAS = re.compile(r"(?m)^Alias name\s+(\S.*)$")


def _recognise(document: Document) -> int:
    if _ALIAS.search(document.head) and "----" in document.text:
        return SURE
    kinds = (
        ("featurename", "state"), ("name", "installstate"), ("group", "name", "objectclass"), ("logname", "isenabled"),
        ("accountname", "accessright", "accesscontroltype"), ("enablesmb1protocol",), ("displayname", "displayversion", "publisher"),
    )  # fmt: skip
    return LIKELY + 10 if any(has(document, *names) for names in kinds) else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    groups: dict[str, list[str]] = {}
    places: dict[str, Where] = {}
    told = False
    for document in documents:
        alias = _ALIAS.search(document.head)
        found = None
        if alias is not None:
            members = _members(document)
            if members is None:
                yield Rejected(document, "ends within the list of members")
                continue
            groups.setdefault(alias[1].strip(), []).extend(members)
            places.setdefault(alias[1].strip(), document.where(1))
        else:
            found = rows(document)
            if not found:
                yield Rejected(document, document.fault or "lists nothing")
                continue
        told, made = True, 0
        for row, where in found or ():
            if "group" in row and "objectclass" in row:
                groups.setdefault(row["group"], [])
                places.setdefault(row["group"], where)
                if row.get("name"):
                    groups[row["group"]].append(row["name"])
                made += 1
                continue
            fact = _fact(row, where, document, bundle)
            if fact is not None:
                made += 1
                yield fact
        if found is not None and not made:
            yield Rejected(document, "says nothing readable of any entry (states as numbers?)")
    if told:
        yield Machine(host=bundle.host, as_of=documents[0].as_of, where=(documents[0].spot("$"),), system=System.WINDOWS, product="Windows")
    for group, names in groups.items():
        yield GroupMembers(
            host=bundle.host, as_of=documents[0].as_of, where=(places[group],), group=group, members=tuple(dict.fromkeys(names))
        )


def _members(document: Document) -> list[str] | None:
    """Return the members that ``net localgroup`` lists: what stands between the rule of dashes and its last sentence."""
    lines = [line.strip() for line in document.lines if line.strip()]
    start = next((at for at, line in enumerate(lines) if set(line) == {"-"}), None)
    if start is None or not lines[-1].endswith(".") or len(lines) == start + 1:
        return None
    return lines[start + 1 : -1]


def _fact(row: Row, where: Where, document: Document, bundle: Bundle) -> Fact | None:
    if "featurename" in row or "installstate" in row:
        state = _ON.get(row.get("state", row.get("installstate", "")).lower())
        name = row.get("featurename") or row.get("name", "")
        return Feature(host=bundle.host, as_of=document.as_of, where=(where,), name=name, enabled=state) if state is not None and name else None
    if "logname" in row:
        made = [Setting("enabled", "1" if truth(row.get("isenabled", "")) else "0", "as Get-WinEvent says", where)]
        size = number(row.get("maximumsizeinbytes", ""))
        if size is not None:
            made.append(Setting("maxsize", str(size // 1024), "as Get-WinEvent says", where))
        return EventLogSettings(
            host=bundle.host, as_of=document.as_of, where=(where,), service="eventlog", scope=row["logname"], values=tuple(made)
        )
    if "accountname" in row:
        allow = row.get("accesscontroltype", "").lower() in {"allow", "0"}
        right = {"0": "Full", "1": "Change", "2": "Read"}.get(row.get("accessright", ""), row.get("accessright", ""))
        return ShareAccess(
            host=bundle.host, as_of=document.as_of, where=(where,), share=row.get("name", ""), account=row["accountname"], right=right, allow=allow
        )
    if "enablesmb1protocol" in row:
        pairs = (("smb1", "enablesmb1protocol"), ("requiresecuritysignature", "requiresecuritysignature"), ("encryptdata", "encryptdata"))
        values = tuple(
            Setting(name, "1" if flag else "0", "as Get-SmbServerConfiguration says", where)
            for name, key in pairs if (flag := truth(row.get(key, ""))) is not None
        )  # fmt: skip
        return SmbSettings(host=bundle.host, as_of=document.as_of, where=(where,), service="smb", values=values)
    name = row.get("displayname", "")
    return (
        Software(
            host=bundle.host, as_of=document.as_of, where=(where,), name=name, version=row.get("displayversion", ""),
            vendor=row.get("publisher", ""), manager="msi", path=row.get("installlocation", ""),
        )
        if name
        else None
    )  # fmt: skip


FORMAT = Format(
    name="windows-inventory",
    title="Windows: features, group members, event logs, share access, programs (PowerShell)",
    recognise=_recognise,
    read=_read,
    collect=(
        "Get-WindowsOptionalFeature -Online | Select-Object FeatureName,@{n='State';e={\"$($_.State)\"}} | ConvertTo-Json > features.json; "
        'net localgroup "Remote Desktop Users" > rdu.txt; net localgroup Administrators > admins.txt; '
        "Get-WinEvent -ListLog * | Select-Object LogName,IsEnabled,MaximumSizeInBytes | ConvertTo-Json > logs.json; "
        "Get-SmbShare | Get-SmbShareAccess | Select-Object Name,AccountName,@{n='AccessRight';e={\"$($_.AccessRight)\"}},"
        "@{n='AccessControlType';e={\"$($_.AccessControlType)\"}} | ConvertTo-Json > shares.json; "
        "Get-SmbServerConfiguration | ConvertTo-Json > smb.json"
    ),
    references=("Microsoft Learn: Get-WindowsOptionalFeature, Get-WinEvent, Get-SmbShareAccess",),
)
