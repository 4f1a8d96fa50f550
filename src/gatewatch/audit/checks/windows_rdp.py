"""Remote Desktop of Windows: off where it is not meant to be, and hardened where it is on; Remote Assistance; several factors."""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.audit.check import Check, Ground, Need, Verdict, by_setting, cis, nist, stig
from gatewatch.audit.factor import judge_path
from gatewatch.audit.rule import Rule, between, checks, one_of
from gatewatch.schema.facts.access import AccessPath
from gatewatch.schema.facts.base import Facts, Settings
from gatewatch.schema.facts.machine import System
from gatewatch.schema.facts.windows import RdpSettings
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure

NEED = Need(
    (RdpSettings,),
    'reg export "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Terminal Server" ts.reg /y; reg export HKLM\\SOFTWARE\\Policies policies.reg /y',
    systems=(System.WINDOWS,),
)
_POLICY = 'reg add "HKLM\\SOFTWARE\\Policies\\Microsoft\\Windows NT\\Terminal Services" /v '
_SERVER = "Windows Server 2022"
_HARD = (Measure.HARDENING,)


def _off(fact: Settings, _ground: Ground) -> str:
    denied = fact.get("fdenytsconnections")
    return "Remote Desktop is off" if denied is not None and denied.value == "1" and not denied.uncertain else ""


def _needed(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    for fact in facts.of(RdpSettings):
        denied = fact.get("fdenytsconnections")
        asset = ground.site.posture.asset(fact.host)
        meant = asset is not None and "rdp" in asset.services
        if meant and denied is not None and denied.value != "1":
            yield Verdict(
                status=Status.NOT_APPLICABLE,
                host=fact.host,
                message="the site declares Remote Desktop for this host",
                service="rdp",
                where=fact.where[:1],
                as_of=fact.as_of,
            )
            continue
        good = None if denied is None or denied.value not in {"0", "1"} else denied.value == "1"
        said = "Remote Desktop is off" if good else "Remote Desktop is on, and [assets] services does not declare rdp"
        yield by_setting(fact, denied, good, said, service="rdp")


def _paths(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    for path in facts.of(AccessPath):
        if path.product == "windows-rdp":
            yield judge_path(path, ground.site.posture)


_RULES = (
    Rule(
        id="M1035.7-01a",
        title="RDP: asks for credentials before a session",
        about="UserAuthentication is 1 (network level authentication).",
        measures=_HARD,
        severity=Severity.HIGH,
        name="userauthentication",
        good=one_of("1"),
        skip=_off,
        yes="network level authentication is asked for",
        no="a session begins before the user has proved who they are",
        text="Require network level authentication by policy.",
        snippet=_POLICY + "UserAuthentication /t REG_DWORD /d 1 /f",
        lockout="Clients older than RDP 6 and users with expired passwords cannot connect.",
        mappings=cis(_SERVER, "2.0.0", "18.10.57.3.9.4"),
    ),
    Rule(
        id="M1035.7-01b",
        title="RDP: TLS is required",
        about="SecurityLayer is 2.",
        measures=_HARD,
        severity=Severity.HIGH,
        name="securitylayer",
        good=one_of("2"),
        skip=_off,
        yes="TLS is required",
        no="a client may choose RDP's own security, which does not prove the server",
        text="Set the security layer to SSL (TLS).",
        snippet=_POLICY + "SecurityLayer /t REG_DWORD /d 2 /f",
        mappings=cis(_SERVER, "2.0.0", "18.10.57.3.9.3"),
    ),
    Rule(
        id="M1035.7-01c",
        title="RDP: encryption level is high",
        about="MinEncryptionLevel is 3 or 4.",
        measures=_HARD,
        severity=Severity.MEDIUM,
        name="minencryptionlevel",
        good=one_of("3", "4"),
        skip=_off,
        yes="encryption is high",
        no="a client may ask for weaker encryption",
        text="Set the client connection encryption level to high.",
        snippet=_POLICY + "MinEncryptionLevel /t REG_DWORD /d 3 /f",
        mappings=(*cis(_SERVER, "2.0.0", "18.10.57.3.9.5"), *stig(_SERVER, "WN22-CC-000380")),
    ),
    Rule(
        id="M1035.7-01d",
        title="RDP: drives are not redirected",
        about="fDisableCdm is 1.",
        measures=_HARD,
        severity=Severity.MEDIUM,
        name="fdisablecdm",
        good=one_of("1"),
        skip=_off,
        yes="drives are not redirected",
        no="the client's drives are mapped into the session, and files pass both ways",
        text="Do not allow drive redirection.",
        snippet=_POLICY + "fDisableCdm /t REG_DWORD /d 1 /f",
    ),
    Rule(
        id="M1035.7-01e",
        title="RDP: asks for the password at every connection",
        about="fPromptForPassword is 1.",
        measures=_HARD,
        severity=Severity.MEDIUM,
        name="fpromptforpassword",
        good=one_of("1"),
        skip=_off,
        yes="a saved password is not enough",
        no="a password saved at the client is enough",
        text="Always prompt for the password upon connection.",
        snippet=_POLICY + "fPromptForPassword /t REG_DWORD /d 1 /f",
    ),
    Rule(
        id="M1035.7-01f",
        title="RDP: idle sessions end",
        about="MaxIdleTime is set, to at most 15 minutes.",
        measures=_HARD,
        severity=Severity.LOW,
        name="maxidletime",
        good=between(1, 900_000),
        skip=_off,
        yes="idle sessions end within 15 minutes",
        no="idle sessions stay open",
        text="Set the time limit for idle sessions to 15 minutes.",
        snippet=_POLICY + "MaxIdleTime /t REG_DWORD /d 900000 /f",
        mappings=cis(_SERVER, "2.0.0", "18.10.57.3.10.1"),
    ),
    Rule(
        id="M1035.7-01g",
        title="RDP: disconnected sessions end",
        about="MaxDisconnectionTime is set, to at most 15 minutes.",
        measures=_HARD,
        severity=Severity.LOW,
        name="maxdisconnectiontime",
        good=between(1, 900_000),
        skip=_off,
        yes="disconnected sessions end within 15 minutes",
        no="disconnected sessions stay, and can be taken over",
        text="Set the time limit for disconnected sessions.",
        snippet=_POLICY + "MaxDisconnectionTime /t REG_DWORD /d 60000 /f",
    ),
    Rule(
        id="M1042.2-09a",
        title="Nobody can offer Remote Assistance",
        about="fAllowUnsolicited is 0.",
        measures=(Measure.UNUSED_FEATURE,),
        severity=Severity.MEDIUM,
        name="fallowunsolicited",
        good=one_of("0"),
        yes="offered Remote Assistance is off",
        no="helpers can offer Remote Assistance unasked",
        text="Disable Offer Remote Assistance.",
        snippet=_POLICY + "fAllowUnsolicited /t REG_DWORD /d 0 /f",
    ),
    Rule(
        id="M1042.2-09b",
        title="Remote Assistance is off",
        about="fAllowToGetHelp is 0.",
        measures=(Measure.UNUSED_FEATURE,),
        severity=Severity.MEDIUM,
        name="fallowtogethelp",
        good=one_of("0"),
        yes="solicited Remote Assistance is off",
        no="users can let others control their session",
        text="Disable Solicited Remote Assistance.",
        snippet=_POLICY + "fAllowToGetHelp /t REG_DWORD /d 0 /f",
        mappings=stig("Windows 11", "WN11-CC-000155"),
    ),
)

CHECKS: tuple[Check, ...] = (
    Check(
        id="M1042.2-01",
        title="Remote Desktop is off where it is not meant to be",
        about="fDenyTSConnections is 1, or the site declares rdp among the services of the host.",
        measures=(Measure.UNUSED_FEATURE, Measure.NETWORK_SERVICE),
        severity=Severity.HIGH,
        needs=(NEED,),
        judge=_needed,
        remediation=Remediation(
            "Turn Remote Desktop off, or declare it in [assets.HOST] services.",
            _POLICY + "fDenyTSConnections /t REG_DWORD /d 1 /f",
            "It ends administration by Remote Desktop: have another way in first.",
        ),
        mappings=nist("CM-7", "AC-17"),
        services=("rdp",),
    ),
    Check(
        id="M1032.2-11a",
        title="Remote Desktop asks for several factors",
        about="Every way in by Remote Desktop proves two kinds of factors: smart cards only, or a provider that does not let in when it fails.",
        measures=(Measure.AUTH_METHOD, Measure.MFA_TOOL),
        severity=Severity.HIGH,
        needs=(NEED, Need((AccessPath,), NEED.collect, when=lambda path: path.product == "windows-rdp")),
        judge=_paths,
        remediation=Remediation(
            "Put Remote Desktop behind a gateway that asks for several factors, or install a credential provider and let it fail closed.",
            'reg add "HKLM\\SOFTWARE\\Duo Security\\DuoCredProv" /v FailOpen /t REG_DWORD /d 0 /f',
            "A provider that fails closed locks everybody out while its service cannot be reached: keep the console.",
        ),
        mappings=nist("IA-2(1)", "IA-2(2)", "AC-17"),
        references=("NIST SP 800-63B",),
        services=("rdp",),
    ),
    *checks(RdpSettings, NEED, "rdp", _RULES, ("AC-17(2)", "CM-6")),
)
