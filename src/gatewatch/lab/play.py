"""A play: the steps of one scenario, acted out over the devices of the estate; what happens is entered in the truth as it is said."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from gatewatch.lab.estate import Estate, is_outside
from gatewatch.lab.moment import HOUR, MINUTE, MS, SECOND, iso_z, seconds
from gatewatch.lab.organisation import ADMINISTERED, Host, Person
from gatewatch.lab.scenario import Act, Scenario, length
from gatewatch.lab.truth import BEFORE, Intrusion, Ledger, Leg, Step
from gatewatch.lab.writer.device import Entry

if TYPE_CHECKING:
    from gatewatch.lab.staging import Cast

RDP_USERS = ("Remote Desktop Users", "S-1-5-32-555")
ADMINS = ("Administrators", "S-1-5-32-544")
_ADMINISTRATIVE = frozenset({"new-account", "service", "task", "clear"})
_PORTS = {2375: "docker_api", 6443: "kube_api", 10250: "kubelet"}


class Play:
    """Acts one scenario out."""

    def __init__(
        self, estate: Estate, ledger: Ledger, intrusion: Intrusion, rng: random.Random, scenario: Scenario, values: dict[str, Any], cast: Cast
    ) -> None:  # fmt: skip
        self.estate = estate
        self.ledger = ledger
        self.truth = intrusion
        self.rng = rng
        self.values = values
        self.cast = cast
        self.sessions: dict[str, Entry] = {}
        self.turn = 0
        self.mark = 0
        self.act: Act | None = None
        self.scenario = scenario

    def run(self, start: int) -> None:
        """Play every step from *start* on; close what is left open, unless it stays open to the end."""
        at = start
        self.truth.first = iso_z(at)
        for act in self.scenario.steps:
            self.act = act
            stage = str(self.get("stage", act.verb.stage))
            at += round(length(self.get("after", "20s")) * self.rng.uniform(0.8, 1.2))
            self.mark = self.ledger.mark(self.truth, stage)
            begin = at
            at = getattr(self, "do_" + act.verb.name.replace("-", "_"))(at)
            host, account = self._host(), self._account()
            if host is None and act.verb.name in {"sign-in", "push"}:
                host = self._door()
            service, outside = self._way(act)
            step = Step(
                stage, act.verb.name, iso_z(begin), iso_z(at), host, account, act.values.get("technique"), list(act.values.get("cut", [])), service,
                outside,
            )  # fmt: skip
            self.truth.steps.append(step)
            if host and act.verb.name not in {"flow", "guess", "spray", "stranger", "push", "sign-in", "administer"} and host not in self.truth.hosts:
                self.truth.hosts.append(host)
            if account and act.verb.name in {"enter", "sign-in", "administer", "kube"} and account not in self.truth.accounts:
                self.truth.accounts.append(account)
        self.truth.last = iso_z(at)

    # What a step says

    def get(self, key: str, default: Any = None) -> Any:
        """Return a field of the step, ``$name`` resolved."""
        if self.act is None:
            return default
        value = self.act.values.get(key, default)
        return self.values[value[1:]] if isinstance(value, str) and value.startswith("$") else value

    def _others(self) -> bool:
        """Return whether the step is somebody else's, whose session the intruder enters later."""
        return bool(self.get("stage") == BEFORE)

    def many(self, key: str) -> int:
        """Return a number of the step."""
        return int(self.get(key))

    def pause(self) -> int:
        """Return the time to the next try."""
        return round(length(self.get("every", "10s")) * self.rng.uniform(0.6, 1.4))

    def source(self, at: int, *, entry: bool = False) -> str:
        """Return the address the outsider whose turn it is shows just then; an entry comes from the line of the last one."""
        addresses = self.cast.addresses[str(self.get("who"))]
        address = addresses[(self.turn - 1 if entry and self.turn else self.turn) % len(addresses)]
        if not entry:
            self.turn += 1
        address = self.estate.face_of(at, address, self.cast.clients[str(self.get("who"))], self._door())
        if address not in self.truth.origins and not self._others():
            self.truth.origins.append(address)
        return address

    def _elevated(self, host: Host) -> bool:
        """Return whether a desktop session has administrator rights: as its user has them, on servers, and where it does what needs them."""
        name, found = self.get("session"), self.cast.people.get(str(self.get("account")))
        asks = any(act.values.get("in") == name and act.verb.name in _ADMINISTRATIVE for act in self.scenario.steps)
        return asks or "terminal" not in host.roles or (isinstance(found, Person) and found.elevated)

    def _door(self) -> str:
        """Return the host or provider the outsider connects to."""
        host = self.host()
        if host is not None:
            return host.name
        name = self.get("in")
        return self.sessions[name].host if name in self.sessions else self.estate.provider(self.person()).format

    def user(self, key: str = "account") -> str:
        """Return the name of an account."""
        found = self.cast.people[str(self.get(key))]
        return found.name if isinstance(found, Person) else found

    def person(self) -> Person:
        """Return the person behind an account; somebody of the staff for a new one."""
        found = self.cast.people[str(self.get("account"))]
        return found if isinstance(found, Person) else self.estate.organisation.of("staff")[0]

    def host(self) -> Host | None:
        """Return the host of ``on``; None for the identity provider."""
        return self.cast.hosts.get(str(self.get("on")))

    def session(self) -> Entry:
        """Return the session of ``in``."""
        return self.sessions[str(self.get("in"))]

    def _host(self) -> str | None:
        host = self.host()
        if host is not None:
            return host.name
        name = self.get("in") or self.get("session")
        return self.sessions[name].host if name in self.sessions else None

    def _account(self) -> str | None:
        if self.get("account"):
            return self.user()
        name = self.get("in")
        return self.sessions[name].user if name in self.sessions else None

    def _way(self, act: Act) -> tuple[str | None, bool]:
        """Return the remote service a step goes through, and whether it is the outsider's own connection."""
        host, name = self.host(), act.verb.name
        outside = "who" in act.values and "from" not in act.values and self.get("mode") != "loopback"
        if name == "flow":
            return _PORTS.get(self.many("port")), outside
        if name == "administer" and host is not None:
            return ADMINISTERED.get(host.kind), outside
        if name in {"kube", "share"}:
            return {"kube": "kube_api", "share": "smb"}[name], outside
        if name == "resume":
            return ("vpn" if self.session().host in self.estate.gateways else "rdp"), outside
        if name in {"sign-in", "push"} or (name in {"guess", "spray", "stranger"} and host is None):
            return "idp", outside
        if name in {"guess", "spray", "stranger", "enter"} and host is not None:
            kind = "gateway" if host.name in self.estate.gateways else "screen" if self.get("mode") == "screen" else host.kind
            return {"gateway": "vpn", "screen": "vnc", "windows": "rdp"}.get(kind, "ssh"), outside
        return None, outside

    def leg(self, at: int, source: str, target: str, via: str, user: str | None) -> None:
        """Enter an edge of the path; the owner of a session that is entered later has no part in it."""
        if self._others():
            return
        self.truth.path.append(Leg(source, target, via, user, iso_z(at)))
        if self.truth.accepted is None:
            self.truth.accepted = iso_z(at)

    # Steps

    def _fail(self, at: int, user: str, src: str) -> int:
        host = self.host()
        client = self.cast.clients.get(str(self.get("who")), "PC")
        if host is None:
            person = self.person()
            self.estate.provider(person).fail(at, user, src, person.agent, self.mark)
            return at + SECOND
        if host.kind == "windows":
            return self.estate.rdp_fail(at, host.name, user, src, client, self.mark)
        if host.kind == "mac":
            if self.get("mode") == "screen":
                self.estate.mac.screen(at, user, src, self.mark, ok=False)
                return at + SECOND
            return self.estate.mac.ssh_fail(at, user, src, exists=user in self.estate.uids, mark=self.mark)
        if host.name in self.estate.gateways:
            return self.estate.vpn_fail(at, host.name, user, src, self.mark)
        return self.estate.ssh_fail(at, host.name, user, src, mark=self.mark)

    def do_guess(self, at: int) -> int:
        """Wrong passwords of one account."""
        user = self.user()
        for _ in range(self.many("tries")):
            end = self._fail(at, user, self.source(at))
            at = max(end, at + self.pause())
        return at

    def do_spray(self, at: int) -> int:
        """Each of many accounts a few times."""
        people = [one.name for one in self.estate.organisation.people if one.role != "kiosk"]
        names = self.rng.sample(people, min(self.many("names"), len(people)))
        names[self.rng.randrange(len(names))] = self.user()
        for _ in range(self.many("tries")):
            for name in names:
                end = self._fail(at, name, self.source(at))
                at = max(end, at + self.pause())
        return at

    def do_stranger(self, at: int) -> int:
        """Names that do not exist."""
        for _ in range(self.many("tries")):
            end = self._fail(at, self.rng.choice(("admin", "test", "oracle", "support", "vpn", "scan", "guest", "backup1")), self.source(at))
            at = max(end, at + self.pause())
        return at

    def do_push(self, at: int) -> int:
        """Second factors asked for and not given."""
        person, src = self.person(), self.source(at)
        for number in range(self.many("tries")):
            self.estate.provider(person).push(at, person.name, src, person.agent, self.mark, denied=number % 3 != 2)
            at += max(12 * SECOND, self.pause())
        return at

    def do_sign_in(self, at: int) -> int:
        """An accepted sign-in at the identity provider."""
        person, src = self.person(), self.source(at, entry=True)
        self.estate.idp(at, person, src, mfa=bool(self.get("mfa", default=True)), mark=self.mark)
        self.leg(at, src, self.estate.provider(person).format, "idp", person.name)
        return at + SECOND

    def do_enter(self, at: int) -> int:
        """An accepted logon."""
        host, user = self.host(), self.user()
        before = self.sessions.get(str(self.get("from"))) if self.get("from") else None
        if before is None:
            src = self.source(at, entry=True)
            origin, client = src, self.cast.clients[str(self.get("who"))]
        elif before.inner:
            src, origin, client = before.inner, before.inner, before.tty or "PC"
        else:
            machine = self.estate.host(before.host)
            src, origin, client = machine.inner, machine.name, machine.name.partition(".")[0].upper()
        if self.get("mode") == "loopback":
            src = "127.0.0.1"
        if host is None:
            return at
        method = str(self.get("method", "password"))
        found = self.cast.people.get(str(self.get("account")))
        key = found.key if isinstance(found, Person) else f"ED25519 SHA256:{'NewKey' + user.replace('.', 'x'):x<43.43}"
        if before is not None and before.host in self.estate.windows and (self.get("explicit") or before.user != user) and host.kind == "windows":
            self.estate.windows[before.host].explicit(at - 3 * SECOND, before, user, host.name, self.mark)
        if before is not None and before.host in self.estate.windows and not before.inner and host.kind == "linux":
            # audited process creation: whoever goes on from a desktop starts a client there
            client_line = f"C:\\Windows\\System32\\OpenSSH\\ssh.exe {user}@{host.name}"
            self.estate.windows[before.host].process(at - 3 * SECOND, before, client_line, self.mark, "C:\\Windows\\System32\\cmd.exe")
        if host.name in self.estate.gateways:
            entry, via = self.estate.vpn(at, host.name, user, src, at + 3 * 24 * HOUR, client, self.mark), "vpn"
        elif host.kind == "windows":
            again = next(
                (one for one in self.sessions.values() if one.host == host.name and one.user == user and one.open and one.method == "left"), None
            )
            entry, via = self.estate.rdp(at, host.name, user, src, client, admin=self._elevated(host), again=again, mark=self.mark), "rdp"
        elif host.kind == "mac":
            if self.get("mode") == "screen":
                entry, via = self.estate.mac_screen(at, user, src, self.mark), "vnc"
            else:
                entry, via = self.estate.mac_ssh(at, user, src, method, key, self.mark), "ssh"
        else:
            entry, via = self.estate.ssh(at, host.name, user, src, method, key=key, mark=self.mark), "ssh"
        if not is_outside(src) and src.startswith("10.") and before is not None and not before.inner:
            port = {"rdp": 3389, "ssh": 22}.get(via, 443)
            self.estate.zeek.conn(at, src, self.estate.zeek.port(), host.inner, port, via, MINUTE, 9_000, 60_000, "SF", self.mark)
        self.sessions[str(self.get("session"))] = entry
        self.leg(at, entry.source if before is not None and before.inner else origin, host.name, via, user)
        return at + 4 * SECOND

    def do_leave(self, at: int) -> int:
        """The end of a session."""
        entry = self.session()
        sent, received = int(self.get("sent", 9_000)), int(self.get("received", 90_000))
        if entry.host in self.estate.gateways:
            self.estate.vpn_end(at, entry, received=sent, sent=received, mark=self.mark)
        elif entry.host in self.estate.windows:
            suspend = bool(self.get("suspend", default=False))
            self.estate.rdp_end(at, entry, mark=self.mark, leave=not suspend, sent=sent, received=received)
            entry.method = "left" if suspend else entry.method
        elif entry.host in self.estate.sshd:
            self.estate.ssh_end(at, entry, sent=sent, received=received, mark=self.mark)
        else:
            self.estate.mac.close(at, entry, self.mark)
        return at

    def do_resume(self, at: int) -> int:
        """The session goes on from another address."""
        entry, src = self.session(), self.source(at)
        if entry.host in self.estate.gateways:
            self.estate.gateways[entry.host].resume(at, entry, src, self.mark)
            self.estate.asked(at, entry.user, src, "vpn", entry.host, self.mark)
            via = "vpn"
        else:
            self.estate.windows[entry.host].suspend(at - 5 * SECOND, entry, self.mark)
            client = self.cast.clients[str(self.get("who"))]  # whoever comes back does so from a machine of their own
            self.estate.rdp(at, entry.host, entry.user, src, client, admin=bool(entry.twin), again=entry, mark=self.mark)
            via = "rdp"
        entry.source = src
        self.leg(at, src, entry.host, via, entry.user)
        return at + SECOND

    def do_run(self, at: int) -> int:
        """Commands or processes."""
        entry = self.session()
        for command in self.get("commands"):
            if entry.host in self.estate.windows:
                self.estate.windows[entry.host].process(at, entry, command, self.mark, "C:\\Windows\\System32\\cmd.exe")
            elif entry.host in self.estate.sshd:
                self.estate.command(at, entry, command, root=bool(self.get("root", default=False)), mark=self.mark)
            else:
                self.estate.mac.sudo(at, entry, command, self.mark)
            at += self.pause()
        return at

    def do_new_account(self, at: int) -> int:
        """An account made in a session."""
        entry, name, group = self.session(), self.user(), self.get("group")
        if entry.host in self.estate.windows:
            device = self.estate.windows[entry.host]
            device.process(at, entry, f"net.exe user {name} ******** /add", self.mark, "C:\\Windows\\System32\\cmd.exe")
            device.add_user(at + 200 * MS, entry, name, self.mark)
            if group:
                label, sid = ADMINS if group == "admins" else RDP_USERS
                device.process(at + 15 * SECOND, entry, f'net.exe localgroup "{label}" {name} /add', self.mark, "C:\\Windows\\System32\\cmd.exe")
                device.add_member(at + 15 * SECOND + 200 * MS, entry, name, label, sid, self.mark)
        elif entry.host in self.estate.sshd:
            self.estate.add_account(at, entry, name, group=group, mark=self.mark)
        else:
            self.estate.mac.sudo(at, entry, f"/usr/sbin/sysadminctl -addUser {name} -admin", self.mark)
        self.estate.uids.setdefault(name, 1_771)
        return at + 30 * SECOND

    def do_service(self, at: int) -> int:
        """A Windows service."""
        entry = self.session()
        self.estate.windows[entry.host].service(at, entry, self.get("name"), self.get("path"), "LocalSystem", self.mark)
        return at + SECOND

    def do_task(self, at: int) -> int:
        """A scheduled task."""
        entry = self.session()
        self.estate.windows[entry.host].task(at, entry, self.get("name"), self.get("path"), self.mark)
        return at + SECOND

    def do_share(self, at: int) -> int:
        """A file share of another host."""
        host, user, before = self.host(), self.user(), self.sessions[str(self.get("from"))]
        if host is None:
            return at
        machine = self.estate.host(before.host)
        src = before.inner or machine.inner
        device = self.estate.windows[host.name]
        entry = device.network(at, user, src, machine.name.partition(".")[0].upper(), self.mark)
        device.share(at + SECOND, entry, str(self.get("share", "projects")), self.mark)
        self.leg(at, before.inner or machine.name, host.name, "smb", user)
        return at + 2 * SECOND

    def do_fetch(self, at: int) -> int:
        """A file over SFTP."""
        entry, size = self.session(), self.many("bytes")
        self.estate.sshd[entry.host].sftp(at, entry, str(self.get("path")), size, upload=bool(self.get("upload", default=False)), mark=self.mark)
        return at + max(SECOND, size // 4_000_000 * SECOND) + 2 * SECOND

    def do_clear(self, at: int) -> int:
        """The Security log cleared."""
        entry = self.session()
        self.estate.windows[entry.host].clear(at, entry, self.mark)
        return at + SECOND

    def do_kube(self, at: int) -> int:
        """Requests to the cluster."""
        before = self.sessions.get(str(self.get("from"))) if self.get("from") else None
        src = (before.inner or self.estate.host(before.host).inner) if before is not None else self.source(at, entry=True)
        user = self.user() if self.get("account") else "system:anonymous"
        host = self.host()
        code = int(self.get("code", 200))
        for _ in range(int(self.get("times", 1))):
            self.estate.request(
                at, user, src, str(self.get("verb")), str(self.get("resource")), self.get("namespace"), self.get("name"), sub=self.get("sub"),
                code=code,
                body=self.get("body"), mark=self.mark, agent=str(self.get("agent", "")),
            )  # fmt: skip
            at += self.pause()
        if host is not None and code < 400:
            origin = src if before is None else (before.inner or before.host)
            if not any(leg.target == host.name and leg.user == user for leg in self.truth.path):
                self.leg(at, origin, host.name, "kube_api", user)
                if before is None:
                    self.estate.asked(at, user, src, "kube_api", host.name, self.mark)
        return at

    def do_container(self, at: int) -> int:
        """A container created, started, and commands in it."""
        device = self.estate.docker
        container, image, name = device.container(), str(self.get("image")), str(self.get("name"))
        device.event(at, "create", container, image, name, self.mark, "container_create")
        device.event(at + 300 * MS, "start", container, image, name, self.mark)
        at += 2 * SECOND
        for command in self.get("commands", []):
            device.event(at, f"exec_create: {command}", container, image, name, self.mark, "container_exec")
            at += self.pause()
        return at

    def do_flow(self, at: int) -> int:
        """A connection that only the sensor sees."""
        host = self.host()
        if host is None:
            return at
        before = self.sessions.get(str(self.get("from"))) if self.get("from") else None
        src = self.source(at, entry=True) if before is None else (before.inner or self.estate.host(before.host).inner)
        target = (host.outer_v6 if ":" in src else host.outer) if before is None else None
        lasts, sent = length(self.get("for", "5s")), int(self.get("bytes", 4_000))
        self.estate.zeek.conn(
            at,
            src,
            self.estate.zeek.port(),
            target or host.inner,
            self.many("port"),
            str(self.get("service", "")),
            lasts,
            sent,
            int(self.get("received", 9_000)),
            "SF",
            self.mark,
        )
        if before is None and not self.truth.path:
            self.leg(at, src, host.name, "flow", None)
        return at + lasts

    def do_administer(self, at: int) -> int:
        """An administrator's logon or command at a gateway."""
        host = self.host()
        if host is None:
            return at
        src, change = self.source(at, entry=True), str(self.get("change", ""))
        name = self.user("new") if self.get("new") else ""
        self.estate.gateways[host.name].administer(at, self.user(), src, change, name, self.mark)
        if change == "user":
            self.estate.uids.setdefault(name, 1_771)
        if not change:
            self.leg(at, src, host.name, "admin", self.user())
            self.estate.asked(at, self.user(), src, "admin", host.name, self.mark)
        return at + seconds(2)

    def do_wait(self, at: int) -> int:
        """Nothing for a while."""
        return at + length(self.get("for"))
