"""A fleet: a site of many hosts of which there is only evidence, no log; for trying an audit at the size it is meant for.

The organisation of the seed gets as many more hosts as are asked for: servers, workstations' servers, Macs, container hosts. Their controls are
drawn as those of any world, and nothing passes through them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from gatewatch.errors import UsageError
from gatewatch.lab import truth
from gatewatch.lab.address import text_of
from gatewatch.lab.dice import dice
from gatewatch.lab.estate import Estate
from gatewatch.lab.evidence.folder import write as write_evidence
from gatewatch.lab.moment import DAY, START, iso_z
from gatewatch.lab.organisation import DOMAIN, Host, Organisation, found
from gatewatch.lab.safeguard import Plan, draw, segmented
from gatewatch.lab.site_file import describe
from gatewatch.lab.stage import Stage
from gatewatch.lab.truth import FILE, VERSION, Entry
from gatewatch.lab.world import whole

MOST = 60_000
_KEPT, _FLAT = 0x0A800000, 0x0AC00000  # 10.128.0.0/10 for hosts that are segmented, 10.192.0.0/10 for those that are not
_MIX: tuple[tuple[str, str, tuple[str, ...], int], ...] = (
    ("linux", "lin", ("server",), 70), ("windows", "win", ("winserver",), 24), ("mac", "mac", (), 2), ("docker", "dock", (), 3),
    ("kube", "node", (), 1),
)  # fmt: skip


def make(out: Path, *, seed: int, hosts: int) -> truth.World:
    """Write evidence, site file and truth of a site of *hosts* machines; return what it is. UsageError for a folder in use or a bad number."""
    organisation = found(seed, 12, 2)
    if not len(organisation.hosts) <= hosts <= MOST:
        raise UsageError(f"a fleet has {len(organisation.hosts)} to {MOST} hosts")
    return whole(out, lambda root: _write(root, organisation, hosts))


def _write(root: Path, organisation: Organisation, hosts: int) -> truth.World:
    estate = Estate(Stage(organisation, root / "logs"))
    _enlist(organisation, hosts)
    plan = draw(organisation, (), frozenset())
    _settle(organisation, plan)
    write_evidence(root, organisation, plan)
    (root / "gatewatch.toml").write_text(describe(organisation, estate, plan), encoding="utf-8")
    world = truth.World(
        hashlib.sha256(repr((VERSION, "fleet", organisation.seed, hosts)).encode()).hexdigest()[:16], VERSION, organisation.seed, 12, 0, iso_z(START),
        iso_z(START + DAY), organisation.zone, organisation.country, 0, "none", {}, {},
    )  # fmt: skip
    truth.write(root / FILE, _entries(world, plan))
    return world


def _entries(world: truth.World, plan: Plan) -> Iterator[Entry]:
    yield world
    yield from plan.safeguards


def _enlist(organisation: Organisation, hosts: int) -> None:
    """Add hosts until there are *hosts*."""
    rng = dice(organisation.seed, "fleet")
    shares = [share for *_, share in _MIX]
    for number in range(len(organisation.hosts), hosts):
        kind, prefix, roles, _ = rng.choices(_MIX, shares)[0]
        name = f"{prefix}{number:05d}" + (f".{DOMAIN}" if kind == "windows" else "")
        host = Host(name, kind, "", None, roles, organisation.zone)
        organisation.hosts.append(host)
        organisation.by_name[name] = host


def _settle(organisation: Organisation, plan: Plan) -> None:
    """Give the added hosts addresses: those that are segmented and those that are not have ranges of their own."""
    places = dict(segmented(organisation))
    kept = flat = 0
    for host in organisation.hosts:
        if host.inner:
            continue
        service = places.get(host.name)
        if service is not None and not plan.missing("segmentation", host.name, service):
            base, kept = _KEPT + (0x100000 if host.kind == "windows" else 0) + kept, kept + 1
        else:
            base, flat = _FLAT + flat, flat + 1
        host.inner = text_of(base + 1)
