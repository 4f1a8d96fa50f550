"""The words for what stopped a right password."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gatewatch.detect.exhibit import Exhibit
from gatewatch.detect.story import stopped_by
from gatewatch.schema.events import Kind

STOP = Exhibit(**dict.fromkeys(Exhibit._fields))._replace(row=0, time=datetime(2026, 3, 2, tzinfo=UTC), kind=str(Kind.AUTH_STOPPED))


@pytest.mark.parametrize(
    ("pattern", "object_", "words"),
    [
        ("pam-account-expired", None, "the password or the account has expired"),
        ("logon-failed", "0xC0000071", "the password or the account has expired"),
        ("root-refused", None, "root may not log on so"),
        ("push-denied", None, "the second factor was not given"),
        ("policy-denied", None, "the account may not log on there"),
        ("site-up", None, "by a rule of the service or a second factor"),
        (None, None, "by a rule of the service or a second factor"),
    ],
)
def test_what_stopped_it(pattern: str | None, object_: str | None, words: str) -> None:
    assert stopped_by(STOP._replace(pattern=pattern, object=object_)) == words


def test_a_refused_factor() -> None:
    assert stopped_by(STOP._replace(kind=str(Kind.MFA_DENIED))) == "the second factor was refused"
