"""What protects credentials and shares of Windows: NTLM, WDigest, remote tokens, SMB version and signing, lockout, what users install."""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.audit.check import Check, Ground, Need, Verdict, nist, stig
from gatewatch.audit.rule import Rule, checks, one_of
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.machine import System
from gatewatch.schema.facts.windows import InstallerSettings, LogonSettings, ShareAccess, SmbSettings
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure

_LSA = Need(
    (LogonSettings,),
    "reg export HKLM\\SYSTEM\\CurrentControlSet\\Control\\Lsa lsa.reg /y; "
    "reg export HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\System system.reg /y; "
    "reg export HKLM\\SYSTEM\\CurrentControlSet\\Control\\SecurityProviders\\WDigest wdigest.reg /y",
    systems=(System.WINDOWS,),
)
_SMB = Need(
    (SmbSettings,),
    "Get-SmbServerConfiguration | ConvertTo-Json > smb.json; "
    "reg export HKLM\\SYSTEM\\CurrentControlSet\\Services\\LanmanWorkstation\\Parameters c.reg /y",
    systems=(System.WINDOWS,),
)
_INSTALLER = Need(
    (InstallerSettings,),
    "reg export HKLM\\SOFTWARE\\Policies policies.reg /y; reg export HKCU\\SOFTWARE\\Policies user-policies.reg /y",
    systems=(System.WINDOWS,),
)
_SHARES = Need((ShareAccess,), "Get-SmbShare | Get-SmbShareAccess | ConvertTo-Json > shares.json")
_EVERYBODY = frozenset(
    {
        "everyone",
        "s-1-1-0",
        "authenticated users",
        "s-1-5-11",
        "anonymous logon",
        "s-1-5-7",
        "guests",
        "s-1-5-32-546",
        "users",
        "domain users",
        "domain guests",
    }
)
_HARD = (Measure.HARDENING,)
_LSA_KEY = "reg add HKLM\\SYSTEM\\CurrentControlSet\\Control\\Lsa /v "


def everybody(name: str) -> bool:
    """Return whether an account or SID stands for everybody, everybody known, or all of a domain.

    >>> everybody("NT AUTHORITY\\\\Authenticated Users"), everybody("S-1-5-21-1-2-3-513"), everybody("EXAMPLE\\\\RDP Admins")
    (True, True, False)
    """
    short = name.rpartition("\\")[2].casefold()
    return short in _EVERYBODY or (short.startswith("s-1-5-21-") and short.endswith(("-513", "-514", "-501"))) or short == "s-1-5-32-545"


_LOGON_RULES = (
    Rule(
        id="M1035.7-08a",
        title="NTLM: only version 2, and older answers are refused",
        about="LmCompatibilityLevel is 5.",
        measures=_HARD,
        severity=Severity.MEDIUM,
        name="lmcompatibilitylevel",
        good=one_of("5"),
        yes="only NTLMv2 is sent and taken",
        no="LM or NTLM version 1 is taken",
        text="Send NTLMv2 response only, refuse LM and NTLM.",
        snippet=_LSA_KEY + "LmCompatibilityLevel /t REG_DWORD /d 5 /f",
        lockout="Old devices and programs that know NTLM version 1 only cannot log on.",
    ),
    Rule(
        id="M1035.7-08b",
        title="Local accounts get no full token over the network",
        about="LocalAccountTokenFilterPolicy is 0.",
        measures=_HARD,
        severity=Severity.HIGH,
        name="localaccounttokenfilterpolicy",
        good=one_of("0"),
        yes="remote tokens of local administrators are filtered",
        no="a local administrator's password or hash gives full rights over the network",
        text="Remove LocalAccountTokenFilterPolicy.",
        snippet="reg add HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\System /v LocalAccountTokenFilterPolicy /t REG_DWORD /d 0 /f",
        lockout="Remote administration with local accounts ends: use domain accounts.",
    ),
    Rule(
        id="M1035.7-08c",
        title="WDigest keeps no passwords",
        about="UseLogonCredential is 0.",
        measures=_HARD,
        severity=Severity.HIGH,
        name="uselogoncredential",
        good=one_of("0"),
        yes="passwords are not kept in memory",
        no="passwords are kept readable in memory",
        text="Set UseLogonCredential to 0.",
        snippet="reg add HKLM\\SYSTEM\\CurrentControlSet\\Control\\SecurityProviders\\WDigest /v UseLogonCredential /t REG_DWORD /d 0 /f",
    ),
    Rule(
        id="M1035.7-08d",
        title="Restricted Admin lets no hash in by RDP",
        about="DisableRestrictedAdmin is 1, as it is where nothing sets it.",
        measures=_HARD,
        severity=Severity.HIGH,
        name="disablerestrictedadmin",
        good=one_of("1"),
        yes="Restricted Admin is off",
        no="Remote Desktop takes a password's hash (Restricted Admin)",
        text="Use Remote Credential Guard instead.",
        snippet=_LSA_KEY + "DisableRestrictedAdmin /t REG_DWORD /d 1 /f",
    ),
    Rule(
        id="M1035.7-08e",
        title="Accounts without a password log on at the console only",
        about="LimitBlankPasswordUse is 1.",
        measures=_HARD,
        severity=Severity.CRITICAL,
        name="limitblankpassworduse",
        good=one_of("1"),
        yes="empty passwords are refused over the network",
        no="accounts without a password can log on over the network",
        text="Set LimitBlankPasswordUse to 1.",
        snippet=_LSA_KEY + "LimitBlankPasswordUse /t REG_DWORD /d 1 /f",
    ),
    Rule(
        id="M1035.7-08f",
        title="Only administrators ask for accounts remotely",
        about="RestrictRemoteSAM lets administrators in only.",
        measures=_HARD,
        severity=Severity.MEDIUM,
        name="restrictremotesam",
        good=one_of("o:bag:bad:(a;;rc;;;ba)"),
        yes="only administrators may enumerate accounts",
        no="others may enumerate accounts",
        text="Restrict clients allowed to make remote calls to SAM to Administrators.",
        snippet=_LSA_KEY + 'RestrictRemoteSAM /t REG_SZ /d "O:BAG:BAD:(A;;RC;;;BA)" /f',
    ),
)
_SMB_RULES = (
    Rule(
        id="M1042.1-04b",
        title="SMB version 1 is off",
        about="SMB1 of the server is 0.",
        measures=(Measure.LEGACY_SOFTWARE,),
        severity=Severity.HIGH,
        name="smb1",
        good=one_of("0"),
        yes="the server does not speak SMB 1",
        no="the server speaks SMB 1",
        text="Turn SMB 1 off.",
        snippet="Set-SmbServerConfiguration -EnableSMB1Protocol $false",
        lockout="Old scanners and clients lose the share.",
    ),
    Rule(
        id="M1035.6-04a",
        title="SMB: the server requires signing",
        about="RequireSecuritySignature of the server is 1.",
        measures=(Measure.FILE_SHARE,),
        severity=Severity.MEDIUM,
        name="requiresecuritysignature",
        good=one_of("1"),
        yes="signing is required",
        no="signing is not required: logons can be relayed",
        text="Require signing.",
        snippet="Set-SmbServerConfiguration -RequireSecuritySignature $true",
        mappings=stig("Windows 11", "WN11-SO-000120"),
    ),
    Rule(
        id="M1035.6-04b",
        title="SMB: the client takes no insecure guest",
        about="AllowInsecureGuestAuth is 0.",
        measures=(Measure.FILE_SHARE,),
        severity=Severity.MEDIUM,
        name="client.allowinsecureguestauth",
        good=one_of("0"),
        yes="guest logons are refused",
        no="the client takes guest logons, which nobody has proved",
        text="Disable insecure guest logons.",
        snippet='reg add "HKLM\\SOFTWARE\\Policies\\Microsoft\\Windows\\LanmanWorkstation" /v AllowInsecureGuestAuth /t REG_DWORD /d 0 /f',
        mappings=stig("Windows Server 2022", "WN22-CC-000070"),
    ),
    Rule(
        id="M1035.6-02b",
        title="SMB: null sessions get at no share",
        about="RestrictNullSessAccess is 1.",
        measures=(Measure.FILE_SHARE,),
        severity=Severity.HIGH,
        name="restrictnullsessaccess",
        good=one_of("1"),
        yes="null sessions get at no share and pipe",
        no="null sessions get at shares and pipes",
        text="Set RestrictNullSessAccess to 1.",
        snippet="reg add HKLM\\SYSTEM\\CurrentControlSet\\Services\\LanmanServer\\Parameters /v RestrictNullSessAccess /t REG_DWORD /d 1 /f",
    ),
)
_ELEVATED = {"alwaysinstallelevated": "a", "user.alwaysinstallelevated": "b"}
_INSTALLER_RULES = tuple(
    Rule(
        id=f"M1042.3-03{letter}",
        title=f"Packages of users are not installed with full rights ({'machine' if letter == 'a' else 'users'})",
        about="AlwaysInstallElevated is 0.",
        measures=(Measure.USER_SOFTWARE,),
        severity=Severity.HIGH,
        name=name,
        good=one_of("0"),
        yes="packages are installed with the rights of their user",
        no="any user can install a package with full rights",
        text="Disable Always install with elevated privileges, of computer and users.",
        snippet=f"reg add {'HKLM' if letter == 'a' else 'HKCU'}\\SOFTWARE\\Policies\\Microsoft\\Windows\\Installer "
        "/v AlwaysInstallElevated /t REG_DWORD /d 0 /f",
    )
    for name, letter in _ELEVATED.items()
)


def _shares(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    judged: dict[tuple[str, str], list[ShareAccess]] = {}
    for one in facts.of(ShareAccess):
        judged.setdefault((one.host, one.share), []).append(one)
    for (host, share), entries in judged.items():
        wide = [one for one in entries if one.allow and everybody(one.account) and one.right.casefold() in {"full", "change", "custom"}]
        said = f"{wide[0].account} may {wide[0].right} in share {share}" if wide else f"share {share} gives nobody at large more than reading"
        yield Verdict(
            status=Status.FAIL if wide else Status.PASS,
            host=host,
            message=said,
            service="smb",
            subject=share,
            where=(wide or entries)[0].where,
            value=f"{(wide or entries)[0].account}: {(wide or entries)[0].right}",
            resolved="as the access list says",
            as_of=entries[0].as_of,
        )


CHECKS: tuple[Check, ...] = (
    *checks(LogonSettings, _LSA, "smb", _LOGON_RULES, ("IA-5(1)", "AC-17(2)", "CM-6")),
    *checks(SmbSettings, _SMB, "smb", _SMB_RULES, ("CM-7", "SC-8", "AC-3")),
    *checks(InstallerSettings, _INSTALLER, "", _INSTALLER_RULES, ("CM-11",)),
    Check(
        id="M1035.6-02a",
        title="No share can be written by everybody",
        about="No entry of a share's access list gives Everyone, Authenticated Users, Guests or all of a domain Full or Change.",
        measures=(Measure.FILE_SHARE,),
        severity=Severity.HIGH,
        needs=(_SHARES,),
        judge=_shares,
        remediation=Remediation("Give the right to the group that needs it.", "Revoke-SmbShareAccess -Name SHARE -AccountName Everyone -Force"),
        mappings=(*nist("AC-3", "AC-6"), *stig("Windows Server 2022", "WN22-00-000230")),
        services=("smb",),
    ),
)
