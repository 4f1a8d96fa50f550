"""A script of nftables as one run of words: what it includes filled in from the evidence, its variables replaced by what they stand for.

``define admins = { 192.0.2.0/24, 198.51.100.7 }`` and ``$admins``; ``include "/etc/nftables.d/*.nft"``. Nothing outside the evidence is read: a file
that is included and not there is a gap. Reference: nft(8).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.nftables_token import END, Token, tokens

_MOST = 4_000_000  # words of one script, with its variables filled in
_LONGEST = 200_000  # words of one variable
_FILES = 1_000
_DEPTH = 16  # of includes, as nft has it


@dataclass(slots=True)
class Script:
    """The words of a script; the documents it is made of; what of it is not there."""

    words: list[Token] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)


def assemble(document: Document, bundle: Bundle) -> Script:
    """Return the script that begins with *document*."""
    made = Script()
    _fill(document, bundle, made, {}, 0)
    return made


def _fill(document: Document, bundle: Bundle, made: Script, variables: dict[str, list[Token]], depth: int) -> None:
    made.documents.append(document)
    stream = list(tokens(document))
    at = 0
    begin = True  # of a statement
    while at < len(stream):
        token = stream[at]
        if begin and token.kind == "word" and token.text in {"define", "redefine", "undefine"}:
            at = _define(stream, at, variables, made)
        elif begin and token.kind == "word" and token.text == "include" and at + 1 < len(stream) and stream[at + 1].kind in {"text", "word"}:
            _include(stream[at + 1].text, token, bundle, made, variables, depth)
            at += 2
        elif len(made.words) > _MOST:
            made.gaps.append(f"line {token.line}: more than can be read")
            return
        else:
            made.words += variables.get(token.text[1:], [token]) if token.kind == "variable" else [token]
            begin = token.kind == END or token.text in {"{", "}"}
            at += 1


def _define(stream: list[Token], at: int, variables: dict[str, list[Token]], made: Script) -> int:
    """Take the definition at *at* and return where it ends: with its line, unless a brace is open."""
    word, name = stream[at].text, stream[at + 1].text if at + 1 < len(stream) else ""
    at += 2
    if word == "undefine":
        variables.pop(name, None)
        return at
    at += at < len(stream) and stream[at].text == "="
    held: list[Token] = []
    depth = 0
    while at < len(stream) and not (stream[at].kind == END and depth <= 0):
        token = stream[at]
        depth += (token.text == "{") - (token.text == "}") if token.kind == "sign" else 0
        if depth < 0:
            break
        if token.kind != END and len(held) <= _LONGEST:
            held += variables.get(token.text[1:], [token]) if token.kind == "variable" else [token]
        at += 1
    if len(held) > _LONGEST:
        made.gaps.append(f"line {stream[at - 1].line}: {name} is longer than can be read")
    variables[name] = held[:_LONGEST]
    return at


def _include(pattern: str, token: Token, bundle: Bundle, made: Script, variables: dict[str, list[Token]], depth: int) -> None:
    many = any(sign in pattern for sign in "*?[")
    own = token.document.path.rpartition("/")[0]
    found: list[Document] = []
    for wanted in (pattern,) if pattern.startswith("/") else (f"{own}/{pattern}", f"/etc/{pattern}", pattern):
        one = None if many else bundle.get(wanted)
        found = bundle.glob(wanted) if many else [one] if one is not None else []
        if found:
            break
    if not found and not (many and bundle.knows(pattern)):
        made.gaps.append(f"line {token.line} includes {pattern}, which is not in the evidence")
    for one in found:
        if depth >= _DEPTH or len(made.documents) > _FILES:
            made.gaps.append(f"line {token.line} includes {pattern}: more files within files than nft reads")
            return
        _fill(one, bundle, made, variables, depth + 1)
