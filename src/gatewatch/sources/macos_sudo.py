"""Commands run as another user on macOS: sudo and su, from the unified log, with the messages of :mod:`.sudo` and :mod:`.su`.

``ann : TTY=ttys001 ; PWD=/Users/ann ; USER=root ; COMMAND=/usr/sbin/systemsetup -setremotelogin on``

The tools that make accounts and members (``dscl``, ``dseditgroup``, ``sysadminctl``) keep no log that says so, so a command of that kind becomes an
``account_change`` that names the account: ``user-created``, ``member-added``, ``password-changed-by-other``. Whether it succeeded, sudo does
not know.

References: sudoers(5), su(1), dscl(1), dseditgroup(8), sysadminctl(8)
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.events import KIND, Kind, Service
from gatewatch.sources import su, sudo
from gatewatch.sources.macos import MacSource
from gatewatch.sources.pattern import Pattern
from gatewatch.sources.resolver import resolve_user

_NODE = r"(?:/\S*/)?dscl(?: -[uP] \S+)* (?:\.|/Local/Default|localhost|/LDAPv3/\S+) "
_NAME = r"([A-Za-z0-9_.-]+)"
_CREATED = (rf"^{_NODE}-?create (?:/Local/Default)?/Users/{_NAME}$", rf"^(?:/\S*/)?sysadminctl (?:.* )?-addUser {_NAME}(?: |$)")
_PASSWORD = (rf"^{_NODE}-?passwd (?:/Local/Default)?/Users/{_NAME}(?: |$)", rf"^(?:/\S*/)?sysadminctl (?:.* )?-resetPasswordFor {_NAME}(?: |$)")
_TOOL = r"^(?:/\S*/)?dseditgroup (?:.* )?-o edit (?:.* )?"
_MEMBER = (rf"{_TOOL}-a {_NAME}(?: |$)", rf"^{_NODE}-?(?:append|merge) (?:/Local/Default)?/Groups/\S+ (?:GroupMembership|users) {_NAME}$")
_GROUP = (rf"{_TOOL}-a .* {_NAME}$", rf"^{_NODE}-?(?:append|merge) (?:/Local/Default)?/Groups/{_NAME} ")

PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "sudo-noise",
        ("in pam_sm_", "Retrieve ", "Reading con", "Using origi", "too many gr", "Resolve user", "Performance "),
        (r"^(?:in pam_sm_|Retrieve (?:User|Group) by |Reading config|Using original path|too many groups|Resolve user|Performance impact)",),
        why="steps of libraries, no command",
    ),
    Pattern("library", ("(",), (r"^\([A-Za-z0-9_.+-]+\) ",), why="said by a library, not by sudo"),
)


def _first(regexes: tuple[str, ...]) -> pl.Expr:
    """Return what the first of *regexes* that fits takes from the command."""
    return pl.coalesce([pl.col("command").str.extract(regex, 1) for regex in regexes])


def _changes(events: pl.DataFrame) -> pl.DataFrame:
    """Add the terminal as session, and make changes of accounts of the commands that are such."""
    if sudo.SOURCE.finish is not None:
        events = sudo.SOURCE.finish(events)
    if "command" not in events.columns or "target_user" not in events.columns:
        return events
    allowed = pl.col("kind").cast(pl.String) == str(Kind.PRIVILEGE_USE)
    found = events.select(
        pl.when(allowed).then(_first(_CREATED)).alias("created"),
        pl.when(allowed).then(_first(_PASSWORD)).alias("password"),
        pl.when(allowed).then(_first(_MEMBER)).alias("member"),
        pl.when(allowed).then(_first(_GROUP)).alias("group"),
    )
    whom = found.select(pl.coalesce("created", "password", "member").alias("whom"))["whom"]
    if not whom.is_not_null().any():
        return events
    account = events.select(resolve_user(whom, "account"))["account"]
    changed = account.is_not_null()
    pattern = found.select(
        pl.when(pl.col("created").is_not_null())
        .then(pl.lit("user-created"))
        .when(pl.col("password").is_not_null())
        .then(pl.lit("password-changed-by-other"))
        .otherwise(pl.lit("member-added"))
        .alias("pattern")
    )["pattern"]
    terminal = events["object"] if "object" in events.columns else pl.Series([None], dtype=pl.String).new_from_index(0, events.height)
    return events.with_columns(
        pl.Series("kind", [str(Kind.ACCOUNT_CHANGE)], dtype=KIND).new_from_index(0, events.height).zip_with(changed, events["kind"]),
        pattern.zip_with(changed, events["pattern"]).alias("pattern"),
        account.zip_with(changed, events["target_user"]).alias("target_user"),
        found["group"].zip_with(changed, terminal).alias("object"),
    )


SOURCE = MacSource(
    name="macos-sudo",
    title="sudo and su of macOS",
    programs=("macos:sudo", "macos:su"),
    patterns=sudo.SOURCE.patterns + su.PATTERNS + PATTERNS,
    service=Service.LOCAL,
    finish=_changes,
    references=("sudoers(5)", "su(1)", "log(1)"),
)
