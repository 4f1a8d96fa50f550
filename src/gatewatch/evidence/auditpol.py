"""``auditpol /get /category:* /r``: what the security log of a Windows machine records, by subcategory.

::

    Machine Name,Policy Target,Subcategory,Subcategory GUID,Inclusion Setting,Exclusion Setting
    APP01,System,Logon,{0CCE9215-69AE-11D9-BED3-505054503030},Success and Failure,

Subcategories are told by GUID, so their names may be in any language; the settings are read in English. Reference: auditpol get, MS-GPAC 2.2.1.4.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Outcome, Rejected
from gatewatch.evidence.powershell import has, rows
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.machine import Machine, System
from gatewatch.schema.facts.windows import AuditPolicy

_GUID = re.compile(r"\{?0CCE(9[0-9A-F]{3})-69AE-11D9-BED3-505054503030\}?", re.IGNORECASE)
_SETTINGS = {"success and failure": (True, True), "success": (True, False), "failure": (False, True), "no auditing": (False, False)}


def _recognise(document: Document) -> int:
    return SURE if has(document, "subcategory guid", "inclusion setting") else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        found = rows(document)
        made: dict[str, tuple[bool, bool]] = {}
        places: dict[str, Where] = {}
        for row, where in found or ():
            guid = _GUID.search(row.get("subcategory guid", ""))
            setting = _SETTINGS.get(row.get("inclusion setting", "").strip().lower())
            if guid is not None and setting is not None:
                made[guid[1].upper()] = setting
                places[guid[1].upper()] = where
        if not made:
            yield Rejected(document, document.fault or "holds no subcategory with a setting in English")
            continue
        yield Machine(host=bundle.host, as_of=document.as_of, where=(document.where(1),), system=System.WINDOWS, product="Windows")
        yield AuditPolicy(
            host=bundle.host, as_of=document.as_of, where=tuple(places[code] for code in ("9215", "9217") if code in places) or (document.where(1),),
            subcategories=tuple((code, *made[code]) for code in sorted(made)),
        )  # fmt: skip


FORMAT = Format(
    name="auditpol",
    title="Audit policy of Windows (auditpol /get /r)",
    recognise=_recognise,
    read=_read,
    collect="auditpol /get /category:* /r > auditpol.csv",
    references=("Microsoft Learn: auditpol get", "MS-GPAC 2.2.1.4"),
)
