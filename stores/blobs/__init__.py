"""Blob store for PDFs and artifacts, in a local folder or an object store bucket."""
