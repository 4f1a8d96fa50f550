"""What systemd would start: the command lines of daemons that a host's units and their drop-ins give, for hosts without a process list.

::

    [Service]
    Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
    EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
    ExecStart=
    ExecStart=/usr/bin/kubelet $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS

An empty ``ExecStart=`` begins anew; drop-ins come after the unit, by name. A variable that stands in a file that is not in the evidence makes
the whole unsure, so nothing is told then. References: systemd.service(5), systemd.exec(5), systemd.unit(5).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.mask import quote
from gatewatch.evidence.process import program_of, quote_free, shell_words
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.process import CommandLine

_JUDGED = frozenset({"dockerd", "kubelet", "kube-apiserver"})
_VARIABLE = re.compile(r"\$(?:\{(\w{1,80})\}|(\w{1,80}))")
_WHOLE = re.compile(r"\$(\w{1,80})")


@dataclass(slots=True)
class _Unit:
    commands: list[tuple[str, Where]] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


def unit_of(document: Document) -> str:
    """Return the name of the unit that a file is, or is a drop-in of."""
    folder, _, base = document.path.rpartition("/")
    last = folder.rpartition("/")[2]
    return last.removesuffix(".d") if last.endswith(".service.d") else base if base.endswith(".service") else ""


def commands(documents: Iterable[Document], bundle: Bundle) -> Iterator[CommandLine]:
    """Yield the command line of each judged daemon that the units start, where all of it is in the evidence."""
    units: dict[str, list[Document]] = {}
    for document in documents:
        if (name := unit_of(document)) != "":
            units.setdefault(name, []).append(document)
    for parts in units.values():
        mains = sorted((one for one in parts if "/" not in one.path or ".service.d/" not in one.path), key=lambda one: not one.path.startswith("etc"))
        drops = sorted((one for one in parts if ".service.d/" in one.path), key=lambda one: one.path.rpartition("/")[2])
        unit = _Unit()
        for document in [*mains[:1], *drops]:
            _read(document, bundle, unit)
        for command, where in unit.commands[-1:]:
            made = _words(command, unit)
            program, at = program_of(made) if made is not None else ("", 0)
            if made is not None and program in _JUDGED and (made[at:] or drops):  # a bare one has its flags in a drop-in that was left behind
                yield CommandLine(
                    host=bundle.host, as_of=parts[0].as_of, where=(where,), program=program, seen=False,
                    arguments=tuple(quote(word) if "=" in word or ":" in word else word for word in made[at:]),
                )  # fmt: skip


def _read(document: Document, bundle: Bundle, unit: _Unit) -> None:
    number, lines = 0, document.lines
    while number < len(lines):
        start, text = number, lines[number].strip()
        number += 1
        while text.endswith("\\") and number < len(lines):
            text, number = text[:-1].rstrip() + " " + lines[number].strip(), number + 1
        key, mark, value = text.partition("=")
        key, value = key.strip(), value.strip()
        if not mark or key.startswith(("#", ";")):
            continue
        if key == "ExecStart":
            unit.commands = [*unit.commands, (value.lstrip("@-:+!"), document.where(start + 1))] if value else []
        elif key == "Environment":
            unit.variables.update(_assigned(value))
        elif key == "EnvironmentFile" and value:
            found = bundle.get(value.lstrip("-"))
            if found is None:
                unit.missing.append(value.lstrip("-"))
            else:
                for line in found.lines:
                    if not line.lstrip().startswith(("#", ";")):
                        unit.variables.update(_assigned(line.strip(), whole=True))


def _assigned(text: str, *, whole: bool = False) -> dict[str, str]:
    if whole:
        name, mark, value = text.partition("=")
        bare = value.strip()
        return {name.strip(): bare[1:-1] if len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "\"'" else bare} if mark else {}
    try:
        words = shlex.split(text)
    except ValueError:
        words = text.split()
    return {name: value for name, mark, value in (word.partition("=") for word in words) if mark}


def _words(command: str, unit: _Unit) -> list[str] | None:
    """Return the words of a command with its variables put in; None where one may stand in a file that is not there."""
    try:
        raw = shlex.split(quote_free(command))
    except ValueError:
        raw = command.split()
    made: list[str] = []
    for word in raw:
        named = {one or other for one, other in _VARIABLE.findall(word)}
        if unit.missing and named - set(unit.variables):
            return None
        alone = _WHOLE.fullmatch(word)
        if alone is not None:  # $NAME as a word of its own is split, ${NAME} is not
            made += unit.variables.get(alone[1], "").split()
        else:
            made.append(_VARIABLE.sub(lambda found: unit.variables.get(found[1] or found[2], ""), word))
    return shell_words(made)
