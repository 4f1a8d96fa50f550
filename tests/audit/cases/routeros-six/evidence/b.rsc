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
/ipv6 firewall filter
add action=accept chain=input connection-state=established,related,untracked
add action=accept chain=input protocol=icmpv6
add action=accept chain=input dst-port=546 protocol=udp src-address=fe80::/10
add action=accept chain=input protocol=139
add action=accept chain=input ipsec-policy=in,ipsec
add action=drop chain=input in-interface-list=!LAN
/system identity
set name=shut
