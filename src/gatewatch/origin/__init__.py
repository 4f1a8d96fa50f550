"""Origin: sessions, bindings, attribution and the access ledger; who from outside caused each event."""
