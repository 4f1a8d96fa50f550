"""Facts of running programs: the command line a service was started with."""

from __future__ import annotations

from dataclasses import dataclass

from gatewatch.schema.facts.base import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandLine(Fact):
    """A program and its arguments, secrets masked, as a process list, a unit or a pod's manifest gives them."""

    program: str  # the last component of its path: kubelet, dockerd, kube-apiserver
    arguments: tuple[str, ...] = ()
    seen: bool = True  # running; false: as a unit of systemd would start it

    def flags(self, *names: str) -> list[str]:
        """Return every value of a flag (``--name=value``, ``--name value``, ``-n value``), in order; a bare switch is ``true``.

        >>> CommandLine(host="h", program="dockerd", arguments=("-H", "fd://", "--tlsverify", "--icc=false")).flags("-H", "--host")
        ['fd://']
        """
        found: list[str] = []
        for at, word in enumerate(self.arguments):
            name, equals, value = word.partition("=")
            if name.startswith("-") and not name.startswith("--") and len(name) > 2 and name[:2] in names and not equals:
                found.append(name[2:])  # -Htcp://...
            elif name in names and equals:
                found.append(value)
            elif name in names:
                follows = self.arguments[at + 1] if at + 1 < len(self.arguments) else ""
                found.append(follows if follows and not follows.startswith("-") else "true")
        return found

    def flag(self, name: str) -> str | None:
        """Return the last value of the flag *name*, which is the one that counts; None where it is not given."""
        found = self.flags(name)
        return found[-1] if found else None
