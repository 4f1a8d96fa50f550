"""Documents: one file of evidence, decoded on demand, and the bundle of all that was collected of one host.

Neither raises for what a file holds: a document that is no JSON gives None and says why in ``fault``.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any
from xml.etree.ElementTree import Element

from gatewatch.evidence.mask import quote
from gatewatch.evidence.tree import parse_json, parse_xml, parse_yaml
from gatewatch.schema.evidence import Manifest
from gatewatch.schema.facts.base import Where

_BOMS: tuple[tuple[bytes, str], ...] = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_UNREAD = object()


@dataclass(eq=False)
class Document:
    """A file of evidence. ``name``: as the user finds it again; ``path``: on its host, with ``/``; ``root``: the folder of its host."""

    name: str
    path: str
    root: str
    data: bytes
    as_of: datetime | None = None
    fault: str = ""  # why it could not be read as what it claims to be
    _text: str | None = field(default=None, repr=False)
    _head: str | None = field(default=None, repr=False)
    _lines: list[str] | None = field(default=None, repr=False)
    _parsed: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def text(self) -> str:
        """The text, whatever its encoding: UTF-8 with or without mark, UTF-16; undecodable bytes become U+FFFD."""
        if self._text is None:
            encoding = next((name for bom, name in _BOMS if self.data.startswith(bom)), "")
            if not encoding:
                encoding = "utf-16-le" if b"\0" in self.data[:200:2] + self.data[1:200:2] and self.data[1:2] == b"\0" else "utf-8"
            self._text = self.data.decode(encoding, "replace").replace("\r\n", "\n").replace("\r", "\n")
        return self._text

    @property
    def lines(self) -> list[str]:
        """The lines, without their ends; line N of the file is ``lines[N - 1]``."""
        if self._lines is None:
            self._lines = self.text.split("\n")
        return self._lines

    @property
    def head(self) -> str:
        """The first 4,096 characters, to recognise a format by."""
        if self._head is None:
            self._head = self.text[:4096]
        return self._head

    @property
    def stem(self) -> str:
        """The file's name without its last ending: what a device is called whose configuration does not say it."""
        base = self.path.rpartition("/")[2] or self.path
        return base.rpartition(".")[0] or base

    def at(self, *patterns: str) -> bool:
        """Return whether the path ends in one of *patterns* (``etc/ssh/sshd_config``, ``etc/pam.d/*``), component by component."""
        plain, globs = _sorted_out(patterns)
        if self.path.endswith(plain) and any(ends_in(self.path, pattern) for pattern in plain):
            return True
        return any(ends_in(self.path, pattern) for pattern in globs)

    def where(self, line: int, pointer: str = "") -> Where:
        """Return line *line* (1-based) as a place, its secrets masked."""
        text = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        return Where(self.name, line, quote(text), pointer)

    def spot(self, pointer: str, text: str = "") -> Where:
        """Return a place within a document that is a tree: a path such as ``$.spec.rules[0]``, and what stands there."""
        return Where(self.name, 0, quote(text), pointer)

    def json(self) -> Any:
        """Return the parsed JSON document; None, with :attr:`fault` set, when it is none."""
        return self._parse("json", parse_json)

    def yaml(self) -> list[Any]:
        """Return the documents of a YAML (or JSON) file; empty, with :attr:`fault` set, when it is none. Alias bombs are refused."""
        return self._parse("yaml", parse_yaml) or []

    def xml(self) -> Element | None:
        """Return the root element of an XML document; None, with :attr:`fault` set, when it is none or declares entities."""
        found: Element | None = self._parse("xml", parse_xml)
        return found

    def objects(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the Kubernetes objects in a JSON or YAML file with their pointers; a ``List`` gives its items."""
        for number, top in enumerate(self.yaml()):
            if not isinstance(top, dict):
                continue
            items = top.get("items")
            if str(top.get("kind", "")).endswith("List") and isinstance(items, list):
                yield from ((f"$[{number}].items[{at}]", item) for at, item in enumerate(items) if isinstance(item, dict))
            else:
                yield f"$[{number}]", top

    def _parse(self, what: str, parse: Any) -> Any:
        if what not in self._parsed:
            made, fault = parse(self.data if what == "xml" else self.text)
            self._parsed[what] = made
            self.fault = self.fault or fault
        return self._parsed[what]


@dataclass(eq=False)
class Bundle:
    """Everything collected of one host; formats look here for the files theirs includes."""

    host: str
    root: str
    documents: tuple[Document, ...]
    manifest: Manifest | None = None

    def get(self, path: str) -> Document | None:
        """Return the document at *path* (absolute on the host), or None."""
        wanted = path.strip("/")
        return next((one for one in self.documents if ends_in(one.path, wanted)), None)

    def glob(self, pattern: str) -> list[Document]:
        """Return the documents whose path matches *pattern*, in the order of their names, as a shell lists them."""
        wanted = pattern.strip("/")
        return sorted((one for one in self.documents if ends_in(one.path, wanted)), key=lambda one: one.path)

    def knows(self, path: str) -> bool:
        """Return whether the collector looked at *path* or the folder that would hold it, so that its absence is a fact."""
        if self.manifest is None:
            return False
        folder = path.rpartition("/")[0]
        return any(one.path in {path, folder, folder + "/"} for one in self.manifest.collected)


def ends_in(path: str, pattern: str) -> bool:
    """Return whether the last components of *path* match those of *pattern*; ``*`` stays within a component.

    >>> ends_in("etc/ssh/sshd_config.d/10.conf", "sshd_config.d/*.conf"), ends_in("etc/xssh/a", "ssh/a")
    (True, False)
    """
    wanted, plain = _split(pattern)
    given = path.strip("/")
    if plain:  # most patterns: no star, so that the end of the text decides
        return given.endswith(plain) and (len(given) == len(plain) or given[-len(plain) - 1] == "/")
    parts = given.split("/")
    return len(parts) >= len(wanted) and all(
        fnmatch.fnmatchcase(part, want) for part, want in zip(parts[-len(wanted) :], wanted, strict=True)
    )


@lru_cache(maxsize=1024)
def _sorted_out(patterns: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the patterns that match but one text, without their outer slashes, and the others."""
    return tuple(pattern.strip("/") for pattern in patterns if _split(pattern)[1]), tuple(pattern for pattern in patterns if not _split(pattern)[1])


@lru_cache(maxsize=4096)
def _split(pattern: str) -> tuple[list[str], str]:
    """Return the components of a pattern, and the pattern itself where it matches but one text."""
    bare = pattern.strip("/")
    return bare.split("/"), "" if any(sign in bare for sign in "*?[") else bare
