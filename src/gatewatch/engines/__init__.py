"""Engines: the only rooms that know where the steps run."""
