"""Public Windows logs: every record is decoded without a crash, and guesses come out with their user, and their address where one is logged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from evtx import PyEvtxParser
from windows_sample import WANTED, frame

from gatewatch.schema.events import Kind
from gatewatch.sources import registry

DATA = Path(__file__).parents[2] / "../shared/data/windows"
FILES = sorted(DATA.rglob("*.evtx"))
GUESSES = "mdecrevoisier/TA0006-Credential Access/T1110.xxx-Brut force"
CLIENT = "10.23.123.11"

pytestmark = pytest.mark.skipif(not FILES, reason="the public logs are not here")


def flat(data: Any) -> dict[str, Any]:
    """Return EventData or UserData as one object, without attributes; unnamed data by number."""
    if not isinstance(data, dict):
        return {}
    found = {name: value for name, value in data.items() if name != "#attributes"}
    if len(found) == 1 and isinstance(next(iter(found.values())), dict) and "Data" not in found:
        return flat(next(iter(found.values())))
    unnamed = found.pop("Data", None)
    texts = unnamed.get("#text", []) if isinstance(unnamed, dict) else []
    return found | {f"param{place}": text for place, text in enumerate(texts if isinstance(texts, list) else [texts], 1)}


def records(path: Path) -> pl.DataFrame:
    found = []
    parser = PyEvtxParser(str(path)).records_json()
    while True:
        try:
            event = json.loads(next(parser)["data"])["Event"]
        except StopIteration:
            return frame(found)
        except (RuntimeError, ValueError):  # a damaged record; intake counts it
            continue
        system = event["System"]
        number = system["EventID"]
        found.append(
            {
                "EventID": number["#text"] if isinstance(number, dict) else number,
                "Channel": system["Channel"],
                "Computer": system["Computer"],
                "Provider": system["Provider"]["#attributes"]["Name"],
                "Data": flat(event.get("EventData") or event.get("UserData")),
            }
        )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_record_is_accounted_for(path: Path) -> None:
    batch = records(path)
    assert batch.height
    for wanted in (None, WANTED):
        parts, unclaimed = registry.split(batch)
        assert sum(part.height for _, part in parts) + unclaimed.height == batch.height
        for source, part in parts:
            outcome = source.decode(part, wanted)
            assert outcome.rejected.height == 0
            assert outcome.used + sum(outcome.ignored.values()) + outcome.unrecognised.height == part.height


@pytest.mark.parametrize(
    ("name", "event_id", "service", "address", "unknown"),
    [
        ("ID 4776,4625-AccountRestore local bruteforce", 4625, "local", None, {False}),
        ("ID4625-OpenSSH brutforce with non existing users", 4625, "ssh", None, {True}),
        ("ID4625-OpenSSH brutforce with valid users", 4625, "ssh", None, {False}),
        ("ID4771-Kerberos brutforce with valid user", 4771, "kerberos", CLIENT, {False}),
        ("ID4768-4771-Kerberos brutforce with non existing users", 4768, "kerberos", CLIENT, {True, None}),
        ("ID4768-4771-Kerberos user enumeration (Kerbrute)", 4768, "kerberos", CLIENT, {None}),
    ],
)
def test_guesses(name: str, event_id: int, service: str, address: str | None, unknown: set[bool | None]) -> None:
    """Each failure that the file's name promises is one, by password, of a named user, from the only client of that test network."""
    batch = records(DATA / GUESSES / f"{name}.evtx").filter(pl.col("event_id") == event_id)
    ((source, part),) = registry.split(batch)[0]
    failures = source.decode(part, WANTED).events.filter(pl.col("kind") == str(Kind.AUTH_FAILURE))
    assert failures.height >= 5
    assert failures["user"].null_count() == 0
    assert failures["service"].unique().to_list() == [service]
    assert failures["auth_method"].unique().to_list() == ["password"]
    assert failures["src_ip"].unique().to_list() == [address]
    assert set(failures["invalid_user"]) == unknown  # null: the account is locked or disabled


def test_a_denied_desktop() -> None:
    """4825: the password was right, the right to log on by RDP was missing."""
    (path,) = [path for path in FILES if path.stem.startswith("ID4825")]
    batch = records(path).filter(pl.col("event_id") == 4825)
    ((source, part),) = registry.split(batch)[0]
    rows = source.decode(part, WANTED).events.select("kind", "service", "user", "src_ip").unique().rows()
    assert rows == [("auth_stopped", "rdp", "svc6test1", "10.23.23.9")]
