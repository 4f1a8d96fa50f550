from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import polars as pl
import pytest

import gatewatch.sinks
from gatewatch.errors import UsageError
from gatewatch.schema import events as ev
from gatewatch.schema.incidents import Scan
from gatewatch.sinks.audit_registry import AUDIT_SINKS
from gatewatch.sinks.registry import ACCESS_FORMATS, EVENT_WRITERS, SINKS, check_outputs, deliver, deliver_access, deliver_events, names
from gatewatch.sinks.target import SCAN_FORMATS


def test_every_sink_and_event_writer_of_the_folder_is_registered() -> None:
    modules = [import_module(f"gatewatch.sinks.{found.name}") for found in iter_modules(gatewatch.sinks.__path__)]
    kinds = {
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type)
        and value.__module__ == module.__name__
        and callable(getattr(value, "write", None))
        and value.__name__ not in {"Sink", "AuditSink"}
    }
    assert kinds == {type(sink) for sink in (*SINKS, *AUDIT_SINKS)}
    writers = {module.write for module in modules if module.__name__.rsplit(".", 1)[1].startswith("events_") and hasattr(module, "write")}
    assert writers == set(EVENT_WRITERS.values())


def test_names_are_unique_and_titled() -> None:
    assert names() == ["console", "jsonl", "csv", "html", "stix", "navigator"] == [*SCAN_FORMATS]
    assert all(sink.title for sink in SINKS)


def test_several_outputs_at_once(scan: Scan, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    deliver(scan, ["console", *(f"{name}:{tmp_path / name}" for name in names()[1:])])
    shown = capsys.readouterr().out
    assert shown.startswith("gatewatch  3 incidents")
    assert "\x1b" not in shown
    assert sorted(path.name for path in tmp_path.iterdir()) == ["csv", "html", "jsonl", "navigator", "stix"]
    assert len((tmp_path / "jsonl").read_text().splitlines()) == 4  # the incidents, and what the measures would have done
    assert b"\r\r" not in (tmp_path / "csv").read_bytes()


def test_outputs_are_checked_before_any_work() -> None:
    with pytest.raises(UsageError, match="choose one of console, jsonl, csv, html"):
        check_outputs(["pdf"])
    with pytest.raises(UsageError, match="choose one of jsonl, csv, parquet, ocsf"):
        deliver_events(_untouched(), "html")


def _untouched() -> Iterator[pl.DataFrame]:
    pytest.fail("read before the output was checked")
    yield ev.empty()


def test_access_goes_where_it_is_sent(scan: Scan, tmp_path: Path) -> None:
    for form in ACCESS_FORMATS:
        deliver_access(scan, f"{form}:{tmp_path / form}")
    assert len((tmp_path / "jsonl").read_text().splitlines()) == len(scan.access)


def test_a_failing_run_leaves_no_file(tmp_path: Path) -> None:
    def broken() -> Iterator[pl.DataFrame]:
        yield ev.empty("user").vstack(pl.DataFrame({"user": ["root"]}))
        raise RuntimeError

    for form in ("jsonl", "csv", "ocsf"):
        with pytest.raises(RuntimeError):
            deliver_events(broken(), f"{form}:{tmp_path / form}")
    assert list(tmp_path.iterdir()) == []


def test_events_go_where_they_are_sent(tmp_path: Path) -> None:
    deliver_events(iter([pl.DataFrame({"user": ["root"]})]), f"jsonl:{tmp_path / 'events'}")
    assert json.loads((tmp_path / "events").read_text()) == {"user": "root"}
