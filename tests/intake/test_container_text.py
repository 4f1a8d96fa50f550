"""Text of container daemons without a syslog header, and audit events behind a stamp, through the whole scan of records."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gatewatch.app import scan
from gatewatch.intake.line import Block, read_lines
from gatewatch.intake.syslog import Framer
from gatewatch.schema.records import Disposition

KUBELET = 'httplog.go:134] "HTTP" verb="GET" URI="/pods" latency="1s" userAgent="x" srcIP="203.0.113.9:40000" resp=200'
EVENT = (
    '{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"a","stage":"ResponseComplete","requestURI":"/api/v1/pods",'
    '"verb":"list","user":{"username":"ann"},"sourceIPs":["203.0.113.9"],"objectRef":{"resource":"pods"},"responseStatus":{"code":200},'
    '"requestReceivedTimestamp":"2026-01-05T12:00:00.000000Z"}'
)
DOCKER = "container exec_create: sh -c id 1f2e3d4c5b6a (execID=77aa, image=alpine, name=web)"
FALCO = "Notice A shell was spawned in a container with an attached terminal | user=root process=bash command=bash"
LISTEN = 'level=info msg="API listen on [::]:2375"'


def framed(*lines: str) -> list[tuple[object, object, str | None, str | None, str]]:
    data = "".join(f"{line}\n" for line in lines).encode()
    table = Framer().frame(read_lines(Block(data, len(data), 0))).records
    return [(row["time"], row["local"], row["program"], row["pid"], row["message"]) for row in table.iter_rows(named=True)]


NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
CLOCK = datetime(2000, 1, 5, 12)  # noqa: DTZ001 - a stamp without year and zone


@pytest.mark.parametrize(
    ("line", "time", "local", "program", "message"),
    [
        (f"I0105 12:00:00.000000    1234 {KUBELET}", None, CLOCK, "klog", KUBELET),
        (f"2026-01-05T12:00:00.000000000Z stderr F I0105 12:00:00.000000    1234 {KUBELET}", NOON, None, "klog", KUBELET),
        (f'time="2026-01-05T12:00:00.000000000Z" {LISTEN}', NOON, None, "logfmt", LISTEN),
        (f'time="2026-01-05T13:00:00+01:00" {LISTEN}', NOON, None, "logfmt", LISTEN),
        (f'2026-01-05T12:00:01Z stdout F time="2026-01-05T12:00:00Z" {LISTEN}', NOON, None, "logfmt", LISTEN),
        (f"2026-01-05T12:00:00.000Z {EVENT}", NOON, None, "kubernetes-audit", EVENT),
        (f"2026-01-05T12:00:00.000Z stdout F {EVENT}", NOON, None, "kubernetes-audit", EVENT),
        (f"2026-01-05T12:00:00.000000000Z {DOCKER}", NOON, None, "docker-events", DOCKER),
        (f"2026-01-05T13:00:00.000000000+01:00 {DOCKER}", NOON, None, "docker-events", DOCKER),
        (f"2026-01-05T12:00:00.000000000+0000: {FALCO}", NOON, None, "falco-text", FALCO),
        (f"2026-01-05T12:00:07Z stdout F 2026-01-05T12:00:00.000000000+0000: {FALCO}", NOON, None, "falco-text", FALCO),
        (f"2026-01-05T12:00:00.000000000Z stdout F 12:00:00.000000000: {FALCO}", NOON, None, "falco-text", f"12:00:00.000000000: {FALCO}"),
        (f"12:00:00.000000000: {FALCO}", None, None, "falco-text", f"12:00:00.000000000: {FALCO}"),
    ],
)
def test_lines_are_framed(line: str, time: datetime | None, local: datetime | None, program: str, message: str) -> None:
    assert [(row[0], row[1], row[2], row[4]) for row in framed(line)] == [(time, local, program, message)]


@pytest.mark.parametrize("stamp", ["I1305 12:00:00.000000", "I0131 25:00:00.000000", "Ixx05 12:00:00.000000", "I0105 12:00:00"])
def test_impossible_stamps_are_no_header(stamp: str) -> None:
    assert framed(f"{stamp}    1234 a.go:1] x") == []


def test_the_order_of_mixed_lines_is_kept() -> None:
    lines = [f"I0105 12:00:00.000000    1 {KUBELET}", f'time="2026-01-05T12:00:00Z" {LISTEN}', f"2026-01-05T12:00:00Z {EVENT}"] * 2
    assert [row[2] for row in framed(*lines)] == ["klog", "logfmt", "kubernetes-audit"] * 2


def of(hour: int) -> str:
    return EVENT.replace("T12:", f"T{hour:02}:")


def test_plain_files_reach_their_sources(tmp_path: Path) -> None:
    (tmp_path / "x1").write_text(f"I0105 12:00:00.000000    1234 {KUBELET}\n")
    (tmp_path / "x2").write_text(f'time="2026-01-05T12:00:00Z" {LISTEN}\n')
    (tmp_path / "x3").write_text(f"2026-01-05T13:00:00.000Z {of(13)}\n")
    (tmp_path / "x4").write_text(f"{of(14)}\n")
    (tmp_path / "x5").write_text(f'{{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{{}},"items":[{of(15)},{of(16)}]}}\n')
    (tmp_path / "x6").write_text(f"Jan  5 12:00:00 master1 k8s-audit: {of(17)}\n")
    result = scan([str(tmp_path)], year=2026)
    found = {Path(tally.file).name: (tally.source, tally.count) for tally in result.tallies if tally.disposition is Disposition.USED}
    assert found == {
        "x1": ("kubernetes-kubelet", 1),
        "x2": ("docker-daemon", 1),
        "x3": ("kubernetes-audit", 1),
        "x4": ("kubernetes-audit", 1),
        "x5": ("kubernetes-audit", 2),
        "x6": ("kubernetes-audit", 1),
    }
    assert sorted(row.time.hour for row in result.access if (row.user, row.service) == ("ann", "kube_api")) == [13, 14, 15, 16, 17]
