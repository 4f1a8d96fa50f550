"""``netsh advfirewall``: rules and profiles of Windows' firewall as text, in English.

::

    Rule Name:                            Remote Desktop (TCP-In)
    ----------------------------------------------------------------------
    Enabled:                              Yes
    Direction:                            In
    Profiles:                             Domain,Private
    RemoteIP:                             10.9.0.0/24
    Protocol:                             TCP
    LocalPort:                            3389
    Action:                               Allow

Reference: "netsh advfirewall firewall show rule" (Microsoft Learn).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Outcome, Rejected
from gatewatch.evidence.powershell import truth
from gatewatch.evidence.windows_rule import PROFILES, Profile, WindowsRule, build, made_profile, profile_names
from gatewatch.schema.facts.base import Setting, Where
from gatewatch.schema.facts.machine import Machine, System
from gatewatch.schema.facts.windows import FirewallProfile

_FIELD = re.compile(r"([A-Z][A-Za-z ]{1,30}):\s*(.{0,2000})$")
_HEAD = re.compile(r"(Domain|Private|Public) Profile Settings:")


def _recognise(document: Document) -> int:
    head = document.head
    return SURE if re.search(r"(?m)^Rule Name:  ", head) or (_HEAD.search(head) and "Firewall Policy" in head) else 0


def _blocks(document: Document) -> Iterator[tuple[dict[str, str], Where]]:
    block: dict[str, str] = {}
    where = document.where(1)
    last = ""
    for number, line in enumerate(document.lines, 1):
        found = _FIELD.match(line)
        if found is not None:
            if found[1] == "Rule Name":
                if block:
                    yield block, where
                block, where = {}, document.where(number)
            last = found[1].lower()
            block[last] = found[2].strip()
        elif last in {"remoteip", "localip"} and line[:1] == " " and line.strip():
            block[last] += "," + line.strip()  # long lists go on in the next line
    if block:
        yield block, where


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    rules: list[WindowsRule] = []
    profiles: list[Profile] = []
    seen, lost = False, ""
    for document in documents:
        if _HEAD.search(document.head):
            facts = list(_profiles(document, bundle))
            yield from facts
            profiles += [made_profile(one) for one in facts]
            continue
        blocks = list(_blocks(document))
        if not document.text.rstrip().endswith("Ok.") or any("action" not in block for block, _ in blocks):
            lost = f"{document.name} ends before netsh's last line"
            if not blocks:
                yield Rejected(document, "holds no rule")
                continue
        seen = True
        rules += [rule for block, where in blocks if (rule := _rule(block, where)) is not None]
    if seen or profiles:
        yield Machine(host=bundle.host, as_of=documents[0].as_of, where=(documents[0].where(1),), system=System.WINDOWS, product="Windows")
    if seen:
        yield build(bundle.host, documents[0].as_of, rules, profiles, incomplete=lost, where=(documents[0].where(1),))


def _rule(block: dict[str, str], where: Where) -> WindowsRule | None:
    if block.get("direction", "").lower() != "in" or truth(block.get("enabled", "")) is not True:
        return None
    interface = block.get("interfacetypes", "any")
    limits = [f"interface {interface}"] if interface.lower() not in {"any", ""} else []
    if block.get("security", "NotRequired").lower() != "notrequired":
        limits.append(f"security {block['security']}")
    if "action" not in block:
        limits.append("its end is not in the evidence")
    return WindowsRule(
        name=block.get("rule name", ""), action=block.get("action", "allow"), where=where, profiles=profile_names(block.get("profiles", "any")),
        protocol=block.get("protocol", ""), ports=tuple(block.get("localport", "").split(",")),
        source_ports=tuple(block.get("remoteport", "").split(",")), remote=tuple(block.get("remoteip", "").split(",")),
        local=tuple(block.get("localip", "").split(",")), program=block.get("program", ""), limits=tuple(limits),
        policy="local" not in block.get("rule source", "").lower(),
    )  # fmt: skip


def _profiles(document: Document, bundle: Bundle) -> Iterator[FirewallProfile]:
    name, start = "", 0
    values: list[Setting] = []
    for number, line in enumerate([*document.lines, "Domain Profile Settings:"], 1):
        head = _HEAD.match(line)
        if head is not None:
            if name in PROFILES:
                yield FirewallProfile(
                    host=bundle.host, as_of=document.as_of, where=(document.where(start),), service="firewall", scope=name, values=tuple(values)
                )
            name, values, start = head[1].lower(), [], number
            continue
        words = line.split(None, 1)
        where = document.where(number)
        if line.startswith("State ") and len(words) == 2 and truth(words[1]) is not None:
            values.append(Setting("enabled", "1" if truth(words[1]) else "0", "as netsh says", where))
        elif line.startswith("Firewall Policy ") and "Inbound" in line:
            values.append(Setting("inbound", "1" if "BlockInbound" in line else "0", "as netsh says", where))
        elif line.startswith("LogDroppedConnections") and len(words) == 2:
            values.append(Setting("logblocked", "1" if words[1].strip().lower().startswith("enable") else "0", "as netsh says", where))
        elif line.startswith("LocalFirewallRules") and len(words) == 2 and words[1].strip().lower().startswith(("enable", "disable")):
            values.append(Setting("localmerge", "1" if words[1].strip().lower().startswith("enable") else "0", "as netsh says", where))


FORMAT = Format(
    name="netsh-firewall",
    title="Windows' firewall as netsh lists it (English)",
    recognise=_recognise,
    read=_read,
    collect="netsh advfirewall firewall show rule name=all verbose > firewall.txt; netsh advfirewall show allprofiles > profiles.txt",
    references=("Microsoft Learn: netsh advfirewall",),
)
