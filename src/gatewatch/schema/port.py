"""Ports of remote services: which service a listener is, where its process does not say."""

from __future__ import annotations

_TCP: dict[int, str] = {
    **dict.fromkeys(range(5900, 6000), "vnc"),  # displays; those below that are another service's overrule it
    21: "ftp", 22: "ssh", 23: "telnet", 111: "rpcbind", 135: "wmi", 139: "smb", 445: "smb", 512: "rsh", 513: "rsh", 514: "rsh", 548: "afp",
    541: "fortimanager", 873: "rsync", 1194: "vpn", 1494: "citrix", 1723: "vpn", 2049: "nfs", 2375: "docker_api", 2376: "docker_api",
    2377: "docker_swarm", 2379: "etcd", 2380: "etcd", 2598: "citrix", 3283: "vnc", 3389: "rdp", 4243: "docker_api", 4822: "guacd",
    4899: "radmin", 5800: "vnc", 5938: "teamviewer", 5985: "winrm", 5986: "winrm", 6443: "kube_api", 6568: "anydesk", 7070: "anydesk",
    7844: "cloudflared", 8001: "kube_api", 8040: "screenconnect", 8041: "screenconnect", 9001: "tor", 9030: "tor", 9050: "tor",
    9051: "tor", 9150: "tor", 10250: "kubelet", 10255: "kubelet", 47001: "winrm", 21115: "rustdesk", 21116: "rustdesk", 21117: "rustdesk",
    21118: "rustdesk", 21119: "rustdesk",
}  # fmt: skip
_UDP: dict[int, str] = {
    69: "tftp", 500: "vpn", 1194: "vpn", 1701: "vpn", 3391: "rdgateway", 4500: "vpn", 4501: "vpn", 9993: "zerotier", 41641: "tailscale",
    51820: "vpn", 3389: "rdp",
}  # fmt: skip

GATEWAYS = frozenset({"vpn", "rdgateway", "citrix"})
"""Services made to be reached from outside; what they ask for is what matters."""


def service_of(port: int, protocol: str = "tcp") -> str:
    """Return the remote service usual on *port*; empty when none is.

    >>> service_of(3389), service_of(5901), service_of(5985), service_of(51820, "udp"), service_of(80)
    ('rdp', 'vnc', 'winrm', 'vpn', '')
    """
    return (_UDP if protocol.startswith("udp") else _TCP).get(port, "")


def remote_ports() -> tuple[tuple[str, int], ...]:
    """Return every (protocol, port) of a remote service, in order."""
    return (*(("tcp", port) for port in sorted(_TCP)), *(("udp", port) for port in sorted(_UDP)))
