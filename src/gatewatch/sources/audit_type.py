"""The vocabulary of the Linux audit system: message types, system calls and the numbers they travel as.

References: ``linux/audit.h``, audit-documentation (message dictionary), the kernel's system-call tables.
"""

from __future__ import annotations

_USER = (
    *("USER_AUTH", "USER_ACCT", "USER_MGMT", "CRED_ACQ", "CRED_DISP", "USER_START", "USER_END", "USER_AVC", "USER_CHAUTHTOK", "USER_ERR"),
    *("CRED_REFR", "USYS_CONFIG", "USER_LOGIN", "USER_LOGOUT", "ADD_USER", "DEL_USER", "ADD_GROUP", "DEL_GROUP", "DAC_CHECK", "CHGRP_ID"),
    *("TEST", "TRUSTED_APP", "USER_SELINUX_ERR", "USER_CMD", "USER_TTY", "CHUSER_ID", "GRP_AUTH", "SYSTEM_BOOT", "SYSTEM_SHUTDOWN"),
    *("SYSTEM_RUNLEVEL", "SERVICE_START", "SERVICE_STOP", "GRP_MGMT", "GRP_CHAUTHTOK", "MAC_CHECK", "ACCT_LOCK", "ACCT_UNLOCK"),
    *("USER_DEVICE", "SOFTWARE_UPDATE"),
)
_DAEMON = (
    *("DAEMON_START", "DAEMON_END", "DAEMON_ABORT", "DAEMON_CONFIG", "DAEMON_RECONFIG", "DAEMON_ROTATE", "DAEMON_RESUME", "DAEMON_ACCEPT"),
    *("DAEMON_CLOSE", "DAEMON_ERR"),
)
_KERNEL = {
    1300: "SYSCALL", 1302: "PATH", 1303: "IPC", 1304: "SOCKETCALL", 1305: "CONFIG_CHANGE", 1306: "SOCKADDR", 1307: "CWD", 1309: "EXECVE",
    1311: "IPC_SET_PERM", 1312: "MQ_OPEN", 1313: "MQ_SENDRECV", 1314: "MQ_NOTIFY", 1315: "MQ_GETSETATTR", 1316: "KERNEL_OTHER",
    1317: "FD_PAIR", 1318: "OBJ_PID", 1319: "TTY", 1320: "EOE", 1321: "BPRM_FCAPS", 1322: "CAPSET", 1323: "MMAP", 1324: "NETFILTER_PKT",
    1325: "NETFILTER_CFG", 1326: "SECCOMP", 1327: "PROCTITLE", 1328: "FEATURE_CHANGE", 1329: "REPLACE", 1330: "KERN_MODULE",
    1331: "FANOTIFY", 1332: "TIME_INJOFFSET", 1333: "TIME_ADJNTPVAL", 1334: "BPF", 1335: "EVENT_LISTENER", 1336: "URINGOP",
    1337: "OPENAT2", 1338: "DM_CTRL", 1339: "DM_EVENT", 1400: "AVC", 1401: "SELINUX_ERR", 1402: "AVC_PATH",
}  # fmt: skip
_OTHERS = {1006: "LOGIN", 2300: "USER_ROLE_CHANGE", 2404: "CRYPTO_KEY_USER", 2407: "CRYPTO_SESSION", 2000: "KERNEL"}

NUMBERS: dict[str, str] = {
    str(number): name
    for number, name in sorted({**dict(enumerate(_USER, 1100)), **dict(enumerate(_DAEMON, 1200)), **_KERNEL, **_OTHERS}.items())
}
"""Type numbers, as the kernel's own messages write them, and their names."""

_FAMILIES = (
    "ANOM_",
    "RESP_",
    "CRYPTO_",
    "VIRT_",
    "INTEGRITY_",
    "MAC_",
    "APPARMOR",
    "ROLE_",
    "DEV_",
    "LABEL_",
    "USER_",
    "LANDLOCK_",
    "IPE_",
)
_ONE_OFF = frozenset({"FS_RELABEL", "POLICY_LOAD", "UNKNOWN", "BPRM_FCAPS", "KERNEL"})
_RANGES = ((1400, 1500, "MAC_*"), (1500, 1600, "APPARMOR*"), (1700, 1800, "ANOM_*"), (1800, 1900, "INTEGRITY_*"), (2100, 2200, "ANOM_*"))
_RANGES_USER = ((2200, 2300, "RESP_*"), (2300, 2400, "ROLE_*"), (2400, 2500, "CRYPTO_*"), (2500, 2600, "VIRT_*"), (1100, 1200, "USER_*"))

SYSCALL_FAMILY = frozenset({
    "SYSCALL", "EXECVE", "CWD", "PATH", "PROCTITLE", "SOCKADDR", "EOE", "MMAP", "FD_PAIR", "BPRM_FCAPS", "OBJ_PID", "SOCKETCALL", "IPC",
    "CAPSET", "OPENAT2", "KERN_MODULE", "URINGOP",
})  # fmt: skip
"""Types whose records stand together: one system call is one event, told by ``(node, time:serial)``."""


def type_name(raw: str) -> str | None:
    """Return the name of the message type *raw* (a name, a number, ``UNKNOWN[1329]``), or None when the dictionary lacks it.

    Large families come back as one name (``ANOM_*``), so that the number of names stays small whatever a file holds.
    """
    name = NUMBERS.get(raw, raw)
    if name in _NAMES or name in _ONE_OFF:
        return name
    if name.startswith("UNKNOWN["):
        return type_name(name[8:].rstrip("]")) if name[8:9].isdigit() else "UNKNOWN"
    if name.isascii() and name.isdigit() and len(name) == 4:
        number = int(name)
        return next((family for low, high, family in (*_RANGES, *_RANGES_USER) if low <= number < high), None)
    return next((f"{family}*" for family in _FAMILIES if name.startswith(family)), None)


_NAMES = frozenset(NUMBERS.values())

_AARCH64 = {
    "execve": 221, "execveat": 281, "connect": 203, "openat": 56, "openat2": 437, "renameat": 38, "renameat2": 276, "unlinkat": 35,
    "truncate": 45, "fchmodat": 53, "fchmodat2": 452, "fchownat": 54, "linkat": 37, "symlinkat": 36,
}  # fmt: skip
_TABLES: dict[str, dict[str, int]] = {
    "c000003e": {  # x86-64
        "execve": 59, "execveat": 322, "connect": 42, "open": 2, "openat": 257, "openat2": 437, "creat": 85, "rename": 82, "renameat": 264,
        "renameat2": 316, "unlink": 87, "unlinkat": 263, "truncate": 76, "chmod": 90, "chown": 92, "lchown": 94, "fchownat": 260,
        "fchmodat": 268, "fchmodat2": 452, "link": 86, "linkat": 265, "symlink": 88, "symlinkat": 266,
    },
    "40000003": {  # i386
        "execve": 11, "execveat": 358, "connect": 362, "socketcall": 102, "open": 5, "openat": 295, "openat2": 437, "creat": 8,
        "rename": 38, "renameat": 302, "renameat2": 353, "unlink": 10, "unlinkat": 301, "truncate": 92, "chmod": 15, "fchmodat": 306,
        "chown": 212, "link": 9, "linkat": 303, "symlink": 83, "symlinkat": 304,
    },
    "c00000b7": _AARCH64,
    "c00000f3": _AARCH64,  # riscv64 has the same generic table
    "40000028": {  # 32-bit Arm
        "execve": 11, "connect": 283, "open": 5, "openat": 322, "creat": 8, "rename": 38, "unlink": 10, "unlinkat": 328, "truncate": 92,
    },
    "c0000015": {  # ppc64le
        "execve": 11, "connect": 328, "open": 5, "openat": 286, "openat2": 437, "creat": 8, "rename": 38, "renameat": 293,
        "renameat2": 357, "unlink": 10, "unlinkat": 292, "truncate": 92, "chmod": 15,
    },
    "80000016": {  # s390x
        "execve": 11, "connect": 362, "open": 5, "openat": 288, "openat2": 437, "creat": 8, "rename": 38, "renameat": 295,
        "renameat2": 347, "unlink": 10, "unlinkat": 294, "truncate": 92, "chmod": 15,
    },
}  # fmt: skip

SYSCALLS: dict[str, str] = {f"{arch}:{number}": name for arch, table in _TABLES.items() for name, number in table.items()}
"""``arch:number`` of the system calls that we read, and their names."""

EXEC = frozenset({"execve", "execveat"})
CONNECT = frozenset({"connect", "socketcall"})
OPEN_FLAGS = {"open": "a1", "openat": "a2"}  # which argument says whether the file is written
FILE = frozenset(name for table in _TABLES.values() for name in table) - EXEC - CONNECT
REMOVING = frozenset({"unlink", "unlinkat", "truncate", "creat", "rename", "renameat", "renameat2"})
