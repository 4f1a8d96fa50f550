"""PAM stacks: ``/etc/pam.d`` with ``@include``, ``include`` and ``substack`` resolved.

::

    auth  required  pam_google_authenticator.so nullok
    @include common-auth
    auth  [success=1 default=ignore]  pam_unix.so nullok

References: pam.conf(5), Linux-PAM libpam/pam_handlers.c.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import LIKELY, SURE, Format, Outcome, Rejected
from gatewatch.evidence.mask import value as masked
from gatewatch.schema.facts.ssh import PamLine, PamStack

_TYPES = ("auth", "account", "password", "session")
_DEPTH = 16
_WORDS: dict[str, tuple[tuple[str, str], ...]] = {
    "required": (("success", "ok"), ("new_authtok_reqd", "ok"), ("ignore", "ignore"), ("default", "bad")),
    "requisite": (("success", "ok"), ("new_authtok_reqd", "ok"), ("ignore", "ignore"), ("default", "die")),
    "sufficient": (("success", "done"), ("new_authtok_reqd", "done"), ("default", "ignore")),
    "optional": (("success", "ok"), ("new_authtok_reqd", "ok"), ("default", "ignore")),
}
_TOKEN = re.compile(r"\[[^\]]{0,400}\]|[^\s\[\]]+")
_SERVICES = ("sshd", "login", "xrdp-sesman", "cockpit", "openvpn", "remote", "vsftpd", "sudo", "su")


def parse_control(text: str) -> tuple[tuple[str, str], ...] | None:
    """Return what a control does with each result, or None when it is no control.

    >>> parse_control("[success=1 default=ignore]")
    (('success', '1'), ('default', 'ignore'))
    """
    if not text.startswith("["):
        return _WORDS.get(text.lower())
    pairs = [pair.partition("=") for pair in text.strip("[]").split()]
    return tuple((key.strip().lower(), action.strip().lower()) for key, mark, action in pairs if mark) or None


def _lines(document: Document, bundle: Bundle, kinds: tuple[str, ...], level: int, depth: int) -> Iterator[PamLine]:
    for number, line in enumerate(document.lines, 1):
        words = _TOKEN.findall(line.partition("#")[0])
        if not words:
            continue
        where = document.where(number)
        if words[0] == "@include" and len(words) > 1:
            yield from _included(document, bundle, kinds, level, depth, words[1], number)
            continue
        kind = words[0].lstrip("-").lower()
        if kind not in kinds or len(words) < 3:
            continue
        if words[1].lower() in {"include", "substack"}:
            inner = level + (words[1].lower() == "substack")
            yield from _included(document, bundle, (kind,), inner, depth, words[2], number)
            continue
        control = parse_control(words[1])
        if control is not None:
            module = words[2].rpartition("/")[2].removesuffix(".so")
            yield PamLine(kind, control, module, tuple(_argument(word) for word in words[3:]), where, level)


def _argument(word: str) -> str:
    name, mark, text = word.partition("=")
    return name + mark + masked(name, text)


def _included(
    document: Document, bundle: Bundle, kinds: tuple[str, ...], level: int, depth: int, name: str, number: int
) -> Iterator[PamLine]:
    inner = bundle.get(name if name.startswith("/") else f"/etc/pam.d/{name}") or bundle.get(f"pam.d/{name}")
    if inner is None or depth >= _DEPTH:
        held = next((kind for kind in kinds if name.rpartition("/")[2].startswith(f"common-{kind}")), None)  # Debian's files hold lines of one kind
        for kind in (held,) if held is not None else kinds:
            yield PamLine(kind, _WORDS["required"], f"(include {name})", (), document.where(number), level, missing=True)
        return
    yield from _lines(inner, bundle, kinds, level, depth + 1)


def _recognise(document: Document) -> int:
    if document.at("pam.d/*"):
        return SURE
    lines = [line.split() for line in document.head.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    typed = sum(1 for words in lines if words[0].lstrip("-") in _TYPES and len(words) > 2 and ".so" in " ".join(words))
    return LIKELY if typed >= 2 and typed * 2 > len(lines) else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        service = document.path.rpartition("/")[2]
        lines = tuple(_lines(document, bundle, _TYPES, 0, 0))
        if not lines:
            yield Rejected(document, "holds no line of a PAM stack")
            continue
        if service in _SERVICES or not service.startswith(("common-", "system-", "password-", "other")):
            yield PamStack(host=bundle.host, as_of=document.as_of, where=(document.where(lines[0].where.line),), service=service, lines=lines)


FORMAT = Format(
    name="pam",
    title="PAM stacks (/etc/pam.d)",
    recognise=_recognise,
    read=_read,
    collect="cp -r /etc/pam.d EVIDENCE/etc/",
    references=("pam.conf(5)", "pam.d(5)"),
)
