"""RADIUS servers that check logins for gateways: clients of FreeRADIUS, and Duo's authentication proxy.

::

    client vpn {
        ipaddr = 10.0.0.2
        secret = S3CRET
        require_message_authenticator = yes
    }

    [radius_server_auto]
    failmode=secure
    radius_ip_1=10.0.0.2

Duo's proxy lets a password alone in when Duo cannot be reached (failmode safe), unless it says ``secure``. A secret as the server ships with
it is told apart, none is kept. References: clients.conf of FreeRADIUS 3; Duo Authentication Proxy reference; CVE-2024-3596.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Ignored, Outcome, Rejected
from gatewatch.evidence.mask import HIDDEN
from gatewatch.schema.facts.base import Setting
from gatewatch.schema.facts.identity import RadiusSettings

_CLIENT = re.compile(r"client\s+\"?([\w./:*-]{1,200})\"?\s*\{\s*(?:#.*)?$")
_PAIR = re.compile(r"(\w{1,60})\s*=\s*\"?([^\"#]{0,300}?)\"?\s*(?:#.*)?$")
_SHIPPED = frozenset({"testing123", "secret", "radius", "changeme"})
_WANTED = frozenset({"ipaddr", "ipv4addr", "ipv6addr", "require_message_authenticator", "limit_proxy_state", "secret"})


def _recognise(document: Document) -> int:
    if document.at("authproxy.cfg", "raddb/clients.conf", "freeradius/clients.conf", "3.0/clients.conf", "clients.d/*"):
        return SURE
    lines = [line.strip() for line in document.head.splitlines()]
    return SURE if any(_CLIENT.match(line) for line in lines) or any(line.startswith("[radius_server_") for line in lines) else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        yield from _duo(document, bundle) if any(line.strip().startswith("[") for line in document.lines) else _clients(document, bundle)


def _clients(document: Document, bundle: Bundle) -> Iterator[Outcome]:
    name, depth, start = "", 0, 0
    values: list[Setting] = []
    found = False
    for number, line in enumerate(document.lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        opened = _CLIENT.match(text)
        if opened is not None and not name:
            name, depth, start, values, found = opened[1], 1, number, [], True
            continue
        if not name:
            continue
        pair = _PAIR.match(text)
        if pair is not None and depth == 1 and pair[1].lower() in _WANTED:
            key = pair[1].lower()
            text_value = pair[2].strip()
            if key == "secret":
                text_value = "hidden" if text_value == HIDDEN else "as shipped" if text_value.lower() in _SHIPPED else "own"
            values.append(Setting(key, text_value.lower(), "as written", document.where(number)))
        depth += text.count("{") - text.count("}")
        if depth <= 0:
            if not any(one.name.startswith("ip") for one in values):  # an old way: the name is the address
                values.append(Setting("ipaddr", name.lower(), "name of the client", document.where(start)))
            yield RadiusSettings(
                host=bundle.host, as_of=document.as_of, where=(document.where(start),), service="radius", scope=name, product="freeradius",
                values=tuple(values),
            )  # fmt: skip
            name = ""
    if name:
        yield Rejected(document, f"ends within client {name}")
    elif not found:
        yield Ignored(document, "names no client")


def _duo(document: Document, bundle: Bundle) -> Iterator[Outcome]:
    section, start, found = "", 0, False
    values: dict[str, Setting] = {}
    for number, line in enumerate([*document.lines, "[end]"], 1):
        text = line.strip()
        if text.startswith("[") and text.endswith("]"):
            if section.startswith(("radius_server_", "ldap_server_")):
                found = True
                mode = values.get("failmode") or Setting("failmode", "safe", "default of Duo's proxy", None)
                yield RadiusSettings(
                    host=bundle.host, as_of=document.as_of, where=(document.where(start),), service="radius", scope=section, product="duo",
                    values=(mode, *(one for name, one in values.items() if name != "failmode")),
                )  # fmt: skip
            section, start, values = text.strip("[]").strip().lower(), number, {}
            continue
        name, mark, value = text.partition("=")
        if mark and not text.startswith(("#", ";")) and name.strip().lower() in {"failmode", "client"}:
            key = name.strip().lower()
            values[key] = Setting(key, value.strip().lower(), "as written", document.where(number))
    if not found:
        yield Ignored(document, "has no server for RADIUS or LDAP")


FORMAT = Format(
    name="radius",
    title="RADIUS: clients of FreeRADIUS, Duo's authentication proxy",
    recognise=_recognise,
    read=_read,
    collect="cp -r /etc/freeradius EVIDENCE/etc/ (or /etc/raddb); cp /opt/duoauthproxy/conf/authproxy.cfg EVIDENCE/opt/duoauthproxy/conf/",
    references=("FreeRADIUS: clients.conf", "Duo Authentication Proxy reference", "CVE-2024-3596"),
)
