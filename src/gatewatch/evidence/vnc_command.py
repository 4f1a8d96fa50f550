"""Command lines of VNC servers: what x11vnc, Xvnc and their like ask for and where they listen, by their options.

Options win over configuration files. Without ``-rfbauth``, ``-passwd``, ``-passwdfile`` or ``-unixpw``, x11vnc asks for nothing. References:
x11vnc(1), Xvnc(1) and vncserver(1) of TigerVNC.
"""

from __future__ import annotations

import re
from datetime import datetime

from gatewatch.schema.facts.base import Setting, Where
from gatewatch.schema.facts.server import VncSettings

_PROGRAM = re.compile(r"(?:^|[\s/])(x11vnc|Xvnc|Xtigervnc|x0vncserver|X0tigervnc|tigervncserver|vncserver|wayvnc)(?=\s|$)")
_X11_SECRET = frozenset({"-rfbauth", "-passwd", "-passwdfile", "-unixpw", "-unixpw_nis", "-usepw", "-viewpasswd", "-sslverify"})


def vnc_server(command: str, name: str, where: Where, host: str, as_of: datetime | None) -> VncSettings | None:
    """Return the settings of the VNC server that *command* starts; None where it starts none."""
    found = _PROGRAM.search(command)
    if found is None:
        return None
    words = command[found.end() :].split()
    return made(found[1], words, name, where, host, as_of)


def made(program: str, words: list[str], name: str, where: Where, host: str, as_of: datetime | None) -> VncSettings:
    """Return the settings that the options *words* of *program* make."""
    options: dict[str, str] = {}
    for at, word in enumerate(words):
        key, mark, text = word.partition("=")
        following = words[at + 1] if at + 1 < len(words) and not words[at + 1].startswith("-") else ""
        if key.startswith("-"):
            options.setdefault("-" + key.lstrip("-").lower(), text if mark else following)
    how = f"option of {program}"
    values = [Setting("product", program, how, where)]
    if program == "x11vnc":
        asks = [word for word in options if word in _X11_SECRET]
        why = how if asks else "x11vnc asks for nothing without -rfbauth or -passwd"
        values.append(Setting("securitytypes", "vncauth" if asks else "none", why, where))
        local = "-localhost" in options or options.get("-listen") in {"localhost", "127.0.0.1"}
        values.append(Setting("localhost", "yes" if local else "no", how if local else "x11vnc listens on every address by default", where))
    else:
        if "-securitytypes" in options:
            values.append(Setting("securitytypes", options["-securitytypes"].lower(), how, where))
        if "-localhost" in options:
            value = options["-localhost"].lower()
            values.append(Setting("localhost", "no" if value in {"no", "0", "false", "off"} else "yes", how, where))
        elif program in {"Xvnc", "Xtigervnc", "x0vncserver", "X0tigervnc"}:
            values.append(Setting("localhost", "no", f"{program} listens on every address by default", where))
    port = options.get("-rfbport", "")
    if port.isdigit():
        values.append(Setting("port", port, how, where))
    return VncSettings(host=host, as_of=as_of, where=(where,), service="vnc", scope=name, values=tuple(values))
