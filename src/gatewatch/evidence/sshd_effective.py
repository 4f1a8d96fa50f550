"""``sshd -T``: sshd's own word on its settings, one ``keyword value`` per line, lower case, defaults included.

::

    port 22
    addressfamily any
    passwordauthentication no

What it prints holds where no Match block applies, unless ``-C`` asked for a connection. Reference: sshd(8), option -T.
"""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Outcome, Rejected
from gatewatch.evidence.mask import value as masked
from gatewatch.evidence.sshd_default import ADDING, KEYWORDS
from gatewatch.schema.facts.base import Setting
from gatewatch.schema.facts.ssh import SshdSettings

_LEAST = 20  # keywords; a whole output has about 90
_LAST = ("permitopen", "persourcepenalties", "subsystem", "ipqos", "rekeylimit", "permitlisten", "fingerprinthash")


def _recognise(document: Document) -> int:
    words = [line.split(None, 1)[0] for line in document.head.splitlines() if line.strip() and not line.startswith("#")]
    known = sum(1 for word in words if word in KEYWORDS)
    return SURE + 5 if known >= 10 and known * 10 >= len(words) * 4 and all(word.islower() for word in words[:20]) else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        values: dict[str, Setting] = {}
        for number, line in enumerate(document.lines, 1):
            keyword, _, text = line.strip().partition(" ")
            if not keyword or keyword.startswith("#"):
                continue
            text = masked(keyword, text.strip())
            where = document.where(number)
            before = values.get(keyword)
            if before is None:
                values[keyword] = Setting(keyword, text, f"sshd -T, {where.file}:{number}", where)
            elif keyword in ADDING:
                values[keyword] = Setting(keyword, f"{before.value} {text}", before.how, before.where)
        if len(values) < _LEAST or not any(keyword in values for keyword in _LAST):
            yield Rejected(document, "looks like the beginning of sshd -T, but ends early")
            continue
        yield SshdSettings(
            host=bundle.host,
            as_of=document.as_of,
            where=(document.where(1),),
            service="ssh",
            values=tuple(sorted(values.values(), key=lambda setting: setting.name)),
            effective=True,
        )


FORMAT = Format(
    name="sshd-effective",
    title="Effective settings of an OpenSSH server (sshd -T)",
    recognise=_recognise,
    read=_read,
    collect="sudo sshd -T > EVIDENCE/commands/sshd-T.txt",
    references=("sshd(8)",),
)
