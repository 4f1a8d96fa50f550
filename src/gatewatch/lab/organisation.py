"""The organisation of a world: people, offices, hosts, gateways and the providers they come through; drawn from the seed, and not one log line.

Names are invented from two short lists; addresses inside are RFC 1918, addresses outside are drawn from the country database.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from gatewatch.lab.address import Atlas, Block, Block6, lot, text_of_v6
from gatewatch.lab.dice import dice
from gatewatch.lab.line import Line

COUNTRIES: tuple[tuple[str, str], ...] = (
    ("AT", "Europe/Vienna"), ("DE", "Europe/Berlin"), ("CH", "Europe/Zurich"), ("FR", "Europe/Paris"), ("GB", "Europe/London"),
    ("NL", "Europe/Amsterdam"), ("SE", "Europe/Stockholm"), ("PL", "Europe/Warsaw"), ("IT", "Europe/Rome"), ("ES", "Europe/Madrid"),
    ("US", "America/New_York"), ("US", "America/Chicago"), ("US", "America/Los_Angeles"), ("CA", "America/Toronto"),
    ("BR", "America/Sao_Paulo"), ("JP", "Asia/Tokyo"), ("SG", "Asia/Singapore"), ("IN", "Asia/Kolkata"), ("AU", "Australia/Sydney"),
    ("ZA", "Africa/Johannesburg"), ("TR", "Europe/Istanbul"), ("KR", "Asia/Seoul"),
    ("RO", "Europe/Bucharest"), ("UA", "Europe/Kyiv"), ("CN", "Asia/Shanghai"), ("VN", "Asia/Ho_Chi_Minh"), ("ID", "Asia/Jakarta"),
    ("BG", "Europe/Sofia"), ("HK", "Asia/Hong_Kong"), ("NG", "Africa/Lagos"), ("MD", "Europe/Chisinau"), ("RU", "Europe/Moscow"),
)  # fmt: skip
# intruders come from where other worlds have their offices, so that no address tells by itself
ELSEWHERE = tuple(dict.fromkeys(country for country, _ in COUNTRIES))
GIVEN = (
    *("ada", "alan", "amir", "ana", "ben", "carla", "chen", "clara", "dan", "dora", "ella", "emil", "eva", "felix", "fay", "gina", "hugo", "ida"),
    *("ines", "ivan", "jana", "jon", "jude", "kai", "kira", "lea", "leo", "lina", "luc", "mara", "max", "mia", "milo", "nina", "noa", "olga"),
    *("omar", "otto", "paul", "pia", "ravi", "rosa", "ruth", "sam", "sara", "tara", "theo", "tim", "uma", "vera", "wim", "yara", "yuri", "zoe"),
)
FAMILY = (
    *("abel", "adler", "bach", "baker", "berg", "blum", "brandt", "braun", "carter", "cohen", "costa", "cruz", "dietz", "duval", "ebner", "engel"),
    *("fabre", "falk", "fischer", "fox", "garcia", "gold", "graf", "gruber", "haas", "hahn", "hall", "hart", "hill", "horn", "huber", "ito"),
    *("jansen", "jung", "kahn", "keller", "khan", "klein", "koch", "kraus", "kumar", "lang", "laurent", "lee", "lenz", "lopez", "maier", "martin"),
    *("mori", "moser", "nagel", "novak", "okafor", "olsen", "park", "patel", "perez", "pohl", "reed", "rossi", "roth", "sato", "schmid", "silva"),
    *("singh", "stein", "stone", "tanaka", "toth", "vogel", "wagner", "weber", "weiss", "wolf", "wong", "yilmaz", "zeller", "zhang", "zimmer"),
)
SERVICES = ("svc-backup", "svc-report", "svc-deploy", "svc-scan", "svc-print", "svc-sync")
AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.2 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:134.0) Gecko/20100101 Firefox/134.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0.0.0 Safari/537.36 Edg/132.0.0.0",
)
DOMAIN = "corp.example"
RIGHTS = 7  # of a hundred people who are no administrators
ENTRA_OFFICE = 1  # the office whose people sign in at Entra, others at Okta
ADMINISTERED = {"asa": "ssh", "fortigate": "web", "globalprotect": "web"}  # by which service a gateway is administered


@dataclass(slots=True)
class Provider:
    """An internet provider of a country: fixed lines, mobile behind carrier-grade NAT, or hosting; ``block_v6`` where it has IPv6 as well."""

    country: str
    kind: str
    blocks: tuple[Block, ...]
    seed: int = 0
    block_v6: Block6 | None = None
    lines: dict[str, Line] = field(default_factory=dict)  # of the whole organisation, by IPv4 address

    def address(self, rng: random.Random) -> str:
        """Return an address of a customer; mobile customers share few."""
        block = rng.choice(self.blocks)
        shared = self.kind == "mobile" and block.bits < 26 and rng.random() < 0.2
        address = block.part(26, rng).address(rng) if shared else block.address(rng)
        if self.block_v6 is not None and address not in self.lines:
            self.lines[address] = Line(self.seed, address, self.block_v6, self.kind)
        return address


@dataclass(slots=True)
class Office:
    """A place of work: a country, a zone, one or two uplinks that everybody shares, an inner range and a gateway."""

    name: str
    country: str
    zone: str
    uplinks: tuple[str, ...]
    number: int
    gateway: str  # name of the VPN gateway its people use
    holidays: tuple[int, ...]  # days of the world
    block_v6: Block6 | None = None

    def inner(self, number: int) -> str:
        """Return an address of a desk."""
        return f"10.{20 + self.number}.{100 + number // 250 % 100}.{1 + number % 250}"


@dataclass(slots=True)
class Person:
    """An account of a person or a service."""

    name: str
    role: str  # staff, shift, developer, admin, service, kiosk
    office: Office
    home: Provider
    mobile: Provider
    rng: random.Random
    number: int
    uid: int
    mfa: bool = True
    typos: float = 0.03  # wrong passwords per logon
    remote: float = 0.4  # share of days at home
    elevated: bool = False  # has administrator rights on the terminal servers: administrators, and a few whose rights nobody took away
    lease: int = 0  # day from which the present home address holds
    address: str = ""
    client: str = ""
    agent: str = ""
    key: str = ""
    away: tuple[int, int, str] | None = None  # days and country of a journey
    hotel: str = ""

    def home_address(self, day: int) -> str:
        """Return the address of the home line; providers change it now and then."""
        if not self.address or (day > self.lease and self.rng.random() < 0.04):
            self.address = self.home.address(self.rng)
            self.lease = day
        return self.address


@dataclass(slots=True)
class Host:
    """A machine with logs."""

    name: str
    kind: str  # linux, windows, mac, docker
    inner: str
    outer: str | None = None
    roles: tuple[str, ...] = ()
    zone: str = "UTC"
    skew: int = 0  # microseconds its clock is ahead
    wrong_zone: str | None = None  # stamps in a zone nobody told of
    outer_v6: str | None = None
    inner_v6: str | None = None  # of jump hosts, whose filters let IPv6 through


@dataclass(slots=True)
class Organisation:
    """Everything that stands before the first day."""

    seed: int
    days: int
    name: str
    country: str
    zone: str
    offices: list[Office]
    people: list[Person]
    hosts: list[Host]
    gateways: dict[str, Host]
    public: Block
    monitor: str
    runner: Provider
    tester: str
    tester_days: tuple[int, int]
    providers: dict[str, list[Provider]]
    hosting: list[Provider]
    atlas: Atlas
    by_name: dict[str, Host] = field(default_factory=dict)
    tenant: Host = field(default_factory=lambda: Host("entra", "entra", ""))  # no machine of the site, and it has a configuration
    public_v6: Block6 | None = None
    lines: dict[str, Line] = field(default_factory=dict)  # of people and partners outside, by IPv4 address

    def having(self, role: str) -> list[Host]:
        """Return the hosts of a role."""
        return [host for host in self.hosts if role in host.roles]

    def of(self, *roles: str) -> list[Person]:
        """Return the people of some roles."""
        return [person for person in self.people if person.role in roles]

    def provider(self, country: str, kind: str, rng: random.Random) -> Provider:
        """Return a provider, known or newly drawn."""
        found = [one for one in self.providers.get(country, ()) if one.kind == kind]
        if len(found) < 3 and (not found or rng.random() < 0.3):
            bits = {"mobile": 22, "hosting": 20, "residential": 17}[kind]
            block = self.atlas.block(country, bits, kind, rng)
            made = Provider(country, kind, (block,), self.seed, self._dual(block), self.lines)
            self.providers.setdefault(country, []).append(made)
            return made
        return rng.choice(found)

    def _dual(self, block: Block) -> Block6 | None:
        """Return the IPv6 range of a provider: most have one, and some countries none at all."""
        rng = dice(self.seed, "v6", block.cidr)
        share, bits = {"mobile": (0.7, 36), "hosting": (0.8, 36), "residential": (0.6, 32)}[block.kind]
        return self.atlas.block_v6(block.country, bits, rng) if rng.random() < share else None


def _names(rng: random.Random, number: int) -> list[str]:
    seen: dict[str, int] = {}
    names = []
    for _ in range(number):
        given, family = rng.choice(GIVEN), rng.choice(FAMILY)
        base = rng.choice((f"{given}.{family}", f"{given}.{family}", f"{given[0]}{family}"))
        seen[base] = seen.get(base, 0) + 1
        names.append(base if seen[base] == 1 else f"{base}{seen[base]}")
    return names


def found(seed: int, users: int, days: int) -> Organisation:
    """Return the organisation of a seed."""
    rng = dice(seed, "organisation")
    atlas = Atlas()
    places = rng.sample(range(len(COUNTRIES)), 3)
    country, zone = COUNTRIES[places[0]]
    public = atlas.block(country, 26, "office", rng)
    outer = [public.base + number for number in range(1, 62)]
    gateways = ("asa01", "fgt01", "pa01")
    offices = []
    for number, place in enumerate(places):
        where, its_zone = COUNTRIES[place]
        uplinks = atlas.block(where, 29, "office", rng)
        holidays = tuple(sorted(rng.sample(range(days), min(days // 15, 3))))
        addresses = tuple(uplinks.address(rng) for _ in range(2))
        offices.append(Office(("hq", "north", "south")[number], where, its_zone, addresses, number, gateways[number], holidays))
    hosts = _hosts(rng, outer, zone, offices)
    organisation = Organisation(
        seed, days, rng.choice(("aster", "beacon", "cobalt", "delta", "ember", "fjord")), country, zone, offices, [], hosts, {}, public, "",
        _runners(seed, atlas, rng), "", (0, 0), {}, [], atlas, {host.name: host for host in hosts},
    )  # fmt: skip
    organisation.by_name[organisation.tenant.name] = organisation.tenant
    organisation.gateways = {host.name: host for host in hosts if "gateway" in host.roles}
    organisation.runner.lines = organisation.lines
    _second_stack(organisation)
    organisation.hosting = [organisation.provider(rng.choice(ELSEWHERE), "hosting", rng) for _ in range(6)]
    organisation.monitor = rng.choice(organisation.hosting).address(rng)
    organisation.tester = rng.choice(organisation.hosting).address(rng)
    organisation.lines.pop(organisation.tester, None)  # announced by an IPv4 address, and uses that
    first = rng.randrange(max(1, days - 3))
    organisation.tester_days = (first, min(days - 1, first + 2))
    _people(organisation, rng, users)
    return organisation


def _runners(seed: int, atlas: Atlas, rng: random.Random) -> Provider:
    """Return the hosted machines that build and keep backups: a range of their own, some of them by IPv6."""
    block = atlas.block(rng.choice(ELSEWHERE), 25, "hosting", rng)
    own = dice(seed, "runners")
    return Provider(block.country, "hosting", (block,), seed, atlas.block_v6(block.country, 48, own) if own.random() < 0.7 else None)


def _second_stack(organisation: Organisation) -> None:
    """Give the site, most hosts that are seen from outside and some offices IPv6."""
    rng = dice(organisation.seed, "dual-stack")
    organisation.public_v6 = organisation.atlas.block_v6(organisation.country, 48, rng) if rng.random() < 0.75 else None
    for number, host in enumerate(organisation.hosts, 1):
        if host.outer and organisation.public_v6 is not None and rng.random() < 0.8:
            host.outer_v6 = text_of_v6(organisation.public_v6.base, 0x1000 + number)
            host.inner_v6 = f"fd00:10::{0x1000 + number:x}" if "jump" in host.roles else None
    for office in organisation.offices:
        if rng.random() < 0.4:
            office.block_v6 = organisation.atlas.block_v6(office.country, 48, rng)
        if office.block_v6 is not None:
            organisation.lines |= {uplink: Line(organisation.seed, uplink, office.block_v6, "office") for uplink in office.uplinks}


def _hosts(rng: random.Random, outer: list[int], zone: str, offices: list[Office]) -> list[Host]:
    from gatewatch.lab.address import text_of  # noqa: PLC0415 - the one place that needs it

    free = iter(outer)

    def out() -> str:
        return text_of(next(free))

    hosts = [
        Host("gate01", "linux", "10.10.0.11", out(), ("ssh", "jump"), zone),
        Host("gate02", "linux", "10.10.0.12", out(), ("ssh", "jump"), zone),
        *(Host(f"app{n:02d}", "linux", f"10.10.1.{10 + n}", None, ("server",), zone) for n in range(1, 6)),
        Host("db01", "linux", "10.10.2.11", None, ("server", "database"), zone),
        Host("db02", "linux", "10.10.2.12", None, ("server", "database"), zone),
        Host("build01", "linux", "10.10.1.40", out(), ("ssh", "build"), zone),
        Host(f"rds01.{DOMAIN}", "windows", "10.10.3.11", out(), ("rdp", "terminal"), zone),
        Host(f"rds02.{DOMAIN}", "windows", "10.10.3.12", out(), ("rdp", "terminal"), zone),
        Host(f"fs01.{DOMAIN}", "windows", "10.10.3.21", None, ("file",), zone),
        Host(f"srv01.{DOMAIN}", "windows", "10.10.3.31", None, ("winserver",), zone),
        Host(f"srv02.{DOMAIN}", "windows", "10.10.3.32", None, ("winserver",), zone),
        Host(f"dc01.{DOMAIN}", "windows", "10.10.3.2", None, ("controller",), zone),
        Host("mac01", "mac", "10.10.4.11", out(), ("mac",), zone),
        Host("dock01", "docker", "10.10.5.11", out(), ("docker",), zone),
        Host("kube01", "kube", "10.10.6.10", out(), ("kube",), zone),
        Host("asa01", "asa", "10.10.254.1", out(), ("gateway",), "UTC"),
        Host("fgt01", "fortigate", "10.10.254.2", out(), ("gateway",), "UTC"),
        Host("pa01", "globalprotect", "10.10.254.3", out(), ("gateway",), "UTC"),
        Host("vpn01", "openvpn", "10.10.254.4", out(), ("gateway", "contractors"), "UTC"),
        Host("ns01", "netscaler", "10.10.254.5", out(), ("gateway", "citrix"), "UTC"),
        Host("rad01", "radius", "10.10.254.9", None, ("radius",), zone),
        Host("zeek01", "zeek", "10.10.254.20", None, ("sensor",), "UTC"),
        Host("proxy01", "proxy", "10.10.254.50", None, ("way-out",), "UTC"),
        Host("dns01", "resolver", "10.10.254.53", None, ("way-out",), "UTC"),
    ]
    for host in hosts:
        if host.kind in {"linux", "windows", "mac"} and rng.random() < 0.4:
            host.skew = round(rng.gauss(0, 800_000))  # less than a second or two, as with a time service that mostly works
    off = rng.choice([host for host in hosts if host.kind == "linux" and "server" in host.roles])
    off.skew = rng.choice((-1, 1)) * rng.randint(20, 75) * 1_000_000
    wrong = rng.choice([host for host in hosts if host.kind == "linux" and "server" in host.roles and host is not off])
    wrong.wrong_zone = next((office.zone for office in offices if office.zone != zone), "UTC")
    return hosts


def _people(organisation: Organisation, rng: random.Random, users: int) -> None:
    roles = ["admin"] * max(3, users // 40) + ["developer"] * max(4, users // 8) + ["shift"] * max(2, users // 12)
    roles += ["contractor"] * max(3, users // 15) + ["kiosk"] * 1
    roles += ["staff"] * max(0, users - len(roles))
    names = _names(rng, len(roles))
    for number, (role, name) in enumerate(zip(roles, names, strict=True)):
        office = rng.choices(organisation.offices, (5, 3, 2))[0]
        own = dice(organisation.seed, "person", number)
        person = Person(
            "kiosk" if role == "kiosk" else name, role, office, organisation.provider(office.country, "residential", rng),
            organisation.provider(office.country, "mobile", rng), own, number, 1000 + number,
        )  # fmt: skip
        person.typos = own.betavariate(1.2, 22)
        person.remote = {"staff": 0.4, "developer": 0.6, "admin": 0.5, "shift": 0.1, "contractor": 1.0, "kiosk": 0.0}[role]
        person.mfa = role != "kiosk" and own.random() < 0.85
        person.elevated = role == "admin" or (role != "kiosk" and lot(organisation.seed, "elevated", number) % 100 < RIGHTS)
        person.client = f"{own.choice(('NB', 'PC', 'LT', 'DESKTOP'))}-{own.getrandbits(24):06X}"
        person.agent = own.choice(AGENTS)
        person.key = f"ED25519 SHA256:{_fingerprint(own)}"
        if role in {"staff", "developer", "admin"} and own.random() < 0.12 and organisation.days > 4:
            start = own.randrange(organisation.days - 3)
            away = own.choice([place for place in ELSEWHERE if place != office.country])
            person.away = (start, start + own.randint(1, 5), away)
        organisation.people.append(person)
    if dice(organisation.seed, "tenant").random() < 0.6:  # the tenant of one office may well have second factors for all
        for person in organisation.people:
            person.mfa = person.mfa or (person.office.number == ENTRA_OFFICE and person.role != "kiosk")
    for number, name in enumerate(SERVICES):
        person = Person(
            name,
            "service",
            organisation.offices[0],
            organisation.hosting[0],
            organisation.hosting[0],
            dice(organisation.seed, name),
            users + number,
            900 + number,
        )
        person.mfa = False
        person.key = f"RSA SHA256:{_fingerprint(person.rng)}"
        person.client = f"SRV-{number:02d}"
        person.agent = "python-requests/2.32.3"
        organisation.people.append(person)


def _fingerprint(rng: random.Random) -> str:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return "".join(rng.choices(letters, k=43))
