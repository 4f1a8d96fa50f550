r"""LEEF of any device: the Log Event Extended Format of QRadar. What its records become is said in :mod:`gatewatch.sources.cef`.

``LEEF:1.0|Vendor|Product|1.0|login|devTime=Jan 05 2026 12:00:00 UTC<tab>usrName=ann<tab>src=192.0.2.7<tab>result=failure``

References: https://www.ibm.com/docs/en/dsm?topic=overview-leef-event-components
"""

from __future__ import annotations

from gatewatch.sources.cef import CommonEventSource

SOURCE = CommonEventSource(
    name="leef",
    title="LEEF of any device (QRadar Log Event Extended Format)",
    programs=("leef", "LEEF"),
    claims_message=r"^LEEF: ?[12](?:\.[0-9])?\|",
    references=("https://www.ibm.com/docs/en/dsm?topic=overview-leef-event-components",),
)
