"""The evidence folder: for each host and device a folder with its exports, as its administrators would have collected them."""

from __future__ import annotations

import json
from pathlib import Path

from gatewatch.lab.evidence import cluster, gateway, linux, mac, tenant, web, windows
from gatewatch.lab.moment import HOUR, START, to_datetime
from gatewatch.lab.organisation import Host, Organisation
from gatewatch.lab.safeguard import Plan

AS_OF = to_datetime(START - 6 * HOUR)  # the evening before the first day
FOLDER = "evidence"
_WRITERS = {
    "linux": linux.files, "windows": windows.files, "mac": mac.files, "docker": cluster.docker, "kube": cluster.node, "asa": gateway.asa,
    "fortigate": gateway.fortigate, "globalprotect": gateway.panos, "openvpn": gateway.openvpn, "netscaler": gateway.netscaler,
    "proxy": web.proxy, "resolver": web.resolver, "entra": tenant.files,
}  # fmt: skip
_SYSTEMS = {
    **dict.fromkeys(("linux", "docker", "kube", "openvpn", "proxy", "resolver"), "linux"), "windows": "windows", "mac": "macos",
}  # fmt: skip

_LOOKED_FOR = ("/etc/fail2ban", "/etc/security/faillock.conf", "/etc/ssh/sshd_config.d")


def write(root: Path, organisation: Organisation, plan: Plan) -> None:
    """Write ``evidence/`` below *root*. OSError when the disk does not take it."""
    for host in (*organisation.hosts, organisation.tenant):
        writer = _WRITERS.get(host.kind)
        if writer is not None:
            put(root / FOLDER / host.name, host, writer(host, organisation, plan))


def put(folder: Path, host: Host, files: dict[str, str]) -> None:
    """Write the files of one host, and for a host (a device's export says its name itself) the manifest of when they were collected."""
    for name, text in sorted(files.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(name, text))
    (folder / "gatewatch-evidence.json").write_text(manifest(host, files), encoding="utf-8")


def encode(name: str, text: str) -> bytes:
    """Return a file as its tool writes it: Windows exports its registry and policy in UTF-16."""
    return text.replace("\n", "\r\n").encode("utf-16") if name.endswith((".reg", ".inf")) else text.encode()


def manifest(host: Host, files: dict[str, str]) -> str:
    """Return what says whose files these are, and of when."""
    collected: list[dict[str, str | bool]] = [{"path": name if name.startswith("commands/") else f"/{name}"} for name in sorted(files)]
    if _SYSTEMS.get(host.kind) in {"linux", "macos"}:
        collected += [{"path": path, "absent": True} for path in _LOOKED_FOR if path[1:] not in files]
    told = {"format": "gatewatch-evidence", "version": 1, "host": host.name, "as_of": AS_OF.isoformat(), "system": _SYSTEMS.get(host.kind, "")}
    return json.dumps(told | {"collected": collected}, indent=1) + "\n"
