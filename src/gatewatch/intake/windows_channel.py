"""The channel an event belongs to, by its provider, where an export or a syslog agent names no channel."""

from __future__ import annotations

import re

SECURITY = "Security"
_OPERATIONAL = (
    "Microsoft-Windows-Sysmon",
    "Microsoft-Windows-TerminalServices-LocalSessionManager",
    "Microsoft-Windows-TerminalServices-RemoteConnectionManager",
    "Microsoft-Windows-TerminalServices-Gateway",
    "Microsoft-Windows-TerminalServices-RDPClient",
    "Microsoft-Windows-WinRM",
    "Microsoft-Windows-TaskScheduler",
    "Microsoft-Windows-PowerShell",
    "Microsoft-Windows-Windows Defender",
)
_CHANNELS = {
    "security-auditing": (SECURITY, "Microsoft-Windows-Security-Auditing"),
    "security": (SECURITY, "Microsoft-Windows-Security-Auditing"),
    "service-control-manager": ("System", "Service Control Manager"),
    "remoteaccess": ("System", "RemoteAccess"),
    "eventlog": ("System", "EventLog"),
    "kernel-general": ("System", "Microsoft-Windows-Kernel-General"),
    "openssh": ("OpenSSH/Operational", "OpenSSH"),
    "remotedesktopservices-rdpcorets": (
        "Microsoft-Windows-RemoteDesktopServices-RdpCoreTS/Operational",
        "Microsoft-Windows-RemoteDesktopServices-RdpCoreTS",
    ),
    "windows-firewall-with-advanced-security": (
        "Microsoft-Windows-Windows Firewall With Advanced Security/Firewall",
        "Microsoft-Windows-Windows Firewall With Advanced Security",
    ),
    **{name.removeprefix("Microsoft-Windows-").lower().replace(" ", "-"): (f"{name}/Operational", name) for name in _OPERATIONAL},
}
_OURS = range(4608, 6425)  # ids of the Security log's provider
_DATA = re.compile(r'"(?:Target|Subject)UserName": ?')
_SEPARATORS = re.compile(r"[ _]+")


def _key(provider: str) -> str:
    return _SEPARATORS.sub("-", provider.strip().lower()).removeprefix("microsoft-windows-")


def known(provider: str | None) -> tuple[str, str] | None:
    """Return channel and full name of a provider that writes to one channel, however an agent shortened its name; None for others."""
    return _CHANNELS.get(_key(provider)) if provider else None


def channel_of(provider: str | None, event_id: int) -> str | None:
    """Return the channel of an event by its provider; the provider itself where we do not know it, None where there is none."""
    if not provider or not provider.strip():
        return None
    if _key(provider) == "eventlog" and event_id in (1100, 1102):  # "Microsoft-Windows-Eventlog" writes to both logs
        return SECURITY
    found = known(provider)
    return found[0] if found is not None else provider.strip()


def channel_of_data(event_id: int, fields: str | None) -> str | None:
    """Return the Security log for an event without channel and provider whose id and *fields*, JSON, only that log has; None for others."""
    return SECURITY if event_id in _OURS and fields is not None and _DATA.search(fields) is not None else None


NAMES: tuple[str, ...] = tuple(
    dict.fromkeys(
        spelling
        for key, (_, name) in _CHANNELS.items()
        if key not in ("security", "eventlog", "remoteaccess", "openssh", "kernel-general")  # words other programs may use
        for full in (name, name.removeprefix("Microsoft-Windows-"))
        for spelling in (full, full.replace(" ", "_"), full.replace(" ", "-"))
        if " " not in spelling
    )
)
"""Syslog program names agents make of the names of providers."""
