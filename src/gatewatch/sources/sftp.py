r"""Files moved over SSH: sftp-server and internal-sftp.

``close "/srv/customers.csv" bytes read 52428800 written 0``

Logged only with ``sftp-server -l INFO`` (or ``internal-sftp -l INFO``). In a chroot without a log socket sshd logs the same text itself, with
``[postauth]``; :data:`PATTERNS` is therefore part of sshd's table as well. The close line bears name and size, so opening is ignored.
Bytes are as seen from the host: what it *read* went out, what was *written* came in.

References: sftp-server(8), OpenSSH sftp-server.c.
"""

from __future__ import annotations

from gatewatch.schema.events import Kind, Service
from gatewatch.sources.pattern import Pattern, PatternSource

_END = r"(?: \[postauth\])?$"

PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "sftp-closed",
        ('close "', "forced close"),
        (rf'^(?:forced )?close "(?P<object>.*)" bytes read (?P<bytes_out>[0-9]+) written (?P<bytes_in>[0-9]+){_END}',),
        Kind.FILE_TRANSFER,
    ),
    Pattern(
        "sftp-session",
        ("session opened for local user",),
        (rf"^session opened for local user (?P<user>.*) from \[(?P<rhost>[^\[\] ]+)\]{_END}",),
        Kind.FILE_TRANSFER,
    ),
    Pattern("sftp-session-end", ("session closed for local user",), (r"^session closed for local user ",), why="its files are logged one by one"),
    Pattern(
        "sftp-removed",
        ("remove name", "rmdir name"),
        (rf'^(?:remove|rmdir) name "(?P<object>.*)"{_END}',),
        Kind.FILE_TRANSFER,
    ),
    Pattern(
        "sftp-renamed",
        ("rename old", "posix-rename", "hardlink old", "symlink old"),
        (rf'^(?:posix-rename|rename|hardlink|symlink) old "(?P<object>.*)" new "(?P<x_new>.*)"{_END}',),
        Kind.FILE_TRANSFER,
    ),
    Pattern("sftp-made", ("mkdir name",), (rf'^mkdir name "(?P<object>.*)" mode 0?[0-7]+{_END}',), Kind.FILE_TRANSFER),
    Pattern(
        "sftp-looked",
        (
            'open "',
            "opendir",
            "closedir",
            "forced closedir",
            "sent status",
            "received client version",
            "realpath",
            "statvfs",
            "lstat name",
            "stat name",
        ),
        (
            r'^(?:open|opendir|closedir|forced closedir|realpath|statvfs|lstat name|stat name) "',
            r"^(?:sent status |received client version )",
        ),
        why="listing and opening; the close line bears name and size",
    ),
    Pattern("sftp-set", ('set "', "fsync", "copy-data"), (r'^(?:set|fsync|copy-data:?(?: from)?) "',), why="attributes of a file, nothing moved"),
)

SOURCE = PatternSource(
    name="sftp",
    title="OpenSSH sftp-server",
    programs=("sftp-server", "internal-sftp"),
    patterns=PATTERNS,
    service=Service.SSH,
    session="pid:",
    references=("sftp-server(8)",),
)
