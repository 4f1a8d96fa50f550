"""Drafting a site file: it loads, proposes without deciding, and hostile names stay names."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.schema.coverage import Unseen
from gatewatch.site.draft import DraftFacts, DraftHost, Habit, draft_site, plain, quote
from gatewatch.site.load import check, load_site

FACTS = DraftFacts(
    hosts=(
        DraftHost("gate01", ("10.0.0.5",), ("sshd", "pam")),
        DraftHost("Gate01", ("10.0.0.6",)),
        DraftHost("db.example.net", ("10.0.0.5",)),
    ),
    internal=("10.0.0.0/16", "nonsense"),
    habits=(
        Habit("198.51.100.7", ("ann",), ("key",), ("ssh",), 40, 12, 0),
        Habit("198.51.100.8", ("bob",), ("password",), ("ssh",), 90, 30, 3),
    ),
    zone="Europe/Zurich",
    sources=("sshd",),
    unseen=(Unseen("processes of a session", "no audit log of gate01", "ausearch --raw > audit.log"),),
    first=datetime(2026, 1, 1, tzinfo=UTC),
    last=datetime(2026, 2, 1, tzinfo=UTC),
)


def test_a_draft_loads_and_says_what_was_seen(tmp_path: Path) -> None:
    path = tmp_path / "gatewatch.toml"
    path.write_text(draft_site(FACTS), encoding="utf-8")
    assert check(path) == []
    site = load_site(path)
    assert site.zone == "Europe/Zurich"
    assert [str(network) for network in site.networks.internal] == ["10.0.0.0/16"]
    assert [(host.name, host.addresses) for host in site.hosts] == [("db.example.net", ("10.0.0.5",)), ("gate01", ("10.0.0.6",))]
    assert site.known == ()


def test_habits_are_proposed_with_their_evidence_but_not_set() -> None:
    text = draft_site(FACTS)
    assert '# 1. "bob" by password on 30 days, 90 logons, 3 failures' in text
    assert '# 2. "ann" by key on 12 days, 40 logons, no failure' in text
    assert '# cidrs = ["198.51.100.7"]' in text
    assert "known" not in tomllib.loads(text)


def test_what_no_log_shows_is_named_with_the_command_that_collects_it() -> None:
    assert "# - processes of a session: no audit log of gate01\n#   ausearch --raw > audit.log\n" in draft_site(FACTS)


def test_an_empty_draft_loads(tmp_path: Path) -> None:
    path = tmp_path / "gatewatch.toml"
    path.write_text(draft_site(DraftFacts()), encoding="utf-8")
    assert check(path) == []


NAMES = st.one_of(
    st.text(max_size=12),
    st.sampled_from(['x"]\n[policy]\nrdp_only_after_vpn = true', "a\r\n[network]", "\u2028[site]", "\x1b[31m", "\ud800"]),
)


@given(NAMES, NAMES, NAMES)
def test_hostile_names_add_no_setting(host: str, user: str, note: str) -> None:
    facts = DraftFacts(
        hosts=(DraftHost(host, (user,), ()),), habits=(Habit(host, (user,), (), (note,), 1, 1, 1),), unseen=(Unseen(note, user, host),)
    )
    document = tomllib.loads(draft_site(facts))
    assert set(document) <= {"site", "network", "hosts", "tunables"}
    assert set(document.get("hosts", {})) <= {host.strip().casefold().replace("\ud800", "\ufffd")}
    assert document["tunables"] == {}


@given(st.text())
def test_quoted_text_is_read_back(text: str) -> None:
    quoted = quote(text)
    assert "\n" not in quoted
    assert tomllib.loads(f"a = {quoted}") == {"a": text}


@pytest.mark.parametrize("text", ["a\nb", "a\x00b", "a \t b"])
def test_plain_text_is_one_line(text: str) -> None:
    assert plain(text) == "a b"
