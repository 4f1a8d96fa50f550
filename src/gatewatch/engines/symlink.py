"""Links in evidence: a link of the machine that was collected leads to the file of the evidence that stood there, never to one of this machine.

``sites-enabled/default -> /etc/nginx/sites-available/default`` is a link of the host it was copied from. What it leads to counts where it is
in the evidence too; where it is not, that is said.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import replace

from gatewatch.evidence.document import Document
from gatewatch.evidence.layout import split
from gatewatch.intake.archive import Link
from gatewatch.schema.records import Problem

_DEPTH = 8  # links to links
_SHOWN = 5
_NOTICED = (".wants/", ".requires/")  # of systemd: they say that a unit starts, and the unit is told where it lies


def linked(links: Sequence[Link], documents: Sequence[Document], given: str, problems: list[Problem]) -> Iterator[Document]:
    """Yield, for each link, the document it leads to under the name of the link; what leads nowhere is told in one problem."""
    by_name = {document.name: document for document in documents}
    folders: dict[str, list[Document]] = {}
    for document in documents:
        folder = posixpath.dirname(document.name)
        while folder and folder not in {"/", "."}:
            folders.setdefault(folder, []).append(document)
            folder = posixpath.dirname(folder)
    ways = {link.name: _targets(link, given) for link in links}
    lost: list[Link] = []
    for link in sorted(links, key=lambda one: one.name):
        if any(part in link.name for part in _NOTICED):
            continue
        found = _resolve(link.name, ways, by_name, folders)
        if not found:
            lost.append(link)
        for target, inner in found:
            name = link.name + inner
            if name not in by_name:
                root, path = split(name, given)
                yield replace(target, name=name, path=path, root=root)
    if lost:
        shown = ", ".join(f"{posixpath.basename(one.name)} -> {one.target.rpartition('!')[2]}" for one in lost[:_SHOWN])
        more = f" and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else ""
        problems.append(Problem(given, f"links lead to what is not in the evidence, so nothing is known of it: {shown}{more}", "data"))


def _targets(link: Link, given: str) -> tuple[str, ...]:
    """Return the names a link may lead to within the evidence: absolute ones begin at the root of the host they were collected on."""
    if link.hard:
        return (posixpath.normpath(link.target),)
    if not link.target.startswith("/"):
        archive, mark, inner = link.name.rpartition("!")
        made = posixpath.normpath(posixpath.join(posixpath.dirname(inner), link.target))
        return () if mark and made.startswith("..") else (f"{archive}{mark}{made}",)  # out of its archive
    root, _ = split(link.name, given)
    mark = "" if not root or root.endswith("!") else "/"
    top = link.name.partition("!")[0] + "!" if not root and "!" in link.name else root + mark
    return tuple(posixpath.normpath(f"{top}{between}{link.target.lstrip('/')}") for between in ("", "files/"))


def _resolve(
    name: str, ways: dict[str, tuple[str, ...]], by_name: dict[str, Document], folders: dict[str, list[Document]]
) -> list[tuple[Document, str]]:
    """Return the documents a link leads to, each with the rest of its name where the link is one to a folder."""
    wanted = list(ways[name])
    for _ in range(_DEPTH):
        for target in wanted:
            if target in by_name:
                return [(by_name[target], "")]
            if target in folders:
                return [(one, one.name[len(target) :]) for one in folders[target]]
        following = [one for target in wanted for one in ways.get(target, ())]
        if not following:
            return []
        wanted = following
    return []
