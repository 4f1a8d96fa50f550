"""Zeek at the perimeter: conn, ssh and rdp logs as JSON lines, with ``_path`` as shippers add it.

``{"_path":"conn","ts":1772439300.12,"uid":"C1","id.orig_h":"84.1.2.3","id.orig_p":51514,"id.resp_h":"…","id.resp_p":22,"conn_state":"SF",…}``

Source: docs.zeek.org (conn.log, ssh.log, rdp.log).
"""

from __future__ import annotations

import json
from typing import ClassVar

from gatewatch.lab.moment import SECOND
from gatewatch.lab.organisation import Host
from gatewatch.lab.stage import Stage
from gatewatch.lab.writer.device import Device

_encode = json.JSONEncoder(separators=(",", ":")).encode


class Zeek(Device):
    """The logs of one sensor."""

    format: ClassVar[str] = "zeek"

    def __init__(self, stage: Stage, host: Host) -> None:
        super().__init__(stage, host)
        self.log = stage.stream(f"{host.name}/conn.ndjson", rotate=1)
        self.ssh_log = stage.stream(f"{host.name}/ssh.ndjson", rotate=1)
        self.rdp_log = stage.stream(f"{host.name}/rdp.ndjson", rotate=1)

    def conn(
        self, time: int, src: str, sport: int, dst: str, dport: int, service: str = "", duration: int = SECOND, sent: int = 2_000, received: int = 3_000,
        state: str = "SF", mark: int = 0,
    ) -> str:  # fmt: skip
        """Say a connection; return its uid."""
        uid = f"C{self.rng.getrandbits(60):015x}"
        quiet = state in {"S0", "REJ"}
        name = f'"service":"{service}",' if service and not quiet else ""
        body = "" if quiet else f'"duration":{duration / SECOND:.6f},"orig_bytes":{sent},"resp_bytes":{received},'
        packets, back = (1, 1 if state == "REJ" else 0) if quiet else (4 + sent // 900, 4 + received // 1_300)
        inside = "true" if dst.startswith("10.") or state else "false"
        text = (
            f'{{"_path":"conn","ts":{time / SECOND:.6f},"uid":"{uid}","id.orig_h":"{src}","id.orig_p":{sport},"id.resp_h":"{dst}","id.resp_p":{dport},'
            f'"proto":"tcp",{name}{body}"conn_state":"{state}","local_orig":{"true" if src.startswith("10.") else "false"},"local_resp":{inside},"missed_bytes":0,'
            f'"history":"{"S" if quiet else "ShADadFf"}","orig_pkts":{packets},"orig_ip_bytes":{(0 if quiet else sent) + packets * 52},'
            f'"resp_pkts":{back},"resp_ip_bytes":{(0 if quiet else received) + back * 52}}}'
        )
        self.log.say(time, text, mark, ("connection", None, src))
        return uid

    def ssh(self, time: int, uid: str, src: str, sport: int, dst: str, ok: bool, attempts: int, mark: int = 0) -> None:
        """Say what the sensor thinks of an SSH connection."""
        body = {
            "_path": "ssh", "ts": round(time / SECOND, 6), "uid": uid, "id.orig_h": src, "id.orig_p": sport, "id.resp_h": dst, "id.resp_p": 22, "version": 2,
            "auth_success": ok, "auth_attempts": attempts, "client": "SSH-2.0-OpenSSH_9.6", "server": "SSH-2.0-OpenSSH_9.2",
        }  # fmt: skip
        self.ssh_log.say(time, _encode(body), mark, ("connection", None, src))

    def rdp(self, time: int, uid: str, src: str, sport: int, dst: str, cookie: str, client: str, mark: int = 0) -> None:
        """Say what the sensor saw of an RDP negotiation."""
        body = {
            "_path": "rdp", "ts": round(time / SECOND, 6), "uid": uid, "id.orig_h": src, "id.orig_p": sport, "id.resp_h": dst, "id.resp_p": 3389, "cookie": cookie[:9],
            "result": "encrypted", "security_protocol": "HYBRID_EX", "client_name": client, "cert_count": 0,
        }  # fmt: skip
        self.rdp_log.say(time, _encode(body), mark, ("connection", None, src))
