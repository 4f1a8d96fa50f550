# 2025-07-04 16:41:44 by RouterOS 7.19.2
/interface list
add comment=defconf name=WAN
add comment=defconf name=LAN
add include=LAN name=ADMIN
/interface list member
add comment=defconf interface=bridge list=LAN
add comment=defconf interface=ether1 list=WAN
/interface ovpn-server server
add mac-address=FE:68:DC:77:FD:19 name=ovpn-server1
/ip/address
add address=10.0.0.1/24 comment=defconf interface=bridge network=10.0.0.0
/ip firewall filter
add action=accept chain=input comment="defconf: accept established" connection-state=established,related,untracked
add action=accept chain=input comment="defconf: accept to local loopback (for CAPsMAN)" dst-address=127.0.0.1
add action=drop chain=input tcp-flags=!syn connection-state=new protocol=tcp
add action=drop chain=input comment="drop all not coming from ADMIN" in-interface-list=!ADMIN
add action=accept chain=forward ipsec-policy=in,ipsec
add action=drop chain=forward connection-nat-state=!dstnat connection-state=new in-interface-list=WAN
add action=drop chain=forward in-interface-list=WAN dst-port=5900 protocol=tcp
/ip firewall nat
add action=dst-nat chain=dstnat dst-port=32400 in-interface-list=WAN protocol=tcp to-addresses=10.0.0.11 to-ports=32400
add action=dst-nat chain=dstnat dst-port=5900 in-interface-list=WAN protocol=tcp to-addresses=10.0.0.12
add action=dst-nat chain=dstnat disabled=yes dst-port=3389 in-interface-list=WAN protocol=tcp to-addresses=10.0.0.12
