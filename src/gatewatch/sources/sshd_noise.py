"""What sshd says that is no access, with the reason why each is left out. Lines that fit nothing here stay unrecognised."""

from __future__ import annotations

from gatewatch.sources.pattern import Pattern

PATTERNS: tuple[Pattern, ...] = (
    Pattern("debug", ("debug1: ", "debug2: ", "debug3: "), (r"^debug[123]: ",), why="debugging output"),
    Pattern(
        "handshake",
        (
            "error: kex_",
            "kex_exchange",
            "error: kex p",
            "error: Hm, k",
            "Hm, kex prot",
            "kex protocol",
            "ssh_dispatch",
            "dispatch_pro",
            "fatal: dispa",
        ),
        (
            r"^(?:error: )?kex_exchange_identification: ",
            r"^(?:error: )?(?:Hm, )?kex protocol error: ",
            r"^(?:fatal: )?dispatch_protocol_(?:error|ignore): ",
        ),
        why="the handshake failed; no address here, the line that closes the connection bears it",
    ),
    Pattern(
        "broken-pipe",
        (
            "fatal: Read ",
            "Read from so",
            "fatal: Write",
            "Write failed",
            "error: write",
            "fatal: write",
            "Read error f",
            "packet_write",
            "error: send_",
            "send_error:",
            "fatal: mm_re",
            "mm_request_",
            "fatal: monit",
            "error: Could",
            "fatal: Could",
            "warning: can",
            "ssh_packet_w",
            "fatal: ssh_p",
            "error: ssh_m",
        ),
        (
            (
                r"^(?:fatal: |error: )?(?:Read from socket failed|Read error from remote host|Write failed|write|packet_write_[a-z]+|"
                r"ssh_packet_write_[a-z]+|"
                r"send_error|ssh_msg_send)[:,; ]"
            ),
            r"^(?:fatal: )?(?:mm_request_[a-z]+|monitor_[a-z]+|mm_[a-z_]+): ",
            r"^warning: can't get client address: ",
        ),
        why="the connection broke; no address here",
    ),
    Pattern(
        "garbled",
        (
            "Bad packet l",
            "padding erro",
            "Corrupted MA",
            "Finished dis",
            "error: Bad p",
            "error: buffe",
            "fatal: buffe",
            "error: key_f",
            "error: Proto",
            "Bad remote p",
            "fatal: bad c",
            "Corrupted ch",
            "message auth",
        ),
        (
            (
                r"^(?:error: |fatal: )?(?:Bad packet length |padding error: |Corrupted MAC on input|Corrupted check bytes|"
                r"Finished discarding for |Bad prime |"
                r"buffer_[a-z_]+: |key_from_blob: |Protocol error|Bad remote protocol version|bad client public DH value|"
                r"message authentication code incorrect)"
            ),
        ),
        why="malformed packets; no result",
    ),
    Pattern(
        "key-rejected",
        ("userauth_pubkey", "userauth_hos", "error: usera", "refusing pre"),
        (r"^(?:error: )?userauth_(?:pubkey|hostbased)(?: |: )", r"^refusing previously-used "),
        why="a key or algorithm that was not even tried",
    ),
    Pattern(
        "key-listed",
        ("Found matchi", "Found matchin", "Authorized t", "Root login a", "Matched user", "matching key"),
        (r"^(?:Found matching |Authorized to |Root login accepted for forced command|[Mm]atching key found)",),
        why="the result line says who and how",
    ),
    Pattern(
        "file-refused",
        (
            "Authenticati",
            "error: Autho",
            "AuthorizedKe",
            "error: Unsaf",
            "User ",
            "Rhosts authe",
            "Could not op",
            "error: Could",
            "Could not ge",
            "Bad options ",
            "error: key_l",
            "key_load_pub",
            "Certificate ",
        ),
        (
            r"^Authentication refused(?: for .*)?: ",
            r"^(?:error: )?(?:Unsafe )?Authorized(?:Keys|Principals)Command ",
            r"^User .* (?:authorized keys|authorized principals|hosts file) .* is not a regular file$",
            r"^Rhosts authentication refused for ",
            r"^(?:error: )?Could not (?:open|get shadow information for|load host (?:key|certificate)|stat|chdir to|connect to agent) ?",
            r"^(?:Bad options in |Certificate extension |(?:error: )?key_load_(?:public|private): )",
        ),
        why="a file or key that sshd would not use; the result line follows",
    ),
    Pattern(
        "configuration",
        (
            "rexec line",
            "/etc/ssh/",
            "reprocess co",
            "reexec line",
            "command-line",
            "WARNING: ",
            "Deprecated o",
            "Unsupported ",
            "error: Bind ",
            "fatal: Canno",
            "fatal: Missi",
            "error: Unabl",
            "error: rexec",
            "RESTART FAIL",
            "sshd: no hos",
            "Set /proc/se",
            "Changed root",
            "error: setso",
            "Missing priv",
            "error: /etc/",
        ),
        (
            r"^(?:rexec|reexec|reprocess config|command-line|/etc/ssh/[!-~]+)[,:]?(?: line)? ?[0-9]+: ",
            (
                r"^(?:WARNING: |Deprecated option |Unsupported option |RESTART FAILED: |Set /proc/self/oom|sshd: no hostkeys available|"
                r"Changed root directory to )"
            ),
            (
                r"^(?:error: |fatal: )?(?:Bind to port |Cannot bind any address|Missing privilege separation directory|rexec of |setsockopt |"
                r"Unable to load host key|/etc/ssh/)"
            ),
        ),
        why="how the daemon is set up, no access",
    ),
    Pattern(
        "login-record",
        (
            "syslogin_per",
            "lastlog_",
            "error: wtmp",
            "Excess permi",
            "Attempt to w",
            "Writing logi",
            "error: login",
            "fatal: login",
            "record_login",
            "utmp_",
            "wtmp_",
            "error: utmp",
        ),
        (
            r"^(?:error: |fatal: )?(?:syslogin_[a-z_]+|lastlog_[a-z_]+|login_[a-z_]+|[uw]tmp_[a-z_]+): ",
            r"^(?:Excess permission or bad ownership on file |Attempt to write login records by non-root user|Writing login record failed)",
        ),
        why="the login record could not be written; the login itself is logged",
    ),
    Pattern(
        "session-error",
        (
            "error: PAM: ",
            "fatal: PAM: ",
            "PAM: ",
            "error: openp",
            "error: /dev/",
            "error: sessi",
            "error: no mo",
            "error: ssh_s",
            "subsystem re",
            "error: subsy",
            "error: chown",
            "error: Faile",
            "User ",
        ),
        (
            r"^(?:error: |fatal: )?PAM: pam_[a-z_]+\(\): ",
            r"^(?:error: )?subsystem request for .* failed, subsystem not found$",
            r"^error: (?:openpty: |/dev/|session_[a-z_]+: |no more sessions|ssh_selinux_|chown |Failed to (?:allocate|set|disconnect))",
            r"^User .* password has expired \(",
        ),
        why="setting the session up failed or asked for a new password; the login itself is logged",
    ),
    Pattern(
        "client",
        ("Client versi", "Login name ", "warning: /et", "Nothing to d", "client ", "active ", "error: Recei"),
        (
            r"^Client version \"",
            r"^Login name .* does not match stored username ",
            r"^warning: /etc/hosts\.(?:allow|deny), line [0-9]+: ",
            r"^client [0-9A-Fa-f:.]+/[0-9]+ penalty: ",
        ),
        why="a remark on the client, no result",
    ),
)
