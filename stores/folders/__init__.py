"""Folders of PDFs: files that the server reads, and their registration as a job."""
