"""What the logs at hand could show: each technique of the content as observed, detectable or blind.

A rule can speak when some source that was read gives a kind of event it does not refuse; a chain when each stage it cannot do without has
such a rule, its anchor on its platform. A technique is blind where no chain that can speak, nor a rule such a chain looks for, bears it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

from gatewatch.detect.predicate import Constant
from gatewatch.schema.coverage import Coverage
from gatewatch.schema.events import Kind
from gatewatch.schema.incidents import Incident
from gatewatch.schema.platform import platform_of
from gatewatch.sources.pattern import PatternSource
from gatewatch.sources.registry import SOURCES
from gatewatch.sources.windows import WindowsSource

if TYPE_CHECKING:
    from gatewatch.detect.chain import Chain
    from gatewatch.detect.content import Content
    from gatewatch.detect.rule import Rule

OBSERVED, DETECTABLE, BLIND = "observed", "detectable", "blind"
_TAG = "attack.t"


_DEEDS = frozenset({Kind.EXEC, Kind.PRIVILEGE_USE, Kind.SCHEDULED_JOB, Kind.SERVICE_INSTALL, Kind.SERVICE_START})
_HOSTS = frozenset(
    {"sshd", "sftp", "sudo", "su", "logind", "shadow", "cron", "auditd", "system", "pam", "gatewatch", "ocsf", "cef", "leef", "ecs", "teleport"}
)
_HOST_PREFIXES = ("windows-", "macos-", "kubernetes-", "docker-", "falco-")
"""Sources that tell what was done on a host; what a gateway or a provider logs as a command was typed there."""


@cache
def kinds_of(source: str) -> frozenset[str]:
    """Return the kinds of events *source* gives: every kind where it does not say, deeds on hosts only where it can know of them."""
    found = next((one for one in SOURCES if one.name == source), None)
    kinds = {str(kind) for kind in Kind}
    if isinstance(found, PatternSource):
        kinds = {str(pattern.kind) for pattern in found.patterns if pattern.kind}
    elif isinstance(found, WindowsSource):
        kinds = {str(kind) for meaning in found.meanings for kind in (*meaning.kinds, meaning.kind) if kind}
    return frozenset(kinds if source in _HOSTS or source.startswith(_HOST_PREFIXES) else kinds - _DEEDS)


def techniques(content: Content, coverage: Sequence[Coverage], incidents: Sequence[Incident]) -> dict[str, str]:
    """Return the state of every technique of *content*, given the logs of *coverage* and the *incidents* found, sorted by id."""
    sources = sorted({row.source for row in coverage})
    speaking = {name: _sources(content.rules.by_name[name], sources) for name in sorted(content.needed) if name in content.rules.by_name}
    able: set[str] = set()
    every: set[str] = set()
    for chain in content.chains:
        every.update(chain.attack, *(_own(content, rule) for rule in chain.rules))
        if _speaks(chain, speaking):
            able.update(chain.attack, *(_own(content, rule) for rule in chain.rules if speaking.get(rule)))
    seen = {technique.id for incident in incidents for technique in incident.attack}
    return {one: OBSERVED if one in seen else DETECTABLE if one in able else BLIND for one in sorted(every | seen)}


def _sources(rule: Rule, sources: Sequence[str]) -> tuple[str, ...]:
    return tuple(source for source in sources if any(rule.given(kind, source) != Constant(False) for kind in sorted(kinds_of(source))))


def _speaks(chain: Chain, speaking: Mapping[str, Collection[str]]) -> bool:
    for stage in chain.stages:
        if stage.optional:
            continue
        found = {source for rule in stage.rules for source in speaking.get(rule, ())}
        if stage.anchor and chain.platform is not None:
            found = {source for source in found if platform_of(source) is chain.platform}
        if not found:
            return False
    return True


def _own(content: Content, rule: str) -> set[str]:
    found = content.rules.by_name.get(rule)
    return {tag.removeprefix("attack.").upper() for tag in found.tags if tag.startswith(_TAG)} if found is not None else set()

