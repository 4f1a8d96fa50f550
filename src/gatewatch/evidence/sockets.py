"""``ss -lntup``: the sockets that listen on a Linux host, with the program behind each.

::

    Netid State  Recv-Q Send-Q Local Address:Port  Peer Address:PortProcess
    tcp   LISTEN 0      128          0.0.0.0:22         0.0.0.0:*    users:(("sshd",pid=700,fd=3))

Reference: ss(8).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Ignored, Outcome
from gatewatch.schema.facts.machine import Listener
from gatewatch.schema.port import service_of

_LINE = re.compile(r"(tcp|udp)\s+(LISTEN|UNCONN)\s+\d+\s+\d+\s+(\S+):(\d{1,5})\s+\S+(?:\s+users:\(\(\"([^\"]{1,64})\")?")
PROCESSES = {
    "sshd": "ssh", "dropbear": "ssh", "xrdp": "rdp", "Xvnc": "vnc", "x11vnc": "vnc", "Xtigervnc": "vnc", "dockerd": "docker_api",
    "kubelet": "kubelet", "kube-apiserver": "kube_api", "openvpn": "vpn", "charon": "vpn",
    "tor": "tor", "smbd": "smb", "in.telnetd": "telnet", "guacd": "guacd",
}  # fmt: skip


def _recognise(document: Document) -> int:
    head = document.head
    return SURE if "Local Address:Port" in head and "Netid" in head else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        count = 0
        for number, line in enumerate(document.lines, 1):
            found = _LINE.match(line)
            if found is None or int(found[4]) > 65535:
                continue
            count += 1
            address = found[3].strip("[]").partition("%")[0]
            process = found[5] or ""
            yield Listener(
                host=bundle.host,
                as_of=document.as_of,
                where=(document.where(number),),
                address="*" if address in {"::", "*"} else address,  # 0.0.0.0 stays: it hears IPv4 only
                port=int(found[4]),
                protocol=found[1],
                service=PROCESSES.get(process) or service_of(int(found[4]), found[1]),
                process=process,
                seen=True,
            )
        if not count:
            yield Ignored(document, "nothing listens")


FORMAT = Format(
    name="sockets",
    title="Listening sockets of a Linux host (ss -lntup)",
    recognise=_recognise,
    read=_read,
    collect="sudo ss -lntup > EVIDENCE/commands/ss.txt",
    references=("ss(8)",),
)
