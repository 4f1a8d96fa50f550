"""Reading: documents in, facts out, and the fate of every file. Knows no format by name; those are in the registry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from gatewatch.evidence import manifest as manifests
from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import Format, Ignored, Rejected
from gatewatch.evidence.layout import host_of
from gatewatch.evidence.registry import EVIDENCE
from gatewatch.schema.evidence import MANIFEST, EvidenceFile
from gatewatch.schema.facts.base import Fact
from gatewatch.schema.records import Disposition

UNNAMED = "unnamed"
# What a fault in one of our formats may raise on input nobody foresaw: it costs the file and is said, never the audit.
_FAULTS = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError, AssertionError)


@dataclass(slots=True)
class Reading:
    """What a bundle held."""

    facts: list[Fact] = field(default_factory=list)
    files: list[EvidenceFile] = field(default_factory=list)


def bundles(documents: Iterable[Document]) -> Iterator[Bundle]:
    """Group *documents* by the root of their host; a group ends where another root begins, so few are held at a time."""
    held: list[Document] = []
    for document in documents:
        if held and document.root != held[0].root:
            yield _bundle(held)
            held = []
        held.append(document)
    if held:
        yield _bundle(held)


def _bundle(documents: list[Document]) -> Bundle:
    documents = sorted(documents, key=lambda one: one.path)
    root = documents[0].root
    found = next((made for one in documents if one.at(MANIFEST) and (made := manifests.parse(one))), None)
    named = next((name for one in documents if one.at("etc/hostname") and (name := manifests.host_name(one))), "")
    host = (found.host if found is not None else "") or named or host_of(root) or UNNAMED
    moment = manifests.moment(found)
    if moment is not None:
        documents = [replace(one, as_of=moment) for one in documents]
    return Bundle(host.casefold(), root, tuple(documents), found)


def read(bundle: Bundle, formats: Sequence[Format] = EVIDENCE) -> Reading:
    """Return the facts in *bundle* and the fate of each of its files."""
    made = Reading()
    taken: dict[str, list[Document]] = {}
    for document in bundle.documents:
        fate = _unreadable(document)
        claims = [] if fate else [(sure, form) for form in formats if (sure := _recognise(form, document)) > 0]
        if claims:
            form = max(claims, key=lambda claim: claim[0])[1]
            taken.setdefault(form.name, []).append(document)
        else:
            made.files.append(EvidenceFile(document.name, bundle.host, None, *(fate or (Disposition.UNRECOGNISED, "no format of evidence"))))
    for form in formats:
        if form.name in taken:
            _read_format(form, taken[form.name], bundle, made)
    made.files.sort()
    return made


def _unreadable(document: Document) -> tuple[Disposition, str] | None:
    if not document.data.strip():
        return Disposition.IGNORED, "empty file"
    if document.fault:
        return Disposition.REJECTED, document.fault
    return None


def _recognise(form: Format, document: Document) -> int:
    try:
        return form.recognise(document)
    except _FAULTS:
        return 0


def _read_format(form: Format, documents: list[Document], bundle: Bundle, made: Reading) -> None:
    fates: dict[str, tuple[Disposition, str]] = {}
    facts: list[Fact] = []
    try:
        for outcome in form.read(documents, bundle):
            if isinstance(outcome, Rejected):
                fates[outcome.document.name] = (Disposition.REJECTED, outcome.reason)
            elif isinstance(outcome, Ignored):
                fates[outcome.document.name] = (Disposition.IGNORED, outcome.reason)
            else:
                facts.append(outcome)
    except _FAULTS as error:
        facts = []  # half of a configuration may say the opposite of the whole
        reason = f"gatewatch failed to read it as {form.name} ({type(error).__name__}: {error}); please report it"
        fates = {document.name: (Disposition.REJECTED, reason[:300]) for document in documents}
    count: dict[str, int] = {}
    for fact in facts:
        for file in dict.fromkeys(place.file for place in fact.where):
            count[file] = count.get(file, 0) + 1
    for document in documents:
        disposition, reason = fates.get(document.name, (Disposition.USED, ""))
        made.files.append(EvidenceFile(document.name, bundle.host, form.name, disposition, reason, count.get(document.name, 0)))
    made.facts += facts
