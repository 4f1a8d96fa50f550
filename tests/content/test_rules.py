"""Our own rules: each loads, says what it must, and meets its examples in ``rules/<name>.yml``.

An example is an event as a mapping of columns; a plain text is the command of an ``exec`` event: of a Linux host under ``matches`` and
``misses``, of a Windows host under ``windows-matches`` and ``windows-misses``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

import gatewatch
from gatewatch.detect.rule import RuleSet, load_rules
from gatewatch.schema.events import DTYPES, ensure

RULES = Path(gatewatch.__file__).parent / "content" / "rules"
EXAMPLES = Path(__file__).parent / "rules"
NAMES = sorted(path.stem for path in RULES.glob("*.yml"))
EXPECTED = (
    *("auth-failure", "invalid-user-failure", "guessable-success", "any-success", "watch-listed-success", "outside-session-start", "auth-stopped"),
    *("sensor-alert", "privilege-use", "privilege-denied", "remote-shell", "file-transfer", "port-forward", "exfil-volume", "lateral-logon"),
    *("account-created", "account-shut-out", "group-privileged-added", "password-changed", "ssh-key-added", "user-deleted", "sshd-config-changed"),
    *("sudoers-changed", "cron-installed", "service-installed", "tool-download", "remote-tool", "tunnel", "log-cleared"),
    *("credential-access", "discovery", "miner", "firewall-opened", "control-plane-answered", "security-disabled", "tor-service"),
    *("rdp-enabled", "winrm-enabled", "admin-share", "remote-execution", "logon-right-granted", "registry-persistence"),
    *("key-success", "accessibility-backdoor", "wmi-consumer", "exfil-tool", "loopback-logon"),
    *("remote-login-enabled", "screen-sharing-enabled"),
    *("anonymous-api-access", "container-created", "privileged-container", "system-namespace-pod", "container-exec", "node-proxy", "kubelet-run"),
    *("cluster-secrets-read", "service-account-token-read", "cluster-role-granted", "cluster-credential-issued"),
    *("cluster-job-installed", "cluster-role-widened", "docker-api-exposed", "service-exposed", "cluster-guard-removed"),
    *("role-granted", "mfa-method-added", "mfa-weakened", "api-credential-issued", "application-consent", "authentication-weakened"),
    *("federation-changed", "remote-access-opened", "mail-diverted", "cloud-host-access", "gateway-tampered", "gateway-user-changed"),
    *("mfa-denied", "mfa-passed", "session-seen", "defender-lookalike", "gateway-authenticated", "gateway-session"),
    *("rdp-from-outside", "preload-changed", "tunnel-logon", "relay-contact", "outbound-remote-access", "container-tool", "inner-probe"),
)
ORDINARY = (
    *("apt update", "apt-get -y upgrade", "apt-get install -y nginx", "dnf upgrade", "systemctl restart nginx", "systemctl status ssh"),
    *(
        "journalctl -u nginx --since today",
        "tail -f /var/log/syslog",
        "less /var/log/auth.log",
        "vi /etc/nginx/nginx.conf",
        "cat /etc/hosts",
    ),
    *("docker ps", "docker compose up -d", "git pull", "ls -la /root", "df -h", "top", "htop", "reboot", "certbot renew", "nginx -t"),
    *("crontab -l", "ufw status", "iptables -L", "grep Failed /var/log/auth.log", "last", "w", "free -m", "screen -r", "tmux attach"),
    *(
        "ps aux",
        "mysqldump -u root shop",
        "tar czf /srv/backup.tgz /srv/www",
        "chown www-data /srv/www",
        "sshd -t",
        "logrotate /etc/logrotate.conf",
    ),
    *(
        "systemctl reload ssh",
        "passwd -S ann",
        "cp /etc/nginx/nginx.conf /root/",
        "rm -rf /srv/old",
        "kubectl get pods",
        "python3 manage.py migrate",
    ),
    *(
        "/usr/lib/update-notifier/apt-check",
        "run-parts /etc/cron.hourly",
        "/usr/sbin/sshd -D -R",
        "sudo -i",
        "su -",
        "exit",
        "nano notes.txt",
    ),
    *(
        "curl -s https://www.example/health",
        "wget https://files.example/a.deb",
        "ping 10.0.0.1",
        "ssh-keygen -t ed25519",
        "du -sh /var/log",
    ),
)
ORDINARY_MACOS = (
    *("softwareupdate -i -a", "brew upgrade", "systemsetup -getremotelogin", "systemsetup -settimezone Europe/Berlin", "pmset -g"),
    *("launchctl list", "launchctl kickstart -k system/com.apple.mDNSResponder", "dscl . -list /Users", "dscacheutil -flushcache"),
    *("log show --last 1h", "tmutil startbackup"),
    *("killall -HUP mDNSResponder", "networksetup -listallnetworkservices", "diskutil list", "profiles status", "jamf recon", "jamf policy"),
    *("spctl --status", "csrutil status", "fdesetup status", "security find-certificate -a", "defaults read com.apple.dock", "mdutil -E /"),
    *("/usr/libexec/ApplicationFirewall/socketfilterfw --getglobalstate", "pfctl -sr", "installer -pkg /tmp/office.pkg -target /", "open -a Safari"),
)
ORDINARY_WINDOWS = (
    *("ipconfig", "ipconfig /flushdns", "gpupdate /force", "gpresult /r", "sc query", "sc queryex spooler", "net start spooler"),
    *("net stop spooler", r"net use Z: \\fs01\daten", "net time", "net user ann /domain", "net localgroup administrators"),
    *("powershell.exe Get-Process", "Get-Service -Name W3SVC", "Restart-Service -Name W3SVC", "Get-WinEvent -LogName Security -MaxEvents 9"),
    *(r"robocopy D:\data \\backup01\data /MIR /R:2 /W:5", r"xcopy C:\a D:\a /E", r"msiexec.exe /i C:\install\office.msi /qn", "msiexec /V"),
    *(r"C:\Windows\system32\wuauclt.exe /RunHandlerComServer", r"C:\Windows\system32\usoclient.exe StartScan", "mmc.exe services.msc"),
    *(r"C:\Windows\CCM\CcmExec.exe", r'"C:\Windows\CCM\CcmEval.exe"', r"C:\Windows\ccmsetup\ccmsetup.exe /mp:cm01.corp.example"),
    *(
        r'"C:\Program Files (x86)\Microsoft Intune Management Extension\Microsoft.Management.Services.IntuneWindowsAgent.exe"',
        r'"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe" -NoProfile -ExecutionPolicy Bypass -File C:\scripts\backup.ps1',
        r'"C:\Program Files\Windows Defender\MpCmdRun.exe" -SignatureUpdate',
        r'"C:\Program Files (x86)\TeamViewer\TeamViewer_Service.exe"',
        r'"C:\Program Files (x86)\AnyDesk\AnyDesk.exe" --control',
        r"C:\Windows\system32\svchost.exe -k netsvcs -p -s Schedule",
        r"rundll32.exe C:\Windows\system32\PcaSvc.dll,PcaPatchSdbTask",
        r"C:\Windows\system32\cmd.exe /c \\dc01\netlogon\logon.bat",
    ),
    *("wevtutil qe System /c:5 /rd:true /f:text", r"wevtutil epl Security C:\export\sec.evtx", "auditpol /get /category:*", "fltmc filters"),
    *("netsh advfirewall show allprofiles", "netsh interface ip show config", "Get-NetFirewallRule", "Get-MpComputerStatus"),
    *("schtasks /query /fo LIST /v", "schtasks /run /tn backup", "reg query HKLM\\Software", "Get-ScheduledTask", "vssadmin list shadows"),
    *("winrm get winrm/config", "Test-WSMan", "dism /online /cleanup-image /restorehealth", "sfc /scannow", "chkdsk C:", "shutdown /r /t 0"),
    *(r"notepad C:\scripts\backup.ps1", "taskkill /f /im excel.exe", "Get-ADUser ann", "Unlock-ADAccount ann", "w32tm /resync", "dcdiag"),
    *("repadmin /replsummary", "certutil -hashfile a.iso SHA256", "Import-Module ActiveDirectory", "whoami", "taskmgr.exe", "mstsc"),
    *("Update-MpSignature", "bcdedit /enum", "powercfg /a", "cleanmgr", "iisreset", "appcmd list site", 'sqlcmd -Q "select 1"', "wsl --list"),
)


@pytest.fixture(scope="module")
def rules() -> RuleSet:
    return load_rules([RULES])


def frame(events: list[dict[str, Any]]) -> pl.DataFrame:
    columns = sorted({name for event in events for name in event})
    data = {name: pl.Series([event.get(name) for event in events], dtype=DTYPES[name]) for name in columns}
    return ensure(pl.DataFrame(data), "kind", "source", "command")


def examples(name: str) -> dict[str, list[dict[str, Any]]]:
    raw = yaml.safe_load((EXAMPLES / f"{name}.yml").read_text(encoding="utf-8"))
    found: dict[str, list[dict[str, Any]]] = {"matches": [], "misses": []}
    for key, items in raw.items():
        source = "windows-process" if key.startswith("windows-") else "auditd"
        events = [item if isinstance(item, dict) else {"kind": "exec", "source": source, "command": item} for item in items]
        found[key.removeprefix("windows-")] += events
    return found


def test_every_expected_rule_is_there_and_none_is_refused(rules: RuleSet) -> None:
    assert rules.refused == ()
    assert sorted(rules.names) == sorted(EXPECTED)
    assert all(rule.dormant is None for rule in rules.rules)


def test_every_example_file_belongs_to_a_rule() -> None:
    assert sorted(path.stem for path in EXAMPLES.glob("*.yml")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_rule_meets_its_examples(rules: RuleSet, name: str) -> None:
    cases = examples(name)
    assert len(cases["matches"]) >= 2
    assert len(cases["misses"]) >= 2
    rule = rules.by_name[name]
    for key, expected in (("matches", True), ("misses", False)):
        answers = rule.matches(frame(cases[key])).to_list()
        wrong = [event for event, answer in zip(cases[key], answers, strict=True) if answer is not expected]
        assert wrong == [], f"{name}: these should be {key}"


@pytest.mark.parametrize("name", NAMES)
def test_rule_is_complete(name: str) -> None:
    content = yaml.safe_load((RULES / f"{name}.yml").read_text())
    for key in ("title", "id", "status", "description", "references", "tags", "logsource", "detection", "falsepositives", "level"):
        assert content.get(key), f"{name}: {key} is missing"
    assert content["logsource"] == {"product": "gatewatch"}
    assert any(re.fullmatch(r"attack\.t[0-9]{4}(?:\.[0-9]{3})?", tag) for tag in content["tags"])
    assert all(tag.startswith("attack.") or tag in ("gatewatch.door", "gatewatch.grave", "gatewatch.onward") for tag in content["tags"])


def test_ids_and_titles_are_unique(rules: RuleSet) -> None:
    assert len({rule.id for rule in rules.rules}) == len(rules.rules)
    assert len({rule.title for rule in rules.rules}) == len(rules.rules)


def test_every_door_is_grave(rules: RuleSet) -> None:
    assert set(rules.tagged("gatewatch.door")) <= set(rules.tagged("gatewatch.grave"))
    assert set(rules.tagged("gatewatch.onward")) >= {"lateral-logon", "remote-shell", "file-transfer", "port-forward", "exfil-volume"}


@pytest.mark.parametrize(
    ("kind", "source", "commands"),
    [
        *(("exec", "auditd", ORDINARY), ("privilege_use", "sudo", ORDINARY)),
        *(("exec", "windows-process", ORDINARY_WINDOWS), ("privilege_use", "macos-sudo", ORDINARY_MACOS)),
    ],
)
def test_ordinary_administration_is_neither_grave_nor_a_door(rules: RuleSet, kind: str, source: str, commands: tuple[str, ...]) -> None:
    names = rules.tagged("gatewatch.grave")
    found = rules.evaluate(frame([{"kind": kind, "source": source, "command": command} for command in commands]), names)
    hits = {name: found.filter(pl.col(f"rule:{name}"))["command"].to_list() for name in names}
    assert {name: commands for name, commands in hits.items() if commands} == {}


def test_a_refused_command_is_no_act(rules: RuleSet) -> None:
    commands = [event["command"] for name in NAMES for event in examples(name)["matches"] if "command" in event]
    denied = frame([{"kind": "privilege_denied", "command": command} for command in commands])
    found = rules.evaluate(denied)
    assert [name for name in rules.names if name != "privilege-denied" and found[f"rule:{name}"].any()] == []
