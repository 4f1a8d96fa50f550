r"""Annotated samples of Windows events: the expectation stands on the line above each record, one JSON object.

``tests/samples/<source name>/*.jsonl``::

    # expect: kind=auth_failure pattern=failure-network user=ann src_ip=192.0.2.1 extra.SubStatus=0xc000006a
    {"EventID": 4625, "Channel": "Security", "Computer": "ws01.corp.example", "Data": {"TargetUserName": "ann", "IpAddress": "192.0.2.1"}}
    # expect: kind=config_change pattern=registry-set object=HKLM\x scan=no
    {"EventID": 13, "Channel": "Microsoft-Windows-Sysmon/Operational", "Data": {"TargetObject": "HKLM\\x"}}
    # ignore: logon-service
    {"EventID": 4624, "Data": {"LogonType": "5"}}
    # reject: event data is no JSON object
    {"EventID": 4624, "Data": "[1]"}

Of the record, only ``EventID`` and ``Data`` are required. ``Data`` is the flat object that intake makes of EventData or UserData (unnamed
data: ``param1`` …; a text instead of an object is taken as it stands). ``Channel`` is the source's first one where absent, ``Computer`` is
``ws01.corp.example``; ``Provider``, ``EventRecordID``, ``ActivityID``, ``UserID``, ``ProcessID`` and ``Message`` are null.

After ``expect:`` stand columns and their values, quoted as in a shell but with backslashes as they are (single quotes for what has blanks);
``null`` is null; ``extra.NAME=`` looks into ``extra``. ``user``, ``target_user``, ``src_ip``, ``src_host``, ``dst_ip`` and ``dst_host`` must be
stated wherever they come out. ``scan=no`` says that a scan makes no event of it (the ``hint`` of its Meaning is not there); connections
need no such word. After ``ignore:`` stands the reason of the tally, all to the end of the line. Other comments are free.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from gatewatch.schema.events import Kind
from gatewatch.schema.records import WINDOWS_DTYPES
from gatewatch.sources.registry import SOURCES
from gatewatch.sources.windows import WindowsSource

SAMPLES = Path(__file__).parents[1] / "samples"
WINDOWS: tuple[WindowsSource, ...] = tuple(source for source in SOURCES if isinstance(source, WindowsSource))
BULK = (Kind.CONNECTION, Kind.CONNECTION_CLOSED, Kind.OTHER)
WANTED = frozenset(kind for kind in Kind if kind not in BULK)
_VERBS = ("expect: ", "ignore: ", "reject: ")


@dataclass(frozen=True, slots=True)
class WindowsSample:
    """One record and what should become of it: ``expect`` columns, or a reason to ``ignore`` or to ``reject`` it."""

    where: str
    record: dict[str, Any]
    expect: dict[str, str] | None
    ignore: str | None
    reject: str | None
    scan: bool


def load(source: WindowsSource) -> list[WindowsSample]:
    """Return the samples of *source* in the order of its files."""
    found: list[WindowsSample] = []
    for path in sorted((SAMPLES / source.name).glob("*.jsonl")):
        want = ""
        for number, raw in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
            where = f"{path.name}:{number}"
            if raw.startswith("#"):
                want = raw[2:] if raw[2:].startswith(_VERBS) else want
            elif raw:
                assert want, f"{where}: no expectation above it"
                found.append(_sample(source, where, want, raw))
                want = ""
    return found


def _sample(source: WindowsSource, where: str, want: str, raw: str) -> WindowsSample:
    verb, _, rest = want.partition(": ")
    words = _words(rest) if verb == "expect" else []
    assert all("=" in word for word in words), f"{where}: a word without =: {words}"
    columns = dict(word.split("=", 1) for word in words)
    scan = columns.pop("scan", "yes") == "yes"
    try:
        record = {"Channel": source.channels[0], "Computer": "ws01.corp.example", **json.loads(raw)}
    except ValueError as error:
        raise AssertionError(f"{where}: {error}") from error
    return WindowsSample(
        where, record, columns if verb == "expect" else None, rest if verb == "ignore" else None, rest if verb == "reject" else None, scan
    )


def _words(text: str) -> list[str]:
    lexer = shlex.shlex(text, posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.commenters = ""
    lexer.escape = ""
    return list(lexer)


def frame(records: list[dict[str, Any]]) -> pl.DataFrame:
    """Return records (``EventID``, ``Data``, …) as the frame that intake would make of them."""
    rows = [
        {
            "record": number,
            "offset": number * 100,
            "host": record.get("Computer"),
            "program": record["Channel"],
            "pid": None if record.get("ProcessID") is None else str(record["ProcessID"]),
            "message": record.get("Message"),
            "count": 1,
            "fields": record["Data"] if isinstance(record["Data"], str) else json.dumps(record["Data"], ensure_ascii=False),
            "channel": record["Channel"],
            "event_id": record["EventID"],
            "provider": record.get("Provider"),
            "event_record": record.get("EventRecordID"),
            "activity": record.get("ActivityID"),
            "user_sid": record.get("UserID"),
        }
        for number, record in enumerate(records, 1)
    ]
    return pl.DataFrame([{name: row.get(name) for name in WINDOWS_DTYPES} for row in rows], schema=WINDOWS_DTYPES)
