"""What each room must list, declare, describe and show: whoever adds to a room learns here what belongs to it."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

import gatewatch.audit.checks
import gatewatch.evidence
import gatewatch.sources
from gatewatch.audit.check import Check
from gatewatch.audit.registry import CHECKS
from gatewatch.evidence.registry import EVIDENCE
from gatewatch.exits import MEANING, Exit
from gatewatch.schema.events import OCSF, Kind
from gatewatch.sinks.registry import SINKS
from gatewatch.sources.pattern import PatternSource
from gatewatch.sources.registry import SOURCES, Source

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "tests" / "samples"
PAGES = (ROOT / "docs" / "reference" / "command-line.md", ROOT / "README.md")
EVIDENCE_MODULES = sorted(found.name for found in iter_modules(gatewatch.evidence.__path__))
CHECK_MODULES = sorted(found.name for found in iter_modules(gatewatch.audit.checks.__path__))
SOURCE_MODULES = sorted(found.name for found in iter_modules(gatewatch.sources.__path__))
OTHER_SAMPLES = {"journal", "lines"}  # of intake's framings and of whole lines, whatever their records are


@pytest.mark.parametrize("name", SOURCE_MODULES)
def test_a_module_that_makes_a_source_is_registered(name: str) -> None:
    source = getattr(import_module(f"gatewatch.sources.{name}"), "SOURCE", None)
    assert source is None or sum(source is one for one in SOURCES) == 1


def test_nothing_is_registered_that_no_module_makes() -> None:
    made = [getattr(import_module(f"gatewatch.sources.{name}"), "SOURCE", None) for name in SOURCE_MODULES]
    assert [source.name for source in SOURCES if not any(source is one for one in made)] == []


def test_sources_have_names_of_their_own() -> None:
    names = [source.name for source in SOURCES]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_a_source_has_samples(source: Source) -> None:
    folder = SAMPLES / source.name
    files = sorted(folder.glob("*.log" if isinstance(source, PatternSource) else "*"))
    assert files, f"no sample in tests/samples/{folder.name}"
    assert [file.name for file in files if not file.stat().st_size] == []


def test_samples_belong_to_a_source() -> None:
    folders = {path.name for path in SAMPLES.iterdir() if path.is_dir()}
    assert sorted(folders - OTHER_SAMPLES) == sorted(source.name for source in SOURCES)


@pytest.mark.parametrize("name", [sink.name for sink in SINKS])
def test_a_sink_is_documented(name: str) -> None:
    """Where formats are named: on the line of ``--output`` and in ``-o FORMAT:FILE``; a mention in passing does not count."""
    pages = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    listed = " ".join(re.findall(r"-o, --output FORMAT\S* +(.+)", pages))
    assert name in re.findall(r"\w+", listed) or name in re.findall(r"-o (\w+)", pages)


@pytest.mark.parametrize("kind", list(Kind))
def test_a_kind_has_ocsf_coordinates(kind: Kind) -> None:
    assert kind in OCSF
    assert OCSF[kind].class_uid > 0
    assert OCSF[kind].status_id in {0, 1, 2}


@pytest.mark.parametrize("code", list(Exit))
def test_an_exit_code_has_a_meaning(code: Exit) -> None:
    assert MEANING.get(code, "").strip()


@pytest.mark.parametrize("name", EVIDENCE_MODULES)
def test_a_module_that_makes_a_format_is_registered(name: str) -> None:
    form = getattr(import_module(f"gatewatch.evidence.{name}"), "FORMAT", None)
    assert form is None or sum(form is one for one in EVIDENCE) == 1


@pytest.mark.parametrize("name", CHECK_MODULES)
def test_a_module_of_checks_is_registered(name: str) -> None:
    checks = getattr(import_module(f"gatewatch.audit.checks.{name}"), "CHECKS", ())
    assert [check.id for check in checks if not any(check is one for one in CHECKS)] == []


def test_checks_and_formats_have_names_of_their_own() -> None:
    for names in ([check.id for check in CHECKS], [form.name for form in EVIDENCE]):
        assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_a_check_belongs_to_the_measure_its_id_names(check: Check) -> None:
    assert check.id.partition("-")[0] in {str(measure) for measure in check.measures}
    assert check.mappings
    assert check.remediation.text
    assert all(need.collect for need in check.needs)
    assert check.needs or not check.automated
