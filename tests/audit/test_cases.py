"""Every case: a folder of evidence, and what the checks must say of it. And every check must be shown to pass and to fail."""

from __future__ import annotations

from typing import Any

import pytest
from audit_case import CASES, audited, case_names, expected

from gatewatch.audit.registry import CHECKS
from gatewatch.evidence.registry import EVIDENCE
from gatewatch.schema.findings import Finding, Status
from gatewatch.schema.records import Disposition
from gatewatch.sinks.document import encode

KEYS = {"check", "status", "host", "subject", "says", "line", "severity", "value"}


def meets(finding: Finding, want: dict[str, Any]) -> bool:
    return (
        finding.check == want["check"]
        and finding.status == want["status"]
        and want.get("host", finding.host) == finding.host
        and want.get("subject", finding.subject) == finding.subject
        and want.get("severity", finding.severity) == finding.severity
        and want.get("says", "") in finding.message
        and want.get("value", "") in finding.value
        and ("line" not in want or any(f"{where.file}:{where.line}".endswith(want["line"]) for where in finding.where[:1]))
    )


@pytest.mark.parametrize("name", case_names())
def test_a_case_is_judged_as_expected(name: str) -> None:
    audit = audited(name)
    case = expected(name)
    assert case["why"]
    missing = []
    for want in case["expect"]:
        assert set(want) <= KEYS
        if not any(meets(finding, want) for finding in audit.findings):
            near = [(one.status, one.host, one.subject, one.message, one.where[:1]) for one in audit.findings if one.check == want["check"]]
            missing.append((want, near))
    assert missing == []
    assert [one for one in audit.findings if one.status is Status.ERROR] == []


@pytest.mark.parametrize("name", case_names())
def test_every_file_of_a_case_has_a_fate(name: str) -> None:
    audit = audited(name)
    on_disk = sorted(str(path) for path in (CASES / name / "evidence").rglob("*") if path.is_file())
    assert sorted(one.file for one in audit.files if "!" not in one.file) == [path for path in on_disk if not path.endswith((".zip", ".gz"))]
    odd = [one.file for one in audit.files if one.disposition in {Disposition.UNRECOGNISED, Disposition.REJECTED}]
    allowed = expected(name).get("unread", [])
    assert [file for file in odd if not file.endswith(tuple(allowed) or "\0")] == []


@pytest.mark.parametrize("name", case_names())
def test_no_secret_leaves_the_reader(name: str) -> None:
    """Whatever is secret in a case is written S3CRET...; no finding may show it."""
    audit = audited(name)
    assert "S3CRET" not in "".join(encode(finding) for finding in audit.findings)


def _shown(status: str) -> set[str]:
    return {want["check"] for name in case_names() for want in expected(name)["expect"] if want["status"] == status}


@pytest.mark.parametrize("status", ["pass", "fail"])
def test_every_automated_check_is_shown_to_pass_and_to_fail(status: str) -> None:
    assert sorted({check.id for check in CHECKS if check.automated} - _shown(status)) == []


@pytest.mark.parametrize("form", [form.name for form in EVIDENCE])
def test_every_format_is_read_in_some_case(form: str) -> None:
    assert any(one.format == form and one.disposition is Disposition.USED for name in case_names() for one in audited(name).files)
