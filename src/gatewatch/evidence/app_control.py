"""What may run: AppLocker's effective policy, a WDAC policy, Gatekeeper's state.

::

    <AppLockerPolicy Version="1"><RuleCollection Type="Exe" EnforcementMode="Enabled">
      <FilePathRule Action="Allow" UserOrGroupSid="S-1-1-0" …><Conditions><FilePathCondition Path="%PROGRAMFILES%\\*"/></Conditions></FilePathRule>
    assessments enabled

AppLocker enforces a collection that has rules unless it says AuditOnly. References: "AppLocker rule collection", "App Control policy rules"
(Microsoft Learn); spctl(8).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Outcome, Rejected
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.control import AppControl
from gatewatch.schema.facts.machine import Machine, System

_ALL = frozenset({"S-1-1-0", "S-1-5-32-545", "S-1-5-11"})  # Everyone, Users, Authenticated Users
_WRITABLE = re.compile(
    r"(?i)^(?:\*|(?:%osdrive%|[a-z]:|\*:)\\(?:\*.{0,20}|users(?:\\.{0,200})?|temp(?:\\.{0,200})?|programdata(?:\\\*)?)|%hot%.{0,40}|%removable%.{0,40}|"
    r"%windir%\\(?:temp|tasks|tracing)(?:\\.{0,100})?)$"
)
_SPCTL = re.compile(r"(?im)^assessments\s+(enabled|disabled)\s*$")


def _recognise(document: Document) -> int:
    if "<AppLockerPolicy" in document.head or "<SiPolicy" in document.head:
        return SURE
    return SURE if _SPCTL.search(document.head) is not None else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        spctl = _SPCTL.search(document.head)
        if spctl is not None:
            line = document.head[: spctl.start()].count("\n") + 1
            on = spctl[1].lower() == "enabled"
            yield Machine(host=bundle.host, as_of=document.as_of, where=(document.where(line),), system=System.MACOS, product="macOS")
            yield AppControl(
                host=bundle.host, as_of=document.as_of, where=(document.where(line),), product="gatekeeper", collection="all", enforced=on,
                mode=spctl[1].lower(),
            )  # fmt: skip
            continue
        root = document.xml()
        if root is None:
            yield Rejected(document, document.fault)
            continue
        yield Machine(host=bundle.host, as_of=document.as_of, where=(document.spot("/"),), system=System.WINDOWS, product="Windows")
        yield from _applocker(root, document, bundle) if root.tag == "AppLockerPolicy" else _wdac(root, document, bundle)


def _applocker(root: Element, document: Document, bundle: Bundle) -> Iterator[AppControl]:
    seen = set()
    for collection in root.findall("RuleCollection"):
        name, mode = collection.get("Type", "").lower(), collection.get("EnforcementMode", "NotConfigured")
        seen.add(name)
        rules = [one for one in collection if one.tag.endswith("Rule")]
        open_: list[tuple[str, Where]] = []
        for rule in rules:
            if rule.get("Action") == "Allow" and rule.get("UserOrGroupSid") in _ALL:
                for path in rule.findall("Conditions/FilePathCondition"):
                    if _WRITABLE.match(path.get("Path", "")) is not None:
                        pointer = f"/AppLockerPolicy/RuleCollection[@Type='{collection.get('Type')}']"
                        open_.append((path.get("Path", ""), document.spot(pointer, f"{rule.get('Name', '')}: {path.get('Path')}")))
                publishers = [one.get("PublisherName") for one in rule.findall("Conditions/FilePublisherCondition")]
                if name == "exe" and "*" in publishers:
                    open_.append(("any publisher", document.spot("/AppLockerPolicy", f"{rule.get('Name', '')}: any publisher")))
        yield AppControl(
            host=bundle.host, as_of=document.as_of, where=(document.spot(f"/AppLockerPolicy/RuleCollection[@Type='{name}']", f"{name} {mode}"),),
            product="applocker", collection=name, enforced=bool(rules) and mode != "AuditOnly", mode=mode if rules else "no rule", open=tuple(open_),
        )  # fmt: skip
    for name in ("exe", "msi"):
        if name not in seen:
            yield AppControl(
                host=bundle.host, as_of=document.as_of, where=(document.spot("/AppLockerPolicy"),), product="applocker", collection=name,
                enforced=False, mode="no rule",
            )  # fmt: skip


def _wdac(root: Element, document: Document, bundle: Bundle) -> Iterator[AppControl]:
    options = [(one.text or "").strip() for one in root.iter() if one.tag.rpartition("}")[2] == "Option"]
    audit = "Enabled:Audit Mode" in options
    users = "Enabled:UMCI" in options
    mode = "audit mode" if audit else "enforced" if users else "enforced for the kernel only"
    yield AppControl(
        host=bundle.host, as_of=document.as_of, where=(document.spot("/SiPolicy/Rules", ", ".join(options)),), product="wdac", collection="all",
        enforced=users and not audit, mode=mode,
    )  # fmt: skip


FORMAT = Format(
    name="app-control",
    title="What may run (AppLocker, WDAC, Gatekeeper)",
    recognise=_recognise,
    read=_read,
    collect="Get-AppLockerPolicy -Effective -Xml > applocker.xml; spctl --status > spctl.txt (macOS)",
    references=("Microsoft Learn: AppLocker", "Microsoft Learn: App Control policy rules", "spctl(8)"),
)
