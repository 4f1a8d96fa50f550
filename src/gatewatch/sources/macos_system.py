"""Remote services of a Mac switched on or off, accounts made, restarts: ``launchd``, ``systemsetup``, ``kickstart``, ``sysadminctl``, the kernel.

``setremotelogin: on`` · ``Service "com.openssh.sshd" enabled`` · ``=== system boot: 5B1C…``

Who switches a service on from a terminal is told by sudo (:mod:`.macos_sudo`); what stands here names no user. The wording of these programs is not
documented: a line counts when it names the service and says that it was *enabled* (``remote-login-enabled``, ``screen-sharing-enabled``,
``remote-management-enabled``) or *disabled*. That a service was loaded or started says nothing, as it happens at every start.

References: systemsetup(8), launchctl(1), sysadminctl(8), https://support.apple.com/guide/remote-desktop (kickstart)
"""

from __future__ import annotations

from gatewatch.schema.events import Kind, Service
from gatewatch.sources.macos import MacSource
from gatewatch.sources.pattern import Pattern

_SERVICES = (
    ("remote-login", r"(?:com\.openssh\.sshd|[Rr]emote [Ll]ogin)", Service.SSH, ("-?set[Rr]emote[Ll]ogin:? ",)),
    ("screen-sharing", r"(?:com\.apple\.screensharing|[Ss]creen [Ss]haring)", Service.VNC, ()),
    ("remote-management", r"(?:com\.apple\.RemoteDesktop\.agent|[Rr]emote [Mm]anagement)", Service.VNC, ()),
)
_HEADS = (
    *("Service ", "service ", "Enabl", "enabl", "Disabl", "disabl", "Remote ", "remote ", "Screen ", "screen "),
    *('"', "'", "<", "com.", "system/", "set", "-set"),
)


def _switched(word: str, state: str) -> tuple[Pattern, ...]:
    verb = rf"[{word[0].upper()}{word[0]}]{word[1:-1]}"
    return tuple(
        Pattern(
            f"{name}-{word}d",
            _HEADS,
            (
                rf"^(?:[Ss]ervice )?[\"'<(]?(?:system/)?{label}[\"'>)]?(?: service)?(?: is now| has been| was| set to| state:| is|:|,|)? {word}d\.?$",
                rf"^{verb}(?:e|ed|ing):? (?:the )?(?:service )?[\"'<(]?(?:system/)?{label}[\"'>)]?(?: service)?\.?$",
                *(rf"^{start}(?i:{state})\b" for start in more),
            ),
            Kind.CONFIG_CHANGE,
            set={"service": str(service), "object": name, "command": state},
        )
        for name, label, service, more in _SERVICES
    )


PATTERNS: tuple[Pattern, ...] = (
    *_switched("enable", "on"),
    *_switched("disable", "off"),
    Pattern(
        "user-created",
        ("Creating home directory at ",),
        (r"^Creating home directory at /Users/(?P<target_user>[A-Za-z0-9_.-]+)$",),
        Kind.ACCOUNT_CHANGE,
        set={"process": "sysadminctl"},
    ),
    Pattern(
        "user-steps",
        ("Creating use", "Assigning UI", "No clear tex", "-----"),
        (r"^(?:Creating user record|Assigning UID: |No clear text password |-{10,40}$)",),
        why="steps of making an account; the home directory names it",
    ),
    Pattern("boot", ("=== system boot:", "BOOT_TIME"), (r"^=== system boot: ", r"^BOOT_TIME:? [0-9]+"), Kind.BOOT),
    Pattern("clock-set", ("=== system wallclock",), (r"^=== system wallclock time adjusted",), Kind.CLOCK_CHANGE),
    Pattern(
        "shutdown",
        ("SHUTDOWN_TIME", "Previous shu"),
        (r"^(?:SHUTDOWN_TIME: |Previous shutdown cause: )",),
        why="the start that follows ends sessions",
    ),
    Pattern(
        "log-show",
        ("Timestamp ", "Filtering the", "Skipping ", "-----", "Log   ", "Activity ", "{"),
        (
            (
                r"^(?:Timestamp +(?:Thread|Ty |\()|Filtering the log data using |Skipping (?:info|debug)|-{60,}$|Log +- Default: |"
                r"Activity +- Create: |\{\"count\":)"
            ),
        ),
        why="written by log show around its records",
    ),
)
_NAMES = ("systemsetup", "launchctl", "smd", "kickstart", "sysadminctl", "remotemanagementd", "RemoteManagementAgent", "bootlog")

SOURCE = MacSource(
    name="macos-system",
    title="Remote services, accounts and restarts of macOS",
    programs=(
        *(prefix + name for name in _NAMES for prefix in ("", "macos:")),
        *("macos:launchd", "macos:kernel", "macos:shutdown", "macos:log-show"),
    ),
    patterns=PATTERNS,
    references=("systemsetup(8)", "launchctl(1)", "sysadminctl(8)"),
)
