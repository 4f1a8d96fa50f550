"""sudoers: who runs what as somebody else.

::

    Cmnd_Alias PKG = /usr/bin/apt, /usr/bin/dpkg
    %users  ALL=(root) NOPASSWD: PKG
    #includedir /etc/sudoers.d

Aliases of users and commands are resolved; hosts are taken to match. Reference: sudoers(5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Outcome
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.control import SudoRule, SudoRules

_ALIAS = re.compile(r"(User_Alias|Cmnd_Alias)\s{1,20}([A-Z][A-Z0-9_]{0,60})\s{0,20}=\s{0,20}(.{1,4000})$")
_RULE = re.compile(r"((?:[\w%+#@.\\-]|\\ ){1,100}(?:\s{0,4},\s{0,4}[\w%+#@.\\-]{1,100}){0,20})\s{1,40}[\w.,*!-]{1,200}\s{0,20}=\s{0,20}(.{1,4000})$")
_TAG = re.compile(r"\s*(NOPASSWD|PASSWD|SETENV|NOSETENV|NOEXEC|EXEC|LOG_INPUT|LOG_OUTPUT|NOLOG_INPUT|NOLOG_OUTPUT|FOLLOW|NOFOLLOW|MAIL|NOMAIL)\s*:")
_RUNAS = re.compile(r"\s*\([^()]{0,200}\)\s*")


def _recognise(document: Document) -> int:
    return SURE if document.at("etc/sudoers", "sudoers.d/*") else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    aliases: dict[str, tuple[str, ...]] = {}
    lines: list[tuple[Document, int, str]] = []
    missing: list[str] = []
    for document in documents:
        for number, text in _joined(document):
            alias = _ALIAS.match(text)
            if alias is not None:
                for part in text[text.index(alias[2]) :].split(":"):
                    name, _, listed = part.partition("=")
                    aliases[name.strip()] = tuple(one.strip() for one in listed.split(",") if one.strip())
                continue
            included = re.match(r"[#@]include\s{1,10}(\S{1,300})", text)
            if included is not None and bundle.get(included[1]) is None:
                missing.append(included[1])
            lines.append((document, number, text))
    main = next((one for one in documents if one.at("etc/sudoers")), None)
    yield SudoRules(
        host=bundle.host, as_of=documents[0].as_of, where=((main or documents[0]).where(1),),
        missing=tuple(missing) if main is not None else ("/etc/sudoers", *missing),
    )  # fmt: skip
    for document, number, text in lines:
        rule = _RULE.match(text) if not text.startswith(("#", "Defaults", "@")) else None
        if rule is None or "_Alias" in rule[1]:
            continue
        whos = [who for one in rule[1].split(",") for who in aliases.get(one.strip(), (one.strip(),))]
        for commands, passwordless in _commands(rule[2], aliases):
            for who in whos:
                yield SudoRule(
                    host=bundle.host, as_of=document.as_of, where=(Where(document.name, number, document.where(number).quote),), who=who,
                    commands=commands, passwordless=passwordless,
                )  # fmt: skip


def _joined(document: Document) -> Iterator[tuple[int, str]]:
    held, start = "", 0
    for number, line in enumerate(document.lines, 1):
        if not held:
            start = number
        if line.endswith("\\"):
            held += line[:-1] + " "
            continue
        text = (held + line).strip()
        held = ""
        if text and not (text.startswith("#") and not text.startswith("#include")):
            yield start, text.partition(" #")[0].strip()


def _commands(text: str, aliases: dict[str, tuple[str, ...]]) -> Iterator[tuple[tuple[str, ...], bool]]:
    """Yield the commands with and without a password; a tag holds for what follows it."""
    with_, without = list[str](), list[str]()
    free = False
    for part in text.split(","):
        rest = _RUNAS.sub(" ", part, count=1).strip()
        while (tag := _TAG.match(rest)) is not None:
            free = {"NOPASSWD": True, "PASSWD": False}.get(tag[1], free)
            rest = rest[tag.end() :].strip()
        if rest:
            (without if free else with_).extend(aliases.get(rest, (rest,)))
    if with_:
        yield tuple(with_), False
    if without:
        yield tuple(without), True


FORMAT = Format(
    name="sudoers",
    title="sudoers: who runs what as root",
    recognise=_recognise,
    read=_read,
    collect="sudo cp -r /etc/sudoers /etc/sudoers.d EVIDENCE/etc/",
    references=("sudoers(5)",),
)
