"""Exports of Zotero: their entries, their PDFs, and how documents differ from them."""
