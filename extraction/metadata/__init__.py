"""What a paper says of itself: authors, abstract, keywords, DOI, arXiv id, year, language."""
