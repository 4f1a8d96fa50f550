"""gatewatch: finds abuse of external remote services (MITRE ATT&CK T1133) in the logs a site already has."""

__version__ = "0.1.0"
