"""The exceptions of gatewatch; each says what, where and whose fault it is.

::

    GatewatchError
    ├── UsageError       the command or configuration is wrong: the user's to mend
    │   └── SiteError    gatewatch.toml, with file and line
    ├── ContentError     a rule or chain file is wrong, with its path
    └── InputError       nothing could be read

Bad records are never exceptions: they are counted with a reason (:mod:`gatewatch.schema.records`).
"""

from __future__ import annotations


class GatewatchError(Exception):
    """The root: anything we raise on purpose."""


class UsageError(GatewatchError):
    """The command line or an option is wrong."""


class SiteError(UsageError):
    """The site file is wrong; the message starts with ``file:line:``."""


class ContentError(GatewatchError):
    """A rule or chain file cannot be used; the message starts with its path."""


class InputError(GatewatchError):
    """None of the given paths could be read."""
