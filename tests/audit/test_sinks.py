from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
from datetime import date

import pytest
from audit_case import CASES, audited, case_names

from gatewatch.engines import posture
from gatewatch.schema.findings import Audit, Status
from gatewatch.schema.measure import Measure, Mitigation
from gatewatch.sinks.audit_registry import AUDIT_SINKS
from gatewatch.site.load import load_site
from gatewatch.site.model import Site


def written(name: str, audit: Audit, *, everything: bool = False, width: int = 80) -> str:
    out = io.StringIO()
    next(sink for sink in AUDIT_SINKS if sink.name == name).write(audit, out, color=False, width=width, everything=everything)
    return out.getvalue()


@pytest.mark.parametrize("everything", [False, True])
def test_the_console_keeps_to_80_columns_and_names_every_measure(everything: bool) -> None:
    page = written("console", audited("ssh-weak"), everything=everything)
    assert [line for line in page.splitlines() if len(line) > 80] == []
    for measure in Measure:
        assert measure.label[:38] in page
    for mitigation in Mitigation:
        assert f"{mitigation} {mitigation.label}" in page
    assert "etc/ssh/sshd_config:2" in page.replace("\n", "").replace(" ", "")


def test_json_lines_and_csv_hold_every_finding() -> None:
    audit = audited("ssh-match")
    lines = [json.loads(line) for line in written("jsonl", audit).splitlines()]
    rows = list(csv.DictReader(io.StringIO(written("csv", audit))))
    assert [line["id"] for line in lines] == [row["id"] for row in rows] == [finding.id for finding in audit.findings]
    assert {line["status"] for line in lines} <= {str(status) for status in Status}


def test_sarif_points_at_lines_and_knows_its_rules() -> None:
    [run] = json.loads(written("sarif", audited("ssh-weak")))["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == sorted(set(rules))
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert (result["level"] == "none") is (result["kind"] != "fail")
    failed = next(result for result in run["results"] if result["ruleId"] == "M1035.1-01a")
    place = failed["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"].endswith("etc/ssh/sshd_config") and place["region"]["startLine"] == 2


def test_ocsf_findings_are_of_the_compliance_class() -> None:
    for line in written("ocsf", audited("ssh-weak")).splitlines():
        one = json.loads(line)
        assert (one["class_uid"], one["type_uid"], one["category_uid"]) == (2003, 200301, 2)
        assert one["compliance"]["status_id"] in {0, 1, 3, 99}


def test_the_layer_scores_the_technique() -> None:
    weak, strong = (json.loads(written("navigator", audited(name)))["techniques"][0] for name in ("ssh-weak", "ssh-strong"))
    assert weak["techniqueID"] == "T1133"
    assert weak["score"] < strong["score"] == 100
    assert len(weak["metadata"]) == 5


def test_the_page_runs_nothing() -> None:
    page = written("html", audited("ssh-weak"))
    assert "default-src 'none'" in page and "<script" not in page
    assert "M1035.1-01a" in page
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in page  # else the browser takes no notice of it


@pytest.mark.parametrize("sink", [sink.name for sink in AUDIT_SINKS])
def test_no_secret_comes_out_anywhere(sink: str) -> None:
    """Whatever is secret in a case is written S3CRET...; no output of any case may show it, files that were not read included."""
    holding = [name for name in case_names() if any(b"S3CRET" in path.read_bytes() for path in (CASES / name).rglob("*") if path.is_file())]
    shown = [name for name in holding if "S3CRET" in written(sink, audited(name), everything=True)]
    assert holding
    assert shown == []


def waived(until: date, today: date) -> Audit:
    folder = CASES / "ssh-weak"
    from dataclasses import replace

    from gatewatch.site.posture import WaiverEntry

    entry = WaiverEntry(1, "M1035.1-01a", "ann", "old appliance", until, ("web02",))
    site = replace(Site.default(), posture=replace(Site.default().posture, waivers=(entry,)))
    return posture.audit([str(folder / "evidence")], site, today)


def test_a_waiver_in_force_takes_a_finding_from_the_open_ones_and_an_expired_one_does_not() -> None:
    good = waived(date(2026, 12, 31), date(2026, 6, 1))
    [one] = [finding for finding in good.findings if finding.check == "M1035.1-01a"]
    assert one.status is Status.FAIL and one.waived and not one.open
    assert '"suppressions"' in written("sarif", good)
    expired = waived(date(2026, 5, 31), date(2026, 6, 1))
    [one] = [finding for finding in expired.findings if finding.check == "M1035.1-01a"]
    assert one.open
    assert any("expired on 2026-05-31" in note for note in expired.notes)


def test_a_baseline_shows_only_what_changed(tmp_path) -> None:
    from gatewatch.engines.baseline import compare

    audit = audited("ssh-weak")
    file = tmp_path / "before.jsonl"
    file.write_text(written("jsonl", audit), encoding="utf-8")
    assert compare(audit, str(file)).findings == ()
    lines = written("jsonl", audit).splitlines()
    changed = [line.replace('"status":"fail"', '"status":"pass"') if "M1035.1-01a" in line else line for line in lines]
    file.write_text("\n".join(changed), encoding="utf-8")
    assert [finding.check for finding in compare(audit, str(file)).findings] == ["M1035.1-01a"]


def test_the_site_file_takes_the_posture_tables(tmp_path) -> None:
    file = tmp_path / "gatewatch.toml"
    file.write_text(
        """
[zones.dmz]
kind = "dmz"
cidrs = ["192.0.2.0/28"]
[assets.gate01]
zone = "dmz"
roles = ["bastion"]
allow = ["tcp/22", "udp/60000-61000"]
services = ["ssh"]
[audit]
management = ["10.9.0.0/24"]
concentrators = ["gate01"]
tor = "monitor"
[audit.minimum_version]
fortios = "7.4.8"
[[flows]]
from = "internet"
to = "dmz"
ports = ["tcp/443"]
why = "portal"
owner = "ann"
[[mfa_providers]]
name = "duo"
mfa = true
why = "policy 4"
servers = ["10.0.0.5"]
[[break_glass]]
account = "emergency1"
owner = "ann"
why = "identity provider down"
[[waivers]]
check = "M1032.*"
owner = "ann"
reason = "until the new gateway"
until = 2026-12-31
[[attested]]
topic = "training"
owner = "bob"
done = 2026-01-15
""",
        encoding="utf-8",
    )
    made = load_site(file).posture
    assert made.zone_of_address("192.0.2.3") == made.zone("dmz")
    assert made.provider("10.0.0.5") is made.provider("duo") is made.providers[0]
    assert made.asset("gate01") is not None and made.asset("gate01").allow[1].holds("udp", 60500)
    assert made.minimum_version == (("fortios", "7.4.8"),)
    assert made.waivers[0].covers("M1032.2-01", "any", "thing") and not made.waivers[0].covers("M1035.1-01", "any", "")


def test_mistakes_of_the_posture_tables_are_told_with_their_lines(tmp_path) -> None:
    from gatewatch.site.load import check

    file = tmp_path / "gatewatch.toml"
    file.write_text('[zones.dmz]\nkind = "dmx"\n[assets.a]\nzone = "inner"\n[[waivers]]\ncheck = "x"\n', encoding="utf-8")
    told = "\n".join(check(file))
    assert ":2: error: kind: 'dmx' is no kind of zone" in told
    assert ":4: error: zone: there is no [zones.inner]" in told
    assert "has no 'owner'" in told and "has no 'until'" in told
