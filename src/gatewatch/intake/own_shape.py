"""Shapes of JSON that belong to no product: gatewatch's own events, OCSF, and the Elastic Common Schema.

Documents with an event category are ECS whatever else they hold; other documents with ``@timestamp`` (``SHIPPED``) are, once no product's shape knows
them: shippers add it to everything.
"""

from __future__ import annotations

from gatewatch.intake.json_shape import JsonShape
from gatewatch.schema.events import Kind

GATEWATCH = JsonShape(
    "gatewatch",
    r'^\{ ?(?:"(?:time|time_basis|received)": ?"[^"]{0,40}", ?|"time_err": ?[0-9]{1,18}, ?){0,4}"kind": ?"(?:' + "|".join(Kind) + r')"',
)
"""A line of ``gatewatch events -o jsonl``: the columns stand in their order."""

OCSF = JsonShape("ocsf", r'"class_uid"[ \t]*:[ \t]*"?[0-9]')

_STAMP = r'"@timestamp"[ \t]*:'
_CATEGORY = r'(?:"event"[ \t]*:[ \t]*\{[^{}]*"category"[ \t]*:|"event\.category"[ \t]*:)'
ECS = JsonShape("ecs", f"(?s){_STAMP}.*{_CATEGORY}|{_CATEGORY}.*{_STAMP}")

SHIPPED = JsonShape("ecs", _STAMP)
