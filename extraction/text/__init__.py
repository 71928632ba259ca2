"""Reads the text of a PDF: pages, lines, reading order and paragraphs."""
