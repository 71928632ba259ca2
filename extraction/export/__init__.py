"""A paper as Markdown, BibTeX, CSL-JSON, CSV and HTML: pure functions over domain.papers."""
