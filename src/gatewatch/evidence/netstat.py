"""Listening sockets as netstat lists them on Linux, Windows and macOS, and as ``ss -tlnp`` does without its first column.

::

    tcp        0      0 0.0.0.0:5900      0.0.0.0:*     LISTEN      812/x11vnc
      TCP    0.0.0.0:3389           0.0.0.0:0              LISTENING       1044
    tcp46      0      0  *.5900                 *.*                    LISTEN
    LISTEN 0      128          0.0.0.0:22         0.0.0.0:*    users:(("sshd",pid=700,fd=3))

References: netstat(8), ss(8), netstat of Windows and of macOS.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Ignored, Outcome
from gatewatch.evidence.sockets import PROCESSES
from gatewatch.schema.facts.machine import Listener
from gatewatch.schema.port import service_of

_LINUX = re.compile(r"(tcp|udp)6?\s+\d+\s+\d+\s+(\S+):(\d{1,5})\s+\S+(?:\s+(LISTEN))?\s*(?:(?:\d+|-)/?(\S{0,64}).*)?$")
_WINDOWS = re.compile(r"\s*(TCP|UDP)\s+(\S+):(\d{1,5})\s+\S+(?:\s+(LISTENING))?\s+\d+\s*$")
_MACOS = re.compile(r"(tcp|udp)(?:4|6|46)\s+\d+\s+\d+\s+(\S+)\.(\d{1,5})\s+\*\.\*(?:\s+(LISTEN))?\s*$")
_SS = re.compile(r"(LISTEN)\s+\d+\s+\d+\s+(\S+):(\d{1,5})\s+\S+(?:\s+users:\(\(\"([^\"]{1,64})\")?")
_PROGRAM = re.compile(r"\s*\[([\w.-]{1,64})\]\s*$")
_ANY = frozenset({"0.0.0.0", "::", "*", "[::]"})  # noqa: S104 - compared, not bound


def _recognise(document: Document) -> int:
    head = document.head
    old = "Active Internet connections" in head or "Active Connections" in head
    bare = "Local Address:Port" in head and "Netid" not in head and "Recv-Q" in head
    return SURE if old or bare else 0


def _found(line: str) -> tuple[str, str, int, str] | None:
    """Return (protocol, address, port, program) of a line that shows a listening socket."""
    for pattern in (_LINUX, _WINDOWS, _MACOS):
        match = pattern.match(line)
        if match is not None:
            protocol = match[1].lower()
            if protocol == "tcp" and not match[4]:
                return None
            program = match[5] if pattern is _LINUX and match[5] else ""
            return protocol, match[2], int(match[3]), program
    match = _SS.match(line)
    return ("tcp", match[2], int(match[3]), match[4] or "") if match is not None else None


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        count = 0
        for number, line in enumerate(document.lines, 1):
            found = _found(line)
            if found is None or found[2] > 65535:
                continue
            protocol, address, port, program = found
            if not program and number < len(document.lines) and (named := _PROGRAM.match(document.lines[number])):
                program = named[1]  # netstat -b names the program in the line below
            count += 1
            bare = address.strip("[]").partition("%")[0]
            yield Listener(
                host=bundle.host, as_of=document.as_of, where=(document.where(number),), address="*" if address in _ANY or bare in _ANY else bare,
                port=port, protocol=protocol, service=PROCESSES.get(program) or service_of(port, protocol), process=program, seen=True,
            )  # fmt: skip
        if not count:
            yield Ignored(document, "nothing listens")


FORMAT = Format(
    name="netstat",
    title="Listening sockets (netstat on Linux, Windows, macOS; ss -tlnp)",
    recognise=_recognise,
    read=_read,
    collect="netstat -abno > netstat.txt (Windows), netstat -an > netstat.txt (macOS), sudo netstat -tulnp > netstat.txt (Linux)",
    references=("netstat(8)", "ss(8)"),
)
