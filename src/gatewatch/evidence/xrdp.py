"""xrdp: ``xrdp.ini`` (what listens and how it is encrypted) and ``sesman.ini`` (who may have a session).

::

    [Globals]
    port=3389
    security_layer=negotiate
    crypt_level=high

References: xrdp.ini(5), sesman.ini(5); the defaults are theirs.
"""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Outcome, Rejected
from gatewatch.evidence.mask import value as masked
from gatewatch.schema.facts.base import Setting
from gatewatch.schema.facts.machine import Listener
from gatewatch.schema.facts.server import XrdpSettings

_DEFAULTS = {"port": "3389", "security_layer": "negotiate", "crypt_level": "high"}
_SESMAN = {"allowrootlogin": "true", "maxloginretry": "4", "terminalserverusers": "", "alwaysgroupcheck": "false", "killdisconnected": "false"}
_SECTIONS = {"xrdp.ini": ("globals",), "sesman.ini": ("security", "sessions", "globals")}


def _recognise(document: Document) -> int:
    return SURE if document.at("xrdp/xrdp.ini", "xrdp/sesman.ini") else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    values: dict[str, Setting] = {}
    read: set[str] = set()
    for document in documents:
        kind = document.path.rpartition("/")[2]
        section, found = "", False
        for number, line in enumerate(document.lines, 1):
            text = line.strip()
            if text.startswith("["):
                section = text.strip("[]").lower()
                found = found or section in _SECTIONS[kind]
                continue
            name, mark, value = text.partition("=")
            if mark and not text.startswith(("#", ";")) and section in _SECTIONS[kind]:
                name = name.strip().lower()
                values.setdefault(name, Setting(name, masked(name, value.strip()), "as written", document.where(number)))
        if not found:
            yield Rejected(document, f"has none of the sections {', '.join(_SECTIONS[kind])}")
            continue
        read.add(kind)
    for kind, defaults in (("xrdp.ini", _DEFAULTS), ("sesman.ini", _SESMAN)):
        if kind in read:
            for name, text in defaults.items():
                values.setdefault(name, Setting(name, text, f"default of {kind}", None))
    if not read:
        return
    where = next((one.where for one in values.values() if one.where is not None), documents[0].where(1))
    address, port = _socket(values["port"].value) if "port" in values else ("", 0)
    if port:
        values["address"] = Setting("address", address, values["port"].how, values["port"].where)
        yield Listener(
            host=bundle.host, as_of=documents[0].as_of, where=(values["port"].where or where,), address=address, port=port, service="rdp",
            process="xrdp",
        )  # fmt: skip
    yield XrdpSettings(host=bundle.host, as_of=documents[0].as_of, where=(where,), service="rdp", values=tuple(values.values()))


def _socket(text: str) -> tuple[str, int]:
    """Return address and port of the first address xrdp listens on; port 0 where it is a local socket.

    >>> _socket("3389"), _socket("tcp://127.0.0.1:3390"), _socket("tcp://:3389"), _socket("vsock://-1:3389")
    (('*', 3389), ('127.0.0.1', 3390), ('*', 3389), ('', 0))
    """
    words = text.split()
    word = next((one for one in words if one.isdigit() or one.startswith(("tcp://", "tcp6://"))), "")
    if word.isdigit():
        return ("*", int(word)) if int(word) < 65536 else ("", 0)
    host, _, port = word.partition("://")[2].rpartition(":")
    bare = host.strip("{}[].") if host.startswith(("{", "[", ".")) else host
    return (bare or "*", int(port)) if port.isdigit() and len(port) < 6 and int(port) < 65536 else ("", 0)


FORMAT = Format(
    name="xrdp",
    title="Configuration of xrdp",
    recognise=_recognise,
    read=_read,
    collect="cp /etc/xrdp/xrdp.ini /etc/xrdp/sesman.ini EVIDENCE/etc/xrdp/",
    references=("xrdp.ini(5)", "sesman.ini(5)"),
)
