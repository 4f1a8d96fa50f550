r"""The system itself where it matters to a login's story: boots, clock changes, services of remote access, the logger's own life.

``kernel: [    0.000000] Linux version 6.8.0-45-generic …`` · ``chronyd: System clock was stepped by -3600.123456 seconds``

Everything else of systemd is ignored with its reason; other kernel messages stay unrecognised. A restart of the logger is a ``service_start``,
no ``boot``: log rotation restarts it too. That the logger stops is a ``config_change``: it happens at every shutdown, and when tracks are covered.

References: systemd(1), rsyslogd(8), chronyd(8), ntpd(8).
"""

from __future__ import annotations

from gatewatch.schema.events import Kind
from gatewatch.sources import pam
from gatewatch.sources.pattern import Pattern, PatternSource

_REMOTE = (
    r"(?i:[!-~]*(?:ssh|secure shell|vnc|xrdp|openvpn|wireguard|wg-quick|strongswan|docker|containerd|kubelet|cockpit|telnet|guac|"
    r"teamviewer|anydesk|\btor\b)[!-~]*?)"
)
_UNIT = r"[!-~]+\.(?:service|scope|slice|timer|socket|mount|automount|target|path|device|swap)"
_VERB = (
    r"(?:Started|Starting|Stopped|Stopping|Reached target|Stopped target|Created slice|Removed slice|Finished|Mounted|Mounting|Unmounted|Unmounting|"
    r"Listening on|Closed|Set up|Unset|Reloading|Reloaded|Activated|Activating|Deactivated|Deactivating|Found device|Expecting device|"
    r"Condition check)"
)

PATTERNS: tuple[Pattern, ...] = (
    Pattern("kernel-boot", ("[", "Linux versio"), (r"^(?:\[ *[0-9.]+\] )?Linux version (?P<object>[!-~]+)(?: .*)?$",), Kind.BOOT),
    Pattern(
        "kernel-booting",
        ("[", "Booting Linu", "Command line", "Kernel comma"),
        (r"^(?:\[ *[0-9.]+\] )?(?:Booting Linux on |(?:Kernel c|C)ommand line: )",),
        why="the line with the version tells the boot",
    ),
    Pattern("startup-finished", ("Startup fini",), (r"^Startup finished in .*\(kernel\).* = (?P<object>[0-9a-z. ]+?)\.?$",), Kind.BOOT),
    Pattern("user-startup", ("Startup fini",), (r"^Startup finished in [0-9a-z. ]+$",), why="the user's own service manager, no boot"),
    Pattern(
        "clock-changed",
        (
            "Time has bee",
            "Changed local",
            "Changed time",
            "System clock",
            "Forward time",
            "Backward tim",
            "Detected fo",
            "time reset ",
            "step time se",
            "time stepped",
            "time set ",
        ),
        (
            r"^Time has been changed$",
            r"^Changed (?:local time|time zone) to .*$",
            r"^System clock was stepped by (?P<object>[0-9.+-]+) seconds$",
            r"^(?:Forward|Backward) time jump detected!$",
            r"^(?:time reset|time stepped by) (?P<object>[0-9.+-]+)(?: s)?$",
            r"^time set (?P<object>[0-9.+-]+) s$",
            r"^step time server (?P<dhost>[!-~]+) offset (?P<object>[0-9.+-]+)(?: sec)?$",
        ),
        Kind.CLOCK_CHANGE,
    ),
    Pattern(
        "clock-adjusted",
        ("adjust time ", "Selected sou", "Source ", "Can't synchr", "System clock", "Initial sync", "Synchronized", "Contacted ti"),
        (
            (
                r"^(?:adjust time server |Selected source |Source |Can't synchronise|System clock (?:wrong|TAI) |"
                r"Initial synchronization |Synchronized to |"
                r"Contacted time server )"
            ),
        ),
        why="small corrections of the clock",
    ),
    Pattern(
        "logger-started",
        ("[origin soft", "syslogd ", "syslog-ng st", "Journal star", "imklog ", "restart"),
        (
            r'^\[origin software="(?P<object>rsyslogd)"[^\]]*\] start$',
            r"^(?P<object>syslogd) [0-9.]+[!-~]*: restart.*$",
            r"^(?P<object>syslog-ng) starting up; .*$",
            r"^(?P<object>Journal) started$",
            r"^restart$",
        ),
        Kind.SERVICE_START,
    ),
    Pattern(
        "logger-stopped",
        ("[origin soft", "exiting on s", "Journal stop", "syslog-ng sh", "Exiting on s"),
        (
            r'^\[origin software="(?P<object>rsyslogd)"[^\]]*\] exiting on signal [0-9]+\.$',
            r"^[Ee]xiting on signal [0-9]+\.?$",
            r"^(?P<object>Journal) stopped$",
            r"^(?P<object>syslog-ng) shutting down; .*$",
        ),
        Kind.CONFIG_CHANGE,
    ),
    Pattern(
        "logger-noise",
        (
            "[origin soft",
            "Suppressed ",
            "imuxsock ",
            "imjournal",
            "rsyslogd's ",
            "Runtime Jour",
            "System Jourl",
            "System Journ",
            "Vacuuming do",
            "Deleted arch",
            "Time spent ",
            "Received cli",
            "Journal effe",
            "-- MARK --",
            "Forwarding t",
            "Configuration",
            "Log statisti",
            "action '",
            "rsyslogd: ",
        ),
        (
            r'^\[origin software="[^\]]*\] (?:rsyslogd was HUPed|.*was HUPed)',
            r"^(?:Suppressed [0-9]+ messages from |imuxsock |imjournal)",
            (
                r"^(?:rsyslogd's |Runtime Journal |System Journal |Vacuuming done|Deleted archived |Time spent on |"
                r"Received client request to |Journal effective |"
                r"-- MARK --|Forwarding to |Configuration reload|Log statistics;|action '.*' (?:resumed|suspended))"
            ),
        ),
        why="the logger's housekeeping; suppressed messages are lost here",
    ),
    Pattern("session-scope", ("Started Sess", "Started User", "Started user"), (r"^Started (?:Session|User|user)",), why="logind logs the session"),
    Pattern(
        "remote-service-started",
        ("Started ",),
        (rf"^Started (?:(?P<object>{_REMOTE}\.(?:service|socket)) - .*?|(?P<x_title>(?:[!-~]+ )*?{_REMOTE}(?: [!-~]+?)*?))\.*$",),
        Kind.SERVICE_START,
    ),
    Pattern("unit", (), (rf"^{_VERB} ", rf"^{_UNIT}: "), why="units of the system going up and down"),
    Pattern(
        "manager",
        (
            "Reloading",
            "Reexecuting",
            "systemd ",
            "Queued start",
            "Detected ",
            "Received SIG",
            "Shutting down",
            "Hostname set",
            "Condition ",
            "Got automoun",
            "Trying to en",
            "Configuration",
            "Running in ",
            "Loaded ",
            "Successfully",
            "Startup ",
            "Dependency f",
            "Failed to st",
            "Removed ",
        ),
        (
            (
                r"^(?:Reloading\.|Reexecuting|systemd [0-9]+|Queued start job|Detected (?:virtualization|architecture)|Received SIG|"
                r"Shutting down|Hostname set |"
                r"Got automount request|Trying to enqueue|Configuration file |Running in |Successfully |Dependency failed|Failed to start )"
            ),
        ),
        why="the service manager about itself",
    ),
)

SOURCE = PatternSource(
    name="system",
    title="systemd, kernel, clock and logger",
    programs=(
        *("systemd", "kernel", "systemd-timedated", "systemd-timesyncd", "systemd-journald", "systemd-journal", "journal"),
        *("rsyslogd", "syslogd", "syslog-ng", "ntpd", "ntpdate", "chronyd"),
    ),
    patterns=PATTERNS + pam.PATTERNS,
    references=("systemd(1)", "rsyslogd(8)", "chronyd(8)", "ntpd(8)"),
)
