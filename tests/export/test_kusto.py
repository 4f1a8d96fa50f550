"""KQL exports, held against Microsoft's own parser and binder of the language, with the columns of our events as the table.

``GATEWATCH_KUSTO`` names a ``node_modules`` folder with ``@kusto/language-service-next``, as ``.ci/run`` makes one; else the tests are skipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import polars as pl
import pytest

from gatewatch.app import export
from gatewatch.detect.content import load_content
from gatewatch.schema.events import DTYPES

MODULES = os.environ.get("GATEWATCH_KUSTO", "")
NODE = shutil.which("node") or shutil.which("nodejs")
pytestmark = pytest.mark.skipif(not MODULES or NODE is None, reason="no parser of KQL here")
RENAMED = {"count": "count_"}


def kind(dtype: pl.DataType | type[pl.DataType]) -> str:
    """The type of KQL for one of ours."""
    if dtype == pl.Boolean:
        return "bool"
    if dtype == pl.Datetime:
        return "datetime"
    if dtype == pl.Duration:
        return "timespan"
    return "long" if dtype.is_integer() else "real" if dtype.is_float() else "string"


SCHEMA = "(" + ", ".join(f"['{RENAMED.get(name, name)}']:{kind(dtype)}" for name, dtype in DTYPES.items()) + ")"


def diagnostics(*files: Path) -> list[str]:
    """What the parser says of *files*."""
    assert NODE is not None
    command = [NODE, str(Path(__file__).with_name("kusto.js")), MODULES, SCHEMA, *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_every_query_is_kql(tmp_path: Path) -> None:
    files = []
    for chain in load_content().chains:
        files.append(tmp_path / f"{chain.id}.kql")
        files[-1].write_text(export(chain.id, "kql"), encoding="utf-8")
    assert len(files) > 50
    assert diagnostics(*files) == []


def test_the_parser_knows_our_columns(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.kql"
    wrong.write_text("gatewatch_CL\n| where origin_ipp =~ @'x' and time > 3\n", encoding="utf-8")
    said = "\n".join(diagnostics(wrong))
    assert "origin_ipp" in said
    assert "needs to be bracketed" in said
