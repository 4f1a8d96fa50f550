"""Audit: facts in, findings out; checks by subject in ``checks``, listed in the registry."""
