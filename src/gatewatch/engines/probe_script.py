"""A probe plan as a script for an administrator to run in a zone. gatewatch itself opens no connection.

One connection after the other, each given three seconds, to declared assets only; the script writes results that the audit reads.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from gatewatch.audit.probe_plan import Planned
from gatewatch.errors import UsageError
from gatewatch.schema.facts.probe import HEADER

MOST = 5000
SHELLS = ("sh", "powershell")
_COLUMNS = "zone,host,address,port,protocol,result,time"
_SH = f"""#!/usr/bin/env bash
# Probes from zone ZONE: COUNT connections, one after the other, at most three seconds each. Written by gatewatch probe-plan.
# Run it on a machine in that zone, with leave of those who watch the network:  bash plan.sh > probe-ZONE.csv
# Needs bash and timeout (coreutils). Sends nothing but TCP connections to the ports below, and closes each at once.
echo '{HEADER}'
echo '{_COLUMNS}'
probe() {{
  timeout 3 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$3" "$4" 2>/dev/null
  case $? in 0) result=open ;; 124) result=filtered ;; *) result=closed ;; esac
  printf '%s,%s,%s,%s,tcp,%s,%s\\n' "$1" "$2" "$3" "$4" "$result" "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
}}
"""
_POWERSHELL = f"""# Probes from zone ZONE: COUNT connections, one after the other, at most three seconds each. Written by gatewatch probe-plan.
# Run it on a machine in that zone, with leave of those who watch the network:  powershell -File plan.ps1 > probe-ZONE.csv
# Sends nothing but TCP connections to the ports below, and closes each at once.
Write-Output '{HEADER}'
Write-Output '{_COLUMNS}'
function Probe($zone, $name, $address, $port) {{
  $ip = [System.Net.IPAddress]::Parse($address)
  $client = New-Object System.Net.Sockets.TcpClient($ip.AddressFamily)
  $result = 'closed'
  try {{ if ($client.ConnectAsync($ip, $port).Wait(3000)) {{ $result = 'open' }} else {{ $result = 'filtered' }} }} catch {{ $result = 'closed' }}
  $client.Close()
  $time = (Get-Date).ToUniversalTime().ToString('yyyy-MM-ddTHH:mm:ssZ')
  Write-Output "$zone,$name,$address,$port,tcp,$result,$time"
}}
"""


def script(zone: str, planned: Sequence[Planned], shell: str) -> str:
    """Return the script in the language *shell* (sh or powershell). UsageError when it would be longer than :data:`MOST` probes."""
    if len(planned) > MOST:
        raise UsageError(f"{len(planned):,} probes from {zone} are more than {MOST:,}; name fewer assets with --to")
    if shell not in SHELLS:
        raise UsageError(f"--shell {shell!r} is unknown; choose sh or powershell")
    for name in (zone, *(one.host for one in planned)):
        if not all(char.isalnum() or char in "._-" for char in name):
            raise UsageError(f"{name!r} has characters that a line of results cannot hold; give it a name of letters, digits, '.', '_' and '-'")
    head = (_SH if shell == "sh" else _POWERSHELL).replace("ZONE", zone).replace("COUNT", f"{len(planned):,}")
    lines = [_line(one, shell) for one in planned]
    return head + "\n".join(lines) + "\n"


def _line(one: Planned, shell: str) -> str:
    if shell == "sh":
        return f"probe {shlex.quote(one.zone)} {shlex.quote(one.host)} {one.address} {one.port}"
    return f"Probe '{one.zone}' '{one.host}' '{one.address}' {one.port}"
