"""Checks, one module per subject; each module's ``CHECKS`` is listed in :mod:`gatewatch.audit.registry`."""
