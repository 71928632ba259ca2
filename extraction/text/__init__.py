"""PDF -> pages, blocks in reading order, sections, references and a title."""
