"""systemd: which units are enabled, which run, and what the units of the host start.

::

    UNIT FILE            STATE    PRESET
    xrdp.service         enabled  enabled

    [Service]
    ExecStart=/usr/bin/x11vnc -display :0 -forever -nopw

``list-units`` tells what runs. References: systemctl(1), systemd.service(5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import LIKELY, SURE, Format, Ignored, Outcome
from gatewatch.evidence.unit_command import commands
from gatewatch.evidence.vnc_command import vnc_server
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.machine import Autostart
from gatewatch.schema.secret import mask

_FILE = re.compile(r"(\S{1,200}\.(?:service|socket|timer|path|target|mount))\s+(enabled|enabled-runtime|disabled|static|masked|masked-runtime|"
                   r"alias|indirect|generated|transient|linked|linked-runtime)\b")  # fmt: skip
_UNIT = re.compile(r"[●*x ]?\s*(\S{1,200}\.(?:service|socket))\s+(loaded|not-found|masked)\s+(active|inactive|failed|activating)\s+(\S+)")
_ON = {"enabled": True, "enabled-runtime": True, "disabled": False, "masked": False, "masked-runtime": False}


def _recognise(document: Document) -> int:
    head = document.head
    if document.at("systemd/system/*.service", "systemd/system/*/*.conf", "systemd/user/*.service", "systemd/system/*.socket"):
        return SURE if not re.match(r"(?:\s*#.*\n)*\s*(?:apiVersion|kind):", head) else 0  # a program's own file may lie beside its unit
    if document.at("commands/units.txt", "commands/running.txt") and any(_FILE.match(line) or _UNIT.match(line) for line in head.splitlines()):
        return SURE  # as the collector writes it, without a heading
    if re.search(r"(?m)^UNIT FILE\s+(?:VENDOR )?(?:STATE|PRESET)", head) or re.search(r"(?m)^\s*UNIT\s+LOAD\s+ACTIVE\s+SUB", head):
        return SURE
    return LIKELY if re.search(r"(?m)^\[Service\]", head) and re.search(r"(?m)^ExecStart\s*=", document.text) else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        if re.search(r"(?m)^\[(?:Service|Socket|Unit|Install)\]", document.head):
            yield from _unit(document, bundle)
            continue
        count = 0
        for number, line in enumerate(document.lines, 1):
            listed, running = _FILE.match(line), _UNIT.match(line)
            if listed is None and (running is None or running[3] != "active"):
                continue
            count += 1
            found = listed if listed is not None else running
            assert found is not None
            yield Autostart(
                host=bundle.host, as_of=document.as_of, where=(document.where(number),), name=found[1], manager="systemd",
                display=f"{found[3]} ({found[4]})" if listed is None else found[2], enabled=_ON.get(found[2]) if listed is not None else True,
            )  # fmt: skip
        if not count:
            yield Ignored(document, "lists no unit that starts")
    yield from commands(documents, bundle)


def _unit(document: Document, bundle: Bundle) -> Iterator[Outcome]:
    name = document.path.rpartition("/")[2]
    commands: list[tuple[str, Where]] = []
    user, number = "", 0
    lines = document.lines
    while number < len(lines):
        start, text = number, lines[number].strip()
        number += 1
        while text.endswith("\\") and number < len(lines):
            text, number = text[:-1] + " " + lines[number].strip(), number + 1
        key, mark, value = text.partition("=")
        if not mark or key.startswith(("#", ";")):
            continue
        if key.strip() in {"ExecStart", "ExecStartPre", "ExecStartPost"}:
            if not value.strip():
                commands = [] if key.strip() == "ExecStart" else commands
                continue
            commands.append((value.strip().lstrip("@-:+!"), document.where(start + 1)))
        elif key.strip() == "User":
            user = value.strip()
    for command, where in commands:
        yield Autostart(host=bundle.host, as_of=document.as_of, where=(where,), name=name, manager="systemd", command=mask(command), user=user)
        server = vnc_server(command, name, where, bundle.host, document.as_of)
        if server is not None:
            yield server
    if not commands:
        yield Ignored(document, "starts no program")


FORMAT = Format(
    name="systemd",
    title="systemd: units, and what they start",
    recognise=_recognise,
    read=_read,
    collect=(
        "systemctl list-unit-files --no-pager > EVIDENCE/commands/units.txt; systemctl list-units --no-pager > EVIDENCE/commands/running.txt; "
        "cp -r /etc/systemd/system EVIDENCE/etc/systemd/"
    ),
    references=("systemctl(1)", "systemd.service(5)"),
)
