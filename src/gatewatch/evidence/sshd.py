"""sshd_config: OpenSSH's server configuration, with Include, Match and the first value that wins.

::

    Include /etc/ssh/sshd_config.d/*.conf
    PasswordAuthentication no
    Match Address 192.0.2.0/24
        AuthenticationMethods publickey,keyboard-interactive

The first value of a keyword counts; a Match block that applies overrides the global part, and of several the first. A Match in an
included file ends with that file. References: sshd_config(5), OpenSSH servconf.c.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import LIKELY, SURE, Format, Outcome, Rejected
from gatewatch.evidence.mask import value as masked
from gatewatch.evidence.sshd_default import ADDING, ALIASES, DEFAULTS, KEYWORDS
from gatewatch.schema.facts.base import Setting, Where
from gatewatch.schema.facts.ssh import MatchBlock, SshdSettings

_DEPTH = 16  # as in servconf.c
_NO_MATCH = ""


@dataclass(slots=True)
class _Scope:
    """The global part or one Match block while it is read."""

    condition: str
    where: Where | None
    values: dict[str, Setting] = field(default_factory=dict)


@dataclass(slots=True)
class _Reader:
    bundle: Bundle
    scopes: list[_Scope] = field(default_factory=lambda: [_Scope(_NO_MATCH, None)])
    gaps: list[str] = field(default_factory=list)  # includes whose files are not in the evidence
    seen: list[Document] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def file(self, document: Document, scope: _Scope, depth: int) -> None:
        self.seen.append(document)
        for number, line in enumerate(document.lines, 1):
            words = split_line(line)
            if not words:
                continue
            keyword = ALIASES.get(words[0].lower(), words[0].lower())
            if keyword == "include":
                self.include(document, words[1:], scope, depth, number)
            elif keyword == "match":
                condition = " ".join(words[1:])
                outer = f"{scope.condition} and " if scope.condition and depth else ""
                scope = _Scope(outer + condition, document.where(number))
                self.scopes.append(scope)
            elif len(words) > 1:
                self.take(scope, keyword, words[1:], document.where(number))

    def include(self, document: Document, patterns: list[str], scope: _Scope, depth: int, number: int) -> None:
        if depth >= _DEPTH:
            self.broken.append(f"{document.name}:{number}: files include each other more than {_DEPTH} deep")
            return
        for pattern in patterns:
            absolute = pattern if pattern.startswith("/") else f"/etc/ssh/{pattern}"
            found = self.bundle.glob(absolute)
            if not found and not document.path.startswith("etc/"):
                found = self.bundle.glob(absolute.removeprefix("/etc/ssh/"))
            if not found and not self.bundle.knows(absolute):
                self.gaps.append(f"{document.name}:{number} includes {pattern}, which is not in the evidence")
            for inner in found:
                self.file(inner, scope, depth + 1)

    def take(self, scope: _Scope, keyword: str, words: list[str], where: Where) -> None:
        text = masked(keyword, " ".join(words))
        before = scope.values.get(keyword)
        doubt = self.gaps[0] if self.gaps else ""
        if before is None:
            scope.values[keyword] = Setting(keyword, text, f"first value, {where.file}:{where.line}", where, doubt)
        elif keyword in ADDING:
            scope.values[keyword] = Setting(keyword, f"{before.value} {text}", before.how + f", {where.file}:{where.line}", before.where, doubt)


def split_line(line: str) -> list[str]:
    """Return the keyword and arguments of a line, quotes and comments resolved; ``Key=value`` is allowed.

    >>> split_line('Port=22 # usual'), split_line('Match User "ann b"')
    (['Port', '22'], ['Match', 'User', 'ann b'])
    """
    text = line.strip()
    if not text or text.startswith("#"):
        return []
    head, mark, tail = text.partition("=")
    if mark and head.strip().isalnum():
        text = f"{head.strip()} {tail.strip()}"
    if '"' not in text and "'" not in text and "\\" not in text:  # nearly all lines; shlex is slow
        return text.partition("#")[0].split()
    try:
        return shlex.split(text, comments=True)
    except ValueError:  # an unbalanced quote: sshd refuses the file; we read on
        return text.split()


def _recognise(document: Document) -> int:
    if document.at("etc/ssh/sshd_config", "etc/ssh/sshd_config.d/*.conf", "sshd_config", "private/etc/ssh/sshd_config"):
        return SURE
    lines = [line.partition("=")[0].split(None, 1) for line in document.head.splitlines()[:100] if line.strip() and line.lstrip()[0] != "#"]
    words = [line[0] if line else "" for line in lines]
    known = sum(1 for word in words if word.lower() in KEYWORDS and not word.islower())
    filled = len(words)
    return LIKELY if known >= 3 and known * 2 > filled else 0


def _mains(documents: list[Document]) -> list[Document]:
    """Return the files sshd starts with: those that are no drop-in, or all where there is nothing but drop-ins."""
    return [one for one in documents if not one.at("sshd_config.d/*")]


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    mains = _mains(documents)
    used: list[Document] = []
    for main in mains:
        reader = _Reader(bundle)
        reader.file(main, reader.scopes[0], 0)
        used += reader.seen
        said = [keyword for scope in reader.scopes for keyword in scope.values]
        if said and not any(keyword in KEYWORDS for keyword in said):
            yield Rejected(main, "holds no directive of sshd")
            continue
        doubt = reader.gaps[0] if reader.gaps else ""
        values = dict(reader.scopes[0].values)
        for keyword, default in DEFAULTS.items():
            if keyword not in values:
                values[keyword] = Setting(keyword, default, "OpenSSH's default: no line sets it", None, doubt)
        yield SshdSettings(
            host=bundle.host,
            as_of=main.as_of,
            where=tuple(Where(one.name) for one in dict.fromkeys(reader.seen)),
            service="ssh",
            scope=main.path if len(mains) > 1 else "",
            values=tuple(sorted(values.values(), key=lambda setting: setting.name)),
            matches=tuple(
                MatchBlock(scope.condition, tuple(scope.values.values()), scope.where) for scope in reader.scopes[1:] if scope.where is not None
            ),
        )
    for document in documents:
        if document not in used:
            why = "no sshd_config in the evidence includes it" if mains else "a part of sshd_config without the file that includes it"
            yield Rejected(document, why)


FORMAT = Format(
    name="sshd",
    title="OpenSSH server configuration (sshd_config)",
    recognise=_recognise,
    read=_read,
    collect="cp -r /etc/ssh/sshd_config /etc/ssh/sshd_config.d EVIDENCE/etc/ssh/; better: sudo sshd -T > EVIDENCE/commands/sshd-T.txt",
    references=("sshd_config(5)",),
)
