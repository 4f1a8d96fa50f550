"""The policy of a tailnet (Tailscale, Headscale): rules in HuJSON, which is JSON with comments and commas at the end.

::

    {"acls": [{"action": "accept", "src": ["group:ops"], "dst": ["tag:db:22"]}],   // who reaches what
     "ssh": [{"action": "check", "src": ["group:ops"], "dst": ["tag:db"], "users": ["root"]}],}

Reference: Tailscale, "Syntax reference for the tailnet policy file".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Outcome, Rejected
from gatewatch.evidence.tree import parse_json
from gatewatch.schema.facts.broker import TailnetRule


def plain(text: str) -> str:
    """Return HuJSON as JSON: comments become spaces, a comma before a bracket goes; strings stay as they are.

    >>> plain('{"a": "//x", /* y */ "b": [1, 2, ], }').replace(" ", "")
    '{"a":"//x","b":[1,2]}'
    """
    out: list[str] = []
    at, size = 0, len(text)
    while at < size:
        letter = text[at]
        if letter == '"':
            end = at + 1
            while end < size and text[end] != '"':
                end += 2 if text[end] == "\\" else 1
            out.append(text[at : end + 1])
            at = end + 1
        elif text.startswith("//", at):
            end = text.find("\n", at)
            at = size if end < 0 else end
        elif text.startswith("/*", at):
            end = text.find("*/", at + 2)
            at = size if end < 0 else end + 2
        else:
            if letter in "]}":
                _drop_comma(out)
            out.append(letter)
            at += 1
    return "".join(out)


def _drop_comma(out: list[str]) -> None:
    at = len(out) - 1
    while at >= 0 and out[at].isspace():
        at -= 1
    if at >= 0 and out[at] == ",":
        del out[at:]


def _recognise(document: Document) -> int:
    text = document.text[:60_000]
    if document.head.lstrip()[:1] not in {"{", "/"}:
        return 0
    ours = sum(word in text for word in ('"tagOwners"', "autogroup:", '"autoApprovers"', '"nodeAttrs"', '"sshTests"', '"grants"', '"acls"'))
    return SURE if ours >= 2 and ('"acls"' in text or '"grants"' in text or '"ssh"' in text) else 0


def _texts(tree: Any) -> tuple[str, ...]:
    return tuple(str(one) for one in tree) if isinstance(tree, list) else (str(tree),) if isinstance(tree, str) else ()


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        tree, fault = parse_json(plain(document.text))
        if not isinstance(tree, dict):
            yield Rejected(document, fault or "is no object")
            continue
        made = list(_rules(tree, document, bundle))
        yield from made
        if not made:
            yield Rejected(document, "has no acls, no grants and no ssh: what holds without them is not in the file")


def _rules(tree: dict[str, Any], document: Document, bundle: Bundle) -> Iterator[TailnetRule]:
    for kind, key in (("acl", "acls"), ("grant", "grants"), ("ssh", "ssh")):
        listed = tree.get(key)
        for number, rule in enumerate(listed if isinstance(listed, list) else ()):
            if not isinstance(rule, dict):
                continue
            sources = _texts(rule.get("src")) or _texts(rule.get("users") if kind == "acl" else None)
            targets = _texts(rule.get("dst")) or _texts(rule.get("ports"))
            if kind == "grant":
                ports = _texts(rule.get("ip"))
                targets = tuple(f"{target}:{port}" for target in targets for port in ports)
            shown = f"{', '.join(sources)} -> {', '.join(targets)}"
            yield TailnetRule(
                host=bundle.host, as_of=document.as_of, where=(document.spot(f"$.{key}[{number}]", shown),), kind=kind,
                action=str(rule.get("action") or "accept"), sources=sources, targets=targets,
                users=_texts(rule.get("users")) if kind == "ssh" else (),
            )  # fmt: skip


FORMAT = Format(
    name="tailnet",
    title="Policy of a tailnet (Tailscale, Headscale)",
    recognise=_recognise,
    read=_read,
    collect="the policy file of the tailnet (console: Access controls; API: GET /tailnet/-/acl) as EVIDENCE/TAILNET/policy.hujson",
    references=("Tailscale: Syntax reference for the tailnet policy file",),
)
