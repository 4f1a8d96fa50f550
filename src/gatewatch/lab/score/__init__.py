"""The score: incidents of a scan held against the truth of a world, one to one, with intervals over worlds."""
