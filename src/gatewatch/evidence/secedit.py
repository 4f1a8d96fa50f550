"""``secedit /export``: a Windows machine's account policy and user rights; GptTmpl.inf of a group policy has the same shape.

::

    [System Access]
    LockoutBadCount = 5
    [Privilege Rights]
    SeRemoteInteractiveLogonRight = *S-1-5-32-544,*S-1-5-32-555

    [Registry Values]
    MACHINE\\System\\CurrentControlSet\\Control\\Lsa\\LmCompatibilityLevel=4,5

A right that nobody holds is not written. Reference: "secedit export" (Microsoft Learn), MS-GPSB 2.2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Outcome, Rejected
from gatewatch.evidence.windows_registry import policies, recognise
from gatewatch.evidence.windows_registry_text import Table, security
from gatewatch.schema.facts.base import Setting
from gatewatch.schema.facts.machine import Machine, System
from gatewatch.schema.facts.windows import LockoutSettings, UserRights

_PAIR = re.compile(r"([A-Za-z_]{2,60})\s*=\s*(.{0,4000})$")
LOCKOUT = {
    "lockoutbadcount": "attempts", "lockoutduration": "duration", "resetlockoutcount": "window", "minimumpasswordlength": "length",
    "passwordcomplexity": "complexity", "enableguestaccount": "guest",
}  # fmt: skip
"""Settings of the account policy, and what they are called here."""


def _recognise(document: Document) -> int:
    head = document.head
    return SURE if re.search(r"(?m)^\[Unicode\]", head) and ("[System Access]" in document.text or "[Privilege Rights]" in document.text) else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        section = ""
        values: list[Setting] = []
        rights: list[tuple[str, tuple[str, ...]]] = []
        first: dict[str, int] = {}
        for number, line in enumerate(document.lines, 1):
            if line.startswith("["):
                section = line.strip().strip("[]").lower()
                first.setdefault(section, number)
                continue
            found = _PAIR.match(line.strip())
            if found is None:
                continue
            name = LOCKOUT.get(found[1].lower())
            if section == "system access" and name is not None:
                values.append(Setting(name, found[2].strip(), "as secedit exports it", document.where(number)))
            elif section == "privilege rights":
                holders = tuple(part.strip().lstrip("*") for part in found[2].split(",") if part.strip())
                rights.append((found[1], holders))
        if not document.text.endswith("\n") or not first.keys() & {"version"}:
            yield Rejected(document, "ends before the export does: a right it does not name may only be cut off")
            continue
        yield Machine(host=bundle.host, as_of=document.as_of, where=(document.where(1),), system=System.WINDOWS, product="Windows")
        if values:
            yield LockoutSettings(
                host=bundle.host, as_of=document.as_of, where=(document.where(first["system access"]),), service="windows", values=tuple(values)
            )
        table = Table()
        if not any(recognise(one) for one in bundle.documents) and security(table, document):  # else they are read with the registry
            yield from policies(table, bundle, document.as_of)
        if "privilege rights" in first:
            yield UserRights(
                host=bundle.host, as_of=document.as_of, rights=tuple(rights),
                where=tuple(
                    document.where(number) for number, line in enumerate(document.lines, 1)
                    if line.startswith(("SeRemoteInteractiveLogonRight", "SeDenyRemoteInteractiveLogonRight", "SeNetworkLogonRight"))
                ) or (document.where(first["privilege rights"]),),
            )  # fmt: skip


FORMAT = Format(
    name="secedit",
    title="Security policy of Windows (secedit /export)",
    recognise=_recognise,
    read=_read,
    collect="secedit /export /cfg secpol.inf /areas SECURITYPOLICY USER_RIGHTS",
    references=("Microsoft Learn: secedit export", "MS-GPSB"),
)
