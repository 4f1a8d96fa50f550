"""Process lists (``ps -eo args``, ``ps aux``): the command lines of daemons whose flags decide who gets in.

::

    COMMAND
    /usr/bin/kubelet --config=/var/lib/kubelet/config.yaml --read-only-port=0
    /usr/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock

Only the daemons named in :data:`DAEMONS` become facts; passwords on command lines are masked. Reference: ps(1).
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import LIKELY, SURE, Format, Ignored, Outcome
from gatewatch.evidence.mask import quote
from gatewatch.schema.facts.container import DockerConfig
from gatewatch.schema.facts.process import CommandLine

DAEMONS = frozenset({"kubelet", "dockerd", "kube-apiserver", "suricata", "snort", "zeek"})
_DOCKER = "/etc/docker/daemon.json"
_COLUMNS = ("UID", "USER", "PID", "PPID", "COMMAND", "CMD", "ARGS")


def _recognise(document: Document) -> int:
    first = document.head.lstrip().split("\n", 1)[0].split()
    if not first or not document.lines:
        return 0
    titled = first[-1] in {"COMMAND", "CMD", "ARGS"} and all(word.isupper() or word.startswith("%") for word in first)
    if titled and (len(first) == 1 or any(word in _COLUMNS[:4] for word in first)):
        return SURE
    return LIKELY if document.at("commands/ps*.txt") and titled else 0


def program_of(words: list[str]) -> tuple[str, int]:
    """Return the daemon a command line runs and where its arguments begin; the columns of ``ps`` come before it."""
    for at, word in enumerate(words[:12]):
        name = word.rpartition("/")[2]
        if name in DAEMONS and (at == 0 or "/" in word or not words[at - 1].startswith("-")):
            return name, at + 1
    return "", 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        found = False
        for number, line in enumerate(document.lines[1:], 2):
            if not any(name in line for name in DAEMONS):
                continue
            try:
                words = shlex.split(quote_free(line))
            except ValueError:
                words = line.split()
            program, at = program_of(words)
            if not program:
                continue
            found = True
            yield CommandLine(
                host=bundle.host, as_of=document.as_of, where=(document.where(number),), program=program,
                arguments=tuple(_masked(word) for word in words[at:]),
            )  # fmt: skip
            if program == "dockerd" and bundle.knows(_DOCKER) and bundle.get(_DOCKER) is None:  # looked for and not there: it sets nothing
                yield DockerConfig(host=bundle.host, as_of=document.as_of, where=(document.where(number),), service="docker_api")
        if not found:
            yield Ignored(document, "runs no daemon whose flags are judged")


def quote_free(line: str) -> str:
    """Return *line* with what would confuse shell words (a lone quote) left as it is."""
    return line if line.count('"') % 2 == 0 and line.count("'") % 2 == 0 else line.replace('"', " ").replace("'", " ")


def _masked(word: str) -> str:
    return quote(word) if "=" in word or ":" in word else word


FORMAT = Format(
    name="processes",
    title="Process list (ps -eo args)",
    recognise=_recognise,
    read=_read,
    collect="ps -ww -o args -C kubelet,dockerd,kube-apiserver,suricata,zeek > EVIDENCE/commands/ps.txt (or ps -ww -eo args)",
    references=("ps(1)",),
)
