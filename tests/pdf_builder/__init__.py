"""Builders of PDFs of known content, in memory, for the tests.

`canvas` holds the primitives. `papers` flows whole papers into columns, `pages` prints lines at
given positions, `front_pages` and `tables` imitate the front pages and tables of publishers,
`random_papers` makes papers of any length from a seed, `scans` turns pages into pictures, and `raw`
writes files object by object, valid or not.
"""
