"""Apache Guacamole: ``guacamole.properties``, ``guacd.conf``, ``user-mapping.xml``, and the listing of its folder.

::

    guacd-hostname: localhost
    openid-authorization-endpoint: https://login.example.com/authorize

Which extensions are installed says who is asked for what; the properties only hint at it (TOTP needs none). Reference: Guacamole Manual,
"Configuring Guacamole".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Outcome, Rejected
from gatewatch.evidence.mask import value as masked
from gatewatch.schema.facts.access import AccessPath, Factor, FactorKind, Way
from gatewatch.schema.facts.base import Setting, Where
from gatewatch.schema.facts.broker import GuacamoleSettings
from gatewatch.schema.facts.machine import Listener

_PAIR = re.compile(r"\s*([\w-]{1,80})\s*[:=]\s*(.{0,400})$")
_JAR = re.compile(r"(guacamole-[\w.-]{1,120}\.jar|user-mapping\.xml)\s*$")
_FIRST: tuple[tuple[str, FactorKind, str], ...] = (
    ("guacamole-auth-jdbc", FactorKind.KNOWLEDGE, "database"),
    ("guacamole-auth-ldap", FactorKind.KNOWLEDGE, "ldap"),
    ("guacamole-auth-json", FactorKind.KNOWLEDGE, "json"),
    ("guacamole-auth-header", FactorKind.DELEGATED, "http-header"),
    ("guacamole-auth-radius", FactorKind.DELEGATED, "radius"),
    ("guacamole-auth-sso-openid", FactorKind.DELEGATED, "openid"),
    ("guacamole-auth-sso-saml", FactorKind.DELEGATED, "saml"),
    ("guacamole-auth-sso-cas", FactorKind.DELEGATED, "cas"),
    ("guacamole-auth-sso-ssl", FactorKind.POSSESSION, "client certificate"),
)
_PROVIDER = {"openid": "openid-authorization-endpoint", "saml": "saml-idp-url", "cas": "cas-authorization-endpoint", "radius": "radius-hostname"}
_SECOND = ("guacamole-auth-totp", "guacamole-auth-duo")


def _recognise(document: Document) -> int:
    return SURE if document.at("guacamole/guacamole.properties", "guacamole/guacd.conf", "guacamole/user-mapping.xml", "guacamole-files.txt") else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    held: dict[str, Setting] = {}
    listing = next((one for one in documents if one.at("guacamole-files.txt")), None)
    mapping = next((one for one in documents if one.at("user-mapping.xml")), None)
    files = [found[1] for line in (listing.lines if listing is not None else ()) if (found := _JAR.search(line)) is not None]
    if mapping is not None and "user-mapping.xml" not in files:
        files.append("user-mapping.xml")
    first = next((one for one in documents if one.at("guacamole.properties")), documents[0])
    for document in documents:
        if document.at("guacamole.properties", "guacd.conf"):
            held.update(_pairs(document))
    if listing is not None and not files:
        yield Rejected(listing, "lists no extension and no user-mapping.xml: bring the whole output of ls -R /etc/guacamole")
        listing = None
    where = (Where(mapping.name, 1, "<user-mapping>"),) if mapping is not None else (first.where(1),)
    yield GuacamoleSettings(
        host=bundle.host, as_of=first.as_of, where=where, service="guacamole", values=tuple(held.values()), listed=listing is not None,
        files=tuple(files),
    )  # fmt: skip
    bind = held.get("server.bind_host")
    if bind is not None:
        port = held["server.bind_port"].value if "server.bind_port" in held else "4822"
        number = int(port) if port.isascii() and port.isdigit() and len(port) < 6 else 4822
        spot = (bind.where,) if bind.where is not None else ()
        yield Listener(host=bundle.host, as_of=first.as_of, where=spot, address=bind.value, port=number, service="guacd", process="guacd")
    if any(one.at("guacamole.properties") for one in documents):
        yield AccessPath(
            host=bundle.host, as_of=first.as_of, where=(first.where(1),), service="guacamole", product="guacamole", name="login",
            ways=tuple(_ways(files, held, first, listed=listing is not None)),
        )  # fmt: skip


def _pairs(document: Document) -> Iterator[tuple[str, Setting]]:
    section = ""
    for number, line in enumerate(document.lines, 1):
        text = line.partition("#")[0].strip() if document.at("guacd.conf") else line.strip()
        if text.startswith("[") and text.endswith("]"):
            section = text.strip("[]").strip().lower() + "."
            continue
        pair = _PAIR.match(text) if text and not text.startswith("#") else None
        if pair is not None:
            name = section + pair[1].lower()
            yield name, Setting(name, masked(pair[1], pair[2].strip()), "as written", document.where(number))


def _ways(files: list[str], held: dict[str, Setting], document: Document, *, listed: bool) -> Iterator[Way]:
    doubt = "" if listed else "which extensions are installed is not in the evidence"
    second = next((name for name in _SECOND if any(file.startswith(name) for file in files)), "")
    more = (Factor(FactorKind.POSSESSION, second.rpartition("-")[2]),) if second else ()
    made = 0
    for prefix, kind, method in _FIRST:
        if not any(file.startswith(prefix) for file in files):
            continue
        made += 1
        setting = held.get(_PROVIDER.get(method, ""))
        provider = setting.value if setting is not None else method if kind is FactorKind.DELEGATED else ""
        where = (setting.where,) if setting is not None and setting.where is not None else (document.where(1),)
        yield Way((Factor(kind, method, provider), *more), " and ".join([method, *(one.method for one in more)]), where)
    if "user-mapping.xml" in files or not made:
        said = "user-mapping.xml" if "user-mapping.xml" in files else "a password"
        yield Way((Factor(FactorKind.KNOWLEDGE, "password"), *more), said, (document.where(1),), doubt if not made else "")


FORMAT = Format(
    name="guacamole",
    title="Apache Guacamole (guacamole.properties, guacd.conf, its extensions)",
    recognise=_recognise,
    read=_read,
    collect="cp /etc/guacamole/guacamole.properties /etc/guacamole/guacd.conf EVIDENCE/etc/guacamole/; "
    "ls -R /etc/guacamole > EVIDENCE/commands/guacamole-files.txt",
    references=("Guacamole Manual: Configuring Guacamole",),
)
