"""Staging: plays scenarios in a world, and enters in the truth what was played."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from gatewatch.lab.dice import dice
from gatewatch.lab.estate import Estate
from gatewatch.lab.moment import DAY, HOUR, START, day_start, seconds
from gatewatch.lab.organisation import ELSEWHERE, Host, Person
from gatewatch.lab.play import Play
from gatewatch.lab.scenario import LEVELS, Scenario, length
from gatewatch.lab.truth import Intrusion, Ledger


def plant(estate: Estate, ledger: Ledger, scenarios: Sequence[Scenario], number: int | None, difficulty: str | None) -> None:
    """Play *number* scenarios (None: one for every three days, at least five), each at a level drawn unless given."""
    organisation = estate.organisation
    rng = dice(organisation.seed, "intrusions")
    wanted = number if number is not None else max(5, organisation.days // 3)
    order: list[Scenario] = []
    while scenarios and len(order) < wanted:
        order += rng.sample(list(scenarios), len(scenarios))
    for index, scenario in enumerate(order[:wanted]):
        level = difficulty or LEVELS[index % len(LEVELS)]
        stage_one(estate, ledger, scenario, index + 1, level)


def stage_one(estate: Estate, ledger: Ledger, scenario: Scenario, number: int, level: str) -> Intrusion:
    """Play one scenario; return its truth."""
    organisation = estate.organisation
    rng = dice(organisation.seed, "intrusion", number, scenario.id, level)
    variant = rng.choice(sorted(scenario.variants))
    values = scenario.values(level, variant)
    span = length(values.get("span", "1d"))
    room = max(0, organisation.days * DAY - span - DAY)
    day = rng.randrange(room // DAY + 1)
    start = _start(rng, day, organisation.zone, str(values.get("hours", "any")))
    intrusion = Intrusion(
        f"i{number:03d}",
        scenario.id,
        scenario.title,
        scenario.analytic,
        scenario.entry,
        level,
        variant,
        [],
        [],
        [],
        "",
        None,
        "",
        list(scenario.attack),
        [],
        [],
    )
    ledger.intrusions.append(intrusion)
    play = Play(estate, ledger, intrusion, rng, scenario, values, cast(estate, scenario, values, rng))
    play.run(max(start, START + HOUR))
    return intrusion


def _start(rng: random.Random, day: int, zone: str, hours: str) -> int:
    low, high = {"work": (8, 16), "night": (22, 28), "evening": (18, 23)}.get(hours, (0, 24))
    return day_start(day, zone) + seconds(rng.uniform(low, high) * 3600)


class Cast:
    """Who plays whom: addresses, people, hosts."""

    def __init__(self) -> None:
        self.addresses: dict[str, list[str]] = {}
        self.people: dict[str, Person | str] = {}
        self.hosts: dict[str, Host] = {}
        self.clients: dict[str, str] = {}


def cast(estate: Estate, scenario: Scenario, values: dict[str, Any], rng: random.Random) -> Cast:
    """Draw the actors of a scenario from the organisation and the outside. No host or account is taken twice."""
    organisation, made = estate.organisation, Cast()

    def value(given: Any) -> Any:
        return values[given[1:]] if isinstance(given, str) and given.startswith("$") else given

    for actor in scenario.actors.values():
        role = value(actor.values.get("role", "any"))
        roles = role if isinstance(role, list) else [role]
        if actor.kind == "outsider":
            made.addresses[actor.name] = _outside(estate, actor.values, int(value(actor.values.get("addresses", 1))), rng, value)
            made.clients[actor.name] = rng.choice(("DESKTOP", "PC", "WIN", "LT")) + f"-{rng.getrandbits(24):06X}"
        elif actor.kind == "account" and actor.values.get("new"):
            made.people[actor.name] = new_name(estate, rng)
        elif actor.kind == "account":
            taken = {one.name for one in made.people.values() if isinstance(one, Person)}
            people = [one for one in organisation.of(*roles) if one.name not in taken]
            made.people[actor.name] = rng.choice(people)
        elif actor.kind == "gateway":
            gateways = [host for host in organisation.gateways.values() if _fits(host, roles)]
            made.hosts[actor.name] = rng.choices(gateways, [_people_of(estate, host.name) for host in gateways])[0]
        elif actor.kind in {"host", "cluster"}:
            chosen = [host for role in (roles if actor.kind == "host" else ["kube"]) for host in organisation.having(role)]
            free = [host for host in chosen if host not in made.hosts.values()] or chosen
            made.hosts[actor.name] = rng.choice(free)
    return made


def _people_of(estate: Estate, gateway: str) -> int:
    """Return how many people use a gateway: intruders take the door that its users take."""
    return 1 + sum(person.office.gateway == gateway for person in estate.organisation.of("staff", "developer", "admin", "shift"))


def _fits(host: Host, roles: list[str]) -> bool:
    special = {"citrix", "contractors"} & set(host.roles)
    return "any" in roles or bool(special & set(roles)) or ("staff" in roles and not special)


def new_name(estate: Estate, rng: random.Random) -> str:
    """Return a name for a new account that could be anybody's: like a person's or like a service's."""
    from gatewatch.lab.organisation import FAMILY, GIVEN  # noqa: PLC0415 - word lists

    while True:
        person = f"{rng.choice(GIVEN)}.{rng.choice(FAMILY)}"
        name = rng.choice((person, person, f"svc-{rng.choice(('audit', 'mail', 'patch', 'stats', 'log', 'cache'))}"))
        if name not in estate.uids:
            return name


def _outside(estate: Estate, given: Any, number: int, rng: random.Random, value: Any) -> list[str]:
    organisation = estate.organisation
    network = value(given.get("network", ["residential", "hosting"]))
    networks = network if isinstance(network, list) else [network]
    addresses: list[str] = []
    while len(addresses) < number:
        where = value(given.get("country", "any"))
        # homes of staff, places of journeys and the rest of the world alike: the country alone tells nothing
        home = where == "home" or (where == "any" and rng.random() < 0.45)
        country = rng.choice(organisation.offices).country if home else rng.choice(ELSEWHERE)
        address = organisation.provider(country, rng.choice(networks), rng).address(rng)
        if address not in addresses:
            addresses.append(address)
            line = organisation.lines.pop(address, None)
            if line is not None:  # who plays the outsider says which face they show
                estate.strangers[address] = line
    return addresses
