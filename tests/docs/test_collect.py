"""The page that says what to collect names the command of every format that is read, and what it shows is read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gatewatch.engines.host import COMMANDS
from gatewatch.evidence.registry import EVIDENCE

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "collect-evidence.md").read_text(encoding="utf-8")
SECTIONS = ("Linux", "Windows", "macOS", "Kubernetes", "Cisco ASA", "FortiGate", "PAN-OS", "NetScaler", "AWS")


def _flat(text: str) -> str:
    return " ".join(text.replace("*", "").replace("`", "").split())


def command(collect: str) -> str:
    """The first command of what a format says to collect."""
    return re.split(r" > |; |, | \(", collect)[0]


@pytest.mark.parametrize("form", EVIDENCE, ids=lambda form: form.name)
def test_the_command_of_every_format_is_on_the_page(form: object) -> None:
    assert isinstance(form, type(EVIDENCE[0]))
    assert _flat(command(form.collect)) in _flat(PAGE)


@pytest.mark.parametrize("section", SECTIONS)
def test_every_platform_has_a_section(section: str) -> None:
    assert re.search(rf"^## .*{section}", PAGE, re.MULTILINE)


def test_output_lies_where_the_collector_puts_it() -> None:
    named = {name for name, _ in COMMANDS}
    for name in re.findall(r"EVIDENCE/commands/([\w.-]+)", PAGE):
        same = [one for one in named if one.split(".")[0] == name.split(".")[0]]
        assert not same or name in same, name
