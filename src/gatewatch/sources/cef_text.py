r"""Texts of CEF and LEEF taken apart: the header's fields and the pairs of the extension.

``CEF:0|Vendor|Product|Version|Event id|Name|Severity|key=value with blanks key2=value``: in the header ``\|`` and ``\\`` are escaped, in values
``\=``, ``\\``, ``\n`` and ``\r``. ``LEEF:1.0|Vendor|Product|Version|Event id|key=value<tab>key=value``; LEEF 2.0 may name another
delimiter, a character or its code, as a sixth field.

Keys come out in small letters. A key that comes twice with different values has none: one of them is not the writer's. What is no such text, or holds
a second one, has a ``fault``.
"""

from __future__ import annotations

import re

import msgspec

HEADER = "header without its seven fields"
SEVERITY = "header whose severity is none: a field holds a pipe"
TWICE = "a second record within"
_UNKEYED = re.compile(r"(?:^|(?<= ))([A-Za-z0-9_.\-\[\]]{1,100})=")
_CEF = re.compile(r"CEF: ?[01]\|")
_LEEF = re.compile(r"LEEF: ?([12])(?:\.[0-9])?\|")
_FIELD = re.compile(r"((?:[^|\\]|\\.)*)\|", re.DOTALL)
_SECOND = re.compile(r"(?:^|[\s|\^])(?:CEF: ?[01]|LEEF: ?[12](?:\.[0-9])?)\|")
ESCAPE = re.compile(r"\\(.)", re.DOTALL)
SEVERITIES = re.compile(
    r"(?:[0-9]|10|Unknown|Low|Medium|High|Very-?High|Info|Informational|Warning|Critical|Error|Notice|None|N/A|\$[a-z-]*)?", re.IGNORECASE
)
_CODE = re.compile(r"(?:0?x)?([0-9A-Fa-f]{1,4})")
_PIPED = re.compile(r"\|[A-Za-z][A-Za-z0-9_]{0,60}=")
_CHARACTERS = {"n": "\n", "r": "\r", "t": "\t"}


class Text(msgspec.Struct, gc=False):
    """A record: its header in small letters where that is for comparing, and its pairs; ``fault``: why it is none."""

    vendor: str = ""
    product: str = ""
    event: str = ""  # the id of the kind of event (signature id)
    name: str = ""
    severity: str = ""
    values: dict[str, str] = msgspec.field(default_factory=dict)
    fault: str = ""


def take_apart(message: str) -> Text:
    """Return what *message* says; never raises.

    >>> take_apart(r"CEF:0|A|B\\|C|1|login|User login|5|suser=ann b msg=x\\=1 src=192.0.2.7").values
    {'suser': 'ann b', 'msg': 'x=1', 'src': '192.0.2.7'}
    """
    start = _CEF.match(message)
    if start is not None:
        return _cef(message, start.end())
    leef = _LEEF.match(message)
    return _leef(message, leef.end()) if leef is not None else Text(fault="neither CEF nor LEEF")


def _fields(message: str, at: int, number: int) -> tuple[list[str], int]:
    """Return up to *number* fields of a header from *at* on, and where they end."""
    parts = message[at:].split("|", number)
    if len(parts) == number + 1 and "\\" not in message[at : len(message) - len(parts[-1])]:
        return [part.strip() for part in parts[:-1]], len(message) - len(parts[-1])
    found: list[str] = []
    while len(found) < number:
        field = _FIELD.match(message, at)
        if field is None:
            break
        found.append(ESCAPE.sub(r"\1", field[1]).strip() if "\\" in field[1] else field[1].strip())
        at = field.end()
    return found, at


def _cef(message: str, at: int) -> Text:
    fields, after = _fields(message, at, 6)
    extension = message[after:]
    if len(fields) == 5 and _UNKEYED.match(extension.lstrip()):  # a template without severity, as some are printed
        fields.append("")
    if len(fields) < 6:
        return Text(fault=HEADER)
    vendor, product, _, event, name, severity = fields
    if SEVERITIES.fullmatch(severity) is None:
        return Text(fault=SEVERITY)
    if _SECOND.search(extension):
        return Text(fault=TWICE)
    return Text(vendor.casefold(), product.casefold(), event, name, severity, _pairs(extension))


def _pairs(extension: str) -> dict[str, str]:
    """Return the pairs of a CEF extension: a value goes on to the next key, blanks and all."""
    pieces = _UNKEYED.split(extension)
    keys, values = [key.casefold() for key in pieces[1::2]], [value.strip() for value in pieces[2::2]]
    if "\\" in extension:
        values = [ESCAPE.sub(unescaped, value) if "\\" in value else value for value in values]
    found = dict(zip(keys, values, strict=True))
    if len(found) == len(keys):
        return found
    found = {}
    lost: set[str] = set()
    for key, value in zip(keys, values, strict=True):
        _put(found, lost, key, value)
    return found


def _put(found: dict[str, str], lost: set[str], key: str, value: str) -> None:
    if key in lost:
        return
    if found.get(key, value) != value:
        del found[key]
        lost.add(key)
    else:
        found[key] = value


def unescaped(found: re.Match[str]) -> str:
    """Return what a match of :data:`ESCAPE` in a value stands for."""
    return _CHARACTERS.get(found[1], found[1])


def _leef(message: str, at: int) -> Text:
    second = message.startswith(("LEEF:2", "LEEF: 2"))
    fields, after = _fields(message, at, 4)
    if len(fields) < 4:
        return Text(fault="header without its five fields")
    rest = message[after:]
    delimiter = "\t"
    if second:
        named = re.match(r"([^|=]{0,5})\|", rest)
        if named is not None:
            delimiter = _delimiter(named[1])
            rest = rest[named.end() :]
    if _SECOND.search(rest):
        return Text(fault=TWICE)
    if delimiter == "\t" and "\t" not in rest and "#011" in rest:  # a tab as rsyslog writes it
        rest = rest.replace("#011", "\t")
    vendor, product, _, event = fields
    if delimiter == "\t" and "\t" not in rest and _PIPED.search(rest):  # as the template for PAN-OS has it
        delimiter = "|"
    if delimiter == " " or (delimiter == "\t" and "\t" not in rest):
        values = _pairs(rest)
    else:
        values, lost = {}, set[str]()
        for pair in rest.split(delimiter):
            key, equals, value = pair.partition("=")
            if equals and key.strip():
                _put(values, lost, key.strip().casefold(), value.strip())
    return Text(vendor.casefold(), product.casefold(), event, values.get("name", ""), values.get("sev", ""), values)


def _delimiter(named: str) -> str:
    """Return the delimiter that a LEEF 2.0 header names: a character, or the code of one."""
    if len(named) == 1:
        return named
    code = _CODE.fullmatch(named.strip())
    return chr(int(code[1], 16)) if code is not None and 0 < int(code[1], 16) < 0xD800 else "\t"
