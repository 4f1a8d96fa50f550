"""PowerShell commands that were passed as base64 (``-EncodedCommand``), with what they say behind them.

``powershell -enc dwBoAG8AYQBtAGkA`` becomes ``powershell -enc dwBoAG8AYQBtAGkA #decoded: whoami``: the original stays, and a rule sees what is run. A
parameter may be shortened to any beginning of its name, and begin with a slash or a typographer's dash. What is no base64 of UTF-16 text is left
alone.

References: about_PowerShell_exe (``-EncodedCommand``); https://www.leeholmes.com/searching-for-content-in-base64-strings/
"""

from __future__ import annotations

import base64
import binascii
import re

from gatewatch.schema.secret import mask

MARK = " #decoded: "
TELLTALE = r"(?i)(?:powershell|pwsh).*[\s\x22'][-/\x{2013}\x{2014}\x{2015}]e[a-z]{0,14}[\s:]+[\x22']?[A-Za-z0-9+/=]{8}"
"""A regex that every text with something to decode holds."""
LONGEST = 2000  # characters of a decoded text that are kept
_DEPTH = 2  # commands within commands
_BASE64 = 16_384  # characters that are decoded
_FLAG = re.compile(r"[\s\"'][-/\u2013\u2014\u2015](e[a-z]{0,14})[\s:]+[\"']?([A-Za-z0-9+/=]{8,})", re.IGNORECASE)
_NAMES = ("encodedcommand", "ec")
_PROGRAM = re.compile(r"powershell|pwsh", re.IGNORECASE)
_READABLE = 0.9  # of the characters


def reveal(command: str) -> str:
    """Return *command* with what its encoded parts say behind it, secrets masked in both; as it is, masked, where there are none.

    >>> reveal("powershell.exe -nop -enc dwBoAG8AYQBtAGkA"), reveal("tar -e x"), reveal("powershell -enc AAAAAAAA")
    ('powershell.exe -nop -enc dwBoAG8AYQBtAGkA #decoded: whoami', 'tar -e x', 'powershell -enc AAAAAAAA')
    """
    said = []
    text: str | None = command
    for _ in range(_DEPTH):
        text = _decoded(text) if text is not None and _PROGRAM.search(text) else None
        if text is None:
            break
        said.append(text[:LONGEST])
    return MARK.join(mask(part) for part in (command, *said))


def _decoded(command: str) -> str | None:
    """Return what the first encoded command of *command* says; None where there is none."""
    for found in _FLAG.finditer(command):
        if not any(name.startswith(found[1].lower()) for name in _NAMES):
            continue
        digits = found[2][:_BASE64]
        digits = digits.rstrip("=")
        try:
            data = base64.b64decode(digits[: len(digits) // 4 * 4] + _tail(digits), validate=True)
        except (binascii.Error, ValueError):
            continue
        text = data[: len(data) // 2 * 2].decode("utf-16-le", "replace").removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
        plain = "".join(char if char.isprintable() else " " for char in text).strip()
        good = sum(char.isprintable() or char in "\r\n\t" for char in text)
        if plain and good >= len(text) * _READABLE and sum(char.isascii() for char in text) * 2 >= len(text):
            return plain
    return None


def _tail(digits: str) -> str:
    """Return the last digits of base64, padded; a single one is none."""
    rest = digits[len(digits) // 4 * 4 :]
    return rest + "=" * (4 - len(rest)) if len(rest) > 1 else ""
