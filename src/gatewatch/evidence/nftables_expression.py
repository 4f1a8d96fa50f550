"""Expressions of nftables' language in the form its JSON has: fields of packets, values, ranges, sets, maps, concatenations.

::

    ip saddr . tcp dport        {"concat": [{"payload": {"protocol": "ip", "field": "saddr"}}, …]}
    { 22, 80-90, 192.0.2.0/24 } {"set": [22, {"range": [80, 90]}, {"prefix": {"addr": "192.0.2.0", "len": 24}}]}

What has another form raises :class:`UnreadError`; the statement it stands in becomes a doubt. References: nft(8), libnftables-json(5).
"""

from __future__ import annotations

from typing import Any

from gatewatch.evidence.nftables_token import END, Token

_DEEP = 24  # expressions within expressions
_PAYLOADS: dict[str, frozenset[str]] = {
    "ether": frozenset({"saddr", "daddr", "type"}),
    "vlan": frozenset({"id", "dei", "cfi", "pcp", "type"}),
    "arp": frozenset({"htype", "ptype", "hlen", "plen", "operation"}),
    "ip": frozenset({"version", "hdrlength", "dscp", "ecn", "length", "id", "frag-off", "ttl", "protocol", "checksum", "saddr", "daddr"}),
    "ip6": frozenset({"version", "dscp", "ecn", "flowlabel", "length", "nexthdr", "hoplimit", "saddr", "daddr"}),
    "icmp": frozenset({"type", "code", "checksum", "id", "sequence", "gateway", "mtu"}),
    "icmpv6": frozenset({"type", "code", "checksum", "parameter-problem", "packet-too-big", "id", "sequence", "max-delay", "taddr", "daddr"}),
    "igmp": frozenset({"type", "mrt", "checksum", "group"}),
    "tcp": frozenset({"sport", "dport", "sequence", "ackseq", "doff", "reserved", "flags", "window", "checksum", "urgptr"}),
    "udp": frozenset({"sport", "dport", "length", "checksum"}),
    "udplite": frozenset({"sport", "dport", "csumcov", "checksum"}),
    "sctp": frozenset({"sport", "dport", "vtag", "checksum"}),
    "dccp": frozenset({"sport", "dport", "type"}),
    "th": frozenset({"sport", "dport"}),
    "ah": frozenset({"nexthdr", "hdrlength", "reserved", "spi", "sequence"}),
    "esp": frozenset({"spi", "sequence"}),
    "comp": frozenset({"nexthdr", "flags", "cpi"}),
    "gre": frozenset({"flags", "version", "protocol"}),
}
_PROTOCOL_FIELDS = frozenset({"protocol", "nexthdr"})
_META = frozenset(
    {"mark", "iif", "iifname", "iiftype", "oif", "oifname", "oiftype", "skuid", "skgid", "nftrace", "rtclassid", "ibrname", "obrname", "pkttype",
     "cpu", "iifgroup", "oifgroup", "cgroup", "priority", "time", "day", "hour", "protocol", "nfproto", "l4proto", "length", "random", "secpath",
     "ibridgename", "obridgename", "ibrpvid", "ibrvproto", "sdif", "sdifname", "broute", "secmark", "ipsec", "ibrhwaddr"}
)  # fmt: skip
_BARE_META = frozenset(
    {"mark", "iif", "iifname", "iiftype", "oif", "oifname", "oiftype", "skuid", "skgid", "nftrace", "rtclassid", "ibrname", "obrname", "pkttype",
     "cpu", "iifgroup", "oifgroup", "cgroup", "time", "day", "hour"}
)  # fmt: skip
_CT_DIRECTED = frozenset({"saddr", "daddr", "proto-src", "proto-dst", "l3proto", "protocol", "bytes", "packets", "avgpkt", "zone"})
_TO_HEADERS = frozenset({"hbh", "rt", "frag", "dst", "mh", "srh"})
OPERATORS = frozenset({"==", "!=", "<", ">", "<=", ">=", "!", "eq", "ne", "lt", "gt", "le", "ge"})
_WORD_OPERATORS = {"eq": "==", "ne": "!=", "lt": "<", "gt": ">", "le": "<=", "ge": ">="}


class UnreadError(Exception):
    """A form of the language that is not followed here."""


class Cursor:
    """A place in a run of words; ``dumped``: nftables wrote them, nobody else."""

    __slots__ = ("at", "depth", "dumped", "words")

    def __init__(self, words: list[Token], *, dumped: bool = False) -> None:
        """Stand before the first of *words*."""
        self.words, self.at, self.depth, self.dumped = words, 0, 0, dumped

    @property
    def here(self) -> Token | None:
        """The next word, not taken yet; None at the end."""
        return self.words[self.at] if self.at < len(self.words) else None

    def sees(self, *texts: str) -> bool:
        """Return whether the next word is one of *texts*, not quoted."""
        here = self.here
        return here is not None and here.kind != "text" and here.text in texts

    def take(self) -> Token:
        """Return the next word and pass it."""
        here = self.here
        if here is None:
            raise UnreadError
        self.at += 1
        return here

    def passed(self, *texts: str) -> bool:
        """Pass the next word where it is one of *texts*; return whether it was."""
        if self.sees(*texts):
            self.at += 1
            return True
        return False

    def ended(self) -> bool:
        """Return whether a statement ends here."""
        here = self.here
        return here is None or here.kind == END or (here.kind == "sign" and here.text == "}")

    def skip_lines(self) -> None:
        """Pass the ends of lines, within braces."""
        while (here := self.here) is not None and here.kind == END:
            self.at += 1


def field(cursor: Cursor) -> Any:
    """Return the expression that stands on the left of a match, a map or a mangling: fields, joined by dots, perhaps masked."""
    parts = [_masked(cursor)]
    while cursor.passed("."):
        parts.append(_masked(cursor))
    return {"concat": parts} if len(parts) > 1 else parts[0]


def _masked(cursor: Cursor) -> Any:
    made = _field(cursor)
    while cursor.sees("&", "|", "^", "<<", ">>"):
        made = {cursor.take().text: [made, _operand(cursor)]}
    return made


def _field(cursor: Cursor) -> Any:
    here = cursor.take()
    word = here.text
    if here.kind == "set" and word in {"@th", "@nh", "@ll", "@ih"} and cursor.passed(","):
        offset = _number(cursor.take().text)
        cursor.passed(",")
        return {"payload": {"base": word[1:], "offset": offset, "len": _number(cursor.take().text)}}
    if here.kind != "word":
        raise UnreadError
    following = cursor.here
    name = following.text if following is not None and following.kind == "word" else ""
    if word == "tcp" and name == "option":
        cursor.take()
        option = cursor.take().text
        return {"tcp option": {"name": option, "field": cursor.take().text} if not cursor.sees("exists", "missing") else {"name": option}}
    if word in _PAYLOADS and name in _PAYLOADS[word]:
        cursor.take()
        return {"payload": {"protocol": word, "field": name}}
    if word == "meta" and name in _META:
        cursor.take()
        return {"meta": {"key": name}}
    if word in _BARE_META:
        return {"meta": {"key": word}}
    if word == "ct":
        return _tracked(cursor)
    if word == "fib":
        flags = [cursor.take().text]
        while cursor.passed("."):
            flags.append(cursor.take().text)
        return {"fib": {"result": cursor.take().text, "flags": flags}}
    if word in {"rt", "exthdr", *_TO_HEADERS}:
        if word == "exthdr":
            word = cursor.take().text
        return {"exthdr": {"name": word} if cursor.sees("exists", "missing") else {"name": word, "field": cursor.take().text}}
    if word in {"socket", "osf", "ipsec", "tunnel"}:
        return {word: {"key": cursor.take().text}}
    if word in {"numgen", "jhash", "symhash"}:
        return _generated(cursor, word)
    raise UnreadError


def _tracked(cursor: Cursor) -> Any:
    direction = cursor.take().text if cursor.sees("original", "reply") else ""
    key = cursor.take().text
    if key in {"ip", "ip6"} and cursor.sees("saddr", "daddr"):
        key = f"{key} {cursor.take().text}"
    if not direction and key in _CT_DIRECTED and cursor.sees("original", "reply"):
        direction = cursor.take().text
    return {"ct": {"key": key, "dir": direction} if direction else {"key": key}}


def _generated(cursor: Cursor, word: str) -> Any:
    """Pass a number that is made up: how, is of no interest."""
    said: list[str] = []
    while not cursor.ended() and not cursor.sees("map", "vmap", "==", "!=", "<", ">", "offset", "mod", "set"):
        said.append(cursor.take().text)
        if len(said) > 24:
            raise UnreadError
    for name in ("mod", "seed", "offset"):
        if cursor.passed(name):
            said += [name, cursor.take().text]
    return {word: " ".join(said)}


def operator(cursor: Cursor) -> str:
    """Return the operator of a match and pass it; empty where none is written."""
    if cursor.sees(*OPERATORS):
        word = cursor.take().text
        return _WORD_OPERATORS.get(word, word)
    return ""


def right_side(cursor: Cursor) -> Any:
    """Return what a field is compared with: a set, a value, a range, a network, a list of flags, a concatenation."""
    if cursor.sees("{"):
        return {"set": elements(cursor)}
    here = cursor.here
    if here is not None and here.kind == "set":
        return cursor.take().text
    parts = [_item(cursor)]
    while cursor.passed("."):
        parts.append(_item(cursor))
    if len(parts) > 1:
        return {"concat": parts}
    listed = parts
    while cursor.sees(","):
        cursor.take()
        cursor.skip_lines()
        listed.append(_item(cursor))
    if cursor.passed("/"):  # flags / mask
        mask = [_operand(cursor)]
        while cursor.passed(","):
            mask.append(_operand(cursor))
        return {"/": [listed, mask]}
    return listed if len(listed) > 1 else listed[0]


def _item(cursor: Cursor) -> Any:
    """Return a value, a range of them, or a network."""
    low = _operand(cursor)
    if cursor.passed("-"):
        return {"range": [low, _operand(cursor)]}
    here = cursor.words[cursor.at + 1] if cursor.sees("/") and cursor.at + 1 < len(cursor.words) else None
    if here is not None and here.kind in {"number", "address"} and isinstance(low, str):
        cursor.take()
        length = cursor.take().text
        return {"prefix": {"addr": low, "len": int(length) if length.isdigit() else length}}
    if cursor.sees("|"):
        listed = [low]
        while cursor.passed("|"):
            listed.append(_operand(cursor))
        return {"|": listed}
    return low


def _operand(cursor: Cursor) -> Any:
    if cursor.passed("("):
        cursor.depth += 1
        if cursor.depth > _DEEP:
            raise UnreadError
        made = _item(cursor)
        while cursor.passed(","):
            made = {"|": [*(made["|"] if isinstance(made, dict) and "|" in made else [made]), _operand(cursor)]}
        if not cursor.passed(")"):
            raise UnreadError
        cursor.depth -= 1
        return made
    if cursor.sees("["):
        cursor.take()
        address = cursor.take().text
        if not cursor.passed("]"):
            raise UnreadError
        return address
    here = cursor.take()
    if here.kind == "number":
        return _number(here.text)
    if here.kind in {"text", "address", "word"} or (here.kind == "sign" and here.text == "*"):
        return here.text
    raise UnreadError


def _number(text: str) -> Any:
    """Return a number; a time such as ``5m`` stays text."""
    if text.isdigit():
        return int(text)
    try:
        return int(text, 16) if text[:2] in {"0x", "0X"} else text
    except ValueError:
        return text


def elements(cursor: Cursor) -> list[Any]:
    """Return the elements of a set or map in braces; braces within them are a set that was named by a variable."""
    made: list[Any] = []
    cursor.take()
    cursor.depth += 1
    if cursor.depth > _DEEP:
        raise UnreadError
    while True:
        cursor.skip_lines()
        if cursor.passed("}"):
            break
        if cursor.passed(","):
            continue
        if cursor.sees("{"):
            made += elements(cursor)
            continue
        made.append(_element(cursor))
    cursor.depth -= 1
    return made


def _element(cursor: Cursor) -> Any:
    parts = [_item(cursor)]
    while cursor.passed("."):
        cursor.skip_lines()
        parts.append(_item(cursor))
    key: Any = {"concat": parts} if len(parts) > 1 else parts[0]
    if _dressed(cursor):
        key = {"elem": {"val": key}}
    if not cursor.passed(":"):
        return key
    cursor.skip_lines()
    value = verdict(cursor)
    if value is None:
        parts = [_item(cursor)]
        while cursor.passed("."):
            parts.append(_item(cursor))
        value = {"concat": parts} if len(parts) > 1 else parts[0]
    _dressed(cursor)
    return [key, value]


def _dressed(cursor: Cursor) -> bool:
    """Pass the comment, timeout, counter or limit of an element; return whether there was one."""
    found = False
    while (here := cursor.here) is not None and not (here.kind == "sign" and here.text in {",", ":", "}"}) and here.kind != END:
        cursor.at += 1
        found = True
    return found


def verdict(cursor: Cursor) -> dict[str, Any] | None:
    """Return the verdict that stands here and pass it; None where none does."""
    if cursor.sees("accept", "drop", "continue", "return"):
        return {cursor.take().text: None}
    if cursor.sees("jump", "goto"):
        word = cursor.take().text
        return {word: {"target": cursor.take().text}}
    return None
