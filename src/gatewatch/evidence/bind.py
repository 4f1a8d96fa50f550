"""named.conf: the zones a BIND resolver answers by itself, and its response policy zones.

::

    options { response-policy { zone "rpz.example" policy given log yes; }; };
    zone "rpz.example" { type primary; file "/etc/bind/rpz.db"; };
    zone "onion" { type primary; file "/etc/bind/db.empty"; };

Reference: BIND 9 Administrator Reference Manual, "response-policy".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from gatewatch.evidence.dns_name import clean, policy_names
from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import LIKELY, MAYBE, SURE, Format, Outcome, Rejected
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.web import DnsFilter, DnsZone, PolicyZone

_DEPTH = 16
_TOKEN = re.compile(r'/\*|//[^\n]*|#[^\n]*|"[^"\n]*"|[{};]|[^\s{};"]+|\n')


_AFTER = frozenset({"policy", "log", "recursive-only", "max-policy-ttl", "break-dnssec", "qname-wait-recurse"})
"""Words that follow the braces of ``response-policy``."""


@dataclass(slots=True)
class Statement:
    """A statement: its words and, in braces, others."""

    words: list[str]
    where: Where
    inner: list[Statement] = field(default_factory=list)


def _recognise(document: Document) -> int:
    if document.at("named.conf", "named.conf.*", "named/*.conf", "named.*.zones"):
        return SURE
    if document.at("etc/bind/*", "var/named/*"):
        return MAYBE
    head = document.text[:65536]
    return LIKELY if "response-policy" in head and "{" in head else 0


def statements(document: Document, bundle: Bundle, missing: list[str], depth: int = 0) -> tuple[list[Statement], str]:
    """Return the statements of a file, includes followed, and what is wrong with its end."""
    top: list[Statement] = []
    stack: list[list[Statement]] = [top]
    words: list[str] = []
    line, start, skip = 1, 1, False
    text = document.text
    position = 0
    while position < len(text):
        found = _TOKEN.search(text, position)
        if found is None:
            break
        piece, position = found[0], found.end()
        if piece == "/*":
            end = text.find("*/", position)
            skip = end < 0
            line += text.count("\n", position, end if end >= 0 else len(text))
            position = end + 2 if end >= 0 else len(text)
        elif piece == "\n":
            line += 1
        elif piece.startswith(("//", "#")):
            continue
        elif piece == "{":
            made = Statement(words, document.where(start if words else line))
            stack[-1].append(made)
            stack.append(made.inner)
            words = []
            if len(stack) > 60:
                return top, f"nested too deeply (line {line})"
        elif piece == "}":
            if len(stack) > 1:
                stack.pop()
        elif piece == ";":
            if words:
                _finish(words, document, start, stack, bundle, missing, depth)
            words = []
        else:
            start = line if not words else start
            words.append(piece.strip('"'))
    return top, f"ends within a block (line {line})" if len(stack) > 1 or skip or words else ""


def _finish(
    words: list[str], document: Document, start: int, stack: list[list[Statement]], bundle: Bundle, missing: list[str], depth: int
) -> None:
    if words[0] == "include" and len(words) > 1:
        found = bundle.get(words[1])
        if found is None or depth >= _DEPTH:
            missing.append(words[1])
        elif found.name != document.name:
            stack[-1].extend(statements(found, bundle, missing, depth + 1)[0])
    elif stack[-1] and stack[-1][-1].inner and words[0] in _AFTER:
        stack[-1][-1].words.extend(words)
    else:
        stack[-1].append(Statement(words, document.where(start)))


def _everywhere(listed: list[Statement], name: str) -> Iterator[Statement]:
    for one in listed:
        if one.words[:1] == [name]:
            yield one
        yield from _everywhere(one.inner, name)


def _zone(statement: Statement, bundle: Bundle) -> tuple[str, str, Document | None]:
    inside = {one.words[0]: one.words[1] for one in statement.inner if len(one.words) > 1}
    file = inside.get("file", "")
    return clean(statement.words[1]), inside.get("type", ""), bundle.get(file) if file else None


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    main = [one for one in documents if one.at("named.conf")]
    pieces = [one for one in documents if one.at("named.conf.*", "named/*.conf", "named.*.zones")]
    parts = [] if main else pieces  # Debian's, where the file that names them was left behind
    for document in main or parts[:1] or documents[:1]:
        missing: list[str] = []
        listed, fault = statements(document, bundle, missing)
        for part in parts[1:]:
            more, wrong = statements(part, bundle, missing)
            listed, fault = listed + more, fault or wrong
        if parts:
            fault = fault or "named.conf is not in the evidence: the files it includes were read in its place"
        if not listed:
            yield Rejected(document, fault or "sets nothing")
            continue
        doubt = "; ".join(one for one in (fault, f"{', '.join(missing)} not in the evidence" if missing else "") if one)
        declared = {}
        zones = []
        for one in _everywhere(listed, "zone"):
            if len(one.words) < 2 or not one.inner:
                continue
            name, kind, file = _zone(one, bundle)
            declared[name] = file
            if kind in {"primary", "master"}:
                names = policy_names(file.lines, name)[0] if file is not None else None
                empty = names is not None and not names
                zones.append(DnsZone(name, f"zone of type {kind}" + (", empty" if empty else ""), True if empty else None, one.where))
        policies: list[PolicyZone] = []
        for group in _everywhere(listed, "response-policy"):
            settings = dict(zip(group.words[1::2], group.words[2::2], strict=False))
            inner = [one for one in group.inner if one.words[:1] == ["zone"] and len(one.words) > 1]
            policies += [_policy(one, declared, settings) for one in inner]
        yield DnsFilter(
            host=bundle.host, as_of=document.as_of, where=(listed[0].where,), product="bind", zones=tuple(zones), policies=tuple(policies),
            incomplete=doubt,
        )  # fmt: skip


def _policy(one: Statement, declared: dict[str, Document | None], settings: dict[str, str]) -> PolicyZone:
    name = clean(one.words[1])
    own = {**settings, **dict(zip(one.words[2::2], one.words[3::2], strict=False))}
    file = declared.get(name)
    names, fault = policy_names(file.lines, name) if file is not None else (None, "its zone file is not in the evidence")
    if name not in declared:
        fault = "no zone of that name is declared"
    return PolicyZone(
        name, own.get("policy", "given").lower() not in {"passthru", "disabled"}, own.get("log", "yes").lower() in {"yes", "true", "1"}, names, fault,
        one.where,
    )  # fmt: skip


FORMAT = Format(
    name="bind",
    title="BIND resolver (named.conf)",
    recognise=_recognise,
    read=_read,
    collect="cp -r /etc/bind EVIDENCE/etc/ (or /etc/named.conf and /var/named)",
    references=("BIND 9 Administrator Reference Manual",),
)
