"""What says whose evidence it is: the collector's manifest, ``/etc/hostname``, ``/etc/os-release``.

``/etc/os-release``: ``PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"``; freedesktop.org, os-release(5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

import msgspec

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Outcome, Rejected
from gatewatch.schema.evidence import MANIFEST, Manifest
from gatewatch.schema.facts.machine import Machine, System

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}\Z")
_PAIR = re.compile(r"([A-Z_]{1,40})=\"?([^\"\n]{0,200})\"?\Z")


def parse(document: Document) -> Manifest | None:
    """Return the manifest in *document*, or None."""
    try:
        return msgspec.json.decode(document.data, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def host_name(document: Document) -> str:
    """Return the host name that ``/etc/hostname`` gives; empty when it gives none."""
    line = next((line.strip() for line in document.lines if line.strip() and not line.startswith("#")), "")
    return line if _NAME.match(line) else ""


def moment(manifest: Manifest | None) -> datetime | None:
    """Return the time of collection, where the manifest gives one with a zone."""
    try:
        made = datetime.fromisoformat(manifest.as_of) if manifest is not None else None
    except ValueError:
        return None
    return made if made is not None and made.tzinfo is not None else None


def _recognise(document: Document) -> int:
    named = document.at(MANIFEST, "etc/hostname", "etc/os-release", "usr/lib/os-release")
    return SURE if named and len(document.data) < 1 << 22 else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    system, product, version, where = "", "", "", []
    for document in documents:
        if document.at(MANIFEST):
            manifest = parse(document)
            if manifest is None or manifest.format != "gatewatch-evidence":
                yield Rejected(document, "is no manifest of gatewatch collect")
                continue
            system = manifest.system or system
        elif document.at("os-release"):
            pairs = {found[1]: found[2] for line in document.lines if (found := _PAIR.match(line.strip()))}
            product, version = pairs.get("NAME", product), pairs.get("VERSION_ID", version)
            system = system or ("linux" if product else "")
            where += [document.where(number) for number, line in enumerate(document.lines, 1) if line.startswith("PRETTY_NAME=")]
        elif host_name(document):
            where.append(document.where(1))
        else:
            yield Rejected(document, "names no host")
    if where or system:
        yield Machine(
            host=bundle.host,
            as_of=documents[0].as_of,
            where=tuple(where),
            system=System(system) if system in set(System) else System.LINUX,
            product=product,
            version=version,
            complete=bundle.manifest is not None,
        )


FORMAT = Format(
    name="host",
    title="The collector's manifest, /etc/hostname and os-release",
    recognise=_recognise,
    read=_read,
    collect="gatewatch collect, or cp /etc/hostname /etc/os-release",
    references=("os-release(5)", "hostname(5)"),
)
