"""Builders of in-memory PDFs with known content.

`canvas` holds the primitives. `papers` flows whole papers into columns, `pages` prints lines at
given positions, `front_pages` and `tables` imitate the front pages and tables of publishers,
`random_papers` generates papers of any length from a seed, `scans` turns pages into images, and
`raw` writes files object by object, valid or not.
"""
