"""Windows' registry exports of a host, read together: remote services, logon, firewall, services, programs, run keys, event logs.

::

    reg export "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Terminal Server" ts.reg /y
    reg export HKLM\\SOFTWARE\\Policies policies.reg /y

A group policy's ``Registry.pol`` is read too.
References: see :mod:`gatewatch.evidence.windows_registry_text` and :mod:`gatewatch.evidence.windows_setting`; MS-GPFAS 2.2.2 (firewall rules).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from gatewatch.evidence import windows_browser
from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Outcome, Rejected
from gatewatch.evidence.windows_policy_file import SIGNATURE
from gatewatch.evidence.windows_registry_firewall import firewall
from gatewatch.evidence.windows_registry_text import HEADER, Table, Value, add, security
from gatewatch.evidence.windows_setting import DUO, INSTALLER, LOGON, RDP, SMB, WINRM, Place, settings, touched
from gatewatch.schema.facts.base import Setting, Settings, Where
from gatewatch.schema.facts.machine import Autostart, Listener, LogTarget, Machine, Software, System
from gatewatch.schema.facts.windows import (
    EventLogSettings,
    InstallerSettings,
    InventorySettings,
    LogonSettings,
    NpsSettings,
    RdpSettings,
    SmbSettings,
    WinrmSettings,
)
from gatewatch.schema.secret import mask

_SERVICES = "hklm\\system\\currentcontrolset\\services"
_UNINSTALL = ("\\microsoft\\windows\\currentversion\\uninstall\\",)
_RUN = ("\\microsoft\\windows\\currentversion\\run", "\\microsoft\\windows\\currentversion\\runonce")
_CHANNELS = "hklm\\software\\microsoft\\windows\\currentversion\\winevt\\channels"
_FORWARD = "hklm\\software\\policies\\microsoft\\windows\\eventlog\\eventforwarding\\subscriptionmanager"
_NPS = "hklm\\system\\currentcontrolset\\services\\authsrv\\parameters"
_AZURE = "hklm\\software\\microsoft\\azuremfa"
_STARTS = {"0": True, "1": True, "2": True, "3": None, "4": False}
_SERVER = re.compile(r"(?i)(?:^|,)Server=([^,]{1,400})")
_KINDS: tuple[tuple[type[Settings], str, tuple[Place, ...]], ...] = (
    (RdpSettings, "rdp", RDP),
    (WinrmSettings, "winrm", WINRM),
    (SmbSettings, "smb", SMB),
    (LogonSettings, "logon", LOGON),
    (InstallerSettings, "installer", INSTALLER),
)


def recognise(document: Document) -> int:
    """Return how surely a file is an export of the registry, or a policy's file of it."""
    if document.data.startswith(SIGNATURE):
        return SURE
    head = document.head.lstrip("\ufeff\n")
    if head.startswith(HEADER):
        return SURE
    return SURE - 10 if re.search(r"(?m)^HKEY_LOCAL_MACHINE\\.+$", head) and re.search(r"(?m)^    \S.*    REG_[A-Z_]+", head) else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    table = Table()
    for document in documents:
        if document.data.startswith(SIGNATURE):
            if not document.data.endswith(b"]\0") or not add(table, document):
                yield Rejected(document, "ends within a value of a group policy")
        elif not document.text.endswith("\n"):
            yield Rejected(document, "ends within a line: what it does not say may only be cut off")
        elif not add(table, document):
            yield Rejected(document, "holds no key of the registry")
    if not table.keys:
        return
    for document in bundle.documents:  # what a security policy sets of the registry stands beside it
        if "[Registry Values]" in document.text and document.text.endswith("\n"):
            security(table, document)
    as_of = documents[0].as_of
    yield from policies(table, bundle, as_of)
    yield from _machine(table, bundle, as_of)
    yield from _software(table, bundle, as_of)
    yield from _services(table, bundle, as_of)
    yield from _nps(table, bundle, as_of)
    yield from _logs(table, bundle, as_of)
    yield from firewall(table, bundle.host, as_of)
    yield from windows_browser.policies(table, bundle.host, as_of)


def policies(table: Table, bundle: Bundle, as_of: datetime | None) -> Iterator[Outcome]:
    """Yield the settings of each kind that *table* speaks of."""
    for kind, service, wanted in _KINDS:
        made = settings(table, wanted)
        if kind is RdpSettings:
            made += _duo(table)
        if kind is WinrmSettings:
            made += _listeners(table)
        if made and touched(table, wanted):
            yield kind(host=bundle.host, as_of=as_of, where=_first(made), service=service, values=made)
            if kind is RdpSettings:
                yield from _rdp_listener(bundle, made)


def _first(made: tuple[Setting, ...]) -> tuple[Where, ...]:
    return tuple(one.where for one in made if one.where is not None)[:1]


def _rdp_listener(bundle: Bundle, made: tuple[Setting, ...]) -> Iterator[Outcome]:
    found = {one.name: one for one in made}
    port, denied = found.get("portnumber"), found.get("fdenytsconnections")
    if port is not None and port.value.isdigit() and int(port.value) < 65536 and denied is not None and denied.value == "0":
        where = tuple(one.where for one in (denied, port) if one.where is not None)
        yield Listener(host=bundle.host, where=where, address="*", port=int(port.value), service="rdp", process="TermService")


def _duo(table: Table) -> tuple[Setting, ...]:
    """Return what Duo's credential provider is set to, or that it is known to be absent."""
    held = next((table.keys[key] for place in DUO[:1] for key in (place.local, place.policy) if table.keys.get(key)), None)
    if held is not None:
        return tuple(Setting(f"duo.{one.name}", one.value, one.how, one.where, one.uncertain) for one in settings(table, DUO))
    listed = table.known("hklm\\software\\microsoft\\windows\\currentversion\\uninstall") is None
    installed = any(_text(values, "displayname").casefold().startswith("duo ") for key, values in table.keys.items() if _UNINSTALL[0] in key)
    if (listed or table.known("hklm\\software\\duo security") is None) and not installed:
        return (Setting("duo", "absent", "Duo's key, or the list of installed programs, does not have it", None),)
    return ()


def _listeners(table: Table) -> tuple[Setting, ...]:
    key = "hklm\\software\\microsoft\\windows\\currentversion\\wsman\\listener"
    names = [table.names.get(one, one).rpartition("\\")[2] for one in table.below(key)]
    if names:
        first = table.below(key)[0]
        where = next((value.where for value in table.keys[first].values()), None)
        return (Setting("listeners", ", ".join(names), "keys below WSMAN\\Listener", where),)
    doubt = table.known(key)
    return () if doubt else (Setting("listeners", "", "no key below WSMAN\\Listener", None),)


def _machine(table: Table, bundle: Bundle, as_of: datetime | None) -> Iterator[Outcome]:
    key = "hklm\\software\\microsoft\\windows nt\\currentversion"
    product, build_number = table.get(key, "productname"), table.get(key, "currentbuild")
    parts = [value for value in (product, build_number) if value is not None]
    yield Machine(
        host=bundle.host, as_of=as_of, where=tuple(value.where for value in parts), system=System.WINDOWS,
        product=product.text if product is not None else "Windows", version=build_number.text if build_number is not None else "",
    )  # fmt: skip


def _text(values: dict[str, Value], *names: str) -> str:
    return next((values[name].text for name in names if name in values), "")


def _software(table: Table, bundle: Bundle, as_of: datetime | None) -> Iterator[Outcome]:
    if any(_UNINSTALL[0] in key for key in table.keys):
        lists = (("programs", "hklm\\software" + _UNINSTALL[0]), ("programs32", "hklm\\software\\wow6432node" + _UNINSTALL[0]))
        told = tuple(
            Setting(name, "missing" if table.known(key.rstrip("\\")) else "known", "by the keys exported", None) for name, key in lists
        )
        yield InventorySettings(host=bundle.host, as_of=as_of, service="inventory", values=told)
    for key, values in table.keys.items():
        if _UNINSTALL[0] in key and "displayname" in values:
            user = key.split("\\")[1] if key.startswith("hku\\") else "the user who exported" if key.startswith("hkcu\\") else ""
            yield Software(
                host=bundle.host, as_of=as_of, where=(values["displayname"].where,), name=values["displayname"].text,
                version=_text(values, "displayversion"), vendor=_text(values, "publisher"), manager="msi", path=_text(values, "installlocation"),
                user=user,
            )  # fmt: skip
        elif key.endswith(_RUN):
            for name, value in values.items():
                yield Autostart(
                    host=bundle.host, as_of=as_of, where=(value.where,), name=name, manager="run-key", command=mask(value.text),
                    user=key.split("\\")[1] if key.startswith("hku\\") else "", enabled=True,
                )  # fmt: skip


def _services(table: Table, bundle: Bundle, as_of: datetime | None) -> Iterator[Outcome]:
    for key in table.below(_SERVICES):
        values = table.keys.get(key, {})
        if "imagepath" not in values or _text(values, "type") in {"1", "2", "8"}:  # drivers
            continue
        inner = table.keys.get(key + "\\parameters", {})
        parts = (_text(values, "imagepath"), _text(inner, "application", "appexe"), _text(inner, "appparameters"))
        command = " ".join(part for part in parts if part)
        where = (values["imagepath"].where, *(inner[name].where for name in ("application", "appparameters") if name in inner))
        yield Autostart(
            host=bundle.host, as_of=as_of, where=where, name=table.names.get(key, key).rpartition("\\")[2], manager="windows-service",
            display=" ".join(part for part in (_text(values, "displayname"), _text(values, "description")) if part), command=mask(command),
            user=_text(values, "objectname"), enabled=_STARTS.get(_text(values, "start")),
        )  # fmt: skip


def _nps(table: Table, bundle: Bundle, as_of: datetime | None) -> Iterator[Outcome]:
    places = (Place("authorizationdlls", "", _NPS, ""), Place("extensiondlls", "", _NPS, ""), Place("require_user_match", "", _AZURE))
    if not touched(table, places[:2]):
        return
    values = settings(table, places)
    yield NpsSettings(host=bundle.host, as_of=as_of, where=_first(values), service="rdgateway", values=values)


def _logs(table: Table, bundle: Bundle, as_of: datetime | None) -> Iterator[Outcome]:
    for channel in ("Security", "System", "Application"):
        local = f"{_SERVICES}\\eventlog\\{channel.lower()}"
        policy = table.get(f"hklm\\software\\policies\\microsoft\\windows\\eventlog\\{channel.lower()}", "maxsize")
        own = table.get(local, "maxsize")
        value = policy or own
        if value is not None and value.number is not None:
            size = value.number if policy is not None else value.number // 1024  # the policy counts in KiB, the local key in bytes
            setting = Setting("maxsize", str(size), "policy key over local key" if policy is not None else "local key", value.where)
            on = Setting("enabled", "1", "a classic log is always on", None)
            yield EventLogSettings(host=bundle.host, as_of=as_of, where=(value.where,), service="eventlog", scope=channel, values=(setting, on))
    for key in table.below(_CHANNELS):
        values = table.keys.get(key, {})
        enabled = values.get("enabled")
        if enabled is None:
            continue
        made = [Setting("enabled", enabled.text, "local key", enabled.where)]
        if (size_value := values.get("maxsize")) is not None and size_value.number is not None:
            made.append(Setting("maxsize", str(size_value.number // 1024), "local key", size_value.where))
        name = table.names.get(key, key)[len("HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\WINEVT\\Channels\\") :]
        yield EventLogSettings(host=bundle.host, as_of=as_of, where=(enabled.where,), service="eventlog", scope=name, values=tuple(made))
    for value in table.keys.get(_FORWARD, {}).values():
        server = _SERVER.search(value.text)
        if server is not None:
            secure = server[1].lower().startswith("https") or None  # over HTTP Kerberos encrypts within a domain: not said here
            yield LogTarget(
                host=bundle.host, where=(value.where,), service="eventlog", target=server[1], remote=True, encrypted=secure, kinds=("auth",)
            )


FORMAT = Format(
    name="windows-registry",
    title="Exports of Windows' registry (reg export, reg query)",
    recognise=recognise,
    read=_read,
    collect=(
        'reg export "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Terminal Server" ts.reg /y; reg export HKLM\\SOFTWARE\\Policies policies.reg /y; '
        "reg export HKLM\\SYSTEM\\CurrentControlSet\\Services services.reg /y; reg export HKLM\\SYSTEM\\CurrentControlSet\\Control\\Lsa lsa.reg /y; "
        "reg export HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion cv.reg /y; "
        "reg export HKLM\\SOFTWARE\\WOW6432Node\\Microsoft\\Windows\\CurrentVersion\\Uninstall programs32.reg /y"
    ),
    references=("Microsoft Learn: reg export", "MS-GPFAS 2.2.2", "MS-FASP 2.2.37"),
)
