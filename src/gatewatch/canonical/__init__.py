"""Canonical: copies of one record, and the reports several sources give of one fact, become one event."""
