"""Baselines: an audit compared with an earlier one, by what each finding is about and how it ended."""

from __future__ import annotations

from pathlib import Path

import msgspec

from gatewatch.errors import UsageError
from gatewatch.schema.findings import Audit, Finding, Status

_SHOWN = 50


class _Before(msgspec.Struct):
    """What is kept of an earlier finding; the other keys of its JSON are not looked at."""

    check: str
    host: str
    subject: str
    status: str
    value: str = ""
    severity: str = ""


Key = tuple[str, str, str]


def compare(audit: Audit, file: str) -> Audit:
    """Return *audit* with the findings that *file* does not hold with the same outcome and value, and notes on what is gone."""
    before: dict[Key, set[tuple[str, str, str]]] = {}
    decode = msgspec.json.Decoder(_Before).decode
    try:
        content = Path(file).read_bytes()
    except OSError as error:
        raise UsageError(f"--baseline {file}: {error.strerror}") from None
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip():
            continue
        try:
            one = decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UsageError(f"{file}:{number}: is no finding of gatewatch audit -o jsonl: {error}") from None
        before.setdefault((one.check, one.host, one.subject), set()).add((one.status, one.value, one.severity))
    kept = tuple(one for one in audit.findings if (str(one.status), one.value, str(one.severity)) not in before.get(_key(one), set()))
    now = {_key(one) for one in audit.findings}
    failed = {key for key, outcomes in before.items() if any(status == Status.FAIL for status, _, _ in outcomes)}
    still = {_key(one) for one in audit.findings if one.status is Status.FAIL}
    mended = sorted(key for key in failed if key in now and key not in still)
    gone = sorted(key for key in before if key not in now)
    are = "finding is" if len(kept) == 1 else "findings are"
    notes = [f"compared with {file}: {len(kept)} {are} new or other, {len(audit.findings) - len(kept)} as before"]
    notes += [f"no longer failed: {check} {host} {subject}".rstrip() for check, host, subject in mended[:_SHOWN]]
    notes += [f"no longer judged: {check} {host} {subject}".rstrip() for check, host, subject in gone[:_SHOWN]]
    return msgspec.structs.replace(audit, findings=kept, notes=(*audit.notes, *notes))


def _key(finding: Finding) -> Key:
    return finding.check, finding.host, finding.subject
