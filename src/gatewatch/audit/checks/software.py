"""What is installed and starts by itself: remote-access tools nobody approved, old protocols, and services that hide behind Defender's name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatewatch.audit.check import Check, Ground, Need, Verdict, cis, nist, stig
from gatewatch.audit.remote_tool import product_of
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.machine import Autostart, Software, System
from gatewatch.schema.facts.windows import InventorySettings
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure

_INVENTORY = Need(
    (Software,),
    "dpkg -l > dpkg.txt, rpm -qa > rpm.txt; reg export HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall programs.reg /y",
    systems=(System.LINUX, System.WINDOWS),
)
_STARTS = Need(
    (Autostart,),
    "Get-CimInstance Win32_Service | ConvertTo-Json > services.json; systemctl list-unit-files > units.txt, and cp -r /etc/systemd/system",
    systems=(System.WINDOWS, System.LINUX),
)
_WINDOWS_SERVICES = Need(
    (Autostart,), "Get-CimInstance Win32_Service | ConvertTo-Json > services.json", when=lambda one: one.manager == "windows-service",
    systems=(System.WINDOWS,),
)  # fmt: skip
_LEGACY = re.compile(
    r"(?i)^(?:telnetd|telnetd-ssl|inetutils-telnetd|telnet-server|rsh-server|rsh-redone-server|rlogind|rexec-server|"
    r"tftpd|tftpd-hpa|atftpd|tftp-server|"
    r"xinetd|openbsd-inetd|inetutils-inetd|nis|ypserv|ypbind|pptpd|talkd|ntalk|talk-server|finger-server|fingerd)$"
)
_FTP = re.compile(r"(?i)^(?:vsftpd|proftpd|proftpd-basic|proftpd-core|pure-ftpd|ftpd)$")
_LOOKS = re.compile(
    r"(?i)\b(?:(?:windows|microsoft)\s+(?:defender|security|antimalware|antivirus)|defender|msmpeng|mpdefender|windefend|securityhealth)"
)
_OWN = re.compile(
    r"(?i)^\"?(?:\\\?\?\\)?(?:%programfiles%|%programdata%|%systemroot%|%windir%|\\systemroot|[a-z]:\\program files|"
    r"[a-z]:\\programdata|[a-z]:\\windows)"
    r"(?: \(x86\))?\\"
    r"(?:(?:microsoft\\)?windows defender(?: advanced threat protection)?\\|microsoft\\windows defender\\|"
    r"microsoft security client\\|system32\\(?:svchost\.exe|securityhealth\w{0,20}\.exe|smartscreen\.exe|sgrm\\|sgrmbroker\.exe|"
    r"drivers\\(?:wd\\|wd\w{1,12}\.sys|mssecflt\.sys)))"
)
_TOR = re.compile(r"(?i)\btorrc\b|hiddenservice(?:dir|port)|--socksport|(?:^|[\\/\"\s])tor(?:\.exe)?\"?\s+-f\s|--defaults-torrc")
_WRAPPER = re.compile(r"(?i)[\\/](?:nssm|srvany|srvany-ng|winsw|srvstart)[\w.-]{0,40}\.exe|[\\/](?:nssm|srvany|winsw)\"?(?:\s|$)")
_UNWANTED = {
    "remoteregistry": "the registry can be changed from afar", "tlntsvr": "Telnet server", "simptcp": "simple TCP/IP services",
    "ftpsvc": "FTP server", "snmp": "SNMP, whose communities are passwords in clear", "lpdsvc": "LPD", "rpclocator": "RPC locator",
}  # fmt: skip


def _legacy(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    for host in dict.fromkeys(one.host for one in facts.of(Software)):
        own = facts.of(Software, host)
        asset = ground.site.posture.asset(host)
        ftp = asset is not None and "ftp" in asset.services
        found = {one.name: one for one in own if _LEGACY.match(one.name) or (_FTP.match(one.name) and not ftp)}
        for name, one in found.items():
            yield Verdict(
                status=Status.FAIL, host=host, message=f"{name} {one.version} is installed".replace("  ", " "),
                subject=name, value=f"{name} {one.version}",
                resolved=f"as {one.manager} lists it", where=one.where, as_of=one.as_of,
            )  # fmt: skip
        if not found:
            yield Verdict(
                status=Status.PASS, host=host, message=f"none of {len(own)} packages is a server of an old protocol",
                resolved=f"every package {own[0].manager} lists was looked at", where=own[0].where, as_of=own[0].as_of,
            )  # fmt: skip


def _tools(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    allowed = ground.site.posture.remote_tools
    hosts = dict.fromkeys([*(one.host for one in facts.of(Software)), *(one.host for one in facts.of(Autostart))])
    for host in hosts:
        found: dict[str, Software | Autostart] = {}
        listed: list[Software | Autostart] = [*facts.of(Software, host), *facts.of(Autostart, host)]
        for one in listed:
            if isinstance(one, Autostart) and one.manager == "systemd" and one.enabled is False:
                continue
            product = product_of(one.name) or (product_of(_program(one.command)) if isinstance(one, Autostart) else "")
            if product and product not in found:
                found[product] = one
        for product, one in found.items():
            ok = product.casefold() in allowed
            said = f"{product}, which the site allows" if ok else f"{product} is {'installed' if isinstance(one, Software) else 'started by itself'}"
            yield Verdict(
                status=Status.PASS if ok else Status.FAIL, host=host, message=f"{said} ({one.name})", subject=product, service=product.casefold(),
                value=one.name, resolved=f"as {one.manager} lists it", where=one.where, as_of=one.as_of,
            )  # fmt: skip
        if not found:
            lists = len(facts.of(Software, host)), len(facts.of(Autostart, host))
            lacking = _lacking(facts, host)
            said = f"no remote-access tool among {lists[0]} programs and {lists[1]} services" + (f"; {lacking}" if lacking else "")
            yield Verdict(status=Status.UNKNOWN if lacking else Status.PASS, host=host, message=said)


def _lacking(facts: Facts, host: str) -> str:
    """Return which list of programs is not in the evidence; most remote-access tools of Windows are programs of 32 bits."""
    if not facts.of(Software, host):
        return "the installed programs are not in the evidence"
    held = next(iter(facts.of(InventorySettings, host)), None)
    if held is not None and held.text("programs") == "missing":
        return "the installed programs (CurrentVersion\\Uninstall) are not in the evidence"
    if held is not None and held.text("programs32") == "missing":
        return "the programs of 32 bits (WOW6432Node\\…\\Uninstall) are not in the evidence"
    return ""


def _program(command: str) -> str:
    """Return the name of the program a command line starts, without its folder."""
    text = command.strip()
    first = text[1:].partition('"')[0] if text.startswith('"') else re.split(r"(?i)(?<=\.exe)\s|\s(?=-)", text)[0]
    return re.split(r"[\\/]", first)[-1].removesuffix(".exe")


def shadow(one: Autostart) -> tuple[Severity, str] | None:
    """Return why an autostart looks like a hidden door, and how grave that is; None where it does not."""
    command = one.command
    if _TOR.search(command):
        return Severity.CRITICAL, "starts Tor with a configuration of its own"
    looks = _LOOKS.search(f"{one.name} {one.display} {one.vendor}")
    own = _OWN.match(command.strip()) and ".." not in command
    if looks is not None and command and not own and one.manager in {"windows-service", "scheduled-task", "run-key"}:
        return Severity.CRITICAL, f"calls itself {looks.group()} and runs from elsewhere"
    if _WRAPPER.search(command):
        return Severity.MEDIUM, "a wrapper that makes a service of any program"
    return None


def _shadow(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for host in dict.fromkeys(one.host for one in facts.of(Autostart)):
        own = facts.of(Autostart, host)
        bare = not any(one.command and one.manager in {"windows-service", "systemd"} for one in own)
        found = [(one, reason) for one in own if (reason := shadow(one)) is not None]
        for one, (severity, why) in found:
            yield Verdict(
                status=Status.FAIL, host=host, message=f"{one.name}: {why}", subject=one.name, value=one.command[:300],
                resolved=f"as {one.manager} lists it", where=one.where, severity=severity, as_of=one.as_of, service="tor" if "Tor" in why else "",
            )  # fmt: skip
        if not found:
            said = f"none of {len(own)} autostarts hides behind Defender's name or starts Tor"
            yield Verdict(
                status=Status.UNKNOWN if bare else Status.PASS, host=host, where=own[0].where[:1], as_of=own[0].as_of,
                message=f"{len(own)} autostarts; what services run is not in the evidence" if bare else said,
            )  # fmt: skip


def _services(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    for host in dict.fromkeys(one.host for one in facts.of(Autostart) if one.manager == "windows-service"):
        asset = ground.site.posture.asset(host)
        declared = asset.services if asset is not None else ()
        own = [one for one in facts.of(Autostart, host) if one.manager == "windows-service"]
        odd = [one for one in own if _UNWANTED.get(one.name.casefold()) and one.enabled is True and one.name.casefold() not in declared]
        for one in odd:
            yield Verdict(
                status=Status.FAIL, host=host, message=f"{one.name} runs: {_UNWANTED[one.name.casefold()]}", subject=one.name, value=one.name,
                resolved="as the list of services says", where=one.where, as_of=one.as_of,
            )  # fmt: skip
        if not odd:
            yield Verdict(status=Status.PASS, host=host, message=f"none of {len(own)} services is one to be without", where=own[0].where[:1])


def _parts(version: str) -> tuple[int, ...] | None:
    """Return the numbers of a version as a distribution writes it, without epoch and revision; None where it begins with none.

    >>> _parts("1:9.2p1-2+deb12u7"), _parts("9.9p1-7.el9"), _parts("unknown")
    ((9, 2, 1), (9, 9, 1), None)
    """
    upstream = re.sub(r"^\d+:", "", version.strip()).partition("-")[0][:60]
    found = [int(part[:9]) for part in re.findall(r"\d+", upstream)]
    return tuple(found) if found and upstream[:1].isdigit() else None


def _old(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    wanted = dict(ground.site.posture.minimum_version)
    judged = 0
    for one in facts.of(Software):
        least = wanted.get(one.name.casefold())
        if least is None:
            continue
        judged += 1
        has, needs = _parts(one.version), _parts(least)
        good = None if has is None or needs is None else has >= needs
        status = Status.UNKNOWN if good is None else Status.PASS if good else Status.FAIL
        yield Verdict(
            status=status, host=one.host, message=f"{one.name} {one.version or '(no version)'}; the site asks for {least} at least", subject=one.name,
            value=one.version, resolved=f"as {one.manager} lists it", where=one.where, as_of=one.as_of,
        )  # fmt: skip
    if not judged:
        said = "[audit] minimum_version names no program that is installed"
        yield Verdict(status=Status.NOT_APPLICABLE, host="(site)", message=said)


CHECKS: tuple[Check, ...] = (
    Check(
        id="M1042.1-01",
        title="No server of an old protocol is installed",
        about="No package of telnet, rsh, TFTP, NIS, PPTP, talk, finger or inetd is installed, and FTP only where the site declares it.",
        measures=(Measure.LEGACY_SOFTWARE,),
        severity=Severity.HIGH,
        needs=(_INVENTORY,),
        judge=_legacy,
        remediation=Remediation("Remove the package.", "apt purge telnetd rsh-server tftpd-hpa"),
        mappings=(
            *nist("CM-7"),
            *cis("Debian 12", "1.1.0", "2.1.6", "2.1.10", "2.1.16", "2.1.19"),
            *stig("RHEL 9", "RHEL-09-215015", "RHEL-09-215035", "RHEL-09-215040", "RHEL-09-215060"),
            *stig("Ubuntu 22.04", "UBTU-22-215030", "UBTU-22-215035"),
        ),
        services=("telnet", "rsh", "ftp", "tftp"),
    ),
    Check(
        id="M1042.1-01b",
        title="Programs are as new as the site asks for",
        about="Each installed program that [audit] minimum_version names has that version or a later one.",
        measures=(Measure.LEGACY_SOFTWARE,),
        severity=Severity.HIGH,
        needs=(_INVENTORY,),
        judge=_old,
        remediation=Remediation("Update it."),
        mappings=nist("SI-2", "RA-5"),
    ),
    Check(
        id="M1042.3-01",
        title="No remote-access tool that nobody approved",
        about="No remote-control, RMM or tunnel product is installed or starts by itself, but those in [audit] remote_tools.",
        measures=(Measure.USER_SOFTWARE, Measure.UNNECESSARY_SERVICE),
        severity=Severity.HIGH,
        needs=(Need((Software, Autostart), _INVENTORY.collect, systems=(System.LINUX, System.WINDOWS)),),
        judge=_tools,
        remediation=Remediation("Remove it, look for who brought it, or approve it in [audit] remote_tools."),
        mappings=nist("CM-7(5)", "CM-10", "CM-11"),
        references=("LOLRMM project",),
    ),
    Check(
        id="M1042.3-04",
        title="Nothing that starts by itself hides a door",
        about="No service, task or run key bears Defender's name outside its folders, starts Tor with its own configuration, or wraps a program.",
        measures=(Measure.USER_SOFTWARE, Measure.UNNECESSARY_SERVICE),
        severity=Severity.CRITICAL,
        needs=(_STARTS,),
        judge=_shadow,
        remediation=Remediation(
            "Treat it as an intrusion: keep the binary and its configuration, then stop and remove the service.",
            "sc.exe qc SERVICE",
            "Stopping it warns whoever uses it.",
        ),
        mappings=nist("SI-7", "CM-7"),
        references=("ATT&CK T1036.004", "ATT&CK T1036.005", "CISA AA20-183A"),
        services=("tor",),
    ),
    Check(
        id="M1042.4-03",
        title="Services of Windows that nobody needs do not run",
        about="RemoteRegistry, Telnet, FTP, SNMP, LPD and simple TCP/IP services do not run, or the site declares them.",
        measures=(Measure.UNNECESSARY_SERVICE, Measure.NETWORK_SERVICE),
        severity=Severity.MEDIUM,
        needs=(_WINDOWS_SERVICES,),
        judge=_services,
        remediation=Remediation("Disable the service.", "sc.exe config RemoteRegistry start= disabled"),
        mappings=nist("CM-7"),
    ),
)
