"""rsyslog: which logs of a host go to another host.

::

    *.* @@logs.example.com:6514
    action(type="omfwd" target="logs.example.com" port="6514" protocol="tcp" StreamDriver="gtls" StreamDriverMode="1")

One ``@`` is UDP, two are TCP. Reference: rsyslog.conf(5), module omfwd.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import LIKELY, SURE, Format, Ignored, Outcome
from gatewatch.schema.facts.machine import LogTarget

_OLD = re.compile(r"\s{0,20}([\w*.,;!=-]{1,200})\s+(@@?)(?:\([^)]{0,40}\))?(\[?[\w.:-]{1,200}\]?)")
_NEW = re.compile(r'(?i)(\w{1,40})\s{0,4}=\s{0,4}"([^"]{0,300})"')


def _recognise(document: Document) -> int:
    if document.at("rsyslog.conf"):
        return SURE
    return LIKELY if document.at("rsyslog.d/*.conf") else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        found = False
        secure = "streamdriver" in document.text.lower() or "ossl" in document.text.lower()
        text = document.text
        for number, line in enumerate(document.lines, 1):
            if line.lstrip().startswith("#"):
                continue
            old = _OLD.match(line)
            new = "omfwd" in line.lower() and "action" in line.lower()
            if old is None and not new:
                continue
            found = True
            if old is not None:
                target, selector, encrypted = f"{old[2]}{old[3]}", old[1], secure and old[2] == "@@" and "ActionSendStreamDriverMode 1" in text
            else:
                at = sum(len(one) + 1 for one in document.lines[: number - 1])
                pairs = {key.lower(): value for key, value in _NEW.findall(text[at : at + 2000].partition(")")[0])}
                target, selector = pairs.get("target", ""), "*.*"
                encrypted = pairs.get("streamdrivermode") == "1"
            yield LogTarget(
                host=bundle.host, as_of=document.as_of, where=(document.where(number),), service="syslog", target=target, remote=True,
                encrypted=encrypted, kinds=(selector,),
            )  # fmt: skip
        if not found:
            yield Ignored(document, "forwards nothing to another host")


FORMAT = Format(
    name="rsyslog",
    title="rsyslog: forwarding to other hosts",
    recognise=_recognise,
    read=_read,
    collect="cp -r /etc/rsyslog.conf /etc/rsyslog.d EVIDENCE/etc/",
    references=("rsyslog.conf(5)",),
)
