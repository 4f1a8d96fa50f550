"""What a Linux host records and sends on: rules of auditd; rsyslog, syslog-ng and journald's upload.

::

    -w /etc/ssh/sshd_config -p wa -k sshd
    -a always,exit -F dir=/root/.ssh -F perm=wa -k keys
    *.* @@log01.example:6514
    action(type="omfwd" target="log01.example" protocol="tcp" StreamDriver="gtls" StreamDriverMode="1")

References: auditctl(8), rsyslog.conf(5), omfwd of rsyslog, journal-upload.conf(5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import LIKELY, SURE, Format, Outcome
from gatewatch.schema.facts.base import Setting, Where
from gatewatch.schema.facts.machine import LogTarget
from gatewatch.schema.facts.server import AuditRules, LogSettings

_WATCH = re.compile(r"-w\s+(\S{1,300})(?:\s+-p\s+([rwxa]{1,4}))?")
_FIELD = re.compile(r"-F\s+(?:path|dir)=(\S{1,300})")
_PERM = re.compile(r"-F\s+perm=([rwxa]{1,4})")
_LEGACY = re.compile(r"(\S{1,200})\s+(@{1,2})(?:\([^)]{0,40}\))?\[?([\w.:-]{1,200}?)\]?(?::(\d{1,5}))?(?:;\S{1,60})?\s*$")
_TYPE = re.compile(r"(?i)type\s*=\s*\"?(omfwd|omrelp)\"?")
_TARGET = re.compile(r"(?i)\btarget\s*=\s*\"?([\w.:-]{1,200})\"?")
_MODE = re.compile(r"(?i)streamdriver\.?mode\s*=\s*\"?1\"?|\btls\s*=\s*\"?on\"?")
_RULES = ("audit/audit.rules", "audit/rules.d/*.rules")
_SYSLOG = ("etc/rsyslog.conf", "rsyslog.d/*.conf", "systemd/journal-upload.conf", "systemd/journal-upload.conf.d/*.conf", "syslog-ng/syslog-ng.conf",
           "syslog-ng/conf.d/*.conf")  # fmt: skip


def _recognise(document: Document) -> int:
    if document.at(*_RULES) or document.at(*_SYSLOG):
        return SURE
    lines = [line for line in document.head.splitlines() if line.strip() and not line.startswith("#")]
    return LIKELY if lines and sum(1 for line in lines if line.startswith(("-w ", "-a ", "-D", "-b ", "-e ", "-f "))) * 10 >= len(lines) * 8 else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    logs = [one for one in documents if one.at(*_SYSLOG)]
    rules = [one for one in documents if one not in logs]
    if rules:
        yield _rules(rules, bundle)
    targets: list[LogTarget] = []
    for document in logs:
        targets += _targets(document, bundle)
    yield from targets
    if logs:
        names = ", ".join(one.target for one in targets)
        where = targets[0].where[0] if targets else logs[0].where(1)
        value = Setting("forward", names, "as written" if names else f"no forwarding in {len(logs)} files", where)
        yield LogSettings(host=bundle.host, as_of=logs[0].as_of, where=(where,), service="syslog", values=(value,))


def _rules(documents: list[Document], bundle: Bundle) -> AuditRules:
    watches: list[tuple[str, str]] = []
    places: list[Where] = []
    for document in sorted(documents, key=lambda one: one.path):
        for number, line in enumerate(document.lines, 1):
            text = line.strip()
            if text == "-D":
                watches, places = [], []
            watch, path = _WATCH.match(text), _FIELD.search(text)
            if watch is not None:
                watches.append((watch[1].rstrip("/") or "/", watch[2] or "rwxa"))
                places.append(document.where(number))
            elif path is not None and text.startswith("-a ") and "always" in text:
                perm = _PERM.search(text)
                watches.append((path[1].rstrip("/") or "/", perm[1] if perm is not None else "rwxa"))
                places.append(document.where(number))
    return AuditRules(
        host=bundle.host, as_of=documents[0].as_of, where=tuple(places[:20]) or (documents[0].where(1),), watches=tuple(watches)
    )


def _targets(document: Document, bundle: Bundle) -> Iterator[LogTarget]:
    number, lines = 0, document.lines
    while number < len(lines):
        start, text = number, lines[number].partition("#")[0].strip()
        number += 1
        if "action(" in text.lower() or text.startswith("destination"):
            while text.count("(") > text.count(")") and number < len(lines) and number - start < 60:
                text, number = text + " " + lines[number].partition("#")[0].strip(), number + 1
        where = document.where(start + 1)
        legacy = _LEGACY.match(text)
        if legacy is not None:
            yield _target(bundle, document, where, legacy[3], None if legacy[2] == "@@" else False)
        elif _TYPE.search(text) and (target := _TARGET.search(text)) is not None:
            yield _target(bundle, document, where, target[1], _MODE.search(text) is not None)
        elif document.at("systemd/journal-upload.conf", "journal-upload.conf.d/*.conf") and text.startswith("URL=") and text[4:].strip():
            yield _target(bundle, document, where, text[4:].strip(), text[4:].strip().startswith("https"))
        elif text.startswith("destination") and (found := re.search(r"(?:network|tcp|udp|syslog)\(\s*\"([\w.:-]{1,200})\"", text)) is not None:
            yield _target(bundle, document, where, found[1], "tls" in text)


def _target(bundle: Bundle, document: Document, where: Where, target: str, encrypted: bool | None) -> LogTarget:
    remote = target not in {"localhost", "127.0.0.1", "::1"}
    return LogTarget(
        host=bundle.host, as_of=document.as_of, where=(where,), service="syslog", target=target, remote=remote, encrypted=encrypted, kinds=("auth",)
    )


FORMAT = Format(
    name="linux-log",
    title="What a Linux host records and sends on (auditd, rsyslog, syslog-ng, journal-upload)",
    recognise=_recognise,
    read=_read,
    collect="cp -r /etc/audit /etc/rsyslog.conf /etc/rsyslog.d EVIDENCE/etc/; cp /etc/systemd/journal-upload.conf EVIDENCE/etc/systemd/",
    references=("auditctl(8)", "rsyslog.conf(5)", "journal-upload.conf(5)"),
)
