"""sshd: who may log in, what a session may carry on, and what is logged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from gatewatch.audit.check import Check, Ground, Need, Verdict, by_setting, cis, nist, stig
from gatewatch.audit.ssh_path import chosen, views
from gatewatch.schema.facts.base import Facts, Setting
from gatewatch.schema.facts.ssh import SshdSettings
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure

NEED = Need((SshdSettings,), "sudo sshd -T > EVIDENCE/commands/sshd-T.txt, and cp -r /etc/ssh EVIDENCE/etc/")
_LOCKOUT = "Keep a session open, run sshd -t, reload, and log in anew before you close it."
Judge = Callable[[SshdSettings, str, dict[str, Setting]], Iterable[Verdict]]


def _each(judge: Judge) -> Callable[[Facts, Ground], Iterator[Verdict]]:
    """Return a criterion that judges the settings of every sshd, and every Match block that changes what it asks of them."""

    def criterion(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
        for settings in chosen(facts):
            told: set[tuple[object, ...]] = set()
            for name, view, _ in views(settings):
                for verdict in judge(settings, name, view):
                    key = (verdict.status, verdict.value, verdict.where, verdict.message)
                    if key not in told:
                        told.add(key)
                        yield verdict

    return criterion


def _root(settings: SshdSettings, name: str, view: dict[str, Setting]) -> Iterator[Verdict]:
    setting = view.get("permitrootlogin")
    good = setting is not None and setting.value in {"no", "prohibit-password", "without-password", "forced-commands-only"}
    said = "root can log in with a key" if good else "root can log in with a password"
    if setting is not None and setting.value == "no":
        said = "root cannot log in"
    yield by_setting(settings, setting, good, said, service="ssh", subject=name)


def _empty(settings: SshdSettings, name: str, view: dict[str, Setting]) -> Iterator[Verdict]:
    setting = view.get("permitemptypasswords")
    good = setting is not None and setting.value == "no"
    said = "empty passwords are refused" if good else "accounts without a password can log in"
    yield by_setting(settings, setting, good, said, service="ssh", subject=name, severity=None if good else Severity.CRITICAL)


def _hostbased(settings: SshdSettings, name: str, view: dict[str, Setting]) -> Iterator[Verdict]:
    setting = view.get("hostbasedauthentication")
    good = setting is not None and setting.value == "no"
    said = "no other host vouches for users" if good else "other hosts vouch for users"
    yield by_setting(settings, setting, good, said, service="ssh", subject=name)


_LISTS = ("allowgroups", "allowusers", "denygroups", "denyusers")


def _who(settings: SshdSettings, name: str, view: dict[str, Setting]) -> Iterator[Verdict]:
    lists = [view[word] for word in _LISTS[:2] if word in view and view[word].value not in {"", "none", "*"}]
    if lists:
        yield by_setting(settings, lists[0], True, f"only {lists[0].value} may log in", service="ssh", subject=name)
        return
    place = settings.where[0] if settings.where else None
    setting = Setting("allowgroups", "(not set)", "neither AllowGroups nor AllowUsers is set", place, _doubt(view))
    yield by_setting(settings, setting, False, "every account of the host may log in", service="ssh", subject=name)


def _doubt(view: dict[str, Setting]) -> str:
    return next((setting.uncertain for setting in view.values() if setting.uncertain), "")


_FORWARDING = ("allowtcpforwarding", "allowstreamlocalforwarding", "gatewayports", "permittunnel")


def _forwarding(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    for settings in chosen(facts):
        asset = ground.site.posture.asset(settings.host)
        if asset is not None and "bastion" in asset.roles:
            yield Verdict(
                status=Status.NOT_APPLICABLE, host=settings.host, message="a bastion forwards by its nature", service="ssh", as_of=settings.as_of
            )
            continue
        told: set[tuple[str, ...]] = set()
        for name, view, _ in views(settings):
            key = tuple(view[word].value if word in view else "" for word in ("disableforwarding", *_FORWARDING))
            if key in told:  # a Match block that changes nothing of it
                continue
            told.add(key)
            off = view.get("disableforwarding")
            if off is not None and off.value == "yes":
                yield by_setting(settings, off, True, "all forwarding is off", service="ssh", subject=name)
                continue
            open_ = [view[word] for word in _FORWARDING if word in view and view[word].value not in {"no", "none"}]
            if open_:
                said = f"a session can carry other traffic on: {', '.join(one.name for one in open_)}"
                yield by_setting(settings, open_[0], False, said, service="ssh", subject=name)
            elif "allowtcpforwarding" in view:
                yield by_setting(settings, view["allowtcpforwarding"], True, "no forwarding is allowed", service="ssh", subject=name)
            else:
                yield by_setting(settings, None, None, "forwarding", service="ssh", subject=name)


def _tries(settings: SshdSettings, name: str, view: dict[str, Setting]) -> Iterator[Verdict]:
    setting = view.get("maxauthtries")
    good = setting is not None and setting.value.isdigit() and int(setting.value) <= 4
    yield by_setting(settings, setting, good, f"{setting.value if setting else '?'} attempts for each connection", service="ssh", subject=name)


def _log(settings: SshdSettings, name: str, view: dict[str, Setting]) -> Iterator[Verdict]:
    setting = view.get("loglevel")
    good = setting is not None and setting.value.upper() in {"INFO", "VERBOSE", "DEBUG", "DEBUG1", "DEBUG2", "DEBUG3"}
    said = "logins are logged" if good else "logins are not logged in full"
    if setting is not None and setting.value.upper() == "INFO":
        said += "; VERBOSE would log the fingerprints of keys"
    yield by_setting(settings, setting, good, said, service="ssh", subject=name)


CHECKS: tuple[Check, ...] = (
    Check(
        id="M1035.1-01a",
        title="sshd: root cannot log in with a password",
        about="PermitRootLogin is no, or allows keys only, also within every Match block.",
        measures=(Measure.ACCESS_AUDIT,),
        severity=Severity.HIGH,
        needs=(NEED,),
        judge=_each(_root),
        remediation=Remediation("Log in as yourself and use sudo; set PermitRootLogin no.", "PermitRootLogin no", _LOCKOUT),
        mappings=(*nist("AC-6", "AC-17", "IA-2(5)"), *cis("Debian 12", "1.1.0", "5.1.20"), *stig("RHEL 9", "RHEL-09-255045")),
        references=("sshd_config(5)",),
        services=("ssh",),
    ),
    Check(
        id="M1035.1-01b",
        title="sshd: no empty passwords",
        about="PermitEmptyPasswords is no, also within every Match block.",
        measures=(Measure.ACCESS_AUDIT,),
        severity=Severity.HIGH,
        needs=(NEED,),
        judge=_each(_empty),
        remediation=Remediation("Set PermitEmptyPasswords no, and give or lock accounts without a password.", "PermitEmptyPasswords no"),
        mappings=(*nist("AC-17", "IA-5"), *cis("Debian 12", "1.1.0", "5.1.19"), *stig("RHEL 9", "RHEL-09-255040")),
        references=("sshd_config(5)",),
        services=("ssh",),
    ),
    Check(
        id="M1035.1-01c",
        title="sshd: no host-based authentication",
        about="HostbasedAuthentication is no, also within every Match block.",
        measures=(Measure.ACCESS_AUDIT,),
        severity=Severity.HIGH,
        needs=(NEED,),
        judge=_each(_hostbased),
        remediation=Remediation("Set HostbasedAuthentication no; one host taken is not to open the next.", "HostbasedAuthentication no", _LOCKOUT),
        mappings=(*nist("AC-17", "IA-2"), *cis("Debian 12", "1.1.0", "5.1.10"), *stig("RHEL 9", "RHEL-09-255080")),
        references=("sshd_config(5)",),
        services=("ssh",),
    ),
    Check(
        id="M1035.1-01d",
        title="sshd: a list says who may log in",
        about="AllowGroups or AllowUsers names who may log in, also within every Match block.",
        measures=(Measure.ACCESS_AUDIT,),
        severity=Severity.MEDIUM,
        needs=(NEED,),
        judge=_each(_who),
        remediation=Remediation("Make a group of those who need SSH and set AllowGroups to it.", "AllowGroups ssh-users", _LOCKOUT),
        mappings=(*nist("AC-3", "AC-6", "AC-17"), *cis("Debian 12", "1.1.0", "5.1.4")),
        references=("sshd_config(5)",),
        services=("ssh",),
    ),
    Check(
        id="M1042.2-03",
        title="sshd: no forwarding where no bastion is",
        about="TCP, socket and tunnel forwarding are off, or DisableForwarding is yes, on every host that is no bastion.",
        measures=(Measure.UNUSED_FEATURE,),
        severity=Severity.MEDIUM,
        needs=(NEED,),
        judge=_forwarding,
        remediation=Remediation(
            "Set DisableForwarding yes; declare bastions with roles = ['bastion'] in [assets].", "DisableForwarding yes",
            "Whoever works through a tunnel of this host loses it.",
        ),
        mappings=(*nist("CM-7", "AC-4", "SC-7"), *cis("Debian 12", "1.1.0", "5.1.8"), *stig("RHEL 9", "RHEL-09-255155")),
        references=("sshd_config(5)",),
        services=("ssh",),
    ),
    Check(
        id="M1035.7-03a",
        title="sshd: few attempts for each connection",
        about="MaxAuthTries is at most 4.",
        measures=(Measure.HARDENING,),
        severity=Severity.LOW,
        needs=(NEED,),
        judge=_each(_tries),
        remediation=Remediation("Set MaxAuthTries 4.", "MaxAuthTries 4", "Users with more than four keys in their agent must name the right one."),
        mappings=(*nist("AC-7"), *cis("Debian 12", "1.1.0", "5.1.16")),
        references=("sshd_config(5)",),
        services=("ssh",),
    ),
    Check(
        id="M1035.5-01",
        title="sshd: logins are logged",
        about="LogLevel is INFO or more.",
        measures=(Measure.ACCESS_LOG,),
        severity=Severity.MEDIUM,
        needs=(NEED,),
        judge=_each(_log),
        remediation=Remediation("Set LogLevel VERBOSE.", "LogLevel VERBOSE"),
        mappings=(*nist("AU-2", "AU-12"), *cis("Debian 12", "1.1.0", "5.1.14"), *stig("RHEL 9", "RHEL-09-255030")),
        references=("sshd_config(5)",),
        services=("ssh",),
    ),
)
