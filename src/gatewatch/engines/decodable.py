"""Which Windows events some source makes events of: what a rule can meet at all."""

from __future__ import annotations

from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from gatewatch.sources.registry import SOURCES
from gatewatch.sources.windows import WindowsSource

if TYPE_CHECKING:
    from collections.abc import Mapping


@cache
def windows_events() -> Mapping[str, frozenset[int]]:
    """Return the channels that are read and, of each, the event ids that become events."""
    found: dict[str, frozenset[int]] = {}
    for source in SOURCES:
        if isinstance(source, WindowsSource):
            ids = frozenset(number for number in source.ids if source.wants(number, None))
            for channel in source.channels:
                found[channel] = found.get(channel, frozenset()) | ids
    return MappingProxyType(found)
