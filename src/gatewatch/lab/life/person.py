"""A person's day: where they work, how they come in, what they mistype and what they do there."""

from __future__ import annotations

from gatewatch.lab.estate import Estate
from gatewatch.lab.life.change import ACCOUNTS, as_service, elsewhere, other_line, own_admin
from gatewatch.lab.moment import HOUR, MINUTE, SECOND, day_of, day_start, seconds, weekday
from gatewatch.lab.organisation import FAMILY, GIVEN, Person

SUDO = (
    "/usr/bin/systemctl status nginx", "/usr/bin/apt-get update", "/usr/bin/journalctl -u app", "/usr/bin/systemctl restart app",
    "/usr/bin/tail -n 200 /var/log/syslog", "/usr/bin/docker ps", "/usr/bin/vi /etc/nginx/nginx.conf", "/usr/sbin/ss -tlnp", "/usr/bin/df -h",
)  # fmt: skip
COMMANDS = (
    "ls -l",
    "git pull",
    "cat /etc/hosts",
    "grep -r timeout /srv/app",
    "psql -l",
    "uptime",
    "tail -f /srv/app/app.log",
    "python3 manage.py check",
    "id",
    "ssh app02",
)
PROGRAMS = (
    '"C:\\Program Files\\Microsoft Office\\root\\Office16\\OUTLOOK.EXE"', '"C:\\Program Files\\Microsoft Office\\root\\Office16\\EXCEL.EXE" /dde',
    "C:\\Windows\\System32\\notepad.exe C:\\Users\\Public\\list.txt",
    '"C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe" --flag-switches-begin',
)  # fmt: skip
TOOLS = (
    "mmc.exe C:\\Windows\\System32\\services.msc",
    "ipconfig.exe /all",
    "powershell.exe -NoProfile Get-Service",
    "ping.exe fs01",
    "gpupdate.exe /force",
)


def slips(person: Person) -> int:
    """Return how many wrong passwords come before the right one today (beta-binomial over people)."""
    number = 0
    while person.rng.random() < person.typos and number < 4:
        number += 1
    return number


def live(estate: Estate, person: Person, day: int) -> None:
    """Let a person live the *day*-th day."""
    rng = person.rng
    if person.role in {"service", "kiosk"}:
        return
    midnight = day_start(day, person.office.zone)
    free = weekday(day) >= 5 or day in person.office.holidays
    if person.role == "shift":
        if rng.random() < 0.35:
            return
        start = midnight + rng.choice((6, 14, 22)) * HOUR + seconds(rng.gauss(0, 420))
    elif free:
        if person.role != "admin" or rng.random() > 0.08:
            if rng.random() < 0.06:  # a look at the mail
                estate.idp(midnight + seconds(rng.uniform(9, 21) * 3600), person, person.home_address(day), mfa=person.mfa)
            return
        start = midnight + seconds(rng.uniform(9, 22) * 3600)
    else:
        if rng.random() < 0.08:
            return
        start = midnight + seconds(rng.gauss(8.6, 0.8) * 3600)
    hours = max(2.0, rng.gauss(8, 1.2))
    if person.away is not None and person.away[0] <= day <= person.away[1]:
        if not person.hotel:
            person.hotel = estate.organisation.provider(person.away[2], "residential", rng).address(rng)
        source = person.hotel
    elif person.role == "contractor" or rng.random() < person.remote:
        source = person.home_address(day)
    else:
        source = ""
    _work(estate, person, start, hours, source)
    if person.role == "admin" and rng.random() < 0.12:  # a change at night
        _work(estate, person, midnight + seconds(rng.uniform(21, 26) * 3600), 1.2, person.home_address(day))
    if person.role == "admin" and rng.random() < 0.12:
        tend(estate, person, start + seconds(rng.uniform(600, 20_000)), source or rng.choice(person.office.uplinks))


def tend(estate: Estate, person: Person, at: int, source: str) -> None:
    """Look after a gateway; now and then somebody new is to use it."""
    rng = person.rng
    gateway = estate.gateways[person.office.gateway]
    source = estate.face(at, source, person.name, gateway.host.name)
    gateway.administer(at, person.name, source, "", "")
    estate.asked(at, person.name, source, "admin", gateway.host.name)
    if rng.random() < 0.2:
        newcomer = f"{rng.choice(GIVEN)}.{rng.choice(FAMILY)}"
        gateway.administer(at + 4 * MINUTE, person.name, source, "user", newcomer)


def _work(estate: Estate, person: Person, start: int, hours: float, source: str) -> None:
    rng = person.rng
    end = start + seconds(hours * 3600)
    provider, uplink = estate.provider(person), rng.choice(person.office.uplinks)
    for number in range(rng.randint(1, 3)):
        at = start + seconds(rng.uniform(0, 600) if number == 0 else rng.uniform(600, hours * 3600))
        where = source or uplink
        if rng.random() < 0.12:
            where = person.mobile.address(rng)
        for _ in range(slips(person)):
            early = at - rng.randint(8, 40) * SECOND
            provider.fail(early, person.name, estate.face(early, where, person.name, provider.format), person.agent)
        estate.idp(at, person, where, mfa=person.mfa)
    if not source:
        act(estate, person, person.office.inner(person.number), start + 5 * MINUTE, end)
        return
    if person.role == "staff" and person.number % 4 == 0:  # some never learnt to use the VPN: the terminal server answers them, and so does the Mac
        desktop(estate, person, source, start + 10 * MINUTE, end)
        return
    if person.role in {"staff", "developer"} and person.number % 5 == 1 and rng.random() < 0.7:
        if rng.random() < 0.5:
            estate.mac_screen(start + 20 * MINUTE, person.name, source)
        else:
            entry = estate.mac_ssh(start + 20 * MINUTE, person.name, source, "password", person.key)
            estate.mac.close(start + 50 * MINUTE, entry)
    if (person.role == "developer" and rng.random() < 0.35) or (person.role == "admin" and rng.random() < 0.2):
        act(estate, person, source, start + 5 * MINUTE, end)  # straight to the jump host, without the VPN
        return
    gateway = "vpn01" if person.role == "contractor" and person.number % 2 else "ns01" if person.role == "contractor" else person.office.gateway
    sessions = rng.choice((1, 1, 1, 2, 2, 3))
    length = (end - start) // sessions
    for number in range(sessions):
        begin = start + number * length + seconds(rng.uniform(60, 900))
        stop = start + (number + 1) * length - seconds(rng.uniform(0, 900))
        if stop - begin < 10 * MINUTE:
            continue
        connect(estate, person, gateway, source, begin, stop)


def connect(estate: Estate, person: Person, gateway: str, source: str, begin: int, stop: int) -> None:
    """Come in by VPN, work, and go."""
    rng = person.rng
    at = begin
    for _ in range(slips(person)):
        at = estate.vpn_fail(at, gateway, person.name, source) + rng.randint(4, 25) * SECOND
    entry = estate.vpn(at, gateway, person.name, source, stop, person.client)
    if gateway in {"asa01", "fgt01", "pa01"} and rng.random() < 0.05 and stop - at > HOUR:  # from the line at home to the telephone
        moved = at + (stop - at) // 2
        estate.gateways[gateway].resume(moved, entry, estate.face(moved, person.mobile.address(rng), person.name, gateway))
    elif gateway in {"asa01", "fgt01", "pa01"} and source in estate.lines and rng.random() < 0.06 and stop - at > HOUR:
        moved = at + (stop - at) // 3  # the tunnel broke, and the other family was the first to answer
        now = estate.face(moved, source, person.name, gateway)
        if now != entry.source:
            estate.gateways[gateway].resume(moved, entry, now)
    if entry.inner and gateway != "ns01":
        act(estate, person, entry.inner, at + MINUTE, stop - MINUTE)
    estate.vpn_end(stop, entry, received=round(rng.lognormvariate(16, 1)), sent=round(rng.lognormvariate(18, 1)))


def act(estate: Estate, person: Person, source: str, start: int, end: int) -> None:
    """Do what people of this role do, from an address inside or out."""
    rng = person.rng
    if end - start < 5 * MINUTE:
        return
    outside = not source.startswith("10.")
    if person.role in {"developer", "admin", "contractor"}:
        for _ in range(rng.randint(1, 3)):
            begin = start + seconds(rng.uniform(0, (end - start) / 2e6))
            shell(estate, person, source, begin, min(end, begin + seconds(rng.lognormvariate(7.3, 0.9))), admin=person.role == "admin")
    if person.role in {"developer", "admin"} and rng.random() < 0.5:
        cluster(estate, person, source, start, end)
    if (person.role in {"staff", "shift"} and not outside and rng.random() < 0.7) or (person.role == "admin" and rng.random() < 0.3):
        desktop(estate, person, source, start + seconds(rng.uniform(10, 900)), end)
    if not outside:
        files = estate.windows[estate.one("file").name]
        for _ in range(rng.randint(1, 4)):
            at = start + seconds(rng.uniform(0, (end - start) / 1e6))
            entry = files.network(at, person.name, source, person.client)
            files.share(at + SECOND, entry, rng.choice(("public", "teams", "projects")))
    if person.number % 9 == 0 and not outside and rng.random() < 0.25:
        estate.mac.screen(start + seconds(rng.uniform(60, 3000)), person.name, source, ok=True)


def shell(estate: Estate, person: Person, source: str, begin: int, end: int, *, admin: bool) -> None:
    """A session on a jump host, often on to a server."""
    rng = person.rng
    jump = rng.choice(("gate01", "gate01", "gate02"))
    key = rng.random() < 0.75
    at = begin
    if not key:
        for _ in range(slips(person)):
            at = estate.ssh_fail(at, jump, person.name, source) + rng.randint(3, 15) * SECOND
    entry = estate.ssh(at, jump, person.name, source, "key" if key else "password", key=person.key)
    end = max(end, at + 2 * MINUTE)
    for _ in range(rng.randint(0, 3) if admin else rng.randint(0, 1)):
        estate.command(at + seconds(rng.uniform(5, (end - at) / 1e6 - 10)), entry, rng.choice(SUDO), root=True)
    if rng.random() < 0.7:
        target = f"app0{1 + (person.number + rng.choice((0, 0, 0, 1))) % 5}" if not admin or rng.random() < 0.6 else rng.choice(("db01", "db02"))
        begin = at + seconds(rng.uniform(15, 60))
        inner = estate.ssh(begin, target, person.name, estate.host(jump).inner, "key", key=person.key)
        for _ in range(rng.randint(1, 6)):
            root = rng.random() < (0.5 if admin else 0.15)
            estate.command(begin + seconds(rng.uniform(2, max(3, (end - begin) / 1e6 - 5))), inner, rng.choice(SUDO if root else COMMANDS), root=root)
        if rng.random() < (0.12 if admin else 0.05) and end - begin > 10 * MINUTE:
            as_service(estate, inner, rng.choice(ACCOUNTS), begin + 3 * MINUTE, rng)
        if rng.random() < 0.1:
            estate.sshd[target].sftp(
                begin + 20 * SECOND, inner, f"/srv/app/dump-{rng.randint(1, 99)}.sql.gz", rng.randint(40_000, 9_000_000), upload=False
            )
        estate.ssh_end(end - 2 * SECOND, inner)
    estate.ssh_end(end, entry, sent=round(rng.lognormvariate(10, 1)), received=round(rng.lognormvariate(12, 1.2)))


def desktop(estate: Estate, person: Person, source: str, begin: int, end: int) -> None:
    """A day on a terminal server."""
    rng = person.rng
    host = estate.organisation.having("terminal")[person.number // 4 % 2].name
    at = begin
    for _ in range(slips(person)):
        at = estate.rdp_fail(at, host, person.name, source, person.client) + rng.randint(5, 20) * SECOND
    entry = estate.rdp(at, host, person.name, source, person.client, admin=person.elevated)
    end = max(end, at + 5 * MINUTE)
    device = estate.windows[host]
    for _ in range(rng.randint(1, 5)):
        device.process(at + seconds(rng.uniform(10, (end - at) / 1e6 - 5)), entry, rng.choice(TOOLS if person.role == "admin" else PROGRAMS))
    if rng.random() < 0.3 and end - at > HOUR:  # closed over lunch
        middle = at + (end - at) // 2
        device.suspend(middle, entry)
        entry = estate.rdp(middle + 40 * MINUTE, host, person.name, source, person.client, admin=person.elevated, again=entry)
    if person.role == "admin" and rng.random() < 0.1:
        own_admin(estate, person, entry, at + seconds(rng.uniform(60, (end - at) / 1e6 / 2)), rng)
    if rng.random() < 0.05:
        entry = elsewhere(estate, person, entry, end, other_line(person, day_of(end), source, rng), rng)
        end = entry.time + rng.randint(3, 90) * MINUTE
    estate.rdp_end(end, entry)


def cluster(estate: Estate, person: Person, source: str, start: int, end: int) -> None:
    """Some work with kubectl."""
    rng = person.rng
    at = start + seconds(rng.uniform(30, (end - start) / 2e6))
    for _ in range(rng.randint(2, 9)):
        namespace = rng.choice(("shop", "billing", "default"))
        verb, resource = rng.choice((("list", "pods"), ("get", "deployments"), ("list", "services"), ("list", "events"), ("get", "configmaps")))
        estate.request(at, person.name, source, verb, resource, namespace, "web" if verb == "get" else None)
        at += seconds(rng.uniform(2, 400))
    if rng.random() < 0.15:
        estate.request(at, person.name, source, "get", "pods", "shop", "web-7c9d", sub="exec")
    if rng.random() < 0.08:
        body: dict[str, object] = {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "registry.corp.example/web:1.9"}]}}}}
        estate.request(at + 20 * SECOND, person.name, source, "patch", "deployments", "shop", "web", body=body)
    if not source.startswith("10."):
        source = estate.face(at, source, person.name, "kube01")
        estate.asked(at, person.name, source, "kube_api", "kube01")
        estate.seen(at, source, estate.one("kube"), 6443, "ssl", 30 * SECOND, 9_000, 90_000)
