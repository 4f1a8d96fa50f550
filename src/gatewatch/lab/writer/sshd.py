"""auth.log of a Linux host: OpenSSH, PAM, systemd-logind, sudo, useradd and their kin, under an rsyslog stamp.

``2026-03-02T08:15:00.123456+00:00 gate01 sshd[4711]: Accepted password for ann from 84.1.2.3 port 50022 ssh2``

Sources: openssh-portable (auth.c, packet.c), Linux-PAM (pam_unix), sudo(8), shadow-utils.
"""

from __future__ import annotations

from typing import ClassVar

from gatewatch.lab.moment import MS, SECOND
from gatewatch.lab.organisation import Host
from gatewatch.lab.stage import Stage
from gatewatch.lab.writer.device import Device, Entry

METHODS = {"password": "password", "key": "publickey", "keyboard": "keyboard-interactive/pam"}


class Sshd(Device):
    """The authentication log of one host."""

    format: ClassVar[str] = "sshd"

    def __init__(self, stage: Stage, host: Host) -> None:
        super().__init__(stage, host)
        self.log = stage.stream(f"{host.name}/var/log/auth.log", rotate=7, packed=True)
        self.program = "sshd-session" if host.inner.endswith(("1", "3")) else "sshd"
        self.pids = 1_000 + self.rng.randint(0, 500)
        self.logins = self.rng.randint(100, 400)

    def pid(self) -> int:
        """Return a fresh process id."""
        self.pids = self.pids + self.rng.randint(1, 7) if self.pids < 4_100_000 else 1_000
        return self.pids

    def line(
        self, time: int, program: str, pid: int, text: str, mark: int = 0, kind: str | None = None, user: str | None = None, src: str | None = None
    ) -> None:
        """Add a line of a program."""
        fact = (kind, user, src) if kind is not None else None
        self.log.say(time, f"{self.stamp(time)} {self.host.name} {program}[{pid}]: {text}", mark, fact)

    def fail(self, time: int, user: str, src: str, *, exists: bool = True, tries: int = 1, mark: int = 0) -> int:
        """Say *tries* wrong passwords on one connection; return when it was over."""
        pid, port, program = self.pid(), self.port(), self.program
        label = user if exists else f"invalid user {user}"
        if not exists:
            self.line(time, program, pid, f"Invalid user {user} from {src} port {port}", mark)
        for attempt in range(tries):
            if not exists:
                self.line(time + 9 * MS, program, pid, "pam_unix(sshd:auth): check pass; user unknown", mark)
            if attempt == 0:
                tail = f"  user={user}" if exists else " "
                text = f"pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost={src}{tail}"
                self.line(time + 12 * MS, program, pid, text, mark)
            time += self.rng.randint(1_500, 2_700) * MS
            self.line(time, program, pid, f"Failed password for {label} from {src} port {port} ssh2", mark, "auth_failure", user, src)
            time += self.rng.randint(300, 1_500) * MS
        ending = f"authenticating user {user}" if exists else f"invalid user {user}"
        if self.rng.random() < 0.6:
            self.line(time, program, pid, f"Connection closed by {ending} {src} port {port} [preauth]", mark)
        else:
            self.line(time, program, pid, f"Received disconnect from {src} port {port}:11: Bye Bye [preauth]", mark)
            self.line(time, program, pid, f"Disconnected from {ending} {src} port {port} [preauth]", mark)
        return time

    def accept(self, time: int, user: str, src: str, method: str, uid: int, key: str = "", mark: int = 0) -> Entry:
        """Say an accepted connection with a terminal."""
        pid, port = self.pid(), self.port()
        self.logins += 1
        entry = Entry(self.host.name, user, src, time, str(self.logins), port, f"pts/{self.logins % 12}", pid, number=self.logins, method=method)
        tail = f": {key}" if method == "key" else ""
        text = f"Accepted {METHODS[method]} for {user} from {src} port {port} ssh2{tail}"
        self.line(time, self.program, pid, text, mark, "auth_success", user, src)
        self.line(time + 4 * MS, self.program, pid, f"pam_unix(sshd:session): session opened for user {user}(uid={uid}) by {user}(uid=0)", mark)
        self.line(time + 21 * MS, "systemd-logind", 612, f"New session {entry.number} of user {user}.", mark)
        return entry

    def close(self, time: int, entry: Entry, mark: int = 0) -> None:
        """Say the end of a connection."""
        entry.open = False
        child = entry.pid + 1
        self.line(time, self.program, child, f"Received disconnect from {entry.source} port {entry.port}:11: disconnected by user", mark)
        self.line(time, self.program, child, f"Disconnected from user {entry.user} {entry.source} port {entry.port}", mark)
        self.line(time + 3 * MS, self.program, entry.pid, f"pam_unix(sshd:session): session closed for user {entry.user}", mark)
        self.line(time + 12 * MS, "systemd-logind", 612, f"Session {entry.number} logged out. Waiting for processes to exit.", mark)
        self.line(time + 20 * MS, "systemd-logind", 612, f"Removed session {entry.number}.", mark)

    def sudo(self, time: int, entry: Entry, command: str, mark: int = 0, target: str = "root") -> int:
        """Say a command run as *target*; return its process id."""
        pid = self.pid()
        text = f"{entry.user} : TTY={entry.tty} ; PWD=/home/{entry.user} ; USER={target} ; COMMAND={command}"
        self.log.say(time, f"{self.stamp(time)} {self.host.name} sudo: {text}", mark)
        self.line(time + 2 * MS, "sudo", pid, f"pam_unix(sudo:session): session opened for user {target}(uid=0) by {entry.user}(uid=1000)", mark)
        self.line(time + SECOND, "sudo", pid, f"pam_unix(sudo:session): session closed for user {target}", mark)
        return pid

    def become(self, time: int, entry: Entry, target: str, uids: tuple[int, int], mark: int = 0, *, by_password: bool) -> None:
        """Say that somebody goes on as another account: by su with its password, or by sudo with their own."""
        own, other = uids
        if by_password:
            self.line(time, "su", self.pid(), f"(to {target}) {entry.user} on {entry.tty}", mark, "privilege_use", entry.user)
            module = "su-l"
        else:
            text = f"{entry.user} : TTY={entry.tty} ; PWD=/home/{entry.user} ; USER={target} ; COMMAND=/bin/bash"
            self.log.say(time, f"{self.stamp(time)} {self.host.name} sudo: {text}", mark, ("privilege_use", entry.user, None))
            module = "sudo-i"
        opened = f"pam_unix({module}:session): session opened for user {target}(uid={other}) by {entry.user}(uid={own})"
        self.line(time + 2 * MS, module.partition("-")[0], self.pid(), opened, mark)

    def unbecome(self, time: int, target: str, mark: int = 0) -> None:
        """Say that somebody is themselves again."""
        self.line(time, "su", self.pid(), f"pam_unix(su-l:session): session closed for user {target}", mark)

    def add_user(self, time: int, name: str, mark: int = 0) -> None:
        """Say a new account."""
        pid = self.pid()
        self.line(time, "useradd", pid, f"new group: name={name}, GID=1771", mark)
        text = f"new user: name={name}, UID=1771, GID=1771, home=/home/{name}, shell=/bin/bash, from=/dev/pts/1"
        self.line(time + MS, "useradd", pid, text, mark, "account_change")

    def add_member(self, time: int, name: str, group: str, mark: int = 0) -> None:
        """Say a new member of a group."""
        pid = self.pid()
        self.line(time, "usermod", pid, f"add '{name}' to group '{group}'", mark, "account_change")
        self.line(time + MS, "usermod", pid, f"add '{name}' to shadow group '{group}'", mark)

    def sftp(self, time: int, entry: Entry, path: str, size: int, *, upload: bool, mark: int = 0) -> None:
        """Say a file taken or brought over SFTP."""
        pid = self.pid()
        read, wrote = (0, size) if upload else (size, 0)
        self.line(time, "sftp-server", pid, f"session opened for local user {entry.user} from [{entry.source}]", mark)
        self.line(time + 90 * MS, "sftp-server", pid, f'open "{path}" flags {"WRITE,CREATE,TRUNCATE" if upload else "READ"} mode 0666', mark)
        later = time + max(SECOND, size // 4_000_000 * SECOND)
        self.line(later, "sftp-server", pid, f'close "{path}" bytes read {read} written {wrote}', mark, "file_transfer")
        self.line(later + 2 * SECOND, "sftp-server", pid, f"session closed for local user {entry.user} from [{entry.source}]", mark)

    def cron(self, time: int, user: str = "root") -> None:
        """Say an hourly job."""
        pid = self.pid()
        self.line(time, "CRON", pid, f"pam_unix(cron:session): session opened for user {user}(uid=0) by {user}(uid=0)")
        self.line(time + 300 * MS, "CRON", pid, f"pam_unix(cron:session): session closed for user {user}")
