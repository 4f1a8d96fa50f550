"""squid.conf: who may get where through a Squid proxy.

::

    acl localnet src 10.0.0.0/8
    acl tor_nodes dst "/etc/squid/tor.txt"
    acl SSL_ports port 443
    http_access deny tor_nodes
    http_access deny CONNECT !SSL_ports
    http_access allow localnet
    http_access deny all

The first ``http_access`` whose terms all hold decides; after the last, the opposite of the last. Lines of one list add up; quoted values name
files. Reference: Squid configuration directives (acl, http_access, access_log).
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field

from gatewatch.evidence.address import parse_span, spans
from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import LIKELY, MAYBE, SURE, Format, Ignored, Outcome, Rejected
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.machine import LogTarget
from gatewatch.schema.facts.web import ProxyAcl, ProxyPolicy, ProxyRule

_DEPTH = 16
_ADDRESSES = frozenset({"src", "dst", "localip"})
_FLAGS = frozenset({"-i", "-n", "-m", "--", "+i"})


@dataclass(slots=True)
class _State:
    acls: dict[str, tuple[str, list[str], list[str], bool]] = field(default_factory=dict)
    rules: list[ProxyRule] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    logs: list[tuple[list[str], Where]] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    lists: set[str] = field(default_factory=set)


def _recognise(document: Document) -> int:
    if document.at("squid/squid.conf"):
        return SURE
    head = document.text[:65536]
    if document.at("squid/conf.d/*.conf", "squid/conf.d/*"):
        return LIKELY
    if document.at("etc/squid/*"):
        return MAYBE
    return LIKELY if "http_access " in head and "acl " in head else 0


def _words(line: str) -> list[str]:
    try:
        lexer = shlex.shlex(line, posix=False, punctuation_chars=False)
        lexer.whitespace_split, lexer.commenters, lexer.quotes = True, "#", '"'
        return list(lexer)
    except ValueError:
        return line.partition("#")[0].split()


def _logical(document: Document) -> Iterator[tuple[int, str]]:
    held, start = "", 0
    for number, line in enumerate(document.lines, 1):
        start = start or number
        if line.rstrip().endswith("\\"):
            held += line.rstrip()[:-1] + " "
            continue
        yield start, held + line
        held, start = "", 0
    if held:
        yield start, held


def _walk(document: Document, bundle: Bundle, state: _State, depth: int = 0) -> None:
    if depth > _DEPTH or document.name in state.taken:
        return
    state.taken.add(document.name)
    for number, line in _logical(document):
        words = _words(line)
        if len(words) < 2:
            continue
        name = words[0]
        if name == "include":
            for pattern in words[1:]:
                found = bundle.glob(pattern.strip('"'))
                if not found and "*" not in pattern:
                    state.missing.append(pattern.strip('"'))
                for one in found:
                    _walk(one, bundle, state, depth + 1)
        elif name == "acl" and len(words) >= 3:
            _acl(words, bundle, state)
        elif name == "http_access" and words[1] in {"allow", "deny"}:
            terms = tuple((word.lstrip("!"), word.startswith("!")) for word in words[2:])
            state.rules.append(ProxyRule(words[1] == "allow", terms, document.where(number)))
        elif name == "access_log":
            state.logs.append((words[1:], document.where(number)))


def _acl(words: list[str], bundle: Bundle, state: _State) -> None:
    kind, values, missing, fold = state.acls.get(words[1], (words[2], [], [], False))
    for word in words[3:]:
        if word in _FLAGS:
            fold = fold or word == "-i"
        elif word.startswith('"') and word.endswith('"') and len(word) > 1:
            document = bundle.get(word[1:-1])
            if document is None:
                missing.append(word[1:-1])
            else:
                state.lists.add(document.name)
                values += [text for line in document.lines if (text := line.partition("#")[0].strip())]
        else:
            values.append(word)
    state.acls[words[1]] = (kind, values, missing, fold)


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    main = [one for one in documents if one.at("squid/squid.conf")] or [one for one in documents if not one.at("squid/conf.d/*")] or documents[:1]
    taken = {one.name for one in main}
    for document in main:
        state = _State()
        _walk(document, bundle, state)
        taken |= state.taken | state.lists
        if not state.rules and not state.acls:
            yield Rejected(document, "has neither acl nor http_access")
            continue
        acls = []
        for name, (kind, values, missing, fold) in state.acls.items():
            networks = spans(span for text in values if (span := parse_span(text)) is not None) if kind in _ADDRESSES else ()
            acls.append(ProxyAcl(name, kind, tuple(values) if kind not in _ADDRESSES else tuple(values[:50]), tuple(missing), networks, fold))
        on = [words for words, _ in state.logs if words[0] not in {"none", "off"}]
        selective = any(len([word for word in words[1:] if "=" not in word]) > 1 for words in on)
        where = state.rules[0].where if state.rules else document.where(1)
        place = state.logs[0][1] if state.logs else None
        yield ProxyPolicy(
            host=bundle.host, as_of=document.as_of, where=(where,), product="squid", acls=tuple(acls), rules=tuple(state.rules),
            incomplete=f"{', '.join(state.missing)} not in the evidence" if state.missing else "",
            log_denied=(None if selective else True) if on or not state.logs else False, log_place=place,
        )  # fmt: skip
        for words, at in state.logs or [(["daemon:/var/log/squid/access.log"], where)]:
            target = words[0]
            if target not in {"none", "off"}:
                yield LogTarget(
                    host=bundle.host, as_of=document.as_of, where=(at,), service="proxy", target=target,
                    remote=target.startswith(("tcp:", "udp:")), encrypted=False if target.startswith(("tcp:", "udp:")) else None, kinds=("deny",),
                )  # fmt: skip
    for document in documents:
        if document.name not in taken:
            yield Ignored(document, "no squid.conf of this host reads it")


FORMAT = Format(
    name="squid",
    title="Squid proxy (squid.conf)",
    recognise=_recognise,
    read=_read,
    collect="cp -r /etc/squid EVIDENCE/etc/",
    references=("Squid configuration directives",),
)
