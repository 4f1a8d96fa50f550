"""``gpresult /x``: what group policy sets on a Windows machine, of it the security settings.

::

    <Rsop xmlns="http://www.microsoft.com/GroupPolicy/Rsop"><ComputerResults>…
      <q1:UserRightsAssignment><Precedence>1</Precedence><q1:Name>SeRemoteInteractiveLogonRight</q1:Name>
        <q1:Member><SID>S-1-5-32-544</SID><Name>BUILTIN\\Administrators</Name></q1:Member></q1:UserRightsAssignment>
      <q1:Account><q1:Name>LockoutBadCount</q1:Name><q1:SettingNumber>5</q1:SettingNumber></q1:Account>
      <q1:SecurityOptions><q1:KeyName>MACHINE\\System\\…\\LmCompatibilityLevel</q1:KeyName><q1:SettingNumber>5</q1:SettingNumber>…

What several policies set, precedence 1 wins. What no policy sets stands with the machine itself, so a right that is not here is not known.
Administrative templates are told by their titles only; ``reg export HKLM\\SOFTWARE\\Policies`` has their values. Reference: gpresult (Microsoft
Learn), MS-GPSB.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Ignored, Outcome, Rejected
from gatewatch.evidence.secedit import LOCKOUT
from gatewatch.evidence.windows_registry import policies, recognise
from gatewatch.evidence.windows_registry_text import Table, secured
from gatewatch.schema.facts.base import Setting, Where
from gatewatch.schema.facts.machine import Machine, System
from gatewatch.schema.facts.windows import LockoutSettings, UserRights

_ALLOW, _DENY = "SeRemoteInteractiveLogonRight", "SeDenyRemoteInteractiveLogonRight"


def _recognise(document: Document) -> int:
    return SURE if "GroupPolicy/Rsop" in document.head and "<Rsop" in document.head else 0


def _inner(node: Element, name: str) -> list[Element]:
    return [one for one in node if one.tag.rpartition("}")[2] == name]


def _text(node: Element, *names: str) -> str:
    found = next((one for name in names for one in _inner(node, name)), None)
    return (found.text or "").strip() if found is not None else ""


def _value(node: Element) -> str:
    switch = _text(node, "SettingBoolean").lower()
    return {"true": "1", "false": "0"}.get(switch, switch) or _text(node, "SettingNumber", "SettingString")


def _winning(root: Element, name: str) -> Iterator[Element]:
    """Yield the settings of a kind that are in force, of the computer's half."""
    for computer in _inner(root, "ComputerResults"):
        for node in computer.iter():
            if node.tag.rpartition("}")[2] == name and _text(node, "Precedence") in {"", "1"}:
                yield node


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        root = document.xml()
        if root is None:
            yield Rejected(document, document.fault or "is no XML")
            continue
        lockout = [
            Setting(name, _value(node), "as group policy sets it", document.spot("Account", f"{_text(node, 'Name')} = {_value(node)}"))
            for node in _winning(root, "Account") if (name := LOCKOUT.get(_text(node, "Name").lower())) is not None and _value(node)
        ]  # fmt: skip
        rights: dict[str, tuple[str, ...]] = {}
        places: list[Where] = []
        for node in _winning(root, "UserRightsAssignment"):
            name = _text(node, "Name")
            rights[name] = tuple(_text(one, "SID") or _text(one, "Name") for one in _inner(node, "Member"))
            places.append(document.spot("ComputerResults/UserRightsAssignment", f"{name} = {', '.join(rights[name])}"))
        table = Table()
        options = [secured(table, document, _text(node, "KeyName"), _value(node)) for node in _winning(root, "SecurityOptions") if _value(node)]
        if not lockout and not rights and not any(options):
            yield Ignored(document, "sets no security of the computer")
            continue
        yield Machine(host=bundle.host, as_of=document.as_of, where=(document.spot("Rsop"),), system=System.WINDOWS, product="Windows")
        if lockout:
            place = lockout[0].where
            yield LockoutSettings(
                host=bundle.host, as_of=document.as_of, where=(place,) if place is not None else (), service="windows", values=tuple(lockout)
            )
        if any(options) and not any(recognise(one) for one in bundle.documents):  # else they are read with the registry
            yield from policies(table, bundle, document.as_of)
        if _ALLOW in rights and _DENY in rights:
            yield UserRights(
                host=bundle.host, as_of=document.as_of, rights=tuple(rights.items()),
                where=tuple(place for place in places if place.quote.startswith((_ALLOW, _DENY))),
            )  # fmt: skip


FORMAT = Format(
    name="gpresult",
    title="Group policy in force on a Windows machine (gpresult /x)",
    recognise=_recognise,
    read=_read,
    collect="gpresult /scope computer /x gpresult.xml",
    references=("Microsoft Learn: gpresult", "MS-GPSB"),
)
