"""The unified log of a Mac as NDJSON (``log show --style ndjson``): sshd, Screen Sharing, sudo.

``{"timestamp":"2026-03-02 08:15:00.123456+0000","processImagePath":"\\/usr\\/sbin\\/sshd","processID":4711,"eventMessage":"Accepted …",…}``

The log names no host. Sources: log(1), screensharingd(8), openssh-portable.
"""

from __future__ import annotations

import json
from typing import ClassVar

from gatewatch.lab.moment import MS, SECOND, wall
from gatewatch.lab.organisation import Host
from gatewatch.lab.stage import Stage
from gatewatch.lab.writer.device import Device, Entry

_encode = json.JSONEncoder(separators=(",", ":")).encode


class MacOs(Device):
    """The unified log of one Mac."""

    format: ClassVar[str] = "macos"

    def __init__(self, stage: Stage, host: Host) -> None:
        super().__init__(stage, host)
        self.log = stage.stream(f"{host.name}/unified.ndjson", rotate=7)

    def line(
        self, time: int, path: str, pid: int, text: str, mark: int = 0, kind: str | None = None, user: str | None = None, src: str | None = None
    ) -> None:
        """Add an entry."""
        body = {
            "timestamp": wall(time + self.host.skew, "UTC", "%Y-%m-%d %H:%M:%S.%f+0000"), "machTimestamp": time // 41, "eventMessage": text, "messageType": "Default",
            "eventType": "logEvent", "subsystem": "", "category": "", "processID": pid, "processImagePath": path, "threadID": pid * 3,
        }  # fmt: skip
        self.log.say(time, _encode(body).replace("/", "\\/"), mark, (kind, user, src) if kind else None)

    def ssh_fail(self, time: int, user: str, src: str, *, exists: bool = True, mark: int = 0) -> int:
        """Say a wrong password over SSH."""
        pid, port = self.count(), self.port()
        label = user if exists else f"invalid user {user}"
        self.line(
            time + 2 * SECOND, "/usr/sbin/sshd", pid, f"Failed password for {label} from {src} port {port} ssh2", mark, "auth_failure", user, src
        )
        return time + 3 * SECOND

    def ssh(self, time: int, user: str, src: str, method: str, key: str, mark: int = 0) -> Entry:
        """Say an accepted connection over SSH."""
        pid, port = self.count(), self.port()
        how = "publickey" if method == "key" else "password"
        tail = f": {key}" if method == "key" else ""
        self.line(time, "/usr/sbin/sshd", pid, f"Accepted {how} for {user} from {src} port {port} ssh2{tail}", mark, "auth_success", user, src)
        return Entry(self.host.name, user, src, time, str(pid), port, f"ttys{pid % 10:03d}", pid, method=method)

    def close(self, time: int, entry: Entry, mark: int = 0) -> None:
        """Say the end of a connection."""
        entry.open = False
        self.line(time, "/usr/sbin/sshd", entry.pid, f"Disconnected from user {entry.user} {entry.source} port {entry.port}", mark)

    def screen(self, time: int, user: str, src: str, mark: int = 0, *, ok: bool) -> Entry:
        """Say a logon to Screen Sharing."""
        word, kind = ("SUCCEEDED", "auth_success") if ok else ("FAILED", "auth_failure")
        text = f"Authentication: {word} :: User Name: {user} :: Viewer Address: {src} :: Type: DH"
        self.line(
            time,
            "/System/Library/CoreServices/RemoteManagement/screensharingd.bundle/Contents/MacOS/screensharingd",
            402,
            text,
            mark,
            kind,
            user,
            src,
        )
        return Entry(self.host.name, user, src, time, "screen", tty="ttys001")

    def sudo(self, time: int, entry: Entry, command: str, mark: int = 0) -> None:
        """Say a command run as root."""
        text = f"  {entry.user} : TTY={entry.tty} ; PWD=/Users/{entry.user} ; USER=root ; COMMAND={command}"
        self.line(time, "/usr/bin/sudo", self.count(), text.strip(), mark)

    def noise(self, time: int) -> None:
        """Say something of no interest."""
        self.line(time, "/usr/libexec/opendirectoryd", 301, "Query completed", 0)
        self.line(time + 40 * MS, "/usr/libexec/airportd", 333, "link quality 98", 0)
