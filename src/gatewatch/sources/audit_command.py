"""Command lines as audit records hold them: arguments joined, secrets masked, length capped.

Secrets are masked by :func:`gatewatch.schema.secret.mask`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from gatewatch.schema.secret import CAP, mask
from gatewatch.sources.audit_field import decode_value

_NUMBERS = tuple(str(number) for number in range(1000))
_KEPT = 4096  # command lines remembered
_ARGUMENT = re.compile(r'(?:^| )a([0-9]{1,6})(?:\[([0-9]{1,6})\])?=("[^"]*"|[^ \x1d]*)')


def join_arguments(messages: Iterable[str]) -> str | None:
    """Return the command line of the EXECVE *messages* of one event, joined by spaces and masked; null when none has an argument.

    Long arguments come in pieces (``a1[0]=``, ``a1[1]=``), perhaps over several records; a piece may end within a UTF-8 character.
    """
    found = [_ARGUMENT.findall(message) for message in messages]
    if len(found) == 1:
        numbers, parts, plain = zip(*found[0], strict=True) if found[0] else ((), (), ())
        if numbers == _NUMBERS[: len(numbers)] and not any(parts) and sum(map(len, plain)) <= 4 * CAP:
            return _line(plain) if plain else None
    pieces: dict[int, list[tuple[int, str]]] = {}
    length = 0
    for some in found:
        for number, part, raw in some:
            if length > 4 * CAP:
                break
            pieces.setdefault(int(number), []).append((int(part or 0), raw))
            length += len(raw)
    if not pieces:
        return None
    arguments = []
    for at in sorted(pieces):
        raws = [raw for _, raw in sorted(pieces[at], key=lambda piece: piece[0])]
        arguments.append((_whole(raws) if len(raws) > 1 else decode_value(raws[0], kernel=True)) or "")
    return mask(" ".join(arguments).replace("\0", " ")) or None


@lru_cache(_KEPT)
def _line(raws: tuple[str, ...]) -> str | None:
    """Return the command line of arguments that came whole: machines run the same ones again and again."""
    return mask(" ".join([decode_value(raw, kernel=True) or "" for raw in raws]).replace("\0", " ")) or None


def _whole(parts: list[str]) -> str | None:
    if all(re.fullmatch(r"(?:[0-9A-F]{2})*", part) for part in parts):
        return decode_value("".join(parts), kernel=True)
    return "".join(part.strip('"') for part in parts)


def join_title(raw: str) -> str | None:
    """Return the command line of a PROCTITLE value, masked. The kernel keeps its first 128 bytes only."""
    decoded = decode_value(raw, kernel=True)
    return mask(decoded) if decoded else None
