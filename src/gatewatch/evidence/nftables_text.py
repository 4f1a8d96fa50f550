"""nftables as text: a dump (``nft list ruleset``) or a script, read into the entries that nftables' JSON has, each with its line.

::

    table inet filter {
        set admins { type ipv4_addr; flags interval; elements = { 192.0.2.0/24 } }
        chain input { type filter hook input priority filter; policy drop;
            ip saddr @admins tcp dport 22 accept
        }
    }
    add rule inet filter input tcp dport 443 accept

Commands are followed in their order, as the kernel would: ``flush``, ``delete``, ``add``, ``insert``, ``create``. Reference: nft(8).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gatewatch.evidence.nftables_expression import Cursor, UnreadError, elements
from gatewatch.evidence.nftables_filter import BRIDGE_PRIORITIES, PRIORITIES
from gatewatch.evidence.nftables_source import Script
from gatewatch.evidence.nftables_statement import rule_body
from gatewatch.evidence.nftables_token import END, Token
from gatewatch.schema.facts.base import Where

FAMILIES = ("inet", "ip", "ip6", "arp", "bridge", "netdev")
_TableKey = tuple[str, str]
_Key = tuple[str, str, str]
_COMMANDS = ("add", "create", "insert", "replace", "delete", "destroy", "flush", "reset", "list", "rename", "export", "monitor", "describe")
_OBJECTS = ("counter", "quota", "limit", "ct", "flowtable", "secmark", "synproxy", "tunnel")


@dataclass(slots=True)
class Ruleset:
    """What a script declares: tables, chains with their rules, sets and maps; ``gaps``: what of it could not be followed."""

    tables: dict[_TableKey, dict[str, Any]] = field(default_factory=dict)
    chains: dict[_Key, tuple[dict[str, Any], Where]] = field(default_factory=dict)
    rules: dict[_Key, list[tuple[dict[str, Any], Where]]] = field(default_factory=dict)
    sets: dict[_Key, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)

    def entries(self) -> list[tuple[dict[str, Any], Where]]:
        """Return everything as the entries of nftables' JSON, with their places."""
        nowhere = next((where for _, where in self.chains.values()), Where("", 0))
        made: list[tuple[dict[str, Any], Where]] = [({"table": one}, nowhere) for one in self.tables.values()]
        made += [({word: one}, nowhere) for word, one in self.sets.values()]
        made += [({"chain": one}, where) for one, where in self.chains.values()]
        return made + [({"rule": one}, where) for key in self.chains for one, where in self.rules.get(key, ())]

    def forget(self, table: _TableKey) -> None:
        """Drop a table with all it holds."""
        self.tables.pop(table, None)
        for key in [key for key in self.chains if key[:2] == table]:
            del self.chains[key]
            self.rules.pop(key, None)
        for key in [key for key in self.sets if key[:2] == table]:
            del self.sets[key]


def read_script(script: Script, *, dumped: bool) -> Ruleset:
    """Return what *script* declares. ``dumped``: it is what nftables wrote itself."""
    made = Ruleset(gaps=list(script.gaps))
    cursor = Cursor(script.words, dumped=dumped)
    while cursor.here is not None:
        begin = cursor.at
        try:
            _command(cursor, made)
        except UnreadError:
            made.gaps.append(_gap(script.words[begin]))
            _to_end(cursor)
        if cursor.at == begin:
            cursor.at += 1
    return made


def _gap(token: Token) -> str:
    return f"line {token.line} of {token.document.path} is not understood"


def _to_end(cursor: Cursor) -> None:
    """Go on to the end of the statement, past the braces it opens."""
    depth = 0
    while (here := cursor.here) is not None:
        if here.kind == "sign" and here.text in {"{", "}"}:
            depth += 1 if here.text == "{" else -1
            if depth < 0:
                return
        elif here.kind == END and depth == 0:
            return
        cursor.at += 1


def _command(cursor: Cursor, made: Ruleset) -> None:
    here = cursor.take()
    if here.kind == END:
        return
    if here.kind != "word":
        raise UnreadError
    if here.text == "table":
        _table(cursor, made, _table_name(cursor), here)
    elif here.text in _COMMANDS:
        _ordered(cursor, made, here)
    else:  # as at nft's own prompt, add is understood
        cursor.at -= 1
        _ordered(cursor, made, here._replace(text="add"))


def _table_name(cursor: Cursor) -> _TableKey:
    family = cursor.take().text if cursor.sees(*FAMILIES) else "ip"
    return family, _name(cursor)


def _name(cursor: Cursor) -> str:
    here = cursor.take()
    if here.kind not in {"word", "text"}:
        raise UnreadError
    return here.text


def _table(cursor: Cursor, made: Ruleset, key: _TableKey, begin: Token) -> None:
    """Read the body of ``table inet filter { … }``; one that is there already grows."""
    table = made.tables.setdefault(key, {"family": key[0], "name": key[1]})
    if not cursor.passed("{"):
        return
    while True:
        here = cursor.here
        if here is None:
            made.gaps.append(f"table {key[1]} (line {begin.line} of {begin.document.path}) does not end; the file may be cut off")
            return
        cursor.at += 1
        if here.kind == END:
            continue
        if here.kind == "sign" and here.text == "}":
            return
        start = cursor.at - 1
        try:
            if here.text == "chain":
                _chain(cursor, made, key, _name(cursor))
            elif here.text in {"set", "map"}:
                _set(cursor, made, key, _name(cursor), here.text)
            elif here.text == "flags":
                table["flags"] = _words(cursor)
            else:
                cursor.at = start
                _skip(cursor, made, here)
        except UnreadError:
            made.gaps.append(_gap(here))
            _to_end(cursor)


def _words(cursor: Cursor) -> list[str]:
    made: list[str] = []
    while not cursor.ended():
        made.append(cursor.take().text)
    return made


def _skip(cursor: Cursor, made: Ruleset, here: Token) -> None:
    """Pass what decides nothing: a counter, a limit, a flowtable, a comment."""
    if here.text not in {*_OBJECTS, "comment", "elements"}:
        made.gaps.append(_gap(here))
    _to_end(cursor)


def _chain(cursor: Cursor, made: Ruleset, table: _TableKey, name: str) -> None:
    """Read the body of a chain: its hook, its policy, its rules."""
    key = (*table, name)
    begin = cursor.words[cursor.at - 1]
    chain = _declared(made, key, begin)
    if not cursor.passed("{"):
        return
    while True:
        here = cursor.here
        if here is None:
            made.gaps.append(f"chain {name} (line {begin.line} of {begin.document.path}) does not end; the file may be cut off")
            return
        if here.kind == END:
            cursor.at += 1
        elif cursor.passed("}"):
            return
        elif here.text == "type" and here.kind == "word":
            cursor.at += 1
            _hook(cursor, chain)
            made.chains[key] = chain, here.document.where(here.line)
        elif here.text == "policy" and here.kind == "word":
            cursor.at += 1
            chain["policy"] = cursor.take().text
            made.chains[key] = chain, here.document.where(here.line)
        elif here.text in {"comment", "devices"} and here.kind == "word":
            _to_end(cursor)
        else:
            _rule(cursor, made, key, here)


def _declared(made: Ruleset, key: _Key, begin: Token) -> dict[str, Any]:
    made.tables.setdefault(key[:2], {"family": key[0], "name": key[1]})
    found = made.chains.setdefault(key, ({"family": key[0], "table": key[1], "name": key[2]}, begin.document.where(begin.line)))
    return found[0]


def _hook(cursor: Cursor, chain: dict[str, Any]) -> None:
    """Read ``type filter hook input priority filter - 5``, the devices of a chain that stands on some."""
    chain["type"] = cursor.take().text
    if not cursor.passed("hook"):
        raise UnreadError
    chain["hook"] = cursor.take().text
    while cursor.passed("device", "devices", "="):
        if cursor.sees("{"):
            chain["dev"] = [one for one in elements(cursor) if isinstance(one, str)]
        elif not cursor.sees("="):
            chain["dev"] = [cursor.take().text]
    if cursor.passed("priority"):
        sign = -1 if cursor.passed("-") else 1
        here = cursor.take()
        chain["prio"] = sign * int(here.text) if here.text.isdigit() else _priority(chain, here.text)
        if cursor.sees("+", "-"):
            sign = 1 if cursor.take().text == "+" else -1
            shift = cursor.take().text
            chain["prio"] += sign * int(shift) if shift.isdigit() else 0
    if not cursor.ended():
        raise UnreadError


def _priority(chain: dict[str, Any], name: str) -> int:
    return (BRIDGE_PRIORITIES if chain.get("family") == "bridge" else PRIORITIES).get(name, 0)


def _rule(cursor: Cursor, made: Ruleset, key: _Key, begin: Token, *, first: bool = False) -> None:
    expressions, comment = rule_body(cursor)
    rule = {"family": key[0], "table": key[1], "chain": key[2], "expr": expressions, "comment": comment}
    rules = made.rules.setdefault(key, [])
    rules.insert(0 if first else len(rules), (rule, begin.document.where(begin.line)))


def _set(cursor: Cursor, made: Ruleset, table: _TableKey, name: str, word: str) -> None:
    """Read the body of a set or map: its flags and elements; its type is told by what is in it."""
    key = (*table, name)
    found = made.sets.setdefault(key, (word, {"family": key[0], "table": key[1], "name": key[2], "elem": []}))[1]
    if not cursor.passed("{"):
        return
    while True:
        here = cursor.take()
        if here.kind == END:
            continue
        if here.kind == "sign" and here.text == "}":
            return
        if here.text == "flags":
            found["flags"] = [*found.get("flags", []), *_words(cursor)]
        elif here.text == "elements":
            cursor.passed("=")
            if not cursor.sees("{"):
                raise UnreadError
            found["elem"] = [*found["elem"], *elements(cursor)]
        else:
            if here.text == "timeout":  # elements go by themselves
                found["flags"] = [*found.get("flags", []), "timeout"]
            _to_end(cursor)


def _ordered(cursor: Cursor, made: Ruleset, command: Token) -> None:
    """Follow one command: ``add rule inet filter input …``, ``flush ruleset``."""
    word = command.text
    if word in {"list", "reset", "export", "monitor", "describe"}:
        _to_end(cursor)
        return
    what = cursor.take().text
    if word in {"replace", "rename"}:
        raise UnreadError
    if what == "ruleset":
        family = cursor.take().text if cursor.sees(*FAMILIES) else ""
        for table in [one for one in made.tables if not family or one[0] == family]:
            made.forget(table)
        return
    if what not in {"table", "chain", "rule", "set", "map", "element", *_OBJECTS}:
        raise UnreadError
    if what in _OBJECTS:
        _to_end(cursor)
        return
    table = _table_name(cursor)
    if what == "table":
        _on_table(cursor, made, table, word, command)
        return
    key = (*table, _name(cursor))
    if word in {"delete", "destroy", "flush"}:
        _removed(cursor, made, key, word, what)
    elif what == "chain":
        _chain(cursor, made, table, key[2])
    elif what in {"set", "map"}:
        _set(cursor, made, table, key[2], what)
    elif what == "element":
        found = made.sets.get(key)
        if found is None or not cursor.sees("{"):
            raise UnreadError
        found[1]["elem"] = [*found[1]["elem"], *elements(cursor)]
    else:
        _placed_rule(cursor, made, key, word, command)


def _on_table(cursor: Cursor, made: Ruleset, table: _TableKey, word: str, command: Token) -> None:
    if word in {"delete", "destroy"}:
        made.forget(table)
    elif word == "flush":
        for key in [key for key in made.rules if key[:2] == table]:
            made.rules[key] = []
    else:
        _table(cursor, made, table, command)


def _removed(cursor: Cursor, made: Ruleset, key: _Key, word: str, what: str) -> None:
    if what == "chain":
        made.rules.pop(key, None)
        if word != "flush":
            made.chains.pop(key, None)
    elif what in {"set", "map"}:
        found = made.sets.pop(key, None)
        if word == "flush" and found is not None:
            made.sets[key] = found[0], {**found[1], "elem": []}
    elif what == "element" and key in made.sets and cursor.sees("{"):
        gone = elements(cursor)
        kept = made.sets[key][1]
        kept["elem"] = [one for one in kept["elem"] if one not in gone and not (isinstance(one, list) and one[0] in gone)]
    else:  # a rule by its number
        raise UnreadError
    _to_end(cursor)


def _placed_rule(cursor: Cursor, made: Ruleset, key: _Key, word: str, command: Token) -> None:
    if key not in made.chains or cursor.sees("position", "handle", "index"):
        raise UnreadError
    begin = cursor.here or command
    _rule(cursor, made, key, begin, first=word == "insert")
