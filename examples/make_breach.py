"""Write the example site ``examples/breach``: a week of logs of two Linux hosts, with one intrusion in them.

The story stands in ``README.md``. Everything is invented: documentation addresses, a fixed seed, no clock; the same bytes come out on any
machine. ``python examples/make_breach.py`` writes the files, ``--check`` compares them with what is there and writes nothing.
"""

from __future__ import annotations

import argparse
import gzip
import random
import struct
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

HERE = Path(__file__).parent / "breach" / "logs"
CET = timezone(timedelta(hours=1))  # Vienna in winter
FIRST = datetime(2025, 12, 28, tzinfo=CET)
ENTRY = datetime(2026, 1, 3, 2, 47, 11, 402_118, tzinfo=CET)
LAST = datetime(2026, 1, 4, 7, 0, tzinfo=CET)
CENTRAL_FROM = datetime(2026, 1, 2, tzinfo=CET)

GATE_OUTSIDE, GATE_INSIDE = "192.0.2.2", "10.20.0.11"
OFFICE, ANN_HOME, MONITOR = "192.0.2.34", "192.0.2.130", "192.0.2.200"
GUESSER, SECOND_DOOR = "203.0.113.66", "198.51.100.77"
VICTIM, NEW_ACCOUNT = "svc-backup", "sysupd"

NAMES = (
    *("root", "admin", "test", "ubuntu", "oracle", "postgres", "git", "user", "ftp", "nagios", "hadoop", "pi", "guest", "minecraft"),
    *("jenkins", "deploy", "www", "tomcat", "es", "centos"),
)
REAL = frozenset({"root", "postgres", "ann", "bob", VICTIM})  # the accounts of gate01 that guessers hit by chance
KEYS = {
    "ann": "ED25519 SHA256:0Tq0J8yq1mGqv4Wf0bTn1tY2cY9l5o8s3Jx7uWkq3aE",
    "bob": "ED25519 SHA256:hT4mZ9kQ2bVd7rN1sXw8yPa6uJf0eLc3gKi5oRt2nBs",
    "monitor": "RSA SHA256:Wm3pQ7xR9zYb1cVn5kLd2fGh8jTs4aEo6uIi0wBqNrM",
    NEW_ACCOUNT: "ED25519 SHA256:e9XkB2vTz6qLw1oYh3mRc8dJf5sUa7gPn0iKt4bVxQE",
}
UIDS = {"root": 0, "ann": 1000, "bob": 1001, "monitor": 1002, VICTIM: 1003, NEW_ACCOUNT: 1004}


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """One log line; ``number`` keeps the order of lines of the same instant."""

    time: datetime
    number: int
    host: str
    program: str
    pid: int | None
    text: str

    def ident(self) -> str:
        """Return ``program[pid]:``."""
        return f"{self.program}:" if self.pid is None else f"{self.program}[{self.pid}]:"

    def bsd(self) -> str:
        """Return the line with a stamp that has neither year nor zone."""
        return f"{self.time:%b} {self.time.day:2d} {self.time:%H:%M:%S} {self.host} {self.ident()} {self.text}"

    def iso(self) -> str:
        """Return the line as rsyslog writes it to a file by default."""
        return f"{self.time.isoformat(timespec='microseconds')} {self.host} {self.ident()} {self.text}"


@dataclass(slots=True)
class World:
    """Everything written so far, and what a host counts: processes, sessions, audit serials."""

    rng: random.Random = field(default_factory=lambda: random.Random(20260104))
    lines: list[Line] = field(default_factory=list)
    wtmp: list[tuple[datetime, bytes]] = field(default_factory=list)
    btmp: list[tuple[datetime, bytes]] = field(default_factory=list)
    audit: list[tuple[datetime, int, str]] = field(default_factory=list)
    taken: set[tuple[str, str, int]] = field(default_factory=set)
    serial: int = 4100

    def log(self, time: datetime, host: str, program: str, pid: int | None, text: str) -> None:
        """Add a syslog line."""
        self.lines.append(Line(time, len(self.lines), host, program, pid, text))

    def pid(self, host: str, time: datetime) -> int:
        """Return a fresh process id; later ones are higher."""
        return self._number("pid", host, 1_200 + int((time - FIRST).total_seconds()) // 8)

    def login(self, host: str, time: datetime) -> int:
        """Return a fresh number of a login session."""
        return self._number("login", host, 310 + int((time - FIRST).total_seconds()) // 1_800)

    def _number(self, what: str, host: str, number: int) -> int:
        while (what, host, number) in self.taken:
            number += 1
        self.taken.add((what, host, number))
        return number

    def port(self) -> int:
        """Return a client port."""
        return self.rng.randint(32_800, 60_900)


def ms(milliseconds: float) -> timedelta:
    """Return a length of time."""
    return timedelta(milliseconds=round(milliseconds))


# -- sshd of gate01 (OpenSSH 10: the connection is served by sshd-session) and db02 (OpenSSH 9.2) ---------------------------------------


def sshd(host: str) -> str:
    """Return the program that logs a connection on *host*."""
    return "sshd-session" if host == "gate01" else "sshd"


def fail_password(
    world: World, time: datetime, host: str, user: str, source: str, *, tries: int = 1, known: bool | None = None
) -> datetime:
    """Log *tries* wrong passwords on one connection; return when it was over."""
    program, pid, port = sshd(host), world.pid(host, time), world.port()
    known = user in REAL if known is None else known
    label = user if known else f"invalid user {user}"
    if not known:
        world.log(time, host, program, pid, f"Invalid user {user} from {source} port {port}")
    for attempt in range(tries):
        if not known:
            world.log(time + ms(31), host, program, pid, "pam_unix(sshd:auth): check pass; user unknown")
        if attempt == 0:
            tail = f"  user={user}" if known else " "
            world.log(
                time + ms(35),
                host,
                program,
                pid,
                f"pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost={source}{tail}",
            )
        time += ms(world.rng.uniform(1_700, 2_600))
        world.log(time, host, program, pid, f"Failed password for {label} from {source} port {port} ssh2")
        if host == "gate01":
            world.btmp.append((time, login_record(6, pid, "ssh:notty", "", user, source, time)))
        time += ms(world.rng.uniform(400, 1_500))
    style = world.rng.random()
    ending = f"authenticating user {user}" if known else f"invalid user {user}"
    if style < 0.55:
        world.log(time, host, program, pid, f"Received disconnect from {source} port {port}:11: Bye Bye [preauth]")
        world.log(time, host, program, pid, f"Disconnected from {ending} {source} port {port} [preauth]")
    elif style < 0.9 or tries < 3:
        world.log(time, host, program, pid, f"Connection closed by {ending} {source} port {port} [preauth]")
    else:
        world.log(
            time,
            host,
            program,
            pid,
            f"error: maximum authentication attempts exceeded for {label} from {source} port {port} ssh2 [preauth]",
        )
        world.log(time, host, program, pid, f"Disconnecting {ending} {source} port {port}: Too many authentication failures [preauth]")
    return time


@dataclass(frozen=True, slots=True)
class Session:
    """An accepted connection."""

    host: str
    user: str
    source: str
    pid: int
    port: int
    login: int
    line: str
    start: datetime


def accept(world: World, time: datetime, host: str, user: str, source: str, method: str, line: str) -> Session:
    """Log an accepted connection on the terminal *line* (empty: none)."""
    program, pid, port = sshd(host), world.pid(host, time), world.port()
    session = Session(host, user, source, pid, port, world.login(host, time), line, time)
    key = f": {KEYS[user]}" if method == "publickey" else ""
    world.log(time, host, program, pid, f"Accepted {method} for {user} from {source} port {port} ssh2{key}")
    world.log(
        time + ms(4), host, program, pid, f"pam_unix(sshd:session): session opened for user {user}(uid={UIDS[user]}) by {user}(uid=0)"
    )
    world.log(time + ms(22), host, "systemd-logind", 512, f"New session {session.login} of user {user}.")
    if host == "gate01" and line:
        world.wtmp.append((time, login_record(7, pid + 1, line, f"ts/{line[-1]}", user, source, time + ms(60))))
    return session


def close(world: World, session: Session, time: datetime) -> None:
    """Log the end of a connection."""
    program, host = sshd(session.host), session.host
    world.log(
        time, host, program, session.pid + 1, f"Received disconnect from {session.source} port {session.port}:11: disconnected by user"
    )
    world.log(time, host, program, session.pid + 1, f"Disconnected from user {session.user} {session.source} port {session.port}")
    world.log(time + ms(3), host, program, session.pid, f"pam_unix(sshd:session): session closed for user {session.user}")
    world.log(time + ms(9), host, "systemd-logind", 512, f"Session {session.login} logged out. Waiting for processes to exit.")
    world.log(time + ms(21), host, "systemd-logind", 512, f"Removed session {session.login}.")
    if host == "gate01" and session.line:
        world.wtmp.append((time, login_record(8, session.pid + 1, session.line, "", "", "", time)))


def sudo(world: World, session: Session, time: datetime, command: str, inner: Callable[[datetime], None] | None = None) -> None:
    """Log a command run as root, and what it logs itself."""
    pid, host, user = world.pid(session.host, time), session.host, session.user
    world.log(time, host, "sudo", pid, f"{user} : TTY={session.line} ; PWD=/home/{user} ; USER=root ; COMMAND={command}")
    if command == "list":
        return
    world.log(time + ms(2), host, "sudo", pid, f"pam_unix(sudo:session): session opened for user root(uid=0) by {user}(uid={UIDS[user]})")
    if inner is not None:
        inner(time + ms(40))
    world.log(time + ms(130), host, "sudo", pid, "pam_unix(sudo:session): session closed for user root")


# -- what happens every day --------------------------------------------------------------------------------------------


def guess(world: World) -> None:
    """The noise of the internet: few sources that try much, many that try little; penalties, scans, broken clients."""
    sources = [f"203.0.113.{n}" for n in range(4, 64, 2)] + [f"198.51.100.{n}" for n in range(7, 70, 3)]
    world.rng.shuffle(sources)
    weights = [1 / (rank + 1) ** 1.15 for rank in range(len(sources))]
    time = FIRST + ms(7_000)
    while time < LAST:
        source = world.rng.choices(sources, weights)[0]
        style = world.rng.random()
        if style < 0.62:
            for _ in range(world.rng.choice((1, 1, 2, 3, 5))):
                user = world.rng.choice(NAMES)
                time = fail_password(world, time, "gate01", user, source, tries=world.rng.choice((1, 1, 1, 2, 3)))
                time += ms(world.rng.uniform(16_000, 40_000))
        elif style < 0.74:
            for _ in range(world.rng.randint(1, 4)):
                text = f"drop connection #0 from [{source}]:{world.port()} on [{GATE_OUTSIDE}]:22 penalty: failed authentication"
                world.log(time, "gate01", "sshd", 902, text)
                time += ms(world.rng.uniform(900, 4_000))
        else:
            probe(world, time, source)
        time += ms(world.rng.expovariate(1 / 1_150_000))


def probe(world: World, time: datetime, source: str) -> None:
    """One connection that never gets to a password."""
    pid, port = world.pid("gate01", time), world.port()
    texts = (
        f"Connection closed by {source} port {port} [preauth]",
        f"Connection reset by {source} port {port} [preauth]",
        f"banner exchange: Connection from {source} port {port}: invalid format",
        "error: kex_exchange_identification: Connection closed by remote host",
        (
            f"Unable to negotiate with {source} port {port}: no matching key exchange method found. "
            "Their offer: diffie-hellman-group1-sha1 [preauth]"
        ),
    )
    world.log(time, "gate01", "sshd-session", pid, world.rng.choice(texts))


def routine(world: World) -> None:
    """Cron, the monitoring login, and the administrators at work."""
    day = FIRST
    while day < LAST:
        for hour in range(24):
            for host, minute in (("gate01", 17), ("db02", 25)):
                cron(world, day + timedelta(hours=hour, minutes=minute, seconds=1), host)
        for hour in range(1, 24, 4):
            time = day + timedelta(hours=hour, minutes=5, seconds=world.rng.randint(0, 40))
            check = accept(world, time, "gate01", "monitor", MONITOR, "publickey", "")
            close(world, check, time + ms(world.rng.uniform(700, 2_200)))
        if day.weekday() < 5 and day.date().isoformat() != "2026-01-01":
            administrate(world, day, "ann", OFFICE, 8)
            administrate(world, day, "bob", OFFICE, 10)
        day += timedelta(days=1)
    time = datetime(2025, 12, 30, 20, 14, 31, tzinfo=CET)  # ann at home mistypes once
    pid, port = world.pid("gate01", time), world.port()
    failed = f"pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost={ANN_HOME}  user=ann"
    world.log(time, "gate01", "sshd-session", pid, failed)
    world.log(time + ms(2_100), "gate01", "sshd-session", pid, f"Failed password for ann from {ANN_HOME} port {port} ssh2")
    world.btmp.append((time + ms(2_100), login_record(6, pid, "ssh:notty", "", "ann", ANN_HOME, time + ms(2_100))))
    world.log(
        time + ms(6_500), "gate01", "sshd-session", pid, f"Connection closed by authenticating user ann {ANN_HOME} port {port} [preauth]"
    )
    home = accept(world, time + ms(21_000), "gate01", "ann", ANN_HOME, "password", "pts/0")
    sudo(world, home, time + ms(65_000), "/usr/bin/systemctl status nginx")
    close(world, home, time + timedelta(minutes=17))


def cron(world: World, time: datetime, host: str) -> None:
    """The hourly job."""
    pid = world.pid(host, time)
    world.log(time, host, "CRON", pid, "pam_unix(cron:session): session opened for user root(uid=0) by root(uid=0)")
    world.log(time + ms(240), host, "CRON", pid, "pam_unix(cron:session): session closed for user root")


def administrate(world: World, day: datetime, user: str, source: str, hour: int) -> None:
    """A working morning: to gate01 by key, on to db02 by key, some sudo."""
    time = day + timedelta(hours=hour, minutes=world.rng.randint(2, 50), seconds=world.rng.randint(0, 59))
    line = f"pts/{hour % 4}"
    work = accept(world, time, "gate01", user, source, "publickey", line)
    sudo(world, work, time + timedelta(minutes=3), "/usr/bin/apt-get update")
    inner = accept(world, time + timedelta(minutes=9), "db02", user, GATE_INSIDE, "publickey", "pts/0")
    sudo(world, inner, time + timedelta(minutes=11), "/usr/bin/systemctl reload postgresql")
    close(world, inner, time + timedelta(minutes=world.rng.randint(20, 70)))
    close(world, work, time + timedelta(hours=2, minutes=world.rng.randint(1, 50)))


# -- the intrusion -----------------------------------------------------------------------------------------------------


def intrude(world: World) -> None:
    """Saturday, 3 January: the password of a service account is guessed; a second account is made; db02 is next."""
    time = ENTRY - timedelta(minutes=20, seconds=14)
    failures = 0
    while failures < 41:
        tries = min(world.rng.choice((1, 1, 2)), 41 - failures)
        fail_password(world, time, "gate01", VICTIM, GUESSER, tries=tries, known=True)
        failures += tries
        time += ms(1_150_000 * tries / 41 + world.rng.uniform(-2_500, 2_500))
    door = accept(world, ENTRY, "gate01", VICTIM, GUESSER, "password", "pts/0")
    at = clock(ENTRY)
    sudo(world, door, at(1, 2), "list")
    sudo(world, door, at(1, 40), "/usr/bin/cat /etc/shadow")

    def add_account(time: datetime) -> None:
        pid = world.pid("gate01", time)
        home = f"home=/home/{NEW_ACCOUNT}, shell=/bin/bash, from=/dev/pts/1"
        world.log(time, "gate01", "useradd", pid, f"new group: name={NEW_ACCOUNT}, GID=1004")
        world.log(time + ms(2), "gate01", "useradd", pid, f"new user: name={NEW_ACCOUNT}, UID=1004, GID=1004, {home}")

    def add_member(time: datetime) -> None:
        pid = world.pid("gate01", time)
        world.log(time, "gate01", "usermod", pid, f"add '{NEW_ACCOUNT}' to group 'sudo'")
        world.log(time + ms(1), "gate01", "usermod", pid, f"add '{NEW_ACCOUNT}' to shadow group 'sudo'")

    def set_password(time: datetime) -> None:
        world.log(
            time, "gate01", "chpasswd", world.pid("gate01", time), f"pam_unix(chpasswd:chauthtok): password changed for {NEW_ACCOUNT}"
        )

    sudo(world, door, at(3, 8), f"/usr/sbin/useradd -m -s /bin/bash {NEW_ACCOUNT}", add_account)
    sudo(world, door, at(3, 31), f"/usr/sbin/usermod -aG sudo {NEW_ACCOUNT}", add_member)
    sudo(world, door, at(3, 55), "/usr/sbin/chpasswd", set_password)
    sudo(world, door, at(5, 12), f"/usr/bin/mkdir -p /home/{NEW_ACCOUNT}/.ssh")
    sudo(world, door, at(5, 40), f"/usr/bin/tee -a /home/{NEW_ACCOUNT}/.ssh/authorized_keys")
    onward = accept(world, at(9, 20), "db02", VICTIM, GATE_INSIDE, "password", "pts/1")
    sudo(world, onward, at(14, 2), "/usr/bin/tar czf /tmp/.cache.tgz /srv/backup/customers.dump")
    watch(world, onward, at)
    close(world, onward, at(38, 11))
    close(world, door, at(41, 3))
    # Sunday: through the second door, from elsewhere, and still there when the logs end
    back = datetime(2026, 1, 4, 3, 12, 46, 310_552, tzinfo=CET)
    later = clock(back)
    second = accept(world, back, "gate01", NEW_ACCOUNT, SECOND_DOOR, "publickey", "pts/0")
    sudo(world, second, later(0, 52), "/bin/bash")
    sudo(world, second, later(2, 30), "/usr/bin/tail -n 50 /var/log/auth.log")
    again = accept(world, later(6, 5), "db02", VICTIM, GATE_INSIDE, "password", "pts/0")
    sudo(world, again, later(9, 44), "/usr/bin/ls -l /srv/backup")


def clock(start: datetime) -> Callable[[int, float], datetime]:
    """Return a function from minutes and seconds after *start* to the instant."""
    return lambda minutes, seconds: start + timedelta(minutes=minutes, seconds=seconds)


KINDS = ("uid", "gid", "euid", "suid", "fsuid", "egid", "sgid", "fsgid")


# -- auditd of db02 ----------------------------------------------------------------------------------------------------


def watch(world: World, session: Session, at: Callable[[int, float], datetime]) -> None:
    """What auditd of db02 records of the intruder's session; the log begins and ends around it."""
    pid, audit_session = session.pid, 214
    unset = "auid=4294967295 ses=4294967295"
    owned = f"auid={UIDS[VICTIM]} ses={audit_session}"
    peer = f'exe="/usr/sbin/sshd" hostname={GATE_INSIDE} addr={GATE_INSIDE} terminal=ssh res=success'
    start = session.start

    def user(time: datetime, kind: str, who: str, text: str, name: str, serial: int | None = None) -> None:
        emit(world, time, kind, f'pid={pid} uid=0 {who} subj=unconfined msg=\'{text}\'\x1dUID="root" AUID="{name}"', serial)

    cron_time = start - timedelta(minutes=11)
    cron_text = 'acct="root" exe="/usr/sbin/cron" hostname=? addr=? terminal=cron res=success'
    emit(
        world,
        cron_time,
        "USER_START",
        f"pid=9102 uid=0 auid=0 ses=213 subj=unconfined msg='op=PAM:session_open grantors=pam_unix {cron_text}'",
    )
    emit(
        world,
        cron_time + ms(300),
        "USER_END",
        f"pid=9102 uid=0 auid=0 ses=213 subj=unconfined msg='op=PAM:session_close grantors=pam_unix {cron_text}'",
    )
    user(start - ms(60), "USER_AUTH", unset, f'op=PAM:authentication grantors=pam_unix acct="{VICTIM}" {peer}', "unset")
    user(start - ms(50), "USER_ACCT", unset, f'op=PAM:accounting grantors=pam_unix acct="{VICTIM}" {peer}', "unset")
    user(start + ms(1), "CRED_ACQ", unset, f'op=PAM:setcred grantors=pam_unix acct="{VICTIM}" {peer}', "unset")
    login = (
        f"pid={pid} uid=0 subj=unconfined old-auid=4294967295 auid={UIDS[VICTIM]} tty=(none) old-ses=4294967295 ses={audit_session} res=1"
    )
    emit(world, start + ms(2), "LOGIN", f'{login}\x1dUID="root" OLD-AUID="unset" AUID="{VICTIM}"')
    user(start + ms(4), "USER_START", owned, f'op=PAM:session_open grantors=pam_unix acct="{VICTIM}" {peer}', VICTIM)
    terminal = f'exe="/usr/sbin/sshd" hostname={GATE_INSIDE} addr={GATE_INSIDE} terminal=/dev/pts/1 res=success'
    user(start + ms(9), "USER_LOGIN", owned, f"op=login id={UIDS[VICTIM]} {terminal}", VICTIM)
    commands = (
        (9, 31, "/usr/bin/id", "id", 1003),
        (9, 44, "/usr/bin/uname", "uname -a", 1003),
        (10, 15, "/usr/bin/ls", "ls -la /srv/backup", 1003),
        (11, 2, "/usr/bin/cat", "cat /home/svc-backup/.pgpass", 1003),
        (11, 58, "/usr/bin/psql", "psql -h 127.0.0.1 -U backup -c \\dt", 1003),
        (14, 2.2, "/usr/bin/tar", "tar czf /tmp/.cache.tgz /srv/backup/customers.dump", 0),
        (19, 30, "/usr/bin/scp", f"scp -q /tmp/.cache.tgz {VICTIM}@{GATE_INSIDE}:/tmp/", 1003),
        (36, 40, "/usr/bin/rm", "rm -f /tmp/.cache.tgz", 1003),
    )
    for minutes, seconds, exe, command, uid in commands:
        if uid == 0:
            text = f'cwd="/home/{VICTIM}" cmd={command.encode().hex().upper()} exe="/usr/bin/sudo" terminal=pts/1 res=success'
            user(at(minutes, seconds) - ms(40), "USER_CMD", owned, text, VICTIM)
        execute(world, at(minutes, seconds), exe, command, uid, audit_session)
    connect(world, at(19, 30.1), audit_session)
    user(at(38, 11), "USER_END", owned, f'op=PAM:session_close grantors=pam_unix acct="{VICTIM}" {peer}', VICTIM)
    user(at(38, 11), "USER_LOGOUT", owned, f"op=login id={UIDS[VICTIM]} {terminal}", VICTIM)
    unit = 'unit=apt-daily comm="systemd" exe="/usr/lib/systemd/systemd" hostname=? addr=? terminal=? res=success'
    emit(world, at(45, 0), "SERVICE_START", f'pid=1 uid=0 {unset} subj=unconfined msg=\'{unit}\'\x1dUID="root" AUID="unset"')


def emit(world: World, time: datetime, kind: str, text: str, serial: int | None = None) -> int:
    """Add an audit record; without *serial*, of a new event. Return its serial."""
    if serial is None:
        world.serial += world.rng.randint(1, 3)
        serial = world.serial
    stamp = f"{int(time.timestamp())}.{time.microsecond // 1000:03d}"
    world.audit.append((time, len(world.audit), f"type={kind} msg=audit({stamp}:{serial}): {text}"))
    return serial


def syscall(world: World, time: datetime, number: int, name: str, exe: str, uid: int, audit_session: int, key: str) -> str:
    """Return the text of a SYSCALL record."""
    who = f"auid={UIDS[VICTIM]} " + " ".join(f"{kind}={uid}" for kind in KINDS)
    owner = "root" if uid == 0 else VICTIM
    names = " ".join(f'{kind.upper()}="{owner}"' for kind in KINDS)
    pid = world.pid("db02", time)
    program = exe.rsplit("/", 1)[1]
    return (
        f"arch=c000003e syscall={number} success=yes exit=0 a0=55d0c0a3e810 a1=55d0c0a42480 a2=55d0c0a45020 a3=8 items=2 "
        f"ppid={pid - 1} pid={pid} "
        f'{who} tty=pts1 ses={audit_session} comm="{program}" exe="{exe}" subj=unconfined key="{key}"'
        f'\x1dARCH=x86_64 SYSCALL={name} AUID="{VICTIM}" {names}'
    )


def execute(world: World, time: datetime, exe: str, command: str, uid: int, audit_session: int) -> None:
    """Add the records of one command."""
    words = command.split()
    arguments = " ".join(f'a{number}="{word}"' for number, word in enumerate(words))
    serial = emit(world, time, "SYSCALL", syscall(world, time, 59, "execve", exe, uid, audit_session, "exec"))
    emit(world, time, "EXECVE", f"argc={len(words)} {arguments}", serial)
    emit(world, time, "CWD", f'cwd="/home/{VICTIM}"', serial)
    for item, path in enumerate((exe, "/lib64/ld-linux-x86-64.so.2")):
        node = f"inode={world.rng.randint(10_000, 99_999)} dev=fe:00 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL"
        caps = "cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0"
        emit(world, time, "PATH", f'item={item} name="{path}" {node} {caps}\x1dOUID="root" OGID="root"', serial)
    emit(world, time, "PROCTITLE", f"proctitle={command.replace(' ', chr(0)).encode().hex().upper()}", serial)


def connect(world: World, time: datetime, audit_session: int) -> None:
    """Add the records of the connection back to gate01."""
    serial = emit(world, time, "SYSCALL", syscall(world, time, 42, "connect", "/usr/bin/ssh", 1003, audit_session, "net"))
    address = bytes(int(part) for part in GATE_INSIDE.split("."))
    saddr = (b"\x02\x00" + (22).to_bytes(2, "big") + address + bytes(8)).hex().upper()
    emit(world, time, "SOCKADDR", f"saddr={saddr}\x1dSADDR={{ saddr_fam=inet laddr={GATE_INSIDE} lport=22 }}", serial)
    emit(world, time, "PROCTITLE", f"proctitle={b'/usr/bin/ssh'.hex().upper()}", serial)


# -- the rest of the network, as the collector sees it ------------------------------------------------------------


def surround() -> list[Line]:
    """Return lines of other devices: a firewall, a resolver, a clock, a kernel."""
    noise = World(rng=random.Random(7))
    time = CENTRAL_FROM
    number = 40_000
    while time < LAST:
        number += 1
        client, port = f"203.0.113.{noise.rng.randint(4, 250)}", noise.port()
        inner = f"10.20.0.{noise.rng.randint(20, 60)}"
        flow = f"outside:{client}/{port} ({client}/{port}) to dmz:{GATE_INSIDE}/22 ({GATE_OUTSIDE}/22)"
        short = f"outside:{client}/{port} to dmz:{GATE_INSIDE}/22"
        host, program, pid, text = noise.rng.choice((
            ("fw01", "%ASA-6-302013", None, f"Built inbound TCP connection {number} for {flow}"),
            ("fw01", "%ASA-6-302014", None, f"Teardown TCP connection {number} for {short} duration 0:00:04 bytes 3120 TCP FINs"),
            ("fw01", "%ASA-4-106023", None, f'Deny tcp src outside:{client}/{port} dst dmz:{GATE_INSIDE}/23 by access-group "outside_in"'),
            ("ns01", "unbound", 611, f"info: {inner} deb.example.org. A IN"),
            ("gate01", "chronyd", 455, "Selected source 192.0.2.250"),
            ("db02", "kernel", None, "EXT4-fs (dm-1): re-mounted. Opts: errors=remount-ro"),
            ("db02", "postgres", 733, "LOG:  checkpoint complete: wrote 42 buffers (0.3%)"),
        ))  # fmt: skip
        noise.log(time, host, program, pid, text)
        time += ms(noise.rng.expovariate(1 / 420_000))
    return noise.lines


def login_record(kind: int, pid: int, line: str, ident: str, user: str, source: str, time: datetime) -> bytes:
    """Return a record of wtmp or btmp as Linux on x86-64 writes it."""
    address = bytes(int(part) for part in source.split(".")) if source else b""
    fields = (line.encode(), ident.encode(), user.encode(), source.encode(), 0, 0, 0, int(time.timestamp()), time.microsecond, address, b"")
    return struct.pack("<h2xi32s4s32s256shhiIi16s20s", kind, pid, *fields)


# -- files ------------------------------------------------------------


def build() -> dict[str, bytes]:
    """Return the bytes of each file, by its path below ``breach/logs``."""
    world = World()
    routine(world)
    guess(world)
    intrude(world)
    lines = sorted(line for line in world.lines if line.time < LAST)
    boot = login_record(2, 0, "~", "~~", "reboot", "", FIRST - timedelta(days=40))
    cut_1, cut_2 = datetime(2025, 12, 30, tzinfo=CET), datetime(2026, 1, 3, tzinfo=CET)

    def bsd(host: str, start: datetime, end: datetime) -> bytes:
        return text(line.bsd() for line in lines if line.host == host and start <= line.time < end)

    central = sorted([line for line in lines if line.time >= CENTRAL_FROM] + surround())
    return {
        "gate01/var/log/auth.log": bsd("gate01", cut_2, LAST),
        "gate01/var/log/auth.log.1": bsd("gate01", cut_1, cut_2),
        "gate01/var/log/auth.log.2.gz": packed(bsd("gate01", FIRST, cut_1)),
        "gate01/var/log/wtmp": boot + records(world.wtmp),
        "gate01/var/log/btmp.gz": packed(records([entry for entry in world.btmp if entry[0] >= CENTRAL_FROM])),
        "db02/auth.log-20260104": bsd("db02", FIRST, LAST),
        "db02/audit/audit.log": text(record for _, _, record in sorted(world.audit)),
        "syslog/central-20260104.log": text(line.iso() for line in central),
    }


def text(lines: Iterable[str]) -> bytes:
    """Return *lines* as a file."""
    return "".join(f"{line}\n" for line in lines).encode()


def records(entries: list[tuple[datetime, bytes]]) -> bytes:
    """Return login records in the order of their times."""
    return b"".join(record for time, record in sorted(entries) if time < LAST)


def packed(data: bytes) -> bytes:
    """Return *data* gzipped, without a time of its own."""
    return gzip.compress(data, 9, mtime=0)


def main() -> int:
    """Write the files, or compare them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="compare with the files that are there; exit 1 when one differs")
    options = parser.parse_args()
    differ = 0
    for name, data in sorted(build().items()):
        path = HERE / name
        if options.check:
            there = path.read_bytes() if path.exists() else b""
            same = unpacked(there) == unpacked(data)  # compressors differ, contents do not
            differ += not same
            print(f"{'same' if same else 'DIFFERS'}  {name}")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            print(f"{len(data):8d}  {name}")
    return 1 if differ else 0


def unpacked(data: bytes) -> bytes:
    """Return *data*, decompressed when it is gzip."""
    return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data


if __name__ == "__main__":
    sys.exit(main())
