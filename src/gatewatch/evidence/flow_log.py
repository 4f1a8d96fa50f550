"""Connections that came about, as Zeek (conn.log, TSV or JSON) and VPC flow logs of AWS tell them: each pair and port once.

::

    #fields ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto service … conn_state …
    {"ts":1.7e9,"id.orig_h":"10.7.0.9","id.resp_h":"10.5.0.2","id.resp_p":3389,"proto":"tcp","conn_state":"SF"}
    2 123456789010 eni-1235b8ca 10.7.0.9 10.5.0.2 49152 3389 6 20 4249 1418530010 1418530070 ACCEPT OK

Only ports of remote services are kept. Of Zeek, what was answered (SF, S1, S2, S3, RSTO, RSTR); of AWS, what was accepted, from the higher port to
the lower one, for a flow log has both ways. References: docs.zeek.org (conn.log), docs.aws.amazon.com (flow log records).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from ipaddress import ip_address

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import LIKELY, SURE, Format, Ignored, Outcome
from gatewatch.schema.facts.flow import Flow
from gatewatch.schema.port import remote_ports

_ANSWERED = frozenset({"SF", "S1", "S2", "S3", "RSTO", "RSTR"})
_AWS = ("version", "account-id", "interface-id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets", "bytes", "start", "end", "action")
_AWS_LINE = re.compile(r"^2 (?:\d{12}|unknown) eni-[0-9a-f]+ \S+ \S+ \d+ \d+ \d+ \d+ \d+ \d+ \d+ (?:ACCEPT|REJECT) ", re.MULTILINE)
_MOST = 50_000  # pairs told of one file
_Pair = tuple[str, str, int, str]


def _recognise(document: Document) -> int:
    head = document.head
    if head.startswith("#separator") and "id.orig_h" in head and "conn_state" in head:
        return SURE
    if '"id.orig_h"' in head[:1500] and '"conn_state"' in head[:1500]:
        return SURE
    if _AWS_LINE.search(head):
        return SURE
    return LIKELY if head.startswith("version account-id interface-id srcaddr dstaddr") else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    remote = {(name, port) for name, port in remote_ports()}
    for document in documents:
        seen: dict[_Pair, list[int]] = {}
        dropped = 0
        for number, pair in _pairs(document):
            if (pair[3], pair[2]) not in remote or not _addresses(pair):
                continue
            if pair in seen:
                seen[pair][1] += 1
            elif len(seen) < _MOST:
                seen[pair] = [number, 1]
            else:
                dropped += 1
        for (source, target, port, protocol), (number, count) in seen.items():
            yield Flow(
                host=bundle.host, as_of=document.as_of, where=(document.where(number),), source=source, target=target, port=port,
                protocol=protocol, count=count,
            )  # fmt: skip
        if not seen:
            yield Ignored(document, "tells of no connection to a port of a remote service that came about")


def _addresses(pair: _Pair) -> bool:
    try:
        return bool(ip_address(pair[0]) and ip_address(pair[1]))
    except ValueError:
        return False


def _pairs(document: Document) -> Iterator[tuple[int, _Pair]]:
    names: list[str] = []
    for number, line in enumerate(document.lines, 1):
        if line.startswith("{"):
            row = _parsed(line)
        elif line.startswith("#fields"):
            names = line.rstrip("\n").split("\t")[1:]
            continue
        elif line.startswith("version "):
            names = line.split()
            continue
        elif not line or line.startswith("#"):
            continue
        elif "\t" in line and names:
            row = dict(zip(names, line.split("\t"), strict=False))
        else:
            row = dict(zip(names or _AWS, line.split(), strict=False))
        pair = _zeek(row) if "conn_state" in row else _aws(row)
        if pair is not None:
            yield number, pair


def _parsed(line: str) -> dict[str, str]:
    try:
        tree = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return {key: str(value) for key, value in tree.items() if isinstance(value, str | int | float)} if isinstance(tree, dict) else {}


def _zeek(row: dict[str, str]) -> _Pair | None:
    port = row.get("id.resp_p", "")
    if row["conn_state"] not in _ANSWERED or row.get("proto") not in {"tcp", "udp"} or not _is_port(port):
        return None
    return row.get("id.orig_h", ""), row.get("id.resp_h", ""), int(port), row["proto"]


def _aws(row: dict[str, str]) -> _Pair | None:
    source, target, protocol = row.get("srcport", ""), row.get("dstport", ""), {"6": "tcp", "17": "udp"}.get(row.get("protocol", ""))
    if row.get("action") != "ACCEPT" or protocol is None or not _is_port(source) or not _is_port(target) or int(source) <= int(target):
        return None
    return row.get("srcaddr", ""), row.get("dstaddr", ""), int(target), protocol


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 6 and 0 < int(text) < 65536


FORMAT = Format(
    name="flow-log",
    title="Connections seen by Zeek (conn.log) or in VPC flow logs of AWS",
    recognise=_recognise,
    read=_read,
    collect="cp conn.log EVIDENCE/flows/ (Zeek, TSV or JSON); VPC flow logs of AWS as text, version 2 or with their header",
    references=("Zeek: conn.log", "AWS: flow log records"),
)
