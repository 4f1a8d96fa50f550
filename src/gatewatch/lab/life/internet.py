"""The internet's background: sources that guess at whatever listens, few very often and most hardly ever, and scans that never say a word.

The number of tries of a source is heavy-tailed (Pareto), sources come back on other days, and names are those that guessers try.
"""

from __future__ import annotations

import random

from gatewatch.lab.address import text_of_v6
from gatewatch.lab.dice import dice, poisson
from gatewatch.lab.estate import Estate
from gatewatch.lab.moment import DAY, SECOND, START

NAMES = (
    *(
        "root",
        "root",
        "root",
        "root",
        "admin",
        "admin",
        "test",
        "ubuntu",
        "oracle",
        "postgres",
        "git",
        "user",
        "ftp",
        "nagios",
        "hadoop",
        "pi",
        "guest",
    ),
    *("minecraft", "jenkins", "deploy", "www", "tomcat", "es", "centos", "debian", "mysql", "ftpuser", "steam", "dev", "zabbix", "support", "backup"),
)
WINDOWS_NAMES = ("administrator", "administrator", "admin", "user", "test", "scan", "office", "reception", "guest", "sql", "backup", "owner")
PORTS = (22, 22, 23, 80, 443, 445, 1433, 2375, 3306, 3389, 3389, 5432, 5900, 6379, 6443, 8080, 8443, 10250)
CLIENTS = ("DESKTOP-7F3K2", "WIN-8QO1", "kali", "workstation", "-")


class Crowd:
    """The sources of a world that guess, with the appetite of each."""

    def __init__(self, estate: Estate, volume: float) -> None:
        self.rng = dice(estate.organisation.seed, "crowd")
        self.estate = estate
        self.volume = volume
        atlas = estate.organisation.atlas
        self.sources = [atlas.stray(self.rng) for _ in range(round(200 + 400 * min(volume, 10)))]
        self.sources += [provider.address(self.rng) for provider in estate.organisation.hosting for _ in range(12)]
        self.appetite = [min(400.0, 1.0 * (1 - self.rng.random()) ** (-1 / 1.05)) for _ in self.sources]

    def day(self, day: int) -> None:
        """Let them guess for a day."""
        rng = dice(self.estate.organisation.seed, "internet", day)
        midnight = START + day * DAY
        for host, rate in (("gate01", 60), ("gate02", 40), ("build01", 25)):
            self._ssh(rng, host, midnight, round(rate * self.volume))
        for terminal in self.estate.organisation.having("terminal"):
            self._rdp(rng, terminal.name, midnight, round(14 * self.volume))
        self._rest(rng, midnight)
        self._second_stack(day, midnight)
        self._scan(rng, midnight, round(600 * self.volume))

    def _choose(self, rng: random.Random) -> tuple[str, int]:
        index = rng.randrange(len(self.sources))
        return self.sources[index], max(1, round(self.appetite[index] * rng.random() * 1.4))

    def _ssh(self, rng: random.Random, host: str, midnight: int, visits: int) -> None:
        device, seen, target = self.estate.sshd[host], self.estate.zeek, self.estate.host(host).outer or ""
        for _ in range(visits):
            source, tries = self._choose(rng)
            at = midnight + rng.randrange(DAY)
            pace = rng.choice((2, 4, 15, 40)) * SECOND
            for number in range(tries):
                name = rng.choice(NAMES)
                end = device.fail(at, name, source, exists=name == "root", tries=1 if rng.random() < 0.8 else 3)
                if number % 4 == 0:
                    seen.conn(at, source, seen.port(), target, 22, "ssh", end - at, 1_800, 2_600)
                at = end + round(pace * rng.uniform(0.6, 1.5))

    def _second_stack(self, day: int, midnight: int) -> None:
        """Little of it comes by IPv6, whose addresses nobody can go through: from machines of hosters, to what has a name."""
        rng = dice(self.estate.organisation.seed, "internet-v6", day)
        organisation = self.estate.organisation
        sources = [provider.block_v6 for provider in organisation.hosting if provider.block_v6 is not None]
        doors = [host for host in organisation.hosts if host.outer_v6 and (host.name in self.estate.sshd or host.name in self.estate.gateways)]
        for _ in range(poisson(rng, 3 * self.volume) if sources and doors else 0):
            source = text_of_v6(rng.choice(sources).net(64, rng.getrandbits(32)), rng.randint(1, 0xFFFF))
            door, at = rng.choice(doors), midnight + rng.randrange(DAY)
            for _ in range(rng.randint(1, 8)):
                name = rng.choice(NAMES)
                if door.name in self.estate.sshd:
                    end = self.estate.sshd[door.name].fail(at, name, source, exists=name == "root")
                    self.estate.seen(at, source, door, 22, "ssh", end - at, 1_800, 2_600)
                else:
                    self.estate.gateways[door.name].fail(at, name, source, exists=name in self.estate.uids)
                at += rng.randint(3, 90) * SECOND

    def _rdp(self, rng: random.Random, host: str, midnight: int, visits: int) -> None:
        device = self.estate.windows[host]
        for _ in range(visits):
            source, tries = self._choose(rng)
            at, client = midnight + rng.randrange(DAY), rng.choice(CLIENTS)
            for _ in range(min(tries, 60)):
                device.fail(at, rng.choice(WINDOWS_NAMES), source, client, exists=False)
                at += rng.randint(3, 50) * SECOND

    def _rest(self, rng: random.Random, midnight: int) -> None:
        people = self.estate.organisation.people
        for gateway in self.estate.gateways.values():
            for _ in range(poisson(rng, 6 * self.volume)):
                source, tries = self._choose(rng)
                at = midnight + rng.randrange(DAY)
                for _ in range(min(tries, 25)):
                    # names leak: some guesses are at accounts that exist
                    name = rng.choice(people).name if rng.random() < 0.15 else rng.choice(NAMES)
                    gateway.fail(at, name, source, exists=name in self.estate.uids)
                    at += rng.randint(20, 900) * SECOND
        for _ in range(poisson(rng, 8 * self.volume)):
            source, _ = self._choose(rng)
            person = rng.choice(people)
            if person.role not in {"service", "kiosk"}:
                self.estate.provider(person).fail(midnight + rng.randrange(DAY), person.name, source, "python-requests/2.32.3")
        for _ in range(poisson(rng, 10 * self.volume)):
            source, _ = self._choose(rng)
            at = midnight + rng.randrange(DAY)
            for number in range(rng.randint(1, 4)):
                resource = rng.choice(("pods", "secrets", "namespaces"))
                self.estate.request(at + number * SECOND, "system:anonymous", source, "list", resource, None, code=403, agent="Go-http-client/1.1")
        for _ in range(poisson(rng, 6 * self.volume)):
            source, tries = self._choose(rng)
            at = midnight + rng.randrange(DAY)
            for _ in range(min(tries, 12)):
                if rng.random() < 0.5:
                    self.estate.mac.ssh_fail(at, rng.choice(NAMES), source, exists=False)
                else:
                    self.estate.mac.screen(at, rng.choice(("admin", "user", "mac")), source, ok=False)
                at += rng.randint(3, 60) * SECOND

    def _scan(self, rng: random.Random, midnight: int, number: int) -> None:
        seen, outer = self.estate.zeek, [host.outer for host in self.estate.organisation.hosts if host.outer]
        sources = self.sources
        for _ in range(number):
            source = rng.choice(sources)
            seen.conn(midnight + rng.randrange(DAY), source, seen.port(), rng.choice(outer), rng.choice(PORTS), state=rng.choice(("S0", "S0", "REJ")))
