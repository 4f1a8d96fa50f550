"""audit.log of a Linux host: logins, executed commands, sudo and accounts as the audit daemon writes them (enriched, with the node's name).

``node=db01 type=USER_LOGIN msg=audit(1767614400.123:45): pid=4711 uid=0 auid=4294967295 ses=4294967295 msg='op=login acct="ann" …'``

Sources: audit-documentation (message and field dictionaries), auditd.conf(5) ``name_format``.
"""

from __future__ import annotations

from typing import ClassVar

from gatewatch.lab.moment import MS, SECOND
from gatewatch.lab.organisation import Host
from gatewatch.lab.stage import Stage
from gatewatch.lab.writer.device import Device, Entry

_UNSET = "auid=4294967295 ses=4294967295"


class Auditd(Device):
    """The audit log of one host."""

    format: ClassVar[str] = "auditd"

    def __init__(self, stage: Stage, host: Host) -> None:
        super().__init__(stage, host)
        self.log = stage.stream(f"{host.name}/var/log/audit/audit.log", rotate=7)

    def line(self, time: int, serial: int, kind: str, text: str, mark: int = 0, fact: tuple[str, str | None, str | None] | None = None) -> None:
        """Add a record of an audit event."""
        at = time + self.host.skew
        self.log.say(time, f"node={self.host.name} type={kind} msg=audit({at // SECOND}.{at % SECOND // 1000:03d}:{serial}): {text}", mark, fact)

    def fail(self, time: int, user: str, src: str, mark: int = 0) -> None:
        """Say a refused login."""
        text = f'pid={self.count()} uid=0 {_UNSET} msg=\'op=PAM:authentication grantors=? acct="{user}" exe="/usr/sbin/sshd" '
        text += f"hostname={src} addr={src} terminal=ssh res=failed'"
        self.line(time, self.count(), "USER_AUTH", text, mark, ("auth_failure", user, src))

    def accept(self, time: int, entry: Entry, uid: int, mark: int = 0) -> None:
        """Say the steps of an accepted login."""
        peer = f'exe="/usr/sbin/sshd" hostname={entry.source} addr={entry.source} terminal=ssh res=success'
        grant = "pam_unix" if entry.method == "password" else "?"
        text = f"pid={entry.pid} uid=0 {_UNSET} msg='op=PAM:authentication grantors={grant} acct=\"{entry.user}\" {peer}'"
        if entry.method == "password":
            self.line(time - 9 * MS, self.count(), "USER_AUTH", text, mark)
        login = f"pid={entry.pid} uid=0 old-auid=4294967295 auid={uid} tty=(none) old-ses=4294967295 ses={entry.number} res=1"
        self.line(time + 2 * MS, self.count(), "LOGIN", login, mark)
        start = f"pid={entry.pid} uid=0 auid={uid} ses={entry.number} msg='op=PAM:session_open grantors=pam_unix acct=\"{entry.user}\" {peer}'"
        self.line(time + 5 * MS, self.count(), "USER_START", start, mark)
        done = f"pid={entry.pid} uid=0 auid={uid} ses={entry.number} msg='op=login id={uid} {peer.replace('terminal=ssh', f'terminal=/dev/{entry.tty}')}'"
        self.line(time + 7 * MS, self.count(), "USER_LOGIN", f'{done}UID="root" AUID="{entry.user}" ID="{entry.user}"', mark)

    def close(self, time: int, entry: Entry, uid: int, mark: int = 0) -> None:
        """Say the end of a login."""
        peer = f'exe="/usr/sbin/sshd" hostname={entry.source} addr={entry.source} terminal=ssh res=success'
        text = f"pid={entry.pid} uid=0 auid={uid} ses={entry.number} msg='op=PAM:session_close grantors=pam_unix acct=\"{entry.user}\" {peer}'"
        self.line(time, self.count(), "USER_END", text, mark)

    def become(self, time: int, entry: Entry, target: str, uids: tuple[int, int], mark: int = 0, *, by_password: bool) -> None:
        """Say that somebody goes on as another account."""
        own = uids[0]
        program = "su" if by_password else "sudo"
        head = f"pid={self.count()} uid={own} auid={own} ses={entry.number}"
        tail = f'acct="{target}" exe="/usr/bin/{program}" hostname=? addr=? terminal=/dev/{entry.tty} res=success\'UID="{entry.user}" AUID="{entry.user}"'
        if by_password:
            self.line(time, self.count(), "USER_AUTH", f"{head} msg='op=PAM:authentication grantors=pam_unix {tail}", mark)
        self.line(time + MS, self.count(), "USER_START", f"{head} msg='op=PAM:session_open grantors=pam_unix {tail}", mark)

    def execute(
        self, time: int, entry: Entry, uid: int, command: str, mark: int = 0, *, root: bool = False, acting_as: tuple[str, int] | None = None
    ) -> None:  # fmt: skip
        """Say a command: the call and its arguments, and as whom it was run where that is another account."""
        words = command.split(" ")
        program = words[0] if words[0].startswith("/") else f"/usr/bin/{words[0]}"
        name, acting = ("root", 0) if root else acting_as or (entry.user, uid)
        serial, pid = self.count(), self.count()
        names = f'AUID="{entry.user}" UID="{name}"'
        ids = "".join(f" {name}={acting}" for name in ("gid", "euid", "suid", "fsuid", "egid", "sgid", "fsgid"))
        call = (
            f"arch=c000003e syscall=59 success=yes exit=0 a0=55d0 a1=55d1 a2=55d2 a3=8 items=2 ppid={entry.pid} pid={pid} auid={uid} uid={acting}{ids}"
            f' tty={entry.tty.replace("/", "")} ses={entry.number} comm="{program.rpartition("/")[2][:15]}" exe="{program}" key="exec"\x1d'
            f"ARCH=x86_64 SYSCALL=execve {names}"
        )
        self.line(time, serial, "SYSCALL", call, mark, ("exec", entry.user, None))
        arguments = " ".join(f"a{number}={_argument(word)}" for number, word in enumerate(words))
        self.line(time, serial, "EXECVE", f"argc={len(words)} {arguments}", mark)
        self.line(time, serial, "CWD", f'cwd="/home/{entry.user}"', mark)

    def sudo(self, time: int, entry: Entry, uid: int, command: str, mark: int = 0) -> None:
        """Say a use of sudo."""
        text = f'pid={self.count()} uid={uid} auid={uid} ses={entry.number} msg=\'cwd="/home/{entry.user}" cmd={command.encode().hex().upper()} '
        text += f'exe="/usr/bin/sudo" terminal={entry.tty} res=success\'UID="{entry.user}" AUID="{entry.user}"'
        self.line(time, self.count(), "USER_CMD", text, mark)

    def add_user(self, time: int, entry: Entry, uid: int, name: str, mark: int = 0) -> None:
        """Say a new account."""
        text = f'pid={self.count()} uid=0 auid={uid} ses={entry.number} msg=\'op=add-user acct="{name}" exe="/usr/sbin/useradd" '
        text += f'hostname=? addr=? terminal={entry.tty} res=success\'UID="root" AUID="{entry.user}"'
        self.line(time, self.count(), "ADD_USER", text, mark, ("account_change", entry.user, None))


def _argument(word: str) -> str:
    plain = word.isascii() and word.isprintable() and not set(word) & {'"', " "}
    return f'"{word}"' if plain else word.encode().hex().upper()
