"""Facts of sshd and PAM."""

from __future__ import annotations

from dataclasses import dataclass

from gatewatch.schema.facts.base import Fact, Setting, Settings, Where


@dataclass(frozen=True, slots=True)
class MatchBlock:
    """A ``Match`` block: its condition as written, and what it sets (the first value of each keyword)."""

    condition: str
    values: tuple[Setting, ...]
    where: Where


@dataclass(frozen=True, slots=True, kw_only=True)
class SshdSettings(Settings):
    """The settings of an sshd: ``values`` where no Match block applies, and the blocks in the order sshd reads them.

    ``effective``: they are the output of ``sshd -T``, which is sshd's own resolution; Match blocks do not show in it.
    """

    matches: tuple[MatchBlock, ...] = ()
    effective: bool = False


@dataclass(frozen=True, slots=True)
class PamLine:
    """A line of a PAM stack, includes resolved: type, control as action by result, module, arguments.

    ``depth`` grows by one in a substack; ``missing``: an included file that is not in the evidence.
    """

    kind: str
    control: tuple[tuple[str, str], ...]
    module: str
    arguments: tuple[str, ...]
    where: Where
    depth: int = 0
    missing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PamStack(Fact):
    """The stack of one PAM service (``sshd``, ``login``): its lines of all types, in order."""

    service: str
    lines: tuple[PamLine, ...]
