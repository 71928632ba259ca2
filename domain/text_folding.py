"""Folding of text: case, accents, ligatures and full-width forms make no difference."""

from __future__ import annotations

import unicodedata

# Letters that Unicode does not decompose, with the spelling that readers type instead.
_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"}
)
_SOFT_HYPHEN = "\u00ad"


def fold(text: str) -> str:
    """Returns the text in lower case without accents, ligatures and soft hyphens (NFKD).

    "Ødegård" becomes "odegard", "Straße" becomes "strasse".
    """
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    kept = (c for c in decomposed if not unicodedata.combining(c) and c != _SOFT_HYPHEN)
    return "".join(kept).translate(_LETTERS)
