"""Runs functions on untrusted PDFs in child processes with resource limits and a kernel sandbox."""
