r"""Lines of other logs behind the stamp of a container runtime, the name of a service or of a host.

``2026-01-05T12:00:00.123456789Z stdout F {"eventType":"user.session.start",…}``
``gateway-1  | 2026-01-05 12:00:00 …``
``master-0.corp.example {"kind":"Event","apiVersion":"audit.k8s.io/v1",…}``

``[pod/sftp-0/sftp] 2026-01-05T12:00:00.123456789Z Accepted publickey for …``

Container runtimes (CRI), ``docker logs -t``, ``docker compose logs``, ``kubectl logs --prefix`` and ``oc adm node-logs`` write so; AlienVault's
``AV - Alert - "1767614400" --> … EVENT: "[INIT]…[END]";`` too holds a line. What is left is the message of a record that nobody claims, which is then
read as a line of a file would be (:mod:`gatewatch.intake.nested`); the runtime's stamp counts where the line bears none.

Reference: https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md
"""

from __future__ import annotations

from gatewatch.intake.header import ISO, TextFraming
from gatewatch.schema.framing import Framing

_PLAIN = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})"
_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,252}"
_POD = r"\[pod/[^\]]{1,300}\]"
_SSHD = "(?:Accepted|Failed|Invalid user|Connection|Disconnected) "
GATE = rf'^(?:{_PLAIN} (?:std(?:out|err) [FP] |\{{ ?"|{_SSHD})|{_NAME}(?: +\| | \{{ ?")|{_POD} |AV - Alert - "[0-9])'
FRAMINGS = (
    TextFraming(Framing.SYSLOG_ISO, rf"^{ISO} (?:std(?:out|err) [FP] )?(?P<message>.*)$", "iso"),
    TextFraming(Framing.SYSLOG_ISO, rf"^(?:{_NAME} +\||{_POD}) {ISO} (?P<message>.*)$", "iso"),
    TextFraming(Framing.SYSLOG_ISO, rf"^(?:{_NAME} +\||{_POD}) (?P<message>.*)$", "none"),
    TextFraming(Framing.SYSLOG_ISO, r'^AV - Alert - "(?P<stamp>[0-9]{9,10})" .*EVENT: "\[INIT\](?P<message>.*)\[END\]"; ?$', "epoch"),
    TextFraming(Framing.SYSLOG_ISO, rf'^(?P<host>{_NAME}) (?P<message>\{{ ?".*)$', "none"),
)
