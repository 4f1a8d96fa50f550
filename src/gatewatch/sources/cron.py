r"""Scheduled jobs: cron, crontab, anacron, at.

``(root) CMD (/usr/local/bin/backup --all)`` is a job that ran: ``exec``. ``(alice) REPLACE (alice)`` is a job list that changed: ``scheduled_job``.

``RELOAD`` is cron noticing a changed list, the only trace when a file is edited in place.

References: cron(8), crontab(1), anacron(8), atd(8).
"""

from __future__ import annotations

from gatewatch.schema.events import Kind
from gatewatch.sources import pam
from gatewatch.sources.pattern import Pattern, PatternSource

_ACTOR = r"^\((?P<user>[^()]+)\)"

PATTERNS: tuple[Pattern, ...] = (
    Pattern("cron-command", ("(",), (rf"{_ACTOR} CMD \( *(?P<command>.*)\)$",), Kind.EXEC),
    Pattern("crontab-replaced", ("(",), (rf"{_ACTOR} REPLACE \((?P<target_user>[^()]*)\)$",), Kind.SCHEDULED_JOB, set={"object": "crontab"}),
    Pattern("crontab-deleted", ("(",), (rf"{_ACTOR} DELETE \((?P<target_user>[^()]*)\)$",), Kind.SCHEDULED_JOB, set={"object": "crontab"}),
    Pattern(
        "crontab-reloaded",
        ("(",),
        (r"^\(\*system\*[^()]*\) RELOAD \((?P<object>[^()]*)\)$", r"^\((?P<target_user>[^()]+)\) RELOAD \((?P<object>[^()]*)\)$"),
        Kind.SCHEDULED_JOB,
    ),
    Pattern(
        "cron-noise",
        ("(", "Error: ", "pam_"),
        (
            r"^\([^()]*\) (?:CMDEND|CMDOUT|MAIL|BEGIN EDIT|END EDIT|LIST|STARTUP|INFO|STATS|UNSAFE|CAN'T OPEN|FOPEN|OPENDIR|STAT) ?\(",
            (
                r"^\([^()]*\) (?:ORPHAN|WRONG FILE OWNER|WRONG INODE INFO|BAD FILE MODE|INSECURE MODE|NOT A REGULAR FILE|"
                r"SYMLINK OR HARDLINK|TABLE LOCK|PAM ERROR|"
                r"ERROR|error|DEATH|RELOAD|AUTH|getpwnam|CRON) ?\("
            ),
            r"^\([^()]*\) (?:\*system\* )?(?:bad |INFO |ERROR )",
        ),
        why="cron looking at its tables, nothing ran or changed",
    ),
    Pattern(
        "anacron",
        (
            "Job `",
            "Job '",
            "Normal exit ",
            "Anacron ",
            "Will run job",
            "Jobs will be",
            "Updated time",
            "Received SIG",
            "starting ",
            "finished ",
        ),
        (r"^(?:Job [`'].*' |Normal exit \(|Anacron |Will run job |Jobs will be |Updated timestamp for job |Received SIG|starting |finished )",),
        why="the daily jobs of the distribution; cron logs what starts them",
    ),
    Pattern("at-started", ("Starting job",), (r"^Starting job (?P<object>[!-~]+) \([!-~]+\) for user '(?P<user>[^']*)' \([0-9]+\)$",), Kind.EXEC),
)

SOURCE = PatternSource(
    name="cron",
    title="cron, anacron, at",
    programs=("cron", "CRON", "crond", "CROND", "crontab", "anacron", "atd", "run-parts", "fcron", "dcron"),
    patterns=PATTERNS + pam.PATTERNS,
    claims=r"^(?:run-parts\(.*|(?i:cron[d]?))$",
    references=("cron(8)", "crontab(1)", "anacron(8)", "atd(8)"),
)
