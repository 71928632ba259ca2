"""Entries of a bibliography in parts, and the papers of the library that they cite."""
