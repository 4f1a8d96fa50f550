"""Hard negatives: harmless things that look like an intrusion, each labelled in the truth so that a false alarm can be named."""

from __future__ import annotations

import random
from collections.abc import Callable

from gatewatch.lab.estate import Estate
from gatewatch.lab.life.change import ACCOUNTS, JOBS, as_service, elsewhere, other_line, own_admin
from gatewatch.lab.life.person import act, connect
from gatewatch.lab.moment import DAY, HOUR, MINUTE, SECOND, START, day_start, seconds
from gatewatch.lab.organisation import ELSEWHERE, Person
from gatewatch.lab.truth import Ledger

Play = Callable[[Estate, random.Random, int, int], tuple[list[str], list[str]]]  # estate, dice, day, mark -> users, addresses


def _person(estate: Estate, rng: random.Random, *roles: str) -> Person:
    return rng.choice(estate.organisation.of(*roles))


def _abroad(estate: Estate, rng: random.Random, person: Person, kind: str = "residential") -> str:
    country = rng.choice([place for place in ELSEWHERE if place != person.office.country])
    return estate.organisation.provider(country, kind, rng).address(rng)


def _traveller(estate: Estate, rng: random.Random, day: int, mark: int) -> tuple[list[str], list[str]]:
    person = _person(estate, rng, "staff", "developer")
    source = _abroad(estate, rng, person)
    at = day_start(day, person.office.zone) + seconds(rng.uniform(6, 23) * 3600)
    estate.idp(at, person, source, mark=mark)
    entry = estate.vpn(at + 3 * MINUTE, person.office.gateway, person.name, source, at + 3 * HOUR, person.client, mark)
    files = estate.windows[estate.one("file").name]
    session = files.network(at + 20 * MINUTE, person.name, entry.inner, person.client, mark)
    files.share(at + 20 * MINUTE + SECOND, session, "projects", mark)
    estate.vpn_end(at + 2 * HOUR, entry, mark=mark)
    return [person.name], [source]


def _new_provider(estate: Estate, rng: random.Random, day: int, mark: int) -> tuple[list[str], list[str]]:
    person = _person(estate, rng, "developer", "admin")
    source = estate.organisation.provider(person.office.country, "residential", rng).address(rng)
    at = day_start(day, person.office.zone) + seconds(rng.uniform(7, 22) * 3600)
    entry = estate.ssh(at, "gate01", person.name, source, "password", mark=mark)
    inner = estate.ssh(at + 40 * SECOND, f"app0{1 + person.number % 5}", person.name, "10.10.0.11", "key", key=person.key, mark=mark)
    estate.command(at + 3 * MINUTE, inner, "/usr/bin/systemctl restart app", root=True, mark=mark)
    estate.ssh_end(at + 40 * MINUTE, inner, mark=mark)
    estate.ssh_end(at + 41 * MINUTE, entry, mark=mark)
    return [person.name], [source]


def _fat_finger(estate: Estate, rng: random.Random, day: int, mark: int) -> tuple[list[str], list[str]]:
    person = _person(estate, rng, "staff", "developer", "contractor")
    source = person.home_address(day)
    at = day_start(day, person.office.zone) + seconds(rng.uniform(7, 20) * 3600)
    gateway = person.office.gateway
    for _ in range(rng.randint(3, 5)):
        at = estate.vpn_fail(at, gateway, person.name, source, mark) + rng.randint(5, 30) * SECOND
    entry = estate.vpn(at, gateway, person.name, source, at + 2 * HOUR, person.client, mark)
    act(estate, person, entry.inner, at + 2 * MINUTE, at + HOUR)
    estate.vpn_end(at + HOUR, entry, mark=mark)
    return [person.name], [source]


def _kiosk(estate: Estate, rng: random.Random, day: int, mark: int) -> tuple[list[str], list[str]]:
    office = rng.choice(estate.organisation.offices)
    at = day_start(day, office.zone) + 6 * HOUR
    sources = []
    host = estate.organisation.having("terminal")[0].name
    for shift in range(3):
        source = office.inner(800 + shift) if shift else office.uplinks[0]
        sources.append(source)
        begin = at + shift * 6 * HOUR + rng.randint(0, 900) * SECOND
        for _ in range(rng.randint(0, 3)):
            begin = estate.rdp_fail(begin, host, "kiosk", source, "KIOSK-1", mark) + 9 * SECOND
        entry = estate.rdp(begin, host, "kiosk", source, "KIOSK-1", mark=mark)
        estate.rdp_end(begin + 5 * HOUR, entry, mark=mark)
    return ["kiosk"], [source for source in sources if not source.startswith("10.")]


def _admin_on_holiday(estate: Estate, rng: random.Random, day: int, mark: int) -> tuple[list[str], list[str]]:
    person = _person(estate, rng, "admin")
    source = _abroad(estate, rng, person)
    at = day_start(day, person.office.zone) + seconds(rng.uniform(10, 23) * 3600)
    estate.idp(at, person, source, mark=mark)
    entry = estate.vpn(at + 2 * MINUTE, person.office.gateway, person.name, source, at + 2 * HOUR, person.client, mark)
    shell = estate.ssh(at + 5 * MINUTE, "gate01", person.name, entry.inner, "key", key=person.key, mark=mark)
    newcomer = f"{rng.choice(('lena', 'marc', 'iris', 'tom'))}.{rng.choice(('bauer', 'klee', 'frey', 'ross'))}"
    estate.add_account(at + 8 * MINUTE, shell, newcomer, group="developers", mark=mark)
    estate.ssh_end(at + 20 * MINUTE, shell, mark=mark)
    estate.vpn_end(at + 25 * MINUTE, entry, mark=mark)
    return [person.name], [source]


def _migration(estate: Estate, rng: random.Random, day: int, mark: int) -> tuple[list[str], list[str]]:
    person = _person(estate, rng, "admin")
    source = person.home_address(day)
    saturday = day_start(day - day % 7 + 5, person.office.zone) + seconds(rng.uniform(8, 11) * 3600)
    entry = estate.vpn(saturday, person.office.gateway, person.name, source, saturday + 9 * HOUR, person.client, mark)
    at = saturday + 5 * MINUTE
    for host in ("app01", "app02", "app03", "app04", "app05", "db01", "db02"):
        shell = estate.ssh(at, host, person.name, entry.inner, "key", key=person.key, mark=mark)
        estate.command(at + MINUTE, shell, "/usr/bin/systemctl stop app", root=True, mark=mark)
        estate.command(at + 2 * MINUTE, shell, "/usr/bin/rsync -a /srv/ 10.10.1.11:/srv/", root=True, mark=mark)
        estate.ssh_end(at + 40 * MINUTE, shell, received=rng.randint(1, 30) * 1_000_000_000, mark=mark)
        at += 20 * MINUTE
    for server in estate.organisation.having("winserver"):
        desk = estate.rdp(at, server.name, person.name, entry.inner, person.client, admin=True, mark=mark)
        estate.windows[server.name].service(at + 3 * MINUTE, desk, "AppMigrator", "C:\\Program Files\\Migrator\\migrator.exe", "LocalSystem", mark)
        estate.rdp_end(at + 30 * MINUTE, desk, mark=mark)
        at += 35 * MINUTE
    estate.vpn_end(at + HOUR, entry, mark=mark)
    return [person.name], [source]


def _backup(estate: Estate, rng: random.Random, day: int, mark: int) -> tuple[list[str], list[str]]:
    source = estate.organisation.runner.address(rng)  # the backup service is hosted outside
    at = START + day * DAY + seconds(rng.uniform(0, 4) * 3600)
    entry = estate.ssh(
        at, "gate02", "svc-backup", source, "key", key=next(one.key for one in estate.organisation.people if one.name == "svc-backup"), mark=mark
    )
    estate.ssh_end(at + 4 * HOUR, entry, sent=2_000_000, received=500_000_000_000, mark=mark)
    return ["svc-backup"], [source]


def _cafe(estate: Estate, rng: random.Random, day: int, mark: int) -> tuple[list[str], list[str]]:
    person = _person(estate, rng, "developer")
    source = estate.organisation.provider(person.office.country, "mobile", rng).address(rng)
    at = day_start(day, person.office.zone) + seconds(rng.uniform(8, 20) * 3600)
    estate.idp(at - MINUTE, person, source, mark=mark)
    for verb, resource, name in (("list", "pods", None), ("get", "deployments", "web"), ("list", "events", None)):
        estate.request(at, person.name, source, verb, resource, "shop", name, mark=mark)
        at += rng.randint(5, 60) * SECOND
    estate.request(at, person.name, source, "get", "pods", "shop", "web-7c9d", sub="exec", mark=mark)
    return [person.name], [source]


def _key_after_passwords(estate: Estate, rng: random.Random, day: int, mark: int) -> tuple[list[str], list[str]]:
    person = _person(estate, rng, "developer", "admin")
    source = person.home_address(day)
    at = day_start(day, person.office.zone) + seconds(rng.uniform(8, 21) * 3600)
    for _ in range(rng.randint(5, 9)):
        at = estate.ssh_fail(at, "gate02", person.name, source, mark=mark) + rng.randint(3, 20) * SECOND
    entry = estate.ssh(at + MINUTE, "gate02", person.name, source, "key", key=person.key, mark=mark)
    estate.command(at + 3 * MINUTE, entry, "/usr/bin/systemctl status nginx", root=True, mark=mark)
    estate.ssh_end(at + 40 * MINUTE, entry, mark=mark)
    return [person.name], [source]


def _tester(estate: Estate, rng: random.Random, _day: int, mark: int) -> tuple[list[str], list[str]]:
    organisation = estate.organisation
    source = organisation.tester
    first, last = organisation.tester_days
    at = START + first * DAY + seconds(rng.uniform(8, 10) * 3600)
    person = _person(estate, rng, "staff")
    for name in ("root", "admin", "test", person.name, "backup"):
        for _ in range(rng.randint(4, 12)):
            at = estate.ssh_fail(at, "gate01", name, source, mark=mark) + rng.randint(1, 6) * SECOND
    entry = estate.ssh(at, "gate01", person.name, source, "password", mark=mark)
    estate.command(at + MINUTE, entry, "/usr/bin/id", root=True, mark=mark)
    estate.ssh_end(min(at + HOUR, START + (last + 1) * DAY - 1), entry, mark=mark)
    return [person.name], [source]


def _outage(estate: Estate, rng: random.Random, day: int, mark: int) -> tuple[list[str], list[str]]:
    office = rng.choice(estate.organisation.offices)
    at = day_start(day, office.zone) + seconds(rng.uniform(9, 15) * 3600)
    users, sources = [], []
    for person in estate.organisation.of("staff", "developer", "shift"):
        if person.office is not office or rng.random() > 0.5:
            continue
        source, begin = person.home_address(day), at + rng.randint(0, 240) * SECOND
        for _ in range(rng.randint(0, 3)):
            begin = estate.vpn_fail(begin, office.gateway, person.name, source, mark) + rng.randint(6, 40) * SECOND
        entry = estate.vpn(begin, office.gateway, person.name, source, begin + HOUR, person.client, mark)
        estate.vpn_end(begin + HOUR, entry, mark=mark)
        users.append(person.name)
        sources.append(source)
    return users, sources


def _password_monday(estate: Estate, rng: random.Random, day: int, mark: int) -> tuple[list[str], list[str]]:
    users, sources = [], []
    for person in estate.organisation.of("staff", "developer", "shift", "contractor"):
        if rng.random() > 0.2:
            continue
        source = person.home_address(day)
        at = day_start(day - day % 7, person.office.zone) + seconds(rng.gauss(8.7, 0.7) * 3600)
        for _ in range(rng.choice((1, 1, 1, 1, 2, 2, 3, 4, 6))):
            at = estate.vpn_fail(at, person.office.gateway, person.name, source, mark) + rng.randint(10, 90) * SECOND
        connect(estate, person, person.office.gateway, source, at + MINUTE, at + 3 * HOUR)
        users.append(person.name)
        sources.append(source)
    return users, sources


def _commercial_vpn(estate: Estate, rng: random.Random, day: int, mark: int) -> tuple[list[str], list[str]]:
    person = _person(estate, rng, "developer", "staff")
    source = rng.choice(estate.organisation.hosting).address(rng)
    at = day_start(day, person.office.zone) + seconds(rng.uniform(18, 23) * 3600)
    estate.idp(at, person, source, mark=mark)
    entry = estate.vpn(at + MINUTE, person.office.gateway, person.name, source, at + 2 * HOUR, person.client, mark)
    act(estate, person, entry.inner, at + 4 * MINUTE, at + HOUR)
    estate.vpn_end(at + HOUR, entry, mark=mark)
    return [person.name], [source]


def _service_account(estate: Estate, rng: random.Random, day: int, mark: int) -> tuple[list[str], list[str]]:
    person = _person(estate, rng, "admin", "developer")
    source = person.home_address(day)
    at = day_start(day, person.office.zone) + seconds(rng.uniform(8, 20) * 3600)
    entry = estate.ssh(at, "gate01", person.name, source, "key", key=person.key, mark=mark)
    account, server = rng.choice(ACCOUNTS), rng.choice(estate.organisation.having("server")).name
    if rng.random() < 0.5:
        inner = estate.ssh(at + MINUTE, server, person.name, "10.10.0.11", "key", key=person.key, mark=mark)
        as_service(estate, inner, account, at + 3 * MINUTE, rng, mark)
    else:  # straight to the account, with a key of its own
        key = next(one.key for one in estate.organisation.people if one.name == account)
        inner = estate.ssh(at + MINUTE, server, account, "10.10.0.11", "key", key=key, mark=mark)
        estate.command(at + 4 * MINUTE, inner, rng.choice(JOBS), mark=mark)
    estate.ssh_end(at + 25 * MINUTE, inner, mark=mark)
    estate.ssh_end(at + 26 * MINUTE, entry, mark=mark)
    return [person.name, account], [source]


def _own_admin(estate: Estate, rng: random.Random, day: int, mark: int) -> tuple[list[str], list[str]]:
    person = _person(estate, rng, "admin")
    source = person.home_address(day)
    at = day_start(day, person.office.zone) + seconds(rng.uniform(8, 21) * 3600)
    tunnel = estate.vpn(at, person.office.gateway, person.name, source, at + 3 * HOUR, person.client, mark)
    host = estate.organisation.having("terminal")[person.number % 2].name
    desk = estate.rdp(at + 4 * MINUTE, host, person.name, tunnel.inner, person.client, admin=True, mark=mark)
    own_admin(estate, person, desk, at + 12 * MINUTE, rng, mark)
    estate.rdp_end(at + HOUR, desk, mark=mark)
    estate.vpn_end(at + HOUR + MINUTE, tunnel, mark=mark)
    return [person.name, f"adm-{person.name}"], [source]


def _telephone(estate: Estate, rng: random.Random, day: int, mark: int) -> tuple[list[str], list[str]]:
    person = _person(estate, rng, "staff", "developer")
    source, phone, gateway = person.home_address(day), person.mobile.address(rng), person.office.gateway
    at = day_start(day, person.office.zone) + seconds(rng.uniform(8, 18) * 3600)
    estate.idp(at - 2 * MINUTE, person, source, mfa=person.mfa, mark=mark)
    tunnel = estate.vpn(at, gateway, person.name, source, at + 4 * HOUR, person.client, mark)
    files = estate.windows[estate.one("file").name]
    for after in (20 * MINUTE, 95 * MINUTE):
        session = files.network(at + after, person.name, tunnel.inner, person.client, mark)
        files.share(at + after + SECOND, session, "projects", mark)
    moved = at + rng.randint(40, 80) * MINUTE
    estate.gateways[gateway].resume(moved, tunnel, estate.face(moved, phone, person.name, gateway), mark)
    estate.vpn_end(at + 2 * HOUR, tunnel, mark=mark)
    return [person.name], [source, phone]


def _second_machine(estate: Estate, rng: random.Random, day: int, mark: int) -> tuple[list[str], list[str]]:
    person = _person(estate, rng, "staff")
    host = estate.organisation.having("terminal")[person.number // 4 % 2].name
    inside = rng.random() < 0.5
    source = person.office.inner(person.number) if inside else person.home_address(day)
    at = day_start(day, person.office.zone) + seconds(rng.uniform(8, 16) * 3600)
    desk = estate.rdp(at, host, person.name, source, person.client, admin=person.elevated, mark=mark)
    other = other_line(person, day, source, rng)
    desk = elsewhere(estate, person, desk, at + rng.randint(30, 120) * MINUTE, other, rng, mark)
    estate.rdp_end(desk.time + rng.randint(5, 60) * MINUTE, desk, mark=mark)
    return [person.name], [one for one in (source, other) if not one.startswith("10.")]


def _other_family(estate: Estate, rng: random.Random, day: int, mark: int) -> tuple[list[str], list[str]]:
    organisation = estate.organisation
    people = organisation.of("staff", "developer")
    start = rng.randrange(len(people))
    turned = [*people[start:], *people[:start]]
    dual = (one for one in turned if one.home_address(day) in estate.lines and one.office.gateway in estate.dual)
    person = next(dual, turned[0])
    source, gateway = person.home_address(day), person.office.gateway
    line = estate.lines.get(source) if gateway in estate.dual else None
    at = day_start(day, person.office.zone) + seconds(rng.uniform(8, 18) * 3600)
    first = line.v6(at, person.name) if line is not None else source
    estate.idp(at - 2 * MINUTE, person, source, mfa=person.mfa, mark=mark)
    tunnel = estate.vpn(at, gateway, person.name, first, at + 3 * HOUR, person.client, mark)
    act(estate, person, tunnel.inner, at + 4 * MINUTE, at + 2 * HOUR)
    if line is not None:  # IPv6 stopped working, and the client went on by IPv4
        estate.gateways[gateway].resume(at + HOUR, tunnel, source, mark)
    estate.vpn_end(at + 2 * HOUR, tunnel, mark=mark)
    return [person.name], [source, first]


NEGATIVES: tuple[tuple[str, str, Play], ...] = (
    ("traveller-with-mfa", "a traveller signs in from a country never seen, with a second factor, and opens a file share", _traveller),
    ("new-provider", "somebody has a new provider at home and works over SSH as ever", _new_provider),
    ("fat-fingers", "a handful of wrong passwords, then the right one, from the line at home", _fat_finger),
    ("shared-kiosk", "three shifts share the kiosk account on a terminal server", _kiosk),
    ("admin-on-holiday", "an administrator on holiday adds an account for a newcomer", _admin_on_holiday),
    ("migration-weekend", "an administrator goes over every server on a Saturday and installs a service", _migration),
    ("backup-off-hours", "the hosted backup takes 500 GB at night", _backup),
    ("kubectl-from-a-cafe", "a developer uses kubectl and exec from a café", _cafe),
    ("key-after-passwords", "wrong passwords, then a logon by key, which nobody can have guessed", _key_after_passwords),
    ("allowed-test", "the announced penetration test guesses and gets in", _tester),
    ("vpn-outage", "a gateway was down and everybody comes back at once", _outage),
    ("password-monday", "passwords were changed and many mistype", _password_monday),
    ("commercial-vpn", "somebody uses a commercial VPN at home", _commercial_vpn),
    ("service-account", "somebody who looks after a server goes on as the account of a service", _service_account),
    ("own-admin-account", "an administrator goes on to a server with the account they have for servers alone", _own_admin),
    ("laptop-to-telephone", "a VPN session goes on from the telephone", _telephone),
    ("desktop-from-second-machine", "a desktop left open is gone on with from another machine on another line", _second_machine),
    ("other-family", "a tunnel of a dual-stack line that began by IPv6 goes on by IPv4", _other_family),
)


def plant(estate: Estate, ledger: Ledger) -> None:
    """Plant every hard negative once, and again each further week."""
    organisation = estate.organisation
    estate.noting = True
    for week in range(max(1, organisation.days // 7)):
        for name, title, play in NEGATIVES:
            rng: random.Random = ledger.dice("negative", name, week)
            if name == "allowed-test" and week:
                continue
            day = min(organisation.days - 1, week * 7 + rng.randrange(min(7, organisation.days)))
            mark = ledger.negative(name, title)
            estate.shown.clear()
            users, sources = play(estate, rng, day, mark)
            ledger.describe(mark, users, [*sources, *estate.shown])
    estate.noting = False
