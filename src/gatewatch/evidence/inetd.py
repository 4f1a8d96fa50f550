"""inetd and xinetd: services that start when somebody connects.

::

    telnet stream tcp nowait root /usr/sbin/tcpd in.telnetd

    service telnet
    {
        disable = no
        server  = /usr/sbin/in.telnetd
    }

References: inetd.conf(5), xinetd.conf(5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Ignored, Outcome
from gatewatch.schema.facts.machine import Autostart
from gatewatch.schema.secret import mask

_INETD = re.compile(r"(\S{1,60})\s+(?:stream|dgram)\s+(?:tcp|udp)[46]?6?\s+\S+\s+(\S{1,60})\s+(\S.{0,400})$")
_SERVICE = re.compile(r"service\s+(\S{1,60})")


def _recognise(document: Document) -> int:
    return SURE if document.at("etc/inetd.conf", "etc/xinetd.conf", "xinetd.d/*") else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        count, name, start = 0, "", 0
        block: dict[str, str] = {}
        for number, raw in enumerate(document.lines, 1):
            line = raw.partition("#")[0].strip()
            old, service = _INETD.match(line), _SERVICE.match(line)
            if old is not None:
                count += 1
                yield Autostart(
                    host=bundle.host, as_of=document.as_of, where=(document.where(number),), name=old[1].rpartition(":")[2], manager="inetd",
                    command=mask(old[3]), user=old[2], enabled=True,
                )  # fmt: skip
            elif service is not None:
                name, start, block = service[1], number, {}
            elif line == "}" and name:
                count += 1
                yield Autostart(
                    host=bundle.host, as_of=document.as_of, where=(document.where(start),), name=name, manager="inetd",
                    command=mask(f"{block.get('server', '')} {block.get('server_args', '')}".strip()), user=block.get("user", ""),
                    enabled=block.get("disable", "no").lower() != "yes",
                )  # fmt: skip
                name = ""
            elif name and "=" in line:
                key, _, value = line.partition("=")
                block[key.strip().lower().rstrip("+-").strip()] = value.strip()
        if not count:
            yield Ignored(document, "starts nothing")


FORMAT = Format(
    name="inetd",
    title="Services of inetd and xinetd",
    recognise=_recognise,
    read=_read,
    collect="cp /etc/inetd.conf EVIDENCE/etc/; cp -r /etc/xinetd.d EVIDENCE/etc/",
    references=("inetd.conf(5)", "xinetd.conf(5)"),
)
