from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gatewatch.errors import InputError, UsageError
from gatewatch.lab.address import SPECIAL_V4, Atlas
from gatewatch.lab.dice import dice
from gatewatch.lab.estate import Estate
from gatewatch.lab.organisation import found
from gatewatch.lab.scenario import library
from gatewatch.lab.stage import Stage
from gatewatch.lab.staging import stage_one
from gatewatch.lab.truth import Ledger, read
from gatewatch.lab.world import make
from gatewatch.lab.writer import registry
from gatewatch.site.load import check

SCENARIOS = library()


def digest(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def small(out: Path, seed: int = 3, **more: object) -> Path:
    make(out, **{"seed": seed, "users": 15, "days": 8, "scenarios": SCENARIOS, "number": 4, "volume": 0.2, **more})  # type: ignore[arg-type]
    return out


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    one, two, other = digest(small(tmp_path / "a")), digest(small(tmp_path / "b")), digest(small(tmp_path / "c", seed=4))
    assert one == two
    # configuration of two sites may well be the same text; logs, truth and site file are not
    told = {value for name, value in other.items() if not name.startswith("evidence/")}
    assert set(one.values()).isdisjoint(told - {hashlib.sha256(b"").hexdigest()})


def test_the_truth_stands_in_the_logs(tmp_path: Path) -> None:
    world = small(tmp_path / "w")
    truth = read(world)
    assert len(truth.intrusions) == 4
    assert truth.negatives
    assert truth.accesses
    assert check(world / "gatewatch.toml") == []
    for intrusion in truth.intrusions:
        assert intrusion.evidence
        for proof in intrusion.evidence:
            if not proof.file.endswith(".gz"):
                assert len((world / "logs" / proof.file).read_text(encoding="utf-8").split("\n")) > proof.record
    assert truth.world.records == sum(truth.world.formats.values())
    marked = {access.intrusion for access in truth.accesses}
    assert None in marked and len(marked) > 1


def test_nothing_planted_when_nothing_is_wanted(tmp_path: Path) -> None:
    assert read(small(tmp_path / "w", number=0)).intrusions == []


def test_a_folder_in_use_and_worlds_too_small_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "file").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        small(tmp_path / "x")
    assert (tmp_path / "x" / "file").read_text() == "mine"
    with pytest.raises(UsageError, match="at least 12 users"):
        small(tmp_path / "y", users=3)


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match="No space left on device"):
        small(tmp_path / "w")
    assert list(tmp_path.iterdir()) == []


def test_no_truth_and_a_broken_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"truth\.jsonl"):
        read(tmp_path)
    (tmp_path / "truth.jsonl").write_text('{"type":"negative"}\n')
    with pytest.raises(UsageError, match=r"truth\.jsonl:1: no line of a truth"):
        read(tmp_path)


def test_a_graft_is_mixed_in(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (real / "auth.log").write_text("Mar  2 08:15:00 old sshd[1]: Accepted password for ann from 192.0.2.7 port 1 ssh2\n")
    world = small(tmp_path / "w", grafts=[real])
    assert (world / "logs" / "graft" / "real" / "auth.log").read_text().startswith("Mar  2")
    with pytest.raises(InputError, match="no folder to graft"):
        small(tmp_path / "v", grafts=[tmp_path / "nothing"])
    assert not (tmp_path / "v").exists()


def test_addresses_lie_where_they_should() -> None:
    atlas, rng = Atlas(), dice(1, "test")
    blocks = [atlas.block(country, 24, "residential", rng) for country in ("AT", "JP", "US") for _ in range(5)]
    for block in blocks:
        address = block.address(rng)
        assert atlas.country(address) == block.country
        number = int.from_bytes(bytes(map(int, address.split("."))))
        assert not any(low <= number <= high for low, high in SPECIAL_V4)
    assert len({block.cidr for block in blocks}) == len(blocks)


def test_every_writer_is_registered() -> None:
    from importlib import import_module
    from pkgutil import iter_modules

    import gatewatch.lab.writer as room

    formats = set()
    for module in iter_modules(room.__path__):
        for thing in vars(import_module(f"gatewatch.lab.writer.{module.name}")).values():
            if isinstance(thing, type) and thing.__module__.endswith(f".{module.name}") and getattr(thing, "format", ""):
                formats.add(thing.format)
    assert formats == {writer.format for writer in registry.WRITERS}


def test_the_hash_seed_changes_no_byte(tmp_path: Path) -> None:
    made = []
    for number in ("1", "99"):
        out = tmp_path / number
        command = [sys.executable, "-m", "gatewatch.cli.main", "lab", "make", "--users", "14", "--days", "3", "--seed", "8", "--volume", "0.1"]
        subprocess.run([*command, "--out", str(out)], check=True, capture_output=True, env=os.environ | {"PYTHONHASHSEED": number})
        made.append(digest(out))
    assert made[0] == made[1]


def test_every_hard_negative_is_planted_and_labelled(tmp_path: Path) -> None:
    wanted = {
        "traveller-with-mfa", "new-provider", "fat-fingers", "shared-kiosk", "admin-on-holiday", "migration-weekend", "backup-off-hours",
        "kubectl-from-a-cafe", "key-after-passwords", "service-account", "own-admin-account", "laptop-to-telephone", "desktop-from-second-machine",
        "other-family", "allowed-test", "vpn-outage", "password-monday", "commercial-vpn",
    }  # fmt: skip
    truth = read(small(tmp_path / "w", users=40, days=15))
    assert {one.name for one in truth.negatives} == wanted
    told = [one for one in truth.negatives if one.records]
    assert {one.name for one in told} == wanted
    assert all(one.users and one.first is not None and one.last is not None and one.first <= one.last for one in told)


def test_administrator_rights_tell_nothing_by_themselves(tmp_path: Path) -> None:
    """Some of an intruder's desktop sessions have 4672 and some have not, as those of staff."""
    estate = Estate(Stage(found(5, 60, 12), tmp_path))
    ledger = Ledger(5)
    for number, scenario in enumerate((one for one in SCENARIOS if one.id in {"rdp-stolen-password", "rdp-left-open"}), 1):
        for level in ("loud", "careful", "slow") * 3:
            stage_one(estate, ledger, scenario, number * 100 + len(ledger.intrusions), level)
    rows = [row for device in estate.windows.values() for row in device.log.rows if row[3]]
    logons = sum('"LogonType":"10"' in row[2] or '"LogonType":10' in row[2] for row in rows)
    rights = sum('"4672"' in row[2] or '"EventID":4672' in row[2] for row in rows)
    assert 0 < rights < logons
    people = estate.organisation.of("staff")
    assert 0 < sum(person.elevated for person in people) < len(people) / 4
