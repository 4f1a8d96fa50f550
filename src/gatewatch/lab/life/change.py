"""Changes that are nobody's crime: going on as another account, and going on with a session from another machine or by another family.

People look after servers as the service account that runs there, or with an account they have for that alone; a desktop left open at work is gone
on with from the kitchen; a tunnel follows from the laptop to the telephone. Intruders do all of this as well.
"""

from __future__ import annotations

import random

from gatewatch.lab.estate import Estate, is_outside
from gatewatch.lab.moment import MINUTE, SECOND, seconds
from gatewatch.lab.organisation import Person
from gatewatch.lab.writer.device import Entry

JOBS = (
    "/usr/bin/systemctl --user restart report", "/usr/bin/crontab -l", "/usr/bin/python3 /srv/jobs/report.py", "/usr/bin/ls -l /srv/export",
    "/usr/bin/tail -n 50 /srv/jobs/report.log", "/usr/bin/id",
)  # fmt: skip
ACCOUNTS = ("svc-report", "svc-sync", "svc-deploy", "svc-print")
TELEPHONE = "IPHONE"


def as_service(estate: Estate, entry: Entry, account: str, at: int, rng: random.Random, mark: int = 0) -> int:
    """Go on as the account a service runs under, on the same host, and look after it; return when it was over."""
    estate.become(at, entry, account, by_password=rng.random() < 0.4, mark=mark)
    for _ in range(rng.randint(1, 3)):
        at += rng.randint(5, 120) * SECOND
        estate.command(at, entry, rng.choice(JOBS), acting=account, mark=mark)
    at += 20 * SECOND
    estate.unbecome(at, entry, account, mark=mark)
    return at


def own_admin(estate: Estate, person: Person, desk: Entry, at: int, rng: random.Random, mark: int = 0) -> None:
    """From a desktop on to a server, with the account an administrator has for servers alone."""
    account, server = f"adm-{person.name}", rng.choice(estate.organisation.having("winserver"))
    estate.uids.setdefault(account, 40_000 + person.number)
    here = estate.host(desk.host)
    estate.windows[desk.host].explicit(at - 3 * SECOND, desk, account, server.name, mark)
    session = estate.rdp(at, server.name, account, here.inner, here.name.partition(".")[0].upper(), admin=True, mark=mark)
    estate.windows[server.name].process(at + 40 * SECOND, session, "mmc.exe C:\\Windows\\System32\\services.msc", mark)
    estate.rdp_end(at + rng.randint(3, 40) * MINUTE, session, mark=mark)


def elsewhere(estate: Estate, person: Person, desk: Entry, at: int, source: str, rng: random.Random, mark: int = 0) -> Entry:
    """Leave a desktop open, and go on with it from another machine on another line some time later."""
    estate.windows[desk.host].suspend(at, desk, mark)
    back = at + seconds(rng.uniform(120, 5_400))
    return estate.rdp(back, desk.host, person.name, source, second_machine(person), admin=person.elevated, again=desk, mark=mark)


def second_machine(person: Person) -> str:
    """Return the name of the machine at home, or the telephone, of somebody who has another at work."""
    return TELEPHONE if person.number % 3 == 0 else f"HOME-{person.uid:04X}"


def other_line(person: Person, day: int, source: str, rng: random.Random) -> str:
    """Return an address somebody may go on from who came from *source*: the line at home, or the telephone."""
    home = person.home_address(day)
    return home if rng.random() < 0.5 and home != source and not is_outside(source) else person.mobile.address(rng)
