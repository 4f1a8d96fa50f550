# jan/02/1970 00:00:12 by RouterOS 6.49.10
/interface pptp-server server
set enabled=yes
/interface l2tp-server server
set enabled=yes ipsec-secret=S3CRETpre use-ipsec=yes
/ip address
add address=10.1.0.1/24 interface=ether2
add address=203.0.113.9/30 interface=ether1
/ip firewall filter
add chain=input connection-state=established,related action=accept
add chain=input protocol=tcp dst-port=8291 action=accept
add chain=input protocol=tcp dst-port=22 action=accept src-address=198.51.100.0/28
add chain=input action=drop in-interface=ether1
/ip firewall nat
add action=dst-nat chain=dstnat dst-port=3389 in-interface=ether1 protocol=tcp to-addresses=10.1.0.20
/ip route
add distance=1 gateway=203.0.113.10
/ppp secret
add name=anna password=S3CRETpw
/user
add name=admin group=full
