r"""Windows accounts, groups and logon rights that change: Security 4717 to 4781.

::

    4732 MemberName=CN=Ann,CN=Users,DC=corp MemberSid=S-1-5-21-…-1105 TargetUserName=Administratoren TargetSid=S-1-5-32-544 SubjectUserName=bob

``user`` is who did it (Subject), ``target_user`` the account it was done to. Group names are localised: ``object`` is the English name of a
well-known SID, else the name as logged. A member is known by its CN, which need not be the account's name, or only by its SID (``-``). A
lockout (4740) names the computer that the failures came through in its field for the domain. Renamed accounts (4781): ``target_user`` is the
new name, ``object`` the old one.

References: learn.microsoft.com, "Advanced security auditing", account management.
"""

from __future__ import annotations

import re

import polars as pl

from gatewatch.schema import events as ev
from gatewatch.schema.events import Kind
from gatewatch.schema.users import split_user
from gatewatch.sources.resolver import map_values
from gatewatch.sources.windows import Meaning, WindowsSource, datum, foreign, silent_where
from gatewatch.sources.windows_code import OWN_ACCOUNT, group_name

_SUBJECT = {"user": "SubjectUserName", "domain": "SubjectDomainName", "sid": "SubjectUserSid", "session": "SubjectLogonId"}
_ACCOUNT = {**_SUBJECT, "target_user": "TargetUserName"}
_CN = re.compile(r"^CN=((?:[^,\\]|\\.)*)", re.IGNORECASE)
_ESCAPED = re.compile(r"\\(.)")


def member_name(text: str) -> str | None:
    r"""Return the name in a member's distinguished name, or the user it is, case-folded.

    >>> member_name("CN=Roe\\, Ann,OU=x,DC=corp"), member_name("CORP\\Ann"), member_name("-")
    ('roe, ann', 'ann', None)
    """
    found = _CN.match(text.strip())
    if found is None:
        return split_user(text)[0]
    return _ESCAPED.sub(r"\1", found[1]).casefold() or None


def _membership(frame: pl.DataFrame) -> pl.DataFrame:
    """Name the group by its SID, and the member by its CN."""
    known = pl.lit(map_values(frame["x_TargetSid"], group_name))
    return frame.with_columns(
        pl.coalesce(known, "object").alias("object"), pl.lit(map_values(frame["x_MemberName"], member_name)).alias("target_user")
    )


def _locked(frame: pl.DataFrame) -> pl.DataFrame:
    return ev.ensure(frame, "src_host").with_columns(foreign("src_host"))


def _right(frame: pl.DataFrame) -> pl.DataFrame:
    """4717, 4718: services' own accounts get their rights when they are made."""
    return frame.with_columns(silent_where(datum("TargetSid").str.contains(OWN_ACCOUNT), "logon-right-of-a-service"))


def _changed(name: str, *ids: int, **columns: str) -> Meaning:
    return Meaning(name, ids, Kind.ACCOUNT_CHANGE, columns={**_ACCOUNT, **columns}, extra=("TargetSid", "TargetDomainName"))


def _group(name: str, *ids: int) -> Meaning:
    return Meaning(
        name,
        ids,
        Kind.ACCOUNT_CHANGE,
        columns={**_SUBJECT, "object": "TargetUserName"},
        extra=("MemberSid", "TargetSid", "TargetUserName"),
        reads=("MemberName",),
        refine=_membership,
    )


def _logon_right(name: str, number: int, datum_name: str) -> Meaning:
    return Meaning(name, (number,), Kind.ACCOUNT_CHANGE, columns={**_SUBJECT, "object": datum_name}, extra=("TargetSid",), refine=_right)


MEANINGS: tuple[Meaning, ...] = (
    _changed("user-created", 4720),
    _changed("user-enabled", 4722),
    _changed("password-changed", 4723),
    _changed("password-changed-by-other", 4724),
    _changed("user-disabled", 4725),
    _changed("user-deleted", 4726),
    _changed("user-changed", 4738),
    _changed("account-unlocked", 4767),
    _changed("user-renamed", 4781, target_user="NewTargetUserName", object="OldTargetUserName"),
    _changed("computer-created", 4741),
    Meaning(
        "account-locked",
        (4740,),
        Kind.ACCOUNT_CHANGE,
        columns={**_ACCOUNT, "src_host": "TargetDomainName"},
        extra=("TargetSid",),
        refine=_locked,
    ),
    _group("group-member-added", 4728, 4732, 4756),
    _group("group-member-removed", 4729, 4733, 4757),
    _logon_right("logon-right-granted", 4717, "AccessGranted"),
    _logon_right("logon-right-removed", 4718, "AccessRemoved"),
    Meaning("computer-changed", (4742,), why="computers change their own passwords all the time"),
)

SOURCE = WindowsSource(
    name="windows-account",
    title="Windows Security log: accounts, groups, logon rights",
    channels=("Security",),
    meanings=MEANINGS,
    references=("https://learn.microsoft.com/windows/security/threat-protection/auditing/audit-user-account-management",),
)
