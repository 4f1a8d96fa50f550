"""AWS identities: the credential report of IAM (CSV) and the summary of the account.

::

    user,arn,user_creation_time,password_enabled,password_last_used,...,mfa_active,access_key_1_active,...
    <root_account>,arn:aws:iam::111122223333:root,2020-01-01T00:00:00+00:00,not_supported,...,true,false,...

Root can always log in with its password. Reference: AWS IAM "Getting credential reports", GetAccountSummary.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Ignored, Outcome, Rejected
from gatewatch.schema.facts.access import AccessPath, Factor, FactorKind, Way
from gatewatch.schema.facts.base import Where

_ROOT = "<root_account>"
_NEEDED = ("user", "password_enabled", "mfa_active")
_PASSWORD = Factor(FactorKind.KNOWLEDGE, "password")
_DEVICE = Factor(FactorKind.POSSESSION, "MFA device")


def _recognise(document: Document) -> int:
    head = document.head.lstrip()
    first = head.partition("\n")[0]
    if first.startswith("user,arn,") and "mfa_active" in first:
        return SURE
    return SURE if head.startswith("{") and '"SummaryMap"' in head and '"AccountMFAEnabled"' in document.text[:65536] else 0


def _path(bundle: Bundle, document: Document, name: str, second: bool, where: Where, doubt: str = "") -> AccessPath:
    factors = (_PASSWORD, _DEVICE) if second else (_PASSWORD,)
    label = "password, then MFA device" if second else "password alone"
    return AccessPath(
        host=bundle.host, as_of=document.as_of, where=(where,), service="idp", product="aws", name=name, admin=name == "root",
        ways=(Way(factors, label, (where,), doubt),), users=name,
    )  # fmt: skip


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        if document.head.lstrip().startswith("{"):
            yield from _summary(document, bundle)
            continue
        titles = [title.strip() for title in document.lines[0].split(",")]
        if any(name not in titles for name in _NEEDED):
            yield Rejected(document, "the first line does not name the columns of a credential report")
            continue
        found = False
        for number, line in enumerate(document.lines[1:], 2):
            if not line.strip():
                continue
            try:
                cells = next(csv.reader([line]), [])
            except csv.Error:
                cells = []
            if len(cells) != len(titles):
                yield Rejected(document, f"line {number} has {len(cells)} columns of {len(titles)}; the report is cut off or damaged")
                continue
            row = dict(zip(titles, cells, strict=True))
            root = row["user"] == _ROOT
            enabled, second = row["password_enabled"].strip().lower(), row["mfa_active"].strip().lower()
            found = True
            if not root and enabled == "false":
                continue
            doubt = "" if second in {"true", "false"} and (root or enabled == "true") else f"mfa_active {second!r}, password_enabled {enabled!r}"
            yield _path(bundle, document, "root" if root else row["user"], second == "true", document.where(number), doubt)
        if not found:
            yield Rejected(document, "lists no user")


def _summary(document: Document, bundle: Bundle) -> Iterator[Outcome]:
    tree = document.json()
    counts = tree.get("SummaryMap") if isinstance(tree, dict) else None
    value = counts.get("AccountMFAEnabled") if isinstance(counts, dict) else None
    if not isinstance(value, int) or isinstance(value, bool) or value not in {0, 1}:
        yield Rejected(document, document.fault) if document.fault else Ignored(document, "does not say whether root has an MFA device")
        return
    where = document.spot("$.SummaryMap.AccountMFAEnabled", f"AccountMFAEnabled: {value}")
    yield _path(bundle, document, "root", value == 1, where)


FORMAT = Format(
    name="aws-identity",
    title="AWS credential report and account summary",
    recognise=_recognise,
    read=_read,
    collect=(
        "aws iam generate-credential-report; aws iam get-credential-report --query Content --output text | base64 -d > "
        "EVIDENCE/ACCOUNT/commands/credentials.csv; aws iam get-account-summary > EVIDENCE/ACCOUNT/commands/summary.json"
    ),
    references=("AWS IAM: credential reports",),
)
