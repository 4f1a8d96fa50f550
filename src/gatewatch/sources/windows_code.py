r"""Windows' numbers and what they mean: well-known SIDs, status codes, registry keys that matter. Names are localised; these are not.

References: MS-DTYP 2.4.2.4 (well-known SIDs); MS-ERREF 2.3 (NTSTATUS); learn.microsoft.com, "Appendix L: Events to monitor" and the pages of
events 4625, 4771 and 4776. Which codes say that the password itself was right is Microsoft's documentation read closely, not tested on every release.
"""

from __future__ import annotations

import polars as pl

from gatewatch.sources.resolver import map_values

WELL_KNOWN: dict[str, str] = {"S-1-5-7": "-", "S-1-5-18": "system", "S-1-5-19": "local service", "S-1-5-20": "network service"}
"""Windows' own accounts, in English; ANONYMOUS LOGON is nobody."""

ANONYMOUS = "S-1-5-7"
OWN_ACCOUNT = r"(?i)^S-1-5-(?:18|19|20|8[0-9]|90|96|111)(?:-|$)"
"""SIDs of accounts that no person logs on with: SYSTEM and its services, application pools, DWM-n, UMFD-n, virtual users."""

LOOPBACK = r"^(?:127\.|::1$)"
"""Addresses of the host itself."""

_BUILTIN_GROUPS: dict[str, str] = {
    "544": "Administrators",
    "545": "Users",
    "546": "Guests",
    "547": "Power Users",
    "548": "Account Operators",
    "549": "Server Operators",
    "550": "Print Operators",
    "551": "Backup Operators",
    "555": "Remote Desktop Users",
    "556": "Network Configuration Operators",
    "562": "Distributed COM Users",
    "578": "Hyper-V Administrators",
    "580": "Remote Management Users",
}
_DOMAIN_GROUPS: dict[str, str] = {
    "512": "Domain Admins",
    "513": "Domain Users",
    "514": "Domain Guests",
    "518": "Schema Admins",
    "519": "Enterprise Admins",
    "520": "Group Policy Creator Owners",
    "525": "Protected Users",
    "526": "Key Admins",
    "527": "Enterprise Key Admins",
}

STOPPED: dict[str, str] = {
    "0xc000006e": "restriction",  # of any kind; a sub-status may say which
    "0xc000006f": "hours",
    "0xc0000070": "workstation",
    "0xc0000071": "password-expired",
    "0xc000015b": "logon-type",
    "0xc0000224": "must-change-password",
    "0xc0000413": "authentication-firewall",
}
"""Status codes that are given after the password was found right."""

NO_SUCH_USER = "0xc0000064"
WRONG_PASSWORD = "0xc000006a"  # noqa: S105 - a status code
NO_GUESS = (
    "0xc000005e",  # no logon server
    "0xc00000dc",  # wrong state of the server
    "0xc0000133",  # clocks differ
    "0xc000018a",  # trust relationships broken
    "0xc000018b",
    "0xc000018c",
    "0xc000018d",
    "0xc0000192",  # netlogon not started
    "0x80090308",  # token of another protocol: nothing was tried
)
"""Status codes of failures that no password had a part in."""

REGISTRY_HINT = (
    r"(?i)fDenyTSConnections|UserAuthentication\b|RDP-Tcp|\x22(?:ImagePath|ServiceDll|Start)\x22"
    r"|Services[\\/]+[^\\/]+[\\/]+(?:Parameters[\\/]+)?(?:ImagePath|ServiceDll)\b|Services[\\/]+(?:TermService|sshd|WinRM)[\\/]"
    r"|(?:CurrentVersion|Explorer)[\\/]+Run|Image File Execution Options|SilentProcessExit|Winlogon[\\/\x22]|LocalAccountTokenFilterPolicy"
    r"|DisableRestrictedAdmin|DisableRealtimeMonitoring|DisableAntiSpyware|DisableBehaviorMonitoring|DisableIOAVProtection|RunAsPPL|EnableLUA"
    r"|FirewallPolicy|Security Packages|UseLogonCredential"
)
"""What the raw data of a change to the registry must hold to matter: keys of remote access and of staying in."""


def group_name(sid: str) -> str | None:
    """Return the English name of the well-known group *sid*, or None.

    >>> group_name("S-1-5-32-555"), group_name("S-1-5-21-1-2-3-512"), group_name("S-1-5-21-1-2-3-1105")
    ('Remote Desktop Users', 'Domain Admins', None)
    """
    head, _, last = sid.strip().upper().rpartition("-")
    if head == "S-1-5-32":
        return _BUILTIN_GROUPS.get(last)
    return _DOMAIN_GROUPS.get(last) if head.startswith("S-1-5-21-") else None


def status_code(text: str) -> str | None:
    """Return a status as ``0xc000006d``, from hexadecimal, decimal or negative decimal; None when it is no number.

    >>> status_code("0xC000006D"), status_code("-1073741715"), status_code("3221225581"), status_code("0x0"), status_code("%%2313")
    ('0xc000006d', '0xc000006d', '0xc000006d', '0x0', None)
    """
    word = text.strip()
    try:
        number = int(word, 16 if word[:2].lower() == "0x" else 10) if len(word) <= 20 else -1 << 40
    except ValueError:
        return None
    return f"0x{number & 0xFFFFFFFF:x}" if -(1 << 31) <= number < 1 << 32 else None


def read_status(status: pl.Series, sub: pl.Series | None = None) -> pl.DataFrame:
    """Return what status codes say of a failed logon: ``code``, ``reason`` it was stopped for, ``guess`` (a password was tried), ``invalid`` user."""
    code = map_values(status, status_code)
    if sub is not None:
        finer = map_values(sub, status_code)
        code = code.zip_with((finer.is_null() | (finer == "0x0")).fill_null(True), finer)
    return pl.select(
        pl.lit(code).alias("code"),
        pl.lit(code).replace_strict(STOPPED, default=None, return_dtype=pl.String).alias("reason"),
        ~pl.lit(code).is_in(NO_GUESS).fill_null(False).alias("guess"),
        pl.lit(code).replace_strict({NO_SUCH_USER: True, WRONG_PASSWORD: False}, default=None, return_dtype=pl.Boolean).alias("invalid"),
    )
