"""Write large, deterministic logs of gateways as devices write them: mostly connections and sessions of no interest, and 10 to 20 % of lines that
say who logged on.

One kind of device and one style of header a file; addresses, ports, ids and names vary as they do in the field (outside: documentation
addresses; inside: 10.0.0.0/8). The texts are our own, in the devices' formats.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

START = datetime(2026, 3, 1, tzinfo=UTC)
_OUTSIDE = ("192.0.2", "198.51.100", "203.0.113")
_FIRST = ("ann", "bob", "carla", "dan", "eve", "fay", "gil", "hana", "ivo", "jo", "kim", "lea", "max", "nia", "olaf", "pia")


class Device:
    """What the lines of a device are filled with: a clock that moves on and draws of a seeded generator."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.draw = self.rng.random
        self.now = START
        self.serial = 1_000_000

    def tick(self) -> None:
        """Move the clock on and count the line."""
        self.now += timedelta(milliseconds=int(self.draw() * 120))
        self.serial += 1 + int(self.draw() * 3)

    def below(self, number: int) -> int:
        """Return a number below *number*."""
        return int(self.draw() * number)

    def outside(self) -> str:
        """Return an address outside; some come often."""
        return f"{_OUTSIDE[self.below(3)]}.{1 + int(254 * self.draw() ** 2)}"

    def inside(self) -> str:
        """Return an address inside."""
        return f"10.{self.below(8)}.{self.below(256)}.{1 + self.below(254)}"

    def port(self) -> int:
        """Return a client's port."""
        return 1024 + self.below(64000)

    def user(self) -> str:
        """Return one of some 3200 account names."""
        return f"{_FIRST[self.below(16)]}{self.below(200)}"

    def owner(self, address: str) -> str:
        """Return the account of the household behind an address; one in a hundred is somebody else's."""
        if self.draw() < 0.01:
            return self.user()
        net, _, last = address.rpartition(".")
        number = 256 * _OUTSIDE.index(net) + int(last)
        return f"{_FIRST[number % 16]}{number // 16}"

    def bsd(self) -> str:
        """Return the classic stamp."""
        return f"{self.now:%b} {self.now.day:2d} {self.now:%H:%M:%S}"


def _asa(d: Device) -> Iterator[str]:
    head = f"<166>{d.now:%b %d %Y %H:%M:%S} fw01 : %ASA-6-"
    roll = d.draw()
    one, port, two = d.outside(), d.port(), d.inside()
    user = d.owner(one)
    number = d.serial
    if roll < 0.36:
        to = d.outside()
        yield (f"{head}302013: Built outbound TCP connection {number} for outside:{to}/443 ({to}/443) to inside:{two}/{port} (203.0.113.1/{port})")
        yield f"{head}305011: Built dynamic TCP translation from inside:{two}/{port} to outside:203.0.113.1/{port}"
    elif roll < 0.6:
        yield (
            f"{head}302014: Teardown TCP connection {number} for outside:{one}/443 to inside:{two}/{port} duration 0:{d.below(60):02d}:"
            f"{d.below(60):02d} bytes {d.below(10**6)} TCP FINs"
        )
    elif roll < 0.68:
        yield (f"{head}302015: Built outbound UDP connection {number} for outside:{one}/53 ({one}/53) to inside:{two}/{port} (203.0.113.1/{port})")
    elif roll < 0.74:
        yield f"{head}302016: Teardown UDP connection {number} for outside:{one}/53 to inside:{two}/{port} duration 0:00:00 bytes {d.below(900)}"
    elif roll < 0.8:
        yield (
            f'<164>{head[5:-2]}4-106023: Deny tcp src outside:{one}/{port} dst inside:203.0.113.1/{d.below(9000)} by access-group "outside_in" '
            f"[0x{d.below(1 << 30):x}, 0x0]"
        )
    elif roll < 0.936:
        yield f"{head}106015: Deny TCP (no connection) from {one}/{port} to 203.0.113.1/443 flags RST on interface outside"
    elif roll < 0.94:
        yield (f"{head}113005: AAA user authentication Rejected : reason = Invalid password : server = 10.0.0.5 : user = {user} : user IP = {one}")
    else:
        who = f"Group <GP-Staff> User <{user}> IP <{one}>"
        yield f"{head}113004: AAA user authentication Successful : server = 10.0.0.5 : user = {user}"
        yield f"{head}113039: {who} AnyConnect parent session started."
        yield f"{head}722055: {who} Client Type: Cisco AnyConnect VPN Agent for Windows 4.10.0{d.below(9999)}"
        yield f"{head}722022: {who} UDP SVC connection established without compression"
        yield f"{head}722051: {who} IPv4 Address <{two}> IPv6 address <::> assigned to session"
        yield (
            f"<164>{head[5:-2]}4-113019: Group = GP-Staff, Username = {user}, IP = {one}, Session disconnected. Session Type: SSL, Duration: "
            f"0h:{d.below(60)}m:{d.below(60)}s, Bytes xmt: {d.below(10**7)}, Bytes rcv: {d.below(10**7)}, Reason: User Requested"
        )


def _fortigate(d: Device) -> Iterator[str]:
    nanos = int(d.now.timestamp() * 1_000_000) * 1000 + d.below(1000)
    head = f'<189>date={d.now:%Y-%m-%d} time={d.now:%H:%M:%S} devname="fgt01" devid="FG100FTK20000001" eventtime={nanos} tz="+0000" '
    roll = d.draw()
    one, two = d.outside(), d.inside()
    user = d.owner(one)
    if roll < 0.82:
        out, back = d.below(10**6), d.below(10**6)
        yield (
            f'{head}logid="0000000013" type="traffic" subtype="forward" level="notice" vd="root" srcip={two} srcport={d.port()} srcintf="lan" '
            f'srcintfrole="lan" dstip={one} dstport=443 dstintf="wan1" dstintfrole="wan" srccountry="Reserved" dstcountry="Reserved" '
            f'sessionid={d.serial} proto=6 action="close" policyid={d.below(60)} policytype="policy" service="HTTPS" trandisp="snat" '
            f"transip=203.0.113.1 transport={d.port()} duration={d.below(900)} sentbyte={out} rcvdbyte={back} sentpkt={out // 900} "
            f'rcvdpkt={back // 900} appcat="unscanned"'
        )
    elif roll < 0.88:
        yield (
            f'{head}logid="0317013312" type="utm" subtype="webfilter" eventtype="ftgd_allow" level="notice" vd="root" policyid={d.below(60)} '
            f'sessionid={d.serial} srcip={two} srcport={d.port()} srcintf="lan" dstip={one} dstport=443 proto=6 service="HTTPS" '
            f'hostname="www{d.below(900)}.example.com" action="passthrough" url="/" sentbyte={d.below(9000)} rcvdbyte=0 msg="URL belongs to an '
            f'allowed category in policy" cat={d.below(90)} catdesc="Business"'
        )
    elif roll < 0.94:
        yield (
            f'{head}logid="0101039426" type="event" subtype="vpn" level="alert" vd="root" logdesc="SSL VPN login fail" action="ssl-login-fail" '
            f'tunneltype="ssl-web" tunnelid=0 remip={one} user="{user}" group="N/A" dst_host="N/A" reason="sslvpn_login_permission_denied" '
            f'msg="SSL user failed to logged in"'
        )
    elif roll < 0.96:
        yield (
            f'{head}logid="0100040704" type="event" subtype="system" level="notice" vd="root" logdesc="System performance statistics" '
            f'action="perf-stats" cpu={d.below(100)} mem={d.below(100)} totalsession={d.below(9000)} disk=0 bandwidth="{d.below(900)}/0" '
            f'msg="Performance statistics: average CPU: 1"'
        )
    else:
        tunnel = d.serial
        for number, kind, more in (
            ("0101039424", "ssl-web", f'tunnelip={two} user="{user}"'),
            ("0101039947", "ssl-tunnel", f'tunnelip={two} user="{user}"'),
        ):
            yield (
                f'{head}logid="{number}" type="event" subtype="vpn" level="information" vd="root" logdesc="SSL VPN tunnel up" action="tunnel-up" '
                f'tunneltype="{kind}" tunnelid={tunnel} remip={one} {more} group="staff" dst_host="N/A" reason="tunnel established" '
                f'msg="SSL tunnel established"'
            )
        yield (
            f'{head}logid="0101039948" type="event" subtype="vpn" level="information" vd="root" logdesc="SSL VPN tunnel down" '
            f'action="tunnel-down" tunneltype="ssl-tunnel" tunnelid={tunnel} remip={one} tunnelip={two} user="{user}" group="staff" '
            f'dst_host="N/A" reason="N/A" duration={d.below(9000)} sentbyte={d.below(10**7)} rcvdbyte={d.below(10**7)} msg="SSL tunnel shutdown"'
        )


def _panos(d: Device) -> Iterator[str]:
    slashed = f"{d.now:%Y/%m/%d %H:%M:%S}"
    head = f"<14>{d.bsd()} pa01 1,{slashed},013201000001,"
    one, two = d.outside(), d.inside()
    user = d.owner(one)
    roll = d.draw()
    if roll < 0.8:
        count = d.below(10**6)
        yield (
            f"{head}TRAFFIC,end,2562,{slashed},{two},{one},203.0.113.1,{one},outbound,corp\\{user},,ssl,vsys1,trust,untrust,ethernet1/2,"
            f"ethernet1/1,to-siem,{slashed},{d.serial},1,{d.port()},443,{d.port()},443,0x400053,tcp,allow,{count},{count // 3},{count // 2},"
            f"{count // 800},{slashed},{d.below(600)},business,,{7_000_000_000 + d.serial},0x0,10.0.0.0-10.255.255.255,United States,,"
            f"{count // 1500},{count // 1700},tcp-fin,0,0,0,0,,pa01,from-policy,,,0,,0,,N/A,0,0,0,0,,,,,,,"
        )
    elif roll < 0.86:
        yield (
            f"{head}THREAT,url,2562,{slashed},{two},{one},203.0.113.1,{one},outbound,corp\\{user},,web-browsing,vsys1,trust,untrust,ethernet1/2,"
            f'ethernet1/1,to-siem,{slashed},{d.serial},1,{d.port()},80,{d.port()},80,0x403000,tcp,alert,"www{d.below(999)}.example.com/",(9999),'
            f"business,informational,client-to-server,{7_000_000_000 + d.serial},0x0,10.0.0.0-10.255.255.255,United States,,text/html"
        )
    elif roll < 0.89:
        yield (
            f'{head}SYSTEM,general,2562,{slashed},,general,,0,0,general,informational,"Connection to Update server: updates.example.com '
            f'completed successfully, initiated by {two}",{7_000_000_000 + d.serial},0x0,0,0,0,0,,pa01'
        )
    elif roll < 0.94:
        yield (
            f"{head}GLOBALPROTECT,0,2562,{slashed},vsys1,gateway-auth,login,LDAP,,{user},DE,PC{d.below(900)},{one},0.0.0.0,0.0.0.0,0.0.0.0,"
            f'{d.below(1 << 30):x},SN{d.below(9999)},6.1.4,Windows,"Microsoft Windows 11 Pro , 64-bit",1,,Invalid username or password,"",failure,'
            f",0,,0,GP-Gateway,{7_000_000_000 + d.serial},0x0,{d.now:%Y-%m-%dT%H:%M:%S}.250+00:00,,,,,,0,0,0,0,,pa01,1"
        )
    else:
        for event, stage, inner in (("gateway-auth", "login", "0.0.0.0"), ("gateway-connected", "connected", two), ("gateway-logout", "logout", two)):
            yield (
                f"{head}GLOBALPROTECT,0,2562,{slashed},vsys1,{event},{stage},LDAP,IPSec,{user},DE,PC{d.below(900)},{one},0.0.0.0,{inner},0.0.0.0,"
                f'{d.below(1 << 30):x},SN{d.below(9999)},6.1.4,Windows,"Microsoft Windows 11 Pro , 64-bit",1,,,"",success,,0,,0,GP-Gateway,'
                f"{7_000_000_000 + d.serial},0x0,{d.now:%Y-%m-%dT%H:%M:%S}.250+00:00,,,,,,0,0,0,0,,pa01,1"
            )


def _netscaler(d: Device) -> Iterator[str]:
    stamp = f"{d.now:%m/%d/%Y:%H:%M:%S} GMT"
    head = f"<134> {stamp} ns01 0-PPE-{d.below(4)} : default "
    one, two = d.outside(), d.inside()
    user = d.owner(one)
    who = f'Context {user}@{one} - SessionId: {d.serial} - User {user} - Client_ip {one} - Nat_ip "Mapped Ip" - Vserver 203.0.113.1:443 - '
    took = f'Start_time "{stamp}" - End_time "{stamp}" - Duration 00:0{d.below(9)}:{d.below(60):02d}  - '
    roll = d.draw()
    if roll < 0.5:
        yield (
            f"{head}SSLVPN TCPCONNSTAT {d.serial} 0 : {who}Source {one}:{d.port()} - Destination {two}:443 - {took}Total_bytes_send "
            f"{d.below(10**6)} - Total_bytes_recv {d.below(10**6)} - Total_compressedbytes_send 0 - Total_compressedbytes_recv 0 - "
            'Compression_ratio_send 0.00% - Compression_ratio_recv 0.00% - Access Allowed - Group(s) "staff"'
        )
    elif roll < 0.74:
        yield (
            f"{head}TCP CONN_TERMINATE {d.serial} 0 : Source {one}:{d.port()} - Destination 203.0.113.1:443 - Start Time {stamp} - End Time "
            f"{stamp} - Total_bytes_send {d.below(10**6)} - Total_bytes_recv {d.below(10**6)}"
        )
    elif roll < 0.86:
        yield (
            f"{head}SSLLOG SSL_HANDSHAKE_SUCCESS {d.serial} 0 : SPCBId {d.below(99999)} - ClientIP {one} - ClientPort {d.port()} - VserverServiceIP "
            f'203.0.113.1 - VserverServicePort 443 - ClientVersion TLSv1.2 - CipherSuite "ECDHE-RSA-AES256-GCM-SHA384 TLSv1.2" - Session New'
        )
    elif roll < 0.94:
        yield (
            f"{head}AAA LOGIN_FAILED {d.serial} 0 : User {user} - Client_ip {one} - Failure_reason "
            '"Username/Password mismatch" - Browser Mozilla/5.0 (Windows NT 10.0; Win64; x64)'
        )
    else:
        yield (
            f'{head}SSLVPN LOGIN {d.serial} 0 : {who}Browser_type "Mozilla/5.0 (Windows NT 10.0; Win64; x64)" - SSLVPN_client_type ICA - '
            'Group(s) "staff"'
        )
        yield (
            f"{head}SSLVPN LOGOUT {d.serial} 0 : {who}{took}Http_resources_accessed 0 - NonHttp_services_accessed 0 - Total_TCP_connections "
            f"{d.below(99)} - Total_UDP_flows 0 - Total_policies_allowed {d.below(99)} - Total_policies_denied 0 - Total_bytes_send "
            f"{d.below(10**6)} - Total_bytes_recv {d.below(10**6)} - Total_compressedbytes_send 0 - Total_compressedbytes_recv 0 - "
            'Compression_ratio_send 0.00% - Compression_ratio_recv 0.00% - LogoutMethod "Explicit" - Group(s) "staff"'
        )


def _ivanti(d: Device) -> Iterator[str]:
    one, two = d.outside(), d.inside()
    user = d.owner(one)
    head = f"<134>1 {d.now:%Y-%m-%dT%H:%M:%S}Z ics01 PulseSecure: - - - {d.now:%Y-%m-%d %H:%M:%S} - ics01 - [{one}] Default Network::"
    session = f"sid{d.below(1 << 30):x}"
    roll = d.draw()
    if roll < 0.45:
        yield (
            f"{head}{user}(Staff)[Staff_Role][{d.below(1 << 30):x}] - WebRequest completed, GET to https://{two}:443//a{d.serial} from {one} "
            f"result=200 sent={d.below(9000)} received={d.below(10**6)} in {d.below(99)} seconds"
        )
    elif roll < 0.65:
        yield f"{head}{user}(Staff)[Staff_Role][{d.below(1 << 30):x}] - Key Exchange number {d.below(9)} occurred for user with NCIP {two}"
    elif roll < 0.82:
        yield (
            f"{head}{user}(Staff)[Staff_Role][{d.below(1 << 30):x}] - Host Checker policy 'Antivirus' passed on host "
            f"'{one}' address '' for user '{user}'."
        )
    elif roll < 0.92:
        yield f"{head}{user}(Staff)[][] - Login failed using auth server LDAP-01 (LDAP Server). Reason: Failed"
    else:
        yield f"{head}{user}(Staff)[][] - Primary authentication successful for {user}/LDAP-01 from {one}"
        yield f"{head}{user}(Staff)[Staff_Role][] - Login succeeded for {user}/Staff (session:{session}) from {one} with Mozilla/5.0."
        yield (
            f"{head}{user}(Staff)[Staff_Role][] - VPN Tunneling: Session started for user (session: {session}) with IPv4 "
            f"address {two}, hostname PC{d.below(999)}"
        )
        yield f"{head}{user}(Staff)[Staff_Role][] - Logout from {one} (session:{session})"


def _strongswan(d: Device) -> Iterator[str]:
    one, two = d.outside(), d.inside()
    user = d.owner(one)
    number = d.serial
    head = f"{d.bsd()} vpn01 charon[812]: {d.below(16) + 1:02d}"
    ike, net, enc = f"{head}[IKE] <rw|{number}> ", f"{head}[NET] <rw|{number}> ", f"{head}[ENC] <rw|{number}> "
    port = d.port()
    for message in range(3):
        yield f"{net}received packet: from {one}[{port}] to 203.0.113.1[4500] ({d.below(900)} bytes)"
        yield f"{enc}parsed IKE_AUTH request {message} [ EAP/RES/MSCHAPV2 ]"
        yield f"{enc}generating IKE_AUTH response {message} [ EAP/REQ/MSCHAPV2 ]"
        yield f"{net}sending packet: from 203.0.113.1[4500] to {one}[{port}] ({d.below(900)} bytes)"
    yield f"{ike}received EAP identity '{user}'"
    if d.draw() < 0.4:
        yield f"{ike}EAP method EAP_MSCHAPV2 failed for peer {user}"
    else:
        yield f"{ike}authentication of '{user}' with EAP successful"
        yield f"{ike}IKE_SA rw[{number}] established between 203.0.113.1[vpn.example.com]...{one}[{user}]"
        yield f"{ike}assigning virtual IP {two} to peer '{user}'"
        yield f"{ike}CHILD_SA rw{{{number}}} established with SPIs c{d.below(1 << 27):07x}_i c{d.below(1 << 27):07x}_o and TS 0.0.0.0/0 === {two}/32"


def _freeradius(d: Device) -> Iterator[str]:
    one = d.outside()
    user = d.owner(one)
    head = f"{d.now:%a} {d.bsd()} {d.now:%Y} : "
    number = d.serial
    roll = d.draw()
    if roll < 0.4:
        yield f"{head}Info: rlm_sql (sql): Closing connection ({number}): Hit idle_timeout, was idle for {d.below(90)} seconds"
        yield f"{head}Info: rlm_sql (sql): Opening additional connection ({number}), 1 of {d.below(32)} pending slots used"
    elif roll < 0.82:
        yield f"{head}Info: Need {d.below(9)} more connections to reach min connections ({d.below(9)})"
        yield f"{head}Warning: ({number}) Ignoring duplicate packet from client vpn01 port {d.port()} - ID: {d.below(256)} due to unfinished request"
    elif roll < 0.92:
        yield (
            f"{head}Auth: ({number}) Login incorrect (mschap: MS-CHAP2-Response is incorrect): [{user}/<via Auth-Type = mschap>] (from client "
            f"vpn01 port {d.below(99)} cli {one})"
        )
    else:
        yield f"{head}Auth: ({number}) Login OK: [{user}/<via Auth-Type = eap>] (from client vpn01 port {d.below(99)} cli {one})"


def _openvpn(d: Device) -> Iterator[str]:
    one, two = d.outside(), d.inside()
    user = d.owner(one)
    peer = f"{one}:{d.port()}"
    head = f"{d.now:%Y-%m-%d %H:%M:%S} "
    yield f"{head}{peer} TLS: Initial packet from [AF_INET]{peer}, sid={d.below(1 << 30):08x} {d.below(1 << 30):08x}"
    if d.draw() < 0.4:
        yield f"{head}{peer} TLS Error: TLS key negotiation failed to occur within 60 seconds (check your network connectivity)"
        yield f"{head}{peer} TLS Error: TLS handshake failed"
        yield f"{head}{peer} SIGUSR1[soft,tls-error] received, client-instance restarting"
        return
    yield f"{head}{peer} VERIFY OK: depth=1, C=AT, O=Example, CN=Example CA"
    yield f"{head}{peer} VERIFY OK: depth=0, C=AT, O=Example, CN={user}"
    for name, value in (
        *(("IV_VER", "2.6.8"), ("IV_PLAT", "win"), ("IV_TCPNL", "1"), ("IV_NCP", "2")),
        *(("IV_CIPHERS", "AES-256-GCM:AES-128-GCM"), ("IV_PROTO", "990")),
    ):
        yield f"{head}{peer} peer info: {name}={value}"
    if d.draw() < 0.3:
        yield f"{head}{peer} TLS Auth Error: Auth Username/Password verification failed for peer"
        return
    yield f"{head}{peer} TLS: Username/Password authentication succeeded for username '{user}' [CN SET]"
    yield f"{head}{peer} Control Channel: TLSv1.3, cipher TLSv1.3 TLS_AES_256_GCM_SHA384, peer certificate: 2048 bit RSA"
    yield f"{head}{peer} [{user}] Peer Connection Initiated with [AF_INET]{peer}"
    yield f"{head}{user}/{peer} MULTI: Learn: {two} -> {user}/{peer}"
    yield f"{head}{user}/{peer} MULTI: primary virtual IP for {user}/{peer}: {two}"
    yield f"{head}{user}/{peer} Outgoing Data Channel: Cipher 'AES-256-GCM' initialized with 256 bit key"
    yield f"{head}{user}/{peer} SENT CONTROL [{user}]: 'PUSH_REPLY,route-gateway 10.8.0.1,ifconfig {two} 255.255.255.0' (status=1)"
    yield f"{head}{user}/{peer} SIGTERM[soft,remote-exit] received, client-instance exiting"


def _macos(d: Device) -> Iterator[str]:
    one = d.outside()
    user = d.owner(one)
    head = f"{d.now:%Y-%m-%d %H:%M:%S.%f}+0100  mac01 "
    roll = d.draw()
    if roll < 0.5:
        yield f"{head}kernel[0]: (AppleKeyStore) sks {d.serial} state changed to {d.below(9)} for handle {d.below(99)}"
    elif roll < 0.7:
        yield f"{head}mDNSResponder[{300 + d.below(9)}]: [R{d.serial}] DNSServiceQueryRecord START -- qname: host{d.below(900)}.example.com, qtype: A"
    elif roll < 0.85:
        yield f"{head}trustd[{140 + d.below(9)}]: (Security) cert[{d.below(4)}]: AnchorTrusted =(leaf)[force]> {d.below(2)}"
    elif roll < 0.93:
        yield f"{head}sshd[{d.serial}]: Failed password for {user} from {one} port {d.port()} ssh2"
    elif roll < 0.96:
        yield f"{head}sshd[{d.serial}]: Accepted publickey for {user} from {one} port {d.port()} ssh2: ED25519 SHA256:{d.below(1 << 60):x}"
    else:
        word = "SUCCEEDED" if d.draw() < 0.3 else "FAILED"
        yield f"{head}screensharingd[{d.serial}]: Authentication: {word} :: User Name: {user} :: Viewer Address: {one} :: Type: DH"


def _nps(d: Device) -> Iterator[str]:
    one, two = d.outside(), d.inside()
    user = d.owner(one)
    head = f'"NPS01","IAS",{d.now:%m/%d/%Y},{d.now:%H:%M:%S},'
    group = f'"311 1 10.0.0.1 03/01/2026 00:00:00 {d.serial}"'
    asked = f'"203.0.113.1","{one}",,{{}},"vpn01","10.0.0.2",{d.below(99)},0,"10.0.0.2","vpn01",,,5,,1,2,4,,0,{group}'
    roll = d.draw()
    if roll < 0.5:  # a session that goes on: most lines are accounts of it
        status = 3 if roll < 0.42 else 1 if roll < 0.46 else 2
        end = f"{d.below(10**7)},{d.below(10**7)}" if status != 1 else ","
        yield (
            f'{head}4,"CORP\\{user}",,{asked.format(chr(34) + two + chr(34))},,,,,{status},0,{end},"{d.serial}",1,{d.below(9000)},10,20,1,'
            + "," * 19
        )
    elif roll < 0.8:  # 802.1X
        mac = "-".join(f"{d.below(256):02x}" for _ in range(6))
        yield (
            f'{head}1,"host/pc{d.below(999)}.corp.example",,"aa-aa-aa-aa-aa-aa","{mac}",,,"ap01","10.0.0.3",1,0,"10.0.0.3","ap01",,,19,,,2,5,,0,'
            f"{group}" + "," * 30
        )
        yield f'{head}2,,"CORP\\pc{d.below(999)}$",,,,,,,,0,"10.0.0.3","ap01",,,,,,2,5,"Wireless",0,{group}' + "," * 30
    else:
        answer = (2, 0) if d.draw() < 0.6 else (3, 16)
        yield f'{head}1,"CORP\\{user}","CORP\\{user}",{asked.format("")}' + "," * 30 + '"Use Windows authentication for all users",1,,,,'
        yield f'{head}{answer[0]},,"CORP\\{user}",,,,,,,,0,"10.0.0.2","vpn01",,,,,1,2,4,"VPN",{answer[1]},{group}' + "," * 30 + '"Use Windows",1,,,,'


def _cef_head(d: Device, product: str, number: str, name: str, severity: int) -> str:
    return f"{d.bsd()} siem01 CEF:0|Acme|{product}|4.2|{number}|{name}|{severity}|"


def _cef_logons(d: Device) -> Iterator[str]:
    one = d.outside()
    user = d.owner(one)
    rt = int(d.now.timestamp() * 1000)
    if d.draw() < 0.4:
        yield f"{_cef_head(d, 'Vault', '7', 'Logon', 5)}rt={rt} act=Logon duser={user} src={one} spt={d.port()} outcome=failure reason=wrong password"
    else:
        yield f"{_cef_head(d, 'Vault', '7', 'Logon', 3)}rt={rt} act=Logon duser={user} src={one} outcome=success"
        yield f"{_cef_head(d, 'Vault', '8', 'Logoff', 3)}rt={rt} act=Logoff suser={user} src={one}"


def _cef(d: Device) -> Iterator[str]:
    one, two = d.outside(), d.inside()
    user = d.owner(one)
    rt = int(d.now.timestamp() * 1000)
    roll = d.draw()
    if roll < 0.55:
        yield (
            f"{_cef_head(d, 'Firewall', '100', 'Connection allowed', 2)}rt={rt} act=allow src={two} spt={d.port()} dst={one} dpt=443 proto=TCP "
            f"in={d.below(10**6)} out={d.below(10**6)} cs1=outbound cs1Label=Rule cn1={d.serial} cn1Label=Session dvchost=fw01"
        )
    elif roll < 0.8:
        yield (
            f"{_cef_head(d, 'Proxy', '200', 'Request', 1)}rt={rt} act=permitted suser={user} src={two} dhost=www{d.below(999)}.example.com dpt=443 "
            f"requestMethod=GET request=https://www.example.com/a/{d.serial}?x\\={d.below(99)} "
            f"requestClientApplication=Mozilla/5.0 (Windows NT 10.0) "
            f"in={d.below(10**6)} out={d.below(9000)} cs1=Business cs1Label=Category"
        )
    elif roll < 0.86:
        yield (
            f"{_cef_head(d, 'IDS', '300', 'Suspicious payload in request', 7)}rt={rt} src={one} spt={d.port()} dst={two} "
            f"dpt=80 proto=TCP act=blocked "
            f"msg=Pattern {d.below(999)} matched in request body cnt={1 + d.below(4)}"
        )
    else:
        yield from _cef_logons(d)


def _cef_fortigate(d: Device) -> Iterator[str]:
    one, two = d.outside(), d.inside()
    user = d.owner(one)
    nanos = int(d.now.timestamp() * 1_000_000) * 1000
    head = f"<189>{d.bsd()} fgt01 CEF:0|Fortinet|Fortigate|v7.4.1|"
    fixed = f"deviceExternalId=FG100FTK20000001 FTNTFGTeventtime={nanos} FTNTFGTtz=+0000 "
    roll = d.draw()
    if roll < 0.85:
        yield (
            f"{head}00013|traffic:forward close|3|{fixed}FTNTFGTlogid=0000000013 cat=traffic:forward FTNTFGTsubtype=forward FTNTFGTlevel=notice "
            f"FTNTFGTvd=root src={two} spt={d.port()} deviceInboundInterface=lan dst={one} dpt=443 "
            f"deviceOutboundInterface=wan1 externalId={d.serial} "
            f"proto=6 act=close FTNTFGTpolicyid={d.below(60)} app=HTTPS FTNTFGTduration={d.below(900)} out={d.below(10**6)} in={d.below(10**6)}"
        )
    elif roll < 0.94:
        yield (
            f"{head}39426|event:vpn ssl-login-fail|7|{fixed}FTNTFGTlogid=0101039426 cat=event:vpn FTNTFGTsubtype=vpn "
            f"FTNTFGTlevel=alert FTNTFGTvd=root "
            f"FTNTFGTlogdesc=SSL VPN login fail act=ssl-login-fail FTNTFGTtunneltype=ssl-web FTNTFGTtunnelid=0 FTNTFGTremip={one} duser={user} "
            "FTNTFGTgroup=N/A reason=sslvpn_login_permission_denied msg=SSL user failed to logged in"
        )
    else:
        yield (
            f"{head}39947|event:vpn tunnel-up|3|{fixed}FTNTFGTlogid=0101039947 cat=event:vpn FTNTFGTsubtype=vpn "
            f"FTNTFGTlevel=information FTNTFGTvd=root "
            f"FTNTFGTlogdesc=SSL VPN tunnel up act=tunnel-up FTNTFGTtunneltype=ssl-tunnel FTNTFGTtunnelid={d.serial} FTNTFGTremip={one} "
            f"FTNTFGTtunnelip={two} duser={user} FTNTFGTgroup=staff msg=SSL tunnel established"
        )


def _cef_panos(d: Device) -> Iterator[str]:
    one, two = d.outside(), d.inside()
    user = d.owner(one)
    when = f"{d.now:%b %d %Y %H:%M:%S} GMT"
    head = f"<14>{d.bsd()} pa01 CEF:0|Palo Alto Networks|PAN-OS|10.1|"
    if d.draw() < 0.85:
        yield (
            f"{head}end|TRAFFIC|1|rt={when} deviceExternalId=013201000001 src={two} dst={one} sourceTranslatedAddress=203.0.113.1 cs1Label=Rule "
            f"cs1=outbound suser=corp\\\\{user} app=ssl cs3Label=Virtual System cs3=vsys1 spt={d.port()} dpt=443 proto=tcp act=allow "
            f"flexNumber1Label=Total bytes flexNumber1={d.below(10**6)} in={d.below(10**6)} out={d.below(10**6)} cn1={d.serial}"
        )
    else:
        word = "failure" if d.draw() < 0.5 else "success"
        yield (
            f"{head}globalprotect|gateway-auth|3|rt={when} cat=GLOBALPROTECT PanOSEventID=gateway-auth PanOSStage=login PanOSAuthMethod=LDAP "
            f"PanOSSourceUserName={user} PanOSPublicIPv4={one} PanOSPrivateIPv4={two} PanOSEventStatus={word} PanOSPortal=GP dvchost=pa01"
        )


def _leef(d: Device) -> Iterator[str]:
    one, two = d.outside(), d.inside()
    user = d.owner(one)
    head = f"<13>{d.bsd()} siem01 LEEF:1.0|Acme|Gateway|4.2|"
    when = f"devTime={d.now:%b %d %Y %H:%M:%S} UTC\t"
    roll = d.draw()
    if roll < 0.85:
        yield (
            f"{head}flow|{when}cat=flow\tsrc={two}\tsrcPort={d.port()}\tdst={one}\tdstPort=443\tproto=TCP\tsrcBytes={d.below(10**6)}\t"
            f"dstBytes={d.below(10**6)}"
        )
    else:
        word = "failure" if roll < 0.93 else "success"
        yield f"{head}login|{when}cat=auth\tusrName={user}\tsrc={one}\tsrcPort={d.port()}\tresult={word}\tsev=5"


def _sshd(d: Device) -> Iterator[str]:
    one, port = d.outside(), d.port()
    user = d.owner(one)
    head = f"{d.bsd()} gate01 sshd[{1000 + d.serial % 4_000_000}]: "
    roll = d.draw()
    if roll < 0.3:
        yield f'{head}Connection from {one} port {port} on 203.0.113.1 port 22 rdomain ""'
        yield f"{head}Connection closed by {one} port {port} [preauth]"
    elif roll < 0.5:
        yield f"{head}error: kex_exchange_identification: Connection closed by remote host"
        yield f"{head}Connection closed by {one} port {port}"
    elif roll < 0.9:
        yield f"{head}Invalid user {user} from {one} port {port}"
        yield f"{head}pam_unix(sshd:auth): check pass; user unknown"
        yield f"{head}pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost={one}"
        yield f"{head}Failed password for invalid user {user} from {one} port {port} ssh2"
        yield f"{head}Received disconnect from {one} port {port}:11: Bye Bye [preauth]"
        yield f"{head}Disconnected from invalid user {user} {one} port {port} [preauth]"
    else:
        yield f"{head}Accepted publickey for {user} from {one} port {port} ssh2: ED25519 SHA256:{d.below(1 << 60):x}"
        yield f"{head}pam_unix(sshd:session): session opened for user {user}(uid=1000) by (uid=0)"
        yield f"{head}Received disconnect from {one} port {port}:11: disconnected by user"
        yield f"{head}Disconnected from user {user} {one} port {port}"
        yield f"{head}pam_unix(sshd:session): session closed for user {user}"


DEVICES: dict[str, Callable[[Device], Iterator[str]]] = {
    "sshd": _sshd,
    "cisco-asa": _asa,
    "fortigate": _fortigate,
    "panos": _panos,
    "netscaler": _netscaler,
    "ivanti": _ivanti,
    "strongswan": _strongswan,
    "freeradius": _freeradius,
    "openvpn": _openvpn,
    "macos": _macos,
    "nps": _nps,
    "cef": _cef,
    "cef-logons": _cef_logons,
    "cef-fortigate": _cef_fortigate,
    "cef-panos": _cef_panos,
    "leef": _leef,
}
"""What writes the lines of each file."""


def write(path: Path, name: str, megabytes: int, seed: int = 1) -> int:
    """Write about *megabytes* of the log of device *name*; return the number of lines."""
    device = Device(seed)
    make = DEVICES[name]
    size = count = 0
    with path.open("w", encoding="ascii", newline="\n") as handle:
        while size < megabytes * 1_000_000:
            some: list[str] = []
            for _ in range(2000):
                device.tick()
                some += make(device)
            text = "\n".join(some) + "\n"
            handle.write(text)
            size += len(text)
            count += len(some)
    return count


def main() -> None:
    """Read the arguments, write the files, print their sizes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="a file; for all a folder")
    parser.add_argument("name", choices=[*DEVICES, "all"])
    parser.add_argument("megabytes", type=int, nargs="?", default=100, help="of each file")
    parser.add_argument("seed", type=int, nargs="?", default=1)
    given = parser.parse_args()
    for one in DEVICES if given.name == "all" else [given.name]:
        path = given.out / f"{one}.log" if given.name == "all" else given.out
        count = write(path, one, given.megabytes, given.seed)
        print(f"{path}: {count:,} lines, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
