"""PAN-OS: what static routes lead to lies behind the zone of their interface, which a route names or its next hop tells."""

from __future__ import annotations

from gatewatch.audit.reach.span import holds, of_address
from gatewatch.evidence.document import Document
from gatewatch.evidence.reading import bundles, read
from gatewatch.schema.facts.filter import PacketFilter

CONFIG = """<config version="11.1.0"><devices><entry name="localhost.localdomain">
<deviceconfig><system><hostname>pa-br</hostname></system></deviceconfig>
<network>
<interface><ethernet>
<entry name="ethernet1/1"><layer3><ip><entry name="192.0.2.2/24"/></ip></layer3></entry>
<entry name="ethernet1/2"><layer3><ip><entry name="10.1.0.1/24"/></ip></layer3></entry>
<entry name="ethernet1/3"><layer3><ip><entry name="10.2.0.1/24"/></ip></layer3></entry>
</ethernet></interface>
<virtual-router><entry name="default">
<routing-table><ip><static-route>
<entry name="out"><destination>0.0.0.0/0</destination><interface>ethernet1/1</interface><nexthop><ip-address>192.0.2.1</ip-address></nexthop></entry>
<entry name="lab"><destination>10.40.0.0/16</destination><interface>ethernet1/2</interface>
<nexthop><ip-address>10.1.0.9</ip-address></nexthop></entry>
<entry name="plant"><destination>10.50.0.0/16</destination><nexthop><ip-address>10.2.0.9</ip-address></nexthop></entry>
<entry name="none"><destination>10.60.0.0/16</destination><nexthop><discard/></nexthop></entry>
</static-route></ip></routing-table></entry></virtual-router>
</network>
<vsys><entry name="vsys1">
<zone><entry name="untrust"><network><layer3><member>ethernet1/1</member></layer3></network></entry>
<entry name="trust"><network><layer3><member>ethernet1/2</member></layer3></network></entry>
<entry name="ot"><network><layer3><member>ethernet1/3</member></layer3></network></entry></zone>
<rulebase><security><rules><entry name="out"><from><member>trust</member></from><to><member>untrust</member></to><source><member>any</member></source>
<destination><member>any</member></destination><application><member>any</member></application><service><member>any</member></service>
<action>allow</action></entry></rules></security></rulebase>
</entry></vsys>
</entry></devices></config>
"""


def test_static_routes_tell_what_lies_behind_a_zone() -> None:
    [bundle] = bundles([Document("h/pa.xml", "pa.xml", "h", CONFIG.encode())])
    [rules] = [fact for fact in read(bundle).facts if isinstance(fact, PacketFilter)]
    behind = {one.name: one.networks for one in rules.interfaces}
    where = {text: [name for name, spans in behind.items() if holds(spans, of_address(text) or 0)] for text in (
        "10.40.1.1", "10.50.1.1", "10.60.1.1", "10.1.0.5", "198.51.100.9",
    )}  # fmt: skip
    assert where == {"10.40.1.1": ["trust"], "10.50.1.1": ["ot"], "10.60.1.1": [], "10.1.0.5": ["trust"], "198.51.100.9": []}
