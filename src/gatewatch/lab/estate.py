"""The estate: the organisation's devices with their logs, and the verbs that life and scenarios share.

One verb is one thing somebody does; it says it in every log that would have noticed: the host's, the auditor's, the sensor's.
"""

from __future__ import annotations

from dataclasses import dataclass

from gatewatch.lab.address import lot
from gatewatch.lab.dice import dice
from gatewatch.lab.line import Line
from gatewatch.lab.moment import DAY, MS, SECOND
from gatewatch.lab.organisation import ENTRA_OFFICE, Host, Organisation, Person
from gatewatch.lab.stage import Stage
from gatewatch.lab.writer.auditd import Auditd
from gatewatch.lab.writer.device import Entry
from gatewatch.lab.writer.gateway import Gateway
from gatewatch.lab.writer.identity import Entra, Okta
from gatewatch.lab.writer.kubernetes import DockerEvents, Kubernetes
from gatewatch.lab.writer.macos import MacOs
from gatewatch.lab.writer.registry import GATEWAYS
from gatewatch.lab.writer.sshd import Sshd
from gatewatch.lab.writer.windows import Windows
from gatewatch.lab.writer.zeek import Zeek

INNER_V6 = 4  # of ten: how often a client with two inner addresses goes on by IPv6


@dataclass(frozen=True, slots=True)
class Access:
    """An accepted access from outside: the denominator of a score."""

    time: int
    user: str
    source: str
    service: str
    host: str
    port: int
    mark: int


def is_outside(address: str) -> bool:
    """Return whether an address of the world is outside; inside is 10.0.0.0/8, fd00::/8 and loopback."""
    return not address.startswith(("10.", "127.", "fd"))


class Estate:
    """Every device, by name."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.organisation: Organisation = stage.organisation
        self.rng = dice(self.organisation.seed, "estate")
        hosts = self.organisation.hosts
        linux = [host for host in hosts if host.kind == "linux"]
        self.sshd = {host.name: Sshd(stage, host) for host in linux}
        self.auditd = {host.name: Auditd(stage, host) for host in linux if host.name[:2] in {"db", "ap"}}
        self.windows = {host.name: Windows(stage, host) for host in hosts if host.kind == "windows"}
        self.gateways: dict[str, Gateway] = {host.name: GATEWAYS[host.kind](stage, host) for host in hosts if host.kind in GATEWAYS}
        self.mac = MacOs(stage, self.one("mac"))
        self.kube = Kubernetes(stage, self.one("kube"))
        self.docker = DockerEvents(stage, self.one("docker"))
        self.zeek = Zeek(stage, self.one("sensor"))
        self.okta, self.entra = Okta(stage), Entra(stage)
        self.uids = {person.name: person.uid for person in self.organisation.people}
        self.accesses: list[Access] = []
        self.inner_dual = {host.name for host in hosts if host.inner_v6}
        self.pools = {f"10.{gateway.pool}.": gateway for gateway in self.gateways.values() if gateway.dual and gateway.leases_v6}
        self.lines = self.organisation.lines
        self.strangers: dict[str, Line] = {}  # lines of outsiders: who plays them says which face they show
        self.dual = {host.name for host in hosts if host.outer_v6} | {self.okta.format, self.entra.format}
        self.shown: list[str] = []  # the IPv6 addresses of people, while somebody asks for them
        self.noting = False

    def one(self, role: str) -> Host:
        """Return the first host of a role."""
        return self.organisation.having(role)[0]

    def host(self, name: str) -> Host:
        """Return a host by name."""
        return self.organisation.by_name[name]

    def face(self, time: int, src: str, who: str, host: str) -> str:
        """Return the address by which *who* on the line *src* reaches a host or provider just then: IPv6 where both have it, or *src*."""
        line = self.lines.get(src)
        if line is None:
            return self._leased(time, src, host)
        if host not in self.dual:
            return src
        address = line.face(time, who, host)
        if self.noting and address != src:
            self.shown.append(address)
        return address

    def _leased(self, time: int, src: str, host: str) -> str:
        """Return the address by which who has *src* from a gateway reaches a host inside: the IPv6 one they were given as well, on some days."""
        gateway = self.pools.get(src[:6])
        if gateway is None or host not in self.inner_dual or lot(self.organisation.seed, src, host, time // DAY) % 10 >= INNER_V6:
            return src
        return gateway.lease_v6(src)

    def face_of(self, time: int, src: str, who: str, host: str) -> str:
        """Return the address an outsider shows a host; life never shows it."""
        line = self.strangers.get(src)
        return line.face(time, who, host) if line is not None and host in self.dual else src

    def _accepted(self, time: int, user: str, src: str, service: str, host: str, port: int, mark: int) -> None:
        if is_outside(src):
            self.accesses.append(Access(time, user, src, service, host, port, mark))

    def seen(
        self, time: int, src: str, host: Host, dport: int, service: str, duration: int, sent: int, received: int, mark: int = 0, sport: int = 0
    ) -> str:
        """Let the sensor see a connection."""
        target = (host.outer_v6 if ":" in src else host.outer) if is_outside(src) else host.inner_v6 if ":" in src else None
        target = target or host.inner
        return self.zeek.conn(time, src, sport or self.zeek.port(), target, dport, service, duration, sent, received, "SF", mark)

    def _outer(self, entry: Entry) -> str:
        host = self.host(entry.host)
        return (host.outer_v6 if ":" in entry.source else host.outer) or ""

    # SSH

    def ssh_fail(self, time: int, host: str, user: str, src: str, *, tries: int = 1, mark: int = 0) -> int:
        """A wrong password over SSH; return when it was over."""
        src = self.face(time, src, user, host)
        exists = user in self.uids or user == "root"
        end = self.sshd[host].fail(time, user, src, exists=exists, tries=tries, mark=mark)
        if host in self.auditd:
            self.auditd[host].fail(time + 2 * SECOND, user if exists else "(unknown user)", src, mark)
        if is_outside(src):
            self.seen(time, src, self.host(host), 22, "ssh", end - time, 1_800, 2_600, mark)
        return end

    def ssh(self, time: int, host: str, user: str, src: str, method: str = "key", *, key: str = "", mark: int = 0) -> Entry:
        """An accepted connection over SSH."""
        src = self.face(time, src, user, host)
        uid = self.uids.setdefault(user, 1_771)
        entry = self.sshd[host].accept(time, user, src, method, uid, key, mark)
        if host in self.auditd:
            self.auditd[host].accept(time, entry, uid, mark)
        self._accepted(time, user, src, "ssh", host, entry.port, mark)
        return entry

    def ssh_end(self, time: int, entry: Entry, *, sent: int = 9_000, received: int = 60_000, mark: int = 0) -> None:
        """The end of it; the sensor counts what went over the wire."""
        self.sshd[entry.host].close(time, entry, mark)
        if entry.host in self.auditd:
            self.auditd[entry.host].close(time, entry, self.uids[entry.user], mark)
        duration = max(SECOND, time - entry.time)
        uid = self.seen(entry.time - 300 * MS, entry.source, self.host(entry.host), 22, "ssh", duration, sent, received, mark, entry.port)
        if is_outside(entry.source):
            self.zeek.ssh(entry.time, uid, entry.source, entry.port, self._outer(entry), True, 1, mark)

    def become(self, time: int, entry: Entry, account: str, *, by_password: bool, mark: int = 0) -> None:
        """Somebody goes on as another account in a session over SSH."""
        uids = (self.uids[entry.user], self.uids[account])
        self.sshd[entry.host].become(time, entry, account, uids, mark, by_password=by_password)
        if entry.host in self.auditd:
            self.auditd[entry.host].become(time, entry, account, uids, mark, by_password=by_password)

    def unbecome(self, time: int, entry: Entry, account: str, *, mark: int = 0) -> None:
        """Somebody is themselves again."""
        self.sshd[entry.host].unbecome(time, account, mark)

    def command(self, time: int, entry: Entry, command: str, *, root: bool = False, acting: str = "", mark: int = 0) -> None:
        """A command in a session over SSH: seen where it runs as root or the host audits, also as another account (*acting*)."""
        if root:
            self.sshd[entry.host].sudo(time, entry, command, mark)
        audit = self.auditd.get(entry.host)
        if audit is not None:
            if root:
                audit.sudo(time, entry, self.uids[entry.user], command, mark)
            as_whom = (acting, self.uids[acting]) if acting else None
            audit.execute(time + 30 * MS, entry, self.uids[entry.user], command, mark, root=root, acting_as=as_whom)

    def add_account(self, time: int, entry: Entry, name: str, *, group: str | None = None, mark: int = 0) -> None:
        """A new account on a Linux host, by sudo."""
        uid = self.uids[entry.user]
        self.command(time, entry, f"/usr/sbin/useradd -m -s /bin/bash {name}", root=True, mark=mark)
        self.sshd[entry.host].add_user(time + 50 * MS, name, mark)
        if entry.host in self.auditd:
            self.auditd[entry.host].add_user(time + 55 * MS, entry, uid, name, mark)
        self.uids.setdefault(name, 1_771)
        if group:
            self.command(time + 20 * SECOND, entry, f"/usr/sbin/usermod -aG {group} {name}", root=True, mark=mark)
            self.sshd[entry.host].add_member(time + 20 * SECOND + 40 * MS, name, group, mark)

    # RDP

    def rdp_fail(self, time: int, host: str, user: str, src: str, client: str, mark: int = 0) -> int:
        """A wrong password over RDP."""
        src = self.face(time, src, user, host)
        exists = user in self.uids or user == "administrator"
        self.windows[host].fail(time, user, src, client, exists=exists, mark=mark)
        if exists:
            self.windows[self.one("controller").name].validate(time + 590 * MS, user, client, "0xc000006a", mark)
        if is_outside(src):
            self.seen(time, src, self.host(host), 3389, "rdp", SECOND, 1_400, 1_900, mark)
        return time + 2 * SECOND

    def rdp(self, time: int, host: str, user: str, src: str, client: str, *, admin: bool = False, again: Entry | None = None, mark: int = 0) -> Entry:
        """An accepted logon over RDP."""
        src = self.face(time, src, user, host)
        entry = self.windows[host].enter(time, user, src, client, admin=admin, again=again, mark=mark)
        entry.tty = client
        self.windows[self.one("controller").name].validate(time + 400 * MS, user, client, "0x0", mark)
        self._accepted(time, user, src, "rdp", host, 0, mark)
        return entry

    def rdp_end(self, time: int, entry: Entry, *, mark: int = 0, leave: bool = True, sent: int = 400_000, received: int = 5_000_000) -> None:
        """Log off, or close the window and leave the session open."""
        device = self.windows[entry.host]
        if leave:
            device.leave(time, entry, mark)
        else:
            device.suspend(time, entry, mark)
        if entry.source.startswith("127."):
            return
        sport = self.zeek.port()
        uid = self.seen(entry.time, entry.source, self.host(entry.host), 3389, "rdp", max(SECOND, time - entry.time), sent, received, mark, sport)
        if is_outside(entry.source):
            self.zeek.rdp(entry.time, uid, entry.source, sport, self._outer(entry), entry.user, entry.tty or "PC", mark)

    # Gateways, providers, clusters

    def vpn_fail(self, time: int, gateway: str, user: str, src: str, mark: int = 0) -> int:
        """A wrong password at a gateway."""
        src = self.face(time, src, user, gateway)
        end = self.gateways[gateway].fail(time, user, src, exists=user in self.uids, mark=mark)
        self.seen(time, src, self.host(gateway), 443, "ssl", SECOND, 2_000, 4_000, mark)
        return end

    def vpn(self, time: int, gateway: str, user: str, src: str, until: int, client: str = "", mark: int = 0) -> Entry:
        """An accepted logon at a gateway."""
        src = self.face(time, src, user, gateway)
        entry = self.gateways[gateway].enter(time, user, src, until, client, mark)
        self._accepted(time, user, src, "vpn", gateway, entry.port, mark)
        return entry

    def vpn_end(self, time: int, entry: Entry, *, received: int = 9_000_000, sent: int = 60_000_000, mark: int = 0) -> None:
        """The end of a session at a gateway."""
        self.gateways[entry.host].leave(time, entry, received, sent, mark)
        self.seen(entry.time, entry.source, self.host(entry.host), 443, "ssl", max(SECOND, time - entry.time), received, sent, mark)

    def mac_ssh(self, time: int, user: str, src: str, method: str, key: str, mark: int = 0) -> Entry:
        """An accepted connection to the Mac over SSH."""
        src = self.face(time, src, user, self.mac.host.name)
        entry = self.mac.ssh(time, user, src, method, key, mark)
        self._accepted(time, user, src, "ssh", self.mac.host.name, entry.port, mark)
        return entry

    def mac_screen(self, time: int, user: str, src: str, mark: int = 0) -> Entry:
        """An accepted look at the Mac's screen."""
        src = self.face(time, src, user, self.mac.host.name)
        self._accepted(time, user, src, "vnc", self.mac.host.name, 0, mark)
        if is_outside(src):
            self.seen(time, src, self.mac.host, 5900, "", 600 * SECOND, 400_000, 30_000_000, mark)
        return self.mac.screen(time, user, src, mark, ok=True)

    def asked(self, time: int, user: str, src: str, service: str, host: str, mark: int = 0) -> None:
        """Count an access that no other verb counts."""
        self._accepted(time, user, self.face(time, src, user, host), service, host, 0, mark)

    def provider(self, person: Person) -> Okta | Entra:
        """Return the identity provider of a person's office."""
        return self.entra if person.office.number == ENTRA_OFFICE else self.okta

    def idp(self, time: int, person: Person, src: str, *, mfa: bool = True, mark: int = 0, agent: str = "") -> None:
        """An accepted sign-in."""
        provider = self.provider(person)
        src = self.face(time, src, person.name, provider.format)
        provider.enter(time, person.name, src, agent or person.agent, mark, mfa=mfa)
        self._accepted(time, person.name, src, "idp", provider.format, 0, mark)

    def request(
        self,
        time: int,
        user: str,
        src: str,
        verb: str,
        resource: str,
        namespace: str | None = None,
        name: str | None = None,
        *,
        sub: str | None = None,
        code: int = 200,
        body: dict[str, object] | None = None,
        mark: int = 0,
        agent: str = "",
    ) -> None:
        """A request to the cluster."""
        src = self.face(time, src, user, self.kube.host.name)
        more = {"agent": agent} if agent else {}
        groups = ("system:unauthenticated",) if user == "system:anonymous" else ("system:authenticated",)
        self.kube.request(time, user, src, verb, resource, namespace, name, sub=sub, code=code, groups=groups, body=body, mark=mark, **more)
