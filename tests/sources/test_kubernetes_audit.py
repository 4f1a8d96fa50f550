"""Kubernetes audit events beyond single records: stages, batches, components read unread, and the public samples."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from document_sample import WANTED, frame

from gatewatch.canonical.container_access import merge_requests
from gatewatch.intake.json_record import frame_block
from gatewatch.intake.line import Block
from gatewatch.sources import kubernetes_audit
from gatewatch.sources.kubernetes_audit import COMPONENT, ENDED, SOURCE

PUBLIC = Path(__file__).parents[3] / "shared" / "data"
NAME = "kubernetes-audit"


def event(minute: float, **kw: Any) -> dict[str, Any]:
    """An event as the API server writes it, *minute* minutes after eight."""
    stamp = f"2026-01-05T{8 + int(minute) // 60:02}:{int(minute) % 60:02}:{int(minute * 60) % 60:02}.000000Z"
    base: dict[str, Any] = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": f"id-{minute}",
        "stage": "ResponseComplete",
        "requestURI": "/api/v1/namespaces/shop/pods/web-1",
        "verb": "get",
        "user": {"username": "ann", "groups": ["dev"]},
        "sourceIPs": ["203.0.113.9"],
        "userAgent": "kubectl/v1.31.0",
        "objectRef": {"resource": "pods", "namespace": "shop", "name": "web-1", "apiVersion": "v1"},
        "responseStatus": {"metadata": {}, "code": 200},
        "requestReceivedTimestamp": stamp,
        "stageTimestamp": stamp,
    }
    return base | kw


def exec_of(minute: float, stage: str = "ResponseStarted", **kw: Any) -> dict[str, Any]:
    ref = {"resource": "pods", "namespace": "shop", "name": "web-1", "apiVersion": "v1", "subresource": "exec"}
    return event(minute, stage=stage, objectRef=ref, responseStatus={"code": 101}, **kw)


def decoded(events: list[dict[str, Any]], *cuts: int, wanted: Any = WANTED) -> pl.DataFrame:
    """The events of a log cut into batches before the places *cuts*."""
    records = frame([(NAME, json.dumps(one, separators=(",", ":"))) for one in events])
    edges = [0, *cuts, len(events)]
    parts = [SOURCE.decode(records.slice(low, high - low), wanted).events for low, high in pairwise(edges) if high > low]
    return merge_requests(pl.concat(parts, how="diagonal"))


def told(table: pl.DataFrame) -> list[tuple[Any, ...]]:
    return table.select("record", "kind", "pattern", "user", "src_ip", "session").rows()


def test_a_stream_counts_once_when_it_begins() -> None:
    begun, ended = exec_of(1), exec_of(1, "ResponseComplete", stageTimestamp="2026-01-05T09:59:00Z")
    records = frame([(NAME, json.dumps(one)) for one in (begun, ended)])
    outcome = SOURCE.decode(records)
    assert outcome.ignored == {ENDED: 1}
    assert outcome.events.filter(pl.col("kind") == "container_exec")["record"].to_list() == [1]


@pytest.mark.parametrize("stage", ["ResponseStarted", "ResponseComplete", "Panic", ""])
def test_a_stream_counts_whatever_stage_a_policy_leaves(stage: str) -> None:
    assert "container_exec" in decoded([exec_of(1, stage)])["kind"].to_list()


def test_one_access_for_a_quarter_of_an_hour() -> None:
    log = [event(minute) for minute in (0, 1, 14.9, 15, 29, 31)] + [event(2, userAgent="curl"), event(3, sourceIPs=["198.51.100.7"])]
    table = decoded(log)
    assert table["record"].to_list() == [1, 4, 6, 7, 8]
    assert set(table["pattern"]) == {"api-access"}


def test_how_the_log_is_cut_changes_nothing() -> None:
    log = [event(0), exec_of(1), event(2), exec_of(1, "ResponseComplete"), event(16), event(17), exec_of(20), exec_of(20, "ResponseComplete")]
    whole = told(decoded(log))
    assert [row[1] for row in whole].count("container_exec") == 2
    for cut in range(1, len(log)):
        assert told(decoded(log, cut)) == whole
    assert told(decoded(log, *range(1, len(log)))) == whole


NODE = {"user": {"username": "system:node:node-1"}, "sourceIPs": ["10.0.0.11"], "userAgent": "kubelet/v1.31.0"}
IDLE = [
    event(1, **NODE),
    event(2, **NODE | {"user": {"username": "system:serviceaccount:kube-system:coredns", "uid": "1", "groups": ["a"]}}),
    event(3, **NODE, requestURI='/api/v1/pods?x=\\"verb\\":'),
    event(4, **NODE, objectRef={"resource": "pods", "name": "web-1", "apiVersion": "v1", "subresource": "log"}),
]
BUSY = [
    event(1, **NODE | {"sourceIPs": ["203.0.113.9"]}),
    event(2, **NODE | {"user": {"username": "system:serviceaccount:shop:web"}}),
    event(3, **NODE, objectRef={"resource": "secrets", "name": "db", "apiVersion": "v1"}),
    exec_of(4, **NODE),
    event(5, **NODE | {"userAgent": "curl/8.5.0"}),
    event(6, **NODE, verb="create"),
    event(7, **NODE | {"sourceIPs": ["10.0.0.11", "203.0.113.9"]}),
]


@pytest.mark.parametrize("one", IDLE)
def test_reads_of_components_are_passed_over_unread(one: dict[str, Any]) -> None:
    records = frame([(NAME, json.dumps(one, separators=(",", ":")))])
    assert SOURCE.decode(records, WANTED).ignored == {COMPONENT: 1}
    assert SOURCE.decode(records).events["pattern"].to_list() == ["component"]


@pytest.mark.parametrize("one", BUSY)
def test_what_only_resembles_them_is_read(one: dict[str, Any]) -> None:
    records = frame([(NAME, json.dumps(one, separators=(",", ":")))])
    assert SOURCE.decode(records, WANTED).ignored == {}


def test_the_body_of_a_request_makes_no_other_record_of_it() -> None:
    body = {
        "metadata": {"annotations": {"eventType": "user.session.start", "EventID": "4624"}},
        "output_fields": {},
        "class_uid": 3002,
        "Actor": {"ID": "1"},
        "Event": {"System": {"EventID": 4624, "Channel": "Security", "Provider": {"@Name": "Microsoft-Windows-Security-Auditing"}}},
        "EventID": 4624,
        "Channel": "Security",
        "awsRegion": "eu-central-1",
        "@timestamp": "2026-01-05T12:00:00Z",
    }
    text = json.dumps(event(1, verb="create", requestObject=body), separators=(",", ":"))
    framed = [batch.records for batch in frame_block(Block(f"{text}\n".encode(), len(text) + 1, 0), None)]
    assert [row["program"] for table in framed for row in table.iter_rows(named=True)] == [NAME]


def public() -> list[tuple[str, bool | None, str, dict[str, Any]]]:
    """The public events: file, whether it is labelled suspicious, name, event."""
    found: list[tuple[str, bool | None, str, dict[str, Any]]] = []
    for path in sorted((PUBLIC / "kubernetes" / "panther").glob("*.ndjson")):
        for line in path.read_text().splitlines():
            row = json.loads(line)
            found.append((path.name, row["suspicious"], row["name"], row["event"]))
    for path in [*sorted((PUBLIC / "kubernetes" / "falco").glob("*.json")), *sorted((PUBLIC / "hub").glob("k8s-*/*.log"))]:
        text = path.read_text().strip()
        lines = [text] if text.count("\n") and not text.splitlines()[0].endswith("}") else text.splitlines()
        found += [(path.name, None, path.stem, json.loads(line)) for line in lines]
    return found


EVENTS = public()
NO_REQUEST = {("gcp_k8s_ioc_activity.ndjson", "triggers"), ("gcp_k8s_ioc_activity.ndjson", "ignore"), ("fal_01_003.json", "fal_01_003")} | {
    ("gcp_k8s_cron_job_created_or_modified.ndjson", "fail")
}
"""No request to a cluster: a producer's name alone, ``{"kind": 0}``, a cloud function."""


@pytest.mark.skipif(not EVENTS, reason="the public samples are not here")
def test_public_events_decode() -> None:
    for file, _, name, one in EVENTS:
        outcome = SOURCE.decode(frame([(NAME, json.dumps(one))]))
        if (file, name) in NO_REQUEST:
            assert outcome.rejected.height == 1
            continue
        assert outcome.used == 1, f"{file}: {name}"
        assert outcome.events.height, f"{file}: {name}"
        said = json.dumps(one).replace('\\"', '"')
        for row in outcome.events.iter_rows(named=True):
            assert row["src_ip"] is None or f'"{row["src_ip"]}"' in said
            assert row["user"] is None or row["user"].split("@")[0] in said.lower()


@pytest.mark.skipif(not EVENTS, reason="the public samples are not here")
def test_a_scan_of_public_events_tells_the_same() -> None:
    for _, _, _, one in EVENTS:
        records = frame([(NAME, json.dumps(one, separators=(",", ":")))])
        kept = SOURCE.decode(records).events.filter(pl.col("kind") != "connection")
        scanned = SOURCE.decode(records, WANTED).events
        assert scanned.height == kept.height
        if kept.height:
            assert scanned.select("kind", "pattern", "user").rows() == kept.select("kind", "pattern", "user").rows()


def test_every_access_pattern_is_known_to_the_merger() -> None:
    assert set(kubernetes_audit.ACCESS) < {"api-access", "anonymous-access", "kubelet-access"}
