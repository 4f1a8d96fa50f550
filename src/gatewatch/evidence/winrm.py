"""``winrm get winrm/config`` and ``winrm enumerate winrm/config/listener``: WinRM's own word on its settings, policy included.

::

    Config
        Service
            AllowUnencrypted = false [Source="GPO"]
            Auth
                Basic = false
    Listener
        Address = *
        Transport = HTTPS
        Port = 5986

Reference: "Installation and configuration for Windows Remote Management" (Microsoft Learn).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Outcome, Rejected
from gatewatch.schema.facts.base import Setting
from gatewatch.schema.facts.machine import Listener, Machine, System
from gatewatch.schema.facts.windows import WinrmSettings

_PAIR = re.compile(r"(\s*)(\w{2,40}) = ?(.{0,400}?)(?:\s*\[Source=\"(\w{1,20})\"\])?\s*$")
_HEAD = re.compile(r"(\s*)(Config|Client|Service|Winrs|Auth|DefaultPorts|Listener)\b")
_SWITCH = {"true": "1", "false": "0"}
_NAMES = {
    "service.auth.basic": "allowbasic", "service.allowunencrypted": "allowunencryptedtraffic", "service.ipv4filter": "ipv4filter",
    "service.ipv6filter": "ipv6filter", "client.auth.basic": "client.allowbasic", "client.allowunencrypted": "client.allowunencryptedtraffic",
    "client.auth.digest": "client.allowdigest", "client.trustedhosts": "client.trustedhosts", "service.auth.cbthardeninglevel": "cbthardening",
    "service.enablecompatibilityhttplistener": "compatibilityhttp",
}  # fmt: skip


def _recognise(document: Document) -> int:
    head = document.head
    config = re.search(r"(?m)^Config\b", head) and "MaxEnvelopeSizekb" in head
    return SURE if config or (re.search(r"(?m)^Listener\b", head) and re.search(r"(?m)^\s+Transport = ", head)) else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    values: dict[str, Setting] = {}
    transports: list[tuple[str, Setting]] = []
    told = False
    for document in documents:
        stack: list[tuple[int, str]] = []
        listener: dict[str, tuple[str, int]] = {}
        found = 0
        for number, line in enumerate([*document.lines, "Listener"], 1):
            pair, head = _PAIR.match(line), _HEAD.match(line)
            if pair is None and head is not None:
                depth = len(head[1])
                stack = [one for one in stack if one[0] < depth] + [(depth, head[2].lower())]
                if head[2] == "Listener" and listener:
                    found += 1
                    yield from _listener(document, bundle, listener, transports)
                    listener = {}
                continue
            if pair is None:
                continue
            stack = [one for one in stack if one[0] < len(pair[1])]
            path = ".".join([name for _, name in stack if name != "config"] + [pair[2].lower()])
            if path.startswith("listener."):
                listener[pair[2].lower()] = (pair[3].strip(), number)
            elif path in _NAMES:
                found += 1
                how = "as winrm says" + (", by group policy" if pair[4] == "GPO" else "")
                text = pair[3].strip()
                values[_NAMES[path]] = Setting(_NAMES[path], _SWITCH.get(text.lower(), text), how, document.where(number))
        if not found:
            yield Rejected(document, "holds no setting of WinRM")
            continue
        told = True
    if transports:
        values["listeners"] = Setting("listeners", ", ".join(name for name, _ in transports), "as winrm enumerates them", transports[0][1].where)
    if told:
        first = next((one.where for one in values.values() if one.where is not None), documents[0].where(1))
        yield Machine(host=bundle.host, as_of=documents[0].as_of, where=(first,), system=System.WINDOWS, product="Windows")
        yield WinrmSettings(host=bundle.host, as_of=documents[0].as_of, where=(first,), service="winrm", values=tuple(values.values()))


def _listener(
    document: Document, bundle: Bundle, listener: dict[str, tuple[str, int]], transports: list[tuple[str, Setting]]
) -> Iterator[Listener]:
    transport, line = listener.get("transport", ("", 0))
    address, port = listener.get("address", ("*", 0))[0], listener.get("port", ("", 0))[0]
    where = document.where(line)
    enabled = listener.get("enabled", ("true", 0))[0].lower() != "false"
    if transport and enabled:
        transports.append((f"{address}+{transport}", Setting("listener", transport, "as winrm enumerates it", where)))
        if port.isdigit() and int(port) < 65536:
            yield Listener(host=bundle.host, as_of=document.as_of, where=(where,), address=address, port=int(port), service="winrm", process="WinRM")


FORMAT = Format(
    name="winrm",
    title="Settings of WinRM (winrm get, winrm enumerate)",
    recognise=_recognise,
    read=_read,
    collect="winrm get winrm/config > winrm.txt; winrm enumerate winrm/config/listener > winrm-listeners.txt",
    references=("Microsoft Learn: Installation and configuration for Windows Remote Management",),
)
