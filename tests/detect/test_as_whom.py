"""As whom an event of onward movement went on."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gatewatch.detect.exhibit import Exhibit, as_whom
from gatewatch.schema.events import Kind

NOTHING = Exhibit(**dict.fromkeys(Exhibit._fields))._replace(row=0, time=datetime(2026, 3, 2, tzinfo=UTC), hop=0)


@pytest.mark.parametrize(
    ("command", "whom"),
    [
        ("ssh root@10.0.0.5", "root"),
        ("/usr/bin/scp -q /tmp/a.tgz svc@10.0.0.5:/tmp/", "svc"),
        (r'"C:\Windows\System32\OpenSSH\ssh.exe" deploy@db02', "deploy"),
        ("ssh -p 2222 10.0.0.5", None),
        ("ssh -oUser=a@b 10.0.0.5", None),
        ("ssh -l root 10.0.0.5", "root"),
        (r"C:\Tools\plink.exe -ssh -pw x -l deploy lnx1", "deploy"),
        (r"psexec64.exe \\fs01 -u CORP\bob -p x cmd", "bob"),
        ("xfreerdp /v:ts1 /u:CORP\\olga", "olga"),
        ("python3 wmiexec.py corp/ann@10.0.0.9", None),
        ("rsync -a /srv/ backup@nas:/srv/", "backup"),
        ("sshpass -p x ssh -o StrictHostKeyChecking=no root@db02", "root"),
        ("kubectl --user ann get pods", None),
        ("mail -s hello ann@corp.example", None),
        ("", None),
    ],
)
def test_a_command_names_it(command: str, whom: str | None) -> None:
    assert as_whom(NOTHING._replace(kind=str(Kind.EXEC), command=command)) == whom


def test_a_logon_is_its_user_and_credentials_are_the_targets() -> None:
    logon = NOTHING._replace(kind=str(Kind.AUTH_SUCCESS), user="ann", target_user="bob")
    assert as_whom(logon) is None
    assert as_whom(logon._replace(hop=1)) == "ann"
    assert as_whom(logon._replace(kind=str(Kind.LOGON_OUT))) == "bob"
