"""What OCSF's classes and activities mean: (class, activity) -> pattern and kind, or why the event is ignored.

References: https://schema.ocsf.io/1.3.0/classes
"""

from __future__ import annotations

from collections.abc import Mapping

from gatewatch.schema.events import AuthMethod, Kind, Service

ACCOUNT: Mapping[int, str] = {
    1: "user-created", 2: "user-enabled", 3: "password-changed", 4: "password-reset", 5: "user-disabled", 6: "user-deleted",
    7: "policy-attached", 8: "policy-detached", 9: "account-locked", 10: "mfa-enabled", 11: "mfa-disabled", 12: "account-unlocked",
}  # fmt: skip
GROUP: Mapping[int, str] = {
    1: "privileges-assigned", 2: "privileges-revoked", 3: "group-member-added", 4: "group-member-removed", 5: "group-deleted", 6: "group-created",
}  # fmt: skip
ACCESS: Mapping[int, str] = {1: "privileges-assigned", 2: "privileges-revoked"}
PLAIN: Mapping[tuple[int, int], tuple[str, Kind]] = {
    (1006, 1): ("job-created", Kind.SCHEDULED_JOB),
    (1006, 2): ("job-changed", Kind.SCHEDULED_JOB),
    (1007, 1): ("process-launched", Kind.EXEC),
    (1008, 1): ("log-cleared", Kind.LOG_CLEARED),
    (1008, 2): ("log-deleted", Kind.LOG_CLEARED),
    (3003, 1): ("privileges-assigned", Kind.PRIVILEGE_USE),
    (4001, 1): ("connection-opened", Kind.CONNECTION),
    (4001, 2): ("connection-closed", Kind.CONNECTION_CLOSED),
    (4001, 3): ("connection-reset", Kind.CONNECTION_CLOSED),
    (4001, 5): ("connection-refused", Kind.CONNECTION_DENIED),
    (4001, 6): ("traffic", Kind.CONNECTION),
    (4005, 3): ("rdp-connection", Kind.CONNECTION),
    (4006, 1): ("smb-connection", Kind.CONNECTION),
    (4007, 1): ("ssh-connection", Kind.CONNECTION),
    (4010, 1): ("file-uploaded", Kind.FILE_TRANSFER),
    (4010, 2): ("file-downloaded", Kind.FILE_TRANSFER),
    (4014, 1): ("tunnel-opened", Kind.SESSION_START),
    (4014, 2): ("tunnel-closed", Kind.SESSION_END),
    (6002, 1): ("software-installed", Kind.SERVICE_INSTALL),
    (6002, 3): ("software-started", Kind.SERVICE_START),
}
"""Classes whose activity alone says what happened, where it did not fail."""
SUCCEEDED, FAILED = 1, 2
STATUS = {"success": SUCCEEDED, "succeeded": SUCCEEDED, "failure": FAILED, "failed": FAILED}
METHODS: Mapping[int, AuthMethod] = {
    1: AuthMethod.PASSWORD,  # NTLM
    2: AuthMethod.GSSAPI,  # Kerberos
    3: AuthMethod.PASSWORD,  # Digest
    4: AuthMethod.TOKEN,  # OpenID
    5: AuthMethod.TOKEN,  # SAML
    6: AuthMethod.TOKEN,  # OAuth 2.0
    7: AuthMethod.PASSWORD,  # PAP
    8: AuthMethod.PASSWORD,  # CHAP
    10: AuthMethod.PASSWORD,  # RADIUS
}
"""``auth_protocol_id``; EAP (9) and what is missing is unknown."""
NO_PERSON = frozenset({0, 4, 5})  # logon_type_id: system, batch, service
LOCAL = frozenset({2, 7, 11, 12, 13})  # interactive, unlock, cached
REMOTE_DESKTOP = 10
SERVICES: Mapping[str, Service] = {
    **{str(service): service for service in Service},
    **dict.fromkeys(("sshd", "openssh"), Service.SSH),
    **dict.fromkeys(("remote desktop", "remote desktop services", "termservice", "terminal services", "ms-wbt-server"), Service.RDP),
    **dict.fromkeys(("okta", "entra id", "microsoft entra id", "azure active directory", "duo", "onelogin", "ping identity"), Service.IDP),
    **dict.fromkeys(("globalprotect", "anyconnect", "ssl vpn", "openvpn"), Service.VPN),
    **dict.fromkeys(("https", "http"), Service.WEB),
    **dict.fromkeys(("cifs", "samba"), Service.SMB),
    "windows remote management": Service.WINRM,
}
PORTS: Mapping[int, Service] = {22: Service.SSH, 3389: Service.RDP, 5985: Service.WINRM, 5986: Service.WINRM, 5900: Service.VNC, 23: Service.TELNET}
CALLS: Mapping[str, tuple[str, Kind]] = {
    **dict.fromkeys(
        (
            *("createuser", "deleteuser", "createloginprofile", "updateloginprofile", "createaccesskey", "updateaccesskey", "addusertogroup"),
            *("attachuserpolicy", "putuserpolicy", "attachgrouppolicy", "attachrolepolicy", "putrolepolicy", "updateassumerolepolicy", "createrole"),
            *("deactivatemfadevice", "deletevirtualmfadevice", "enablemfadevice", "uploadsshpublickey", "importkeypair", "createkeypair"),
        ),
        ("account-call", Kind.ACCOUNT_CHANGE),
    ),
    **dict.fromkeys(
        (
            *("authorizesecuritygroupingress", "createclientvpnendpoint", "createvpnconnection", "authorizeclientvpningress"),
            "modifyinstanceattribute",
            *("putbucketpolicy", "stoplogging", "deletetrail", "updatetrail", "puteventselectors", "deleteflowlogs", "deletedetector"),
        ),
        ("configuration-call", Kind.CONFIG_CHANGE),
    ),
    **dict.fromkeys(("sendcommand", "startsession", "sendsshpublickey", "sendserialconsolesshpublickey"), ("remote-command-call", Kind.EXEC)),
}
"""Operations of cloud interfaces (6003), in small letters."""
TELLING_FILE = (
    r"(?i)(?:authorized_keys|sshd_config|[\\/]etc[\\/](?:cron|sudoers|passwd|shadow|pam\.d|ld\.so\.preload)|[\\/]Startup[\\/]|System32[\\/]Tasks[\\/]"
    r"|[\\/]systemd[\\/]system[\\/]|[\\/]torrc$|hs_ed25519|ntds\.dit|launch(?:agents|daemons)[\\/])"
)
"""Files (1001) whose change opens or keeps a door."""
