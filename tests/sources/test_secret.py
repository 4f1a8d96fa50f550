"""Secrets in commands: a text is only searched by the patterns whose words it holds, and that changes nothing."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from gatewatch.schema import secret
from gatewatch.schema.secret import CAP, mask

PARTS = st.sampled_from(
    [
        " ", "=", ":", "'", '"', "|", "-", "--", "/", "@", "%", "://", "\t", "\x1c", "\\", "hunter2", "ann", "x" * 30,
        *(" -p", " -u ", " -U ", " -a", " -w ", " /p:", " -pw ", " --password ", "--db-password=", " -passwd ", " use ", " user ", "/user:", " -e "),
        *("PASSWORD=", "MY_PWD=", "api_key=", "ApiKey=", "ACCESS_KEY", "secret", "token", "pass", "pwd", "Authorization: Bearer ", "pass:"),
        *("chpasswd", "echo ", "sudo -S", "passwd", "mysql", "mariadb-dump", "sshpass", "mongosh", "curl", "wget", "sysadminctl", "kickstart"),
        *("dscl", "redis-cli", "ldapsearch", "smbclient", "net", "NET1.exe", "psexec", "plink", "sc", "wmic", "ConvertTo-SecureString", "xfreerdp"),
        *("-String ", "-vncpw ", "-adminPassword ", "https", "ſecret", "toKen", "PAẞ"),
    ]
)  # fmt: skip


def _slow(command: str) -> str:
    """Mask with every pattern, in order."""
    made = command[:CAP]
    for _, pattern, replacement in secret._SECRETS:
        made = pattern.sub(replacement, made)
    for _, program, pattern, replacement in secret._SHORT:
        if program.search(made):
            made = pattern.sub(replacement, made)
    return made if len(command) <= CAP else f"{made} […]"


@given(st.lists(PARTS, max_size=14).map("".join))
@example("mysql -u root -phunter2")
@example("echo hunter2 | sudo -S id")
@example('net use X: \\\\db02\\share hunter2 /user:ann')
@example("--db-ſecret hunter2")
@example("x" * CAP + " --password hunter2")
def test_what_is_not_searched_holds_nothing_to_mask(command: str) -> None:
    assert mask(command) == _slow(command)


@given(st.sampled_from([*(pattern for _, pattern, _ in secret._SECRETS), *(pattern for _, _, pattern, _ in secret._SHORT)]).flatmap(st.from_regex))
def test_whatever_a_pattern_matches_is_searched_by_it(command: str) -> None:
    assert mask(command) == _slow(command)
