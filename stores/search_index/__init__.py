"""An in-memory read index of chunks: exact nearest vectors, BM25 postings and filter columns."""
