"""Labelled events of identity providers and clouds: each is decoded, with the account and the address that it names."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from gatewatch.intake.json_record import frame_block
from gatewatch.intake.line import cut
from gatewatch.schema.addresses import canonical_address
from gatewatch.schema.users import split_user
from gatewatch.sources.registry import split

DATA = Path(__file__).parents[2] / "../shared/data"
LABELLED = DATA / "identity/panther"
# no logs of identities: DNS lookups, and rows that a query returned
NO_LOGS = {"malicious_sso_dns_lookup", "okta_skeleton_key_bypass_behavioral"}
# its editors wrote a time that is none
MALFORMED = {("teleport_role_created", "A role was created")}
ACTOR = ("properties", "initiatedBy", "user")

pytestmark = pytest.mark.skipif(not LABELLED.is_dir(), reason="the labelled events are not here")


class Fate(NamedTuple):
    """What became of one object."""

    source: str | None
    rows: list[dict[str, Any]]
    why: str


def fate(event: Any) -> Fate:
    (block,) = cut([json.dumps(event).encode() + b"\n"])
    for batch in frame_block(block, None):
        for source, records in split(batch.records)[0] if batch.records.height else ():
            outcome = source.decode(records)
            assert outcome.unrecognised.height == 0
            why = next(iter(outcome.ignored), "") or "".join(outcome.rejected["reason"].to_list())
            return Fate(source.name, outcome.events.to_dicts(), why)
    return Fate(None, [], "")


def labelled(*prefixes: str) -> Iterator[tuple[str, str, Any]]:
    for path in sorted(LABELLED.glob("*.ndjson")):
        for line in path.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            if isinstance(entry["event"], dict) and path.stem.startswith(prefixes or ("",)):
                yield path.stem, entry["name"], entry["event"]


def test_every_labelled_event_is_decoded_or_ignored_for_a_reason() -> None:
    left = [(name, what) for name, what, event in labelled() if name not in NO_LOGS and not (found := fate(event)).rows and not found.why]
    assert left == []


def test_nothing_labelled_is_rejected_but_what_is_malformed() -> None:
    rejected = []
    for name, what, event in labelled():
        found = fate(event)
        if found.why and found.why not in {"says nothing of remote access", "other directory activity"}:
            rejected.append((name, what))
    assert set(rejected) == MALFORMED


@pytest.mark.parametrize(
    ("prefix", "source"),
    [("azure_", "entra-"), ("okta_a", "okta"), ("duo_", "duo"), ("auth0_", "auth0"), ("onelogin_", "onelogin"), ("teleport_", "teleport")],
)
def test_each_goes_to_its_source(prefix: str, source: str) -> None:
    found = {fate(event).source for _, _, event in labelled(prefix)}
    assert found
    assert all((name or "").startswith(source) for name in found)


def named(event: Any, *path: str) -> Any:
    """Return what stands at a path, whatever the case of its keys."""
    for key in path:
        event = next((value for name, value in event.items() if name.lower() == key.lower()), None) if isinstance(event, dict) else None
    return event


def test_okta_events_name_the_actor_and_the_address() -> None:
    seen = 0
    for name, what, event in labelled("okta_"):
        for row in fate(event).rows if name not in NO_LOGS else ():
            actor = named(event, "actor", "alternateId") if named(event, "actor", "type") == "User" else None
            if row["pattern"] != "account-locked":
                assert row.get("user") == split_user("" if actor in {None, "unknown"} else actor)[0], (name, what)
            assert row.get("src_ip") == canonical_address(named(event, "client", "ipAddress") or named(event, "actor", "id") or "-"), (name, what)
            seen += 1
    assert seen > 30


def test_entra_events_name_the_user_and_the_address() -> None:
    seen = 0
    for name, what, event in labelled("azure_"):
        for row in fate(event).rows:
            user = named(event, "properties", "userPrincipalName") or named(event, *ACTOR, "userPrincipalName")
            assert row.get("user") == split_user(user or "")[0], (name, what)
            assert row.get("src_ip") == canonical_address(named(event, "callerIpAddress") or named(event, *ACTOR, "ipAddress") or "-"), (name, what)
            seen += 1
    assert seen > 15


def test_duo_events_name_the_user_and_the_access_device() -> None:
    for name, what, event in labelled("duo_user_"):
        (row,) = fate(event).rows
        assert row["user"] == "example", (name, what)
        assert row["src_ip"] == event["access_device"]["ip"], (name, what)
        assert row["kind"] == {"success": "mfa_ok", "denied": "auth_stopped"}[event["result"]] or event["reason"] == "bypass_user", (name, what)


def test_labels_that_differ_in_one_fact_differ_in_the_pattern() -> None:
    """Where a provider's record itself says what makes an act grave, the pattern says so, too."""
    grave = {"mfa-requirement-removed", "federation-changed", "sso-requirement-removed", "admin-api-created", "attack-protection-disabled"}
    files = ("azure_mfa_disabled", "azure_auth_methods", "duo_admin_new_admin_api", "azure_policy_changed")
    told: Counter[tuple[bool, bool]] = Counter()
    for path in LABELLED.glob("*.ndjson"):
        if path.stem.startswith(files):
            for line in path.read_text(encoding="utf-8").splitlines():
                entry = json.loads(line)
                told[entry["suspicious"], any(row["pattern"] in grave for row in fate(entry["event"]).rows)] += 1
    assert told[True, False] == told[False, True] == 0
    assert told[True, True] > 4


def test_detonations_in_a_cloud() -> None:
    found: Counter[str] = Counter()
    for path in sorted((DATA / "cloud/stratus").glob("*.json")):
        for event in json.loads(path.read_text(encoding="utf-8")):
            one = fate(event)
            assert one.source == "cloudtrail"
            assert one.rows or one.why
            found.update(row["pattern"] for row in one.rows)
            for row in one.rows:
                assert row["user"] == event["userIdentity"]["userName"]
                assert row.get("src_ip") == canonical_address(event["sourceIPAddress"])
    assert found == {"console-login": 1, "remote-access-opened": 1, "ssh-key-pushed": 3, "ssm-session": 3, "ssm-session-end": 3}


@pytest.mark.parametrize("name", ["teleport-bf", "teleport-logs", "teleport-impossible-travel"])
def test_logons_at_a_bastion(name: str) -> None:
    for path in (DATA / "hub" / name).glob("*.log"):
        for line in path.read_text(encoding="utf-8").splitlines():
            event = json.loads(line)
            (row,) = fate(event).rows
            assert row["kind"] == ("auth_success" if event["success"] else "auth_failure")
            assert (row["user"], row["src_ip"]) == (event["user"].lower(), event["addr.remote"].rpartition(":")[0])
