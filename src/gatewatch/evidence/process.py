"""Process lists (``ps -eo args``, ``ps aux``): the command lines of daemons whose flags decide who gets in.

::

    COMMAND
    /usr/bin/kubelet --config=/var/lib/kubelet/config.yaml --read-only-port=0
    /usr/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock

Only the daemons named in :data:`DAEMONS` become facts; passwords on command lines are masked. Reference: ps(1).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import LIKELY, SURE, Format, Ignored, Outcome
from gatewatch.evidence.mask import quote
from gatewatch.schema.facts.container import DockerConfig
from gatewatch.schema.facts.process import CommandLine

DAEMONS = frozenset({"kubelet", "dockerd", "kube-apiserver", "suricata", "snort", "zeek"})
_DOCKER = "/etc/docker/daemon.json"
_HYPER = {"apiserver": "kube-apiserver", "kube-apiserver": "kube-apiserver", "kubelet": "kubelet"}
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
        if name == "hyperkube" and at + 1 < len(words) and words[at + 1] in _HYPER:  # one program for all, until Kubernetes 1.19
            return _HYPER[words[at + 1]], at + 2
        if name in DAEMONS and (at == 0 or "/" in word or not words[at - 1].startswith("-")):
            return name, at + 1
    return "", 0


def shell_words(words: list[str]) -> list[str]:
    """Return the command that a shell is given (``/bin/sh -c "exec kube-apiserver --x"``) as words; other words as they are.

    >>> shell_words(["/bin/sh", "-c", "exec /usr/bin/kubelet --read-only-port=0 1>>/var/log/x 2>&1"])
    ['/usr/bin/kubelet', '--read-only-port=0']
    """
    if len(words) < 3 or words[0].rpartition("/")[2] not in {"sh", "bash", "ash", "dash"} or words[1] not in {"-c", "-ec", "-xc", "-ce"}:
        return words
    try:
        inner = shlex.split(quote_free(words[2]))
    except ValueError:
        inner = words[2].split()
    start = next((at + 1 for at, word in enumerate(inner) if word == "exec"), 0)
    end = next((at for at, word in enumerate(inner) if at >= start and (_REDIRECT.match(word) or word in {"|", "&&", ";", "&"})), len(inner))
    return inner[start:end]


_REDIRECT = re.compile(r"\d?&?>{1,2}")


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
