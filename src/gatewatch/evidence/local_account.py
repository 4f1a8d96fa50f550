"""Accounts of a Linux host: ``passwd``, ``shadow``, ``group``, and what ``lastlog`` says of their last login.

::

    carol:x:1003:1003:Carol:/home/carol:/bin/bash
    carol:$y$j9T$...:19800:0:99999:7:::
    sudo:x:27:carol
    carol            pts/0    192.0.2.7        Mon Nov  3 10:00:00 +0000 2025

Hashes are never kept. Only accounts with a shell count. References: passwd(5), shadow(5), group(5), lastlog(8).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Outcome, Rejected
from gatewatch.evidence.mask import HIDDEN
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.identity import DirectoryAccount

_NO_SHELL = frozenset({"nologin", "false", "sync", "halt", "shutdown", "git-shell", "true"})
_ADMIN_GROUPS = frozenset({"sudo", "wheel", "admin", "root"})
_DAY = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2})\s{1,3}(\d{1,2}) [\d:]{8} (?:[+-]\d{4} )?(\d{4})$")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_EPOCH = date(1970, 1, 1)
_PASSWD = re.compile(r"[A-Za-z_][\w.$-]{0,63}:[^:]{0,40}:\d{1,10}:\d{1,10}:[^:]{0,200}:[^:]{0,400}:[^:]{0,400}$")


def _recognise(document: Document) -> int:
    if document.at("etc/passwd", "etc/shadow", "etc/group", "commands/lastlog.txt"):
        return SURE
    return SURE if document.head.startswith("Username ") and "Latest" in document.head.partition("\n")[0] else 0


@dataclass(slots=True)
class _Shadow:
    """Lines of shadow, by name: the kind of its password field ("", "hash", "locked") and the day it expires."""

    state: dict[str, str] = field(default_factory=dict)
    expires: dict[str, date] = field(default_factory=dict)


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    by_name = {document.path.rpartition("/")[2]: document for document in documents}
    passwd = by_name.get("passwd")
    last = next((one for one in documents if not one.at("etc/passwd", "etc/shadow", "etc/group")), None)
    if passwd is None:
        for document in documents:
            yield Rejected(document, "tells nothing without /etc/passwd")
        return
    shadow = _shadow(by_name["shadow"]) if "shadow" in by_name else None
    seen = _last(last) if last is not None else {}
    members = _members(by_name["group"]) if "group" in by_name else None
    found = False
    for number, line in enumerate(passwd.lines, 1):
        cells = line.split(":")
        if _PASSWD.match(line) is None or cells[6].rpartition("/")[2] in _NO_SHELL:
            found = found or _PASSWD.match(line) is not None
            continue
        found = True
        name = cells[0]
        state: str | None = _state(cells[1])
        if cells[1] == "x":
            state = shadow.state.get(name, "locked") if shadow is not None else None
        mine = {group for group, users in (members or {}).items() if name in users}
        mark = seen.get(name)
        first = Where(passwd.name, number, f"{name}:x:{cells[2]}:{cells[3]}::{cells[5]}:{cells[6]}")  # whatever stands for the password stays out
        yield DirectoryAccount(
            host=bundle.host, as_of=passwd.as_of, where=_places(first, mark), name=name, directory="linux",
            login=True if state in {"", "hash"} else None,  # a locked password leaves keys
            number=int(cells[2]), admin=int(cells[2]) == 0 or (bool(mine & _ADMIN_GROUPS) if members is not None else None),
            password=None if state is None else state != "", last_used=mark[0] if mark is not None else None,
            never=mark[0] is None if mark is not None else None, expires=shadow.expires.get(name) if shadow is not None else None,
            unending=name not in shadow.expires if shadow is not None else None,
        )  # fmt: skip
    if not found:
        yield Rejected(passwd, "holds no line of passwd(5)")


def _places(first: Where, mark: tuple[date | None, Where] | None) -> tuple[Where, ...]:
    return (first, mark[1]) if mark is not None else (first,)


def _state(text: str) -> str:
    return "" if not text else "hash" if text == HIDDEN else "locked" if text[0] in "!*" else "hash"


def _shadow(document: Document) -> _Shadow:
    made = _Shadow()
    for line in document.lines:
        cells = line.split(":")
        if len(cells) != 9:
            continue
        made.state[cells[0]] = _state(cells[1])
        if cells[7].isascii() and cells[7].isdigit() and len(cells[7]) < 7:
            made.expires[cells[0]] = _EPOCH + timedelta(days=int(cells[7]))
    return made


def _members(document: Document) -> dict[str, set[str]]:
    rows = [line.split(":") for line in document.lines]
    return {row[0]: {name.strip() for name in row[3].split(",")} for row in rows if len(row) == 4}


def _last(document: Document) -> dict[str, tuple[date | None, Where]]:
    made: dict[str, tuple[date | None, Where]] = {}
    for number, line in enumerate(document.lines, 1):
        name = line.partition(" ")[0]
        text = line.strip()
        day = _DAY.search(text)
        if text.endswith("**Never logged in**"):
            made[name] = (None, document.where(number))
        elif day is not None and day[1] in _MONTHS:
            try:
                made[name] = (date(int(day[3]), _MONTHS.index(day[1]) + 1, int(day[2])), document.where(number))
            except ValueError:
                continue
    return made


FORMAT = Format(
    name="local-account",
    title="Accounts of a Linux host (passwd, shadow, group, lastlog)",
    recognise=_recognise,
    read=_read,
    collect="cp /etc/passwd /etc/group EVIDENCE/etc/; lastlog > EVIDENCE/commands/lastlog.txt; "
    r"sudo sed -E 's/^([^:]*:[!*]*)[^:!*][^:]*/\1***/' /etc/shadow > EVIDENCE/etc/shadow (leaves the hashes out)",
    references=("passwd(5)", "shadow(5)", "lastlog(8)"),
)
