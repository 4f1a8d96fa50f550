from __future__ import annotations

import io
import json
from datetime import UTC, datetime

from gatewatch.engines import host, posture
from gatewatch.schema.facts.ssh import SshdSettings
from gatewatch.site.model import Site

NOW = datetime(2026, 6, 1, 10, tzinfo=UTC)


def make(root) -> None:
    for name, text in {
        "etc/hostname": "gate09\n",
        "etc/ssh/sshd_config": "Include /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin no\n",
        "etc/wireguard/wg0.conf": "[Interface]\nPrivateKey = S3CRETc2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U=\nListenPort = 51820\n",
        "etc/shadow": "root:S3CRET:1::::::\n",
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def test_a_collection_masks_secrets_and_touches_only_its_list(tmp_path) -> None:
    make(tmp_path)
    pieces = list(host.collect(NOW, tmp_path, commands=False))
    everything = b"".join(piece.data for piece in pieces)
    assert b"S3CRET" not in everything
    assert b"ListenPort = 51820" in everything
    assert [piece.path for piece in pieces if "shadow" in piece.path] == []
    manifest = json.loads(pieces[-1].data)
    assert (manifest["host"], manifest["as_of"]) == ("gate09", "2026-06-01T10:00:00+00:00")


def test_an_archive_is_audited_and_its_manifest_says_what_is_absent(tmp_path) -> None:
    make(tmp_path / "root")
    pieces = list(host.collect(NOW, tmp_path / "root", commands=False))
    out = io.BytesIO()
    host.write_archive(pieces, out, NOW, host.host_of(pieces))
    file = tmp_path / "evidence.tar.gz"
    file.write_bytes(out.getvalue())
    facts, _, problems = posture.gather_facts([str(file)], Site.default())
    assert problems == []
    [settings] = facts.of(SshdSettings, "gate09")
    root = settings.get("permitrootlogin")
    # the folder of drop-ins was looked at and is empty: nothing is uncertain
    assert root is not None and (root.value, root.uncertain) == ("no", "")
    assert settings.as_of == NOW


def test_what_could_not_be_read_is_not_said_to_be_absent(tmp_path, monkeypatch) -> None:
    make(tmp_path)
    monkeypatch.setattr(host, "_CAP", 20)
    pieces = list(host.collect(NOW, tmp_path, commands=False))
    listed = {one["path"] for one in json.loads(pieces[-1].data)["collected"]}
    assert "/etc/hostname" in listed
    assert next(piece for piece in pieces if piece.path.endswith("sshd_config")).fault
    assert not {"/etc/ssh/sshd_config", "/etc/wireguard/wg0.conf"} & listed


def test_the_plan_names_every_file_and_command() -> None:
    assert len(host.plan()) == len(host.FILES) + len(host.COMMANDS)
