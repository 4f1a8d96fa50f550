"""Facts: what configuration says, one module per subject; evidence makes them, checks read them."""
