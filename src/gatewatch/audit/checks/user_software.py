"""What users may install, run and load: application control, sudo, extensions of browsers, modules of sshd's PAM stack."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatewatch.audit.check import Check, Ground, Need, Verdict, nist
from gatewatch.audit.pam_way import known_module, runs_program
from gatewatch.audit.remote_tool import product_of
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.control import AppControl, BrowserExtension, SudoRule, SudoRules
from gatewatch.schema.facts.machine import System
from gatewatch.schema.facts.ssh import PamStack
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure

_WINDOWS = Need(
    (AppControl,), "Get-AppLockerPolicy -Effective -Xml > applocker.xml", when=lambda one: one.product != "gatekeeper", systems=(System.WINDOWS,)
)
_MAC = Need((AppControl,), "spctl --status > spctl.txt", when=lambda one: one.product == "gatekeeper", systems=(System.MACOS,))
_SUDO = Need((SudoRules,), "sudo cp -r /etc/sudoers /etc/sudoers.d EVIDENCE/etc/", systems=(System.LINUX,))
_EXTENSIONS = Need(
    (BrowserExtension,),
    'osqueryi --json "SELECT * FROM users CROSS JOIN chrome_extensions USING (uid)" > EVIDENCE/commands/chrome-extensions.json',
)
_INSTALLERS = re.compile(
    r"^(?:\S{0,200}/)?(?:apt|apt-get|aptitude|dpkg|dnf|yum|rpm|zypper|snap|flatpak|pip3?|npm|gem|apk|pacman|installer|brew|make)(?:\s|$)"
)
_SHELLS = re.compile(r"^(?:ALL$|(?:\S{0,200}/)?(?:bash|sh|zsh|dash|su|env|vi|vim|less|python[\d.]{0,6}|perl|find|awk|tar)(?:\s|$))")
_MANY = frozenset({"ALL", "%users", "%domain users", "%domain\\ users", "%everyone", "%staff"})
_LURES = re.compile(r"(?i)remote (?:desktop|control|support|access)|\bvpn\b|\bproxy\b|anydesk|teamviewer|ssh client|remoting")


def _windows(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    hosts = dict.fromkeys(one.host for one in facts.of(AppControl) if one.product != "gatekeeper")
    for host in hosts:
        mine = [one for one in facts.of(AppControl, host) if one.product != "gatekeeper"]
        strict = [one for one in mine if one.product == "wdac" and one.enforced]
        if strict:
            said = "App Control lets run what its policy names"
            yield Verdict(status=Status.PASS, host=host, subject="all", message=said, value=strict[0].mode, where=strict[0].where)
            continue
        for one in mine:
            if one.product == "applocker" and one.collection not in {"exe", "msi", "script"}:
                continue
            if not one.enforced:
                said = f"{one.collection}: {one.mode}: whatever a user brings runs"
                yield Verdict(status=Status.FAIL, host=host, subject=one.collection, message=said, value=one.mode, where=one.where, as_of=one.as_of)
            elif one.open:
                path, where = one.open[0]
                what = "anybody signed" if path == "any publisher" else f"lies in {path}, where everybody can write"
                said = f"{one.collection}: everybody runs what {what}"
                yield Verdict(status=Status.FAIL, host=host, subject=one.collection, message=said, value=path, where=(where,), as_of=one.as_of)
            else:
                said = f"{one.collection}: rules are enforced, none for a folder that everybody can write"
                yield Verdict(status=Status.PASS, host=host, subject=one.collection, message=said, value=one.mode, where=one.where, as_of=one.as_of)


def _gatekeeper(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for one in facts.of(AppControl):
        if one.product == "gatekeeper":
            said = "unsigned programs are stopped" if one.enforced else "unsigned programs run"
            yield Verdict(
                status=Status.PASS if one.enforced else Status.FAIL, host=one.host, message=said, value=f"assessments {one.mode}", where=one.where,
                as_of=one.as_of, resolved="state of Gatekeeper",
            )  # fmt: skip


def _sudo(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for held in facts.of(SudoRules):
        bad = 0
        for rule in facts.of(SudoRule, held.host):
            if rule.who == "root":
                continue
            wide = [one for one in rule.commands if _INSTALLERS.match(one) or _SHELLS.match(one)]
            everybody = rule.who.lower() in {one.lower() for one in _MANY}
            if wide and (rule.passwordless or everybody):
                bad += 1
                said = f"{rule.who} runs {wide[0]} as root" + (" without a password" if rule.passwordless else "") + ": may install anything"
                yield Verdict(
                    status=Status.FAIL, host=held.host, subject=rule.who, message=said, value=", ".join(rule.commands[:5]), where=rule.where,
                    as_of=rule.as_of, resolved="aliases resolved; a tag holds for what follows it",
                )  # fmt: skip
        if bad:
            continue
        status = Status.UNKNOWN if held.missing else Status.PASS
        said = f"{', '.join(held.missing)} is not in the evidence" if held.missing else "nobody installs software without a password"
        yield Verdict(status=status, host=held.host, message=said, where=held.where, as_of=held.as_of, resolved="rules of sudoers")


def _extensions(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    allowed = {one.casefold() for one in ground.site.posture.remote_tools}
    for host in dict.fromkeys(one.host for one in facts.of(BrowserExtension)):
        mine = facts.of(BrowserExtension, host)
        bad = [one for one in mine if (product_of(one.name) or _LURES.search(one.name)) and not {
            one.name.casefold(), product_of(one.name).casefold()} & allowed]  # fmt: skip
        for one in bad:
            yield Verdict(
                status=Status.FAIL, host=host, subject=one.name, message=f"{one.browser}: {one.name} lets somebody in, or out past the proxy",
                value=one.identifier, where=one.where, as_of=one.as_of, resolved="name of the extension; [audit] remote_tools",
            )  # fmt: skip
        if not bad:
            said = f"none of {len(mine)} extensions is called after remote access, a VPN or a proxy"
            yield Verdict(status=Status.PASS, host=host, message=said, where=mine[0].where, as_of=mine[0].as_of, resolved="names of the extensions")


def _modules(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for stack in facts.of(PamStack):
        if stack.service != "sshd":
            continue
        odd = 0
        for line in stack.lines:
            path = re.search(r"(/\S{1,200}\.so)\b", line.where.quote)
            outside = path is not None and re.match(r"/(?:usr/)?lib(?:32|64)?/(?:\S{1,60}/)?security/", path[1]) is None
            if outside and path is not None:
                status, said = Status.FAIL, f"{path[1]} is loaded from outside the folders of modules"
            elif line.missing:
                status, said = Status.UNKNOWN, f"{line.module} is not in the evidence"
            elif runs_program(line.module):
                status, said = Status.UNKNOWN, f"{line.module} runs a program at every login: look at it"
            elif not known_module(line.module):
                status, said = Status.UNKNOWN, f"{line.module} is none that distributions ship: tell whose it is (dpkg -S, rpm -qf)"
            else:
                continue
            odd += 1
            yield Verdict(
                status=status, host=stack.host, service="ssh", subject=f"{line.kind} {line.module}", message=said, value=line.module,
                where=(line.where,), as_of=stack.as_of, resolved="stack with its includes",
            )  # fmt: skip
        if not odd:
            said = f"all {len(stack.lines)} lines load modules that distributions ship"
            yield Verdict(status=Status.PASS, host=stack.host, service="ssh", message=said, where=stack.where, as_of=stack.as_of)
    if not any(stack.service == "sshd" for stack in facts.of(PamStack)):
        for host in dict.fromkeys(stack.host for stack in facts.of(PamStack)):
            yield Verdict(status=Status.UNKNOWN, host=host, service="ssh", message="the stack of sshd is not in the evidence")


CHECKS: tuple[Check, ...] = (
    Check(
        id="M1042.3-02a", title="Windows runs what it is meant to",
        about="App Control is enforced, or AppLocker enforces rules for programs and installers, none of which opens a folder everybody can write.",
        measures=(Measure.USER_SOFTWARE,), severity=Severity.MEDIUM, needs=(_WINDOWS,), judge=_windows,
        remediation=Remediation(
            "Enforce AppLocker or App Control, with rules for folders only administrators can write.",
            'Set-AppLockerPolicy -XmlPolicy allow-list.xml -Merge', "Run it as AuditOnly for a month first, and read events 8003 and 8006.",
        ),
        mappings=nist("CM-7(5)", "CM-11"), references=("Microsoft Learn: AppLocker",),
    ),
    Check(
        id="M1042.3-02b", title="sudo lets nobody install software without a password",
        about="No rule but root's lets a shell or a package manager run without a password, or for everybody.",
        measures=(Measure.USER_SOFTWARE, Measure.IAM), severity=Severity.MEDIUM, needs=(_SUDO,), judge=_sudo,
        remediation=Remediation("Name single commands, and ask for the password.", "%ops ALL=(root) /usr/bin/systemctl restart nginx"),
        mappings=nist("CM-11", "AC-6(1)"), references=("sudoers(5)",),
    ),
    Check(
        id="M1042.3-02c", title="Gatekeeper is on", about="spctl says that assessments are enabled.",
        measures=(Measure.USER_SOFTWARE,), severity=Severity.MEDIUM, needs=(_MAC,), judge=_gatekeeper,
        remediation=Remediation("Turn it on.", "sudo spctl --global-enable"), mappings=nist("CM-7(5)", "CM-14"), references=("spctl(8)",),
    ),
    Check(
        id="M1042.5-01", title="Browser extensions: none that lets somebody in",
        about="No extension is called after remote access, a VPN or a proxy, but those in [audit] remote_tools.",
        measures=(Measure.PLUGIN, Measure.BROWSER), severity=Severity.MEDIUM, needs=(_EXTENSIONS,), judge=_extensions,
        remediation=Remediation("Remove it, and allow extensions by list only.", "ExtensionInstallBlocklist = *"), mappings=nist("CM-7(5)", "CM-11"),
        references=("osquery: chrome_extensions",), services=("browser",),
    ),
    Check(
        id="M1042.5-03", title="sshd's PAM stack loads modules of the distribution",
        about="Every module is one that distributions ship, from the folder of modules; what runs programs is asked about.",
        measures=(Measure.PLUGIN, Measure.AUTH_METHOD), severity=Severity.HIGH, needs=(Need((PamStack,), "cp -r /etc/pam.d EVIDENCE/etc/"),),
        judge=_modules, remediation=Remediation("Find out who put it there; a module sees every password (ATT&CK T1556.003)."),
        mappings=nist("SI-7", "CM-7"), references=("pam.conf(5)", "ATT&CK T1556.003"), services=("ssh",),
    ),
)  # fmt: skip
