"""What the reference page says of scenarios is what the loader takes."""

from __future__ import annotations

import re
from pathlib import Path

from gatewatch.lab.scenario import KINDS, PLACES, ROLES, parse
from gatewatch.lab.step import STEPS

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "lab.md").read_text(encoding="utf-8")


def test_every_step_stands_on_the_page_with_its_fields() -> None:
    rows = {}
    for line in PAGE.partition("| step | needs |")[2].splitlines():
        cells = [set(re.findall(r"`([^`]+)`", cell)) for cell in line.split("|")[1:-2]]
        if len(cells) == 3 and cells[0]:
            for name in cells[0]:
                rows[name] = (cells[1], cells[2])
    assert {name: (set(verb.needs), set(verb.fields) - set(verb.needs)) for name, verb in STEPS.items()} == rows


def test_every_kind_and_role_stands_on_the_page() -> None:
    for word in (*KINDS, *ROLES, *PLACES):
        assert f"`{word}`" in PAGE, word


def test_the_example_is_a_scenario() -> None:
    example = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[0]
    assert parse(example, "x/ssh-quick-look.toml").id == "ssh-quick-look"
