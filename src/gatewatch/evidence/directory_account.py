"""Accounts of Active Directory and Entra ID: ``Get-ADUser`` as JSON or CSV, users and registration details of Microsoft Graph.

::

    Get-ADUser -Filter * -Properties LastLogonDate,PasswordNotRequired,AdminCount,AccountExpirationDate,whenCreated |
      Select SamAccountName,Enabled,PasswordNotRequired,AdminCount,@{n='LastLogonDate';e={$_.LastLogonDate.ToString('s')}},… | ConvertTo-Json
    {"value": [{"userPrincipalName": "a@example.com", "accountEnabled": true, "signInActivity": {"lastSignInDateTime": "2026-05-01T08:00:00Z"}}]}
    {"value": [{"userPrincipalName": "a@example.com", "isAdmin": true, "isMfaRegistered": false, "methodsRegistered": []}]}

Days are read in ISO 8601 or as ``/Date(…)/``; a day as a locale writes it (3/4/2026) may be another, and is left out.
References: Get-ADUser (Microsoft Learn); Microsoft Graph "user", "signInActivity", "userRegistrationDetails".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Outcome, Rejected
from gatewatch.evidence.powershell import Row, has, rows, truth
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.identity import DirectoryAccount
from gatewatch.schema.facts.machine import Machine, System

_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ]|$)")
_TICKS = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/")


def day(text: str) -> date | None:
    r"""Return the day a stamp stands for; None where it is none, or could be another.

    >>> day("2026-05-01T08:00:00Z"), day("/Date(1777622400000)/"), day("3/4/2026 10:00:00 AM"), day("")
    (datetime.date(2026, 5, 1), datetime.date(2026, 5, 1), None, None)
    """
    iso, ticks = _ISO.match(text.strip()), _TICKS.search(text)
    try:
        if iso is not None:
            return date(int(iso[1]), int(iso[2]), int(iso[3]))
        return datetime.fromtimestamp(int(ticks[1]) / 1000, UTC).date() if ticks is not None else None
    except (ValueError, OverflowError, OSError):
        return None


def _graph(document: Document) -> bool:
    head = document.head
    return '"userPrincipalName"' in head and ('"signInActivity"' in head or '"isMfaRegistered"' in head)


def _recognise(document: Document) -> int:
    return SURE + 5 if _graph(document) or has(document, "samaccountname", "enabled") else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        if _graph(document):
            yield from _entra(document, bundle)
            continue
        found = rows(document)
        if not found:
            yield Rejected(document, document.fault or "lists nothing")
            continue
        for row, where in found:
            if row.get("samaccountname"):
                yield _ad(row, where, document, bundle)


def _ad(row: Row, where: Where, document: Document, bundle: Bundle) -> DirectoryAccount:
    def switch(name: str) -> bool | None:
        return truth(row[name]) if name in row else None

    last, no_password = row.get("lastlogondate"), switch("passwordnotrequired")
    ends = row.get("accountexpirationdate")
    return DirectoryAccount(
        host=bundle.host, as_of=document.as_of, where=(where,), name=row["samaccountname"], directory="ad", login=switch("enabled"),
        admin=row["admincount"].strip() == "1" if "admincount" in row else None, password=None if no_password is None else not no_password,
        last_used=day(last or ""), never=not last.strip() if last is not None else None, created=day(row.get("whencreated", "")),
        expires=day(ends or ""), unending=not ends.strip() if ends is not None else None,
    )  # fmt: skip


def _entra(document: Document, bundle: Bundle) -> Iterator[Outcome]:
    tree = document.json()
    listed = tree.get("value") if isinstance(tree, dict) else tree
    if not isinstance(listed, list):
        yield Rejected(document, document.fault or "holds no list of users")
        return
    if isinstance(tree, dict) and tree.get("@odata.nextLink"):
        yield Rejected(document, "is one page of several: collect them all (az rest follows @odata.nextLink only when asked)")
        return
    yield Machine(host=bundle.host, as_of=document.as_of, where=(document.spot("$"),), system=System.CLOUD, product="Entra ID")
    for number, user in enumerate(listed):
        if isinstance(user, dict) and user.get("userPrincipalName"):
            yield _user(user, document, f"$.value[{number}]", bundle)


def _user(user: dict[str, Any], document: Document, pointer: str, bundle: Bundle) -> DirectoryAccount:
    activity = user.get("signInActivity")
    stamps = [str(activity[name]) for name in ("lastSignInDateTime", "lastNonInteractiveSignInDateTime") if activity.get(name)] if isinstance(
        activity, dict) else []  # fmt: skip
    days = [found for stamp in stamps if (found := day(stamp)) is not None]
    methods = user.get("methodsRegistered")
    registered = user.get("isMfaRegistered")
    enabled, admin = user.get("accountEnabled"), user.get("isAdmin")
    name = str(user["userPrincipalName"])
    return DirectoryAccount(
        host=bundle.host, as_of=document.as_of, where=(document.spot(pointer, name),), name=name, directory="entra",
        login=enabled if isinstance(enabled, bool) else None, admin=admin if isinstance(admin, bool) else None,
        last_used=max(days, default=None), never=not stamps if isinstance(activity, dict) else None,
        created=day(str(user.get("createdDateTime") or "")), registered=registered if isinstance(registered, bool) else None,
        methods=tuple(sorted(str(one) for one in methods)) if isinstance(methods, list) else (),
    )  # fmt: skip


FORMAT = Format(
    name="directory-account",
    title="Accounts of Active Directory and Entra ID",
    recognise=_recognise,
    read=_read,
    collect="Get-ADUser -Filter * -Properties LastLogonDate,PasswordNotRequired,AdminCount,AccountExpirationDate,whenCreated > ad-users.json; "
    "az rest --url https://graph.microsoft.com/v1.0/reports/authenticationMethods/userRegistrationDetails > "
    "EVIDENCE/TENANT/commands/mfa-registration.json",
    references=("Get-ADUser", "Microsoft Graph: signInActivity, userRegistrationDetails"),
)
