"""Splits a paper into chunks for the embedding model."""
