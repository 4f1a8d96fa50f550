"""The real kernel as an oracle: rules loaded in a private network namespace, datagrams sent over its loopback, what arrives is let through."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

Probe = tuple[str, str, int]  # source, destination, port

_SENDER = textwrap.dedent(
    """
    import json, socket, subprocess, sys
    task = json.load(sys.stdin)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for command, text in task["load"]:
        subprocess.run(command, input=text.encode(), check=True)
    shown = [subprocess.run(command, check=True, capture_output=True).stdout.decode() for command in task["show"]]
    servers = {}
    for port in task["ports"]:
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind(("0.0.0.0", port))
        server.setblocking(False)
        servers[port] = server
    arrived = []
    for source, target, port in task["probes"]:
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.bind((source, 0))
        try:
            client.sendto(b"x", (target, port))
        except OSError:  # the sender is told at once of what is rejected
            pass
        client.close()
        got = []
        for number, server in servers.items():
            try:
                server.recv(1)
                got.append(number)
            except OSError:
                pass
        arrived.append(got)
    json.dump({"arrived": arrived, "shown": shown}, sys.stdout)
    """
)


def needs(*programs: str) -> None:
    """Skip where a program is missing or the kernel forbids private namespaces."""
    for program in ("unshare", "ip", *programs):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    if subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode:
        pytest.skip("the kernel forbids private namespaces")


def ask(load: list[tuple[list[str], str]], show: list[list[str]], ports: list[int], probes: list[Probe]) -> tuple[list[list[int]], list[str]]:
    """Return the ports each probe arrived at, and what the *show* commands print."""
    task = json.dumps({"load": load, "show": show, "ports": ports, "probes": probes})
    command = ["unshare", "-rn", sys.executable, "-c", _SENDER]
    done = subprocess.run(command, input=task, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    return made["arrived"], made["shown"]


CASES = Path(__file__).parent / "cases"
