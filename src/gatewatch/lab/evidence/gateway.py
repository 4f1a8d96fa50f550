"""VPN gateways: the running configuration of each, with or without a second factor and a limit on failed logins.

Formats: ASA ``show running-config``, FortiOS full backup, PAN-OS running-config.xml, OpenVPN server configuration, NetScaler ns.conf.
"""

from __future__ import annotations

from gatewatch.lab.evidence.linux import MANAGEMENT, iptables, sockets
from gatewatch.lab.organisation import ADMINISTERED, Host, Organisation
from gatewatch.lab.safeguard import Plan

FACTOR, DIRECTORY = "duo", "directory"  # who checks logins, as the site file declares them: with and without a second factor
FACTOR_SERVER, DIRECTORY_SERVER = "10.10.254.30", "10.10.254.31"
LOGS = "10.10.254.40"


def _open(host: Host, plan: Plan) -> bool:
    return plan.missing("gateway-administration", host.name, ADMINISTERED[host.kind])


def _state(host: Host, plan: Plan) -> tuple[bool, bool]:
    limit = host.kind == "openvpn" or not plan.missing("gateway-limit", host.name, "vpn")
    return not plan.missing("gateway-factor", host.name, "vpn"), limit


def asa(host: Host, _organisation: Organisation, plan: Plan) -> dict[str, str]:
    """Return the running configuration of the ASA."""
    second, limit = _state(host, plan)
    group = FACTOR if second else DIRECTORY
    hold = (
        "threat-detection service invalid-vpn-access\nthreat-detection service remote-access-client-initiations hold-down 10 threshold 20\n"
        "threat-detection service remote-access-authentication hold-down 10 threshold 20\n"
    )
    tries = "aaa local authentication attempts max-fail 3\n"
    wide = _open(host, plan)
    second_stack = f" ipv6 address {host.outer_v6}/64\n" if host.outer_v6 else ""
    text = f"""\
: Saved
ASA Version 9.18(4)
!
hostname {host.name}
enable password ***** pbkdf2
!
interface GigabitEthernet0/0
 nameif outside
 security-level 0
 ip address {host.outer} 255.255.255.192
{second_stack}!
interface Management0/0
 nameif mgmt
 security-level 100
 ip address {host.inner} 255.255.255.0
!
access-list OUTSIDE extended deny ip any any log
access-list MGMT extended deny ip any any log
access-list STAFF_FILTER extended permit tcp any 10.10.0.0 255.255.0.0
logging enable
logging trap informational
logging host mgmt {LOGS} 6/6514 secure
access-group OUTSIDE in interface outside
access-group MGMT in interface mgmt
aaa-server {FACTOR} protocol radius
aaa-server {FACTOR} (mgmt) host {FACTOR_SERVER}
 key *****
aaa-server {DIRECTORY} protocol radius
aaa-server {DIRECTORY} (mgmt) host {DIRECTORY_SERVER}
 key *****
aaa authentication ssh console {"LOCAL" if wide else FACTOR}
{tries if limit else ""}ssh 10.10.254.0 255.255.255.0 mgmt
{"ssh 0.0.0.0 0.0.0.0 outside" if wide else "ssh timeout 10"}
ssl server-version tlsv1.2 dtlsv1.2
{hold if limit else ""}webvpn
 enable outside
 anyconnect enable
group-policy DfltGrpPolicy attributes
 vpn-simultaneous-logins 0
 vpn-idle-timeout 15
 vpn-session-timeout 600
 vpn-tunnel-protocol ssl-client
group-policy STAFF internal
group-policy STAFF attributes
 vpn-simultaneous-logins 2
 vpn-filter value STAFF_FILTER
 vpn-tunnel-protocol ssl-client
tunnel-group STAFF type remote-access
tunnel-group STAFF general-attributes
 authentication-server-group {group}
 default-group-policy STAFF
tunnel-group STAFF webvpn-attributes
 authentication aaa
: end
"""
    return {"running-config.txt": text}


_FORTI_V6 = """\
        config ipv6
            set ip6-address {address}/64
            set ip6-allowaccess ping{access}
        end
"""


def fortigate(host: Host, _organisation: Organisation, plan: Plan) -> dict[str, str]:
    """Return the backup of the FortiGate."""
    second, limit = _state(host, plan)
    name, server = (FACTOR, FACTOR_SERVER) if second else (DIRECTORY, DIRECTORY_SERVER)
    wide = _open(host, plan)
    second_stack = _FORTI_V6.format(address=host.outer_v6, access=" https" if wide else "") if host.outer_v6 else ""
    trusted = "        set trusthost1 10.10.254.0 255.255.255.0\n        set two-factor fortitoken\n"
    text = f"""\
#config-version=FGT100F-7.4.7-FW-build2731-250120:opmode=0:vdom=0:user=admin
config system global
    set hostname "{host.name}"
    set admin-lockout-threshold {3 if limit else 10}
end
config system interface
    edit "wan1"
        set vdom "root"
        set ip {host.outer} 255.255.255.192
{second_stack}        set allowaccess ping{" https" if wide else ""}
        set role wan
    next
    edit "mgmt"
        set vdom "root"
        set ip {host.inner} 255.255.255.0
        set allowaccess https ssh
        set role lan
    next
end
config system admin
    edit "admin"
        set accprofile "super_admin"
{"" if wide else trusted}        set password ENC *****
    next
end
config user radius
    edit "{name}"
        set server "{server}"
        set secret ENC *****
    next
end
config user group
    edit "staff"
        set member "{name}"
    next
end
config vpn ssl web portal
    edit "tunnel"
        set tunnel-mode enable
        set web-mode disable
    next
end
config vpn ssl settings
    set status enable
    set servercert "portal"
    set ssl-min-proto-ver tls1-2
    set reqclientcert {"enable" if second else "disable"}
    set login-attempt-limit {2 if limit else 0}
    set login-block-time 600
    set idle-timeout 600
    set port 443
    set source-interface "wan1"
    set source-address "all"
    set default-portal "tunnel"
    config authentication-rule
        edit 1
            set groups "staff"
            set portal "tunnel"
        next
    end
end
config firewall policy
    edit 1
        set name "staff"
        set srcintf "ssl.root"
        set dstintf "mgmt"
        set action accept
        set srcaddr "all"
        set dstaddr "all"
        set service "ALL"
        set groups "staff"
        set logtraffic all
    next
end
config log syslogd setting
    set status enable
    set server "{LOGS}"
    set mode reliable
    set enc-algorithm high
end
"""
    return {"fgt.conf": text}


def panos(host: Host, _organisation: Organisation, plan: Plan) -> dict[str, str]:
    """Return the running configuration of the PAN-OS gateway: a directory's password, with or without the certificate of the device."""
    second, limit = _state(host, plan)
    wide = _open(host, plan)
    checked = f"<ldap><server-profile>{DIRECTORY}</server-profile></ldap>" if wide else f"<radius><server-profile>{FACTOR}</server-profile></radius>"
    second_stack = f'<ipv6><enabled>yes</enabled><address><entry name="{host.outer_v6}/64"/></address></ipv6>' if host.outer_v6 else ""
    managed = "<interface-management-profile>open</interface-management-profile>" if wide else ""
    opened = '<entry name="open"><https>yes</https><ping>yes</ping></entry>' if wide else '<entry name="ping"><ping>yes</ping></entry>'
    lockout = "<lockout><failed-attempts>5</failed-attempts><lockout-time>30</lockout-time></lockout>" if limit else ""
    profile = "<certificate-profile>devices</certificate-profile>" if second else ""
    both = "<user-credential-or-client-cert-required>no</user-credential-or-client-cert-required>" if second else ""
    door = f'{profile}<client-auth><entry name="any">{both}<authentication-profile>Staff</authentication-profile></entry></client-auth>'
    tls = "<ssl-tls-service-profile>gp-tls</ssl-tls-service-profile>"
    address = "<local-address><interface>ethernet1/1</interface></local-address>"
    syslog = f'<entry name="siem"><server><entry name="a"><server>{LOGS}</server><transport>SSL</transport></entry></server></entry>'
    any_ = "<member>any</member>"
    rest = "".join(f"<{word}>{any_}</{word}>" for word in ("from", "to", "source", "destination", "application", "service"))
    text = f"""\
<?xml version="1.0"?>
<response status="success"><result><config version="11.1.0" urldb="paloaltonetworks" detail-version="11.1.4">
  <mgt-config><users><entry name="ops"><authentication-profile>Admins</authentication-profile></entry></users></mgt-config>
  <shared>
    <authentication-profile>
      <entry name="Staff"><method><ldap><server-profile>{DIRECTORY}</server-profile></ldap></method>{lockout}</entry>
      <entry name="Admins"><method>{checked}</method>{lockout}</entry>
    </authentication-profile>
    <ssl-tls-service-profile>
      <entry name="gp-tls"><protocol-settings><min-version>tls1-2</min-version></protocol-settings></entry>
    </ssl-tls-service-profile>
    <log-settings>
      <syslog>{syslog}</syslog>
      <globalprotect><match-list><entry name="all"><send-syslog><member>siem</member></send-syslog></entry></match-list></globalprotect>
    </log-settings>
  </shared>
  <devices><entry name="localhost.localdomain">
    <deviceconfig><system><hostname>{host.name}</hostname><ip-address>{host.inner}</ip-address>
      <permitted-ip><entry name="{MANAGEMENT}"/></permitted-ip></system></deviceconfig>
    <network>
      <interface><ethernet>
        <entry name="ethernet1/1"><layer3><ip><entry name="{host.outer}/26"/></ip>{second_stack}{managed}</layer3></entry>
      </ethernet><tunnel><units><entry name="tunnel.1"/></units></tunnel></interface>
      <profiles><interface-management-profile>{opened}</interface-management-profile></profiles>
    </network>
    <vsys><entry name="vsys1">
      <zone>
        <entry name="untrust"><network><layer3><member>ethernet1/1</member></layer3></network></entry>
        <entry name="gp"><network><layer3><member>tunnel.1</member></layer3></network></entry>
      </zone>
      <rulebase><security><rules><entry name="rest">{rest}<action>deny</action></entry></rules></security></rulebase>
      <global-protect>
        <global-protect-portal><entry name="portal"><portal-config>{address}{door}{tls}</portal-config></entry></global-protect-portal>
        <global-protect-gateway>
          <entry name="gw">{address}{door}<remote-user-tunnel>tunnel.1</remote-user-tunnel>{tls}</entry>
        </global-protect-gateway>
      </global-protect>
    </entry></vsys>
  </entry></devices>
</config></result></response>
"""
    return {"running-config.xml": text}


def openvpn(host: Host, _organisation: Organisation, plan: Plan) -> dict[str, str]:
    """Return the server's configuration: a password, with or without the client's certificate."""
    second, _ = _state(host, plan)
    text = f"""\
port 443
proto {"tcp6-server" if host.outer_v6 else "tcp-server"}
dev tun
server 10.63.0.0 255.255.240.0
{"server-ipv6 fd00:10:63::/64" + chr(10) if host.outer_v6 else ""}ca ca.crt
verify-client-cert {"require" if second else "none"}
remote-cert-tls client
crl-verify crl.pem
tls-version-min 1.2
tls-crypt ta.key
data-ciphers AES-256-GCM:CHACHA20-POLY1305
plugin /usr/lib/openvpn/openvpn-plugin-auth-pam.so openvpn
client-config-dir /etc/openvpn/ccd
ccd-exclusive
script-security 2
management /run/openvpn/sock unix
"""
    pam = "auth required pam_unix.so\naccount required pam_unix.so\n"
    return {
        "etc/openvpn/server/server.conf": text, "etc/pam.d/openvpn": pam, "commands/ss.txt": sockets([(443, "openvpn")]),
        "commands/iptables-save.txt": iptables([("0.0.0.0/0", 443)]),
        "commands/ip6tables-save.txt": iptables([("::/0", 443)] if host.outer_v6 else []),
    }  # fmt: skip


_CITRIX_V6 = """\
add vpn vserver gw6 SSL {address} 443 -authnProfile ap
set ssl vserver gw6 -ssl3 DISABLED -tls1 DISABLED -tls11 DISABLED
"""


def netscaler(host: Host, _organisation: Organisation, plan: Plan) -> dict[str, str]:
    """Return ns.conf: a directory's password, with or without a one-time code after it."""
    second, limit = _state(host, plan)
    code = (
        f"add authentication ldapAction code1 -serverIP {DIRECTORY_SERVER} -authentication DISABLED -OTPSecret userParameters\n"
        "add authentication Policy code_pol -rule true -action code1\n"
        "add authentication policylabel code -loginSchema lschema_code\n"
        "bind authentication policylabel code -policyName code_pol -priority 100 -gotoPriorityExpression END\n"
    )
    text = f"""\
#NS14.1 Build 43.50
set ns config -IPAddress {host.inner} -netmask 255.255.255.0
set ns hostName {host.name}
set ns ip {host.inner} -gui SECUREONLY -telnet DISABLED -ftp DISABLED
set system parameter -localAuth DISABLED
{"set aaa parameter -maxLoginAttempts 3 -failedLoginTimeout 15" if limit else "set aaa parameter -failedLoginTimeout 15"}
add authentication ldapAction {DIRECTORY} -serverIP {DIRECTORY_SERVER}
add authentication Policy ldap_pol -rule true -action {DIRECTORY}
{code if second else ""}add authentication vserver av SSL 0.0.0.0
bind authentication vserver av -policy ldap_pol -priority 100{" -nextFactor code" if second else ""} -gotoPriorityExpression NEXT
add authentication authnProfile ap -authnVsName av
add vpn vserver gw SSL {host.outer} 443 -authnProfile ap
set ssl vserver gw -ssl3 DISABLED -tls1 DISABLED -tls11 DISABLED
{_CITRIX_V6.format(address=host.outer_v6) if host.outer_v6 else ""}set vpn parameter -defaultAuthorizationAction DENY
add audit syslogAction siem {LOGS} -serverPort 6514 -logLevel ALL -transport TLS
"""
    return {"ns.conf": text}
