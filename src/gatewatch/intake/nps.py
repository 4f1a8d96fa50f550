r"""Lines of the text logs of Microsoft's Network Policy Server, in each of its three formats.

``"NPS01","IAS",01/05/2026,12:00:00,1,"CORP\ann",…`` (for databases), ``<Event><Timestamp data_type="4">01/05/2026 12:00:00.123</Timestamp>…`` (DTS),
``10.0.0.2,CORP\ann,01/05/2026,12:00:00,IAS,NPS01,4,10.0.0.2,31,203.0.113.7,…`` (IAS). The stamp is part of the text, a wall clock of the server, and
read by :mod:`gatewatch.sources.nps`.

References: https://learn.microsoft.com/previous-versions/windows/it-pro/windows-server-2008-R2-and-2008/cc771748(v=ws.10)
"""

from __future__ import annotations

from gatewatch.intake.header import TextFraming
from gatewatch.schema.framing import Framing

PROGRAM = "nps"
_WHEN = r"[0-9]{2}/[0-9]{2}/[12][0-9]{3},[0-9]{2}:[0-9]{2}:[0-9]{2}"
GATE = rf'^(?:"[^",]*","(?:IAS|NPS|RAS)",{_WHEN},|<Event><Timestamp data_type="4">|[0-9A-Fa-f.:]+,[^,]*,{_WHEN},(?:IAS|NPS),)'
FRAMINGS = (TextFraming(Framing.SYSLOG_ISO, r"^(?P<message>.*)$", "none", PROGRAM),)
