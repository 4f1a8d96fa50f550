"""Logs of identity providers in the wrappers they are exported in: each record reaches its source, in any file form."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from gatewatch.intake.json_record import SHAPES, frame_block, is_lines, read, sniff
from gatewatch.intake.json_shape import JsonShape
from gatewatch.intake.line import cut

SAMPLES = Path(__file__).parents[1] / "samples"
NAMES = ("entra-signin", "entra-audit", "m365", "okta", "duo", "cloudtrail", "teleport", "onelogin", "auth0", "saas-audit")


def objects(name: str) -> list[Any]:
    found = []
    for path in sorted((SAMPLES / name).glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                value = json.loads(line) if line.startswith("{") else None
            except ValueError:
                value = None
            found += [value] if value is not None else []
    return found


def programs(data: bytes) -> tuple[list[str], int]:
    """Return the programs of the records in *data*, and how many objects nobody knew."""
    batches = [batch for block in cut([data]) for batch in frame_block(block, None)] if is_lines(data[:4096]) else list(read([data], None))
    return sorted(name for batch in batches for name in batch.records["program"].to_list()), sum(len(batch.strange) for batch in batches)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "form",
    ["lines", "compact", "array", "indented", "value", "Records", "records", "bom"],
)
def test_wrappers(name: str, form: str) -> None:
    found = objects(name)
    texts = {
        "lines": "\n".join(map(json.dumps, found)),
        "compact": "\n".join(json.dumps(one, separators=(",", ":")) for one in found),
        "array": json.dumps(found),
        "indented": json.dumps(found, indent=2),
        "value": json.dumps({"@odata.context": "https://graph.example/$metadata#auditLogs/signIns", "value": found}),
        "Records": json.dumps({"Records": found}),
        "records": json.dumps({"records": found}),
        "bom": "\N{ZERO WIDTH NO-BREAK SPACE}" + "\n".join(map(json.dumps, found)),
    }
    data = texts[form].encode()
    assert sniff(data[:4096]) > 0.5
    assert programs(data) == ([name] * len(found), 0)
    assert programs(gzip.decompress(gzip.compress(data))) == ([name] * len(found), 0)


def test_all_in_one_file() -> None:
    found = {name: objects(name) for name in NAMES}
    mixed = [one for group in zip(*(found[name][:4] for name in NAMES), strict=True) for one in group]
    assert programs("\n".join(map(json.dumps, mixed)).encode()) == (sorted([*NAMES] * 4), 0)


def test_text_within_an_object_is_none_of_it() -> None:
    """A record that quotes another within text is not taken for it."""
    for name in NAMES:
        for one in objects(name):
            quoting = json.dumps({"note": json.dumps(one), "message": "x"}).encode()
            assert programs(quoting) == ([], 1), name


def test_shapes_have_names_of_sources() -> None:
    assert {shape.name for shape in SHAPES if isinstance(shape, JsonShape)} >= set(NAMES)
