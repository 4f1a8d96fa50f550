"""Write a large, deterministic sshd log in classic syslog framing.

A third of the lines are password failures, the rest are their PAM lines, disconnects and pre-authentication noise; one line in
a thousand is an accepted logon. Sources follow a heavy-tailed draw, as the internet's do.
"""

from __future__ import annotations

import argparse
import random
from datetime import datetime, timedelta
from pathlib import Path

START = datetime(2026, 3, 1)  # noqa: DTZ001 - the log itself carries no zone
HOST = "gate01"
USERS = [
    *("root", "admin", "test", "user", "oracle", "postgres", "ubuntu", "git", "nagios"),
    *("ftp", "guest", "deploy", "mysql", "www", "tomcat", "hadoop", "jenkins", "pi"),
    *(f"user{i:03d}" for i in range(400)),
]
STAFF = [f"staff{i:02d}" for i in range(40)]


def lines(count: int, seed: int) -> list[str]:
    """Return *count* log lines; the same arguments give the same lines."""
    rng = random.Random(seed)
    pool = [f"{rng.randint(1, 223)}.{rng.randint(0, 255)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}" for _ in range(20000)]
    homes = [f"198.51.100.{i}" for i in range(1, 41)]
    out: list[str] = []
    now, pid = START, 1000
    step = timedelta(days=25) / max(count, 1)
    draw = rng.random
    while len(out) < count:
        now += step * 4
        stamp = f"{now:%b} {now.day:2d} {now:%H:%M:%S} {HOST} sshd[{pid}]: "
        pid = pid + 1 if pid < 4_000_000 else 1000
        address = pool[int(len(pool) * draw() ** 3)]
        port = 1024 + int(draw() * 64000)
        user = USERS[int(len(USERS) * draw() ** 2)]
        roll = draw()
        if roll < 0.004:
            user, address = rng.choice(STAFF), rng.choice(homes)
            out.append(f"{stamp}Accepted password for {user} from {address} port {port} ssh2")
            out.append(f"{stamp}pam_unix(sshd:session): session opened for user {user}(uid=1000) by (uid=0)")
            out.append(f"{stamp}Received disconnect from {address} port {port}:11: disconnected by user")
            out.append(f"{stamp}pam_unix(sshd:session): session closed for user {user}")
        elif roll < 0.9:
            invalid = draw() < 0.5
            name = f"invalid user {user}" if invalid else user
            tail = f"rhost={address} " if invalid else f"rhost={address}  user={user}"
            auth = f"{stamp}pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= {tail}"
            failed = f"{stamp}Failed password for {name} from {address} port {port} ssh2"
            if invalid:
                out.append(f"{stamp}Invalid user {user} from {address} port {port}")
            out.append(auth)
            out.append(failed)
            if draw() < 0.35:
                out.append(auth)
                out.append(failed)
            if draw() < 0.6:
                out.append(f"{stamp}Received disconnect from {address} port {port}:11: Bye Bye [preauth]")
            who = f"invalid user {user}" if invalid else f"authenticating user {user}"
            if draw() < 0.45:
                out.append(f"{stamp}Disconnected from {who} {address} port {port} [preauth]")
        else:
            out.append(f"{stamp}Connection closed by {address} port {port} [preauth]")
            if draw() < 0.5:
                out.append(f"{stamp}error: kex_exchange_identification: Connection closed by remote host")
    return out[:count]


def main() -> None:
    """Read the arguments, write the file, print its size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("lines", type=int, nargs="?", default=5_000_000)
    parser.add_argument("seed", type=int, nargs="?", default=1)
    given = parser.parse_args()
    target, count, seed = given.out, given.lines, given.seed
    block = 500_000
    with target.open("w", encoding="ascii") as handle:
        for line in lines(count, seed):
            handle.write(line + "\n")
    print(f"{target}: {count:,} lines, {target.stat().st_size:,} bytes, block {block}")


if __name__ == "__main__":
    main()
