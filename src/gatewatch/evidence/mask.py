"""Secrets in configuration, masked before a line is quoted or a value kept.

The key decides, in every dialect read here (``key value``, ``key = value``, ``"key": "value"``, ``<key>value</key>``); private-key blocks and
crypt hashes are known by their look. As with any reader's courtesy, a secret under an unheard-of name is not seen.
"""

from __future__ import annotations

import re
from functools import partial

from gatewatch.schema.secret import TELLTALE, mask

HIDDEN = "***"
CAP = 300  # characters of a quoted line
_NAME = (
    r"[\w.-]{0,40}(?:passwd|password|passphrase|passcode|secret|psk|psksecret|pre-?shared-?key|private[-_]?key|shared[-_]?key|api[-_]?key|"
    r"access[-_]?key|auth[-_]?key|token(?!s?[-_](?:file|path|auth|ttl|url))|credential|community|phash|hmac[-_]?key|ppk|skey|radius[-_]?key|authkey|radkey|passcrypt)[\w-]{0,20}"
)
_PSK = r"(?:ikev1|(?:local|remote)-authentication) pre-shared-key"
_VALUE = r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s"',;<>}\]]+)"""
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        (r"(\$(?:1|2[abxy]?|5|6|7|y|apr1|argon2\w{0,2})\$)[^\s\"':]+", rf"\1{HIDDEN}"),
        (r"(\{S?SHA(?:256|512)?\})[\w+/=]+", rf"\1{HIDDEN}"),
        (r"(://[^\s/:@\"']{0,80}:)[^\s/@\"']{1,200}(?=@)", rf"\1{HIDDEN}"),
        (rf"(<({_NAME})(?:\s[^<>]{{0,200}})?>)[^<]+", rf"\1{HIDDEN}"),
        (rf"(\"{_NAME}\"\s*:\s*)\"(?:[^\"\\]|\\.)*\"?", rf'\1"{HIDDEN}"'),
        (rf"(\"{_NAME}\"=)(?!dword:)(?:\"(?:[^\"\\]|\\.)*\"?|hex[^:]{{0,4}}:.*)", rf"\1{HIDDEN}"),
        (rf"((?:^|\s){_NAME}\s+REG_(?!DWORD|QWORD)[A-Z_]{{2,24}}\s+).*", rf"\1{HIDDEN}"),
        (rf"((?:^|[\s,{{;(=&])-?{_NAME}\s*[:=]\s*){_VALUE}", rf"\1{HIDDEN}"),
        (
            rf"((?:^|\s)(?:{_NAME}|key-string|{_PSK})\s+)(?![=:]|REG_[A-Z])(?:(?:ENC|\d|encrypted|hidden|-encrypted)\s+)?{_VALUE}",
            rf"\1{HIDDEN}",
        ),
        (r"(^\s*(?:add|set) system user \S{1,200} )(?!-)\S+", rf"\1{HIDDEN}"),
        (r"(^\s*(?:tls-auth|key)\s+)\d{1,3}\s+[0-9A-Fa-f]{16,}", rf"\1{HIDDEN}"),
    )
)
# values that say how, not what: nothing is hidden by hiding them
_PLAIN = re.compile(
    r"(?i)^(?:yes|no|on|off|true|false|none|null|enable[d]?|disable[d]?|require[d]?|optional|any|auto|without-password|prohibit-password|"
    r"authentication|sufficient|requisite)$"
)
_SECRET_NAME = re.compile(rf"^{_NAME}$", re.IGNORECASE)
_HINT = re.compile(r"(?i)pass|secret|psk|shared|key|token|credential|community|phash|ppk|radkey|system user|\$[\dya]|\{S|tls-auth|://|[A-Za-z0-9+/=]{40}")
"""What every line with something to mask holds; looked for first, as most lines hold nothing."""
_COMMAND = re.compile(TELLTALE)
_KEY_BODY = re.compile(r"^[A-Za-z0-9+/=]{40,}$")


def quote(line: str) -> str:
    """Return *line*, trimmed and cut to :data:`CAP` characters, with its secrets masked.

    >>> quote('  set psksecret ENC abcDEF123=='), quote("PrivateKey = c2VjcmV0IQ=="), quote("PasswordAuthentication no")
    ('set psksecret ***', 'PrivateKey = ***', 'PasswordAuthentication no')
    """
    return conceal(line.strip()[: CAP * 4])[:CAP]


def conceal(line: str) -> str:
    """Return a whole *line* with its secrets masked; what the collector writes.

    >>> conceal("    password hunter2 # old")
    '    password *** # old'
    """
    made = line
    if not _HINT.search(made):
        return mask(made) if len(made) <= CAP * 4 and _COMMAND.search(made) else made
    if _KEY_BODY.match(made.strip()):
        return HIDDEN
    for pattern, replacement in _PATTERNS:
        made = pattern.sub(partial(_kept, replacement), made)
    return mask(made) if len(made) <= CAP * 4 else made


def value(name: str, text: str) -> str:
    """Return *text*, the value of the setting *name*, or ``***`` where the name is a secret's and the value no plain switch."""
    if text and _SECRET_NAME.match(name) and not _PLAIN.match(text.strip("\"'")):
        return HIDDEN
    return text


def _kept(replacement: str, found: re.Match[str]) -> str:
    whole = found.group()
    head = found.group(1)
    rest = whole[len(head) :].strip().strip("\"'")
    return whole if _PLAIN.match(rest) else found.expand(replacement)
