"""FortiGate, PAN-OS and Cisco ASA in CEF or LEEF, written back into the formats of their own, which their own sources read.

FortiOS keeps the names of its fields behind ``FTNTFGT``, or ``FortinetFortiGate``, but for those that CEF has a key for; in VPN events the remote end
is ``FTNTFGTremip`` or, before that, ``dst``. PAN-OS' templates name every column of a GlobalProtect row; of SYSTEM and CONFIG rows, the few that
matter.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping

from gatewatch.sources.cef_meaning import first
from gatewatch.sources.cef_text import Text
from gatewatch.sources.fortigate import KEYS as FORTIGATE_KEYS

FORTIGATE = r"^CEF: ?[01]\|[Ff]ortinet\|[Ff]orti[Gg]ate[^|]*\|"
CISCO = (
    r"(?i)^CEF: ?[01]\|cisco\|[^|]*(?:ASA|PIX|FTD|firepower|adaptive)[^|]*\|[^|]*\|"
    r"(?:.*%(?:ASA|FTD|PIX)-(?:[a-z]+-)?[0-7]-[0-9]{6}:|(?:(?:ASA|FTD|PIX)-[0-7]-)?[0-9]{6}\|.*[| ](?:msg|message)=)"
)
PANOS = r"^(?:CEF: ?[01]|LEEF: ?[12](?:\.[0-9])?)\|Palo Alto Networks\|(?:PAN-OS|LF|Prisma Access|Next Generation Firewall)[^|]*\|"
_PREFIX = re.compile("^(?:ftntfgt|fortinetfortigate)")
_STANDARD: Mapping[str, str] = {
    "act": "action", "duser": "user", "spt": "srcport", "reason": "reason", "outcome": "status", "msg": "msg", "sproc": "ui", "in": "rcvdbyte",
    "out": "sentbyte", "deviceexternalid": "devid", "dvchost": "devname", "cnt": "count",
}  # fmt: skip
_CONTROL = re.compile(r"[\x00-\x1f]")
_CISCO_MARK = re.compile(r"%(?:ASA|FTD|PIX)-(?:[A-Za-z]+-)?[0-7]-[0-9]{6}:.*", re.DOTALL)
_CISCO_NUMBER = re.compile(r"(?<![0-9])[0-9]{6}$")
_WIDTH = 50
_GLOBALPROTECT: Mapping[int, tuple[str, ...]] = {
    8: ("panoseventid", "panoseventidvalue", "eventid", "eventidvalue"),
    9: ("panosstage", "stage"),
    10: ("panosauthmethod", "authmethod"),
    11: ("panostunneltype", "tunneltype"),
    12: ("panossourceusername", "sourceusername", "suser", "usrname", "srcuser"),
    14: ("panosendpointdevicename", "endpointdevicename", "shost"),
    15: ("panospublicipv4", "publicipv4", "src"),
    16: ("panospublicipv6", "publicipv6"),
    17: ("panosprivateipv4", "privateipv4"),
    18: ("panosprivateipv6", "privateipv6"),
    24: ("panoscountofrepeats", "countofrepeats", "cnt"),
    25: ("panosquarantinereason", "quarantinereason", "reason"),
    26: ("panosconnectionerror", "connectionerror"),
    28: ("panoseventstatus", "eventstatus", "outcome"),
    33: ("panosportal", "portal"),
    47: ("panosdevicename", "devicename", "dvchost", "logsourcename"),
}
_SYSTEM: Mapping[int, tuple[str, ...]] = {14: ("msg", "panoseventdescription", "eventdescription", "description"), 22: ("dvchost", "devicename")}
_CONFIG: Mapping[int, tuple[str, ...]] = {
    7: ("shost", "src"), 9: ("act", "msgcommand", "cmd"), 10: ("duser", "usrname", "suser"), 11: ("destinationservicename", "client"),
    12: ("result", "outcome"), 13: ("msg", "configurationpath", "path"), 21: ("dvchost", "devicename"),
}  # fmt: skip
_ROWS = {"globalprotect": _GLOBALPROTECT, "system": _SYSTEM, "config": _CONFIG}
_REPEATS_CAP = 100_000  # Strata's own example says 16777216


def fortigate(text: Text) -> str:
    """Return the ``key="value"`` text of a FortiGate record."""
    values = {_STANDARD.get(key, ""): value for key, value in text.values.items() if key in _STANDARD}
    values |= {_PREFIX.sub("", key): value for key, value in text.values.items() if _PREFIX.match(key)}
    kind, _, subtype = (text.values.get("cat") or text.name.partition(" ")[0]).partition(":")
    values.setdefault("type", kind)
    values.setdefault("subtype", subtype)
    if "logid" not in values and text.event.isdigit():
        values["logid"] = text.event.rjust(6, "0")
    source, target = text.values.get("src"), text.values.get("dst")
    if values["subtype"] == "vpn":
        remote = source or target
        if "remip" not in values and remote:
            values["remip"] = remote
    elif source:
        values["srcip"] = source
    return " ".join(f'{key}="{_quoted(value)}"' for key, value in values.items() if value and key in FORTIGATE_KEYS)


def _quoted(value: str) -> str:
    value = _CONTROL.sub(" ", value) if not value.isprintable() else value
    return value.replace("\\", "\\\\").replace('"', '\\"') if "\\" in value or '"' in value else value


def cisco(text: Text) -> str | None:
    """Return the message of a Cisco ASA as the device wrote it; None where the record does not have it."""
    for key in ("rawevent", "msg", "message"):
        found = _CISCO_MARK.search(text.values.get(key, ""))
        if found is not None:
            return re.sub(r"[\x00-\x1f]", " ", found[0])
    said = first(text.values, ("msg", "message"))
    number = _CISCO_NUMBER.search(text.event)
    return f"%ASA-6-{number[0]}: {said}" if number is not None and said is not None else None


def panos(text: Text) -> str | None:
    """Return the comma-separated row of a PAN-OS record; None where it is of no kind that matters."""
    values = text.values
    kinds = (text.event.lower(), text.name.lower(), values.get("cat", "").lower(), values.get("subtype", "").lower())
    kind = next((one for one in kinds if one in _ROWS), None)
    if kind is None:
        return None
    cells = [""] * _WIDTH
    cells[:7] = ["1", "2000/01/01 00:00:00", "", kind.upper(), "0", "", "2000/01/01 00:00:00"]
    for place, keys in _ROWS[kind].items():
        cells[place] = (first(values, keys) or "").strip('"')
    if kind == "globalprotect":
        if not cells[8] and re.fullmatch(r"[a-z]+-[a-z-]+", text.event.lower()):  # LEEF has it in its header
            cells[8] = text.event.lower()
        if not cells[24].isdecimal() or int(cells[24]) > _REPEATS_CAP:
            cells[24] = "1"
    elif kind == "config" and not cells[12]:
        cells[12] = text.event
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow([cell if cell.isprintable() else _CONTROL.sub(" ", cell) for cell in cells])
    return out.getvalue()
