"""What a Mac shares: ``systemsetup -getremotelogin``, ``launchctl print-disabled system``, and Remote Management's preferences.

::

    Remote Login: On
    disabled services = {
        "com.apple.screensharing" => disabled
        "com.openssh.sshd" => enabled
    }

The preferences are a property list, in XML (``plutil -convert xml1``) or binary. References: systemsetup(8), launchctl(1), "Use the kickstart
command-line utility in Apple Remote Desktop" (Apple).
"""

from __future__ import annotations

import plistlib
import re
from collections.abc import Iterator
from xml.parsers.expat import ExpatError

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Outcome, Rejected
from gatewatch.schema.facts.base import Setting
from gatewatch.schema.facts.machine import Machine, System
from gatewatch.schema.facts.server import SharingSettings

_LINE = re.compile(r"\s*\"([\w.-]{1,100})\" => (enabled|disabled|true|false)\s*$")
_LOGIN = re.compile(r"(?m)^Remote (Login|Apple Events): (On|Off)\s*$")
_SERVICES = {
    "com.apple.screensharing": "screensharing", "com.openssh.sshd": "remotelogin", "com.apple.AEServer": "remoteappleevents", "com.apple.smbd": "smb",
    "com.apple.RemoteDesktop.PrivilegeProxy": "remotemanagement", "com.apple.ftp-proxy": "ftp", "com.apple.telnetd": "telnet",
}  # fmt: skip
_NAMES = {"Login": "remotelogin", "Apple Events": "remoteappleevents"}
_PREFERENCES = ("VNCLegacyConnectionsEnabled", "ARD_AllLocalUsers", "ScreenSharingReqPermEnabled", "allowInsecureDH")


def _recognise(document: Document) -> int:
    name = document.path.rpartition("/")[2]
    if name == "com.apple.RemoteManagement.plist" or _LOGIN.search(document.head):
        return SURE
    return SURE if "disabled services = {" in document.head and '" => ' in document.head else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    values: dict[str, Setting] = {}
    for document in documents:
        told = False
        if document.path.endswith(".plist"):
            found = _plist(document)
            if found is None:
                yield Rejected(document, "is no property list, or one with entities")
                continue
            values.update(found)
            if not found:
                values["preferences"] = Setting("preferences", "empty", "the property list sets nothing of this", document.spot("/"))
            continue
        if "disabled services = {" in document.text:
            if "}" not in document.text:
                yield Rejected(document, "ends within the list of services")
                continue
            for number, line in enumerate(document.lines, 1):
                match = _LINE.match(line)
                name = _SERVICES.get(match[1]) if match is not None else None
                told = told or match is not None
                if match is not None and name is not None:
                    off = match[2] in {"disabled", "true"}
                    values.setdefault(name, Setting(name, "off" if off else "on", "launchctl print-disabled", document.where(number)))
        for number, line in enumerate(document.lines, 1):
            login = _LOGIN.match(line)
            if login is not None:
                told = True
                values[_NAMES[login[1]]] = Setting(_NAMES[login[1]], login[2].lower(), "as systemsetup says", document.where(number))
        if not told:
            yield Rejected(document, "says nothing of sharing")
    if values:
        where = next((one.where for one in values.values() if one.where is not None), documents[0].where(1))
        yield Machine(host=bundle.host, as_of=documents[0].as_of, where=(where,), system=System.MACOS, product="macOS")
        yield SharingSettings(host=bundle.host, as_of=documents[0].as_of, where=(where,), service="vnc", values=tuple(values.values()))


def _plist(document: Document) -> dict[str, Setting] | None:
    if b"<!ENTITY" in document.data:
        return None
    try:
        tree = plistlib.loads(document.data)
    except (plistlib.InvalidFileException, ValueError, ExpatError, KeyError, IndexError, TypeError, AttributeError, OverflowError, RecursionError):
        return None
    if not isinstance(tree, dict):
        return None
    made: dict[str, Setting] = {}
    for name in _PREFERENCES:
        value = tree.get(name)
        if isinstance(value, (bool, int)):
            key = name.lower()
            made[key] = Setting(key, "1" if value else "0", "as the property list says", document.spot(f"/{name}", f"{name} {bool(value)}"))
    return made


FORMAT = Format(
    name="macos-sharing",
    title="What a Mac shares",
    recognise=_recognise,
    read=_read,
    collect=(
        "sudo systemsetup -getremotelogin > login.txt; sudo launchctl print-disabled system > disabled.txt; "
        "sudo cp /Library/Preferences/com.apple.RemoteManagement.plist ."
    ),
    references=("systemsetup(8)", "launchctl(1)"),
)
