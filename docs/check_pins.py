"""Check that the whole installed dependency tree is pinned in ``[tool.uv] constraint-dependencies``; ``--write`` prints the pins."""

from __future__ import annotations

import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path


def main() -> int:
    """Compare what is installed with the constraints; return 1 when they differ."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    pins = dict(line.split(";")[0].strip().split("==") for line in project["tool"]["uv"]["constraint-dependencies"])
    names = {dist.metadata["Name"].lower().replace("_", "-"): dist.version for dist in distributions()}
    names.pop("gatewatch", None)
    if "--write" in sys.argv:
        for name, version in sorted(names.items()):
            print(f'  "{name}=={version}",')
        return 0
    wrong = {name: version for name, version in names.items() if pins.get(name) != version}
    for name, version in sorted(wrong.items()):
        print(f"{name}=={version} is installed, the pin is {pins.get(name, 'missing')}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
