r"""OpenSSH server, versions 3 to 10: ``sshd``, ``sshd-session`` (since 9.8), ``sshd-auth`` (since 10.0); Win32-OpenSSH and Solaris as well.

``Failed password for invalid user admin from 192.0.2.7 port 50022 ssh2``

One attempt is told by several lines; the pattern says which, so that they can be made one again: ``failed``, ``invalid-user``, ``pam-failure``,
``pam-error``, ``max-attempts``, ``too-many-failures``, ``not-allowed``, and the ends ``closed-authenticating`` … (:mod:`.sshd_connection`).

=============================================  ============================================================================
line                                           becomes
=============================================  ============================================================================
Failed METHOD for …                            ``auth_failure``; ``key`` and ``none`` of a valid user are key trials, not guesses
Accepted METHOD for …                          ``auth_success``; ``mfa`` stays unknown: sshd does not say whether one was asked
Partial METHOD for …                           ``mfa_challenge``: the first factor was right
User U from H not allowed because …            ``auth_failure``, pattern ``not-allowed``: denied by list before the credential counts
ROOT LOGIN REFUSED                             ``auth_stopped``: sshd asks the root policy only once the credential was right
Access denied … by PAM account configuration   ``auth_stopped``, for the same reason
Authentication tried … correct key but not …   ``auth_stopped``; the key was offered, its proof not always asked for
drop connection … penalty, rate-limited N      ``connection_denied``, counted N: attempts that never reached authentication
srclimit_penalise … active penalty             ``ban``
=============================================  ============================================================================

The session id is ``pid:`` and the process of the connection.

References: OpenSSH portable (auth.c, monitor.c, packet.c, session.c, serverloop.c, channels.c, srclimit.c, sshd.c), sshd_config(5) LogLevel.
"""

from __future__ import annotations

from gatewatch.schema.events import Service
from gatewatch.sources import pam, sftp, sshd_auth, sshd_connection, sshd_noise, sshd_session
from gatewatch.sources.pattern import PatternSource

SOURCE = PatternSource(
    name="sshd",
    title="OpenSSH server",
    programs=("sshd", "sshd-session", "sshd-auth", "sshd.exe", "sshd-session.exe"),
    patterns=sshd_auth.PATTERNS
    + sshd_connection.PATTERNS
    + sshd_session.PATTERNS
    + (pam.SSHD_FAILURE,)
    + pam.PATTERNS
    + sftp.PATTERNS
    + sshd_noise.PATTERNS,
    service=Service.SSH,
    session="pid:",
    references=("sshd(8)", "sshd_config(5)", "https://github.com/openssh/openssh-portable"),
)
