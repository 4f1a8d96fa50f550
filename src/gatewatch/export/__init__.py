"""Chains in the languages of others: Sigma, EQL, SPL, KQL; each export says what its target cannot express."""
