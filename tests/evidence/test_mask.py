from __future__ import annotations

import pytest

from gatewatch.evidence.mask import conceal, quote, value


@pytest.mark.parametrize(
    "line",
    [
        "PrivateKey = S3CRETc2VjcmV0",
        "PresharedKey = S3CRETc2VjcmV0",
        "set psksecret ENC S3CRET==",
        "set password ENC S3CRET==",
        "username ann password S3CRET privilege 15",
        "enable secret 9 S3CRET",
        " ikev1 pre-shared-key S3CRET",
        "snmp-server community S3CRET ro",
        "tacacs-server shared-key S3CRET",
        '"password": "S3CRET \\" tail"',
        "set system user nsroot S3CRET -encrypted -externalAuth ENABLED",
        "add authentication radiusAction rad -serverIP 10.0.0.5 -radKey S3CRET -encrypted",
        "<phash>S3CRET</phash>",
        "<pre-shared-key>S3CRET</pre-shared-key>",
        "root:$6$salt$S3CRET:1::",
        "userPassword: {SSHA}S3CRET",
        "bind_password: S3CRET",
        "    secret = 0sS3CRET",
        "client_secret=S3CRET&x=1",
        "Environment=API_TOKEN=S3CRET",
        "ExecStart=/usr/bin/tool --password S3CRET",
        '"ProxyServer": "http://user:S3CRET@192.0.2.1:3128"',
    ],
)
def test_a_secret_is_masked(line: str) -> None:
    assert "S3CRET" not in quote(line)
    assert "S3CRET" not in conceal(line)


@pytest.mark.parametrize(
    "line",
    [
        "PasswordAuthentication no",
        "auth required pam_google_authenticator.so nullok",
        "PermitEmptyPasswords yes",
        "--anonymous-auth=false",
        "set two-factor fortitoken",
        "verify-client-cert require",
        "-A INPUT -s 192.0.2.0/24 -p tcp -m tcp --dport 22 -j ACCEPT",
    ],
)
def test_what_is_no_secret_stays(line: str) -> None:
    assert quote(line) == line


def test_values_are_masked_by_their_name() -> None:
    assert value("psksecret", "S3CRET") == "***"
    assert value("passwordauthentication", "no") == "no"
    assert value("port", "22") == "22"
