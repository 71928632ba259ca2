"""Metadata of a paper: authors, abstract, keywords, DOI, arXiv id, year, language."""
