"""smb.conf, or what ``testparm -s`` prints of it: the global section and each share.

::

    [global]
        map to guest = Bad User
        server min protocol = SMB2_10
    [public]
        guest ok = yes

Included files are read where they are in the evidence. Reference: smb.conf(5); its defaults are those of Samba 4.11 and later.
"""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import LIKELY, SURE, Format, Outcome, Rejected
from gatewatch.evidence.mask import value as masked
from gatewatch.schema.facts.base import Setting
from gatewatch.schema.facts.server import SambaSettings

_SYNONYMS = {
    "min protocol": "server min protocol", "max protocol": "server max protocol", "protocol": "server max protocol", "public": "guest ok",
    "writeable": "writable", "write ok": "writable", "only guest": "guest only", "allow hosts": "hosts allow", "deny hosts": "hosts deny",
    "browsable": "browseable", "directory": "path",
}  # fmt: skip
_DEFAULTS = {
    "map to guest": "never", "server min protocol": "SMB2_02", "server signing": "default", "restrict anonymous": "0", "guest ok": "no",
    "bind interfaces only": "no", "interfaces": "", "hosts allow": "", "ntlm auth": "ntlmv2-only", "null passwords": "no",
}  # fmt: skip
_SPECIAL = frozenset({"global", "homes", "printers", "print$"})


def _recognise(document: Document) -> int:
    if document.at("samba/smb.conf"):
        return SURE
    head = document.head.lower()
    return LIKELY if "[global]" in head and any(word in head for word in ("workgroup", "server role", "server string", "passdb backend")) else 0


def _lines(document: Document, bundle: Bundle, depth: int = 0) -> Iterator[tuple[Document, int, str]]:
    text, start = "", 0
    for number, raw in enumerate(document.lines, 1):
        line = raw.strip()
        if not text and line.startswith(("#", ";")):
            continue
        start = start or number
        if line.endswith("\\"):
            text += line[:-1] + " "
            continue
        whole, place = text + line, start
        text, start = "", 0
        name, mark, value = whole.partition("=")
        if mark and name.strip().lower() == "include" and depth < 8:
            inner = bundle.get(value.strip())
            if inner is not None and inner is not document:
                yield from _lines(inner, bundle, depth + 1)
                continue
        yield document, place, whole


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        sections: dict[str, dict[str, Setting]] = {}
        doubt, section = "", ""
        for source, number, line in _lines(document, bundle):
            if line.startswith("["):
                section = line.strip("[] ").lower()
                sections.setdefault(section, {})
                continue
            name, mark, value = line.partition("=")
            if not mark or not section:
                continue
            key = " ".join(name.lower().split())
            if key in {"include", "config file", "copy"}:
                doubt = doubt or f"{key} {value.strip()} is not in the evidence"
                continue
            if key == "guest account" or not value.strip():
                continue
            key = _SYNONYMS.get(key, key)
            sections[section][key] = Setting(key, masked(key.replace(" ", "_"), value.strip()), "as written", source.where(number))
        if "global" not in sections:
            yield Rejected(document, "has no section [global]")
            continue
        shared = sections["global"]
        for name, text in _DEFAULTS.items():
            shared.setdefault(name, Setting(name, text, "default of Samba", None))
        for title, own in sections.items():
            values = dict(own) if title == "global" else {**{name: shared[name] for name in _DEFAULTS if name in shared}, **own}
            made = tuple(Setting(one.name, one.value, one.how, one.where, doubt) for one in values.values())
            where = next((one.where for one in own.values() if one.where is not None), document.where(1))
            scope = title if title in _SPECIAL else f"share {title}"
            yield SambaSettings(host=bundle.host, as_of=document.as_of, where=(where,), service="smb", scope=scope, values=made)


FORMAT = Format(
    name="samba",
    title="Configuration of Samba (smb.conf, testparm)",
    recognise=_recognise,
    read=_read,
    collect="testparm -s > EVIDENCE/commands/testparm.txt 2>/dev/null, or cp /etc/samba/smb.conf EVIDENCE/etc/samba/",
    references=("smb.conf(5)",),
)
