"""The command line: a thin shell over :mod:`gatewatch.app` that imports nothing heavy until a verb needs it."""
