"""Life: what an organisation's logs are full of when nobody breaks in."""
