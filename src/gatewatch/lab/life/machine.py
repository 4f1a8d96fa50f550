"""Machines' day: cron, backup, monitoring, pipelines, a service account with a broken password, the cluster's own talk, health checks."""

from __future__ import annotations

from gatewatch.lab.dice import dice
from gatewatch.lab.estate import Estate
from gatewatch.lab.moment import DAY, HOUR, MINUTE, SECOND, START, seconds

SYSTEM = (
    ("system:kube-scheduler", "update", "leases", "kube-system", "kube-scheduler", "kube-scheduler/v1.31.4"),
    ("system:kube-controller-manager", "update", "leases", "kube-system", "kube-controller-manager", "kube-controller-manager/v1.31.4"),
    ("system:node:node-1", "get", "nodes", None, "node-1", "kubelet/v1.31.4"),
    ("system:node:node-2", "get", "nodes", None, "node-2", "kubelet/v1.31.4"),
    ("system:serviceaccount:kube-system:coredns", "list", "endpoints", None, None, "coredns/1.11"),
    ("system:serviceaccount:shop:web", "get", "configmaps", "shop", "web", "Go-http-client/2.0"),
)


def run(estate: Estate, day: int, volume: float) -> None:
    """Let the machines run for the *day*-th day."""
    organisation = estate.organisation
    rng = dice(organisation.seed, "machine", day)
    midnight = START + day * DAY
    for name, device in estate.sshd.items():
        minute = sum(name.encode()) % 60
        for hour in range(24):
            device.cron(midnight + hour * HOUR + minute * MINUTE + SECOND)
        for _ in range(round(20 * volume)):
            device.cron(midnight + rng.randrange(DAY), "www-data")
    deploy, backup, scan = (next(one for one in organisation.people if one.name == name) for name in ("svc-deploy", "svc-backup", "svc-scan"))
    for hour in range(1, 24, 4):  # monitoring, from outside
        at = midnight + hour * HOUR + 5 * MINUTE + rng.randrange(40 * SECOND)
        for host in ("gate01", "gate02"):
            entry = estate.ssh(at, host, "svc-scan", organisation.monitor, "key", key=scan.key)
            estate.ssh_end(at + rng.randint(1, 3) * SECOND, entry)
    for _ in range(rng.randint(3, 9)):  # runners of the pipeline
        at = midnight + seconds(rng.uniform(7, 19) * 3600)
        source = organisation.runner.address(rng)
        entry = estate.ssh(at, "build01", "svc-deploy", source, "key", key=deploy.key)
        estate.command(at + 5 * SECOND, entry, "/usr/bin/systemctl restart app", root=True)
        estate.ssh_end(at + rng.randint(20, 200) * SECOND, entry, sent=rng.randint(1, 40) * 1_000_000)
        container = estate.docker.container()
        estate.docker.event(
            at + 20 * SECOND, "create", container, "registry.corp.example/web:1.9", f"web-{rng.randint(1, 99)}", 0, "container_create"
        )
        estate.docker.event(at + 21 * SECOND, "start", container, "registry.corp.example/web:1.9", "web")
    _partners(estate, day, midnight)
    at = midnight + HOUR + 30 * MINUTE  # backup at night, inside
    for host in ("db01", "db02", "app01"):
        entry = estate.ssh(at, host, "svc-backup", "10.10.2.200", "key", key=backup.key)
        estate.ssh_end(at + 20 * MINUTE, entry, received=rng.randint(2, 9) * 1_000_000_000)
        at += 25 * MINUTE
    _broken(estate, day, midnight)
    for _ in range(round(300 * volume)):
        user, verb, resource, namespace, object_, agent = rng.choice(SYSTEM)
        estate.kube.request(
            midnight + rng.randrange(DAY),
            user,
            f"10.10.6.{rng.randint(11, 14)}",
            verb,
            resource,
            namespace,
            object_,
            agent=agent,
            groups=("system:nodes",),
        )
    health = [(f"{number:016x}", f"svc-{number}") for number in range(0xA100, 0xA104)]
    for container, name in health:
        step = max(SECOND, round(10 * MINUTE / max(volume, 0.1)))
        for at in range(midnight, midnight + DAY, step):
            estate.docker.event(
                at + rng.randrange(SECOND),
                "exec_create: /bin/sh -c wget -q -O - http://127.0.0.1/healthz",
                container,
                "registry.corp.example/web:1.9",
                name,
                0,
                "container_exec",
            )
    for _ in range(round(200 * volume)):
        estate.mac.noise(midnight + rng.randrange(DAY))


def _partners(estate: Estate, day: int, midnight: int) -> None:
    """Partners whose machines come in as a service account, from wherever they are hosted."""
    for person in estate.organisation.of("service"):
        if person.name in {"svc-scan", "svc-deploy"}:
            continue
        home = person.address = person.address or person.home.address(person.rng)
        host = ("gate01", "gate02", "build01")[person.number % 3]
        for _ in range(person.rng.randint(1, 4)):
            at = midnight + person.rng.randrange(DAY)
            entry = estate.ssh(at, host, person.name, home, person.rng.choice(("key", "password")), key=person.key)
            if day % 3 == 0:
                estate.command(at + 3 * SECOND, entry, "/usr/bin/rsync --server --sender -a . /srv/export", root=True)
            estate.ssh_end(at + person.rng.randint(5, 400) * SECOND, entry, received=person.rng.randint(1, 60) * 1_000_000)


def _broken(estate: Estate, day: int, midnight: int) -> None:
    """A service whose password was changed on a Monday: the same refusal every ten minutes, until somebody sees it."""
    first = estate.organisation.seed % 5 + 1
    if not first <= day <= first + 2:
        return
    device = estate.windows[estate.organisation.having("winserver")[0].name]
    for at in range(midnight, midnight + DAY, 10 * MINUTE):
        device.fail(at, "svc-report", "10.10.1.14", "APP04")
