"""Document structure: headings, references, footnotes, the title."""
