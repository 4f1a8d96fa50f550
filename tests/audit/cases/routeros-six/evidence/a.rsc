# 2025-07-04 16:41:44 by RouterOS 7.19.2
/interface list member
add interface=bridge list=LAN
add interface=ether1 list=WAN
/ip address
add address=10.0.0.1/24 interface=bridge
/ip firewall filter
add action=drop chain=input in-interface-list=!LAN
/ipv6 address
add from-pool=isp interface=bridge
/ipv6 dhcp-client
add interface=ether1 pool-name=isp request=prefix
/system identity
set name=open
