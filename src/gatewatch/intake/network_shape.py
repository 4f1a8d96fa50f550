"""Shapes of network sensors' and gateways' JSON: Zeek's logs, however they are spelled, Suricata's EVE, and GlobalProtect's records."""

from __future__ import annotations

from gatewatch.intake.json_shape import JsonShape

_ENDS = r'id[._]orig_h"|id"[ \t]*:\s*\{[^{}]*"orig_h"'
_NOTE = r'note"[ \t]*:[ \t]*"[A-Za-z][A-Za-z0-9_]*::|uid"[ \t]*:[ \t]*"C[0-9A-Za-z]{10,20}"'
_STAMP = r'"timestamp"[ \t]*:[ \t]*"[12][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{6}[+-][0-9]{4}"'
_TYPE = r'"event_type"[ \t]*:[ \t]*"'

ZEEK = JsonShape(
    "zeek",
    rf'(?s)"ts"[ \t]*:.*"(?:{_ENDS}|{_NOTE})|"(?:{_ENDS}).*"ts"[ \t]*:|"_path"[ \t]*:[ \t]*"[a-z0-9_]+".*"ts"[ \t]*:',
)
SURICATA = JsonShape("suricata", rf"(?s){_STAMP}.*{_TYPE}|{_TYPE}.*{_STAMP}")
GLOBALPROTECT = JsonShape("panos-json", r'(?i)"LogType"\s*:\s*"GLOBALPROTECT"')
