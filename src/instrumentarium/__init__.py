"""Which instruments play in a recording."""
