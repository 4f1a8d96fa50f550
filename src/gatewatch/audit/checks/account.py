"""Accounts that can log in: nobody's, everybody's, without a password, without an end; and keys that log in by SSH."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

from gatewatch.audit.check import Check, Ground, Need, Verdict, nist
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.identity import AuthorizedKey, DirectoryAccount
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure

IDLE = timedelta(days=90)
_ACCOUNTS = (
    "cp /etc/passwd /etc/group EVIDENCE/etc/, shadow without its hashes, and lastlog > EVIDENCE/commands/lastlog.txt (Linux); Get-ADUser -Filter * "
    "-Properties LastLogonDate,PasswordNotRequired,AdminCount,AccountExpirationDate,whenCreated | ConvertTo-Json > ad-users.json (Active Directory); "
    "az rest --url 'https://graph.microsoft.com/v1.0/users?$select=userPrincipalName,accountEnabled,createdDateTime,signInActivity' (Entra)"
)
_REGISTRATION = (
    "az rest --url https://graph.microsoft.com/v1.0/reports/authenticationMethods/userRegistrationDetails > "
    "EVIDENCE/TENANT/commands/mfa-registration.json"
)
_FOREIGN = re.compile(
    r"(?i)(?:^|[._-])(?:vendor|contractor|consultant|extern(?:al)?|ext|supplier|partner|temp|guest|test|demo|shared|training)\d{0,4}(?:$|[._@-])"
)
_KEYS = "sudo cp --parents /root/.ssh/authorized_keys /home/*/.ssh/authorized_keys EVIDENCE/"


def _accounts(facts: Facts, keep: Callable[[DirectoryAccount], bool], host_says: str) -> Iterator[DirectoryAccount | Verdict]:
    """Yield the accounts to judge, and for a directory with none of them the verdict that says so."""
    places: dict[tuple[str, str], bool] = {}
    for account in facts.of(DirectoryAccount):
        key = (account.host, account.directory)
        places.setdefault(key, False)
        if account.login is not False and keep(account):
            places[key] = True
            yield account
    for (host, directory), judged in places.items():
        if not judged:
            yield Verdict(status=Status.NOT_APPLICABLE, host=host, subject=directory, message=f"no account of {directory} {host_says}")


def _said(account: DirectoryAccount, status: Status, message: str, resolved: str, value: str = "") -> Verdict:
    return Verdict(
        status=status, host=account.host, subject=account.name, message=message, value=value, resolved=resolved, where=account.where,
        as_of=account.as_of, severity=Severity.HIGH if status is Status.FAIL and account.admin else None,
    )  # fmt: skip


def _used(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    for one in _accounts(facts, lambda account: account.never is not None or account.last_used is not None, "says when it was last used"):
        if isinstance(one, Verdict):
            yield replace(one, status=Status.UNKNOWN)
            continue
        glass = ground.site.posture.is_break_glass(one.name)
        if glass:
            yield _said(one, Status.NOT_APPLICABLE, "is kept for emergencies ([[break_glass]])", "gatewatch.toml")
        elif one.never is False and one.last_used is None:
            yield _said(one, Status.UNKNOWN, "was used on a day that cannot be told from how it is written", "days in ISO 8601 are sure")
        elif one.last_used is None and one.created is not None and ground.today - one.created <= IDLE:
            yield _said(one, Status.PASS, f"is new: created {one.created}", "day of creation")
        else:
            idle = (ground.today - one.last_used).days if one.last_used is not None else None
            said = "never logged in" if idle is None else f"was last used {max(idle, 0)} days ago, on {one.last_used}"
            status = Status.PASS if idle is not None and idle <= IDLE.days else Status.FAIL
            if status is Status.FAIL and not (one.login or any(key.user == one.name for key in facts.of(AuthorizedKey, one.host))):
                status, said = Status.UNKNOWN, f"{said}; whether it can log in, by a password or a key, is not in the evidence"
            yield _said(one, status, said, "last login of the directory", str(one.last_used or ""))


def _passwords(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for one in _accounts(facts, lambda account: account.password is not None, "says whether it has a password"):
        if isinstance(one, Verdict):
            yield replace(one, status=Status.UNKNOWN)
        else:
            said = "has to give a password, or takes none" if one.password else "needs no password"
            yield _said(
                one, Status.PASS if one.password else Status.FAIL, said, "password field" if one.directory == "linux" else "PasswordNotRequired"
            )


def _roots(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for host in dict.fromkeys(account.host for account in facts.of(DirectoryAccount)):
        linux = [one for one in facts.of(DirectoryAccount, host) if one.directory == "linux"]
        others = [one for one in linux if one.number == 0 and one.name != "root"]
        for one in others:
            yield _said(one, Status.FAIL, "has user id 0: a second root", "user id in passwd", "0")
        if linux and not others:
            yield Verdict(status=Status.PASS, host=host, message="root alone has user id 0", where=linux[0].where[:1], as_of=linux[0].as_of)
        elif not linux:
            yield Verdict(status=Status.NOT_APPLICABLE, host=host, message="a directory without user ids")


def _foreign(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    for one in _accounts(facts, lambda account: _FOREIGN.search(account.name) is not None, "is called after a vendor, guest or test"):
        if isinstance(one, Verdict):
            yield one
        elif one.expires is not None and one.expires < ground.today:
            yield _said(one, Status.PASS, f"expired on {one.expires}", "account expiry", str(one.expires))
        elif one.expires is not None:
            far = one.expires - ground.today > timedelta(days=365)
            said = f"expires on {one.expires}" + (", more than a year ahead" if far else "")
            yield _said(one, Status.FAIL if far else Status.PASS, said, "account expiry", str(one.expires))
        elif one.unending:
            yield _said(one, Status.FAIL, "is called after a vendor, guest or test, can log in, and never expires", "account expiry")
        else:
            yield _said(one, Status.UNKNOWN, "is called after a vendor, guest or test; whether it expires is not in the evidence", "account expiry")


def _registered(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    for one in facts.of(DirectoryAccount):
        if one.registered is None:
            continue
        if ground.site.posture.is_break_glass(one.name):
            yield _said(one, Status.NOT_APPLICABLE, "is kept for emergencies ([[break_glass]])", "gatewatch.toml")
            continue
        said = f"has registered {', '.join(one.methods) or 'a second factor'}" if one.registered else "has registered no second factor"
        yield _said(one, Status.PASS if one.registered else Status.FAIL, said, "registration details", ", ".join(one.methods))


def _key_limits(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for key in facts.of(AuthorizedKey):
        owner = next((one for one in facts.of(DirectoryAccount, key.host) if one.name == key.user), None)
        number = owner.number if owner is not None else 0 if key.user == "root" else None
        robot = key.user == "root" or (number is not None and number < 1000)
        if not robot:
            status, said = Status.NOT_APPLICABLE, "a person's key"
            if owner is None:
                status, said = Status.UNKNOWN, "whose key it is, a person's or a program's, cannot be told without /etc/passwd"
        elif "from" in key.options:
            status, said = Status.PASS, "is good from listed addresses only"
        elif "command" in key.options:
            status, said = Status.PASS, "runs one command only"
        else:
            status, said = Status.FAIL, "logs in from anywhere, with a shell"
        yield Verdict(
            status=status, host=key.host, service="ssh", subject=f"{key.user} {key.comment}".strip(), message=said, where=key.where,
            as_of=key.as_of, value=f"{key.kind} {','.join(key.options)}".strip(), resolved="options of the key",
        )  # fmt: skip


def _key_types(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for key in facts.of(AuthorizedKey):
        bad = key.kind.startswith("ssh-dss")
        yield Verdict(
            status=Status.FAIL if bad else Status.PASS, host=key.host, service="ssh", subject=f"{key.user} {key.comment}".strip(),
            message="is a DSA key: too short for today" if bad else f"is of type {key.kind}", where=key.where, as_of=key.as_of, value=key.kind,
            resolved="type of the key",
        )  # fmt: skip


_NEED = Need((DirectoryAccount,), _ACCOUNTS)
CHECKS: tuple[Check, ...] = (
    Check(
        id="M1032.1-07", title="Accounts nobody uses cannot log in",
        about=f"Every account that can log in did so within {IDLE.days} days, or was created within them.",
        measures=(Measure.IAM, Measure.ACCESS_AUDIT), severity=Severity.MEDIUM, needs=(_NEED,), judge=_used,
        remediation=Remediation("Disable it, and delete it once nobody missed it.", "usermod --expiredate 1 NAME\nDisable-ADAccount NAME"),
        mappings=nist("AC-2(3)", "IA-4"), references=("lastlog(8)", "Get-ADUser"),
    ),
    Check(
        id="M1032.1-08", title="Accounts ask for a password",
        about="No account that can log in has an empty password field or PasswordNotRequired.",
        measures=(Measure.IAM,), severity=Severity.HIGH, needs=(_NEED,), judge=_passwords,
        remediation=Remediation("Lock it, or set a password.", "passwd --lock NAME\nSet-ADUser NAME -PasswordNotRequired $false"),
        mappings=nist("IA-2", "IA-5(1)"), references=("shadow(5)", "Get-ADUser"),
    ),
    Check(
        id="M1032.1-09", title="Root alone is root",
        about="No other account of a Linux host has user id 0.",
        measures=(Measure.IAM, Measure.ACCESS_AUDIT), severity=Severity.HIGH, judge=_roots,
        needs=(Need((DirectoryAccount,), "sudo cp /etc/passwd EVIDENCE/etc/", when=lambda one: one.directory == "linux"),),
        remediation=Remediation("Give it a user id of its own, and sudo.", "usermod --non-unique --uid 1500 NAME"),
        mappings=nist("AC-6", "IA-2"), references=("passwd(5)",),
    ),
    Check(
        id="M1035.1-07b", title="Accounts of vendors, guests and tests end",
        about="Every account called after a vendor, contractor, guest, test or the like expires within a year.",
        measures=(Measure.ACCESS_AUDIT, Measure.IAM), severity=Severity.MEDIUM, needs=(_NEED,), judge=_foreign,
        remediation=Remediation("Give it an end.", "chage --expiredate 2026-12-31 NAME\nSet-ADAccountExpiration NAME -DateTime 2026-12-31"),
        mappings=nist("AC-2(2)", "AC-2(3)"), references=("shadow(5)", "Get-ADUser"),
    ),
    Check(
        id="M1032.4-04", title="Users have registered a second factor",
        about="Every user in the registration details has; accounts in [[break_glass]] are left out.",
        measures=(Measure.AUTH_ALERT, Measure.IAM), severity=Severity.MEDIUM, judge=_registered,
        needs=(Need((DirectoryAccount,), _REGISTRATION, when=lambda one: one.registered is not None),),
        remediation=Remediation("Have them register at a trusted place; until then an attacker can do it in their stead.", "", ""),
        mappings=nist("IA-2(1)", "IA-2(2)"), references=("Microsoft Graph: userRegistrationDetails",), services=("idp",),
    ),
    Check(
        id="M1032.3-04", title="SSH keys of programs are good for one place or command",
        about="Keys of root and of system users carry from= or command=.",
        measures=(Measure.LEGACY_AUTH, Measure.ACCESS_AUDIT), severity=Severity.MEDIUM, needs=(Need((AuthorizedKey,), _KEYS),), judge=_key_limits,
        remediation=Remediation(
            "A program cannot give a second factor: bind its key to where it runs.",
            'from="10.9.0.0/24",restrict,command="/usr/bin/backup" ssh-ed25519 …',
            "A program that comes from another address is locked out.",
        ),
        mappings=nist("AC-17", "IA-5"), references=("sshd(8)",), services=("ssh",),
    ),
    Check(
        id="M1042.1-05", title="SSH: no DSA keys",
        about="No authorized key is of type ssh-dss.",
        measures=(Measure.LEGACY_SOFTWARE, Measure.HARDENING), severity=Severity.MEDIUM, needs=(Need((AuthorizedKey,), _KEYS),), judge=_key_types,
        remediation=Remediation("Replace it by an Ed25519 key.", "ssh-keygen -t ed25519", "Its user is locked out until the new key is in place."),
        mappings=nist("SC-13", "IA-5"), references=("sshd(8)", "OpenSSH release notes"), services=("ssh",),
    ),
)  # fmt: skip
