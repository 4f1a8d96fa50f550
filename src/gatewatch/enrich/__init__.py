"""Events with more columns: where their source is, whether somebody vouches for it, and whether it was off hours."""
