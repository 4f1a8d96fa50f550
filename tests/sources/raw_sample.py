"""Every annotated sample in the form in which its product writes it: what a file would hold whose name says nothing.

A sample of a text source is a message; here it gets the header that its product writes. A sample of JSON, CEF or a table is what it is. Windows
events become a JSON line, as agents write them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import document_sample
import network_sample
import sample
import windows_sample

SAMPLES = Path(__file__).parents[1] / "samples"
STAMP = "Jan  5 12:00:00"
ISO = "2026-01-05T12:00:00.000000+00:00"
FATES = {"expect": "used", "ignore": "ignored", "reject": "rejected", "unrecognised": "unrecognised"}
_AUDIT_FATES = {"expect": "used", "ignored": "ignored", "rejected": "rejected", "unrecognised": "unrecognised"}
_OWN_STAMP = {
    "fail2ban": "2026-01-05 12:00:00,123 {program:<24}[4711]: {message}",
    "panos": "{message}",
    "fortigate": "{message}",
    "netscaler": "<134> 01/25/2026:12:00:00 GMT ns01 0-PPE-0 : {message}",
    "openvpn": "2026-01-05 12:00:00 {message}",
    "openvpn-status": "{message}",
    "macos-pf": "2026-01-05 12:00:00.000000 {message}",
}


@dataclass(frozen=True, slots=True)
class RawSample:
    """One sample as a file: ``line`` where it is one of text (the header and the message), with ``program`` and ``message`` apart.

    ``source``: who must get it; ``fates``: what its records must become (``used``, ``ignored``, ``rejected``, ``unrecognised``).
    """

    where: str
    source: str
    fates: frozenset[str]
    data: bytes
    program: str | None = None
    message: str | None = None


def text() -> list[RawSample]:
    """Return the samples of text sources, one line each."""
    found = []
    for source in sample.TEXT:
        for one in sample.load(source):
            fate = "used" if one.expect is not None else "ignored" if one.ignore is not None else "unrecognised"
            where = f"{source}/{one.file}:{one.line}"
            program = one.program
            if fate == "unrecognised" and source in _OWN_STAMP and source != "fail2ban":
                continue  # without its product's beginning nothing tells whose it would be
            found.append(RawSample(where, source, frozenset({fate}), _native(source, program, one.pid, one.message), program, one.message))
    return found


def _native(source: str, program: str, pid: str | None, message: str) -> bytes:
    if source in _OWN_STAMP and program != "app" and not (source == "macos-pf" and not message.startswith("rule ")):
        line = _OWN_STAMP[source].format(program=program, message=message)
    elif program.startswith("macos:"):
        name = program.removeprefix("macos:")
        line = message if name == "log-show" else f"2026-01-05 12:00:00.000000+0000  localhost {name}[{pid or 1}]: {message}"
    elif source == "freeradius" and message.startswith(("Auth: ", "Info: ", "Error: ")):
        line = f"Mon {STAMP} 2026 : {message}"
    elif program.lower() == "ciscoasa" and message.startswith("%"):
        line = f"{STAMP} gate01 : {message}"
    elif program.startswith("%"):
        line = f"{STAMP} gate01 {program}: {message}"
    else:
        line = syslog(program, pid, message)
    return line.encode() + b"\n"


def syslog(program: str, pid: str | None, message: str) -> str:
    """Return the line in which a Unix host's own daemon writes it (RFC 3164)."""
    tag = program if program.endswith(":") else f"{program}[{pid}]:" if pid else f"{program}:"
    return f"{STAMP} gate01 {tag} {message}"


def documents() -> list[RawSample]:
    """Return the samples of JSON sources, one object each."""
    found = []
    for source in document_sample.DOCUMENTS:
        for one in document_sample.load(source):
            fate = "used" if one.expect else "ignored" if one.ignore is not None else "rejected"
            found.append(RawSample(f"{source.name}/{one.where}", source.name, frozenset({fate}), one.raw.encode() + b"\n", one.program, one.raw))
    return found


def windows() -> list[RawSample]:
    """Return the samples of Windows sources as flat JSON lines."""
    found = []
    for source in windows_sample.WINDOWS:
        for number, one in enumerate(windows_sample.load(source)):
            if one.reject is not None:
                continue  # what no agent writes: it is about the reader's columns
            fate = "used" if one.expect is not None else "ignored"
            system = {name: value for name, value in one.record.items() if name != "Data"}
            whole = {"@timestamp": ISO, "message": one.record.get("Message"), "winlog": windows_fields(system, one.record["Data"], number)}
            line = json.dumps({name: value for name, value in whole.items() if value is not None}, ensure_ascii=False)
            found.append(RawSample(f"{source.name}/{one.where}", source.name, frozenset({fate}), line.encode() + b"\n", None, line))
    return found


def windows_fields(system: dict[str, object], data: object, number: int) -> dict[str, object]:
    """Return the object ``winlog`` as winlogbeat writes it."""
    made: dict[str, object] = {
        "channel": system["Channel"],
        "computer_name": system["Computer"],
        "event_id": system["EventID"],
        "provider_name": system.get("Provider"),
        "record_id": system.get("EventRecordID", number + 1),
        "event_data": data,
    }
    return {name: value for name, value in made.items() if value is not None}


def annotated(name: str) -> list[RawSample]:
    """Return the samples of a source whose lines stand as they are under their expectations."""
    found = []
    for path in sorted((SAMPLES / name).glob("*.log")):
        program: str | None = None
        wants: list[str] = []
        for number, raw in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
            if raw.startswith("# program: "):
                program = raw[11:]
            elif raw.startswith(("# expect: ", "# ignore: ", "# reject: ", "# unrecognised")):
                wants.append(raw[2:].partition(":")[0])
            elif raw and not raw.startswith("#"):
                line = raw
                if name == "docker-daemon" and not raw.startswith("time="):
                    line = syslog(program or "dockerd", "4711", raw)
                elif name == "kubernetes-kubelet" and not raw.startswith("I0105"):
                    line = syslog(program or "kubelet", "4711", raw)
                fates = frozenset(FATES[want] for want in wants)
                found.append(RawSample(f"{name}/{path.name}:{number}", name, fates, line.encode() + b"\n", program, raw))
                wants = []
    return found


def audit() -> list[RawSample]:
    """Return each block of the samples of the audit daemon as a file."""
    found = []
    for path in sorted((SAMPLES / "auditd").glob("*.log")):
        for number, block in enumerate(path.read_text(encoding="utf-8").split("\n\n")):
            lines = [line for line in block.split("\n") if line and not line.startswith("# ")]
            verbs = {line[2:].partition(":")[0] for line in block.split("\n") if line.startswith("# ")}
            fates = frozenset(_AUDIT_FATES[verb] for verb in verbs if verb in _AUDIT_FATES)
            if lines and not lines[0].startswith(("USER_LOGIN ", "<audit-")):  # what a journal keeps apart
                found.append(RawSample(f"auditd/{path.stem}-{number}", "auditd", fates, ("\n".join(lines) + "\n").encode()))
    return found


def files() -> list[RawSample]:
    """Return samples that are whole files: tables with their headers, binary login records."""
    found = []
    for path in network_sample.FILES:
        expectations, data = network_sample.load(path)
        fates = frozenset(FATES[one.verb] for one in expectations)
        found.append(RawSample(f"{path.parent.name}/{path.name}", path.parent.name, fates, data))
    logins = SAMPLES / "utmp"
    return found + [RawSample(f"utmp/{name}", "utmp", frozenset(), (logins / name).read_bytes()) for name in ("wtmp", "wtmp-aarch64", "btmp")]
