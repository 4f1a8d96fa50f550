"""MikroTik RouterOS: the services of the router that speak in clear text are off."""

from __future__ import annotations

from gatewatch.audit.check import Check, nist
from gatewatch.audit.gateway import Demand, among, judge_settings, need_settings
from gatewatch.schema.findings import Remediation
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure

_PRODUCTS = ("routeros",)
_CLEAR = ("telnet", "ftp", "www", "api", "pptp")

CHECKS: tuple[Check, ...] = (
    Check(
        id="M1042.2-08r",
        title="RouterOS: no service in clear text",
        about="telnet, ftp, www, api and the PPTP server are off. All but the last are on unless they are switched off.",
        measures=(Measure.UNUSED_FEATURE, Measure.UNNECESSARY_SERVICE),
        severity=Severity.HIGH,
        needs=need_settings(*_PRODUCTS),
        judge=judge_settings(tuple(Demand(_PRODUCTS, name, among("off"), f"{name} is off", f"{name} is on") for name in _CLEAR)),
        remediation=Remediation(
            "Switch off what is not used; administer by ssh, www-ssl or WinBox from the management network.",
            "/ip service disable telnet,ftp,www,api; /interface pptp-server server set enabled=no",
            "Be sure that ssh or WinBox still lets you in before you switch off the service you use.",
        ),
        mappings=nist("CM-7", "AC-17(2)", "SC-8"),
        references=("MikroTik: Services",),
        services=("telnet", "ftp", "web", "vpn"),
    ),
)
