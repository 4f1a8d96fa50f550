"""Accounts of services: what they do is no change of person."""

from __future__ import annotations

import re

_NAMES = frozenset(
    (
        *("system", "local service", "network service", "nobody", "daemon", "www-data", "apache", "nginx", "ansible", "jenkins", "gitlab-runner"),
        *("nagios", "zabbix", "icinga", "prometheus", "backup", "veeam", "postgres", "mysql", "oracle", "rsync", "git"),
    )
)
_SHAPE = re.compile(r"\$$|^(?:svc|service|sa|srv)[-_.]|[-_.](?:svc|service|sa)$|^(?:dwm|umfd)-[0-9]+$|^system:")


def is_service_account(user: str) -> bool:
    """Return whether *user* (case-folded) is by its name an account of a service or a machine."""
    return user in _NAMES or _SHAPE.search(user) is not None
