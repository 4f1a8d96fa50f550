"""The English wording of Windows events: which labels the rendered text of an event has, in which order, and which datum follows each.

A wording is the first sentence and then, one a line, its labels in order:

==================  ============================================================================
``Subject:``        a heading, without a value
``Logon ID=Name``   a label whose value is the datum ``Name``
``Port=``           a label whose value nobody needs
``A|B=Name``        a label that versions of Windows word differently
``? …``             one that not all versions have
``?? …``            one that all versions have, but people who shorten a text drop
``… *``             a value that may go on over several lines
==================  ============================================================================

Several wordings of one event are tried in order, the fuller first. References: "Advanced security audit policy settings", events 4624 ff.
(learn.microsoft.com); Sysmon (learn.microsoft.com/sysinternals).
"""

from __future__ import annotations

_SUBJECT = """
Subject:
Security ID=SubjectUserSid
Account Name=SubjectUserName
Account Domain=SubjectDomainName
Logon ID=SubjectLogonId
"""
_NETWORK = """
Network Information:
Workstation Name=WorkstationName
Source Network Address=IpAddress
Source Port=IpPort
? Detailed Authentication Information:
? Logon Process=LogonProcessName
? Authentication Package=AuthenticationPackageName
? Transited Services=TransmittedServices
? Package Name (NTLM only)=LmPackageName
? Key Length=KeyLength
"""
_TARGET_AS_SUBJECT = """
Subject:
Security ID=TargetUserSid
Account Name=TargetUserName
Account Domain=TargetDomainName
Logon ID=TargetLogonId
"""
_TARGET_ACCOUNT = f"""
{_SUBJECT}
Target Account:
Security ID=TargetSid
Account Name=TargetUserName
Account Domain=TargetDomainName
"""
_PRIVILEGES = """
? Additional Information:
? Privileges=PrivilegeList
"""
_ATTRIBUTES = """
? Display Name=DisplayName
? User Principal Name=UserPrincipalName
? Home Directory=
? Home Drive=
? Script Path=
? Profile Path=
? User Workstations=
? Password Last Set=
? Account Expires=
? Primary Group ID=PrimaryGroupId
? AllowedToDelegateTo=
? Old UAC Value=OldUacValue
? New UAC Value=NewUacValue
? User Account Control=
? User Parameters=
? SID History=
? Logon Hours=
? Additional Information:
? Privileges=PrivilegeList
"""
_MEMBER = f"""
{_SUBJECT}
Member:
Security ID=MemberSid
Account Name=MemberName
Group:
Security ID=TargetSid
Group Name|Account Name=TargetUserName
Group Domain|Account Domain=TargetDomainName
{_PRIVILEGES}
? Expiration time=
"""
_CREATED = """
Process Information:
New Process ID=NewProcessId
New Process Name=NewProcessName
Token Elevation Type=TokenElevationType
? Mandatory Label=MandatoryLabel
Creator Process ID=ProcessId
? Creator Process Name=ParentProcessName
? Process Command Line=CommandLine *
"""
_CLIENT = """
Network Information:
Client Address=IpAddress
Client Port=IpPort
"""
_CERTIFICATE = """
? Certificate Information:
? Certificate Issuer Name=CertIssuerName
? Certificate Serial Number=CertSerialNumber
? Certificate Thumbprint=CertThumbprint
"""
_STATION = """
Subject:
Account Name=AccountName
Account Domain=AccountDomain
Logon ID=LogonID
Session:
Session Name=SessionName
Additional Information:
Client Name=ClientName
Client Address=ClientAddress
"""
_SHARE = f"""
{_SUBJECT}
Network Information:
? Object Type=ObjectType
Source Address=IpAddress
Source Port=IpPort
? Share Information:
Share Name=ShareName
"""
_TERMINAL = """
User=User
Session ID=SessionID
"""
_FAR = "Source Network Address=Address"
_SYSMON = "? RuleName=RuleName"

WORDINGS: tuple[tuple[tuple[int, ...], str, str], ...] = (
    (
        (4624,),
        "An account was successfully logged on.",
        f"""
{_SUBJECT}
? Logon Information:
Logon Type=LogonType
? Restricted Admin Mode=RestrictedAdminMode
? Remote Credential Guard=RemoteCredentialGuard
? Virtual Account=VirtualAccount
? Elevated Token=ElevatedToken
? Impersonation Level=ImpersonationLevel
New Logon:
Security ID=TargetUserSid
Account Name=TargetUserName
Account Domain=TargetDomainName
Logon ID=TargetLogonId
? Linked Logon ID=TargetLinkedLogonId
? Network Account Name=TargetOutboundUserName
? Network Account Domain=TargetOutboundDomainName
Logon GUID=LogonGuid
?? Process Information:
?? Process ID=ProcessId
?? Process Name=ProcessName
{_NETWORK}
""",
    ),
    (
        (4625,),
        "An account failed to log on.",
        f"""
{_SUBJECT}
Logon Type=LogonType
Account For Which Logon Failed:
Security ID=TargetUserSid
Account Name=TargetUserName
Account Domain=TargetDomainName
Failure Information:
Failure Reason=FailureReason
Status=Status
Sub Status=SubStatus
?? Process Information:
?? Caller Process ID=ProcessId
?? Caller Process Name=ProcessName
{_NETWORK}
""",
    ),
    ((4634,), "An account was logged off.", f"{_TARGET_AS_SUBJECT}\nLogon Type=LogonType"),
    ((4647,), "User initiated logoff:", _TARGET_AS_SUBJECT),
    (
        (4648,),
        "A logon was attempted using explicit credentials.",
        f"""
{_SUBJECT}
Logon GUID=LogonGuid
Account Whose Credentials Were Used:
Account Name=TargetUserName
Account Domain=TargetDomainName
Logon GUID=TargetLogonGuid
Target Server:
Target Server Name=TargetServerName
Additional Information=TargetInfo
Process Information:
Process ID=ProcessId
Process Name=ProcessName
Network Information:
Network Address=IpAddress
Port=IpPort
""",
    ),
    ((4672,), "Special privileges assigned to new logon.", f"{_SUBJECT}\nPrivileges=PrivilegeList *"),
    (
        (4688,),
        "A new process has been created.",
        f"""
{_SUBJECT.replace("Subject:", "Creator Subject|Subject:")}
Target Subject:
Security ID=TargetUserSid
Account Name=TargetUserName
Account Domain=TargetDomainName
Logon ID=TargetLogonId
{_CREATED}
""",
    ),
    ((4688,), "A new process has been created.", _SUBJECT.replace("Subject:", "Creator Subject|Subject:") + _CREATED),
    (
        (4697,),
        "A service was installed in the system.",
        f"""
{_SUBJECT}
Service Information:
Service Name=ServiceName
Service File Name=ServiceFileName
Service Type=ServiceType
Service Start Type=ServiceStartType
Service Account=ServiceAccount
""",
    ),
    (
        (7045,),
        "A service was installed in the system.",
        """
Service Name=ServiceName
Service File Name=ImagePath
Service Type=ServiceType
Service Start Type=StartType
Service Account=AccountName
""",
    ),
    ((4698,), "A scheduled task was created.", f"{_SUBJECT}\nTask Information:\nTask Name=TaskName\nTask Content=TaskContent *"),
    ((4702,), "A scheduled task was updated.", f"{_SUBJECT}\nTask Information:\nTask Name=TaskName\nTask New Content=TaskContentNew *"),
    (
        (4720,),
        "A user account was created.",
        f"""
{_SUBJECT}
New Account:
Security ID=TargetSid
Account Name=TargetUserName
Account Domain=TargetDomainName
? Attributes:
? SAM Account Name=SamAccountName
{_ATTRIBUTES}
""",
    ),
    ((4722,), "A user account was enabled.", _TARGET_ACCOUNT + _PRIVILEGES),
    ((4723,), "An attempt was made to change an account's password.", _TARGET_ACCOUNT + _PRIVILEGES),
    ((4724,), "An attempt was made to reset an account's password.", _TARGET_ACCOUNT + _PRIVILEGES),
    ((4725,), "A user account was disabled.", _TARGET_ACCOUNT + _PRIVILEGES),
    ((4726,), "A user account was deleted.", _TARGET_ACCOUNT + _PRIVILEGES),
    ((4767,), "A user account was unlocked.", _TARGET_ACCOUNT + _PRIVILEGES),
    (
        (4781,),
        "The name of an account was changed:",
        f"""
{_SUBJECT}
Target Account:
Security ID=TargetSid
Account Domain=TargetDomainName
Old Account Name=OldTargetUserName
New Account Name=NewTargetUserName
{_PRIVILEGES}
""",
    ),
    ((4738,), "A user account was changed.", f"{_TARGET_ACCOUNT}\n? Changed Attributes:\n? SAM Account Name=SamAccountName\n{_ATTRIBUTES}"),
    (
        (4740,),
        "A user account was locked out.",
        f"""
{_SUBJECT}
Account That Was Locked Out:
Security ID=TargetSid
Account Name=TargetUserName
Additional Information:
Caller Computer Name=TargetDomainName
""",
    ),
    ((4728,), "A member was added to a security-enabled global group.", _MEMBER),
    ((4729,), "A member was removed from a security-enabled global group.", _MEMBER),
    ((4732,), "A member was added to a security-enabled local group.", _MEMBER),
    ((4733,), "A member was removed from a security-enabled local group.", _MEMBER),
    ((4756,), "A member was added to a security-enabled universal group.", _MEMBER),
    ((4757,), "A member was removed from a security-enabled universal group.", _MEMBER),
    (
        (4768,),
        "A Kerberos authentication ticket (TGT) was requested.",
        f"""
Account Information:
Account Name=TargetUserName
Supplied Realm Name=TargetDomainName
User ID=TargetSid
? MSDS-SupportedEncryptionTypes=
? Available Keys=
Service Information:
Service Name=ServiceName
Service ID=ServiceSid
? MSDS-SupportedEncryptionTypes=
? Available Keys=
? Domain Controller Information:
? MSDS-SupportedEncryptionTypes=
? Available Keys=
{_CLIENT}
? Advertized Etypes=
Additional Information:
Ticket Options=TicketOptions
Result Code=Status
Ticket Encryption Type=TicketEncryptionType
? Session Encryption Type=
Pre-Authentication Type=PreAuthType
? Pre-Authentication EncryptionType=
{_CERTIFICATE}
? Ticket information:
? Response ticket hash=
""",
    ),
    (
        (4769,),
        "A Kerberos service ticket was requested.",
        f"""
Account Information:
Account Name=TargetUserName
Account Domain=TargetDomainName
Logon GUID=LogonGuid
Service Information:
Service Name=ServiceName
Service ID=ServiceSid
{_CLIENT}
Additional Information:
Ticket Options=TicketOptions
Ticket Encryption Type=TicketEncryptionType
Failure Code=Status
Transited Services=TransmittedServices
""",
    ),
    (
        (4771,),
        "Kerberos pre-authentication failed.",
        f"""
Account Information:
Security ID=TargetSid
Account Name=TargetUserName
Service Information:
Service Name=ServiceName
{_CLIENT}
Additional Information:
Ticket Options=TicketOptions
Failure Code=Status
Pre-Authentication Type=PreAuthType
{_CERTIFICATE}
""",
    ),
    *(
        (
            (4776,),
            f"The {machine} attempted to validate the credentials for an account.",
            """
Authentication Package=PackageName
Logon Account=TargetUserName
Source Workstation=Workstation
Error Code=Status
""",
        )
        for machine in ("computer", "domain controller")
    ),
    ((4778,), "A session was reconnected to a Window Station.", _STATION),
    ((4779,), "A session was disconnected from a Window Station.", _STATION),
    (
        (4825,),
        "A user was denied the access to Remote Desktop.",
        """
Subject:
User Name|Account Name=AccountName
Domain|Account Domain=AccountDomain
Logon ID=LogonID
Additional Information:
Client Address=ClientAddress
""",
    ),
    (
        (5140,),
        "A network share object was accessed.",
        f"""
{_SHARE}
? Share Path=ShareLocalPath
? Access Request Information:
? Access Mask=AccessMask
? Accesses= *
""",
    ),
    (
        (5145,),
        "A network share object was checked to see whether client can be granted desired access.",
        f"""
{_SHARE}
Share Path=ShareLocalPath
Relative Target Name=RelativeTargetName
? Access Request Information:
? Access Mask=AccessMask
? Accesses= *
""",
    ),
    (
        (1102,),
        "The audit log was cleared.",
        """
Subject:
Security ID=SubjectUserSid
Account Name=SubjectUserName
Domain Name|Account Domain=SubjectDomainName
Logon ID=SubjectLogonId
""",
    ),
    (
        (1149,),
        "Remote Desktop Services: User authentication succeeded:",
        """
User=Param1
Domain=Param2
Source Network Address=Param3
""",
    ),
    ((21,), "Remote Desktop Services: Session logon succeeded:", f"{_TERMINAL}\n{_FAR}"),
    ((22,), "Remote Desktop Services: Shell start notification received:", f"{_TERMINAL}\n{_FAR}"),
    ((23,), "Remote Desktop Services: Session logoff succeeded:", _TERMINAL),
    ((24,), "Remote Desktop Services: Session has been disconnected:", f"{_TERMINAL}\n{_FAR}"),
    ((25,), "Remote Desktop Services: Session reconnection succeeded:", f"{_TERMINAL}\n{_FAR}"),
    (
        (1,),
        "Process Create:",
        f"""
{_SYSMON}
UtcTime=UtcTime
ProcessGuid=ProcessGuid
ProcessId=ProcessId
Image=Image
? FileVersion=FileVersion
? Description=Description
? Product=Product
? Company=Company
? OriginalFileName=OriginalFileName
CommandLine=CommandLine *
CurrentDirectory=CurrentDirectory
User=User
LogonGuid=LogonGuid
LogonId=LogonId
TerminalSessionId=TerminalSessionId
IntegrityLevel=IntegrityLevel
Hashes=Hashes
ParentProcessGuid=ParentProcessGuid
ParentProcessId=ParentProcessId
ParentImage=ParentImage
ParentCommandLine=ParentCommandLine *
? ParentUser=ParentUser
""",
    ),
    (
        (3,),
        "Network connection detected:",
        f"""
{_SYSMON}
UtcTime=UtcTime
ProcessGuid=ProcessGuid
ProcessId=ProcessId
Image=Image
User=User
Protocol=Protocol
Initiated=Initiated
SourceIsIpv6=SourceIsIpv6
SourceIp=SourceIp
SourceHostname=SourceHostname
SourcePort=SourcePort
SourcePortName=SourcePortName
DestinationIsIpv6=DestinationIsIpv6
DestinationIp=DestinationIp
DestinationHostname=DestinationHostname
DestinationPort=DestinationPort
DestinationPortName=DestinationPortName
""",
    ),
    (
        (10,),
        "Process accessed:",
        f"""
{_SYSMON}
UtcTime=UtcTime
SourceProcessGUID=SourceProcessGUID
SourceProcessId=SourceProcessId
SourceThreadId=SourceThreadId
SourceImage=SourceImage
TargetProcessGUID=TargetProcessGUID
TargetProcessId=TargetProcessId
TargetImage=TargetImage
GrantedAccess=GrantedAccess
CallTrace=CallTrace
? SourceUser=SourceUser
? TargetUser=TargetUser
""",
    ),
    (
        (11,),
        "File created:",
        f"""
{_SYSMON}
UtcTime=UtcTime
ProcessGuid=ProcessGuid
ProcessId=ProcessId
Image=Image
TargetFilename=TargetFilename
CreationUtcTime=CreationUtcTime
? User=User
""",
    ),
    (
        (13,),
        "Registry value set",
        f"""
{_SYSMON}
EventType=EventType
UtcTime=UtcTime
ProcessGuid=ProcessGuid
ProcessId=ProcessId
Image=Image
TargetObject=TargetObject
Details=Details *
? User=User
""",
    ),
    (
        (22,),
        "Dns query:",
        f"""
{_SYSMON}
UtcTime=UtcTime
ProcessGuid=ProcessGuid
ProcessId=ProcessId
QueryName=QueryName
QueryStatus=QueryStatus
QueryResults=QueryResults
Image=Image
? User=User
""",
    ),
)
"""Event ids, first sentence and labels."""

SENTENCES: tuple[tuple[int, str], ...] = (
    (131, r"The server accepted a new (?P<ConnType>TCP|UDP) connection from client (?P<ClientIP>[^ ]+?)\.?"),
    (
        140,
        (
            r"A connection from the client computer with an IP address of (?P<IPString>[^ ]+) failed "
            r"because the user name or password is not correct\.?"
        ),
    ),
    (39, r"Session (?P<TargetSession>[0-9]+) has been disconnected by session (?P<Source>[0-9]+)"),
    (40, r"Session (?P<Session>[0-9]+) has been disconnected, reason code (?P<Reason>[0-9]+)"),
    (104, r"The (?P<Channel>[^\n]+) log file was cleared\.?"),
    (4, r"(?P<process>sshd(?:-session|-auth)?): (?P<payload>[^\n]+)"),
)
"""Events whose whole text is one sentence: id, and a regex whose groups are the data."""

PROSE = (
    "This event is ",
    "This event can ",
    "Token Elevation Type indicates ",
    "Certificate information is only ",
    "Pre-authentication types, ",
    "Ticket options, ",
    "If the PATYPE ",
    "The subject fields ",
)
"""How the explanations begin that follow the data."""
