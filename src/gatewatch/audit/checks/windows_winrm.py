"""WinRM: off where it is not meant to be; no Basic, nothing unencrypted, no listener over plain HTTP, no trust in every host."""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.audit.check import Check, Ground, Need, Verdict, by_setting, cis, nist, stig
from gatewatch.audit.rule import Rule, checks, merged, one_of
from gatewatch.schema.facts.base import Facts, Setting, Settings
from gatewatch.schema.facts.machine import System
from gatewatch.schema.facts.windows import WinrmSettings
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure

NEED = Need(
    (WinrmSettings,),
    "winrm get winrm/config > winrm.txt; winrm enumerate winrm/config/listener > winrm-listeners.txt; "
    "reg export HKLM\\SOFTWARE\\Policies policies.reg /y",
    systems=(System.WINDOWS,),
)
_POLICY = 'reg add "HKLM\\SOFTWARE\\Policies\\Microsoft\\Windows\\WinRM\\'
_SERVER = "Windows Server 2022"
_HARD = (Measure.HARDENING,)


def _listens(fact: Settings) -> tuple[Setting | None, bool | None]:
    """Return what tells whether WinRM listens, and whether it does; None where the evidence does not say."""
    listeners, auto, four, six = (fact.get(name) for name in ("listeners", "allowautoconfig", "ipv4filter", "ipv6filter"))
    if listeners is not None and listeners.value:
        return listeners, True
    if auto is not None and auto.value == "1":
        return auto, bool((four is not None and four.value) or (six is not None and six.value))
    told = listeners is not None and listeners.how.startswith("as ")  # winrm's own list has the policy's listeners too
    if listeners is not None and (told or (auto is not None and not auto.uncertain)):
        return listeners, False
    return listeners or auto, None


def _quiet(fact: Settings, _ground: Ground) -> str:
    return "WinRM has no listener" if _listens(fact)[1] is False else ""


def _needed(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    for fact in merged(facts, WinrmSettings):
        deciding, on = _listens(fact)
        asset = ground.site.posture.asset(fact.host)
        if on and asset is not None and "winrm" in asset.services:
            filters = [one for one in (fact.get("ipv4filter"), fact.get("ipv6filter")) if one is not None and one.value]
            if not filters:
                said = "the site declares WinRM for this host, and which addresses it listens on is not in the evidence"
                yield by_setting(fact, deciding, None, said, service="winrm")
            for one in filters:
                good = one.value.strip() != "*"
                said = "WinRM listens on chosen addresses" if good else "WinRM listens on every address"
                yield by_setting(fact, one, good, said, service="winrm", subject=one.name, severity=None if good else Severity.MEDIUM)
            continue
        said = "WinRM listens, and [assets] services does not declare winrm" if on else "WinRM has no listener"
        yield by_setting(fact, deciding, None if on is None else not on, said if on is not None else "whether WinRM listens", service="winrm")


def _https(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for fact in merged(facts, WinrmSettings):
        listeners = fact.get("listeners")
        if _listens(fact)[1] is False:
            yield Verdict(status=Status.NOT_APPLICABLE, host=fact.host, message="WinRM has no listener", service="winrm", where=fact.where[:1])
            continue
        auto = fact.get("allowautoconfig")
        plain = listeners is not None and any(name.strip().casefold().endswith("+http") for name in listeners.value.split(","))
        if not plain and auto is not None and auto.value == "1":
            listeners, plain = auto, True  # the policy's own listener is HTTP on 5985
        said = "a listener takes plain HTTP" if plain else "every listener takes HTTPS"
        yield by_setting(fact, listeners, None if listeners is None or not listeners.value else not plain, said, service="winrm")


_RULES = (
    Rule(
        id="M1035.7-02a",
        title="WinRM: the service takes no Basic authentication",
        about="AllowBasic of the service is 0.",
        measures=_HARD,
        severity=Severity.HIGH,
        name="allowbasic",
        good=one_of("0"),
        skip=_quiet,
        yes="Basic authentication is off",
        no="passwords are sent as they are (Basic)",
        text="Disallow Basic authentication of the service.",
        snippet=_POLICY + 'Service" /v AllowBasic /t REG_DWORD /d 0 /f',
    ),
    Rule(
        id="M1035.7-02b",
        title="WinRM: the service takes nothing unencrypted",
        about="AllowUnencryptedTraffic of the service is 0.",
        measures=_HARD,
        severity=Severity.HIGH,
        name="allowunencryptedtraffic",
        good=one_of("0"),
        skip=_quiet,
        yes="traffic is encrypted",
        no="unencrypted traffic is taken",
        text="Disallow unencrypted traffic of the service.",
        snippet=_POLICY + 'Service" /v AllowUnencryptedTraffic /t REG_DWORD /d 0 /f',
    ),
    Rule(
        id="M1035.7-02c",
        title="WinRM: the service keeps no credentials of plug-ins",
        about="DisableRunAs is 1.",
        measures=_HARD,
        severity=Severity.MEDIUM,
        name="disablerunas",
        good=one_of("1"),
        skip=_quiet,
        yes="RunAs credentials are not kept",
        no="RunAs credentials can be kept",
        text="Disallow WinRM from storing RunAs credentials.",
        snippet=_POLICY + 'Service" /v DisableRunAs /t REG_DWORD /d 1 /f',
        mappings=cis(_SERVER, "2.0.0", "18.10.89.2.4"),
    ),
    Rule(
        id="M1035.7-02d",
        title="WinRM: the client sends no Basic authentication",
        about="AllowBasic of the client is 0.",
        measures=_HARD,
        severity=Severity.MEDIUM,
        name="client.allowbasic",
        good=one_of("0"),
        yes="the client sends no Basic authentication",
        no="the client may send passwords as they are",
        text="Disallow Basic authentication of the client.",
        snippet=_POLICY + 'Client" /v AllowBasic /t REG_DWORD /d 0 /f',
        mappings=stig(_SERVER, "WN22-CC-000470"),
    ),
    Rule(
        id="M1035.7-02e",
        title="WinRM: the client trusts no host unseen",
        about="TrustedHosts is empty, or names hosts without a star.",
        measures=_HARD,
        severity=Severity.MEDIUM,
        name="client.trustedhosts",
        good=lambda value: "*" not in value,
        yes="no wildcard among the trusted hosts",
        no="credentials go to hosts nobody has proved (TrustedHosts with a star)",
        text="Name the hosts, or use Kerberos or HTTPS.",
        snippet='Set-Item WSMan:\\localhost\\Client\\TrustedHosts -Value "" -Force',
    ),
)

CHECKS: tuple[Check, ...] = (
    Check(
        id="M1042.2-02",
        title="WinRM is off where it is not meant to be",
        about="WinRM has no listener, or the site declares winrm for the host and its filters name addresses.",
        measures=(Measure.UNUSED_FEATURE, Measure.NETWORK_SERVICE),
        severity=Severity.HIGH,
        needs=(NEED,),
        judge=_needed,
        remediation=Remediation(
            "Remove the listener, or declare winrm in [assets.HOST] services and filter its addresses.",
            "winrm delete winrm/config/Listener?Address=*+Transport=HTTP",
            "It ends remote management by PowerShell.",
        ),
        mappings=(*nist("CM-7", "AC-17"), *cis(_SERVER, "2.0.0", "18.10.89.2.2")),
        services=("winrm",),
    ),
    Check(
        id="M1035.7-02f",
        title="WinRM: listens over HTTPS only",
        about="No listener, of the policy or of the machine, takes plain HTTP.",
        measures=_HARD,
        severity=Severity.MEDIUM,
        needs=(NEED,),
        judge=_https,
        remediation=Remediation("Make an HTTPS listener with a certificate, then remove the HTTP one.", "winrm quickconfig -transport:https"),
        mappings=nist("AC-17(2)", "SC-8"),
        services=("winrm",),
    ),
    *checks(WinrmSettings, NEED, "winrm", _RULES, ("AC-17(2)", "IA-5(1)")),
)
