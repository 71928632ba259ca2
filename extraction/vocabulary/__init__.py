"""Words and patterns that several steps of extraction share, one list per concept."""
