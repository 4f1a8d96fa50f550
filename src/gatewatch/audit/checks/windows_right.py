"""Who may log on to a Windows machine from afar, and what of it is recorded, kept and sent on."""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.audit.check import Check, Ground, Need, Verdict, cis, nist, stig
from gatewatch.audit.checks.windows_logon import everybody
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.machine import Autostart, LogTarget, System
from gatewatch.schema.facts.windows import AuditPolicy, EventLogSettings, Feature, GroupMembers, UserRights
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure

_SECPOL = Need((UserRights,), "secedit /export /cfg secpol.inf", systems=(System.WINDOWS,))
_GROUPS = Need(
    (GroupMembers,), 'net localgroup "Remote Desktop Users" > rdu.txt; net localgroup Administrators > admins.txt', systems=(System.WINDOWS,)
)
_AUDIT = Need((AuditPolicy,), "auditpol /get /category:* /r > auditpol.csv", systems=(System.WINDOWS,))
_LOGS = Need(
    (EventLogSettings,), "Get-WinEvent -ListLog * | Select-Object LogName,IsEnabled,MaximumSizeInBytes | ConvertTo-Json > logs.json",
    systems=(System.WINDOWS,),
)  # fmt: skip
_FEATURES = Need((Feature,), "Get-WindowsOptionalFeature -Online | Select-Object FeatureName,State > features.json", systems=(System.WINDOWS,))
_FORWARD = Need(
    (LogTarget, EventLogSettings), "reg export HKLM\\SOFTWARE\\Policies policies.reg /y", when=lambda one: one.service == "eventlog",
    systems=(System.WINDOWS,),
)  # fmt: skip
_REMOTE_GROUPS = frozenset({"remote desktop users", "administrators", "remote management users"})
_MAY = frozenset({"s-1-5-32-544", "administrators", "s-1-5-32-555", "remote desktop users"})
_GUESTS = frozenset({"s-1-5-32-546", "guests"})
_LOCAL = frozenset({"s-1-5-113", "local account", "s-1-5-114", "local account and member of administrators group"})
_SUBCATEGORIES = {
    "923F": ("Credential Validation", True, True), "9215": ("Logon", True, True), "9217": ("Account Lockout", False, True),
    "921B": ("Special Logon", True, False), "921C": ("Other Logon/Logoff Events", True, True),
}  # fmt: skip
_CHANNELS = (
    "Microsoft-Windows-TerminalServices-LocalSessionManager/Operational",
    "Microsoft-Windows-TerminalServices-RemoteConnectionManager/Operational",
)
_LEGACY = {
    "smb1protocol": "SMB 1", "fs-smb1": "SMB 1", "telnetclient": "Telnet client", "telnet-client": "Telnet client", "tftp": "TFTP client",
    "tftp-client": "TFTP client", "microsoftwindowspowershellv2root": "PowerShell 2", "microsoftwindowspowershellv2": "PowerShell 2",
    "powershell-v2": "PowerShell 2", "simpletcp": "Simple TCP/IP services", "simple-tcpip": "Simple TCP/IP services",
    "telnetserver": "Telnet server", "telnet-server": "Telnet server",
}  # fmt: skip
_AGENTS = frozenset({"winlogbeat", "elastic agent", "elasticagent", "splunkforwarder", "nxlog", "nxlog-ce", "wazuhsvc", "ossecsvc", "healthservice",
                     "azuremonitoragent", "filebeat", "fluent-bit", "fluentbit", "vector", "rsyslog", "snare", "ir_agent", "cribl"})  # fmt: skip
_SECURITY_LOG = 196_608  # KiB
_OPERATIONAL = 1_024


def _short(name: str) -> str:
    return name.rpartition("\\")[2].casefold()


def _rights(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for fact in facts.of(UserRights):
        places = {where.quote.split("=")[0].strip(): where for where in fact.where}
        name = "SeRemoteInteractiveLogonRight"
        odd = [who for who in fact.holders(name) if _short(who) not in _MAY]
        said = f"others than Administrators and Remote Desktop Users may log on by Remote Desktop: {', '.join(odd)}"
        yield Verdict(
            status=Status.FAIL if odd else Status.PASS, host=fact.host, service="rdp", subject=name, as_of=fact.as_of,
            message=said if odd else "only Administrators and Remote Desktop Users may log on by Remote Desktop",
            value=", ".join(fact.holders(name)) or "(nobody)", resolved="as secedit exports it",
            where=(places[name],) if name in places else fact.where[:1],
            severity=Severity.CRITICAL if any(everybody(who) for who in odd) else None,
        )  # fmt: skip
        name = "SeDenyRemoteInteractiveLogonRight"
        denied = {_short(who) for who in fact.holders(name)}
        lacking = [label for label, known in (("Guests", _GUESTS), ("Local account", _LOCAL)) if not denied & known]
        yield Verdict(
            status=Status.FAIL if lacking else Status.PASS, host=fact.host, service="rdp", subject=name, as_of=fact.as_of,
            message=f"not denied Remote Desktop: {', '.join(lacking)}" if lacking else "Guests and local accounts are denied Remote Desktop",
            value=", ".join(fact.holders(name)) or "(nobody)", resolved="as secedit exports it",
            where=(places[name],) if name in places else fact.where[:1], severity=Severity.MEDIUM if lacking else None,
        )  # fmt: skip


def _groups(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for fact in facts.of(GroupMembers):
        if fact.group.casefold() not in _REMOTE_GROUPS:
            continue
        wide = [who for who in fact.members if everybody(who)]
        said = (
            f"{fact.group} has everybody in it: {', '.join(wide)}"
            if wide
            else f"{fact.group} has {len(fact.members)} members, none a group of everybody"
        )
        yield Verdict(
            status=Status.FAIL if wide else Status.PASS, host=fact.host, message=said, service="rdp", subject=fact.group,
            value=", ".join(fact.members)[:400], resolved="as the group lists its members; nested groups are not looked into", where=fact.where[:1],
            as_of=fact.as_of,
        )  # fmt: skip
    for host in dict.fromkeys(fact.host for fact in facts.of(GroupMembers)):
        if not any(fact.group.casefold() == "remote desktop users" for fact in facts.of(GroupMembers, host)):
            said = "the members of Remote Desktop Users are not in the evidence"
            yield Verdict(status=Status.UNKNOWN, host=host, message=said, service="rdp", subject="Remote Desktop Users")


def _audited(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for fact in facts.of(AuditPolicy):
        held = {code: (success, failure) for code, success, failure in fact.subcategories}
        for code, (name, success, failure) in _SUBCATEGORIES.items():
            if code not in held:
                yield Verdict(
                    status=Status.UNKNOWN,
                    host=fact.host,
                    message=f"{name}: not in the evidence",
                    subject=name,
                    as_of=fact.as_of,
                    where=fact.where[:1],
                )
                continue
            good = (held[code][0] or not success) and (held[code][1] or not failure)
            wanted = " and ".join(word for word, asked in (("success", success), ("failure", failure)) if asked)
            has = " and ".join(word for word, on in zip(("success", "failure"), held[code], strict=True) if on) or "nothing"
            yield Verdict(
                status=Status.PASS if good else Status.FAIL, host=fact.host, message=f"{name}: {has} is recorded, {wanted} is wanted", subject=name,
                value=has, resolved="as auditpol says", where=fact.where[:1], as_of=fact.as_of,
            )  # fmt: skip


def _log(facts: Facts, channel: str, host: str) -> EventLogSettings | None:
    return next((one for one in facts.of(EventLogSettings, host) if one.scope.casefold() == channel.casefold()), None)


def _kept(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    hosts = dict.fromkeys(one.host for one in facts.of(EventLogSettings))
    for host in hosts:
        for channel, least in (("Security", _SECURITY_LOG), *((name, _OPERATIONAL) for name in _CHANNELS)):
            log = _log(facts, channel, host)
            if log is None:
                yield Verdict(status=Status.UNKNOWN, host=host, message=f"{channel}: not in the evidence", subject=channel, service="rdp")
                continue
            enabled, size = log.get("enabled"), log.text("maxsize")
            off = enabled is None or enabled.value == "0"
            small = not size.isdigit() or int(size) < least
            said = f"{channel} is off" if off else f"{channel} keeps {size or 'an unknown number of'} KiB, {least} are wanted"
            status = Status.FAIL if off else Status.UNKNOWN if not size.isdigit() else Status.FAIL if small else Status.PASS
            yield Verdict(
                status=status, host=host, message=said, subject=channel, service="rdp", value=f"{size} KiB", resolved="as the log's settings say",
                where=log.where[:1], as_of=log.as_of,
            )  # fmt: skip


def _forwarded(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    hosts = dict.fromkeys(one.host for kind in (LogTarget, EventLogSettings) for one in facts.of(kind) if getattr(one, "service", "") == "eventlog")
    for host in hosts:
        targets = [one for one in facts.of(LogTarget, host) if one.service == "eventlog" and one.remote]
        if targets:
            yield Verdict(
                status=Status.PASS, host=host, message=f"event logs go to {targets[0].target}", value=targets[0].target,
                resolved="subscription manager of event forwarding", where=targets[0].where, as_of=targets[0].as_of,
            )  # fmt: skip
            continue
        services = [one for one in facts.of(Autostart, host) if one.manager == "windows-service"]
        agent = next((one for one in services if one.name.casefold() in _AGENTS and one.enabled is not False), None)
        if agent is not None:
            said, status = f"the agent {agent.name} is installed, which sends logs on as it is configured elsewhere", Status.PASS
        elif services:
            said, status = "no collector is set for event forwarding, and no log agent is among the services", Status.FAIL
        else:
            said, status = "no collector is set for event forwarding; whether an agent sends the logs on is not in the evidence", Status.UNKNOWN
        where = agent.where if agent is not None else services[0].where if services else ()
        yield Verdict(
            status=status, host=host, message=said, where=where, value=agent.name if agent is not None else "", resolved="as the services say"
        )


def _features(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for host in dict.fromkeys(one.host for one in facts.of(Feature)):
        own = facts.of(Feature, host)
        legacy = {one.name.casefold(): one for one in own if one.name.casefold() in _LEGACY}
        for one in legacy.values():
            what = _LEGACY[one.name.casefold()]
            yield Verdict(
                status=Status.FAIL if one.enabled else Status.PASS, host=host, message=f"{what} is {'on' if one.enabled else 'off'}",
                subject=one.name, value=f"{one.name} {'enabled' if one.enabled else 'disabled'}", resolved="as the list of features says",
                where=one.where, as_of=one.as_of,
            )  # fmt: skip
        if not legacy:
            said = f"none of the {len(own)} features listed is an old protocol; a list of enabled ones only would not show"
            yield Verdict(status=Status.UNKNOWN, host=host, message=said)


CHECKS: tuple[Check, ...] = (
    Check(
        id="M1035.1-02",
        title="Only those meant to may log on by Remote Desktop",
        about="SeRemoteInteractiveLogonRight is held by Administrators and Remote Desktop Users only, and denied to Guests and local accounts.",
        measures=(Measure.ACCESS_AUDIT,),
        severity=Severity.HIGH,
        needs=(_SECPOL,),
        judge=_rights,
        remediation=Remediation(
            "Set the user rights by group policy (Local Policies, User Rights Assignment).",
            "SeDenyRemoteInteractiveLogonRight = *S-1-5-32-546,*S-1-5-113",
            "Denying local accounts ends Remote Desktop with the local administrator.",
        ),
        mappings=(
            *nist("AC-3", "AC-6", "AC-17"),
            *cis("Windows Server 2022", "2.0.0", "2.2.8", "2.2.9", "2.2.26"),
            *stig("Windows Server 2022", "WN22-DC-000360", "WN22-MS-000120"),
        ),
        services=("rdp",),
    ),
    Check(
        id="M1035.1-07",
        title="Groups of remote access have no group of everybody in them",
        about="Remote Desktop Users, Remote Management Users and Administrators hold no Everyone, Authenticated Users, Guests or Domain Users.",
        measures=(Measure.ACCESS_AUDIT,),
        severity=Severity.HIGH,
        needs=(_GROUPS,),
        judge=_groups,
        remediation=Remediation("Make a group of those who need it.", 'net localgroup "Remote Desktop Users" "EXAMPLE\\Domain Users" /delete'),
        mappings=nist("AC-2", "AC-6", "AC-17"),
        services=("rdp", "winrm"),
    ),
    Check(
        id="M1035.5-02",
        title="Logons are recorded",
        about="Credential Validation, Logon, Account Lockout, Special Logon and Other Logon/Logoff Events are recorded, as each has them.",
        measures=(Measure.ACCESS_LOG,),
        severity=Severity.MEDIUM,
        needs=(_AUDIT,),
        judge=_audited,
        remediation=Remediation(
            "Set the advanced audit policy.", "auditpol /set /subcategory:{0CCE9215-69AE-11D9-BED3-505054503030} /success:enable /failure:enable"
        ),
        mappings=nist("AU-2", "AU-12"),
    ),
    Check(
        id="M1035.5-06",
        title="Logs of logons and Remote Desktop are on and large enough",
        about="The Security log keeps 192 MiB, and the operational logs of Terminal Services are on and keep 1 MiB.",
        measures=(Measure.ACCESS_LOG,),
        severity=Severity.LOW,
        needs=(_LOGS,),
        judge=_kept,
        remediation=Remediation("Enlarge the logs, and send them on.", "wevtutil sl Security /ms:201326592"),
        mappings=nist("AU-4", "AU-12"),
        services=("rdp",),
    ),
    Check(
        id="M1035.5-06b",
        title="Windows' event logs are sent on",
        about="A subscription manager is set for event forwarding, or a known log agent is among the services.",
        measures=(Measure.ACCESS_LOG,),
        severity=Severity.MEDIUM,
        needs=(_FORWARD,),
        judge=_forwarded,
        remediation=Remediation("Configure the target Subscription Manager by policy, or an agent of your log system."),
        mappings=nist("AU-4(1)", "AU-6"),
    ),
    Check(
        id="M1042.1-04a",
        title="Old protocols of Windows are not installed",
        about="SMB 1, Telnet, TFTP, simple TCP/IP services and PowerShell 2 are not among the enabled features.",
        measures=(Measure.LEGACY_SOFTWARE, Measure.UNUSED_FEATURE),
        severity=Severity.HIGH,
        needs=(_FEATURES,),
        judge=_features,
        remediation=Remediation("Remove the feature.", "Disable-WindowsOptionalFeature -Online -FeatureName SMB1Protocol -NoRestart"),
        mappings=(*nist("CM-7"), *cis("Windows Server 2022", "2.0.0", "18.4.3")),
    ),
)
