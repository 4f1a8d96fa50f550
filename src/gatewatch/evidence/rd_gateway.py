"""Policies of a Remote Desktop Gateway, as its WMI provider lists them.

::

    Get-CimInstance -Namespace root/cimv2/TerminalServices -ClassName Win32_TSGatewayResourceAuthorizationPolicy | ConvertTo-Json
    [{"Name": "RAP1", "Enabled": true, "UserGroupNames": "EXAMPLE\\\\RD Users", "ResourceGroupType": "CG", "PortNumbers": "3389"}]

References: Win32_TSGatewayConnectionAuthorizationPolicy and Win32_TSGatewayResourceAuthorizationPolicy (Microsoft Learn).
"""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Outcome, Rejected
from gatewatch.evidence.powershell import Row, has, number, rows, truth
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.machine import Machine, System
from gatewatch.schema.facts.windows import GatewayPolicy


def _recognise(document: Document) -> int:
    cap = has(document, "usergroupnames", "passwordallowed")
    return SURE + 5 if cap or has(document, "usergroupnames", "resourcegrouptype") else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        found = rows(document)
        if not found:
            yield Rejected(document, document.fault or "lists no policy")
            continue
        yield Machine(host=bundle.host, as_of=document.as_of, where=(found[0][1],), system=System.WINDOWS, product="Windows Server")
        for row, where in found:
            yield _policy(row, where, document, bundle)


def _policy(row: Row, where: Where, document: Document, bundle: Bundle) -> GatewayPolicy:
    return GatewayPolicy(
        host=bundle.host,
        as_of=document.as_of,
        where=(where,),
        kind="rap" if "resourcegrouptype" in row else "cap",
        name=row.get("name", ""),
        enabled=truth(row.get("enabled", "")) is not False,
        groups=tuple(part.strip() for part in row.get("usergroupnames", "").split(";") if part.strip()),
        resources=row.get("resourcegrouptype", "").upper(),
        ports=tuple(part.strip() for part in row.get("portnumbers", "").split(";") if part.strip()),
        password=truth(row.get("passwordallowed", "")),
        smartcard=truth(row.get("smartcardallowed", "")),
        drives_disabled=_disabled(row, "diskdrivesdisabled"),
        clipboard_disabled=_disabled(row, "clipboarddisabled"),
        idle=number(row.get("idletimeout", "")),
        session=number(row.get("sessiontimeout", "")),
    )


def _disabled(row: Row, name: str) -> bool | None:
    """Return whether a device is not redirected: DeviceRedirectionType 0 redirects all, 1 none, 2 what is not disabled by itself."""
    return {"0": False, "1": True, "2": truth(row.get(name, ""))}.get(row.get("deviceredirectiontype", ""))


FORMAT = Format(
    name="rd-gateway",
    title="Policies of a Remote Desktop Gateway (WMI)",
    recognise=_recognise,
    read=_read,
    collect=(
        "foreach ($c in 'Connection','Resource') { Get-CimInstance -Namespace root/cimv2/TerminalServices "
        '-ClassName "Win32_TSGateway${c}AuthorizationPolicy" | ConvertTo-Json > "rdgw-$c.json" }'
    ),
    references=("Microsoft Learn: Win32_TSGatewayConnectionAuthorizationPolicy, Win32_TSGatewayResourceAuthorizationPolicy",),
)
