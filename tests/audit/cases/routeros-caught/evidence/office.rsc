# jan/10/2022 11:07:43 by RouterOS 6.48.6
/ip address
add address=192.168.200.1/24 interface=ether2
/ip dhcp-client
add interface=ether1
/ip firewall filter
add action=jump chain=input dst-port=8291,22 in-interface=ether1 jump-target=tries protocol=tcp
add action=add-src-to-address-list address-list=caught address-list-timeout=1d chain=tries src-address-list=once
add action=add-src-to-address-list address-list=once address-list-timeout=2m chain=tries
add action=drop chain=input in-interface=ether1 src-address-list=caught
add action=accept chain=input dst-port=8291 in-interface=ether1 protocol=tcp
add action=accept chain=input dst-port=22 in-interface=ether1 protocol=tcp src-address-list=knocked
add action=drop chain=input in-interface=ether1
/ip firewall nat
add action=dst-nat chain=dstnat dst-port=13389 in-interface=ether1 protocol=tcp to-addresses=192.168.200.7 to-ports=3389
add action=dst-nat chain=dstnat dst-port=2222 in-interface=ether1 protocol=tcp src-address-list=knocked to-addresses=192.168.200.8 to-ports=22
/ip service
set telnet,ftp disabled=yes
