"""The blob store: PDFs and artifacts in a folder or a bucket."""
