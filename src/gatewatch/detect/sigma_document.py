"""Sigma files as documents: found in a fixed order, read with the safe loader, refused by name when they cannot be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from sigma.rule.base import SigmaYAMLLoader


@dataclass(frozen=True, slots=True, order=True)
class Refusal:
    """A rule that cannot be used: where it stands, what it is called and why."""

    path: Path
    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document of a Sigma file; ``name`` is the file's stem, with a number where the file holds several."""

    path: Path
    name: str
    content: dict[str, Any]

    @property
    def title(self) -> str:
        """The title it gives itself, or an empty text."""
        title = self.content.get("title")
        return title if isinstance(title, str) else ""

    @property
    def is_correlation(self) -> bool:
        """Whether it correlates other rules instead of matching events."""
        return "correlation" in self.content

    def refuse(self, reason: object) -> Refusal:
        """Return the refusal of this document."""
        return Refusal(self.path, self.title, str(reason))


def find_files(paths: Sequence[Path]) -> list[Path]:
    """Return the Sigma files among *paths* and inside the folders among them, each once: in the order given, folders by name."""
    found: dict[Path, Path] = {}
    for path in paths:
        inside = (file for file in path.rglob("*") if file.suffix in (".yml", ".yaml") and file.is_file())
        for file in sorted(inside) if path.is_dir() else [path]:
            found.setdefault(file.resolve(), file)
    return list(found.values())


def read_documents(paths: Sequence[Path]) -> tuple[list[Document], list[Refusal]]:
    """Return the documents of the Sigma files *paths* (files or folders), and what could not be read."""
    documents: list[Document] = []
    refused: list[Refusal] = []
    for path in find_files(paths):
        contents: list[dict[str, Any]] = []
        for content in _load(path):
            if isinstance(content, Refusal):
                refused.append(content)
            elif not isinstance(content, dict):
                refused.append(Refusal(path, "", "the document is no mapping"))
            else:
                contents.append({str(key): value for key, value in content.items()})
        for number, content in enumerate(contents, 1):
            documents.append(Document(path, path.stem if len(contents) == 1 else f"{path.stem}#{number}", content))
    return documents, refused


def _load(path: Path) -> Iterator[object]:
    """Yield the documents of *path*, and a refusal in the place of the first that cannot be read."""
    try:
        text = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        yield Refusal(path, "", f"cannot be read: {error}")
        return
    try:
        yield from (content for content in yaml.load_all(text, Loader=SigmaYAMLLoader) if content is not None)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:  # bad dates, unhashable keys, bottomless nesting
        yield Refusal(path, "", f"not YAML: {' '.join(str(error).split())}")
