"""Layout: which host a file of evidence was collected on, and where it stood there, told by the folders around it."""

from __future__ import annotations

import re

_TOPS = frozenset(
    {"etc", "usr", "var", "proc", "run", "root", "home", "opt", "lib", "Library", "System", "Users", "private", "Windows", "ProgramData", "C"}
    | {"commands", "files"}
)
"""Folders at the top of a host, and the two of our collector: ``files`` (copies) and ``commands`` (output)."""
_ARCHIVES = (".tar.gz", ".tar.xz", ".tar.bz2", ".tar.zst", ".tgz", ".tar", ".zip")
_PART = re.compile(r"[^/!]+")


def split(name: str, given: str) -> tuple[str, str]:
    """Return the root of a host and the path within it, for the file *name* found under the path *given* by the user.

    >>> split("ev/web01/etc/ssh/sshd_config", "ev"), split("ev.tgz!web01/files/etc/hosts", "ev.tgz"), split("ev/fw.cfg", "ev")
    (('ev/web01', 'etc/ssh/sshd_config'), ('ev.tgz!web01', 'etc/hosts'), ('ev', 'fw.cfg'))
    >>> split("/etc/ssh/sshd_config", "/etc"), split("sshd_config", "sshd_config"), split("/home/a/ev/h/commands/ss.txt", "/home/a/ev")
    (('', 'etc/ssh/sshd_config'), ('', 'sshd_config'), ('/home/a/ev/h', 'commands/ss.txt'))
    """
    parts = [(found.start(), found.group()) for found in _PART.finditer(name)]
    if not parts:
        return "", name
    prefix = len(given.rstrip("/")) if name != given and name.startswith(given.rstrip("/")) else 0
    inner = [(start, part) for start, part in parts[:-1] if start >= prefix]
    outer = [(start, part) for start, part in parts[:-1] if start < prefix][-1:]
    for start, part in [*inner, *outer]:
        if part in _TOPS:
            path = [other for at, other in parts if (at > start if part == "files" else at >= start)]
            return name[:start].rstrip("/!"), "/".join(path)
    start, last = parts[-1]
    return name[:start].rstrip("/!") if prefix else "", last


def host_of(root: str) -> str:
    """Return the name of the host whose folder is *root*: its last component, without an archive's ending; empty when there is none.

    >>> host_of("ev/web01"), host_of("db02.tar.gz"), host_of("all.tgz!web03"), host_of("")
    ('web01', 'db02', 'web03', '')
    """
    last = root.replace("!", "/").rstrip("/").rpartition("/")[2]
    for ending in _ARCHIVES:
        if last.endswith(ending):
            return last[: -len(ending)]
    return "" if last in {".", ".."} else last
