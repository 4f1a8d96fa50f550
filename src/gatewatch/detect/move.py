"""Moves: what the outsider did, stage by stage, in the few columns that controls are judged by."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from gatewatch.detect.case import GUESSES
from gatewatch.detect.exhibit import DOORS, Exhibit
from gatewatch.detect.intrusion import Act, Intrusion
from gatewatch.schema.control import Move
from gatewatch.schema.secret import mask

MOST = 40  # different moves of a stage
LONGEST = 200  # characters of a command
_DOORS = ("realm", "tunnel_group", "vserver", "portal", "gateway", "connection", "group")
"""Keys of ``extra`` that name the way through a gateway, the surest first."""


def moves(intrusion: Intrusion) -> tuple[Move, ...]:
    """Return what was done, each different thing of a stage once, in the order of the stages."""
    told = {act.name for act in intrusion.acts}
    made: list[Move] = []
    if not told & {"logon", "stopped"}:
        entries = tuple({case.access.row: case.access for case in intrusion.cases}.values())
        made += _distinct("logon", entries)
    for act in intrusion.acts:
        made += _distinct(act.name, act.events, act)
    return tuple(made)


def _distinct(stage: str, events: tuple[Exhibit, ...], act: Act | None = None) -> list[Move]:
    found: dict[tuple[object, ...], list[Move]] = {}
    for move in _moves(stage, events):
        key: tuple[object, ...] = (move.kind, move.service, move.host, move.src_ip, move.dst_host, move.dst_ip)
        key = (*key, move.method, move.mfa, move.door, move.rules)
        if stage in (*GUESSES, "spread", "miss"):
            key = (move.service, move.host)
        elif stage in {"logon", "use", "stopped", "onward"}:
            key = (*key, move.user)
        found.setdefault(key, []).append(move)
    grouped = [msgspec.structs.replace(same[0], count=sum(one.count for one in same)) for same in found.values()]
    if act is not None and len(grouped) == 1:
        grouped = [msgspec.structs.replace(grouped[0], count=max(grouped[0].count, act.count))]
    return grouped[:MOST]


def _moves(stage: str, events: tuple[Exhibit, ...]) -> Iterator[Move]:
    for event in events:
        yield Move(
            stage=stage,
            time=event.time,
            kind=event.kind,
            service=event.service,
            host=event.host,
            user=event.user,
            src_ip=event.src_ip,
            src_host=event.src_host,
            scope=event.scope,
            anonymizer=event.anonymizer,
            dst_host=event.dst_host,
            dst_ip=event.dst_ip,
            dst_port=event.dst_port,
            method=event.auth_method,
            mfa=event.mfa,
            process=event.process,
            command=mask(event.command)[:LONGEST] if event.command is not None else None,
            object=event.object[:LONGEST] if event.object is not None else None,
            door=_door(event),
            outside=event.outside,
            rules=event.rules,
            count=event.weight,
        )


def _door(event: Exhibit) -> str | None:
    if event.extra is None or event.service not in DOORS:
        return None
    try:
        extra = msgspec.json.decode(event.extra)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None
    names = (extra.get(key) for key in _DOORS) if isinstance(extra, dict) else ()
    return next((name[:LONGEST] for name in names if isinstance(name, str) and name), None)
