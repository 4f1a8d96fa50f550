"""Apache's virtual hosts, with the headers in force in each.

::

    <VirtualHost *:443>
        ServerName portal.example.com
        SSLEngine on
        Header always set Content-Security-Policy "default-src 'self'"
        <Location "/app"> Header unset Content-Security-Policy </Location>
    </VirtualHost>

Without ``always`` a header is missing from errors. What stands outside every host holds in all of them, and is overridden there.
Reference: Apache HTTP Server, mod_headers.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import LIKELY, SURE, Format, Ignored, Outcome, Rejected
from gatewatch.evidence.mask import quote
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.web import WebHeader, WebPlace

_OPEN = re.compile(r"<(\w+)\s*([^>]{0,300})>")
_CLOSE = re.compile(r"</(\w+)>")
_SETS = frozenset({"set", "add", "append", "merge", "setifempty"})
_INCLUDES = 200


@dataclass(slots=True)
class _Block:
    kind: str
    argument: str
    where: Where
    lines: list[tuple[list[str], Where]] = field(default_factory=list)
    inner: list[_Block] = field(default_factory=list)


def _recognise(document: Document) -> int:
    if document.at("apache2/apache2.conf", "httpd/conf/httpd.conf"):
        return SURE
    if document.at("apache2/sites-enabled/*", "apache2/conf-enabled/*", "httpd/conf.d/*.conf", "apache2/sites-available/*"):
        return LIKELY + 10
    return LIKELY if re.search(r"(?mi)^\s{0,40}<VirtualHost\s", document.text[:65536]) else 0


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text, posix=True)
    except ValueError:
        return text.split()


def _parse(document: Document, bundle: Bundle, root: _Block, missing: list[str], budget: list[int]) -> str:
    """Read *document* into *root*; return what is wrong with it."""
    stack = [root]
    held, start = "", 0
    for number, line in enumerate(document.lines, 1):
        start = start or number
        if line.rstrip().endswith("\\"):
            held += line.rstrip()[:-1] + " "
            continue
        text, place = (held + line).strip(), start
        held, start = "", 0
        if not text or text.startswith("#"):
            continue
        closed = _CLOSE.match(text)
        opened = _OPEN.match(text)
        if closed:
            if len(stack) == 1 or stack[-1].kind != closed[1].lower():
                return f"closes <{closed[1]}> that is not open (line {place})"
            stack.pop()
        elif opened:
            made = _Block(opened[1].lower(), opened[2].strip().strip('"'), document.where(place))
            transparent = made.kind in {"ifmodule", "ifdefine", "ifversion", "if", "else", "elseif"}
            stack[-1].inner.append(made) if not transparent else None
            stack.append(_Block(made.kind, "", made.where, stack[-1].lines, stack[-1].inner) if transparent else made)
        else:
            words = _words(text)
            if words and words[0].lower() in {"include", "includeoptional"} and len(words) > 1:
                _include(words, document, bundle, stack[-1], missing, budget)
            elif words:
                stack[-1].lines.append((words, document.where(place)))
    return f"ends within <{stack[-1].kind}>" if len(stack) > 1 else ""


def _include(words: list[str], document: Document, bundle: Bundle, block: _Block, missing: list[str], budget: list[int]) -> None:
    found = [one for one in bundle.glob(words[1]) if one.name != document.name]
    if not found and words[0].lower() == "include" and "*" not in words[1]:
        missing.append(words[1])
    for one in found:
        if budget[0] > 0:
            budget[0] -= 1
            _parse(one, bundle, block, missing, budget)


def _headers(block: _Block, inherited: tuple[WebHeader, ...]) -> tuple[WebHeader, ...]:
    found = list(inherited)
    for words, where in block.lines:
        if words[0].lower() != "header" or len(words) < 3:
            continue
        always = words[1].lower() == "always"
        rest = words[2:] if words[1].lower() in {"always", "onsuccess"} else words[1:]
        if len(rest) < 2:
            continue
        action, name = rest[0].lower(), rest[1].lower()
        if action in {"unset", "set"}:
            found = [one for one in found if one.name != name or one.always != always]
        if action in _SETS and len(rest) > 2:
            found.append(WebHeader(name, quote(rest[2]), always, where))
    return tuple(found)


_EVERYTHING = frozenset({"^", ".*", "^.*", "^.*$", "(.*)", "^(.*)", "^(.*)$", "^/?(.*)", "^/?(.*)$", "^/(.*)", "^/(.*)$", "/(.*)", "^/", "^/?"})


def _always(words: list[str], block: _Block) -> bool:
    """Return whether the condition of a rewrite holds for whatever comes in plain: no TLS, its own name, anything but a proof for a certificate."""
    asked, wanted = words[1].upper(), words[2].lower()
    names = {word.lower() for one, _ in block.lines if one[0].lower() in {"servername", "serveralias"} for word in one[1:]}
    if asked in {"%{HTTPS}", "%{SERVER_PORT}", "%{REQUEST_SCHEME}"}:
        return wanted in {"off", "!on", "!=on", "=off", "!^on$", "80", "^80$", "!443", "!^443$", "!=443", "http", "=http"}
    if asked in {"%{SERVER_NAME}", "%{HTTP_HOST}"}:
        return wanted.lstrip("=^").rstrip("$").replace("\\", "") in names
    return asked == "%{REQUEST_URI}" and wanted.startswith("!") and "well-known" in wanted


def _redirect(block: _Block) -> str:
    bound = False
    for words, _ in block.lines:
        name = words[0].lower()
        if name in {"redirect", "redirectpermanent"}:
            rest = [word for word in words[1:] if word.lower() not in {"permanent", "temp", "301", "302", "307", "308"}]
            if len(rest) == 2 and rest[0] == "/":
                return rest[1]
        if name == "rewritecond" and len(words) >= 3:
            bound = bound or not _always(words, block)
        elif name == "rewriterule" and len(words) >= 3:
            if not bound and words[1] in _EVERYTHING and words[2].startswith("https://"):
                return words[2]
            bound = False  # conditions are of the next rule only
    return ""


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    main = [one for one in documents if one.at("apache2/apache2.conf", "httpd/conf/httpd.conf")]
    for document in main or [one for one in documents if not one.at("apache2/conf-enabled/*", "apache2/sites-available/*")]:
        root = _Block("", "", document.where(1))
        missing: list[str] = []
        fault = _parse(document, bundle, root, missing, [_INCLUDES])
        if fault:
            yield Rejected(document, fault)
            continue
        doubt = f"{', '.join(dict.fromkeys(missing))} not in the evidence" if missing else ""
        around = _headers(root, ())
        hosts = [one for one in root.inner if one.kind == "virtualhost"]
        if not hosts:
            yield Ignored(document, "declares no virtual host")
        for host in hosts:
            yield from _places(host, around, document, bundle, doubt)


def _places(block: _Block, around: tuple[WebHeader, ...], document: Document, bundle: Bundle, doubt: str) -> Iterator[WebPlace]:
    site = next((words[1] for words, _ in block.lines if words[0].lower() == "servername" and len(words) > 1), "_")
    tls = any(words[0].lower() == "sslengine" and words[1:2] == ["on"] for words, _ in block.lines)
    headers = _headers(block, around)
    redirect = _redirect(block)
    yield WebPlace(
        host=bundle.host, as_of=document.as_of, where=(block.where,), product="apache", site=site, tls=tls, redirects=redirect, headers=headers,
        uncertain=doubt,
    )  # fmt: skip
    for one in block.inner if not redirect else ():
        if one.kind in {"location", "locationmatch"}:
            mine = _headers(one, headers)
            lost = tuple(dict.fromkeys(held.name for held in headers if held.name not in {mine_.name for mine_ in mine}))
            yield WebPlace(
                host=bundle.host, as_of=document.as_of, where=(one.where,), product="apache", site=site, path=one.argument, tls=tls, headers=mine,
                lost=lost, uncertain=doubt, redirects=_redirect(one),
            )  # fmt: skip


FORMAT = Format(
    name="apache",
    title="Apache HTTP Server (virtual hosts)",
    recognise=_recognise,
    read=_read,
    collect="cp -r /etc/apache2 EVIDENCE/etc/ (or /etc/httpd)",
    references=("Apache HTTP Server: mod_headers",),
)
