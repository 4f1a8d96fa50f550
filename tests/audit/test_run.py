"""The runner: nothing passes on silence, nothing a file or a check does stops an audit, every outcome has its exit code."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from audit_case import CASES
from typer.testing import CliRunner

from gatewatch import app as verbs
from gatewatch.audit.check import Check, Ground, Need, Verdict, nist
from gatewatch.audit.registry import CHECKS
from gatewatch.audit.run import EVERYWHERE, run, table
from gatewatch.cli.main import app
from gatewatch.engines import posture
from gatewatch.evidence.document import Document
from gatewatch.evidence.format import SURE, Format
from gatewatch.evidence.reading import bundles, read
from gatewatch.exits import Exit
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.machine import Listener, Machine, System
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure
from gatewatch.schema.records import Disposition
from gatewatch.site.model import Site

TODAY = date(2026, 6, 1)
GROUND = Ground(Site.default(), TODAY)


def check(judge, *, systems: tuple[System, ...] = ()) -> Check:
    return Check(
        id="M1030.5-99",
        title="t",
        about="a",
        measures=(Measure.FIREWALL,),
        severity=Severity.HIGH,
        needs=(Need((Listener,), "ss -lntup", systems=systems),),
        judge=judge,
        remediation=Remediation("r"),
        mappings=nist("SC-7"),
    )


def facts(*found) -> Facts:
    made = Facts()
    made.add(found)
    return made


LISTENER = Listener(host="a", address="*", port=22)


def passing(found: Facts, _ground: Ground) -> Iterator[Verdict]:
    for one in found.of(Listener):
        yield Verdict(status=Status.PASS, host=one.host, message="good")


def test_a_check_that_says_nothing_is_an_error() -> None:
    [finding] = run(facts(LISTENER), GROUND, [check(lambda _facts, _ground: [])])
    assert finding.status is Status.ERROR and finding.open


@pytest.mark.parametrize("error", [KeyError("x"), TypeError("x"), ValueError("x"), ZeroDivisionError(), AttributeError("x"), RecursionError()])
def test_a_check_that_fails_is_an_error_and_the_others_go_on(error: Exception) -> None:
    def broken(_facts: Facts, _ground: Ground) -> Iterator[Verdict]:
        yield Verdict(status=Status.PASS, host="a", message="so far")
        raise error

    found = run(facts(LISTENER), GROUND, [check(broken), check(passing)])
    assert [one.status for one in found] == [Status.ERROR, Status.PASS]


def test_without_evidence_every_automated_check_is_unknown_and_says_what_to_collect() -> None:
    found = run(Facts(), GROUND, CHECKS)
    for finding in found:
        automated = next(one.automated for one in CHECKS if one.id == finding.check)
        assert finding.status is (Status.UNKNOWN if automated else Status.MANUAL), finding
        assert not automated or finding.collect
    assert {row.measure for row in table(found, CHECKS)} == set(Measure)


def test_a_machine_without_the_evidence_is_unknown_by_itself() -> None:
    machines = [Machine(host=name, system=System.LINUX) for name in ("a", "b")] + [Machine(host="c", system=System.WINDOWS)]
    found = run(facts(LISTENER, *machines), GROUND, [check(passing, systems=(System.LINUX,))])
    assert [(one.host, one.status) for one in found] == [("b", Status.UNKNOWN), ("a", Status.PASS)]


def test_a_format_that_fails_costs_its_files_and_is_said() -> None:
    def broken(_documents, _bundle):
        raise KeyError("oops")
        yield

    form = Format("broken", "t", lambda _document: SURE, broken, "c")
    [bundle] = bundles([Document("h/x", "x", "h", b"text")])
    [file] = read(bundle, [form]).files
    assert file.disposition is Disposition.REJECTED and "please report" in file.reason


def archive(kind: str, folder: Path) -> bytes:
    out = io.BytesIO()
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if kind == "zip":
        with zipfile.ZipFile(out, "w") as made:
            for path in files:
                made.write(path, path.relative_to(folder))
            made.writestr("../../escape/etc/hostname", "elsewhere\n")
    else:
        with tarfile.open(fileobj=out, mode="w:gz") as made:
            for path in files:
                made.add(path, path.relative_to(folder))
    return out.getvalue()


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_an_archive_is_judged_as_its_folder(kind: str, tmp_path: Path) -> None:
    folder = CASES / "ssh-match" / "evidence"
    file = tmp_path / f"evidence.{kind}"
    file.write_bytes(archive(kind, folder))
    plain = posture.audit([str(folder)], Site.default(), TODAY)
    packed = posture.audit([str(file)], Site.default(), TODAY)
    judged = [(one.check, one.host, one.status) for one in packed.findings if one.host != "elsewhere"]
    assert judged == [(one.check, one.host, one.status) for one in plain.findings]
    assert not (tmp_path.parent / "escape").exists()


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"gate01/etc/ssh/sshd_config": "PermitRootLogin yes\n"}, Exit.HIGH),
        ({"notes.txt": "hello"}, Exit.NOTHING_RECOGNISED),
        ({}, Exit.NOTHING_RECOGNISED),
    ],
)
def test_exit_codes(files: dict[str, str], code: Exit, tmp_path: Path) -> None:
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    result = verbs.audit([str(tmp_path)], today=TODAY, site=Site.default())
    assert verbs.audit_exit_code(result) is code
    assert CliRunner().invoke(app, ["audit", str(tmp_path), "--today", "2026-06-01"]).exit_code == code


def test_evidence_that_is_not_there_is_unreadable() -> None:
    result = verbs.audit(["/nowhere/at/all"], today=TODAY, site=Site.default())
    assert verbs.audit_exit_code(result) is Exit.UNREADABLE


def test_reach_says_what_it_does_not_understand() -> None:
    folder = str(CASES / "firewall-docker" / "evidence")
    for source, target, words in (
        ("internet", "app01", "is no HOST:PORT"),
        ("nowhere", "app01:22", "is no zone"),
        ("internet", "other:22", "is no host"),
        ("internet", "app01:0", "is no HOST:PORT"),
    ):
        result = CliRunner().invoke(app, ["reach", folder, "--from", source, "--to", target])
        assert result.exit_code != 0
        assert words in str(result.exception)


def test_reach_says_what_was_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello", encoding="utf-8")
    for path, words in ((str(tmp_path), "a.txt: no format of evidence"), ("/nowhere/at/all", "there is no such file")):
        result = CliRunner().invoke(app, ["reach", path, "--from", "internet", "--to", "other:22"])
        assert words in str(result.exception)


def test_reach_says_which_rules_are_cut_off(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/hostname").write_text("gw\n", encoding="utf-8")
    (tmp_path / "nft.txt").write_text("table inet f {\nchain in {\ntype filter hook input priority 0; policy drop;\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["reach", str(tmp_path), "--from", "internet", "--to", "gw:22"])
    assert result.output.startswith("MAY  internet -> gw")
    assert "the file may be cut off" in result.output


def test_reach_names_the_rules_that_decide() -> None:
    folder = CASES / "firewall-docker"
    arguments = ["reach", str(folder / "evidence"), "-c", str(folder / "gatewatch.toml"), "--from", "203.0.113.7", "--to", "app01:5900"]
    output = CliRunner().invoke(app, arguments).output
    assert output.startswith("YES  203.0.113.7 -> app01 tcp/5900")
    assert "iptables-save.txt:12" in output and "iptables-save.txt:29" in output
    assert CliRunner().invoke(app, [*arguments[:-1], "app01:22"]).output.startswith("NO ")


def test_the_answer_does_not_depend_on_the_order_of_the_paths() -> None:
    folders = [str(CASES / name / "evidence") for name in ("ssh-weak", "ssh-strong")]
    one = posture.audit(folders, Site.default(), TODAY)
    other = posture.audit(folders[::-1], Site.default(), TODAY)
    assert [json.dumps((one.check, one.host, one.subject, one.status)) for one in one.findings] == [
        json.dumps((one.check, one.host, one.subject, one.status)) for one in other.findings
    ]


def test_a_finding_of_the_whole_site_names_no_host() -> None:
    assert any(one.host == EVERYWHERE for one in run(Facts(), GROUND, CHECKS))


def test_what_the_rules_let_the_internet_reach_is_exposed() -> None:
    folder = CASES / "listener-bad"
    from gatewatch.schema.findings import Exposure
    from gatewatch.site.load import load_site

    audit = posture.audit([str(folder / "evidence")], load_site(folder / "gatewatch.toml"), TODAY)
    assert {one.exposure for one in audit.findings if one.service in {"telnet", "smb"}} == {Exposure.EXPOSED}
    folder = CASES / "firewall-docker"
    audit = posture.audit([str(folder / "evidence")], load_site(folder / "gatewatch.toml"), TODAY)
    assert {one.exposure for one in audit.findings if one.service == "ssh"} == {Exposure.INTERNAL}
    assert {one.exposure for one in audit.findings if one.service == "docker_api"} == {Exposure.INTERNAL}
