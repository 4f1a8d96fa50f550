"""Lockout on Linux: ``faillock.conf``, and fail2ban's jails (``jail.conf``, ``jail.d``, ``jail.local``).

::

    deny = 5
    unlock_time = 900

    [sshd]
    enabled = true
    maxretry = 4

fail2ban reads jail.conf, jail.d/*.conf, jail.local, jail.d/*.local in this order; the last value counts. References: faillock.conf(5),
jail.conf(5).
"""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Outcome
from gatewatch.schema.facts.base import Setting
from gatewatch.schema.facts.windows import LockoutSettings

_FAILLOCK = {"deny": "3", "unlock_time": "600", "fail_interval": "900"}  # defaults of faillock.conf(5)
_NAMES = {"deny": "attempts", "unlock_time": "duration", "fail_interval": "window"}


def _recognise(document: Document) -> int:
    return SURE if document.at("security/faillock.conf", "fail2ban/jail.conf", "fail2ban/jail.local", "fail2ban/jail.d/*") else 0


def _order(document: Document) -> tuple[int, str]:
    name, folder = document.path.rpartition("/")[2], "/jail.d/" in document.path
    rank = (3 if name.endswith(".local") else 1) if folder else (2 if name.endswith(".local") else 0)
    return rank, document.path


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    jails: dict[str, dict[str, Setting]] = {}
    files = sorted((one for one in documents if not one.at("security/faillock.conf")), key=_order)
    for document in files:
        section = ""
        for number, line in enumerate(document.lines, 1):
            text = line.strip()
            if text.startswith("[") and text.endswith("]"):
                section = text.strip("[]").strip().lower()
                continue
            name, mark, value = text.partition("=")
            if mark and section and not line.startswith((" ", "\t", "#", ";")):
                key = name.strip().lower()
                jails.setdefault(section, {})[key] = Setting(key, value.strip(), "last value in fail2ban's order", document.where(number))
    if files:
        yield _jail(files[0], bundle, jails)
    for document in documents:
        if not document.at("security/faillock.conf"):
            continue
        values = {_NAMES[name]: Setting(_NAMES[name], _minutes(name, text), "default of faillock.conf", None) for name, text in _FAILLOCK.items()}
        for number, line in enumerate(document.lines, 1):
            name, mark, value = line.partition("#")[0].partition("=")
            key = name.strip().lower()
            if mark and key in _NAMES:
                values[_NAMES[key]] = Setting(_NAMES[key], _minutes(key, value.strip()), "as written", document.where(number))
        yield LockoutSettings(
            host=bundle.host, as_of=document.as_of, where=(document.where(1),), service="faillock", values=tuple(values.values())
        )


def _minutes(name: str, text: str) -> str:
    """Return seconds as minutes, rounded up; 0 (never unlocked) stays 0."""
    return text if name == "deny" or not text.isdigit() else str(-(-int(text[:12]) // 60))


def _jail(document: Document, bundle: Bundle, jails: dict[str, dict[str, Setting]]) -> LockoutSettings:
    held = {**jails.get("default", {}), **jails.get("sshd", {})}
    enabled = held.get("enabled") or Setting("enabled", "false", "default of fail2ban", None)
    tries = held.get("maxretry") or Setting("maxretry", "5", "default of fail2ban", None)
    ban = held.get("bantime") or Setting("bantime", "10m", "default of fail2ban", None)
    values = (
        Setting("enabled", "1" if enabled.value.lower() in {"true", "yes", "1", "on"} else "0", enabled.how, enabled.where),
        Setting("attempts", tries.value, tries.how, tries.where),
        Setting("bantime", ban.value, ban.how, ban.where),
    )
    where = next((one.where for one in values if one.where is not None), document.where(1))
    return LockoutSettings(host=bundle.host, as_of=document.as_of, where=(where,), service="fail2ban", values=values)


FORMAT = Format(
    name="lockout",
    title="Lockout of Linux: faillock and fail2ban",
    recognise=_recognise,
    read=_read,
    collect="cp /etc/security/faillock.conf EVIDENCE/etc/security/; cp -r /etc/fail2ban EVIDENCE/etc/",
    references=("faillock.conf(5)", "jail.conf(5)"),
)
