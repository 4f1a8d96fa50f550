"""Meetings: whether a measure would have met a move, decided by what was observed and by what the site is, never by a label.

Each function takes a move and the site and returns how the measure would have met it, or None. ``sure`` is said only where the observed
event leaves no way round: a measure that some users, versions or thresholds escape *may* cut.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gatewatch.schema.control import Effect, Move
from gatewatch.schema.events import AuthMethod, Kind, Mfa, Scope, Service
from gatewatch.schema.port import GATEWAYS
from gatewatch.site.model import Site
from gatewatch.site.posture import Asset, ZoneKind

ENTRIES = frozenset({"logon", "use", "stopped"})
GUESSES = frozenset({"guess", "names", "spread", "attempts"})
CONTAINER = frozenset({"docker_api", "kubelet", "kube_api", "kube_dashboard"})
ANONYMOUS = "system:anonymous"
_GUESSABLE = frozenset({"password", "keyboard", "unknown"})
_SINGLE = _GUESSABLE | {"key", "hostbased"}
_NOT_OURS = frozenset({"idp", "web", "local", "tor"})
_ASKING = frozenset({"ssh", "rdp"})  # services that can ask for a second factor also from host to host
_ADMINISTRATION = frozenset({"web", "ssh", "telnet"})
_PASSWORD_ONLY = frozenset({"telnet", "ftp", "vnc"})
_SYSTEM = frozenset({"root", "system", "localsystem", "nt authority\\system"})
_TOOLS = frozenset({"remote-tool", "tunnel", "tor-service", "miner", "exfil-tool"})


@dataclass(frozen=True, slots=True)
class Met:
    """How a measure meets a move: what it does, and how in words."""

    effect: Effect
    why: str


Meeting = Callable[[Move, Site], Met | None]


def cuts(why: str) -> Met:
    """Return a sure cut."""
    return Met(Effect.CUTS, why)


def may(why: str) -> Met:
    """Return a cut that depends on more than was observed."""
    return Met(Effect.MAY_CUT, why)


def shows(why: str) -> Met:
    """Return that somebody would have been told."""
    return Met(Effect.SHOWS, why)


def entry(move: Move) -> bool:
    """Return whether it is a way in: the outsider's own connection that got in, was stopped, or used what was left behind."""
    return move.stage in ENTRIES and move.outside


def direct(move: Move) -> bool:
    """Return whether it is a way in to something that is no gateway."""
    return entry(move) and move.service is not None and move.service not in GATEWAYS | _NOT_OURS and move.scope != Scope.LOOPBACK


def onward(move: Move) -> bool:
    """Return whether it is a connection from an entered host to another."""
    return move.stage == "onward" and (move.kind in {Kind.AUTH_SUCCESS, Kind.LOGON_OUT} or bool(move.dst_host or move.dst_ip))


def target(move: Move) -> str:
    """Return the host a move arrives at; empty where the event does not name it."""
    return (move.dst_host or move.dst_ip if move.kind == Kind.LOGON_OUT or (move.stage == "onward" and move.dst_host) else move.host) or ""


def factors(move: Move, _site: Site) -> Met | None:
    """A second factor on the way that the logon took."""
    hop = onward(move) and move.kind == Kind.AUTH_SUCCESS and move.service in _ASKING
    if not (entry(move) or hop) or move.service in {"idp", *CONTAINER} or move.user == ANONYMOUS or move.method == AuthMethod.NONE:
        return None
    method = move.method or "unknown"
    if move.mfa == Mfa.NO or (method in _SINGLE and move.mfa != Mfa.YES):
        how = "without a second factor" if move.mfa == Mfa.NO else f"by {method} alone, as far as the log says" if method != "unknown" else ""
        return cuts(f"{move.user or 'the account'} came in {how}: one factor was enough" if how else "a guessed or stolen secret is not enough")
    if move.mfa == Mfa.YES:
        return may("a second factor was given; one that cannot be passed on (FIDO2, number matching) may have held")
    return may(f"{move.user or 'the account'} came in by {method}, which may have been all that was asked for")


def gateway_factors(move: Move, site: Site) -> Met | None:
    """A second factor at a concentrator, for those who use it."""
    if administered(move, site) is not None:
        return None
    return factors(move, site) if move.service in GATEWAYS or move.host in site.posture.concentrators else None


def administered(move: Move, site: Site) -> Met | None:
    """A concentrator whose administration answers to management only, and asks for several factors."""
    if not entry(move) or move.service not in _ADMINISTRATION or site.host_name(move.host or "") not in site.posture.concentrators:
        return None
    return cuts(f"{move.host} was administered from {move.src_ip or 'outside'}")


def identity(move: Move, _site: Site) -> Met | None:
    """Rules of an identity provider about who signs in and how."""
    if not entry(move) or move.service != Service.IDP:
        return None
    if move.mfa == Mfa.YES:
        return may("a second factor was given; a rule for phishing-resistant methods or known devices may have held")
    if move.mfa == Mfa.NO or move.method in _GUESSABLE:
        return cuts(f"{move.user or 'the account'} signed in with one factor")
    return may("the sign-in may have rested on one factor or a stolen token")


def legacy(move: Move, _site: Site) -> Met | None:
    """What knows nothing but passwords, behind a gateway that knows more."""
    if not entry(move) or move.service not in _PASSWORD_ONLY:
        return None
    return cuts(f"{move.service} knows nothing but passwords and was reached from outside")


def told(move: Move, _site: Site) -> Met | None:
    """Alerts on failed and refused factors."""
    if move.stage == "refusals":
        return may(f"{move.count} refused second factors before one was accepted: an alert or a limit may have come in time")
    return shows(f"failed logons on {move.host or 'the host'} before the entry") if move.stage in GUESSES else None


def trained(move: Move, _site: Site) -> Met | None:
    """A user who knows that an unasked-for second factor is an attack."""
    return may("the user accepted a second factor nobody had asked for") if move.stage == "refusals" else None


def filtered(move: Move, _site: Site) -> Met | None:
    """A packet filter that lets nobody from outside to a service that is no gateway."""
    return cuts(f"{move.service} of {move.host} was reached straight from {move.src_ip or 'outside'}") if direct(move) else None


def concentrated(move: Move, site: Site) -> Met | None:
    """Remote access through concentrators only; a declared bastion is one."""
    asset = _asset(site, move.host or "")
    if site.host_name(move.host or "") in site.posture.concentrators or (asset is not None and "bastion" in asset.roles):
        return None
    return cuts(f"{move.service} of {move.host} was reached without passing a concentrator") if direct(move) else None


def demilitarized(move: Move, site: Site) -> Met | None:
    """A zone of its own for what faces the internet."""
    here = _zone(site, move.host)
    if direct(move):
        if here is None:
            return may(f"{move.host} was reached from outside; in which zone it stands is not declared")
        inside = here not in {ZoneKind.DMZ, ZoneKind.INTERNET}
        return cuts(f"{move.host} stands in a zone of kind {here} and was reached from outside") if inside else None
    if onward(move) and move.kind == Kind.LOGON_OUT and here is ZoneKind.DMZ:
        return cuts(f"from {move.host} in the DMZ on to {target(move)}")
    return None


def critical(move: Move, site: Site) -> Met | None:
    """Critical systems that only management reaches."""
    if not (direct(move) or onward(move)):
        return None
    asset = _asset(site, target(move))
    if asset is None:
        return may(f"{target(move) or 'another host'} was reached; whether it is critical is not declared") if onward(move) else None
    return cuts(f"{asset.name} is critical and was reached from {_from(move, site)}") if asset.critical else None


def over_six(move: Move, _site: Site) -> Met | None:
    """IPv6 filtered as IPv4 is."""
    return cuts(f"{move.service} of {move.host} was reached over IPv6") if direct(move) and ":" in (move.src_ip or "") else None


def microsegmented(move: Move, site: Site) -> Met | None:
    """Workloads that reach only what they need."""
    return cuts(f"{move.service or 'a connection'} from {_from(move, site)} to {target(move)}") if onward(move) and target(move) else None


def isolated(move: Move, site: Site) -> Met | None:
    """Remote users and entered hosts kept to what they need."""
    if onward(move) and move.scope == Scope.VPN_POOL:
        return cuts(f"from an address of the VPN on to {target(move)}")
    if onward(move) and target(move):
        return may(f"from {_from(move, site)} on to {target(move)}")
    return may(f"{move.service} of {move.host} answers on an address the internet reaches") if direct(move) else None


def unneeded(move: Move, site: Site) -> Met | None:
    """A service that is off where nobody needs it."""
    if not (direct(move) or (onward(move) and move.service is not None)):
        return None
    asset = _asset(site, target(move))
    if asset is None:
        return may(f"whether {target(move) or 'the host'} needs {move.service} is not declared ([assets])")
    meant = move.service in asset.services or (move.service in asset.roles)
    return None if meant else cuts(f"{move.service} of {asset.name} is not among its declared services")


def shared(move: Move, _site: Site) -> Met | None:
    """File shares kept to who needs them."""
    if move.rules and "admin-share" in move.rules:
        return may(f"an administrative share of {target(move) or 'a host'} was opened")
    return may(f"files went over smb on {target(move)}") if move.service == Service.SMB and (entry(move) or onward(move)) else None


def onward_forward(move: Move, _site: Site) -> Met | None:
    """No forwarding through sshd."""
    return cuts(f"a port was forwarded through sshd of {move.host}") if move.kind == Kind.PORT_FORWARD else None


def service_off(*services: str) -> Meeting:
    """Return the meeting of a remote service that is switched off where it is not needed."""

    def met(move: Move, site: Site) -> Met | None:
        return unneeded(move, site) if move.service in services else None

    return met


def unauthenticated(*services: str) -> Meeting:
    """Return the meeting of an interface that asks who calls, with callers that named nobody."""

    def met(move: Move, _site: Site) -> Met | None:
        if not entry(move) or move.service not in services:
            return None
        if move.user == ANONYMOUS or move.method == AuthMethod.NONE or (move.user is None and move.service in {"docker_api", "kubelet"}):
            return cuts(f"{move.service} of {move.host} answered a caller without an account")
        return None

    return met


def root_password(move: Move, _site: Site) -> Met | None:
    """No password for root over SSH."""
    if entry(move) and move.service == Service.SSH and move.user == "root" and (move.method or "unknown") in _GUESSABLE:
        return cuts("root came in with a password") if move.method in {"password", "keyboard"} else may("root came in, perhaps with a password")
    return None


def host_based(move: Move, _site: Site) -> Met | None:
    """No trust in a host's word for its users."""
    return cuts("the word of another host was enough") if entry(move) and move.method == AuthMethod.HOSTBASED else None


def listed(*services: str) -> Meeting:
    """Return the meeting of a list of who may come in by these services."""

    def met(move: Move, _site: Site) -> Met | None:
        if not entry(move) or move.service not in services:
            return None
        return may(f"{move.user or 'the account'} may come in by {move.service}; a list of those who need to may have left it out")

    return met


def vpn_group(move: Move, _site: Site) -> Met | None:
    """A filter on what each group of VPN users reaches."""
    return may(f"from an address of the VPN on to {target(move)}") if onward(move) and move.scope == Scope.VPN_POOL else None


def network_level(move: Move, _site: Site) -> Met | None:
    """RDP that asks for credentials before it shows the logon screen."""
    if "accessibility-backdoor" not in move.rules:
        return None
    return may("what was put behind the logon screen is of use only where that is shown before credentials")


def token_filter(move: Move, _site: Site) -> Met | None:
    """Local administrators without full rights over the network."""
    if move.stage == "onward" and (move.service in {"smb", "wmi", "winrm"} or {"admin-share", "remote-execution"} & set(move.rules)):
        return may("an account of the target's own has no full rights over the network then; one of the domain does")
    return None


def restricted_admin(move: Move, _site: Site) -> Met | None:
    """RDP that lets no hash in."""
    if move.service != Service.RDP or not onward(move):
        return None
    return may(f"RDP on to {target(move) or 'another host'}: with a hash it needs Restricted Admin, with a password it does not")


def winrm_basic(move: Move, _site: Site) -> Met | None:
    """WinRM without passwords in the clear."""
    return may("WinRM took the password") if move.service == Service.WINRM and (entry(move) or onward(move)) and move.method in _GUESSABLE else None


def attempts(*services: str) -> Meeting:
    """Return the meeting of a limit on failed logons; of any service without names."""

    def met(move: Move, _site: Site) -> Met | None:
        if move.stage not in GUESSES or (services and move.service not in services):
            return None
        return may(f"failures on {move.host or 'the host'} before the entry; how many a limit lets pass decides")

    return met


def patched(move: Move, _site: Site) -> Met | None:
    """A gateway whose known holes are mended."""
    if entry(move) and move.service in GATEWAYS and move.method is None and move.kind == Kind.SESSION_START:
        return may("a session began that nobody was seen to authenticate, as where a known hole is used")
    return may("the gateway itself was changed, as through a known hole") if "gateway-tampered" in move.rules else None


def portal(move: Move, _site: Site) -> Met | None:
    """A gateway without plug-ins and portals nobody needs."""
    return may("the gateway was changed where it lets people in") if "gateway-tampered" in move.rules else None


def user_software(move: Move, _site: Site) -> Met | None:
    """Only approved programs run."""
    found = sorted(_TOOLS & set(move.rules))
    if not found:
        return None
    said = f"{found[0]} on {move.host or 'the host'}" + (f" ({move.process or move.object})" if move.process or move.object else "")
    return may(f"{said}; who has full rights can switch the list off") if move.user in _SYSTEM or "privilege-use" in move.rules else cuts(said)


def tor_blocked(move: Move, _site: Site) -> Met | None:
    """Web traffic through a proxy that knows Tor's nodes, and no other way out."""
    if "tor-service" in move.rules:
        return cuts(f"a Tor service on {move.host or 'a host'} needs the way out to Tor's nodes")
    if entry(move) and move.anonymizer:
        return may(f"{move.src_ip} is on the list of anonymizers, as Tor's exits are")
    if {"remote-tool", "tool-download", "tunnel"} & set(move.rules):
        return may("a tool came or called home over the web")
    return None


def dns_blocked(move: Move, _site: Site) -> Met | None:
    """Names of Tor gateways and remote tools that are not resolved."""
    if {"remote-tool", "tool-download", "tunnel", "tor-service"} & set(move.rules):
        return may("a tool was fetched or called home by name, perhaps; Tor itself needs none")
    return None


def browser(move: Move, _site: Site) -> Met | None:
    """A browser that hosts no remote control."""
    words = f"{move.process or ''} {move.command or ''} {move.object or ''}".casefold()
    return cuts("Chrome Remote Desktop was set up") if "remote-tool" in move.rules and ("remoting_host" in words or "chromoting" in words) else None


def web_alerts(move: Move, _site: Site) -> Met | None:
    """Alerts on Tor and remote tools in the proxy's logs."""
    return shows("traffic to Tor or of a remote tool") if {"tor-service", "remote-tool"} & set(move.rules) else None


def logged(move: Move, _site: Site) -> Met | None:
    """Logs that stand elsewhere too."""
    return shows(f"logs of {move.host or 'the host'} were cleared or switched off; a copy elsewhere stays") if "log-cleared" in move.rules else None


def denials(move: Move, site: Site) -> Met | None:
    """Filters that log what they refuse."""
    return shows(f"what {_from(move, site)} tried to reach") if onward(move) else None


def tested(move: Move, _site: Site) -> Met | None:
    """A test that tries from each zone what should be refused."""
    return shows("a test would have found the way open") if direct(move) or (onward(move) and target(move)) else None


def _from(move: Move, site: Site) -> str:
    if move.kind == Kind.LOGON_OUT:
        return move.host or "an entered host"
    return site.addresses().get(move.src_ip or "") or move.src_host or move.src_ip or "an entered host"


def _asset(site: Site, host: str) -> Asset | None:
    return site.posture.asset(site.host_name(host)) if host else None


def _zone(site: Site, host: str | None) -> ZoneKind | None:
    asset = _asset(site, host or "")
    zone = site.posture.zone(asset.zone) if asset is not None and asset.zone else None
    return zone.kind if zone is not None else None
