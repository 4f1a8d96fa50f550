"""The schema: records, events, coverage, incidents and what a scan found, each declared once."""
