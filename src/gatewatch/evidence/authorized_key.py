"""Keys that log in by SSH: ``authorized_keys`` of every user, whose name its folder tells.

::

    from="10.9.0.0/24",restrict,command="/usr/bin/backup" ssh-ed25519 AAAAC3Nza... backup@vault

Reference: sshd(8), AUTHORIZED_KEYS FILE FORMAT.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Ignored, Outcome
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.identity import AuthorizedKey

_KEY = re.compile(r"((?:sk-)?(?:ssh|ecdsa)-[\w@.-]{2,60})\s{1,8}AAAA[\w+/=]{0,20000}(?:\s{1,8}(\S.{0,200}))?\s{0,80}$")
_OPTION = re.compile(r"([A-Za-z-]{2,40})(?:=\"((?:[^\"\\]|\\.){0,2000})\")?(?:,|$)")


def options(text: str) -> tuple[str, ...]:
    r"""Return the names of the options before a key.

    >>> options('from="10.9.0.0/24,10.8.*",restrict,command="echo \\"a,b\\""')
    ('from', 'restrict', 'command')
    """
    made, at = [], 0
    while at < len(text) and (found := _OPTION.match(text, at)) is not None and found.end() > at:
        made.append(found[1].lower())
        at = found.end()
    return tuple(made)


def _recognise(document: Document) -> int:
    return SURE if document.at("authorized_keys", "authorized_keys2", "authorized_keys.d/*") else 0


def _owner(document: Document) -> str:
    parts = document.path.split("/")
    if ".ssh" in parts and parts.index(".ssh") > 0:
        return parts[parts.index(".ssh") - 1]
    return parts[-1] if "authorized_keys" not in parts[-1] else parts[-2] if len(parts) > 1 else "unknown"


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        found = False
        for number, line in enumerate(document.lines, 1):
            text = line.strip()
            at = 0 if text.startswith(("ssh-", "ecdsa-", "sk-")) else _start(text)
            key = _KEY.match(text, at) if text and not text.startswith("#") else None
            if key is None:
                continue
            found = True
            before, comment = text[:at].strip(), key[2] or ""
            shown = Where(document.name, number, f"{'options ' + ', '.join(options(before)) + ' ' if before else ''}{key[1]} {comment}".strip())
            yield AuthorizedKey(
                host=bundle.host, as_of=document.as_of, where=(shown,), user=_owner(document), kind=key[1], options=options(before), comment=comment
            )
        if not found:
            yield Ignored(document, "holds no key")


def _start(text: str) -> int:
    """Return where the key's type begins after options; a quoted option may hold spaces."""
    quoted = False
    for at, letter in enumerate(text[:4000]):
        if letter == '"' and text[at - 1 : at] != "\\":
            quoted = not quoted
        elif letter in " \t" and not quoted:
            return at + len(text[at:]) - len(text[at:].lstrip())
    return 0


FORMAT = Format(
    name="authorized-key",
    title="Keys that log in by SSH (authorized_keys)",
    recognise=_recognise,
    read=_read,
    collect="sudo cp --parents /root/.ssh/authorized_keys /home/*/.ssh/authorized_keys EVIDENCE/",
    references=("sshd(8)",),
)
