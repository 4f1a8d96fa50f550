"""The pages say what the program does: commands, options, exit codes, site file, links and generated pages are held against the code."""

from __future__ import annotations

import re
import shlex
import textwrap
import tomllib
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from gatewatch import app as verbs
from gatewatch.cli.main import app
from gatewatch.exits import MEANING, Exit
from gatewatch.schema.events import COLUMNS, TimeBasis
from gatewatch.schema.incidents import Incident
from gatewatch.sinks import registry, timesketch
from gatewatch.site import load, reader

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
GROUPS = {name: command.commands for name, command in typer.main.get_command(app).commands.items() if hasattr(command, "commands")}  # type: ignore[attr-defined]
COMMANDS = {name: command for name, command in typer.main.get_command(app).commands.items() if name not in GROUPS}  # type: ignore[attr-defined]
COMMANDS |= {f"{group} {name}": command for group, commands in GROUPS.items() for name, command in commands.items()}
MMDB = b"\xab\xcd\xefMaxMind.com"


def _load_generate() -> ModuleType:
    spec = spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATE = _load_generate()
GENERATED = {DOCS / "reference" / name for name in GENERATE.PAGES}
PAGES = sorted(DOCS.rglob("*.md"))
WRITTEN = [path for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *PAGES] if path not in GENERATED]
USER = [path for path in WRITTEN if path.name not in {"CONTRIBUTING.md", "CHANGELOG.md"}]


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def blocks(path: Path, language: str) -> list[str]:
    """The fenced blocks of a language, also those that are indented in a list."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", text(path), re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(body) for _, body in found]


def calls() -> Iterator[tuple[Path, list[str]]]:
    """Every ``gatewatch …`` of the shell blocks of the pages, as words, up to a pipe, a redirection or the end of the command."""
    for path in WRITTEN:
        for block in blocks(path, "sh"):
            for line in block.replace("\\\n", " ").splitlines():
                lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
                lexer.whitespace_split = True
                words = list(lexer)
                for at, word in enumerate(words):
                    if word == "gatewatch" and (at == 0 or words[at - 1] in {"run", "|", "&&", ";"}):
                        rest = words[at + 1 :]
                        end = next((place for place, one in enumerate(rest) if re.fullmatch(r"[|&;<>()]+", one)), len(rest))
                        yield path, rest[:end]


def verb_of(words: list[str]) -> str:
    """The verb of a call, with its group."""
    return " ".join(words[: 2 if words[0] in GROUPS else 1])


def options(command: Any) -> set[str]:
    return {name for parameter in command.params if parameter.param_type_name == "option" for name in parameter.opts}


# The command line


@pytest.mark.parametrize("verb", sorted(COMMANDS))
def test_every_verb_has_a_command_on_a_written_page(verb: str) -> None:
    assert any(verb_of(words) == verb for path, words in calls() if path in USER)
    assert re.search(rf"^## gatewatch {verb}$", text(DOCS / "reference" / "command-line.md"), re.MULTILINE)


def test_every_option_is_mentioned_on_a_written_page() -> None:
    pages = "\n".join(text(path) for path in USER)
    own = {name for parameter in typer.main.get_command(app).params for name in parameter.opts}
    long = {name for command in COMMANDS.values() for name in options(command)} | own
    assert [name for name in sorted(long) if name.startswith("--") and not re.search(rf"{name}\b", pages)] == []


def test_every_command_of_the_pages_has_options_that_exist() -> None:
    found = list(calls())
    assert len(found) > 40
    for path, words in found:
        if words[0].startswith("--"):
            assert words[0] in options(typer.main.get_command(app)), f"{path.name}: {words}"
            continue
        assert verb_of(words) in COMMANDS, f"{path.name}: {words}"
        known = options(COMMANDS[verb_of(words)])
        given = [word for word in words[1:] if re.match(r"-{1,2}[a-z]", word)]
        assert [word for word in given if word.split("=")[0] not in known] == [], f"{path.name}: {words}"


def test_every_output_that_pages_ask_for_exists() -> None:
    choices = {"scan": registry.names(), "access": registry.ACCESS_FORMATS, "events": tuple(registry.EVENT_WRITERS)}
    for verb, formats in choices.items():
        asked = {after.partition(":")[0] for _, words in calls() if words[0] == verb for word, after in pairwise(words) if word == "-o"}
        assert asked
        assert asked <= set(formats)
    pages = "\n".join(text(path) for path in USER)
    assert [name for names in choices.values() for name in names if f"`{name}`" not in pages] == []


def test_the_readme_has_the_two_commands_each_in_a_block() -> None:
    shell = blocks(ROOT / "README.md", "sh")
    assert shell[0] == "pip install -q uv && uv run gatewatch scan examples/breach\n"
    assert shell[1] == "pip install -q uv && uv run pytest\n"


def test_the_readme_has_the_exit_codes() -> None:
    table = text(ROOT / "README.md").partition("## Exit codes")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", table, re.MULTILINE)
    assert rows == [(str(code.value), MEANING[code]) for code in Exit]


def test_the_tutorial_quotes_the_verdict_and_the_exit_code() -> None:
    result = verbs.scan([str(ROOT / "examples" / "breach")])
    page = " ".join(text(DOCS / "tutorial" / "first-scan.md").split())
    assert [incident.verdict for incident in result.incidents if incident.verdict not in page] == []
    assert f"exit code {verbs.exit_code(result).value}" in page


def test_the_tutorial_explains_a_record_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    commands = [words for path, words in calls() if path.name == "first-scan.md" and words[0] == "explain"]
    assert len(commands) == 2
    for words in commands:
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 0, words
        assert re.search(r"^chain ", result.output, re.MULTILINE), words


# The reference


@pytest.mark.parametrize("name", sorted(GENERATE.PAGES))
def test_generated_pages_are_current(name: str) -> None:
    assert text(DOCS / "reference" / name) == GENERATE.NOTE + GENERATE.PAGES[name](), "run: python docs/generate.py"


def test_the_fields_of_an_incident_are_described() -> None:
    table = text(DOCS / "how-to" / "read-the-report.md").partition("## JSON lines")[2]
    first = [name for row in re.findall(r"^\| (.+?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)]
    assert sorted(first) == sorted(Incident.__struct_fields__)


def test_the_columns_of_the_timeline_are_described() -> None:
    section = text(DOCS / "how-to" / "read-the-report.md").partition("## A timeline")[2].partition("\n## ")[0]
    assert [name for name in re.findall(r"`(\w+)`", section) if name != "csv"] == list(timesketch.COLUMNS)


def test_every_basis_of_a_time_is_described() -> None:
    table = text(DOCS / "explanation" / "time.md")
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)[1:] == [str(basis) for basis in TimeBasis]


def test_columns_that_pages_select_exist() -> None:
    lines = [line for path in USER for block in blocks(path, "sh") for line in block.splitlines() if "gatewatch events" in line]
    fields = {name for line in lines for name in re.findall(r"\.(\w+)\b", line.partition("jq")[2])}
    assert fields
    assert fields <= {column.name for column in COLUMNS}


# The site file


def _site_blocks() -> list[Any]:
    pages = [DOCS / "reference" / "site-file.md", DOCS / "how-to" / "describe-your-site.md"]
    return [pytest.param(block, id=f"{path.stem}-{number}") for path in pages for number, block in enumerate(blocks(path, "toml"), 1)]


def _stand_ins(block: str, folder: Path) -> None:
    """Put files where a block names some."""
    for name in re.findall(r'"([\w-]+\.(?:mmdb|txt))"', block):
        (folder / name).write_bytes(MMDB if name.endswith(".mmdb") else b"")


@pytest.mark.parametrize("block", _site_blocks())
def test_examples_of_the_site_file_load(block: str, tmp_path: Path) -> None:
    file = tmp_path / "gatewatch.toml"
    file.write_text(block, encoding="utf-8")
    _stand_ins(block, tmp_path)
    load.load_site(file)
    assert [message for message in load.check(file) if ": error: " in message] == []


def test_every_key_of_the_site_file_is_described_and_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, set[str]] = {}
    close = reader.Reader.close

    def note(self: reader.Reader, *arguments: Any) -> None:
        table = ".".join(str(part) for part in self.path[:1]) + (".where" if self.path[2:] == ("where",) else "")
        asked.setdefault(table, set()).update(self.asked)
        close(self, *arguments)

    monkeypatch.setattr(reader.Reader, "close", note)
    page = DOCS / "reference" / "site-file.md"
    for block in blocks(page, "toml"):
        (tmp_path / "gatewatch.toml").write_text(block, encoding="utf-8")
        _stand_ins(block, tmp_path)
        load.load_site(tmp_path / "gatewatch.toml")
    assert {"", "site", "network", "hosts", "places", "sources", "known", "watch", "policy", "geo", "override", "override.where"} <= set(asked)
    shown = "\n".join(blocks(page, "toml"))
    tables = [tomllib.loads(block) for block in blocks(page, "toml")]
    assert [table for table in sorted(asked.pop("")) if not any(table in parsed for parsed in tables)] == []
    said = text(page)
    keys = [(table, key) for table, found in sorted(asked.items()) for key in sorted(found)]
    assert [(table, key) for table, key in keys if f"`{key}`" not in said and f"{key} = " not in shown] == []


# The pages together


def _links(path: Path) -> list[str]:
    prose = re.sub(r"```.*?```", "", text(path), flags=re.DOTALL)
    return [target for target in re.findall(r"\]\(([^)\s]+)\)", prose) if not re.match(r"[a-z]+:", target)]


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: str(path.relative_to(ROOT)))
def test_relative_links_resolve(path: Path) -> None:
    lost = []
    for target in _links(path):
        file, _, anchor = target.partition("#")
        place = (path.parent / file).resolve() if file else path
        if not place.exists():
            lost.append(target)
        elif anchor:
            heads = {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in re.findall(r"^#+ (.+)$", text(place), re.MULTILINE)}
            lost += [target] if anchor not in heads else []
        if path.is_relative_to(DOCS) and not place.is_relative_to(DOCS):
            lost.append(f"{target} leaves the book")
    assert lost == []


def test_every_page_is_in_the_contents_and_every_entry_is_a_page() -> None:
    def entries(node: Any) -> Iterator[str]:
        if isinstance(node, str):
            yield node
        for item in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            yield from entries(item)

    listed = list(entries(yaml.safe_load(text(ROOT / "mkdocs.yml"))["nav"]))
    assert sorted(listed) == sorted(str(path.relative_to(DOCS)) for path in PAGES)


def test_generated_pages_are_all_there_is_to_generate() -> None:
    marked = {path for path in PAGES if text(path).startswith(GENERATE.NOTE.splitlines()[0])}
    assert marked == GENERATED


def test_the_changelog_names_the_version() -> None:
    version = tomllib.loads(text(ROOT / "pyproject.toml"))["project"]["version"]
    newest = re.search(r"^## (\S+) - \d{4}-\d{2}-\d{2}$", text(ROOT / "CHANGELOG.md"), re.MULTILINE)
    assert newest is not None
    assert newest[1] == version
