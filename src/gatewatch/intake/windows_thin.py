"""Rows of Sentinel's SecurityEvent table that a query has thinned out: ``Account`` and ``Activity`` without the event's own data.

``TimeGenerated,Account,Computer,EventID,Activity,IpAddress,LogonType``: the table holds the Security log, its ``Activity`` begins with the number
of the event, and its accounts (``CORP\\ann``) stand for the data of which they were made.

Reference: https://learn.microsoft.com/azure/azure-monitor/reference/tables/securityevent
"""

from __future__ import annotations

import re
from collections.abc import Mapping

ACTIVITY = re.compile(r"([0-9]{1,5}) - ")
_TARGET = frozenset({4624, 4625, 4634, 4647, 4648, 4768, 4769, 4771, 4776})
"""Events in which ``Account`` is who logs on."""


def is_security(event_id: int, activity: str | None) -> bool:
    """Return whether *activity* is the table's name for the event of this number."""
    found = ACTIVITY.match(activity or "")
    return found is not None and int(found[1]) == event_id


def accounts(event_id: int, row: Mapping[str, str | None]) -> dict[str, str]:
    """Return the data that the accounts of a *row* (keys in small letters) stand for, where it lacks them."""
    made: dict[str, str] = {}
    told = {"Subject": row.get("subjectaccount"), "Target": row.get("targetaccount")}
    if event_id in _TARGET and not told["Target"]:
        told["Target"] = row.get("account")
    for part, account in told.items():
        if not account or row.get(f"{part.lower()}username"):
            continue
        domain, found, name = account.rpartition("\\")
        if name and name != "-":
            made[f"{part}UserName"] = name
            if found and domain and domain != "-":
                made[f"{part}DomainName"] = domain
    return made
