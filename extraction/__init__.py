"""Extracts a `Paper` from a PDF: a library that depends on `domain` only."""
