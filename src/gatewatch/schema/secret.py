"""Secrets in command lines, masked: what follows ``--password``, ``-p`` of some tools, ``PASSWORD=``, ``net user NAME``, a URL's ``user:``.

That is a courtesy of the reader, no guarantee: a program may take its secret by any name.
"""

from __future__ import annotations

import re

CAP = 4096  # characters of a command that are kept
TELLTALE = (
    r"(?i)pass|pwd|secret|token|api_?key|access_?key|authorization|://[^ /]*@|chpasswd|\bnet1?(?:\.exe)?\S*\s+use|securestring"
    r"|\s[-/](?:p|pw|rp|u|a|w)\b|\s-p|/p:|\s-U|vncpw"
)
"""A regex that every text with something to mask holds."""
_VALUE = r"""(?:"[^"]*"|'[^']*'|[^\s"']+)"""
_WORD = r"(?:password|passwd|passphrase|passcode|secret|token|api[_-]?key|access[_-]?key|secret[_-]?key|auth[_-]?token|pass|pwd)"
_Held = tuple[tuple[str, ...], ...]
"""What a text must hold, in small letters, for a pattern to match it: one of each group. Looking for it is many times faster than a regex."""
_SECRETS: tuple[tuple[_Held, re.Pattern[str], str], ...] = tuple(
    (held, re.compile(pattern, re.IGNORECASE), replacement)
    for held, pattern, replacement in (
        (
            (("-pass", "-secret", "-token", "-api", "-access", "-auth", "-pwd"),),
            rf"((?:^|[\s'\"])--?(?:[a-z]{{1,20}}-)?{_WORD}(?:=|\s+)){_VALUE}",
            r"\1***",
        ),
        (
            (("=",), ("passw", "passphrase", "secret", "token", "apikey", "api_key", "access_key", "_pwd")),
            rf"((?:^|[\s;&'\"])[A-Z0-9_]{{0,40}}(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|API_?KEY|ACCESS_KEY|_PWD)[A-Z0-9_]{{0,20}}=){_VALUE}",
            r"\1***",
        ),
        ((("://",), ("@",)), r"(\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@]{1,100}:)[^\s@/]{1,200}@", r"\1***@"),
        ((("authorization:",),), r"(\bauthorization: ?(?:bearer|basic|token) )[^\s'\"]+", r"\1***"),
        ((("pass:",),), r"(\bpass:)[^\s'\"]+", r"\1***"),
        ((("chpasswd",),), r"(\b[a-z0-9_.-]{1,64}:)[^\s'\"|]+(?=['\"]?\s*\|\s*(?:sudo\s+)?chpasswd)", r"\1***"),
        ((("echo",), ("|",), ("sudo", "passwd")), r"(\becho\s+(?:-[ne]+\s+)?)[^|]+(?=\|\s*(?:sudo\s+-S|(?:sudo\s+)?passwd\b))", r"\1*** "),
    )
)
_SHORT: tuple[tuple[_Held, re.Pattern[str], re.Pattern[str], str], ...] = tuple(
    (held, re.compile(program), re.compile(pattern), replacement)
    for held, program, pattern, replacement in (
        (
            (("mysql", "mariadb"), ("-p",)),
            r"\b(?:mysql|mysqldump|mysqladmin|mysqlimport|mariadb|mariadb-dump|mariadb-admin)\b",
            rf"(\s-p)(?!\s){_VALUE}",
            r"\1***",
        ),
        (
            (("sshpass", "useradd", "usermod", "mongo"), ("-p",)),
            r"\b(?:sshpass|useradd|usermod|mongo|mongosh|mongodump)\b",
            rf"(\s-p\s*){_VALUE}",
            r"\1***",
        ),
        ((("curl", "wget"), ("-u",)), r"\b(?:curl|wget)\b", rf"(\s(?:-u|--user|--proxy-user)[\s=]*[^\s:]{{1,100}}:){_VALUE}", r"\1***"),
        (
            (("sysadminctl", "kickstart"), ("password", "vncpw")),
            r"\b(?:sysadminctl|kickstart)\b",
            rf"(\s-(?:[a-z]{{1,10}}Password|vncpw)\s+){_VALUE}",
            r"\1***",
        ),
        ((("dscl",), ("passwd",)), r"\bdscl\b", r"(\s-?passwd\s+\S+\s+).+", r"\1***"),
        ((("redis-cli",), ("-a",)), r"\bredis-cli\b", rf"(\s-a\s*){_VALUE}", r"\1***"),
        ((("ldap",), ("-w",)), r"\bldap(?:search|modify|add|delete|passwd|whoami)\b", rf"(\s-w\s*){_VALUE}", r"\1***"),
        (
            (("smbclient", "rpcclient", "net", "winexe", "smbmap"), ("-u",), ("%",)),
            r"\b(?:smbclient|rpcclient|net|winexe|smbmap)\b",
            rf"(\s-U\s*[^\s%]{{1,100}}%){_VALUE}",
            r"\1***",
        ),
        (
            (("net",), ("user",)),
            r"(?i)\bnet1?(?:\.exe)?[\"\\]*\s",
            r"(?i)(\bnet1?(?:\.exe)?[\"\\]*\s+user\s+[^\s/]+\s+)(?![/*])[^\s\"]+",
            r"\1***",
        ),
        (
            (("net",), ("use",), ("/user:",)),
            r"(?i)\bnet1?(?:\.exe)?[\"\\]*\s",
            r"(?i)(\bnet1?(?:\.exe)?[\"\\]*\s+use\s+[^/]*?\\\S+\s+)(?![/*])[^\s\"]+(?=.*/user:)",
            r"\1***",
        ),
        (
            (("exec", "plink", "pscp", "putty", "wmic", "winrs", "schtasks", "runas", "cmdkey", "sc"), ("-p", "/p", "-rp", "/rp")),
            r"(?i)\b(?:psexec(?:64)?|paexec|plink|pscp|putty|wmic|winrs|schtasks|runas|cmdkey|sc)(?:\.exe)?\b",
            r"(?i)(\s[-/](?:p|pw|pass|password|rp)[:\s]\s*)(?![-/])[^\s\"]+",
            r"\1***",
        ),
        (
            (("securestring",),),
            r"(?i)securestring",
            r"(?i)(ConvertTo-SecureString\s+(?:-(?:String|AsPlainText|Force)\s+)*['\"\\]*)[^\s'\"\\]+",
            r"\1***",
        ),
        (
            (("xfreerdp", "rdesktop", "wlfreerdp"), ("/p:", "-p")),
            r"\b(?:xfreerdp3?|rdesktop|wlfreerdp)\b",
            rf"(\s(?:/p:|-p\s*)){_VALUE}",
            r"\1***",
        ),
    )
)
_SUSPECT = re.compile(r"[=|]|-[pastuw]|[-/]r?p|://|pass|vncpw|net|securestring|authorization:")
"""A regex that every text of small letters holds which some pattern asks more of: most command lines are done with it."""


def mask(command: str) -> str:
    """Return *command*, cut to :data:`CAP` characters, with what looks like a secret replaced by ``***``.

    >>> mask("mysql -u root -phunter2 --host db02"), mask("curl -u ann:hunter2 https://u:p@h.example/")
    ('mysql -u root -p*** --host db02', 'curl -u ann:*** https://u:***@h.example/')
    """
    made = command[:CAP]
    small = made.lower() if made.isascii() else None  # other letters may equal Latin ones for a regex that ignores case
    if small is not None and _SUSPECT.search(small) is None:
        return made if len(command) <= CAP else f"{made} […]"
    for held, pattern, replacement in _SECRETS:
        if small is None or _holds(small, held):
            made = pattern.sub(replacement, made)
    for held, program, pattern, replacement in _SHORT:
        if (small is None or _holds(small, held)) and program.search(made):
            made = pattern.sub(replacement, made)
    return made if len(command) <= CAP else f"{made} […]"


def _holds(small: str, held: _Held) -> bool:
    for words in held:
        for word in words:
            if word in small:
                break
        else:
            return False
    return True
