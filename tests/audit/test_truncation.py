"""A configuration cut off anywhere proves nothing it did not prove whole: no failure becomes a pass, no pass a failure."""

from __future__ import annotations

from pathlib import Path

import pytest
from audit_case import CASES, TODAY

from gatewatch.audit.check import Ground
from gatewatch.audit.registry import CHECKS, DERIVATIONS
from gatewatch.audit.run import gather, run
from gatewatch.evidence.document import Document
from gatewatch.evidence.reading import bundles, read
from gatewatch.schema.findings import Status
from gatewatch.site.load import load_site
from gatewatch.site.model import Site

CUT = (
    "asa-weak", "asa-sound", "fortios-weak", "fortios-sound", "fortios-domains", "netscaler-weak", "netscaler-sound", "panos-weak", "panos-sound",
    "ivanti-weak", "strongswan-weak", "strongswan-sound",
)  # fmt: skip
"""Formats that tell their end; a file of OpenVPN, WireGuard or pf may end after any line."""
_PLAIN = {Status.PASS, Status.FAIL}


def judged(path: str, data: bytes, site: Site) -> dict[tuple[str, str, str], Status]:
    facts = [fact for bundle in bundles([Document(path, path, path.partition("/")[0], data)]) for fact in read(bundle).facts]
    found = run(gather(facts, site, DERIVATIONS), Ground(site, TODAY), CHECKS)
    return {(one.check, one.host, one.subject): one.status for one in found}


def _file(case: str) -> tuple[str, bytes, Site]:
    root = CASES / case / "evidence"
    file = next(path for path in sorted(root.rglob("*")) if path.is_file())
    toml = CASES / case / "gatewatch.toml"
    return str(Path(file).relative_to(root)), file.read_bytes(), load_site(toml) if toml.is_file() else Site.default()


@pytest.mark.parametrize("case", CUT)
def test_a_cut_configuration_proves_nothing_else(case: str) -> None:
    path, data, site = _file(case)
    whole = judged(path, data, site)
    lines = data.split(b"\n")
    turned = {}
    for at in range(2, len(lines) - 1, 3):
        made = judged(path, b"\n".join(lines[:at]), site)
        assert Status.ERROR not in made.values()
        turned.update({(key, at): status for key, status in made.items() if {status, whole.get(key)} == _PLAIN})
    assert turned == {}
