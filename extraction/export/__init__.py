"""Exports papers as Markdown, BibTeX, CSL-JSON, CSV and HTML: pure functions on domain.papers."""
