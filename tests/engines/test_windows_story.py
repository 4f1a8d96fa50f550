"""Who came in over Remote Desktop, told the same by every export: one incident with the right origin, and none where nobody came in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from windows_story import FORMS, Event, desktop, gateway, virtual_machine, write

from gatewatch.app import scan
from gatewatch.schema.incidents import Severity

Tale = Callable[..., list[Event]]
STORIES: dict[str, tuple[Tale, str, str]] = {
    "a cloud VM, after one failure": (virtual_machine, "203.0.113.77", "owner"),
    "an exposed desktop": (desktop, "203.0.113.37", "reception"),
    "an RD Gateway": (gateway, "203.0.113.99", "jdoe"),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", STORIES)
def test_one_incident_with_the_right_origin(name: str, form: str, tmp_path: Path) -> None:
    tell, origin, user = STORIES[name]
    write(tell(entered=True), form, tmp_path)
    result = scan([str(tmp_path)])
    (incident,) = [one for one in result.incidents if one.severity.rank >= Severity.MEDIUM.rank]
    assert incident.origin.ip == origin
    assert user in incident.users
    assert not result.problems and not result.rejects


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", STORIES)
def test_nothing_where_nobody_came_in(name: str, form: str, tmp_path: Path) -> None:
    tell, _, _ = STORIES[name]
    write(tell(entered=False), form, tmp_path)
    assert [one.title for one in scan([str(tmp_path)]).incidents if one.severity.rank >= Severity.MEDIUM.rank] == []


def test_what_names_no_actor_goes_to_who_is_at_work(tmp_path: Path) -> None:
    """The owner only ever disconnects, and so is still logged on when the stranger installs a service, whose record names nobody."""
    write(virtual_machine(entered=True), "winlogbeat", tmp_path)
    (incident,) = [one for one in scan([str(tmp_path)]).incidents if one.severity.rank >= Severity.MEDIUM.rank]
    (act,) = [stage.summary for stage in incident.stages if stage.name == "act"]
    assert "HelperSvc" in act
    assert incident.origin.ip == "203.0.113.77"


@pytest.mark.parametrize("form", FORMS)
def test_a_single_failure_before_a_stranger_is_told_where_nothing_else_is(form: str, tmp_path: Path) -> None:
    """The logs of Remote Desktop alone, with nothing of what was done."""
    remote = [event for event in virtual_machine(entered=True) if event.channel not in {"Security", "System"}]
    write(remote, form, tmp_path)
    (incident,) = scan([str(tmp_path)]).incidents
    assert (incident.severity, incident.origin.ip) == (Severity.LOW, "203.0.113.77")
