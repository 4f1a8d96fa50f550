"""pf.conf of OpenBSD, FreeBSD and macOS: the last rule that matches decides, unless one says quick.

::

    ext = "em0"
    table <admins> { 192.0.2.0/24, !192.0.2.9 }
    set skip on lo
    block log all
    pass in on $ext proto tcp from <admins> to any port ssh

Anchors are followed where their rules stand in braces or in a file that is loaded into them and is in the evidence; tables are filled from files,
or from what ``pfctl -t NAME -T show`` said. A rule with ``rdr-to`` decides and translates at once: where there is one, what it leads to is asked of
the rules on the way out. Where something is missing, and for ``match … rdr-to`` and ``binat-to``, answers are at most "may". Reference: pf.conf(5).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import LIKELY, SURE, Format, Ignored, Outcome
from gatewatch.evidence.pf_rule import Names, both_ways, expand, redirect, rules, table, tokens
from gatewatch.schema.facts.filter import Action, Chain, PacketFilter, Rule, Semantics

_MACRO = re.compile(r"^([A-Za-z_]\w{0,63})\s*=\s*(.*)$", re.DOTALL)
_LOADED = re.compile(r'^\s*(?:load\s+anchor\s+\S{1,128}\s+from|include)\s+"?([^"\s]{1,256})', re.MULTILINE)
_DEEP = 8  # anchors within anchors
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
    yield from _joined(enumerate(document.lines, 1))


def _joined(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    held, start = "", 0
    for number, line in lines:
        text = line.partition("#")[0].rstrip() if '"' not in line.partition("#")[0] or line.count('"') % 2 == 0 else line.rstrip()
        if not held:
            start = number
        more = text.endswith("\\")
        glue = " " if held.endswith(" ") else "\n"  # a line that goes on; a line within braces, where an anchor has rules
        text = f"{text.rstrip(chr(92))} " if more else text
        held = f"{held}{glue}{text}" if held else text
        if (more or held.count("{") > held.count("}")) and len(held) < 8192:
            continue
        if held.strip():
            yield start, held.strip()
        held = ""
    if held.strip():
        yield start, held.strip()


@dataclass(slots=True)
class _Reader:
    """What a configuration says so far. ``loaded``: the files that fill anchors."""

    document: Document
    bundle: Bundle
    names: Names = field(default_factory=Names)
    chains: dict[str, list[Rule]] = field(default_factory=lambda: {"in": [], "out": []})
    translations: list[Rule] = field(default_factory=list)
    exchanged: list[Rule] = field(default_factory=list)  # of binat, which come before those of rdr
    gaps: list[str] = field(default_factory=list)
    loaded: dict[str, str] = field(default_factory=dict)
    budget: int = 200_000  # statements, with those of anchors each time they are taken

    def read(self, document: Document, statements: Iterable[tuple[int, str]], depth: int = 0) -> None:
        """Take the *statements* of *document* in their order."""
        for number, statement in statements:
            self.budget -= 1
            if self.budget < 0:
                self.gaps.append(f"line {number}: more rules than can be read")
                return
            text = expand(statement, self.names)
            macro = _MACRO.match(statement)
            words = tokens(text)
            if macro and not statement.startswith(("set ", "pass ", "block ")):
                self.names.macros[macro.group(1)] = expand(macro.group(2).strip().strip('"'), self.names)
            elif words:
                self._statement(document, number, text, words, depth)
            if text.count("{") != text.count("}"):
                self.gaps.append(f"line {number} opens a list that does not end; the file may be cut off")

    def _statement(self, document: Document, number: int, text: str, words: list[str], depth: int) -> None:
        if words[0] == "table":
            self.names.tables.update(table(text, self.bundle.get))
        elif words[:3] == ["set", "skip", "on"]:
            self.names.skipped += [word for word in words[3:] if word not in {"{", "}", ","}]
        elif words[0] in {"pass", "block"}:
            direction, made = rules(document, number, words, self.names)
            for where in ("in", "out") if direction == "both" else (direction,):
                self.chains[where] += made
            if "binat-to" in words:
                self.gaps.append(f"line {number}: the way in of binat-to is not followed")
            if "$" in text:
                self.gaps.append(f"line {number} names a macro that is not defined")
        elif words[0] in {"anchor", "rdr-anchor", "include"}:
            self._anchor(document, number, text, words, depth)
        elif words[:2] == ["load", "anchor"] and "from" in words[:-1]:
            self.loaded.setdefault(words[2].strip("/*"), words[words.index("from") + 1])
        elif words[0] in {"rdr", "no"} and "rdr" in words[:2]:
            self.translations += redirect(document, number, words, self.names)
            if "pass" in words[:3]:
                self.gaps.append(f"line {number}: what it translates passes by the rules")
        elif words[0] == "match" and {"rdr-to", "binat-to", "af-to", "divert-to"} & set(words):
            self.gaps.append(f"line {number}: what match translates is not followed")
        elif words[0] == "binat" and "->" in words:
            self.exchanged += both_ways(document, number, words, self.names)
            if "pass" in words[:2]:
                self.gaps.append(f"line {number}: what it translates passes by the rules")
        elif words[0] in {"binat", "binat-anchor", "load"}:
            self.gaps.append(f"line {number}: {words[0]} is not followed")

    def _anchor(self, document: Document, number: int, text: str, words: list[str], depth: int) -> None:
        """Take the rules of an anchor where it stands: those in its braces, those of a file that was loaded into it, or none that are known."""
        name = words[1] if len(words) > 1 else ""
        bare = name.strip("/*")
        inner = None
        if words[0] == "include":
            inner = self.bundle.get(name)
        elif "{" in text and words[0] == "anchor":
            head, _, body = text.partition("{")
            if tokens(head)[2:] not in ([], ["all"]) or depth > _DEEP:
                self.gaps.append(f"line {number}: the anchor {name} is bound to conditions that are not followed")
                return
            lines = enumerate(body.rpartition("}")[0].split("\n"), number)
            self.read(document, list(_joined(lines)), depth + 1)
            return
        elif bare in self.loaded:
            inner = self.bundle.get(self.loaded[bare])
        if inner is None or depth > _DEEP or words[2:] not in ([], ["all"]):
            why = ": what it holds is not in the evidence" if inner is None else ""
            self.gaps.append(f"line {number}: {words[0]} {name} is not followed{why}")
            return
        self.read(inner, [one for one in _statements(inner) if _of(one[1], words[0])], depth + 1)


def _of(statement: str, what: str) -> bool:
    """Return whether a statement of a file counts for an anchor of rules, or for one of translations."""
    first = statement.split(None, 1)[0]
    translates = first.startswith(("rdr", "no", "nat", "binat"))
    return True if what == "include" else translates == (what == "rdr-anchor") or first == "table" or "=" in first


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    filled = {path.strip("/") for one in documents for path in _LOADED.findall(one.text)}
    for document in documents:
        if any(document.at(path) for path in filled):
            continue  # its rules are read where the anchor stands
        reader = _Reader(document, bundle)
        statements = list(_statements(document))
        for _, statement in statements:  # an anchor may stand before the line that fills it
            words = tokens(statement)
            if words[:2] == ["load", "anchor"] and "from" in words[:-1]:
                reader.loaded.setdefault(words[2].strip("/*"), words[words.index("from") + 1])
        reader.read(document, statements)
        chains, gaps = reader.chains, reader.gaps
        translations = (*reader.exchanged, *reader.translations)
        if not chains["in"] and not chains["out"] and not gaps and not translations:
            yield Ignored(document, "holds no rule")
            continue
        skip = tuple(Rule(Action.ACCEPT, document.where(1), interfaces_in=(face,), quick=True, comment="set skip") for face in reader.names.skipped)
        moves = any(rule.action is Action.NAT for rule in chains["in"])  # rdr-to: the rule that decides translates too
        if moves and translations:
            gaps.append("rdr and rdr-to stand in one file: the second translation is not followed")
        yield PacketFilter(
            host=bundle.host, as_of=document.as_of, where=(document.where(1),), platform="pf", semantics=Semantics.LAST_MATCH,
            chains=(
                Chain("in", (*skip, *chains["in"]), Action.ACCEPT), Chain("out", tuple(chains["out"]), Action.ACCEPT),
                Chain("rdr", translations, Action.ACCEPT, semantics=Semantics.FIRST_MATCH),
            ),
            prerouting=("rdr", "in") if moves else ("rdr",), input=() if moves else ("in",), forward=("out",) if moves else ("in", "out"),
            incomplete="; ".join(gaps[:3]),
        )  # fmt: skip


FORMAT = Format(
    name="pf",
    title="Rules of pf (pf.conf)",
    recognise=_recognise,
    read=_read,
    collect="cp -r /etc/pf.conf /etc/pf.anchors EVIDENCE/etc/; pfctl -t NAME -T show > EVIDENCE/commands/pf-table-NAME.txt",
    references=("pf.conf(5)",),
)
