"""Rows of PowerShell: what ``ConvertTo-Json`` and ``Export-Csv`` write, as one shape; also CSV that Windows' own tools write.

Names are lower case, values text: true and false as PowerShell says them, lists joined by ``;``. Windows PowerShell 5 wraps some lists in
``{"value": [...], "Count": n}``, and writes enumerations as numbers.
"""

from __future__ import annotations

import csv
import re
from typing import Any

from gatewatch.evidence.document import Document
from gatewatch.schema.facts.base import Where

Row = dict[str, str]
_WORDS = re.compile(r'"(\w[\w /.-]{0,60})"\s*:')
_CAP = 200_000  # rows


def has(document: Document, *names: str) -> bool:
    """Return whether the beginning of *document* looks like rows with all of *names*, lower case."""
    head = document.head.lstrip("\ufeff \n")
    if head[:1] in ("[", "{"):
        found = {word.lower() for word in _WORDS.findall(head)}
        return all(name in found for name in names)
    header = next((line for line in head.split("\n") if line and not line.startswith("#TYPE")), "")
    if "," not in header and ";" not in header:
        return False
    cells = {cell.strip(' "').lower() for cell in re.split("[,;]", header)}
    return all(name in cells for name in names)


def rows(document: Document) -> list[tuple[Row, Where]] | None:
    """Return the rows; None, with the document's fault set, where it is no such file or was cut off."""
    if document.head.lstrip("\ufeff \n")[:1] in ("[", "{"):
        return _json(document)
    return _csv(document)


def _json(document: Document) -> list[tuple[Row, Where]] | None:
    tree = document.json()
    if isinstance(tree, dict) and isinstance(tree.get("value"), list):
        tree = tree["value"]
    if isinstance(tree, dict):
        tree = [tree]
    if not isinstance(tree, list):
        document.fault = document.fault or "holds no list of objects"
        return None
    made = []
    for number, entry in enumerate(tree[:_CAP]):
        if isinstance(entry, dict):
            row = {str(name).lower(): _text(value) for name, value in entry.items()}
            shown = ", ".join(f"{name}: {value}" for name, value in list(row.items())[:8])
            made.append((row, document.spot(f"$[{number}]", shown)))
    return made


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, list):
        return ";".join(_text(one) for one in value[:1000])
    if isinstance(value, dict):
        inner = value.get("Value", value.get("value"))
        if isinstance(inner, (dict, list)):
            return _text(inner)
        return _text(inner) if inner is not None else " ".join(_text(one) for one in list(value.values())[:10] if not isinstance(one, (dict, list)))
    return str(value)


def _csv(document: Document) -> list[tuple[Row, Where]] | None:
    lines = document.lines
    start = next((at for at, line in enumerate(lines) if line.strip("\ufeff ") and not line.startswith("#TYPE")), None)
    if start is None or not document.text.endswith("\n"):
        document.fault = document.fault or "ends within a row"
        return None
    header = lines[start].lstrip("\ufeff")
    made: list[tuple[Row, Where]] = []
    try:
        reader = csv.reader(lines[start:], delimiter=";" if header.count(";") > header.count(",") else ",")
        names = [name.strip().lower() for name in next(reader)]
        for cells in reader:
            if len(cells) == len(names) and cells != [] and [cell.strip().lower() for cell in cells] != names:
                made.append((dict(zip(names, cells, strict=True)), document.where(start + reader.line_num)))
            elif any(cell.strip() for cell in cells) and len(cells) != len(names):
                document.fault = document.fault or f"row {start + reader.line_num} has {len(cells)} cells instead of {len(names)}"
                return None
            if len(made) >= _CAP:
                break
    except (csv.Error, StopIteration) as error:
        document.fault = document.fault or f"is no CSV: {error}"
        return None
    return made


def truth(text: str) -> bool | None:
    """Return what a switch says; None where it is no switch.

    >>> truth("True"), truth("0"), truth("NotConfigured")
    (True, False, None)
    """
    return {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}.get(text.strip().lower())


def number(text: str) -> int | None:
    """Return a number of up to 18 digits; None where it is none."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None
