from __future__ import annotations

import tomllib
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from gatewatch.engines import posture
from gatewatch.schema.findings import Audit
from gatewatch.site.load import load_site
from gatewatch.site.model import Site

CASES = Path(__file__).parent / "cases"
TODAY = date(2026, 6, 1)


@cache
def audited(name: str) -> Audit:
    folder = CASES / name
    site = load_site(folder / "gatewatch.toml") if (folder / "gatewatch.toml").is_file() else Site.default()
    return posture.audit([str(folder / "evidence")], site, TODAY)


def case_names() -> list[str]:
    return sorted(str(path.parent.relative_to(CASES)) for path in CASES.rglob("expect.toml"))


def expected(name: str) -> dict[str, Any]:
    return tomllib.loads((CASES / name / "expect.toml").read_text(encoding="utf-8"))
