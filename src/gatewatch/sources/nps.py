r"""Text logs of Microsoft's Network Policy Server: logons that VPN servers ask it about, and the sessions they account for.

``"NPS01","IAS",01/05/2026,12:00:00,3,,"CORP\ann",,,,,,,,9,"10.0.0.2","vpn01",…,16,"311 1 10.0.0.1 01/05/2026 08:00:00 77",…``

The three formats of the log are read: for databases (a fixed order of columns), DTS (XML, one event a line) and IAS (numbered attributes).

=====================================  ==============================================================================
packet                                 becomes
=====================================  ==============================================================================
Access-Accept                          ``auth_success``
Access-Reject                          ``auth_failure``; ``auth_stopped`` for the reasons told only to who knows the password
Accounting Start, Stop, Interim        ``session_start`` with ``assigned_ip``, ``session_end``; see :mod:`.radius_accounting`
Access-Request, challenges, the rest   ignored: no result
=====================================  ==============================================================================

An answer does not say who asked from where: the request before it does, which bears the same ``Class``; where it stands in another block of the
file or the gateway gave none, the address is null. Reasons are those of :mod:`.windows_nps`. ``host`` is the gateway, ``observer`` the server. Times
are the server's wall clock; dates are month before day whatever the server's language.

References: https://learn.microsoft.com/previous-versions/windows/it-pro/windows-server-2008-R2-and-2008/cc771748(v=ws.10),
.../dd197432(v=ws.10) (IAS format)
"""

from __future__ import annotations

import csv
import html
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import polars as pl

from gatewatch.schema.events import AuthMethod, Kind, Service
from gatewatch.sources.document import FAULTS, DocumentSource, Made, Unreadable, several
from gatewatch.sources.pattern import Outcome
from gatewatch.sources.radius import INSIDE, MACHINE, accounted, is_inside, is_machine, place
from gatewatch.sources.windows_nps import GUESSES, STOPPED

BROKEN = "broken NPS record"
_WITHIN = "<within/>"  # what the intake leaves of a line that it put to the first of its event
NO_TIME = "unreadable time"
_COLUMNS = (
    "Computer-Name", "Event-Source", "Date", "Time", "Packet-Type", "User-Name", "Fully-Qualified-User-Name", "Called-Station-Id",
    "Calling-Station-Id", "Callback-Number", "Framed-IP-Address", "NAS-Identifier", "NAS-IP-Address", "NAS-Port", "Client-Vendor",
    "Client-IP-Address", "Client-Friendly-Name", "Event-Timestamp", "Port-Limit", "NAS-Port-Type", "Connect-Info", "Framed-Protocol",
    "Service-Type", "Authentication-Type", "NP-Policy-Name", "Reason-Code", "Class", "Session-Timeout", "Idle-Timeout",
    "Termination-Action", "EAP-Friendly-Name", "Acct-Status-Type", "Acct-Delay-Time", "Acct-Input-Octets", "Acct-Output-Octets",
    "Acct-Session-Id", "Acct-Authentic", "Acct-Session-Time", "Acct-Input-Packets", "Acct-Output-Packets", "Acct-Terminate-Cause",
    "Acct-Multi-Ssn-ID", "Acct-Link-Count", "Acct-Interim-Interval", "Tunnel-Type", "Tunnel-Medium-Type", "Tunnel-Client-Endpoint",
)  # fmt: skip
_NUMBERED = {
    "1": "User-Name", "4": "NAS-IP-Address", "6": "Service-Type", "8": "Framed-IP-Address", "25": "Class", "31": "Calling-Station-Id",
    "32": "NAS-Identifier", "40": "Acct-Status-Type", "41": "Acct-Delay-Time", "42": "Acct-Input-Octets", "43": "Acct-Output-Octets",
    "44": "Acct-Session-Id", "46": "Acct-Session-Time", "49": "Acct-Terminate-Cause", "52": "Acct-Input-Gigawords", "53": "Acct-Output-Gigawords",
    "61": "NAS-Port-Type", "66": "Tunnel-Client-Endpoint", "4108": "Client-IP-Address", "4127": "Authentication-Type", "4128": "Client-Friendly-Name",
    "4129": "SAM-Account-Name", "4130": "Fully-Qualified-User-Name", "4132": "EAP-Friendly-Name", "4136": "Packet-Type", "4142": "Reason-Code",
}  # fmt: skip
_ELEMENT = re.compile(r'<([A-Za-z0-9._-]{1,100}) data_type="[0-9]+">([^<]*)</\1>')
_SPELLING = {"Fully-Qualifed-User-Name": "Fully-Qualified-User-Name"}
_MOMENT = re.compile(r"([0-9]{2})/([0-9]{2})/([12][0-9]{3})[ ,]([0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?)")
_PASSWORDS = frozenset({"1", "2", "3", "4"})
_FROM_REQUEST = ("User-Name", "Calling-Station-Id", "NAS-Port-Type", "NAS-Identifier", "NAS-IP-Address", "Service-Type", "Tunnel-Client-Endpoint")
_OPEN = 4096  # requests remembered whose answer did not come yet
_SOURCE = frozenset({"IAS", "NPS", "RAS"})
_LEAST = 26  # columns of a line that is whole
_PACKET, _CLASS = _COLUMNS.index("Packet-Type"), _COLUMNS.index("Class")
_REQUEST, _ANSWERS, _TELLING = "1", frozenset({"2", "3"}), frozenset({"2", "3", "4"})
_ASKED = tuple((name, _COLUMNS.index(name)) for name in (*_FROM_REQUEST, "Computer-Name", "Packet-Type", "Class"))
_CHUNK = 1024  # lines that are taken apart together
_NO_RESULT = "a request or a challenge: no result"


def attributes(line: str) -> dict[str, str] | None:
    """Return the attributes of a line in any of the formats; None where it is none of them."""
    if line.startswith("<Event>"):
        found = {_SPELLING.get(name, name): html.unescape(value) for name, value in _ELEMENT.findall(line)}
        return found if line.rstrip().endswith("</Event>") and "Timestamp" in found else None
    cells = _cells(line)
    return None if cells is None else _named(cells)


def _cells(line: str) -> list[str] | None:
    """Return the values of a line of CSV, None where it is none."""
    try:
        return next(csv.reader([line.replace("\0", " ")], strict=True), [])
    except csv.Error:
        return None


def _named(cells: Sequence[str]) -> dict[str, str] | None:
    """Return the attributes of a line by its values."""
    if len(cells) > 4 and cells[1] in _SOURCE:
        # a line cut short has lost what says how it went
        found = {name: cell for name, cell in zip(_COLUMNS, cells, strict=False) if cell}
        return found | {"Timestamp": f"{cells[2]} {cells[3]}"} if len(cells) >= _LEAST else None
    if len(cells) > 6 and cells[4] in _SOURCE:
        pairs = cells[6:]
        if len(pairs) % 2:
            return None
        found = {"NAS-IP-Address": cells[0], "User-Name": cells[1], "Timestamp": f"{cells[2]} {cells[3]}", "Computer-Name": cells[5]}
        return found | {_NUMBERED[number]: value for number, value in zip(pairs[::2], pairs[1::2], strict=True) if number in _NUMBERED and value}
    return None


def _table(lines: list[str]) -> Iterable[list[str] | None]:
    """Return the values of each of *lines* where they are CSV, all at once where nothing in them is odd."""
    try:
        rows = list(csv.reader(lines, strict=True))
    except csv.Error:
        rows = []
    # every row takes a line at least: as many of both, and no quote was left open
    return rows if len(rows) == len(lines) and not any("\0" in line for line in lines) else map(_cells, lines)


def _read(values: dict[str, str]) -> Made:
    packet = values.get("Packet-Type", "")
    if packet == "4":
        made = accounted(values)
    elif packet in _ANSWERS:
        made = _answered(values, packet)
    else:
        made = _NO_RESULT
    if not isinstance(made, dict):
        return made
    begun = made.pop("begun", 0)
    if begun:  # a wall clock is not counted back over a change of the hour
        return "an update of a session that goes on"
    return made | {"time": _time(values), "observer": values.get("Computer-Name")}


def _answered(values: dict[str, str], packet: str) -> Made:
    user = _user(values)
    if is_inside(values):
        return INSIDE
    if is_machine(user):
        return MACHINE
    reason = values.get("Reason-Code", "")
    made: dict[str, Any] = {**place(values), "user": user, "message": None, "extra": _extra(values)}
    if packet == "2":
        return made | {"kind": str(Kind.AUTH_SUCCESS), "pattern": "nps-granted", "auth_method": str(_method(values))}
    stopped = STOPPED.get(reason)
    tried = stopped is not None or reason in GUESSES
    return made | {
        "kind": str(Kind.AUTH_STOPPED if stopped is not None else Kind.AUTH_FAILURE),
        "pattern": "nps-denied" if stopped is None else f"nps-stopped-{stopped}",
        "auth_method": str(AuthMethod.PASSWORD if tried else AuthMethod.NONE),
        "invalid_user": {"8": True, "16": False}.get(reason),
    }


def _extra(values: dict[str, str]) -> dict[str, str | None]:
    names = ("Client-IP-Address", "Calling-Station-Id", "NAS-Port-Type", "Authentication-Type", "EAP-Friendly-Name", "Reason-Code")
    return {name: values.get(name) for name in names}


def _user(values: dict[str, str]) -> str | None:
    """Return who it is: a name of the directory's own (``corp.example/Users/Ann Lee``) is no account name."""
    found = [values.get(name, "") for name in ("SAM-Account-Name", "Fully-Qualified-User-Name", "User-Name")]
    return next((name for name in found if "\\" in name), None) or next((name for name in reversed(found) if name and "/" not in name), None)


def _method(values: dict[str, str]) -> AuthMethod:
    eap = values.get("EAP-Friendly-Name", "").lower()
    if values.get("Authentication-Type") in _PASSWORDS or "password" in eap or "mschap" in eap:
        return AuthMethod.PASSWORD
    return AuthMethod.CERTIFICATE if "certificate" in eap or "smart card" in eap else AuthMethod.UNKNOWN


def _time(values: dict[str, str]) -> str:
    found = _MOMENT.fullmatch(values.get("Timestamp", ""))
    if found is None:
        raise Unreadable(NO_TIME)
    return f"{found[3]}-{found[1]}-{found[2]}T{found[4]}"


class _NetworkPolicySource(DocumentSource):
    """The source of the three formats: lines are taken apart, answers get what their requests told, and then they are documents."""

    def _lenient(self, text: Any) -> Any:
        values = text if isinstance(text, dict) else attributes(text)
        if values is not None:
            return values
        try:
            values = msgspec.json.decode(text)
        except FAULTS:
            raise Unreadable(BROKEN) from None
        if not isinstance(values, dict):
            raise Unreadable(BROKEN)
        return values

    def _busy(self, texts: pl.Series, ignored: Counter[str]) -> tuple[Sequence[int], Iterable[Any]]:  # noqa: ARG002 - what is read decides
        """Return the places of all lines, and the attributes of each: None where it has no result, the line where it is none."""
        return range(len(texts)), _packets(texts)

    def _first(self, text: Any) -> str | Sequence[Mapping[str, Any]] | None:
        """Return what the attributes say; None where they are none, or unreadable."""
        if text is None:
            return _NO_RESULT
        if not isinstance(text, dict):
            return super()._first(text)
        try:
            made = _read(text)
        except Unreadable:
            return None
        return made if isinstance(made, str) else several(made)

    def _lost(self, records: pl.DataFrame, rejected: Mapping[int, str]) -> pl.DataFrame:
        """Return the rejected of *records* with their attributes, as they were read, for text."""
        texts = {
            place: msgspec.json.encode(values).decode()
            for place, values in enumerate(_packets(records["fields"]))
            if place in rejected and isinstance(values, dict)
        }
        lost = super()._lost(records, rejected)
        spelled = [texts.get(place, text) for place, text in zip(sorted(rejected), lost["message"], strict=True)]
        return lost.with_columns(pl.Series("message", spelled, dtype=pl.String))

    def decode(self, records: pl.DataFrame, wanted: Collection[Kind] | None = None, apart: Collection[Kind] = ()) -> Outcome:
        """Decode *records* whose ``message`` is a line of the log."""
        apart_from = (records["message"] == _WITHIN).fill_null(value=False)
        within = int(apart_from.sum())
        records = records.filter(~apart_from) if within else records
        outcome = super().decode(records.with_columns(pl.col("message").fill_null("").alias("fields")), wanted, apart)
        if within:
            outcome.ignored = dict(sorted({**outcome.ignored, "a line of an event that stands over several": within}.items()))
        return outcome


def _packets(lines: pl.Series) -> Iterator[dict[str, str] | str | None]:
    """Yield the attributes of each line, answers with what their requests told; None for a packet without a result, a line that is none as it is."""
    asked: dict[tuple[str, str], Mapping[str, str]] = {}
    for start in range(0, len(lines), _CHUNK):
        part = lines.slice(start, _CHUNK).to_list()
        plain = not any(line.startswith("<Event>") for line in part)
        rows = _table(part) if plain else (None for _ in part)
        for line, cells in zip(part, rows, strict=True):
            if cells is not None and len(cells) >= _LEAST and cells[1] in _SOURCE and cells[_PACKET] not in _TELLING:
                if cells[_PACKET] == _REQUEST and cells[_CLASS]:
                    _join({name: cells[at] for name, at in _ASKED if at < len(cells) and cells[at]}, asked)
                yield None
                continue
            values = attributes(line) if not plain else None if cells is None else _named(cells)
            if values is None:
                yield line
                continue
            _join(values, asked)
            yield values


def _join(values: dict[str, str], asked: dict[tuple[str, str], Mapping[str, str]]) -> None:
    """Remember a request; give an answer what its request told."""
    key = (values.get("Computer-Name", ""), values.get("Class", ""))
    if not key[1]:
        return
    packet = values.get("Packet-Type")
    if packet == _REQUEST:
        if len(asked) >= _OPEN:
            asked.pop(next(iter(asked)))
        asked[key] = values
    elif packet in _ANSWERS:
        request: Mapping[str, str] = asked.pop(key, {})
        for name in _FROM_REQUEST:
            if name in request and name not in values:
                values[name] = request[name]


SOURCE = _NetworkPolicySource(
    name="nps",
    title="Network Policy Server (RADIUS), text logs",
    programs=("nps",),
    read=_read,
    service=Service.VPN,
    zoned=False,
    references=(
        "https://learn.microsoft.com/previous-versions/windows/it-pro/windows-server-2008-R2-and-2008/cc771748(v=ws.10)",
        "https://learn.microsoft.com/previous-versions/windows/it-pro/windows-server-2008-R2-and-2008/dd197432(v=ws.10)",
    ),
)
