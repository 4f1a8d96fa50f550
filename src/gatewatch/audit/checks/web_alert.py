"""Watching the web: logs of proxies and filters leave the host, and a sensor has rules about Tor that are on and whose alerts go somewhere."""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.audit.check import Check, Ground, Need, Verdict, nist
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.machine import LogTarget
from gatewatch.schema.facts.web import DnsFilter, ProxyPolicy, SensorRules, SensorSettings
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure

_RULES = Need((SensorRules,), "cp -r /var/lib/suricata/rules EVIDENCE/var/lib/suricata/")
_SENSOR = Need((SensorSettings,), "cp /etc/suricata/suricata.yaml EVIDENCE/etc/suricata/")


def _forwarded(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    hosts = dict.fromkeys(one.host for one in (*facts.of(ProxyPolicy), *facts.of(DnsFilter)))
    for host in hosts:
        what = "proxy" if facts.of(ProxyPolicy, host) else "resolver"
        mine = [one for one in facts.of(LogTarget, host) if one.service == "proxy"]
        direct = [one for one in mine if one.remote]
        relay = [one for one in facts.of(LogTarget, host) if one.service == "syslog" and one.remote]
        local = what == "resolver" or any(one.target.startswith("syslog") for one in mine)
        first = (*facts.of(ProxyPolicy, host), *facts.of(DnsFilter, host))[0]
        if direct:
            status, said, where = Status.PASS, f"logs of the {what} go to {direct[0].target}", direct[0].where
        elif relay and local:
            status, said, where = Status.PASS, f"logs of the {what} go to syslog, which sends them to {relay[0].target}", relay[0].where
        elif relay:
            status, said, where = Status.FAIL, f"logs of the {what} go to a file; what syslog sends away does not hold them", mine[0].where
        elif local:
            status, said, where = Status.UNKNOWN, f"logs of the {what} go to syslog; where that sends them is not in the evidence", first.where
        else:
            status, said = Status.FAIL, f"logs of the {what} stay on the host: who takes it takes them"
            where = mine[0].where if mine else first.where
        yield Verdict(
            status=status, host=host, message=said, subject=what, where=where[:1], as_of=first.as_of, service="proxy" if what == "proxy" else "dns",
            resolved="log targets of the service and of syslog", value=(direct or relay or mine)[0].target if direct or relay or mine else "",
        )  # fmt: skip


def _tor_rules(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for host in dict.fromkeys(one.host for one in facts.of(SensorRules)):
        files = facts.of(SensorRules, host)
        settings = facts.of(SensorSettings, host)
        loaded = {one for setting in settings for one in setting.files}
        mine = [one for one in files if not loaded or any(path == one.path or path.endswith(one.path) or one.path.endswith(path) for path in loaded)]
        on, off = sum(one.tor for one in mine), sum(one.tor_disabled for one in mine)
        idle = sum(one.tor for one in files) - on
        absent = [path for path in loaded if not any(path.endswith(one.path) or one.path.endswith(path) for one in files)]
        if on:
            status, said = Status.PASS if settings else Status.UNKNOWN, f"{on} rules about Tor are on"
            said += "" if settings else "; which files are loaded is not in the evidence"
        elif absent:
            status, said = Status.UNKNOWN, f"no rule about Tor in the files at hand; {', '.join(sorted(absent))} not in the evidence"
        else:
            status, said = Status.FAIL, f"no rule about Tor is on ({off} are commented out, {idle} are in files that are not loaded)"
        place = next((one.first for one in files if one.first is not None), None)
        yield Verdict(
            status=status, host=host, message=said, subject="rules", where=(place,) if place is not None else files[0].where, as_of=files[0].as_of,
            service="ids", value=f"{sum(one.enabled for one in mine)} rules on", resolved="rules of the files that are loaded",
        )  # fmt: skip


def _alerts(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for sensor in facts.of(SensorSettings):
        good = bool(sensor.alerts)
        said = f"alerts go to {', '.join(f'{one.name} ({one.value})' for one in sensor.alerts)}" if good else "no output writes alerts"
        first = sensor.alerts[0].where if sensor.alerts else None
        yield Verdict(
            status=Status.PASS if good else Status.FAIL, host=sensor.host, message=said, subject=sensor.product, service="ids",
            where=(first,) if first is not None else sensor.where, as_of=sensor.as_of, resolved="outputs that are enabled",
        )  # fmt: skip


CHECKS: tuple[Check, ...] = (
    Check(
        id="M1021.5-01", title="Logs of web proxies and DNS filters leave the host",
        about="They go to another host, directly or through syslog.",
        measures=(Measure.WEB_ALERT,), severity=Severity.MEDIUM,
        needs=(Need((ProxyPolicy, DnsFilter), "cp -r /etc/squid /etc/unbound /etc/rsyslog.conf /etc/rsyslog.d EVIDENCE/etc/"),), judge=_forwarded,
        remediation=Remediation("Send them to the collector, over TLS.", "access_log syslog:local5.info\n*.* @@logs.example.com:6514"),
        mappings=nist("AU-4(1)", "SI-4"), references=("Squid: access_log", "rsyslog.conf(5)"),
    ),
    Check(
        id="M1021.5-02a", title="A sensor has rules about Tor, and they are on",
        about="A file of rules that the sensor loads holds rules about Tor that are not commented out.",
        measures=(Measure.WEB_ALERT,), severity=Severity.MEDIUM, needs=(_RULES,), judge=_tor_rules,
        remediation=Remediation("Turn the rules about Tor on.", "suricata-update enable-source et/open; re:Tor in enable.conf"),
        mappings=nist("SI-4", "SI-4(4)"), references=("Suricata user guide", "CISA AA20-183A"),
    ),
    Check(
        id="M1021.5-02b", title="Alerts of the sensor go somewhere",
        about="An enabled output writes alerts.",
        measures=(Measure.WEB_ALERT,), severity=Severity.MEDIUM, needs=(_SENSOR,), judge=_alerts,
        remediation=Remediation("Enable eve-log with alert.", "outputs:\n- eve-log: {enabled: yes, types: [alert]}"),
        mappings=nist("SI-4(5)", "AU-12"), references=("Suricata user guide",),
    ),
)  # fmt: skip
