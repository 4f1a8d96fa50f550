"""Text from logs made safe to show: nothing an attacker typed may steer a terminal, a browser or a spreadsheet.

Everything invisible or directional is shown by its code: ``\\x1b``, ``\\u202e``. Text that needs nothing comes back unchanged.
"""

from __future__ import annotations

import re
import unicodedata

ELLIPSIS = "…"
_NAMED = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}
# printable by Unicode's book, yet blank or joining on the screen
_BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef"
_BLANKS = re.compile(f"[{_BLANK}]")
# a Rust regex for whole columns: whatever :func:`escape` might change, and a little more
SUSPECT = r"[\p{C}\p{Zl}\p{Zp}\p{M}\u{a0}\u{1680}\u{2000}-\u{200a}\u{202f}\u{205f}\u{3000}" + _BLANK + "]"
_FORMULA = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
FORMULA = "^[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]"
_SURROGATES = re.compile("[\ud800-\udfff]")
_JSON_UNSAFE = re.compile("[\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]")
_MARKS_KEPT = 3


def escape(text: str) -> str:
    """Return *text* with every control, format, bidirectional, invisible or lone-surrogate character shown as its code."""
    if text.isprintable() and (text.isascii() or not (_BLANKS.search(text) or _stacked(text))):
        return text
    shown = []
    marks = 0
    for char in text:
        marks = marks + 1 if unicodedata.combining(char) else 0
        shown.append(char if char.isprintable() and marks <= _MARKS_KEPT and not _BLANKS.match(char) else _code(char))
    return "".join(shown)


def clip(text: str, limit: int) -> str:
    """Return *text* escaped and at most *limit* characters long, the cut marked by an ellipsis."""
    # one more than fits, so that the cut is seen; the rest of a long name need not be looked at
    text = escape(text[: limit + 1])
    return text if len(text) <= limit else text[: max(limit - 1, 0)] + ELLIPSIS


def cell(text: str) -> str:
    """Return *text* escaped for a spreadsheet cell: one that would be read as a formula starts with an apostrophe."""
    return "'" + escape(text) if text[:1] in _FORMULA and text else escape(text)


def mend(text: str) -> str:
    r"""Return *text* as valid Unicode: the lone surrogates that stand for undecodable bytes of a file name become ``\xNN``."""
    return _SURROGATES.sub(lambda found: _code(found.group()), text)


def json_line(line: str) -> str:
    """Return a JSON document with characters that steer a terminal as JSON escapes; its meaning stays the same."""
    return line if line.isascii() and "\x7f" not in line else _JSON_UNSAFE.sub(_json_code, line)


def _json_code(found: re.Match[str]) -> str:
    units = found.group().encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def _stacked(text: str) -> bool:
    marks = 0
    for char in text:
        marks = marks + 1 if unicodedata.combining(char) else 0
        if marks > _MARKS_KEPT:
            return True
    return False


def _code(char: str) -> str:
    if char in _NAMED:
        return _NAMED[char]
    number = ord(char)
    if 0xDC80 <= number <= 0xDCFF:
        return f"\\x{number - 0xDC00:02x}"
    if number <= 0xFF:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
