r"""Accounts and groups made, changed and removed: the shadow tools (useradd, usermod, passwd, gpasswd, chage …).

``new user: name=eve, UID=0, GID=0, home=/home/eve, shell=/bin/bash, from=/dev/pts/0`` · ``add 'eve' to group 'sudo'``

All are ``account_change``; ``target_user`` is the account, ``object`` the group, or what changed. Names stand in quotes of either kind
(``'eve'`` since 4.5, `` `eve' `` before). The actor is named only by a few; ``user`` is null otherwise.

References: shadow-utils sources and manual pages, SUSE shadow (``account added …``).
"""

from __future__ import annotations

from gatewatch.schema.events import Kind, Service
from gatewatch.sources import pam
from gatewatch.sources.pattern import Pattern, PatternSource

_ACCOUNT = r"['`](?P<target_user>[^']*)'"
_GROUP = r"['`](?P<object>[^']*)'"
_BY = r"(?P<user>[!-~]+)"

PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "user-created",
        ("new user: name=", "new account added", "new user add"),
        (
            (
                r"^new user: name=(?P<target_user>[^,]*), (?P<object>UID=[0-9]+), GID=(?P<x_gid>[0-9]+), home=(?P<x_home>.*), "
                r"shell=(?P<x_shell>[^,]*)(?:, from=(?P<x_from>[^,]*))?$"
            ),
            r"^new (?:account|user) added - account=(?P<target_user>[^,]*), (?P<object>uid=[0-9]+),.*$",
        ),
        Kind.ACCOUNT_CHANGE,
    ),
    Pattern(
        "user-deleted",
        ("delete user", "account deleted"),
        (rf"^delete user {_ACCOUNT}$", r"^account deleted - account=(?P<target_user>[^,]*),.*$"),
        Kind.ACCOUNT_CHANGE,
        set={"object": "account"},
    ),
    Pattern(
        "group-created",
        ("new group: n", "group added "),
        (
            r"^new group: name=(?P<object>[^,]*), GID=(?P<x_gid>[0-9]+)$",
            r"^group added to /etc/group: name=(?P<object>[^,]*), GID=(?P<x_gid>[0-9]+)$",
        ),
        Kind.ACCOUNT_CHANGE,
    ),
    Pattern(
        "group-deleted",
        ("group '", "remove group", "removed grou"),
        (rf"^group {_GROUP} removed$", rf"^removed? group {_GROUP}(?: owned by ['`].*')?$"),
        Kind.ACCOUNT_CHANGE,
    ),
    Pattern(
        "group-member-added",
        ("add '", "add `", "user ", "add member ", "account adde", "members of g"),
        (
            rf"^add {_ACCOUNT} to group {_GROUP}$",
            rf"^user (?P<target_user>[!-~]+) added by {_BY} to group (?P<object>[!-~]+)(?: in .*)?$",
            rf"^add member (?P<target_user>[!-~]+) to group (?P<object>[!-~]+) by {_BY}$",
            r"^account added to group - account=(?P<target_user>[^,]*), group=(?P<object>[^,]*),.*$",
        ),
        Kind.ACCOUNT_CHANGE,
    ),
    Pattern(
        "group-member-removed",
        ("delete '", "delete `", "user ", "remove membe"),
        (
            rf"^delete {_ACCOUNT} from group {_GROUP}$",
            rf"^user (?P<target_user>[!-~]+) removed by {_BY} from group (?P<object>[!-~]+)(?: in .*)?$",
            rf"^remove member (?P<target_user>[!-~]+) from group (?P<object>[!-~]+) by {_BY}$",
        ),
        Kind.ACCOUNT_CHANGE,
    ),
    Pattern(
        "group-members-set",
        ("members of group", "administrato", "set members ", "set administ"),
        (
            rf"^(?:members|administrators) of group (?P<object>[!-~]+) set by {_BY} to (?P<x_members>[^ ]*)(?: in .*)?$",
            r"^set (?:members|administrators) of (?P<object>[!-~]+) to (?P<x_members>.*)$",
        ),
        Kind.ACCOUNT_CHANGE,
    ),
    Pattern(
        "password-changed",
        ("password for ", "change user "),
        (rf"^password for {_ACCOUNT} changed by ['`](?P<user>.*)'$", rf"^change user {_ACCOUNT} password$"),
        Kind.ACCOUNT_CHANGE,
        set={"object": "password"},
    ),
    Pattern(
        "password-locked",
        ("lock user ", "password locked"),
        (rf"^(?:lock user|password locked for) {_ACCOUNT}(?: password)?$",),
        Kind.ACCOUNT_CHANGE,
        set={"object": "password"},
    ),
    Pattern(
        "password-unlocked",
        ("unlock user ", "password unlocked"),
        (rf"^(?:unlock user|password unlocked for) {_ACCOUNT}(?: password)?$",),
        Kind.ACCOUNT_CHANGE,
        set={"object": "password"},
    ),
    Pattern(
        "user-renamed",
        ("change user name",),
        (r"^change user name ['`](?P<user>.*)' to ['`](?P<target_user>.*)'$",),
        Kind.ACCOUNT_CHANGE,
        set={"object": "name"},
    ),
    Pattern(
        "user-changed",
        ("change user ", "changed user"),
        (
            rf"^change user {_ACCOUNT} (?P<object>UID|GID|home|shell|inactive|expiration) from ['`](?P<x_from>.*)' to ['`](?P<x_to>.*)'$",
            rf"^changed user {_ACCOUNT} (?P<object>shell) to ['`](?P<x_to>.*)'$",
            rf"^changed user {_ACCOUNT} (?P<object>information)$",
        ),
        Kind.ACCOUNT_CHANGE,
    ),
    Pattern(
        "password-expiry-changed",
        ("changed pass",),
        (r"^changed password expiry for (?P<target_user>.*)$",),
        Kind.ACCOUNT_CHANGE,
        set={"object": "expiry"},
    ),
    Pattern(
        "group-changed",
        ("group changed", "change group", "change GID ", "change the pa", "password of ", "remove passw", "access to gr", "restrict acc"),
        (
            r"^group changed in /etc/group \(group (?P<object>[^/,() ]+)[/,)].*$",
            r"^change group ['`](?P<object>.*)' to ['`].*'$",
            r"^change GID for ['`](?P<object>.*)' to [0-9]+$",
            rf"^(?:password of|access to) group (?P<object>[!-~]+) (?:changed|removed|restricted) by {_BY}(?: in .*)?$",
            rf"^(?:change the password for|remove password from|restrict access to) group (?P<object>[!-~]+) by {_BY}$",
        ),
        Kind.ACCOUNT_CHANGE,
    ),
    Pattern(
        "shadow-file",
        (
            "add '",
            "add `",
            "delete '",
            "delete `",
            "change '",
            "change `",
            "change admin",
            "group '",
            "group added ",
            "group changed",
            "removed shad",
        ),
        (
            r"^(?:add|delete|change|change admin) ['`].*' (?:to|from|in)(?: ['`].*' in)? (?:shadow )?group ['`].*'$",
            r"^group (?:['`].*' removed from|added to|changed in) /etc/[a-z]+(?:: name=| \(|$)",
            r"^removed shadow group ",
        ),
        why="the same change in the second file",
    ),
    Pattern(
        "account-failure",
        (),
        (
            r"^(?:failed (?:adding|to )|Failed to |incorrect password for |can't |root is not authorized |now < minimum age |cannot )",
            r"^[!-~]+ failed to (?:add|remove|restrict|set|change) ",
            r"^pam_[a-z_]+\(\) failed",
        ),
        why="nothing was changed",
    ),
)

SOURCE = PatternSource(
    name="shadow",
    title="Account tools (shadow-utils)",
    programs=(
        *("useradd", "userdel", "usermod", "adduser", "deluser", "newusers"),
        *("groupadd", "groupdel", "groupmod", "groupmems", "addgroup", "delgroup", "gpasswd"),
        *("passwd", "chpasswd", "chgpasswd", "chage", "chfn", "chsh", "vipw", "vigr"),
    ),
    patterns=PATTERNS + pam.PATTERNS,
    service=Service.LOCAL,
    references=("useradd(8)", "usermod(8)", "passwd(1)", "gpasswd(1)"),
)
