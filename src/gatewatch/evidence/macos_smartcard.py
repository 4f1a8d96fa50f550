"""Smart cards of a Mac: the profile or preferences of ``com.apple.security.smartcard``.

::

    <key>PayloadType</key><string>com.apple.security.smartcard</string>
    <key>enforceSmartCard</key><true/>

Read from a configuration profile (``.mobileconfig``), from ``profiles show -all -output stdout-xml``, from ``system_profiler -xml
SPConfigurationProfileDataType``, or from the preferences themselves. A list of profiles without the payload says that nothing is enforced.
Reference: Apple, "SmartCard" payload; APPL-15-003020.
"""

from __future__ import annotations

import plistlib
from collections.abc import Iterator
from typing import Any
from xml.parsers.expat import ExpatError

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import LIKELY, SURE, Format, Outcome, Rejected
from gatewatch.schema.facts.base import Setting
from gatewatch.schema.facts.machine import Machine, System
from gatewatch.schema.facts.macos import SmartCardSettings

_DOMAIN = "com.apple.security.smartcard"
_KEYS = ("enforceSmartCard", "allowSmartCard", "checkCertificateTrust")
_LIST = ("ProfileItems", "PayloadContent", "SPConfigurationProfileDataType")
_DAMAGE = (
    plistlib.InvalidFileException, ValueError, ExpatError, KeyError, IndexError, TypeError, AttributeError, OverflowError, RecursionError,
)  # fmt: skip
_DEPTH = 24


def _recognise(document: Document) -> int:
    if document.path.rpartition("/")[2] == f"{_DOMAIN}.plist":
        return SURE
    head = document.text[:200_000]
    if "<plist" not in head:
        return 0
    if _DOMAIN in head or "SPConfigurationProfileDataType" in head:
        return SURE
    return LIKELY if "<key>ProfileItems</key>" in head or "<key>PayloadContent</key>" in head else 0


def _payloads(tree: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    if depth > _DEPTH:
        return
    if isinstance(tree, dict):
        if tree.get("PayloadType") == _DOMAIN or tree.get("_name") == _DOMAIN:
            inner = tree.get("PayloadContent")
            yield inner if isinstance(inner, dict) else tree
        for value in tree.values():
            yield from _payloads(value, depth + 1)
    elif isinstance(tree, list):
        for value in tree:
            yield from _payloads(value, depth + 1)


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    values: dict[str, Setting] = {}
    good: list[Document] = []
    for document in documents:
        tree: Any = None
        if b"<!ENTITY" not in document.data:
            try:
                tree = plistlib.loads(document.data)
            except _DAMAGE:
                tree = None
        own = document.path.rpartition("/")[2] == f"{_DOMAIN}.plist"
        if not isinstance(tree, (dict, list)) or not (own or any(name in document.text for name in (*_LIST, _DOMAIN))):
            yield Rejected(document, "is no property list of profiles, or one with entities")
            continue
        good.append(document)
        for payload in [tree] if own and isinstance(tree, dict) else _payloads(tree):
            for name in _KEYS:
                value = payload.get(name)
                if isinstance(value, (bool, int)):
                    said = "1" if value else "0"
                    values.setdefault(name.lower(), Setting(name.lower(), said, "as the profile says", document.spot(f"/{name}", f"{name} {said}")))
    if good:
        place = good[0].spot("/", _DOMAIN)
        values.setdefault("enforcesmartcard", Setting("enforcesmartcard", "0", "no profile enforces it", place))
        yield Machine(host=bundle.host, as_of=good[0].as_of, where=(place,), system=System.MACOS, product="macOS")
        yield SmartCardSettings(host=bundle.host, as_of=good[0].as_of, where=(place,), service="logon", values=tuple(values.values()))


FORMAT = Format(
    name="macos-smartcard",
    title="Smart cards of a Mac (profiles)",
    recognise=_recognise,
    read=_read,
    collect="sudo profiles show -all -output stdout-xml > profiles.plist",
    references=("Apple: SmartCard payload", "profiles(1)"),
)
