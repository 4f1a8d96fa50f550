"""A scan as rich as real ones: three incidents, gaps, rejects, attempts. Addresses are from the documentation ranges."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from gatewatch.schema.control import Breaker, Control, Effect, Move, Smallest, Standing, WhatIf, named
from gatewatch.schema.coverage import Coverage, Gap, Unseen
from gatewatch.schema.incidents import Access, Attempts, Evidence, Factor, Hop, Incident, Origin, Scan, Severity, Stage, Technique
from gatewatch.schema.measure import Measure
from gatewatch.schema.records import ClockFault, Disposition, Problem, Reject, Stranger, Tally

NIGHT = datetime(2026, 1, 5, 2, 12, 44, tzinfo=UTC)
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{7*7}}",
    "[bold red]x[/bold red]",
    "\x1b[2J\x1b[31mred\x07",
    "\x9b31m",
    "ad\u202enimda",
    "ze\u200bro",
    "A" * 10_000,
    "=cmd|' /C calc'!A0",
    "</style><style>*{display:none}</style>",
    "</title><svg onload=alert(1)>",
    "line\r\nbreak\ttab",
    "caf\udce9",
)


def at(**given: float) -> datetime:
    return NIGHT + timedelta(**given)


def evidence(record: int, raw: str, file: str = "web1/var/log/auth.log") -> Evidence:
    return Evidence("sshd", "web1:auth", file, record, record * 97, raw)


def control(measure: str, status: str, stage: str, **given: Any) -> Control:
    mitigation, name, number, label = named(Measure(measure))
    usual: dict[str, Any] = {"host": "web1", "service": "ssh", "time": NIGHT, "why": "one factor was enough", "effect": "cuts"}
    usual |= given
    usual["effect"] = Effect(usual["effect"])
    return Control(id=mitigation, name=name, measure=number, label=label, status=Standing(status), stage=stage, **usual)


def guessed() -> Incident:
    failed = "Jan  5 03:{:02d}:{:02d} web1 sshd[4{:03d}]: Failed password for deploy from 203.0.113.9 port 5{:04d} ssh2"
    records = [evidence(1200 + n, failed.format(12 + n * 2, 44 - n, 100 + n, 1000 + n)) for n in range(5)]
    return Incident(
        id="gw-3f2a91c04de1",
        aliases=("gw-77aa01bc9934",),
        chain="an1005-guess-logon-onward",
        chains=("an1005-guess-logon-onward", "an1005-second-door"),
        analytic="AN1005",
        title="SSH password guessed, second door, onward movement",
        verdict="203.0.113.9 guessed the SSH password of deploy on web1, became root, left a key behind and went on to db1.",
        severity=Severity.CRITICAL,
        confidence="high",
        why=(
            Factor("guess ended in a password logon", 4, "412 failures in 9 min, 37 names"),
            Factor("onward movement", 3, "db1 from the same session"),
            Factor("second door", 3, "authorized_keys of root"),
            Factor("first-seen country", 2, "BR"),
            Factor("off hours", 1, "Monday 03:21, hours are 07:00-19:00"),
            Factor("impossible travel", 0, "unknown: fewer than 5 successes of history"),
        ),
        origin=Origin("203.0.113.9", "BR", "public", 64500, "Example Hosting", None, ("203.0.113.77", "2001:db8:5::9")),
        users=("deploy", "root"),
        hosts=("web1", "db1"),
        service="ssh",
        first_seen=NIGHT,
        last_seen=at(hours=19, minutes=41),
        failures=412,
        accepted=at(minutes=8, seconds=23),
        open=True,
        stages=(
            Stage(
                "guess",
                NIGHT,
                at(minutes=8, seconds=21),
                412,
                True,
                "failed logons of 37 names, most for deploy (188) and root (94)",
                tuple(records),
            ),
            Stage(
                "logon",
                at(minutes=8, seconds=23),
                at(minutes=8, seconds=23),
                1,
                True,
                "password accepted for deploy",
                (evidence(1733, "Jan  5 03:21:07 web1 sshd[4188]: Accepted password for deploy from 203.0.113.9 port 51544 ssh2"),),
            ),
            Stage(
                "root",
                at(minutes=12),
                at(minutes=21),
                3,
                True,
                "sudo to root: /usr/bin/bash, /usr/bin/tee, /usr/bin/crontab",
                (evidence(1741, "Jan  5 03:24:44 web1 sudo:   deploy : TTY=pts/0 ; PWD=/home/deploy ; USER=root ; COMMAND=/usr/bin/bash"),),
            ),
            Stage(
                "second door",
                at(minutes=14, seconds=2),
                at(minutes=14, seconds=2),
                1,
                True,
                "a key was added to /root/.ssh/authorized_keys",
                (
                    evidence(
                        88,
                        'type=PATH msg=audit(1767579166.100:512): name="/root/.ssh/authorized_keys" nametype=CREATE',
                        "web1/var/log/audit/audit.log",
                    ),
                ),
            ),
            Stage(
                "onward",
                at(hours=19, minutes=31),
                at(hours=19, minutes=41),
                2,
                False,
                "logon to db1 as root with a key, from web1",
                (
                    evidence(
                        402,
                        "Jan  5 22:43:44 db1 sshd[911]: Accepted publickey for root from 192.0.2.20 port 40022 ssh2",
                        "db1/var/log/auth.log",
                    ),
                ),
            ),
        ),
        path=(
            Hop("203.0.113.9", "web1", "ssh", "deploy", at(minutes=8, seconds=23), "certain"),
            Hop("web1", "root@web1", "sudo", "deploy", at(minutes=12), "certain"),
            Hop("web1", "/root/.ssh/authorized_keys", "second door", "root", at(minutes=14), "certain"),
            Hop("root@web1", "db1", "ssh", "root", at(hours=19, minutes=31), "likely"),
            Hop("db1", "198.51.100.200", "file transfer", "root", at(hours=19, minutes=41), "possible"),
        ),
        attack=(Technique("T1078", "Valid Accounts"), Technique("T1110", "Brute Force"), Technique("T1133", "External Remote Services")),
        mitigations=(
            control(
                "M1032.2", "missing", "logon", proof="only knowledge", then="missing now (2026-01-07), unknown then", fix="ask for two", breaks=True
            ),
            control("M1030.4", "unknown", "onward", host="db1", collect="the rules of db1"),
            control("M1035.1", "unknown", "logon", effect="may cut", collect="sshd -T"),
            control("M1030.5", "present", "logon", proof="nobody reaches it", then="in place now (2026-01-07), unknown then"),
        ),
        moves=(
            Move(
                stage="logon", time=at(minutes=8, seconds=23), kind="auth_success", service="ssh", host="web1", user="deploy", src_ip="203.0.113.9",
                scope="public", method="password", outside=True,
            ),
            Move(stage="onward", time=at(hours=19, minutes=31), kind="auth_success", service="ssh", host="db1.example.org", user="root"),
        ),
        coverage=("web1: sshd, sudo, auditd", "db1: sshd"),
        blind_spots=(
            "db1: commands run without sudo are not logged (no audit log given)",
            "no network flows: volume sent to 198.51.100.200 is unknown",
        ),
        near_misses=("203.0.113.77 stayed 2 failures below the threshold",),
        contain=(
            "Block 203.0.113.9, 203.0.113.77 and 2001:db8:5::9 at the border.",
            "End the open session of deploy on web1: loginctl terminate-session 214.",
            "Lock deploy and root's keys on web1 and db1; remove the key added at 03:26:46 to /root/.ssh/authorized_keys.",
            "Take memory and disk images of web1 before a reboot.",
        ),
        next_steps=(
            "Search all hosts for the added key's fingerprint.",
            "Read db1's shell history of root from 22:43 on.",
            "Turn password logon off on web1.",
        ),
        zone="Europe/Vienna",
    )


def stopped() -> Incident:
    return Incident(
        id="gw-b01c77aa90f2",
        aliases=(),
        chain="an1005-right-password-stopped",
        chains=("an1005-right-password-stopped",),
        analytic="AN1005",
        title="Right password stopped by a second factor",
        verdict="198.51.100.44 knew the password of alice on vpn1 and was stopped by the second factor.",
        severity=Severity.MEDIUM,
        confidence="medium",
        why=(Factor("right password stopped by MFA", 2, "after 31 attempts"), Factor("anonymiser", 2, "")),
        origin=Origin("198.51.100.44", "NL", "public"),
        users=("alice",),
        hosts=("vpn1",),
        service="ssh",
        first_seen=at(days=1),
        last_seen=at(days=1, minutes=4),
        failures=31,
        accepted=None,
        open=None,
        stages=(
            Stage(
                "guess",
                at(days=1),
                at(days=1, minutes=3),
                31,
                True,
                "failed logons of alice",
                (evidence(12, "Jan  6 03:12:44 vpn1 sshd[1]: Failed password for alice from 198.51.100.44 port 1 ssh2"),),
            ),
            Stage(
                "stopped",
                at(days=1, minutes=4),
                at(days=1, minutes=4),
                1,
                True,
                "the second factor was denied",
                (evidence(61, "Jan  6 03:16:44 vpn1 sshd[9]: Postponed keyboard-interactive for alice"),),
            ),
        ),
        path=(),
        attack=(Technique("T1133", "External Remote Services"),),
        mitigations=(control("M1032.2", "present", "stopped", then="in place then: it stopped the logon"),),
        coverage=("vpn1: sshd",),
        blind_spots=(),
        near_misses=(),
        contain=("Change alice's password.",),
        next_steps=("Ask alice where else the password is used.",),
        zone="Europe/Vienna",
    )


def keyed() -> Incident:
    return Incident(
        id="gw-55e1d0c3a7b8",
        aliases=(),
        chain="an1005-watch-listed",
        chains=("an1005-watch-listed",),
        analytic="AN1005",
        title="Watch-listed address logged on",
        verdict="2001:db8:77::5 of the watch list logged on to git1 as git with a key.",
        severity=Severity.HIGH,
        confidence="high",
        why=(Factor("watch list", 4, "fire-2026-01"),),
        origin=Origin("2001:db8:77::5", None, "public", 64511, "Example Transit"),
        users=("git",),
        hosts=("git1",),
        service="ssh",
        first_seen=at(days=2, hours=9),
        last_seen=at(days=2, hours=9, minutes=32),
        failures=0,
        accepted=at(days=2, hours=9),
        open=False,
        stages=(
            Stage(
                "logon",
                at(days=2, hours=9),
                at(days=2, hours=9),
                1,
                True,
                "key accepted for git",
                (evidence(7, "Jan  7 12:12:44 git1 sshd[2]: Accepted publickey for git from 2001:db8:77::5 port 2 ssh2"),),
            ),
        ),
        path=(Hop("2001:db8:77::5", "git1", "ssh", "git", at(days=2, hours=9), "certain"),),
        attack=(Technique("T1133", "External Remote Services"),),
        mitigations=(),
        coverage=("git1: sshd",),
        blind_spots=("git1: no audit log",),
        near_misses=(),
        contain=(),
        next_steps=(),
        zone="UTC",
    )


def access(minute: int, **given: Any) -> Access:
    row: dict[str, Any] = {
        "time": at(minutes=minute),
        "end": at(minutes=minute + 30),
        "open": False,
        "duration_s": 1800.0,
        "user": "deploy",
        "origin_ip": "203.0.113.9",
        "src_host": None,
        "scope": "public",
        "country": "BR",
        "service": "ssh",
        "host": "web1",
        "session": "pid:4188",
        "method": "password",
        "mfa": "unknown",
        "failures_before": 0,
        "first_seen": False,
        "known": False,
        "known_by": None,
        "off_hours": None,
        "followed_by": (),
        "incidents": (),
        "file": "web1/var/log/auth.log",
        "record": 5000 + minute,
    }
    return Access(**(row | given))


def what_if() -> WhatIf:
    def breaker(identity: str, label: str, effort: int, *breaks: str, proved: tuple[str, ...] = (), may: tuple[str, ...] = ()) -> Breaker:
        return Breaker(id=identity, label=label, effort=effort, breaks=breaks, proved=proved, entry=breaks[:1], may=may)

    first, second, third = "gw-3f2a91c04de1", "gw-b01c77aa90f2", "gw-55e1d0c3a7b8"
    return WhatIf(
        incidents=(first, second, third),
        measures=(
            breaker("M1032.2", "Authentication Tools and Methods", 3, first, second, proved=(first,)),
            breaker("M1030.5", "Restrict Traffic with ACLs and Firewalls", 2, first, may=(second,)),
        ),
        mitigations=(breaker("M1032", "Multi-factor Authentication", 3, first, second),),
        smallest=Smallest(("M1032.2",), 3, 0),
        smallest_mitigations=Smallest(("M1032",), 3, 2),
        unbroken=(third,),
    )


def build() -> Scan:
    office = {
        "origin_ip": "198.51.100.10",
        "country": "AT",
        "user": "bob",
        "method": "key",
        "known": True,
        "known_by": "office, owner it@example.org, until 2026-12-31",
    }
    return Scan(
        incidents=[stopped(), guessed(), keyed()],
        access=[
            access(-3000, **office),
            access(
                8,
                open=True,
                end=None,
                duration_s=None,
                failures_before=412,
                first_seen=True,
                off_hours=True,
                followed_by=("sudo/su x3", "file transfer x1"),
                incidents=("gw-3f2a91c04de1",),
            ),
            *(access(600 + n * 60, **office) for n in range(6)),
            access(
                3420,
                origin_ip="2001:db8:77::5",
                country=None,
                user="git",
                host="git1",
                method="key",
                mfa="yes",
                incidents=("gw-55e1d0c3a7b8",),
            ),
        ],
        attempts=[
            Attempts("203.0.113.200", None, "CN", 12_345, 812, 3, at(days=-2), at(days=3)),
            Attempts("198.51.100.77", None, "US", 9_001, 12, 1, at(days=-1), at(days=1)),
            Attempts(None, "scanner.example.net", None, 41, 2, 1, at(days=-1), at(hours=2)),
        ],
        attempts_total=56_789,
        coverage=[
            Coverage("auditd", "web1", "web1:audit", at(days=-2), at(days=3), "UTC", "absolute", 40_122),
            Coverage(
                "sshd",
                "web1",
                "web1:auth",
                at(days=-4),
                at(days=3),
                "Europe/Vienna",
                "year_mtime",
                61_004,
                (Gap(at(days=-3), at(days=-2, hours=-4)), Gap(at(days=1, hours=3), at(days=1, hours=19))),
            ),
            Coverage("sudo", "web1", "web1:auth", at(days=-4), at(days=3), "Europe/Vienna", "year_mtime", 118),
            Coverage(
                "sshd", "db1", "db1:auth", at(days=-1), at(days=3), "Europe/Vienna", "zoned", 2_210, (Gap(at(hours=5), at(hours=18)),)
            ),
            Coverage("utmp", "db1", "db1:wtmp", None, None, "UTC", "absolute", 3),
            Coverage("sshd", "git1", "git1:auth", at(days=-4), at(days=2, hours=12), "UTC", "absolute", 9_001),
            Coverage("sshd", "vpn1", "vpn1:auth", at(days=0), at(days=3), "Europe/Vienna", "zoned", 811),
        ],
        unseen=[
            Unseen(
                "db1: commands run without sudo, files touched",
                "no audit log of this host was given",
                "ausearch --raw -i > audit.txt, or copy /var/log/audit/audit.log*",
            ),
            Unseen(
                "git1: use of root rights", "no sudo or su record of this host was given", "journalctl -o json -t sudo -t su > sudo.json"
            ),
        ],
        tallies=[
            Tally("web1/var/log/auth.log", "sshd", Disposition.USED, "", 61_004),
            Tally("web1/var/log/auth.log", "sshd", Disposition.IGNORED, "key exchange chatter", 2_314),
            Tally("web1/var/log/auth.log", "sudo", Disposition.USED, "", 118),
            Tally("web1/var/log/auth.log", None, Disposition.UNRECOGNISED, "program CRON", 5_210),
            Tally("web1/var/log/audit/audit.log", "auditd", Disposition.USED, "", 40_122),
            Tally("db1/var/log/auth.log", "sshd", Disposition.USED, "", 2_210),
            Tally("db1/var/log/auth.log", "sshd", Disposition.REJECTED, "no time", 2),
            Tally("git1/auth.log.1.gz", "sshd", Disposition.USED, "", 9_001),
            Tally("vpn1/auth.log", "sshd", Disposition.USED, "", 811),
            Tally("db1/var/log/wtmp", "utmp", Disposition.USED, "", 3),
        ],
        rejects=[
            Reject("db1/var/log/auth.log", 17, 1_650, "no time", "Jan 32 25:61:00 db1 sshd[1]: Failed password for \x1b[31mroot"),
            Reject("db1/var/log/auth.log", 18, 1_730, "no time", "\x00\x00\x00"),
        ],
        problems=[
            Problem("old/auth.log.4.gz", "the archive is cut short after 812 records", "data"),
            Problem("secure-20251230.xz", "no right to read", "user", fatal=True),
        ],
        clock_faults=[ClockFault("db1:auth", "db1/var/log/auth.log", 911, "2026-01-04T23:10:00Z", "2026-01-04T19:02:11Z")],
        records=120_795,
        bytes=14_002_311,
        zone="Europe/Vienna",
        site="example",
        notes=["the year of web1/var/log/auth.log comes from the file's date"],
        version="0.1.0",
        what_if=what_if(),
        techniques={"T1110": "observed", "T1133": "observed", "T1219": "detectable", "T1610": "blind"},
        strangers=[
            Stranger("web1/app.log", "program", "app\x1b[31m", 1_204, 3, "<b>hi</b> \x1b]0;x\x07", "sshd", "its text reads like sshd"),
            Stranger("web1/data.bin", "binary", "", 1, 0, "", None, "binary data of no format we know"),
        ],
        extra={"attempt_sources": 1234, "programs": {"sshd": 73_026, "CRON": 5_210}},
    )


def quiet(**given: Any) -> Scan:
    empty: dict[str, Any] = {
        "incidents": [],
        "access": [],
        "attempts": [],
        "attempts_total": 0,
        "coverage": [],
        "unseen": [],
        "tallies": [],
        "rejects": [],
        "problems": [],
        "clock_faults": [],
        "records": 0,
        "bytes": 0,
        "zone": "UTC",
        "site": "",
    }
    return Scan(**(empty | given))


def poison(value: Any, bad: str) -> Any:
    """Return *value* with every free text replaced by *bad*; severities, zones and dispositions stay what their types allow."""
    if isinstance(value, msgspec.Struct):
        fields = {name: getattr(value, name) for name in value.__struct_fields__}
        return type(value)(
            **{name: field if name in {"zone", "severity", "disposition"} else poison(field, bad) for name, field in fields.items()}
        )
    if isinstance(value, dict):
        return {
            poison(key, bad)
            if isinstance(key, str) and key not in {"attempt_sources", "programs", "id", "name", "status"}
            else key: poison(item, bad)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return type(value)(poison(item, bad) for item in value)
    return bad if type(value) is str else value


@pytest.fixture
def scan() -> Scan:
    return build()


@pytest.fixture
def empty_scan() -> Callable[..., Scan]:
    return quiet


@pytest.fixture(params=HOSTILE, ids=[str(number) for number in range(len(HOSTILE))])
def hostile(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def poisoned() -> Callable[[str], Scan]:
    """Return a maker of the rich scan with the string given in place of every free text."""

    def make(bad: str) -> Scan:
        result = poison(build(), bad)
        assert isinstance(result, Scan)
        return result

    return make


@pytest.fixture
def hostile_scan(poisoned: Callable[[str], Scan], hostile: str) -> Scan:
    return poisoned(hostile)
