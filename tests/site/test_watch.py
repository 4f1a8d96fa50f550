"""A watch list of its own: the tables of the site file, checked like them; what is on it is marked while it is in force."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from gatewatch.enrich.watch import mark_watched
from gatewatch.errors import SiteError
from gatewatch.schema.events import DTYPES
from gatewatch.site.load import load_watch
from gatewatch.site.model import Site

LIST = """
[[watch]]
why = "left the company"
users = ["Bob"]
until = 2026-01-31

[[watch]]
why = "seen in the last incident"
cidrs = ["203.0.113.0/24"]
hosts = ["gate01"]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "watch.toml"
    path.write_text(text)
    return path


def test_the_entries_are_read_in_order(tmp_path: Path) -> None:
    entries = load_watch(written(tmp_path, LIST))
    assert [entry.why for entry in entries] == ["left the company", "seen in the last incident"]


WRONG = ("", "[[watch]]\nusers = ['ann']\n", "[[watch]]\nwhy = 'x'\n", "[[watch]]\nwhy = 'x'\nusers = ['a']\n[site]\nname = 'x'\n")


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_is_refused_with_its_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(SiteError, match=r"watch\.toml:\d+: "):
        load_watch(written(tmp_path, text))


def test_a_logon_is_marked_while_the_entry_is_in_force_and_nothing_else_changes(tmp_path: Path) -> None:
    site = Site(watch=load_watch(written(tmp_path, LIST)))
    rows = [
        ("auth_success", "bob", "198.51.100.1", "db", datetime(2026, 1, 31, 23, tzinfo=UTC), '{"a":1}'),
        ("auth_success", "bob", "198.51.100.1", "db", datetime(2026, 2, 1, tzinfo=UTC), None),
        ("auth_failure", "bob", "203.0.113.9", "gate01", datetime(2026, 1, 5, tzinfo=UTC), None),
        ("auth_success", "ann", "203.0.113.9", "db", datetime(2026, 1, 5, tzinfo=UTC), "no json"),
        ("auth_success", "ann", None, "gate01", datetime(2026, 1, 5, tzinfo=UTC), None),
    ]
    names = ("kind", "user", "src_ip", "host", "time", "extra")
    events = pl.DataFrame(rows, schema={name: DTYPES[name] for name in names}, orient="row")
    marked = mark_watched(events, site)
    assert marked.drop("extra").equals(events.drop("extra"))
    seen = '{"watch":"seen in the last incident"}'
    assert marked["extra"].to_list() == ['{"a":1,"watch":"left the company"}', None, None, seen, seen]
    assert mark_watched(events, Site()).equals(events)
