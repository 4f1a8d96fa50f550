"""``/etc/exports`` and ``exportfs -v``: what NFS gives to whom.

::

    /srv/data  10.1.0.0/24(rw,sync,root_squash) *(ro)

A space between client and options gives the options to everybody, which is a known trap. Reference: exports(5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Ignored, Outcome
from gatewatch.schema.facts.server import NfsExport

_CLIENT = re.compile(r"([^\s()]{0,200})\(([^()]{0,400})\)|([^\s()]{1,200})")


def _recognise(document: Document) -> int:
    if document.at("etc/exports", "etc/exports.d/*.exports"):
        return SURE
    return SURE - 20 if document.at("commands/exportfs*") else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        count, text, start = 0, "", 0
        for number, raw in enumerate(document.lines, 1):
            line = raw.partition("#")[0].rstrip()
            start = start or number
            text += line.removesuffix("\\") + " "
            following = document.lines[number] if number < len(document.lines) else ""
            if line.endswith("\\") or (line.strip() and document.at("commands/exportfs*") and following[:1] in (" ", "\t")):
                continue
            whole, place = text.strip(), document.where(start)
            text, start = "", 0
            path, _, rest = whole.partition(" ") if not whole.startswith('"') else whole[1:].partition('" ')
            if "\t" in path:
                path, _, rest = whole.partition("\t")
            if not path.startswith("/"):
                continue
            given: tuple[str, ...] = ()
            for found in _CLIENT.finditer(rest):
                client, options = (found[3], given) if found[3] else (found[1] or "*", tuple(word.strip() for word in found[2].split(",")))
                if client.startswith("-") and found[3]:
                    given = tuple(client[1:].split(","))
                    continue
                count += 1
                yield NfsExport(host=bundle.host, as_of=document.as_of, where=(place,), path=path, client=client or "*", options=options)
            if not rest.strip():
                count += 1
                yield NfsExport(host=bundle.host, as_of=document.as_of, where=(place,), path=path, client="*", options=())
        if not count:
            yield Ignored(document, "exports nothing")


FORMAT = Format(
    name="nfs-export",
    title="Exports of NFS",
    recognise=_recognise,
    read=_read,
    collect="cp /etc/exports EVIDENCE/etc/, or exportfs -v > EVIDENCE/commands/exportfs.txt",
    references=("exports(5)", "exportfs(8)"),
)
