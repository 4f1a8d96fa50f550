# 2026-01-05 10:00:00 by RouterOS 7.13.2
/ip address
add address=10.1.0.1/24 interface=ether2
/ip dhcp-client
add interface=ether1
/ip firewall filter
add action=drop chain=input comment="defconf: drop all not \
