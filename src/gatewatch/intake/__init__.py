"""Intake: open, unpack, frame and limit; files become records, streams and their order."""
