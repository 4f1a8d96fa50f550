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

_READY = textwrap.dedent(
    """
    import json, select, socket, subprocess, sys

    def ready(task):
        for command, text in task["load"]:
            subprocess.run(command, input=text.encode(), check=True)
        shown = [subprocess.run(command, check=True, capture_output=True).stdout.decode() for command in task["show"]]
        servers = {}
        for port in task["ports"]:
            server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            server.bind(("0.0.0.0", port))
            server.setblocking(False)
            servers[server] = port
        return shown, servers
    """
)
"""Load the rules, and open the ports they are asked for."""

_SENDER = _READY + textwrap.dedent(
    """
    task = json.load(sys.stdin)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    shown, servers = ready(task)
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
        for server, number in servers.items():
            try:
                server.recv(1)
                got.append(number)
            except OSError:
                pass
        arrived.append(got)
    json.dump({"arrived": arrived, "shown": shown}, sys.stdout)
    """
)

_GATEWAY = _READY + textwrap.dedent(
    """
    client = '''
    import socket, subprocess, sys
    print("here", flush=True)
    sys.stdin.readline()
    for command in (["link", "set", "lo", "up"], ["link", "set", "far", "up"], ["route", "add", "default", "via", "10.9.0.1"]):
        if command[0] == "route":
            for number in range(2, 14):
                subprocess.run(["ip", "address", "add", f"10.9.0.{number}/24", "dev", "far"], check=True)
        subprocess.run(["ip", *command], check=True)
    subprocess.run(["ip", "neighbour", "add", "10.9.0.1", "lladdr", "02:00:00:00:00:01", "dev", "far"], check=True)
    print("ready", flush=True)
    for number, line in enumerate(sys.stdin):
        source, target, port = line.split()
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sender.bind((source, 0))
        try:
            sender.sendto(b"%d" % number, (target, int(port)))
        except OSError:
            pass
        sender.close()
        print("sent", flush=True)
    '''
    task = json.load(sys.stdin)
    other = subprocess.Popen(["unshare", "-n", sys.executable, "-c", client], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    other.stdout.readline()
    run = lambda *words: subprocess.run(["ip", *words], check=True)
    run("link", "set", "lo", "up")
    run("link", "add", "near", "type", "veth", "peer", "name", "far", "netns", str(other.pid))
    run("link", "set", "near", "address", "02:00:00:00:00:01")
    run("address", "add", "10.9.0.1/24", "dev", "near")
    run("address", "add", "10.8.0.1/32", "dev", "lo")
    run("address", "add", "10.8.0.2/32", "dev", "lo")
    run("link", "set", "near", "up")
    shown, servers = ready(task)
    other.stdin.write("go\\n")
    other.stdin.flush()
    other.stdout.readline()
    for source, target, port in task["probes"]:
        other.stdin.write(f"{source} {target} {port}\\n")
        other.stdin.flush()
        other.stdout.readline()
    arrived = [[] for _ in task["probes"]]
    while True:
        ready = select.select(list(servers), [], [], 0.3)[0]
        if not ready:
            break
        for server in ready:
            arrived[int(server.recv(16))].append(servers[server])
    other.stdin.close()
    json.dump({"arrived": arrived, "shown": shown}, sys.stdout)
    """
)
"""Probes from another namespace over a pair of interfaces, ``near`` and ``far``: what comes in passes the translations of ``prerouting``."""


def needs(*programs: str) -> None:
    """Skip where a program is missing or the kernel forbids private namespaces."""
    for program in ("unshare", "ip", *programs):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    if subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode:
        pytest.skip("the kernel forbids private namespaces")


def ask(
    load: list[tuple[list[str], str]], show: list[list[str]], ports: list[int], probes: list[Probe], *, outside: bool = False
) -> tuple[list[list[int]], list[str]]:
    """Return the ports each probe arrived at, and what the *show* commands print; *outside*: the probes come from another namespace."""
    task = json.dumps({"load": load, "show": show, "ports": ports, "probes": probes})
    command = ["unshare", "-rn", sys.executable, "-c", _GATEWAY if outside else _SENDER]
    done = subprocess.run(command, input=task, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    return made["arrived"], made["shown"]


CASES = Path(__file__).parent / "cases"
