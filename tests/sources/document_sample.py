r"""Annotated samples of JSON records: the expectations stand above each record, one JSON object a line.

``tests/samples/<source name>/*.jsonl``::

    # expect: kind=auth_failure pattern=signin-failure user=ann src_ip=192.0.2.1 extra.code=50126
    {"createdDateTime": "2026-03-02T08:15:00Z", "userPrincipalName": "ann@corp.example", "ipAddress": "192.0.2.1", "status": {"errorCode": 50126}}
    # ignore: token-refresh
    {"createdDateTime": "2026-03-02T08:15:00Z", "status": {"errorCode": 70043}}
    # reject: no time
    {"userPrincipalName": "ann@corp.example"}

After ``expect:`` stand columns and their values, quoted as in a shell but with backslashes as they are (single quotes for what has blanks);
``null`` is null; ``extra.NAME=`` looks into ``extra``. Several ``expect:`` lines stand for the several events of one record, in their order.
``user``, ``target_user``, ``src_ip``, ``src_host``, ``dst_ip`` and ``dst_host`` must be stated wherever they come out. After ``ignore:`` and
``reject:`` stands the reason, all to the end of the line. ``# shape: NAME`` says which of the source's shapes the records have, until the next one
(else its first). Other comments are free. A record may be broken on purpose.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from gatewatch.schema.events import Kind
from gatewatch.schema.records import RECORD_DTYPES
from gatewatch.sources.document import DocumentSource
from gatewatch.sources.registry import SOURCES
from gatewatch.sources.two_forms import TwoForms

SAMPLES = Path(__file__).parents[1] / "samples"
DOCUMENTS: tuple[DocumentSource, ...] = tuple(
    source
    for source in (one.objects if isinstance(one, TwoForms) else one for one in SOURCES)
    # those with a decode of their own may keep samples of another form
    if isinstance(source, DocumentSource) and (type(source) is DocumentSource or any((SAMPLES / source.name).glob("*.jsonl")))
)
BULK = (Kind.CONNECTION, Kind.CONNECTION_CLOSED, Kind.OTHER)
WANTED = frozenset(kind for kind in Kind if kind not in BULK)
_VERBS = ("expect: ", "ignore: ", "reject: ")


@dataclass(frozen=True, slots=True)
class DocumentSample:
    """One record and what should become of it: ``expect``, the columns of each event, or a reason to ``ignore`` or to ``reject`` it."""

    where: str
    program: str
    raw: str
    expect: tuple[dict[str, str], ...]
    ignore: str | None
    reject: str | None


def load(source: DocumentSource) -> list[DocumentSample]:
    """Return the samples of *source* in the order of its files."""
    found: list[DocumentSample] = []
    for path in sorted((SAMPLES / source.name).glob("*.jsonl")):
        program, wants = source.programs[0], []
        for number, raw in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
            if raw.startswith("# shape: "):
                program = raw[9:].strip()
            elif raw.startswith("#"):
                wants += [raw[2:]] if raw[2:].startswith(_VERBS) else []
            elif raw:
                where = f"{path.name}:{number}"
                assert wants, f"{where}: no expectation above it"
                found.append(_sample(where, program, wants, raw))
                wants = []
    return found


def _sample(where: str, program: str, wants: list[str], raw: str) -> DocumentSample:
    verbs = {want.partition(": ")[0] for want in wants}
    rest = [want.partition(": ")[2] for want in wants]
    if verbs != {"expect"}:
        assert len(wants) == 1, f"{where}: {wants}"
        return DocumentSample(where, program, raw, (), rest[0] if verbs == {"ignore"} else None, rest[0] if verbs == {"reject"} else None)
    words = [_words(text) for text in rest]
    assert all("=" in word for line in words for word in line), f"{where}: a word without =: {words}"
    return DocumentSample(where, program, raw, tuple(dict(word.split("=", 1) for word in line) for line in words), None, None)


def _words(text: str) -> list[str]:
    lexer = shlex.shlex(text, posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.commenters = ""
    lexer.escape = ""
    return list(lexer)


def frame(records: list[tuple[str, str]]) -> pl.DataFrame:
    """Return ``(program, JSON text)`` pairs as the frame that intake would make of them."""
    rows = [{"record": n, "offset": n * 100, "program": program, "count": 1, "fields": raw} for n, (program, raw) in enumerate(records, 1)]
    return pl.DataFrame([{name: row.get(name) for name in RECORD_DTYPES} for row in rows], schema=RECORD_DTYPES)
