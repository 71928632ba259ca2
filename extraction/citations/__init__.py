"""Parses bibliography entries and matches them to papers of the library."""
