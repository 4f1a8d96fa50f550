"""Browsers: remote access through them, extensions, downloads, proxy, DNS over HTTPS, as their mandatory policies say."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gatewatch.audit.check import Check, Criterion, Ground, Need, Verdict, nist, stig
from gatewatch.audit.checks.web_proxy import TOOLS
from gatewatch.schema.facts.base import Facts, Setting, Where
from gatewatch.schema.facts.web import BrowserPolicy
from gatewatch.schema.findings import Mapping, Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure

NEED = Need(
    (BrowserPolicy,),
    "cp -r /etc/opt/chrome /etc/opt/edge /etc/firefox EVIDENCE/etc/ (or the property lists of Managed Preferences; on Windows "
    "reg export HKLM\\SOFTWARE\\Policies policies.reg)",
)
Judge = Callable[[BrowserPolicy, Ground], tuple[bool | None, str, tuple[str, ...]]]
"""Whether it is good, a sentence, and the policies that decide."""
_NOT_FOR = "has no such feature"


def _each(judge: Judge) -> Criterion:
    def criterion(facts: Facts, ground: Ground) -> Iterator[Verdict]:
        for policy in facts.of(BrowserPolicy):
            good, said, names = judge(policy, ground)
            found = [setting for name in names if (setting := policy.get(name)) is not None]
            doubt = next((one.uncertain for one in found if one.uncertain), "")
            status = Status.UNKNOWN if doubt else Status.NOT_APPLICABLE if good is None else Status.PASS if good else Status.FAIL
            yield Verdict(
                status=status, host=policy.host, message=f"{said}; not sure: {doubt}" if doubt else said, subject=policy.product, service="browser",
                value="; ".join(f"{one.name} {one.value}" for one in found)[:200] or "(not set)", resolved="mandatory policies of all files",
                where=_places(found) or policy.where, as_of=policy.as_of,
            )  # fmt: skip

    return criterion


def _places(found: list[Setting]) -> tuple[Where, ...]:
    return tuple(one.where for one in found if one.where is not None)[:4]


_REMOTE = ("remoteaccesshostallowremoteaccessconnections", "remoteaccesshostallowremotesupportconnections", "remoteaccesshostfirewalltraversal",
           "remotedebuggingallowed")  # fmt: skip


def _remote(policy: BrowserPolicy, _ground: Ground) -> tuple[bool | None, str, tuple[str, ...]]:
    if policy.product == "firefox":
        return None, f"Firefox {_NOT_FOR}", ()
    wanted = _REMOTE if policy.product != "edge" else _REMOTE[3:]
    missing = [name for name in wanted if policy.text(name) != "false"]
    said = "no session comes in through the browser" if not missing else f"not false: {', '.join(missing)}"
    return not missing, said, wanted


def _extensions(policy: BrowserPolicy, _ground: Ground) -> tuple[bool | None, str, tuple[str, ...]]:
    if policy.product == "firefox":
        mode = policy.text("extensionsettings.*.installation_mode")
        off = policy.text("installaddonspermission.default") == "false"
        good = mode == "blocked" or off
        return good, "add-ons are refused unless listed" if good else "every add-on may be installed", (
            "extensionsettings.*.installation_mode", "installaddonspermission.default",
        )  # fmt: skip
    names = ("extensioninstallblocklist", "extensionsettings.*.installation_mode")
    good = "*" in policy.list(names[0]) or policy.text(names[1]) in {"blocked", "removed"}
    return good, "extensions are refused unless listed" if good else "every extension may be installed", names


def _downloads(policy: BrowserPolicy, _ground: Ground) -> tuple[bool | None, str, tuple[str, ...]]:
    if policy.product == "firefox":
        good = policy.text("disablesecuritybypass.safebrowsing") == "true"
        return good, "warnings of dangerous files cannot be passed" if good else "warnings of dangerous files can be passed", (
            "disablesecuritybypass.safebrowsing",
        )  # fmt: skip
    names: tuple[str, ...] = ("downloadrestrictions",)
    value = policy.text("downloadrestrictions")
    good = value in {"1", "2", "3", "4"}
    if policy.product == "edge":
        names = (*names, "smartscreenenabled", "preventsmartscreenpromptoverride", "preventsmartscreenpromptoverrideforfiles")
        good = good and all(policy.text(name) == "true" for name in names[1:])
    return good, "dangerous downloads are stopped" if good else "dangerous downloads are not stopped, or the warning can be passed", names


def _proxy(policy: BrowserPolicy, ground: Ground) -> tuple[bool | None, str, tuple[str, ...]]:
    if policy.product == "firefox":
        names: tuple[str, ...] = ("proxy.mode", "proxy.locked", "proxy.httpproxy", "proxy.autoconfigurl")
        mode, fixed = policy.text("proxy.mode"), policy.text("proxy.locked") == "true"
        target = policy.text("proxy.httpproxy") or policy.text("proxy.autoconfigurl")
    else:
        names = ("proxymode", "proxysettings.proxymode", "proxyserver", "proxysettings.proxyserver", "proxypacurl", "proxysettings.proxypacurl")
        mode = policy.text("proxymode") or policy.text("proxysettings.proxymode")
        fixed = True  # a mandatory policy cannot be changed
        target = next((policy.text(name) for name in names[2:] if policy.text(name)), "")
    wanted = ground.site.posture.web_proxies
    good = mode in {"fixed_servers", "pac_script", "manual", "autoConfig"} and fixed and bool(target)
    host = target.rpartition("//")[2].partition("/")[0].partition(":")[0].casefold()
    if good and wanted and mode in {"fixed_servers", "manual"} and host not in wanted:
        return False, f"its proxy {target} is none of the site's ([audit] web_proxies)", names
    return good, f"goes through {target}" if good else "users choose the proxy", names


def _dns(policy: BrowserPolicy, _ground: Ground) -> tuple[bool | None, str, tuple[str, ...]]:
    if policy.product == "firefox":
        good = policy.text("dnsoverhttps.enabled") == "false" and policy.text("dnsoverhttps.locked") == "true"
        own = policy.text("dnsoverhttps.providerurl") if policy.text("dnsoverhttps.locked") == "true" else ""
        said = "asks the host's resolver" if good else f"asks {own}" if own else "may ask a resolver of its own over HTTPS"
        return good or bool(own), said, ("dnsoverhttps.enabled", "dnsoverhttps.locked", "dnsoverhttps.providerurl")
    mode, own = policy.text("dnsoverhttpsmode"), policy.text("dnsoverhttpstemplates")
    good = mode == "off" or (mode == "secure" and bool(own))
    said = "asks the host's resolver" if mode == "off" else f"asks {own}" if good else "may ask a resolver of its own over HTTPS"
    return good, said, ("dnsoverhttpsmode", "dnsoverhttpstemplates")


def _developer(policy: BrowserPolicy, _ground: Ground) -> tuple[bool | None, str, tuple[str, ...]]:
    name = "disabledevelopertools" if policy.product == "firefox" else "developertoolsavailability"
    good = policy.text(name) == ("true" if policy.product == "firefox" else "2")
    return good, "developer tools are off" if good else "developer tools are on", (name,)


_BLOCKED = ("onion.to", "onion.ws", "tor2web.org", "torproject.org")


def _urls(policy: BrowserPolicy, ground: Ground) -> tuple[bool | None, str, tuple[str, ...]]:
    policy_name = "websitefilter.block" if policy.product == "firefox" else "urlblocklist"
    listed = [one.lower() for one in policy.list(policy_name)]
    allowed = {one.casefold() for one in ground.site.posture.remote_tools}
    names = [domains[0] for tool, domains in TOOLS if tool not in allowed]
    wanted = [*_BLOCKED, *(one.split(".", 1)[1] if one.count(".") > 1 else one for one in names)]
    missing = [one for one in wanted if not any(_covers(entry, one) for entry in listed)]
    good = not missing
    return good, "gateways to Tor and remote-access tools are blocked" if good else f"not blocked: {', '.join(missing[:5])}", (policy_name,)


def _covers(entry: str, domain: str) -> bool:
    """Return whether an entry of a block list (``onion.to``, ``*://*.onion.to/*``, ``*``) covers a domain."""
    bare = entry.rpartition("//")[2].partition("/")[0].partition(":")[0].removeprefix("*.").removeprefix(".")
    return entry in {"*", "<all_urls>"} or domain == bare or domain.endswith("." + bare)


def _check(number: str, title: str, about: str, judge: Judge, snippet: str, mappings: tuple[Mapping, ...], severity: Severity) -> Check:
    return Check(
        id=number, title=title, about=about, measures=(Measure.BROWSER,), severity=severity, needs=(NEED,), judge=_each(judge),
        remediation=Remediation("Set the policies for the whole machine, in the folder of mandatory ones.", snippet), mappings=mappings,
        references=("Chrome Enterprise policy list", "Microsoft Edge policies", "mozilla/policy-templates"), services=("browser",),
    )  # fmt: skip


CHECKS: tuple[Check, ...] = (
    _check("M1021.4-01", "Browsers: nobody comes in through them",
           "Remote access, remote support, firewall traversal and remote debugging of Chrome are false.", _remote,
           '"RemoteAccessHostAllowRemoteAccessConnections": false, "RemoteAccessHostAllowRemoteSupportConnections": false, '
           '"RemoteAccessHostFirewallTraversal": false, "RemoteDebuggingAllowed": false',
           (*nist("CM-7", "AC-17"), *stig("Google Chrome", "DTBC-0001 (V-221558)")), Severity.HIGH),
    _check("M1021.4-02", "Browsers: extensions are refused unless listed",
           "The block list of extensions holds *, or ExtensionSettings blocks by default.", _extensions, '"ExtensionInstallBlocklist": ["*"]',
           (*nist("CM-7(5)", "CM-11"), *stig("Google Chrome", "DTBC-0005 (V-221562)"), *stig("Mozilla Firefox", "FFOX-00-000013 (V-251557)")),
           Severity.MEDIUM),
    _check("M1021.4-03", "Browsers: dangerous downloads are stopped",
           "DownloadRestrictions is at least 1; SmartScreen is on and cannot be passed; Firefox's warning cannot be passed.", _downloads,
           '"DownloadRestrictions": 1', (*nist("SC-18"), *stig("Google Chrome", "DTBC-0055")), Severity.MEDIUM),
    _check("M1021.4-04", "Browsers: they go through the site's proxy", "A fixed proxy or script is mandatory, and is the site's.", _proxy,
           '"ProxyMode": "fixed_servers", "ProxyServer": "proxy.example.com:3128"',
           (*nist("SC-7(8)"), *stig("Microsoft Edge", "EDGE-00-000001 (V-235719)")), Severity.MEDIUM),
    _check("M1021.4-05", "Browsers: they ask the site's resolver", "DNS over HTTPS is off, or goes to a named resolver and cannot be changed.", _dns,
           '"DnsOverHttpsMode": "off"',
           (*nist("SC-20"), *stig("Mozilla Firefox", "FFOX-00-000033 (V-251577)"), *stig("Microsoft Edge", "EDGE-00-000062 (V-235774)")),
           Severity.MEDIUM),
    _check("M1021.4-06", "Browsers: no developer tools", "DeveloperToolsAvailability is 2, or DisableDeveloperTools true.", _developer,
           '"DeveloperToolsAvailability": 2', (*nist("CM-7"), *stig("Google Chrome", "DTBC-0068")), Severity.LOW),
    _check("M1021.4-07", "Browsers: gateways to Tor and remote-access tools are blocked",
           "The block list of addresses covers gateways to onion services, the Tor project and remote-access tools the site does not allow.", _urls,
           '"URLBlocklist": ["onion.to", "torproject.org"]', nist("SI-4", "SC-7(8)"), Severity.MEDIUM),
)  # fmt: skip
