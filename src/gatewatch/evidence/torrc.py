"""torrc: what a Tor on this host offers as onion service and listens on.

::

    HiddenServiceDir /var/lib/tor/hs
    HiddenServicePort 3389 127.0.0.1:3389
    SocksPort 9050

Recognised by content as well, for portable ones lie anywhere. Reference: tor(1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import LIKELY, SURE, Format, Outcome
from gatewatch.evidence.mask import value as masked
from gatewatch.schema.facts.base import Setting, Where
from gatewatch.schema.facts.server import HiddenService, TorSettings

_WORDS = re.compile(r"(?im)^\s*(?:HiddenService(?:Dir|Port|Version)|SocksPort|ControlPort|ORPort|DirPort|ExitPolicy|UseBridges|DataDirectory|"
                    r"CookieAuthentication|Bridge|ClientTransportPlugin)\s")  # fmt: skip
_ONION = re.compile(r"(?im)^\s*HiddenService(?:Dir|Port)\s")


def _recognise(document: Document) -> int:
    name = document.path.rpartition("/")[2].lower()
    if name in {"torrc", "torrc-defaults"} or name.startswith("torrc."):
        return SURE
    words = {found.strip().lower() for found in _WORDS.findall(document.head)}
    return LIKELY if len(words) >= 2 or _ONION.search(document.head) else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        values: list[Setting] = []
        folder, folder_place, services = "", None, 0
        pending = False
        text, start = "", 0
        for number, raw in enumerate(document.lines, 1):
            line = raw.partition("#")[0].strip()
            text = f"{text} {line.removesuffix(chr(92))}".strip() if text else line.removesuffix(chr(92)).strip()
            start = start or number
            if line.endswith(chr(92)):
                continue
            words, place = text.split(None, 1), document.where(start)
            text, start = "", 0
            if not words:
                continue
            name = words[0].lstrip("+/").lower()
            rest = words[1].strip() if len(words) > 1 else ""
            if name == "hiddenservicedir":
                if pending:
                    yield _service(document, bundle, folder, "", folder_place or place)
                folder, folder_place, pending = rest.strip('"'), place, True
                services += 1
            elif name == "hiddenserviceport":
                pending = False
                yield _service(document, bundle, folder, rest, place)
            else:
                values.append(Setting(name, masked(name, rest), "as written", place))
        if pending and folder_place is not None:
            yield _service(document, bundle, folder, "", folder_place)
        values.append(Setting("hiddenservices", str(services), "counted", None))
        yield TorSettings(
            host=bundle.host, as_of=document.as_of, where=(document.where(1),), service="tor", scope=document.path, values=tuple(values)
        )


def _service(document: Document, bundle: Bundle, folder: str, rest: str, where: Where) -> HiddenService:
    words = rest.split()
    port = int(words[0]) if words and words[0].isdigit() and len(words[0]) < 6 else 0
    target = words[1] if len(words) > 1 else f"127.0.0.1:{port}" if port else ""
    return HiddenService(host=bundle.host, as_of=document.as_of, where=(where,), folder=folder, port=port, target=target)


FORMAT = Format(
    name="torrc",
    title="Configuration of Tor (torrc)",
    recognise=_recognise,
    read=_read,
    collect="cp /etc/tor/torrc EVIDENCE/etc/tor/, and every file named torrc that is found",
    references=("tor(1)", "CISA AA20-183A"),
)
