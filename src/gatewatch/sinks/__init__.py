"""Sinks: how results look. Each takes what a scan found and writes it; none reads a log or decides anything."""
