"""Result codes of Entra ID (``AADSTS…``): what the number on a sign-in says of the password and of the account.

The same numbers stand in sign-in logs (``status.errorCode``, ``ResultType``) and in Microsoft 365's audit log (``ErrorNumber``). A code
that interrupts a sign-in after the first factor says that the password was right. Codes that no table lists are failures of unknown cause and
never count as guesses. Source: https://learn.microsoft.com/entra/identity-platform/reference-error-codes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gatewatch.schema.events import AuthMethod, Kind


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a code means: the kind of event, its pattern, what was tried, and whether the log says that no such account exists."""

    kind: Kind
    pattern: str
    method: AuthMethod | None = None
    invalid_user: bool | None = None


SUCCESS = Verdict(Kind.AUTH_SUCCESS, "signin")
OTHER = Verdict(Kind.AUTH_FAILURE, "signin-error", AuthMethod.NONE)
TOKEN = Verdict(Kind.CONNECTION, "token-refused")
"""A token, a session or a request was not accepted: nobody typed a password."""

_PASSWORD = AuthMethod.PASSWORD


def _failure(pattern: str, *, invalid: bool = False) -> Verdict:
    return Verdict(Kind.AUTH_FAILURE, pattern, _PASSWORD, invalid_user=True if invalid else None)


def _stopped(pattern: str) -> Verdict:
    return Verdict(Kind.AUTH_STOPPED, pattern, _PASSWORD)


_GROUPS: tuple[tuple[Verdict, tuple[int, ...]], ...] = (
    (SUCCESS, (0,)),
    (_failure("signin-bad-password"), (50126, 50056, 50064, 50063)),
    (_failure("signin-unknown-user", invalid=True), (50034, 50059, 50128, 51004, 90002)),
    (_failure("signin-locked"), (50053,)),
    (_failure("signin-disabled"), (50057,)),
    (_stopped("stopped-password-expired"), (50055, 50144)),
    (_stopped("stopped-mfa-required"), (50074, 50076)),
    (_stopped("stopped-mfa-enrolment"), (50072, 50079, 50203)),
    (_stopped("stopped-mfa-external"), (50158,)),
    (_stopped("stopped-password-reset"), (50125, 50135, 50142)),
    (_stopped("stopped-stay-signed-in"), (50140,)),
    (_stopped("stopped-device"), (50097, 50127, 50129, 50155, 53000, 53001, 53002, 53008, 530001, 530002)),
    (_stopped("stopped-policy"), (50005, 50131, 53003, 53004, 53005, 53009, 53010, 530003, 530004, 530031, 530032, 530034, 530035)),
    (_stopped("stopped-risk"), (53011, 530012, 530036)),
    (_stopped("stopped-not-assigned"), (50105,)),
    (Verdict(Kind.MFA_DENIED, "mfa-failed"), (500121, 50088)),
    (
        TOKEN,
        (
            *(16000, 16001, 16002, 16003, 50008, 50011, 50012, 50013, 50020, 50027, 50058, 50078, 50085, 50089, 50132, 50133, 50168, 50173),
            *(50177, 50178, 50181, 50187, 50196, 50199, 54000, 54005, 54008, 65001, 65002, 65004, 65005, 70000, 70001, 70002, 70003, 70005, 70007),
            *(70008, 70011, 70012, 70016, 70018, 70019, 70020, 70043, 70044, 75001, 75011, 80012, 81010, 81012, 90019, 90072, 90094, 90095, 140000),
            *(500011, 500133, 500173, 500212, 700003, 700005, 700016, 700081, 700082, 700084, 7000012, 7000024, 81016, 9002341),
        ),
    ),
)
_BY_CODE: dict[int, Verdict] = {code: verdict for verdict, codes in _GROUPS for code in codes}
_BY_WORD = {"success": 0, "succeeded": 0}


def code_of(value: Any) -> int | None:
    """Return the number of a result, be it a number, digits or a word for success; None where it says none."""
    if value.__class__ is int:
        return value if value >= 0 else None
    if value.__class__ is not str:
        return None
    if value.isascii() and value.isdigit() and len(value) < 12:
        return int(value)
    return _BY_WORD.get(value.lower())


def verdict_of(code: int) -> Verdict:
    """Return what *code* means.

    >>> str(verdict_of(50126).kind), str(verdict_of(50074).kind), verdict_of(424242).pattern
    ('auth_failure', 'auth_stopped', 'signin-error')
    """
    return _BY_CODE.get(code, OTHER)
