"""Collecting from the Linux host at hand: a fixed list of files and commands, read-only, secrets masked before anything is written.

The list is :data:`FILES` and :data:`COMMANDS`; nothing else is touched. Every command is run by its path without a shell, and only shows.
"""

from __future__ import annotations

import io
import os
import shutil
import socket
import stat
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import msgspec

from gatewatch.evidence.mask import conceal
from gatewatch.intake.limit import MIB
from gatewatch.schema.evidence import MANIFEST, Collected, Manifest

FILES: tuple[str, ...] = (
    "etc/hostname", "etc/os-release", "etc/resolv.conf", "etc/exports",
    "etc/ssh/sshd_config", "etc/ssh/sshd_config.d/*.conf", "etc/pam.d/*", "etc/security/faillock.conf", "etc/security/access.conf",
    "etc/fail2ban/jail.conf", "etc/fail2ban/jail.local", "etc/fail2ban/jail.d/*",
    "etc/tor/torrc", "etc/tor/torrc.d/*", "usr/share/tor/tor-service-defaults-torrc",
    "etc/openvpn/*.conf", "etc/openvpn/*/*.conf", "etc/wireguard/*.conf", "etc/swanctl/swanctl.conf", "etc/swanctl/conf.d/*.conf",
    "etc/ipsec.conf", "etc/docker/daemon.json", "var/lib/kubelet/config.yaml", "etc/kubernetes/manifests/*.yaml",
    "etc/systemd/system/*.service", "etc/systemd/system/*.socket", "etc/systemd/system/*.d/*.conf",
    "etc/squid/squid.conf", "etc/squid/conf.d/*", "etc/unbound/unbound.conf", "etc/unbound/unbound.conf.d/*", "etc/bind/named.conf*",
    "etc/dnsmasq.conf", "etc/dnsmasq.d/*", "etc/nginx/nginx.conf", "etc/nginx/conf.d/*", "etc/nginx/sites-enabled/*",
    "etc/apache2/apache2.conf", "etc/apache2/conf-enabled/*", "etc/apache2/sites-enabled/*", "etc/samba/smb.conf", "etc/xrdp/*.ini",
    "etc/guacamole/guacamole.properties", "etc/rsyslog.conf", "etc/rsyslog.d/*.conf", "etc/audit/rules.d/*",
    "etc/opt/chrome/policies/managed/*.json", "etc/chromium/policies/managed/*.json", "etc/firefox/policies/policies.json",
    "etc/opt/edge/policies/managed/*.json", "usr/lib/systemd/system/docker.socket", "etc/kubernetes/audit*.yaml", "etc/squid/*.txt",
    "etc/unbound/*.zone", "etc/bind/db.*", "etc/bind/rpz*", "etc/nginx/snippets/*", "etc/suricata/suricata.yaml",
    "var/lib/suricata/rules/*.rules",
    "etc/passwd", "etc/group", "etc/sudoers", "etc/sudoers.d/*", "root/.ssh/authorized_keys", "home/*/.ssh/authorized_keys",
    "etc/freeradius/3.0/clients.conf", "etc/raddb/clients.conf", "opt/duoauthproxy/conf/authproxy.cfg", "etc/guacamole/guacd.conf",
    "etc/cloudflared/config.yml", "etc/nftables.conf", "etc/nftables/*.nft", "etc/nftables.d/*", "etc/sysconfig/nftables.conf",
)  # fmt: skip
COMMANDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("sshd-T.txt", ("sshd", "-T")),
    ("nft-list-ruleset.txt", ("nft", "list", "ruleset")),  # as text: it shows what iptables-nft wrote, which JSON does not
    ("iptables-save.txt", ("iptables-save",)),
    ("ip6tables-save.txt", ("ip6tables-save",)),
    ("ss.txt", ("ss", "-lntup")),
    ("ip-address.json", ("ip", "-j", "address")),
    ("ip-route.json", ("ip", "-j", "route")),
    ("ip-route-6.json", ("ip", "-j", "-6", "route")),
    ("sysctl.txt", ("sysctl", "-e", "net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding")),
    ("dpkg.txt", ("dpkg-query", "-W", "-f", "${db:Status-Abbrev}\\t${Package}\\t${Version}\\n")),
    ("rpm.txt", ("rpm", "-qa", "--qf", "%{NAME}\\t%{VERSION}-%{RELEASE}\\t%{VENDOR}\\n")),
    ("ps.txt", ("ps", "-ww", "-o", "args", "-C", "kubelet,dockerd,kube-apiserver,suricata,zeek")),
    ("lastlog.txt", ("lastlog",)),
    ("guacamole-files.txt", ("ls", "-R", "/etc/guacamole")),
    (
        "units-network.txt",
        ("systemctl", "show", "--no-pager", "--property=Id,ActiveState,ExecStart,IPAddressAllow,IPAddressDeny", "*.service", "*.slice"),
    ),
    ("units.txt", ("systemctl", "list-unit-files", "--state=enabled", "--no-legend", "--no-pager")),
)
_SILENT = {"nft-list-ruleset.txt": b"# no table is loaded\n"}
"""What is written where a command that went well says nothing, for nothing is a fact too: no rule is in force."""
_TIMEOUT = 30
_CAP = 16 * MIB
_FOLDERS = ("/usr/sbin", "/sbin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/local/bin")


_NOT_INSTALLED = " is not installed"


@dataclass(frozen=True, slots=True)
class Piece:
    """One collected file: its path in the archive, its masked content; ``fault`` says why there is none."""

    path: str
    data: bytes
    fault: str = ""


def plan() -> list[str]:
    """Return what a collection reads and runs, a line each, before it does."""
    return [*(f"read  /{pattern}" for pattern in FILES), *(f"run   {' '.join(words)}" for _, words in COMMANDS)]


def collect(now: datetime, root: Path = Path("/"), *, commands: bool = True) -> Iterator[Piece]:
    """Yield what is collected of the host at *root*, the manifest last; *now* is the time of collection."""
    listed: list[Collected] = []
    for pattern in FILES:
        found = sorted(path for path in root.glob(pattern) if path.is_file())
        if not found:
            place = pattern.rpartition("/")[0] if "*" in pattern else pattern
            if _looked(root / place):  # what could not be looked at is not absent: nothing passes on that
                listed.append(Collected(f"/{place}", absent="*" not in pattern))
        for path in found:
            inner = path.relative_to(root).as_posix()
            piece = _file(path, f"files/{inner}")
            if not piece.fault:
                listed.append(Collected(f"/{inner}"))
            yield piece
    for name, words in COMMANDS if commands else ():
        piece = _command(name, words)
        missing = piece.fault.endswith(_NOT_INSTALLED)
        if missing or not piece.fault:
            listed.append(Collected(f"commands/{name}", " ".join(words), absent=missing))
        yield piece
    manifest = Manifest("gatewatch-evidence", 1, _name(root), now.isoformat(), "linux", tuple(listed))
    yield Piece(MANIFEST, msgspec.json.encode(manifest))


def _looked(place: Path) -> bool:
    """Return whether *place* could be looked at: it is a folder that can be listed, or is surely not there."""
    try:
        os.listdir(place)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return True


def _name(root: Path) -> str:
    try:
        return (root / "etc/hostname").read_text(encoding="utf-8").strip() or socket.gethostname()
    except (OSError, UnicodeDecodeError):
        return socket.gethostname()


def _file(path: Path, inner: str) -> Piece:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _CAP:
            return Piece(inner, b"", "no file of a size configuration has")
        return Piece(inner, _masked(path.read_bytes()))
    except OSError as error:
        return Piece(inner, b"", error.strerror or str(error))


def _command(name: str, words: tuple[str, ...]) -> Piece:
    inner = f"commands/{name}"
    program = shutil.which(words[0], path=":".join(_FOLDERS))
    if program is None:
        return Piece(inner, b"", f"{words[0]}{_NOT_INSTALLED}")
    try:
        done = subprocess.run(  # noqa: S603 - a fixed list, no shell
            [program, *words[1:]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_TIMEOUT,
            env={"PATH": ":".join(_FOLDERS), "LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Piece(inner, b"", str(error)[:200])
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        return Piece(inner, b"", f"ended with {done.returncode}: {said[-1][:200] if said else 'no message'}")
    return Piece(inner, _masked(done.stdout[:_CAP]) or _SILENT.get(name, b""))


def _masked(data: bytes) -> bytes:
    text = data.decode("utf-8", "surrogateescape")
    return "\n".join(conceal(line) for line in text.split("\n")).encode("utf-8", "surrogateescape")


def write_archive(pieces: list[Piece], out: BinaryIO, now: datetime, host: str) -> None:
    """Write *pieces* as a tar.gz under a folder named *host*; readable by its owner only."""
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for piece in pieces:
            if piece.fault:
                continue
            info = tarfile.TarInfo(f"{host}/{piece.path}")
            info.size, info.mtime, info.mode = len(piece.data), int(now.timestamp()), 0o600
            archive.addfile(info, io.BytesIO(piece.data))


def host_of(pieces: list[Piece]) -> str:
    """Return the host the manifest among *pieces* names."""
    return next(msgspec.json.decode(piece.data, type=Manifest).host for piece in pieces if piece.path == MANIFEST)
