"""The evidence of a world: exported configuration of its devices, in their own formats, saying what the drawn controls say."""
