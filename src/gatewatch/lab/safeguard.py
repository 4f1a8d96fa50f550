"""Safeguards: the controls of the site, drawn from the seed, and what each missing one let through.

A control is missing where it was drawn so, where something planted went through it, and where the logs of ordinary life show that nothing
stands there; everywhere else it is in place. So an intrusion only happens where what would have cut it is absent, and drawing controls
never changes a line of a log. The texts say what is there, never how anybody would find out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from gatewatch.lab.dice import dice
from gatewatch.lab.organisation import ADMINISTERED, ENTRA_OFFICE, Host, Organisation
from gatewatch.lab.truth import BEFORE, Intrusion, Let, Safeguard, Step

GUESS, ENTRY, ONWARD, ACT = "guess", "entry", "onward", "act"
ONE_FACTOR = "one factor"  # beside services: sign-ins that life has
_GUESSES = frozenset({"guess", "spray", "stranger"})
_ARRIVALS = frozenset({"enter", "resume", "kube", "flow", "sign-in"})
Used = frozenset[tuple[str, str]]  # (service, host) that people reach straight from outside
Place = tuple[str, str]  # host, service


@dataclass(frozen=True, slots=True)
class Control:
    """A kind of control: the measures it is, at which stages it stands, where it can be, and whether a step went through it.

    ``odds``: how often it is missing where nothing asks for it. ``always``: it is missing wherever life shows so. ``everywhere``: it stands for
    the whole site, wherever its device is; the truth then names no host.
    """

    name: str
    measures: Callable[[Host], tuple[str, ...]]
    meets: tuple[str, ...]
    places: Callable[[Organisation], list[Place]]
    lets: Callable[[Step], bool]
    odds: float
    missing: str
    present: str
    always: Callable[[Host, str, Used], bool] = lambda _host, _service, _used: False
    everywhere: bool = False

    def passed(self, step: Step, host: str, service: str) -> bool:
        """Return whether a step of the intruder went through the control at a place; what the owner of a session did before is no such step."""
        return step.name != BEFORE and (self.everywhere or step.host == host) and service in {"", step.service} and self.lets(step)


class Plan:
    """Which controls of the site are missing."""

    def __init__(self, safeguards: Sequence[Safeguard], missing: Mapping[tuple[str, str, str], bool]) -> None:
        self.safeguards = list(safeguards)
        self._missing = missing

    def missing(self, control: str, host: str, service: str) -> bool:
        """Return whether a control is missing. LookupError for one that the site cannot have there."""
        return self._missing[control, host, service]

    def open(self, host: str, service: str) -> bool:
        """Return whether the internet reaches a service; what has no outside address is not open."""
        return self._missing.get(("internet-filter", host, service), False)


def draw(organisation: Organisation, intrusions: Iterable[Intrusion], used: Used) -> Plan:
    """Return the controls of the site: drawn, and missing where an intrusion or life passed."""
    steps = [(one.id, step) for one in intrusions for step in one.steps]
    made: list[Safeguard] = []
    gone: dict[tuple[str, str, str], bool] = {}
    reached = used | _lax(organisation)
    for control in CONTROLS:
        for host_name, service in control.places(organisation):
            host = organisation.by_name[host_name]
            through = [(name, step) for name, step in steps if control.passed(step, host_name, service)]
            # one throw each, needed or not: what passes at one place changes nothing elsewhere
            unlucky = dice(organisation.seed, "control", control.name, host_name, service).random() < control.odds
            missing = bool(through) or unlucky or control.always(host, service, reached)
            if missing and control.name == "internet-filter":
                reached |= {(service, host_name)}
            gone[control.name, host_name, service] = missing
            what = f"{host_name}: {(control.missing if missing else control.present).format(service=service)}"
            lets = [Let(name, step.name, step.time, step.last) for name, step in through]
            for measure in control.measures(host):
                made.append(
                    Safeguard(
                        f"c{len(made) + 1:03d}", control.name, measure.partition(".")[0], measure, "" if control.everywhere else host_name, service,
                        list(control.meets), missing, what, lets,
                    )
                )  # fmt: skip
    return Plan(made, gone)


def _lax(organisation: Organisation) -> Used:
    """Return the tenant when life shows sign-ins by one factor there."""
    single = any(not one.mfa and one.office.number == ENTRA_OFFICE and one.role not in {"service", "kiosk"} for one in organisation.people)
    return frozenset({(ONE_FACTOR, organisation.tenant.name)}) if single else frozenset()


# Where a control can be


def _tenants(organisation: Organisation) -> list[Place]:
    return [(organisation.tenant.name, "idp")]


def _gateways(organisation: Organisation) -> list[Place]:
    return [(name, "vpn") for name in organisation.gateways]


def _administered(organisation: Organisation) -> list[Place]:
    return [(name, ADMINISTERED[host.kind]) for name, host in organisation.gateways.items() if host.kind in ADMINISTERED]


def _limited(organisation: Organisation) -> list[Place]:
    return [(name, "vpn") for name, host in organisation.gateways.items() if host.kind != "openvpn"]


def exposed(organisation: Organisation) -> list[Place]:
    """Return the services with an outside address that are nobody's way in: those of the jump hosts and gateways are."""
    return [(host.name, service) for host in organisation.hosts if host.outer and "jump" not in host.roles for service in _answers(host)]


def _answers(host: Host) -> tuple[str, ...]:
    return {
        "linux": ("ssh",), "windows": ("rdp",), "mac": ("ssh", "vnc"), "docker": ("docker_api",), "kube": ("kube_api", "kubelet"),
    }.get(host.kind, ())  # fmt: skip


def _logons(organisation: Organisation) -> list[Place]:
    kinds = {"linux": "ssh", "windows": "rdp", "mac": "ssh"}
    return [(host.name, kinds[host.kind]) for host in organisation.hosts if host.kind in kinds]


def _guessable(organisation: Organisation) -> list[Place]:
    return [place for place in _logons(organisation) if organisation.by_name[place[0]].kind != "mac"]


def segmented(organisation: Organisation) -> list[Place]:
    """Return the services that only people and machines inside reach."""
    roles = {"server": "ssh", "database": "ssh", "terminal": "rdp", "winserver": "rdp", "controller": "rdp", "file": "smb"}
    found = [(host.name, roles[role]) for host in organisation.hosts for role in host.roles if role in roles]
    return list(dict.fromkeys(found))


def _of_kind(kind: str, service: str) -> Callable[[Organisation], list[Place]]:
    return lambda organisation: [(host.name, service) for host in organisation.hosts if host.kind == kind]


def _windows(organisation: Organisation) -> list[Place]:
    return _of_kind("windows", "")(organisation)


# What goes through it


def _arrived(step: Step) -> bool:
    return step.outside and step.do in _ARRIVALS


def _nobody(step: Step) -> bool:
    """Return whether the caller named no account."""
    return _arrived(step) and step.account is None


def _guessed(step: Step) -> bool:
    return step.do in _GUESSES and "M1035" in step.cut


def _one_factor(step: Step) -> bool:
    return step.do == "enter" and step.outside and "M1032" in step.cut


def _signed_in(step: Step) -> bool:
    return step.do == "sign-in" and step.outside and "M1032" in step.cut


def _logged_on(step: Step) -> bool:
    """Return whether a host let the intruder in by one factor, from outside or from another host."""
    return step.do in {"enter", "resume"} and step.name in {"entry", "use", "onward"}


def _unlisted(step: Step) -> bool:
    return step.do == "enter" and step.outside and "M1035" in step.cut


def _managed(step: Step) -> bool:
    return step.outside and step.do == "administer"


def _onward(step: Step) -> bool:
    return not step.outside and step.do in {"enter", "share"} and step.name == "onward"


def _brought(step: Step) -> bool:
    """Return whether a program was brought along that nobody had approved."""
    return step.do == "service" and "M1042" in step.cut


def _measures(*names: str) -> Callable[[Host], tuple[str, ...]]:
    return lambda _host: names


CONTROLS: tuple[Control, ...] = (
    Control(
        "gateway-factor", _measures("M1032.2", "M1035.10"), (ENTRY,), _gateways, _one_factor, 0.2,
        "a password alone is enough for the VPN", "the VPN asks for a second factor",
    ),
    Control(
        "idp-factor", _measures("M1032.1"), (ENTRY,), _tenants, _signed_in, 0.2,
        "a password alone is enough to sign in", "every sign-in is asked for a second factor",
        always=lambda host, _service, used: (ONE_FACTOR, host.name) in used,
    ),
    Control(
        "gateway-limit", lambda host: ("M1035.2", "M1035.7") if host.kind == "asa" else ("M1035.7",), (GUESS,), _limited, _guessed,
        0.15, "passwords can be tried without end", "failed logins lock or hold down who tries",
    ),
    Control(
        "gateway-administration", _measures("M1030.2", "M1035.10"), (ENTRY,), _administered, _managed, 0.1,
        "the internet can administer it, by one factor", "only management can administer it, by two factors",
    ),
    Control(
        "internet-filter", _measures("M1030.5", "M1035.2"), (ENTRY,), exposed, _arrived, 0.15,
        "{service} is open to the internet", "{service} is filtered from the internet",
        always=lambda host, service, used: (service, host.name) in used,
    ),
    Control(
        "host-factor", _measures("M1032.2"), (ENTRY, ONWARD), _logons, _logged_on, 0.25,
        "one factor is enough for {service}", "{service} asks for a second factor",
        always=lambda host, _service, _used: host.kind != "windows",  # their logs show logons by one key or one password
    ),
    Control(
        "guess-limit", _measures("M1035.7"), (GUESS,), _guessable, _guessed, 0.2,
        "passwords can be tried without end", "failed logons lock the account, and a connection has few tries",
    ),
    Control(
        "logon-list", _measures("M1035.1"), (ENTRY,), _guessable, _unlisted, 0.2,
        "every account may come in by {service}", "only those listed may come in by {service}",
    ),
    Control(
        "docker-socket", _measures("M1042.2", "M1035.7"), (ENTRY,), _of_kind("docker", "docker_api"), _nobody, 0.1,
        "the Docker API answers over TCP, to anybody", "the Docker API is a local socket",
    ),
    Control(
        "kubelet-authentication", _measures("M1035.1"), (ENTRY,), _of_kind("kube", "kubelet"), _nobody, 0.15,
        "the kubelet answers callers who name nobody", "the kubelet asks who calls",
    ),
    Control(
        "api-authentication", _measures("M1035.1"), (ENTRY,), _of_kind("kube", "kube_api"), _nobody, 1.0,  # life: strangers are refused by RBAC only
        "the API server takes requests of nobody", "the API server asks who calls",
    ),
    Control(
        "segmentation", _measures("M1030.4"), (ONWARD,), segmented, _onward, 0.2,
        "{service} is open to the whole inner network", "{service} is open to those who need it only",
        # what the whole internet reaches, the inner network reaches as well
        always=lambda host, service, used: (service, host.name) in used,
    ),
    Control(
        "application-control", _measures("M1042.3"), (ACT,), _windows, _brought, 0.2,
        "whatever somebody brings runs", "only approved programs run",
    ),
    Control(
        "web-proxy", _measures("M1021.1"), (ACT,), _of_kind("proxy", ""), _brought, 0.2,
        "the web proxy lets Tor and remote-access tools through", "the web proxy refuses Tor and remote-access tools", everywhere=True,
    ),
    Control(
        "dns-filter", _measures("M1021.2"), (ACT,), _of_kind("resolver", ""), _brought, 0.2,
        "every name is resolved", "names of gateways to Tor and of remote-access tools are blocked", everywhere=True,
    ),
)  # fmt: skip
