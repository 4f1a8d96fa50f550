# apr/23/2025 17:01:28 by RouterOS 6.49.18
# software id = AAAA-BBBB
#
# model = RB941-2nD
# serial number = 000000000000
/interface bridge
add name=bridge-lan
/interface ethernet
set [ find default-name=ether1 ] name=ether1-wan1
set [ find default-name=ether2 ] name=ether2-wan2
/interface list
add name=LAN
add name=WAN
/ip pool
add name=pool-vpn ranges=172.16.1.101-172.16.1.150
/ppp profile
add change-tcp-mss=yes local-address=172.16.100.100 name=\
    profile-c2s remote-address=pool-vpn
/interface bridge port
add bridge=bridge-lan interface=ether3
/interface l2tp-server server
set authentication=mschap2 enabled=yes ipsec-secret=S3CRETpsk use-ipsec=required
/interface list member
add interface=ether1-wan1 list=WAN
add interface=ether2-wan2 list=WAN
add interface=bridge-lan list=LAN
/ip address
add address=203.0.113.115/24 interface=ether1-wan1 network=203.0.113.0
add address=192.168.88.1/24 interface=bridge-lan network=192.168.88.0
/ip dhcp-client
add default-route-distance=2 disabled=no interface=ether2-wan2
/ip firewall address-list
add address=198.51.100.7 list=wan-white-list
/ip firewall filter
add action=accept chain=input connection-state=established,related
add action=drop chain=input connection-state=invalid
add action=accept chain=input protocol=icmp
add action=accept chain=input dst-port=22,8291 protocol=tcp src-address-list=\
    wan-white-list
add action=accept chain=input dst-port=1701 protocol=udp
add action=accept chain=input dst-port=500,4500 protocol=udp
add action=accept chain=input protocol=ipsec-esp
add action=drop chain=input in-interface-list=!LAN
add action=accept chain=forward connection-state=established,related
add action=drop chain=forward connection-state=invalid
add action=drop chain=forward connection-nat-state=!dstnat in-interface-list=\
    WAN
/ip firewall nat
add action=src-nat chain=srcnat comment=WAN1 out-interface=ether1-wan1 \
    to-addresses=203.0.113.115
add action=dst-nat chain=dstnat comment="rdp server" dst-port=\
    33890 in-interface-list=WAN protocol=tcp to-addresses=192.168.88.11 \
    to-ports=3389
/ip route
add check-gateway=ping distance=1 gateway=203.0.113.1
/ip service
set telnet disabled=yes
set ftp disabled=yes
set api disabled=yes
set api-ssl disabled=yes
/ppp secret
add name=staff1 password=S3CRETone profile=profile-c2s service=\
    l2tp
/system identity
set name=GW
