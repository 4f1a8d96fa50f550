"""The site as its owner describes it in ``gatewatch.toml``, and the tunables."""
