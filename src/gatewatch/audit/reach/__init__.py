"""Reach: who can open a connection to what, computed from packet filters; exact where the rules are, ``may`` where they cannot be decided."""
