"""Detection: rules say what an event is, chains how events follow; matches become incidents. No module knows a vendor."""
