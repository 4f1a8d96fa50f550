"""Command lines as audit records hold them: arguments joined, secrets masked, length capped.

What follows ``--password``, ``-p`` of the MySQL tools, ``PASSWORD=``, a URL's ``user:`` and the like is replaced by ``***``
(:func:`mask`). That is a courtesy of the reader, no guarantee: a program may take its secret by any name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from gatewatch.sources.audit_field import decode_value

CAP = 4096  # characters of a command that are kept
_VALUE = r"""(?:"[^"]*"|'[^']*'|[^\s"']+)"""
_WORD = r"(?:password|passwd|passphrase|passcode|secret|token|api[_-]?key|access[_-]?key|secret[_-]?key|auth[_-]?token|pass|pwd)"
_SECRETS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        (rf"((?:^|[\s'\"])--?(?:[a-z]{{1,20}}-)?{_WORD}(?:=|\s+)){_VALUE}", r"\1***"),
        (
            rf"((?:^|[\s;&'\"])[A-Z0-9_]{{0,40}}(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|API_?KEY|ACCESS_KEY|_PWD)[A-Z0-9_]{{0,20}}=){_VALUE}",
            r"\1***",
        ),
        (r"(\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@]{1,100}:)[^\s@/]{1,200}@", r"\1***@"),
        (r"(\bauthorization: ?(?:bearer|basic|token) )[^\s'\"]+", r"\1***"),
        (r"(\bpass:)[^\s'\"]+", r"\1***"),
        (r"(\b[a-z0-9_.-]{1,64}:)[^\s'\"|]+(?=['\"]?\s*\|\s*(?:sudo\s+)?chpasswd)", r"\1***"),
        (r"(\becho\s+(?:-[ne]+\s+)?)[^|]+(?=\|\s*(?:sudo\s+-S|(?:sudo\s+)?passwd\b))", r"\1*** "),
    )
)
_SHORT: tuple[tuple[re.Pattern[str], re.Pattern[str], str], ...] = tuple(
    (re.compile(program), re.compile(pattern), replacement)
    for program, pattern, replacement in (
        (r"\b(?:mysql|mysqldump|mysqladmin|mysqlimport|mariadb|mariadb-dump|mariadb-admin)\b", rf"(\s-p)(?!\s){_VALUE}", r"\1***"),
        (r"\b(?:sshpass|useradd|usermod|mongo|mongosh|mongodump)\b", rf"(\s-p\s*){_VALUE}", r"\1***"),
        (r"\b(?:curl|wget)\b", rf"(\s(?:-u|--user|--proxy-user)[\s=]*[^\s:]{{1,100}}:){_VALUE}", r"\1***"),
        (r"\bredis-cli\b", rf"(\s-a\s*){_VALUE}", r"\1***"),
        (r"\bldap(?:search|modify|add|delete|passwd|whoami)\b", rf"(\s-w\s*){_VALUE}", r"\1***"),
        (r"\b(?:smbclient|rpcclient|net|winexe|smbmap)\b", rf"(\s-U\s*[^\s%]{{1,100}}%){_VALUE}", r"\1***"),
        (r"\b(?:xfreerdp3?|rdesktop|wlfreerdp)\b", rf"(\s(?:/p:|-p\s*)){_VALUE}", r"\1***"),
    )
)


def mask(command: str) -> str:
    """Return *command*, cut to :data:`CAP` characters, with what looks like a secret replaced by ``***``.

    >>> mask("mysql -u root -phunter2 --host db02"), mask("curl -u ann:hunter2 https://u:p@h.example/")
    ('mysql -u root -p*** --host db02', 'curl -u ann:*** https://u:***@h.example/')
    """
    made = command[:CAP]
    for pattern, replacement in _SECRETS:
        made = pattern.sub(replacement, made)
    for program, pattern, replacement in _SHORT:
        if program.search(made):
            made = pattern.sub(replacement, made)
    return made if len(command) <= CAP else f"{made} […]"


_ARGUMENT = re.compile(r'(?:^| )a([0-9]{1,6})(?:\[([0-9]{1,6})\])?=("[^"]*"|[^ \x1d]*)')


def join_arguments(messages: Iterable[str]) -> str | None:
    """Return the command line of the EXECVE *messages* of one event, joined by spaces and masked; null when none has an argument.

    Long arguments come in pieces (``a1[0]=``, ``a1[1]=``), perhaps over several records; a piece may end within a UTF-8 character.
    """
    pieces: dict[int, list[tuple[int, str]]] = {}
    length = 0
    for message in messages:
        for number, part, raw in _ARGUMENT.findall(message):
            if length > 4 * CAP:
                break
            pieces.setdefault(int(number), []).append((int(part or 0), raw))
            length += len(raw)
    if not pieces:
        return None
    arguments = []
    for number in sorted(pieces):
        parts = [raw for _, raw in sorted(pieces[number], key=lambda piece: piece[0])]
        arguments.append((_whole(parts) if len(parts) > 1 else decode_value(parts[0], kernel=True)) or "")
    return mask(" ".join(arguments).replace("\0", " ")) or None


def _whole(parts: list[str]) -> str | None:
    if all(re.fullmatch(r"(?:[0-9A-F]{2})*", part) for part in parts):
        return decode_value("".join(parts), kernel=True)
    return "".join(part.strip('"') for part in parts)


def join_title(raw: str) -> str | None:
    """Return the command line of a PROCTITLE value, masked. The kernel keeps its first 128 bytes only."""
    decoded = decode_value(raw, kernel=True)
    return mask(decoded) if decoded else None
