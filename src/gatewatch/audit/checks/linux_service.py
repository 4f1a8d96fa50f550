"""Services of Linux hosts: which units and inetd services start, lockout of guessers, what is audited and sent on; onion services."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from gatewatch.audit.check import Check, Ground, Need, Verdict, by_setting, cis, nist, stig
from gatewatch.audit.rule import merged
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.machine import Autostart, LogTarget, System
from gatewatch.schema.facts.server import AuditRules, HiddenService, LogSettings, TorSettings
from gatewatch.schema.facts.ssh import PamStack
from gatewatch.schema.facts.windows import LockoutSettings
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure
from gatewatch.schema.port import service_of

_UNITS = Need(
    (Autostart,), "systemctl list-unit-files --no-pager > EVIDENCE/commands/units.txt", when=lambda one: one.manager == "systemd" and not one.command,
    systems=(System.LINUX,),
)  # fmt: skip
_ANY_START = Need(
    (Autostart,), f"{_UNITS.collect}; cp -r /etc/xinetd.d /etc/inetd.conf EVIDENCE/etc/",
    when=lambda one: one.manager == "inetd" or (one.manager == "systemd" and not one.command), systems=(System.LINUX,),
)  # fmt: skip
_LOCKOUT = Need(
    (LockoutSettings, PamStack), "secedit /export (Windows); cp -r /etc/fail2ban /etc/security /etc/pam.d EVIDENCE/etc/ (Linux)",
    systems=(System.LINUX, System.WINDOWS),
)  # fmt: skip
_AUDIT = Need((AuditRules,), "cp -r /etc/audit EVIDENCE/etc/", systems=(System.LINUX,))
_LOG = Need((LogSettings,), "cp -r /etc/rsyslog.conf /etc/rsyslog.d EVIDENCE/etc/", systems=(System.LINUX,))
_TOR = Need((TorSettings,), "every file named torrc: find / -name 'torrc*' -exec cp --parents {} EVIDENCE/ \\;")
_KNOWN: tuple[tuple[str, str, str], ...] = (
    ("telnet", "telnet", "Telnet server"), ("inetutils-inetd", "", "inetd"), ("openbsd-inetd", "", "inetd"), ("xinetd", "", "xinetd"),
    ("rsh", "rsh", "rsh"), ("rlogin", "rsh", "rlogin"), ("rexec", "rsh", "rexec"), ("xrdp", "rdp", "xrdp"),
    ("gnome-remote-desktop", "rdp", "GNOME Remote Desktop"), ("vncserver", "vnc", "VNC server"), ("tigervncserver", "vnc", "VNC server"),
    ("x11vnc", "vnc", "x11vnc"), ("wayvnc", "vnc", "wayvnc"), ("rpcbind", "rpcbind", "rpcbind"), ("nfs-server", "nfs", "NFS server"),
    ("nfs-kernel-server", "nfs", "NFS server"), ("smbd", "smb", "Samba"), ("smb", "smb", "Samba"), ("nmbd", "smb", "Samba name service"),
    ("snmpd", "snmp", "SNMP"), ("cups-browsed", "ipp", "cups-browsed"), ("vsftpd", "ftp", "FTP server"), ("proftpd", "ftp", "FTP server"),
    ("pure-ftpd", "ftp", "FTP server"), ("tftpd-hpa", "tftp", "TFTP server"), ("tftp", "tftp", "TFTP server"), ("atftpd", "tftp", "TFTP server"),
)  # fmt: skip
_STEM = re.compile(r"^(?:dev-)?(.+?)(?:@.{0,100})?\.(?:service|socket)$")
_OLD = frozenset({"telnet", "ftp", "tftp", "rsh", "shell", "login", "exec", "rlogin", "rexec", "finger", "talk", "ntalk", "daytime",
                  "chargen", "echo"})  # fmt: skip
_WATCHED = (("/etc/ssh/sshd_config", "settings of sshd"), ("/etc/pam.d", "PAM"), ("/root/.ssh", "keys of root"))
_TRIES = 10


def _unit(one: Autostart) -> tuple[str, str] | None:
    """Return (service, what it is) of a unit that others can connect to."""
    found = _STEM.match(one.name)
    stem = found[1] if found is not None else one.name
    return next(((service, what) for name, service, what in _KNOWN if stem == name), None)


def _by_host(found: Iterable[Autostart]) -> dict[str, list[Autostart]]:
    made: dict[str, list[Autostart]] = {}
    for one in found:
        made.setdefault(one.host, []).append(one)
    return made


def _starts(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    for host, own in _by_host(one for one in facts.of(Autostart) if one.manager == "systemd" and not one.command).items():
        asset = ground.site.posture.asset(host)
        declared = asset.services if asset is not None else ()
        told: set[str] = set()
        for one in own:
            kind = _unit(one)
            if kind is None or one.enabled is not True or kind[0] in declared or one.name in told:
                continue
            told.add(one.name)
            yield Verdict(
                status=Status.FAIL, host=host, message=f"{kind[1]} starts by itself ({one.name})", service=kind[0], subject=one.name,
                value=f"{one.name} {one.display}", resolved="as systemctl lists it", where=one.where, as_of=one.as_of,
            )  # fmt: skip
        if not told:
            said = f"none of {len(own)} units is a service the site does not declare"
            yield Verdict(status=Status.PASS, host=host, message=said, resolved="as systemctl lists them", where=own[0].where[:1], as_of=own[0].as_of)


def _sockets(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    listed = (one for one in facts.of(Autostart) if one.manager == "inetd" or (one.manager == "systemd" and not one.command))
    for host, own in _by_host(listed).items():
        odd = []
        for one in own:
            found = _STEM.match(one.name)
            stem = found[1] if found is not None else one.name
            if stem in _OLD and one.enabled is True and (one.manager == "inetd" or one.name.endswith(".socket")):
                odd.append(one)
        for one in odd:
            yield Verdict(
                status=Status.FAIL, host=host, message=f"{one.name} starts when somebody connects", service=(_unit(one) or (one.name, ""))[0],
                subject=one.name, value=one.command or one.display, resolved=f"as {one.manager} lists it", where=one.where, as_of=one.as_of,
            )  # fmt: skip
        if not odd:
            units = any(one.manager == "systemd" for one in own)
            said = f"none of {len(own)} is an old service started on demand" + ("" if units else "; systemd's sockets are not in the evidence")
            yield Verdict(status=Status.PASS if units else Status.UNKNOWN, host=host, message=said, where=own[0].where[:1])


def _locked(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    hosts = dict.fromkeys([*(one.host for one in facts.of(LockoutSettings)), *(one.host for one in facts.of(PamStack) if one.service == "sshd")])
    if not hosts:
        yield Verdict(status=Status.UNKNOWN, host="(site)", message="no stack of sshd and no settings of lockout are in the evidence")
    for host in hosts:
        own = {one.service: one for one in facts.of(LockoutSettings, host)}
        if "windows" in own:
            yield _windows(own["windows"])
        stack = next((one for one in facts.of(PamStack, host) if one.service == "sshd"), None)
        if stack is not None or own.keys() & {"faillock", "fail2ban"}:
            yield _linux(host, own, stack)


def _windows(fact: LockoutSettings) -> Verdict:
    tries = fact.get("attempts")
    good = None if tries is None or not tries.value.isdigit() else 0 < int(tries.value) <= _TRIES
    said = f"an account is locked after {tries.value} wrong passwords" if tries is not None and tries.value != "0" else "no account is ever locked"
    return by_setting(fact, tries, good, said, service="rdp", subject="account lockout")


def _linux(host: str, own: dict[str, LockoutSettings], stack: PamStack | None) -> Verdict:
    """Judge what stops a guesser at sshd: faillock in its PAM stack, or fail2ban's jail."""
    jail, lock = own.get("fail2ban"), own.get("faillock")
    if jail is not None and jail.text("enabled") == "1":
        tries = jail.get("attempts")
        good = tries is not None and tries.value.isdigit() and 0 < int(tries.value) <= _TRIES
        said = "fail2ban bans who guesses at sshd" if good else "fail2ban lets guess often"
        return by_setting(jail, tries, good, said, service="ssh", subject="sshd")
    lines = [line for line in stack.lines if line.module == "pam_faillock" and line.kind == "auth"] if stack is not None else []
    counting = any("authfail" in line.arguments for line in lines)
    if counting:
        given = next((word for line in lines for word in line.arguments if word.startswith("deny=")), "")
        value = given.removeprefix("deny=") or (lock.text("attempts") if lock is not None else "3")
        good = value.isdigit() and 0 < int(value) <= _TRIES
        how = "faillock.conf" if lock is not None else "default of faillock.conf, which is not in the evidence"
        how = "argument of pam_faillock" if given else how
        status = Status.PASS if good else Status.FAIL
        if not given and lock is None:
            status = Status.UNKNOWN
        return Verdict(
            status=status, host=host, message=f"an account is locked after {value} failures", value=f"deny {value}", resolved=how, service="ssh",
            subject="sshd", where=(lines[0].where,),
        )  # fmt: skip
    if stack is None or jail is None:
        lacking = "the PAM stack of sshd" if stack is None else "/etc/fail2ban"
        said = f"no lockout found, and {lacking} is not in the evidence"
        where = stack.where[:1] if stack is not None else (jail or lock or next(iter(own.values()))).where[:1]
        return Verdict(status=Status.UNKNOWN, host=host, message=said, service="ssh", subject="sshd", where=where)
    said = "nothing stops who guesses at sshd: no pam_faillock in its stack, and fail2ban's jail is off"
    return Verdict(
        status=Status.FAIL, host=host, message=said, value=f"fail2ban sshd enabled {jail.text('enabled')}", resolved="PAM stack of sshd, and jails",
        service="ssh", subject="sshd", where=(*jail.where[:1], *stack.where[:1]),
    )  # fmt: skip


def _watched(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for fact in facts.of(AuditRules):
        for path, what in _WATCHED:
            good = any((path == held or path.startswith(held + "/") or held == "/") and "w" in perm for held, perm in fact.watches)
            yield Verdict(
                status=Status.PASS if good else Status.FAIL, host=fact.host, subject=path, as_of=fact.as_of, where=fact.where[:1], service="ssh",
                message=f"changes of {what} ({path}) are {'recorded' if good else 'not recorded'}", value=f"{len(fact.watches)} rules watch paths",
                resolved="rules of auditd, in the order of their files",
            )  # fmt: skip


def _sent(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for fact in merged(facts, LogSettings):
        targets = [one for one in facts.of(LogTarget, fact.host) if one.service == "syslog" and one.remote]
        best = next((one for one in targets if one.encrypted), next(iter(targets), None))
        if best is None:
            yield by_setting(fact, fact.get("forward"), False, "the log stays on the host, where whoever breaks in can change it")
            continue
        said = f"the log goes to {best.target}" + (", encrypted" if best.encrypted else ", unencrypted" if best.encrypted is False else "")
        status = Status.PASS if best.encrypted is not False else Status.FAIL
        yield Verdict(
            status=status, host=fact.host, message=said, value=best.target, resolved="as written", where=best.where, as_of=fact.as_of,
            severity=None if status is Status.PASS else Severity.LOW,
        )  # fmt: skip


def _onion(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for fact in facts.of(TorSettings):
        own = [one for one in facts.of(HiddenService, fact.host) if one.where[0].file == fact.where[0].file]
        for one in own:
            target = one.target.rpartition(":")[2]
            port = int(target) if target.isdigit() and len(target) < 6 else one.port
            service = service_of(port) or service_of(one.port)
            said = f"an onion service leads from outside to {one.target or 'nothing yet'}" + (f" ({service})" if service else "")
            yield Verdict(
                status=Status.FAIL, host=fact.host, message=said, service=service or "tor", subject=f"{one.folder} {one.port}",
                value=f"HiddenServicePort {one.port} {one.target}", resolved="as written", where=one.where, as_of=fact.as_of,
                severity=Severity.CRITICAL if service else Severity.HIGH,
            )  # fmt: skip
        if not own:
            said = "the torrc offers no onion service"
            yield Verdict(status=Status.PASS, host=fact.host, message=said, service="tor", subject=fact.scope, where=fact.where, as_of=fact.as_of)


CHECKS: tuple[Check, ...] = (
    Check(
        id="M1042.4-02",
        title="Only declared services start by themselves",
        about="No unit of telnet, rsh, VNC, xrdp, rpcbind, NFS, Samba, SNMP, FTP or TFTP is enabled, unless the site declares it.",
        measures=(Measure.UNNECESSARY_SERVICE,),
        severity=Severity.MEDIUM,
        needs=(_UNITS,),
        judge=_starts,
        remediation=Remediation("Disable the unit, or declare the service in [assets.HOST] services.", "systemctl disable --now rpcbind.socket"),
        mappings=nist("CM-7"),
        references=("systemctl(1)",),
    ),
    Check(
        id="M1035.3-02",
        title="No old service starts on demand",
        about="Neither inetd, xinetd nor a systemd socket starts telnet, FTP, TFTP, rsh, finger or talk.",
        measures=(Measure.NETWORK_SERVICE,),
        severity=Severity.HIGH,
        needs=(_ANY_START,),
        judge=_sockets,
        remediation=Remediation("Disable it.", "systemctl disable --now telnet.socket"),
        mappings=(*nist("CM-7"), *cis("Debian 12", "1.1.0", "2.1.19")),
        services=("telnet", "ftp", "rsh", "tftp"),
    ),
    Check(
        id="M1035.7-06",
        title="Who guesses passwords is locked out",
        about=f"An account or address is locked after at most {_TRIES} failures: Windows' lockout, pam_faillock at sshd, fail2ban's jail sshd.",
        measures=(Measure.HARDENING,),
        severity=Severity.MEDIUM,
        needs=(_LOCKOUT,),
        judge=_locked,
        remediation=Remediation(
            "Use pam_faillock or fail2ban on Linux, the account lockout policy on Windows.", "[sshd]\nenabled = true\nmaxretry = 4",
            "Whoever can reach the login can lock accounts out: keep a way in that does not count.",
        ),
        mappings=(*nist("AC-7"), *cis("Debian 12", "1.1.0", "5.3.2.2"), *stig("RHEL 9", "RHEL-09-611035")),
        services=("ssh", "rdp"),
    ),
    Check(
        id="M1035.5-05",
        title="Changes of remote access are recorded",
        about="auditd watches the settings of sshd, PAM and root's keys for writing.",
        measures=(Measure.ACCESS_LOG,),
        severity=Severity.LOW,
        needs=(_AUDIT,),
        judge=_watched,
        remediation=Remediation(
            "Add rules.", "\n".join(f"-w {path} -p wa -k remote-access" for path in ("/etc/ssh/", "/etc/pam.d/", "/root/.ssh/"))
        ),
        mappings=(*nist("AU-2", "AU-12"), *stig("RHEL 9", "RHEL-09-652030")),
        services=("ssh",),
    ),
    Check(
        id="M1035.5-05b",
        title="The log leaves the host",
        about="rsyslog, syslog-ng or journal-upload sends the log to another host, encrypted or at least over a connection.",
        measures=(Measure.ACCESS_LOG,),
        severity=Severity.MEDIUM,
        needs=(_LOG,),
        judge=_sent,
        remediation=Remediation(
            "Send it on, over TLS.", '*.* action(type="omfwd" target="LOGHOST" port="6514" protocol="tcp" StreamDriver="gtls" StreamDriverMode="1")'
        ),
        mappings=nist("AU-4(1)", "AU-9(2)"),
        references=("rsyslog.conf(5)",),
    ),
    Check(
        id="M1042.3-05",
        title="No onion service leads into the host",
        about="No torrc has a HiddenServiceDir or HiddenServicePort, least of all one to a remote service.",
        measures=(Measure.USER_SOFTWARE,),
        severity=Severity.CRITICAL,
        needs=(_TOR,),
        judge=_onion,
        remediation=Remediation("Treat it as an intrusion: keep the torrc and its folder, then stop Tor.", "", "Stopping it warns whoever uses it."),
        mappings=nist("CM-7", "SI-4"),
        references=("CISA AA20-183A", "tor(1)"),
        services=("tor",),
    ),
)
