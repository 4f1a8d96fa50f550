"""Links in evidence lead to what the evidence holds, never to a file of the machine that audits."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from datetime import date
from pathlib import Path

import pytest

from gatewatch.engines import posture
from gatewatch.schema.findings import Audit, Status
from gatewatch.site.model import Site

FILES = {
    "h/etc/nginx/nginx.conf": "http { include /etc/nginx/sites-enabled/*; }\n",
    "h/etc/nginx/sites-available/rel": "server { listen 80; server_name rel; }\n",
    "h/etc/nginx/sites-available/abs": "server { listen 80; server_name abs; }\n",
}


def links(outside: Path) -> dict[str, str]:
    return {
        "h/etc/nginx/sites-enabled/rel": "../sites-available/rel",
        "h/etc/nginx/sites-enabled/abs": "/etc/nginx/sites-available/abs",
        "h/etc/nginx/sites-enabled/out": str(outside),
        "h/etc/nginx/sites-enabled/up": "../../../../../../../../etc/hostname",
        "h/etc/nginx/sites-enabled/round": "round",
        "h/etc/nginx/more": "sites-available",
    }


def folder(root: Path, outside: Path) -> Path:
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    for name, target in links(outside).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(target)
    return root


def packed(kind: str, outside: Path) -> bytes:
    out = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(out, "w") as made:
            for name, text in FILES.items():
                made.writestr(name, text)
            for name, target in links(outside).items():
                entry = zipfile.ZipInfo(name)
                entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
                made.writestr(entry, target)
        return out.getvalue()
    with tarfile.open(fileobj=out, mode="w:gz") as made:
        for name, text in FILES.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            made.addfile(info, io.BytesIO(text.encode()))
        for name, target in links(outside).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            made.addfile(info)
        info = tarfile.TarInfo("h/etc/nginx/conf.d/hard.conf")
        info.type, info.linkname = tarfile.LNKTYPE, "h/etc/nginx/sites-available/rel"
        made.addfile(info)
    return out.getvalue()


def audited(path: Path) -> Audit:
    return posture.audit([str(path)], Site.default(), date(2026, 6, 1))


@pytest.mark.parametrize("kind", ["folder", "zip", "tar.gz"])
def test_a_link_counts_as_what_it_led_to_on_its_host(kind: str, tmp_path: Path) -> None:
    outside = tmp_path / "outside.conf"
    outside.write_text("server { listen 80; server_name auditor; }\n", encoding="utf-8")
    if kind == "folder":
        path = folder(tmp_path / "ev", outside)
    else:
        path = tmp_path / f"ev.{kind}"
        path.write_bytes(packed(kind, outside))
    result = audited(path)
    judged = {one.subject: one.status for one in result.findings if one.check == "M1021.3-01"}
    assert judged == {"rel": Status.FAIL, "abs": Status.FAIL}  # nothing of this machine
    told = [one.what for one in result.problems]
    assert len(told) == 1 and "not in the evidence" in told[0]
    assert all(name in told[0] for name in ("out ->", "up ->", "round ->"))
    read = {one.file.rpartition("h/etc/nginx/")[2] for one in result.files}
    assert {"sites-enabled/rel", "sites-enabled/abs", "more/rel", "more/abs"} <= read
    assert ("conf.d/hard.conf" in read) is (kind == "tar.gz")
