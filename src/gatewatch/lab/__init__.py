"""The lab: labelled worlds of logs, and an honest score of what a scan found in them. It does not know what detection looks for."""
