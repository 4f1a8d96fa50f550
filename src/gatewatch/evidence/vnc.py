"""Configuration files of TigerVNC's vncserver: the user's, the host's defaults, and the mandatory ones that win over both.

::

    securitytypes=vncauth,tlsvnc
    localhost

``/etc/tigervnc/vncserver-config-mandatory`` over ``~/.vnc/config`` over ``/etc/tigervnc/vncserver-config-defaults``; Debian's variant is Perl
(``$localhost = "yes";``). References: vncserver(8) and vncsession(8) of TigerVNC, tigervnc.conf(5x).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Ignored, Outcome
from gatewatch.schema.facts.base import Setting
from gatewatch.schema.facts.server import VncSettings

_LINE = re.compile(r"\s*\$?([A-Za-z]{2,40})\s*(?:=\s*\"?([^\";#]{0,200}?)\"?\s*;?\s*)?$")
_NAMES = {
    "securitytypes": "securitytypes", "localhost": "localhost", "passwordfile": "passwordfile", "vncpasswdfile": "passwordfile", "rfbport": "port",
}  # fmt: skip
_RANK = ("vncserver-config-mandatory", "config", "tigervnc.conf", "vncserver-config-defaults", "vnc.conf")


def _recognise(document: Document) -> int:
    places = (".vnc/config", ".config/tigervnc/config", "tigervnc/vncserver-config-*", ".vnc/tigervnc.conf", "etc/vnc.conf", "tigervnc/config")
    return SURE if document.at(*places) else 0


def _rank(document: Document) -> int:
    name = document.path.rpartition("/")[2]
    return _RANK.index(name) if name in _RANK else len(_RANK)


def _values(document: Document) -> list[Setting]:
    made = []
    for number, line in enumerate(document.lines, 1):
        found = _LINE.match(line.partition("#")[0])
        name = _NAMES.get(found[1].lower()) if found is not None else None
        if found is None or name is None:
            continue
        text = (found[2] or "yes").strip().lower() if name != "passwordfile" else "***"
        if name == "localhost":
            text = "no" if text in {"no", "0", "false", "off"} else "yes"
        made.append(Setting(name, text, f"{document.path.rpartition('/')[2]}", document.where(number)))
    return made


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    common = [one for one in documents if "/vncserver-config-" in f"/{one.path}" or one.at("etc/vnc.conf")]
    users = [one for one in documents if one not in common]
    owners: list[Document | None] = [*users] if users else [None]
    for user in owners:
        group = sorted([*common, *([user] if user is not None else [])], key=_rank)
        values: dict[str, Setting] = {}
        for document in group:
            for setting in _values(document):
                values.setdefault(setting.name, setting)
        first = user or group[0]
        if not values:
            yield Ignored(first, "sets nothing of who may connect")
            continue
        where = next(one.where for one in values.values() if one.where is not None)
        product = Setting("product", "tigervnc", "by its files", None)
        yield VncSettings(
            host=bundle.host, as_of=first.as_of, where=(where,), service="vnc", scope=first.path, values=(product, *values.values())
        )


FORMAT = Format(
    name="vnc",
    title="Configuration of TigerVNC",
    recognise=_recognise,
    read=_read,
    collect="cp -r /etc/tigervnc EVIDENCE/etc/; for each user: cp ~/.vnc/config EVIDENCE/home/USER/.vnc/",
    references=("vncserver(8)", "Xvnc(1)"),
)
