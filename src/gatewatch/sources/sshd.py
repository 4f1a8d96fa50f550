"""sshd (minimal seed; the sources work replaces this)."""
from gatewatch.schema.events import AuthMethod, Kind, Service
from gatewatch.sources.pattern import Pattern, PatternSource
METHODS = {"password": AuthMethod.PASSWORD, "keyboard-interactive": AuthMethod.KEYBOARD, "publickey": AuthMethod.KEY, "none": AuthMethod.NONE}
A = r"[0-9a-fA-F:.]+"
P = (
 Pattern("failed", ("Failed ",), (rf"^Failed (?P<method>[!-~]+) for (?P<user>[!-~]*) from (?P<rhost>{A}) port (?P<src_port>[0-9]+) ssh2$", rf"^Failed (?P<method>[!-~]+) for (?P<invalid>invalid user )?(?P<user>.*) from (?P<rhost>{A}) port (?P<src_port>[0-9]+) ssh2$"), Kind.AUTH_FAILURE, methods=METHODS),
 Pattern("accepted", ("Accepted ",), (rf"^Accepted (?P<method>[!-~]+) for (?P<user>.*) from (?P<rhost>{A}) port (?P<src_port>[0-9]+) ssh2(?:: (?P<object>.*))?$",), Kind.AUTH_SUCCESS, methods=METHODS),
 Pattern("recv", ("Received disconnect",), (r"^Received disconnect from ",), None, "x"),
)
SOURCE = PatternSource(name="sshd", title="OpenSSH server", programs=("sshd",), patterns=P, service=Service.SSH, session="pid:")
