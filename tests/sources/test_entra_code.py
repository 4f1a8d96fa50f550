"""Result codes of Entra ID: what each says of the password."""

from __future__ import annotations

from typing import Any

import pytest

from gatewatch.schema.events import AuthMethod, Kind
from gatewatch.sources.entra_code import _GROUPS, SUCCESS, code_of, verdict_of


@pytest.mark.parametrize(
    ("codes", "kind"),
    [
        ((0,), Kind.AUTH_SUCCESS),
        ((50126, 50034, 50053, 50056, 50057), Kind.AUTH_FAILURE),
        ((50055, 50072, 50074, 50076, 50079, 50140, 50144, 50158, 53000, 53003), Kind.AUTH_STOPPED),
        ((500121,), Kind.MFA_DENIED),
        ((70043, 70044, 700082, 50058, 65001), Kind.CONNECTION),
        ((1, 424242), Kind.AUTH_FAILURE),
    ],
)
def test_kinds(codes: tuple[int, ...], kind: Kind) -> None:
    assert {verdict_of(code).kind for code in codes} == {kind}


def test_what_nobody_listed_is_never_a_guess() -> None:
    assert verdict_of(424242).method is AuthMethod.NONE


def test_only_an_unknown_user_is_invalid() -> None:
    assert [verdict_of(code).invalid_user for code in (50034, 50126)] == [True, None]


def test_no_code_is_listed_twice() -> None:
    codes = [code for _, group in _GROUPS for code in group]
    assert sorted(codes) == sorted(set(codes))


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (50126, 50126),
        ("50126", 50126),
        ("0", 0),
        ("Success", 0),
        ("Failure", None),
        ("", None),
        (None, None),
        (-1, None),
        (True, None),
        ("1" * 12, None),
    ],
)
def test_numbers_and_words(given: Any, code: int | None) -> None:
    assert code_of(given) == code


def test_success() -> None:
    assert verdict_of(0) is SUCCESS
