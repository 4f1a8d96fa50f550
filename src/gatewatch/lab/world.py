"""Worlds: make one from a seed, as a folder of native logs, the site file of a plausible administrator, and the truth.

Everything is generated day by day and written hour by hour; what a day plans for later waits in memory. The folder appears under its name
when it is whole.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from gatewatch.errors import UsageError
from gatewatch.lab import truth
from gatewatch.lab.estate import Estate
from gatewatch.lab.evidence.folder import write as write_evidence
from gatewatch.lab.fault import inflict
from gatewatch.lab.graft import graft
from gatewatch.lab.life import machine, negative
from gatewatch.lab.life.internet import Crowd
from gatewatch.lab.life.person import live
from gatewatch.lab.moment import DAY, START, iso_z
from gatewatch.lab.organisation import found
from gatewatch.lab.safeguard import Plan, draw
from gatewatch.lab.scenario import Scenario
from gatewatch.lab.site_file import describe
from gatewatch.lab.stage import Stage
from gatewatch.lab.staging import plant
from gatewatch.lab.stream import Witness
from gatewatch.lab.truth import FILE, VERSION, Admission, Entry, Ledger

DIFFICULTIES = ("loud", "careful", "slow")
Progress = Callable[[int, int], None]  # day, days


def make(
    out: Path, *, seed: int, users: int, days: int, scenarios: Sequence[Scenario], number: int | None = None, difficulty: str | None = None,
    volume: float = 1.0, grafts: Sequence[Path] = (), witness: Witness | None = None, progress: Progress | None = None,
) -> truth.World:  # fmt: skip
    """Write a world to *out* and return its description. UsageError for a folder that is in use or values that make no world."""
    if users < 12 or days < 2:
        raise UsageError("a world needs at least 12 users and 2 days")
    return whole(out, lambda root: _write(root, seed, users, days, scenarios, number, difficulty, volume, grafts, witness, progress))


def whole(out: Path, write: Callable[[Path], truth.World]) -> truth.World:
    """Let *write* fill a folder that appears under the name *out* when it is whole. UsageError for one in use or a disk that takes no more."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} exists and is not empty; a world gets a folder of its own")
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        world = write(partial)
        if out.exists():
            out.rmdir()
        partial.rename(out)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise UsageError(f"{out}: {error.strerror or error}; nothing was left there") from None
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return world


def _write(
    root: Path, seed: int, users: int, days: int, scenarios: Sequence[Scenario], number: int | None, difficulty: str | None, volume: float,
    grafts: Sequence[Path], witness: Witness | None, progress: Progress | None,
) -> truth.World:  # fmt: skip
    (root / "logs").mkdir()
    organisation = found(seed, users, days)
    stage = Stage(organisation, root / "logs", witness)
    estate = Estate(stage)
    ledger = Ledger(seed)
    inflict(estate)
    crowd = Crowd(estate, volume)
    plant(estate, ledger, scenarios, number, difficulty)
    negative.plant(estate, ledger)
    for day in range(days):
        for person in organisation.people:
            live(estate, person, day)
        machine.run(estate, day, volume)
        crowd.day(day)
        # people east of Greenwich begin their next day before this one is over in UTC
        stage.flush(START + day * DAY + DAY // 2)
        if progress is not None:
            progress(day + 1, days)
    stage.flush(START + days * DAY)
    stage.close()
    for folder in grafts:
        graft(folder, root / "logs")
    plan = draw(organisation, ledger.intrusions, frozenset((one.service, one.host) for one in estate.accesses))
    write_evidence(root, organisation, plan)
    (root / "gatewatch.toml").write_text(describe(organisation, estate, plan), encoding="utf-8")
    world = truth.World(
        _identity(seed, users, days, volume, difficulty or "mixed", scenarios), VERSION, seed, users, days, iso_z(START), iso_z(START + days * DAY),
        organisation.zone, organisation.country, stage.written, difficulty or "mixed", _formats(stage),
        {address: host.name for host in organisation.hosts for address in (host.inner, host.inner_v6, host.outer, host.outer_v6) if address},
    )  # fmt: skip
    truth.write(root / FILE, _entries(world, stage, estate, ledger, plan))
    return world


def _formats(stage: Stage) -> dict[str, int]:
    return {path: stream.written for path, stream in sorted(stage.streams.items())}


def _identity(*parts: object) -> str:
    names = [tuple(one.id for one in part) if isinstance(part, list | tuple) else part for part in parts]
    return hashlib.sha256(repr((VERSION, names)).encode()).hexdigest()[:16]


def _entries(world: truth.World, stage: Stage, estate: Estate, ledger: Ledger, plan: Plan) -> Iterator[Entry]:
    end = START + world.days * DAY
    for stream in stage.streams.values():
        ledger.settle(stream.marked, stream.dropped + [row[3] for row in stream.rows if row[3]])
    yield world
    yield from ledger.intrusions
    yield from ledger.negatives
    yield from plan.safeguards
    for access in sorted((one for one in estate.accesses if START <= one.time < end), key=lambda one: (one.time, one.user, one.host)):
        yield Admission(iso_z(access.time), access.user, access.source, access.service, access.host, access.port, ledger.owner(access.mark))
