r"""Lines of login events in Keycloak's server log, as JBoss Logging and Spring Boot lay them out.

``2026-06-16 18:31:31,229 WARN  [org.keycloak.events] (executor-thread-14) type="LOGIN_ERROR", realmId="corp", …``
``2026-06-16 18:31:31.229  WARN 1580 --- [nio-9000-exec-2] org.keycloak.events : type=LOGIN_ERROR, realmId=corp, …``

The program is ``keycloak``, the message the event. Reference: https://www.keycloak.org/server/logging
"""

from __future__ import annotations

from gatewatch.intake.header import ISO, TextFraming
from gatewatch.schema.framing import Framing

_EVENT = r"(?P<message>type=\"?[A-Z_]+\"?, realmId=.*)$"
_LEVEL = r"(?:\x1b\[[0-9;]*m)?[A-Z]{4,5}"
GATE = r"^[^|]{0,100}[0-9]{2}:[0-9]{2}:[0-9]{2}[.,][0-9]{3}[^|]{1,120}org\.keycloak\.events"
FRAMINGS = (
    TextFraming(Framing.SYSLOG_ISO, rf"^{ISO} +{_LEVEL} +\[org\.keycloak\.events\] \([^)]*\) {_EVENT}", "iso", "keycloak"),
    TextFraming(Framing.SYSLOG_ISO, rf"^{ISO} +{_LEVEL} [0-9]+ --- (?:\[[^\]]*\] ?)+org\.keycloak\.events +: {_EVENT}", "iso", "keycloak"),
)
