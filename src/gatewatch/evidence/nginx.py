"""nginx.conf: the servers and locations of nginx, with the headers in force in each.

::

    server {
        listen 443 ssl; server_name vpn.example.com;
        add_header Content-Security-Policy "default-src 'self'" always;
        location /app { add_header X-Robots-Tag none; }     # here no header of the server holds any more
    }

``add_header`` is inherited only by a block that has none of its own. Reference: nginx, ngx_http_headers_module.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import LIKELY, MAYBE, SURE, Format, Outcome, Rejected
from gatewatch.evidence.mask import quote
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.web import WebHeader, WebPlace

_LACKS = "(include)"  # in place of a file that is not in the evidence
_DEPTH = 16
_NESTED = 60
_PIECE = re.compile(r"""#[^\n]*|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[{};]|\n|(?:\$\{\w+\}|[^\s{};"'#\\]|\\.|(?<=\S)["'#])+""", re.DOTALL)
_REDIRECTS = frozenset({"301", "302", "303", "307", "308"})


@dataclass(slots=True)
class Directive:
    """A directive: its words, its place and, for a block, what stands in it."""

    words: list[str]
    where: Where
    inner: list[Directive] = field(default_factory=list)
    block: bool = False


def _recognise(document: Document) -> int:
    if document.at("nginx/nginx.conf"):
        return SURE
    if document.at("nginx/conf.d/*", "nginx/sites-enabled/*", "nginx/sites-available/*", "nginx/snippets/*"):
        return LIKELY + 10
    if document.at("etc/nginx/*", "nginx/snippets/*/*"):
        return MAYBE
    head = document.text[:65536]
    return LIKELY if re.search(r"(?m)^\s{0,40}server\s{0,4}\{", head) and re.search(r"(?m)^\s{0,40}(?:listen|server_name)\s", head) else 0


def directives(document: Document, bundle: Bundle, missing: list[str], depth: int = 0) -> tuple[list[Directive], str]:
    """Return the directives of a file, includes followed, and what is wrong with it."""
    top: list[Directive] = []
    stack = [top]
    words: list[str] = []
    line = start = 1
    for found in _PIECE.finditer(document.text):
        piece = found[0]
        if piece == "\n":
            line += 1
        elif piece == "{":
            made = Directive(words, document.where(start if words else line), block=True)
            stack[-1].append(made)
            stack.append(made.inner)
            words = []
            if len(stack) > _NESTED:
                return top, f"nested too deeply (line {line})"
        elif piece == "}":
            if len(stack) == 1:
                return top, f"closes a block that is not open (line {line})"
            stack.pop()
        elif piece == ";":
            if words[:1] == ["include"] and len(words) > 1:
                before = len(missing)
                stack[-1].extend(_included(words[1], document, bundle, missing, depth))
                stack[-1] += [Directive([_LACKS, name], document.where(start)) for name in missing[before:]]
            elif words:
                stack[-1].append(Directive(words, document.where(start)))
            words = []
        elif not piece.startswith("#"):
            start = line if not words else start
            quoted = piece[:1] in {'"', "'"} and len(piece) > 1
            words.append(piece[1:-1] if quoted else piece)
            line += piece.count("\n")
    return top, f"ends within a block (line {line})" if len(stack) > 1 or words else ""


def _included(pattern: str, document: Document, bundle: Bundle, missing: list[str], depth: int) -> list[Directive]:
    path = pattern if pattern.startswith("/") else f"nginx/{pattern}"
    found = [one for one in bundle.glob(path) if one.name != document.name] if depth < _DEPTH else []
    if not found and "*" not in pattern and not pattern.endswith(("mime.types", "fastcgi_params", "fastcgi.conf", "proxy_params")):
        missing.append(pattern)
    return [one for each in found for one in directives(each, bundle, missing, depth + 1)[0]]


def _headers(block: list[Directive], inherited: tuple[WebHeader, ...]) -> tuple[WebHeader, ...]:
    own = tuple(
        WebHeader(one.words[1].lower(), quote(one.words[2]), "always" in one.words[3:], one.where)
        for one in block
        if one.words[:1] == ["add_header"] and len(one.words) >= 3
    )
    return own or inherited


def _redirect(block: list[Directive]) -> str:
    """Return where a block sends everybody; empty when it serves something."""
    for one in block:
        if one.words[:1] == ["return"] and len(one.words) == 3 and one.words[1] in _REDIRECTS:
            return one.words[2]
        if one.words[:1] == ["return"] and len(one.words) == 2:
            return one.words[1] if one.words[1].startswith("http") else f"status {one.words[1]}"
    return ""


def _servers(listed: list[Directive], headers: tuple[WebHeader, ...], depth: int = 0) -> Iterator[tuple[Directive, tuple[WebHeader, ...]]]:
    for one in listed:
        if one.words == ["http"] and depth < 3:
            yield from _servers(one.inner, _headers(one.inner, headers), depth + 1)
        elif one.words == ["server"] and one.block:
            yield one, headers


def _locations(block: list[Directive], headers: tuple[WebHeader, ...], depth: int = 0) -> Iterator[
    tuple[str, Directive, tuple[WebHeader, ...], tuple[WebHeader, ...]]
]:
    for one in block:
        if one.words[:1] == ["location"] and one.block and depth < 8:
            name = " ".join(one.words[1:])
            mine = _headers(one.inner, headers)
            yield name, one, mine, headers
            yield from _locations(one.inner, mine, depth + 1)


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    main = [one for one in documents if one.at("nginx/nginx.conf")]
    tops = main or [one for one in documents if not one.at("nginx/snippets/*")]
    for document in tops:
        missing: list[str] = []
        listed, fault = directives(document, bundle, missing)
        if fault:
            yield Rejected(document, fault)
            continue
        top = [name for one in listed if one.words == ["http"] for name in _lacking(one.inner)] + _lacking(listed)
        for server, around in _servers(listed, _headers(listed, ())):
            yield from _places(server, around, document, bundle, top)


def _lacking(block: list[Directive]) -> list[str]:
    return [one.words[1] for one in block if one.words[:1] == [_LACKS]]


def _doubt(names: list[str], mine: tuple[WebHeader, ...], *, own: bool) -> str:
    """Return why the headers of a block may be others: a file it, or what it inherits from, includes is not there and could hold some.

    A block with headers of its own inherits none, and a header that is there is not taken away by another file.
    """
    sure = own and {"content-security-policy", "strict-transport-security"} <= {one.name for one in mine}
    return "" if sure or not names else f"{', '.join(dict.fromkeys(names))} not in the evidence"


def _own(block: list[Directive]) -> bool:
    return any(one.words[:1] == ["add_header"] for one in block)


def _places(server: Directive, around: tuple[WebHeader, ...], document: Document, bundle: Bundle, top: list[str]) -> Iterator[WebPlace]:
    listens = [one.words for one in server.inner if one.words[:1] == ["listen"]]
    names = [word for one in server.inner if one.words[:1] == ["server_name"] for word in one.words[1:]]
    tls = any("ssl" in words[2:] or words[1:2] == ["443"] for words in listens) or any(one.words == ["ssl", "on"] for one in server.inner)
    site = names[0] if names else "_"
    headers = _headers(server.inner, around)
    here = _lacking(server.inner)
    doubt = _doubt(here if _own(server.inner) else [*here, *top], headers, own=_own(server.inner))
    yield WebPlace(
        host=bundle.host, as_of=document.as_of, where=(server.where,), product="nginx", site=site, tls=tls, redirects=_redirect(server.inner),
        headers=headers, uncertain=doubt, lost=_lost(headers, around),
    )  # fmt: skip
    if _redirect(server.inner):
        return
    for name, location, mine, outer in _locations(server.inner, headers):
        inner = _lacking(location.inner)
        unsure = _doubt(inner, mine, own=True) if _own(location.inner) else doubt or _doubt(inner, mine, own=False)
        yield WebPlace(
            host=bundle.host, as_of=document.as_of, where=(location.where,), product="nginx", site=site, path=name, tls=tls,
            redirects=_redirect(location.inner), headers=mine, lost=_lost(mine, outer), uncertain=unsure,
        )  # fmt: skip


def _lost(mine: tuple[WebHeader, ...], outer: tuple[WebHeader, ...]) -> tuple[str, ...]:
    held = {one.name for one in mine}
    return tuple(dict.fromkeys(one.name for one in outer if one.name not in held))


FORMAT = Format(
    name="nginx",
    title="nginx (nginx.conf and what it includes)",
    recognise=_recognise,
    read=_read,
    collect="cp -r /etc/nginx EVIDENCE/etc/ (or nginx -T > EVIDENCE/commands/nginx.conf)",
    references=("ngx_http_headers_module",),
)
