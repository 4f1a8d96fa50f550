"""A rule as nftables' language writes it, in the form its JSON has: matches, verdicts, translations; what is not read is an ``unread`` statement.

Reading goes on at the next verdict after a form that is not followed, so that the rule at least *may* do what it says. Reference: nft(8).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gatewatch.evidence.nftables_expression import Cursor, UnreadError, elements, field, operator, right_side, verdict
from gatewatch.evidence.nftables_token import END

Expression = dict[str, Any]
_BITMASKS = ({"ct": {"key": "state"}}, {"ct": {"key": "status"}}, {"payload": {"protocol": "tcp", "field": "flags"}})
_VERDICTS = ("accept", "drop", "continue", "return", "jump", "goto", "reject", "queue", "dnat", "redirect")
_FLAGS = frozenset({"random", "fully-random", "persistent"})


def rule_body(cursor: Cursor) -> tuple[list[Expression], str]:
    """Return the expressions of the rule that begins here, and its comment."""
    made: list[Expression] = []
    comment = ""
    while not cursor.ended():
        if cursor.sees("comment"):
            cursor.take()
            if not cursor.ended():
                comment = cursor.take().text
            continue
        begin = cursor.at
        cursor.depth = 0
        try:
            made += _statement(cursor)
        except UnreadError:
            made.append({"unread": _passed_over(cursor, begin)})
    here = cursor.here
    if here is not None and here.text.startswith("#") and not here.text.startswith("# handle") and cursor.dumped:
        made.append({"unread": here.text[:80]})  # what iptables put there and older versions cannot show, with all that follows
    return made, comment


def _passed_over(cursor: Cursor, begin: int) -> str:
    """Go on to the next verdict, or to the end of the statement; return the words passed over."""
    cursor.at = begin + 1
    depth = int(cursor.words[begin].text == "{" and cursor.words[begin].kind == "sign")
    while (here := cursor.here) is not None:
        if here.kind == "sign" and here.text in {"{", "}"}:
            depth += 1 if here.text == "{" else -1
            if depth < 0:
                break
        elif depth == 0 and (here.kind == END or cursor.sees(*_VERDICTS, "comment")):
            break
        cursor.at += 1
    return " ".join(one.text for one in cursor.words[begin : min(cursor.at, begin + 24)] if one.kind != END)


def _statement(cursor: Cursor) -> list[Expression]:
    made = verdict(cursor)
    if made is not None:
        return [made]
    here = cursor.here
    reader = _READERS.get(here.text) if here is not None and here.kind == "word" else None
    if reader is not None:
        return reader(cursor)
    return _match(cursor)


def _match(cursor: Cursor) -> list[Expression]:
    left = field(cursor)
    if cursor.passed("vmap"):
        return [{"vmap": {"key": left, "data": _table(cursor)}}]
    if cursor.passed("set"):
        _value(cursor)
        return [{"mangle": {"key": left}}]
    if cursor.sees("exists", "missing"):
        return [{"match": {"op": "==", "left": left, "right": cursor.take().text == "exists"}}]
    said = operator(cursor)
    right = right_side(cursor)
    bitmask = left in _BITMASKS or (isinstance(left, dict) and "&" in left)
    if isinstance(right, dict) and "/" in right:
        if left not in _BITMASKS:
            raise UnreadError
        value, mask = right["/"]
        return [{"match": {"op": said or "==", "left": {"&": [left, mask]}, "right": value if len(value) > 1 else value[0]}}]
    implied = "in" if bitmask and not (isinstance(right, dict) and "set" in right) else "=="
    return [{"match": {"op": said or implied, "left": left, "right": right}}]


def _table(cursor: Cursor) -> Any:
    """Return the data of a map: its name, or its elements."""
    if cursor.sees("{"):
        return {"set": elements(cursor)}
    here = cursor.take()
    if here.kind != "set":
        raise UnreadError
    return here.text


def _value(cursor: Cursor) -> Any:
    """Return a value that may be looked up in a map by a field: ``tcp dport map { 80 : 8080 }``."""
    begin = cursor.at
    try:
        left = field(cursor)
    except UnreadError:
        cursor.at = begin
        return right_side(cursor)
    if cursor.passed("map"):
        return {"map": {"key": left, "data": _table(cursor)}}
    return left


def _counter(cursor: Cursor) -> list[Expression]:
    cursor.take()
    if cursor.passed("name"):
        _value(cursor)
        return [{"counter": None}]
    for word in ("packets", "bytes"):
        if cursor.passed(word):
            cursor.take()
    return [{"counter": None}]


def _log(cursor: Cursor) -> list[Expression]:
    cursor.take()
    while cursor.sees("prefix", "level", "group", "snaplen", "queue-threshold", "flags"):
        word = cursor.take().text
        cursor.take()
        if word == "flags":
            while cursor.passed(",") or cursor.sees("sequence", "options", "seq"):
                cursor.take()
    return [{"log": None}]


def _limit(cursor: Cursor) -> list[Expression]:
    word = cursor.take().text
    said: list[str] = []
    if cursor.passed("name"):
        _value(cursor)
        return [{word: "named"}]
    while cursor.sees("rate", "over", "until", "burst", "packets", "bytes", "used", "/") or _measured(cursor):
        said.append(cursor.take().text)
    return [{word: " ".join(said)}]


def _measured(cursor: Cursor) -> bool:
    here = cursor.here
    if here is None:
        return False
    units = {"second", "minute", "hour", "day", "week", "bytes", "kbytes", "mbytes"}
    return here.kind == "number" or (here.kind == "word" and here.text.partition("/")[0] in units)


def _tracking(cursor: Cursor) -> list[Expression]:
    """Read what begins with ``ct``: a count, a helper that is set, or a match."""
    following = cursor.words[cursor.at + 1].text if cursor.at + 1 < len(cursor.words) else ""
    if following == "count":
        cursor.at += 2
        cursor.passed("over")
        cursor.take()
        return [{"ct count": None}]
    return _match(cursor)


def _reject(cursor: Cursor) -> list[Expression]:
    cursor.take()
    kind = ""
    if cursor.passed("with"):
        kind = " ".join([cursor.take().text, *(cursor.take().text for _ in range(1) if cursor.sees("reset"))])
        while not cursor.ended() and not cursor.sees("comment"):
            cursor.take()
    return [{"reject": {"type": kind}}]


def _queue(cursor: Cursor) -> list[Expression]:
    cursor.take()
    while not cursor.ended() and not cursor.sees("comment"):
        cursor.take()
    return [{"queue": None}]


def _translate(cursor: Cursor) -> list[Expression]:
    """Read ``dnat ip to 10.0.0.1:80``, ``redirect to :8080``, ``snat``, ``masquerade``, ``tproxy``."""
    word = cursor.take().text
    body: dict[str, Any] = {}
    if cursor.sees("ip", "ip6"):
        body["family"] = cursor.take().text
    prefixed = cursor.passed("prefix")
    if cursor.passed("to"):
        if cursor.passed("addr"):  # addr . port, as older versions wrote
            cursor.passed(".")
            cursor.passed("port")
        if not cursor.sees(":"):
            found = _value(cursor)
            pair = found.get("concat") if isinstance(found, dict) else None
            if isinstance(pair, list) and len(pair) == 2:
                body["addr"], body["port"] = pair
            elif word == "redirect" and not isinstance(found, dict | str):
                body["port"] = found
            else:
                body["addr"] = found
        if cursor.passed(":"):
            body["port"] = _value(cursor)
    while cursor.passed(*_FLAGS) or cursor.passed(","):
        pass
    if prefixed or cursor.passed("prefix"):
        body["type_flags"] = "prefix"
    return [{word: body or None}]


def _updated(cursor: Cursor) -> list[Expression]:
    """Read what puts an element into a set: ``add @seen { ip saddr timeout 5m limit rate 3/minute }``."""
    cursor.take()
    here = cursor.take()
    if here.kind != "set":
        raise UnreadError
    _passed_braces(cursor)
    return [{"set": here.text}]


def _meter(cursor: Cursor) -> list[Expression]:
    cursor.take()
    while not cursor.ended() and not cursor.sees("{"):
        cursor.take()
    _passed_braces(cursor)
    return [{"meter": None}]


def _passed_braces(cursor: Cursor) -> None:
    depth = 0
    while (here := cursor.here) is not None:
        cursor.at += 1
        if here.kind == "sign" and here.text in {"{", "}"}:
            depth += 1 if here.text == "{" else -1
            if depth <= 0:
                return
    raise UnreadError


def _flow(cursor: Cursor) -> list[Expression]:
    cursor.take()
    cursor.passed("add", "offload")
    cursor.take()
    return [{"flow": None}]


def _alone(cursor: Cursor) -> list[Expression]:
    return [{cursor.take().text: None}]


def _last(cursor: Cursor) -> list[Expression]:
    cursor.take()
    if cursor.passed("used"):
        cursor.take()
    return [{"last": None}]


def _duplicated(cursor: Cursor) -> list[Expression]:
    cursor.take()
    cursor.passed("to")
    _value(cursor)
    if cursor.passed("device"):
        _value(cursor)
    return [{"dup": None}]


def _foreign(cursor: Cursor) -> list[Expression]:
    """Read what iptables put there and nft cannot show: ``xt match "recent"``."""
    cursor.take()
    kind = cursor.take().text
    return [{"xt": {"type": kind, "name": cursor.take().text}}]


_READERS: dict[str, Callable[[Cursor], list[Expression]]] = {
    "counter": _counter, "log": _log, "limit": _limit, "quota": _limit, "ct": _tracking, "reject": _reject, "queue": _queue, "dnat": _translate,
    "snat": _translate, "masquerade": _translate, "redirect": _translate, "tproxy": _translate, "add": _updated, "update": _updated,
    "delete": _updated, "meter": _meter, "flow": _flow, "notrack": _alone, "last": _last, "dup": _duplicated, "xt": _foreign,
}  # fmt: skip
