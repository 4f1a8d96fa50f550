"""pf.conf of OpenBSD, FreeBSD and macOS: the last rule that matches decides, unless one says quick.

::

    ext = "em0"
    table <admins> { 192.0.2.0/24, !192.0.2.9 }
    set skip on lo
    block log all
    pass in on $ext proto tcp from <admins> to any port ssh

Translation (``rdr``, ``rdr-to``) and anchors are not followed: with either, answers are at most "may". Reference: pf.conf(5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import LIKELY, SURE, Format, Ignored, Outcome
from gatewatch.evidence.pf_rule import Names, expand, rules, table, tokens
from gatewatch.schema.facts.filter import Action, Chain, PacketFilter, Rule, Semantics

_MACRO = re.compile(r"^([A-Za-z_]\w{0,63})\s*=\s*(.*)$")
_RULE = re.compile(r"^\s*(?:block|pass)\b", re.MULTILINE)
_OWN = re.compile(
    r"^\s*(?:set skip|scrub|match|anchor|rdr|nat|table <|block (?:in|out|all|log|drop|return|quick)|pass (?:in|out|quick|all|on))", re.MULTILINE
)


def _recognise(document: Document) -> int:
    if document.at("pf.conf", "pf.conf.*", "pfctl-sr.txt", "pf.anchors/*"):
        return SURE if _RULE.search(document.text[:200_000]) or _OWN.search(document.head) else 0
    return LIKELY if _RULE.search(document.head) and len(_OWN.findall(document.head)) >= 3 and "{" + "}" not in document.head else 0


def _statements(document: Document) -> Iterator[tuple[int, str]]:
    """Yield the statements with the lines they begin on: a backslash or an open brace goes on."""
    held, start = "", 0
    for number, line in enumerate(document.lines, 1):
        text = line.partition("#")[0].rstrip() if '"' not in line.partition("#")[0] or line.count('"') % 2 == 0 else line.rstrip()
        if not held:
            start = number
        more = text.endswith("\\")
        held = f"{held} {text.rstrip(chr(92))}" if held else text.rstrip("\\")
        if (more or held.count("{") > held.count("}")) and len(held) < 8192:
            continue
        if held.strip():
            yield start, held.strip()
        held = ""
    if held.strip():
        yield start, held.strip()


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        names = Names()
        chains: dict[str, list[Rule]] = {"in": [], "out": []}
        gaps: list[str] = []
        for number, statement in _statements(document):
            text = expand(statement, names)
            macro = _MACRO.match(statement)
            words = tokens(text)
            if macro and not statement.startswith(("set ", "pass ", "block ")):
                names.macros[macro.group(1)] = expand(macro.group(2).strip().strip('"'), names)
            elif words and words[0] == "table":
                names.tables.update(table(text))
            elif words[:3] == ["set", "skip", "on"]:
                names.skipped += [word for word in words[3:] if word not in {"{", "}", ","}]
            elif words and words[0] in {"pass", "block"}:
                direction, made = rules(document, number, words, names)
                for where in ("in", "out") if direction == "both" else (direction,):
                    chains[where] += made
                if "$" in text:
                    gaps.append(f"line {number} names a macro that is not defined")
            elif words and words[0] in {"anchor", "load", "include"}:
                gaps.append(f"line {number}: {words[0]} {' '.join(words[1:2])} is not followed")
            elif words and words[0] in {"rdr", "binat"}:
                gaps.append(f"line {number}: translation is not followed")
            if text.count("{") != text.count("}"):
                gaps.append(f"line {number} opens a list that does not end; the file may be cut off")
        if not chains["in"] and not chains["out"] and not gaps:
            yield Ignored(document, "holds no rule")
            continue
        skip = tuple(Rule(Action.ACCEPT, document.where(1), interfaces_in=(face,), quick=True, comment="set skip") for face in names.skipped)
        yield PacketFilter(
            host=bundle.host, as_of=document.as_of, where=(document.where(1),), platform="pf", semantics=Semantics.LAST_MATCH,
            chains=(Chain("in", (*skip, *chains["in"]), Action.ACCEPT), Chain("out", tuple(chains["out"]), Action.ACCEPT)),
            input=("in",), forward=("in", "out"), incomplete="; ".join(gaps[:3]),
        )  # fmt: skip


FORMAT = Format(
    name="pf",
    title="Rules of pf (pf.conf)",
    recognise=_recognise,
    read=_read,
    collect="pfctl -sr > EVIDENCE/commands/pfctl-sr.txt, and cp /etc/pf.conf EVIDENCE/etc/",
    references=("pf.conf(5)",),
)
