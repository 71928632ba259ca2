"""The character that stands for a mark in the text of a line.

Without other imports: the API reads names of people, and must not load MuPDF.
"""

SUPERSCRIPT_MARK = "\u241f"
"""Replaces in `Line.text_with_superscript_marks` each run of superscript characters."""
