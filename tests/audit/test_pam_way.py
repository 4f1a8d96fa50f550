"""The ways through PAM stacks, each as an administrator would meet it."""

from __future__ import annotations

import pytest

from gatewatch.audit.pam_way import ways
from gatewatch.evidence.document import Document
from gatewatch.evidence.reading import bundles, read
from gatewatch.schema.facts.ssh import PamStack


def labels(text: str, **others: str) -> list[str]:
    files = {"sshd": text, **others}
    documents = [Document(f"h/etc/pam.d/{name}", f"etc/pam.d/{name}", "h", body.encode()) for name, body in files.items()]
    [bundle] = bundles(documents)
    stack = next(fact for fact in read(bundle).facts if isinstance(fact, PamStack) and fact.service == "sshd")
    found = ways(stack)
    assert found is not None
    return [way.label for way in found]


@pytest.mark.parametrize(
    ("stack", "expected"),
    [
        ("auth required pam_unix.so\nauth required pam_google_authenticator.so\n", ["pam_unix + pam_google_authenticator"]),
        # P10: nullok, a sufficient module before the second factor, a jump over it
        ("auth required pam_unix.so\nauth required pam_google_authenticator.so nullok\n", ["pam_unix"]),
        ("auth sufficient pam_unix.so\nauth required pam_google_authenticator.so\n", ["pam_google_authenticator", "pam_unix"]),
        (
            "auth [success=1 default=ignore] pam_succeed_if.so user = a\nauth required pam_google_authenticator.so\nauth required pam_unix.so\n",
            ["pam_unix"],
        ),
        ("auth [success=2 default=ignore] pam_unix.so\nauth requisite pam_deny.so\nauth required pam_permit.so\n", []),
        ("auth [success=1 default=ignore] pam_unix.so\nauth requisite pam_deny.so\nauth required pam_permit.so\n", ["pam_unix"]),
        ("auth requisite pam_u2f.so\nauth required pam_unix.so\n", ["pam_u2f + pam_unix"]),
        ("auth optional pam_google_authenticator.so\nauth required pam_unix.so\n", ["pam_unix"]),
        ("auth required pam_permit.so\n", ["no factor"]),
        ("auth required pam_deny.so\n", []),
        ("auth required pam_radius_auth.so\n", ["pam_radius_auth"]),
        # a substack: done ends it only
        ("auth substack inner\nauth required pam_oath.so\n", ["pam_unix + pam_oath"]),
    ],
)
def test_the_least_that_lets_somebody_in(stack: str, expected: list[str]) -> None:
    others = {"inner": "auth sufficient pam_unix.so\nauth required pam_deny.so\n"} if "substack" in stack else {}
    assert labels(stack, **others) == expected


def test_an_include_that_was_not_collected_is_a_doubt() -> None:
    documents = [Document("h/etc/pam.d/sshd", "etc/pam.d/sshd", "h", b"@include common-auth\n")]
    [bundle] = bundles(documents)
    [stack] = [fact for fact in read(bundle).facts if isinstance(fact, PamStack)]
    found = ways(stack)
    assert found is not None and all("not in the evidence" in way.uncertain for way in found) and found
