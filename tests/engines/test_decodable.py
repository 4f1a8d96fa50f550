from __future__ import annotations

from gatewatch.engines.decodable import windows_events
from gatewatch.sources.registry import SOURCES
from gatewatch.sources.windows import WindowsSource


def test_ids_that_become_events_are_in_and_those_that_are_always_ignored_are_not() -> None:
    known = windows_events()
    assert {4624, 4625, 4688} <= known["Security"]
    for source in SOURCES:
        if isinstance(source, WindowsSource):
            for channel in source.channels:
                others = [other for other in SOURCES if isinstance(other, WindowsSource) and channel in other.channels]
                made = {number for other in others for number in other.ids if other.wants(number, None)}
                assert known[channel] == made


def test_an_id_that_a_source_only_ignores_is_not_among_them() -> None:
    silent = [
        (channel, number)
        for source in SOURCES
        if isinstance(source, WindowsSource)
        for number in source.ids
        if source.fate(number) is not None
        for channel in source.channels
    ]
    assert silent
    assert [(channel, number) for channel, number in silent if number in windows_events()[channel]] == []
