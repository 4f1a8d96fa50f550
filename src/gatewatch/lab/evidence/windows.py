"""Windows hosts: the registry of policies, Remote Desktop, logon and firewall, and the security policy.

Formats: ``reg export`` (version 5.00), ``secedit /export`` (INF), the firewall's rule strings (MS-GPFAS v2.30).
"""

from __future__ import annotations

from collections.abc import Iterable

from gatewatch.lab.evidence.linux import MANAGEMENT
from gatewatch.lab.organisation import Host, Organisation
from gatewatch.lab.safeguard import Plan

USERS = ("10.20.0.0/16", "10.21.0.0/16", "10.22.0.0/16")  # desks of the offices
POOLS = ("10.60.0.0/14",)  # leases of the VPN gateways
_HEAD = "Windows Registry Editor Version 5.00\n"
_POLICIES = r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies"
_TS = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Terminal Server"
_LSA = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Lsa"
_SERVICES = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services"
_SYSTEM = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System"
_UNINSTALL = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"
_DUO = r"HKEY_LOCAL_MACHINE\SOFTWARE\Duo Security"
_VERSION = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
Key = tuple[str, dict[str, int | str]]


def files(host: Host, _organisation: Organisation, plan: Plan) -> dict[str, str]:
    """Return the exports of a Windows host."""
    wide = ("terminal" in host.roles) and plan.open(host.name, "rdp")
    service = "smb" if "file" in host.roles else "rdp"
    flat = plan.missing("segmentation", host.name, service)
    inner: tuple[str, ...] = ("10.0.0.0/8",) if flat else (*USERS, *POOLS)
    rdp = inner if service == "rdp" and (flat or "terminal" in host.roles) else (MANAGEMENT,)
    admitted = [("", 3389, "Remote Desktop")] if wide else [(one, 3389, "Remote Desktop") for one in rdp]
    if service == "smb":
        admitted += [(one, 445, "File Server") for one in inner]
    return exports(
        second=not plan.missing("host-factor", host.name, "rdp"), limit=not plan.missing("guess-limit", host.name, "rdp"),
        listed=not plan.missing("logon-list", host.name, "rdp"), admitted=admitted, strict=not plan.missing("application-control", host.name, ""),
    )  # fmt: skip


def exports(*, second: bool, limit: bool, listed: bool, strict: bool, admitted: Iterable[tuple[str, int, str]]) -> dict[str, str]:
    """Return the exports: whether Duo asks after the password, guesses lock out, few may come in, only approved programs run, and which ranges
    (empty: all) reach a port.
    """
    duo: list[Key] = [(_DUO + r"\DuoCredProv", {"Host": "api.duo.example", "FailOpen": 0, "RdpOnly": 1})] if second else []
    installed: list[Key] = [(_UNINSTALL, {})]
    if second:
        installed.append((_UNINSTALL + r"\Duo", {"DisplayName": "Duo Authentication for Windows Logon x64", "DisplayVersion": "4.3.1"}))
    return {
        "commands/policies.reg": registry([(_POLICIES, {}), (_POLICIES + r"\Microsoft\Windows NT\Terminal Services", _REMOTE)]),
        "commands/ts.reg": registry(
            [(_TS, {"fDenyTSConnections": 0}), (_TS + r"\WinStations\RDP-Tcp", {"PortNumber": 3389, "UserAuthentication": 1})]
        ),
        "commands/lsa.reg": registry([(_LSA, {"LmCompatibilityLevel": 5, "LimitBlankPasswordUse": 1})]),
        "commands/system.reg": registry([(_SYSTEM, {"LocalAccountTokenFilterPolicy": 0})]),
        "commands/services.reg": registry(_firewall(admitted)),
        "commands/uninstall.reg": registry(installed),
        "commands/version.reg": registry([(_VERSION, {"ProductName": "Windows Server 2022 Standard", "CurrentBuild": "20348"})]),
        "commands/secpol.inf": policy(limit=limit, listed=listed),
        "commands/applocker.xml": _APPLOCKER.format(mode="Enabled" if strict else "AuditOnly"),
    } | ({"commands/duo.reg": registry(duo)} if duo else {})


_APPLOCKER = """<AppLockerPolicy Version="1">
  <RuleCollection Type="Exe" EnforcementMode="{mode}">
    <FilePathRule Id="1" Name="Windows" Description="" UserOrGroupSid="S-1-1-0" Action="Allow">
      <Conditions><FilePathCondition Path="%WINDIR%\\System32\\*" /></Conditions></FilePathRule>
    <FilePathRule Id="2" Name="Administrators" Description="" UserOrGroupSid="S-1-5-32-544" Action="Allow">
      <Conditions><FilePathCondition Path="*" /></Conditions></FilePathRule>
  </RuleCollection>
  <RuleCollection Type="Msi" EnforcementMode="{mode}">
    <FilePathRule Id="3" Name="Administrators" Description="" UserOrGroupSid="S-1-5-32-544" Action="Allow">
      <Conditions><FilePathCondition Path="*" /></Conditions></FilePathRule>
  </RuleCollection>
</AppLockerPolicy>
"""
_REMOTE: dict[str, int | str] = {
    "UserAuthentication": 1, "SecurityLayer": 2, "MinEncryptionLevel": 3, "fDisableCdm": 1, "fPromptForPassword": 1, "MaxIdleTime": 900_000,
    "MaxDisconnectionTime": 60_000, "fAllowToGetHelp": 0,
}  # fmt: skip


def registry(keys: Iterable[Key]) -> str:
    """Return the text of an export of keys with their values."""
    lines = [_HEAD]
    for name, values in keys:
        lines.append(f"[{name}]")
        for value, held in values.items():
            escaped = str(held).replace("\\", "\\\\").replace('"', '\\"')
            lines.append(f'"{value}"=dword:{held:08x}' if isinstance(held, int) else f'"{value}"="{escaped}"')
        lines.append("")
    return "\n".join([*lines, ""])


def _firewall(admitted: Iterable[tuple[str, int, str]]) -> list[Key]:
    base = _SERVICES + r"\SharedAccess\Parameters\FirewallPolicy"
    on: dict[str, int | str] = {"EnableFirewall": 1, "DefaultInboundAction": 1}
    rules: dict[str, int | str] = {}
    for number, (source, port, name) in enumerate(admitted, 1):
        remote = f"RA4={_mask(source)}|" if source else ""
        rules[f"rule-{number}"] = f"v2.30|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort={port}|{remote}Name={name}|"
    profiles: list[Key] = [(rf"{base}\{name}Profile", dict(on)) for name in ("Domain", "Public", "Standard")]
    return [(_SERVICES, {}), (base, {}), *profiles, (base + r"\FirewallRules", rules)]


def _mask(cidr: str) -> str:
    address, _, bits = cidr.partition("/")
    number = (0xFFFFFFFF << (32 - int(bits))) & 0xFFFFFFFF
    return f"{address}/{number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def policy(*, limit: bool, listed: bool) -> str:
    """Return the security policy: after how many failures an account is locked, and who may come in by Remote Desktop."""
    rights = "*S-1-5-32-544,*S-1-5-32-555" if listed else "*S-1-5-32-544,*S-1-5-11"
    lockout = "LockoutBadCount = 5\nResetLockoutCount = 15\nLockoutDuration = 15" if limit else "LockoutBadCount = 0"
    return (
        f"[Unicode]\nUnicode=yes\n[System Access]\nMinimumPasswordLength = 14\nPasswordComplexity = 1\n{lockout}\n[Privilege Rights]\n"
        f"SeRemoteInteractiveLogonRight = {rights}\nSeDenyRemoteInteractiveLogonRight = *S-1-5-32-546,*S-1-5-113\n"
        '[Version]\nsignature="$CHICAGO$"\nRevision=1\n'
    )
