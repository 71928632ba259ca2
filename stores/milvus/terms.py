"""Text as terms: lowercased, accents folded, function words dropped, stemmed (Snowball English).

The same terms go into the index, into the query and into the highlights, on every server.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from functools import lru_cache

import snowballstemmer

# A word is a run of letters and digits; combining accents and soft hyphens inside it belong to it.
# Scripts without spaces give one term per character, or a whole sentence would be one term.
_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
    r"|(?:(?![\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])[^\W_][\u0300-\u036f\u00ad]*)+"
)

_FUNCTION_WORDS = """
a about above after again against all am an and any are aren as at be because been before
    being below between both but by can could couldn d did didn do does doesn doing don down during
    each few for from further had hadn has hasn have haven having he her here hers herself him
    himself his how i if in into is isn it its itself just ll m ma me more most must my myself no
    nor not now o of off on once only or other our ours ourselves out over own re s same shall she
    should shouldn so some such t than that the their theirs them themselves then there these they
    this those through to too under until up upon ve very was wasn we were weren what when where
    which while who whom why will with within without would wouldn y you your yours
"""
STOP_WORDS = frozenset(_FUNCTION_WORDS.split())

_stemmer = snowballstemmer.stemmer("english")
_stemmer_lock = threading.Lock()


def terms(text: str) -> list[str]:
    """The terms of a text in order, repetitions kept; empty when it holds function words only."""
    return [term for word in _WORD.findall(text) if (term := term_of(word))]


def highlights(query_text: str, text: str) -> list[tuple[int, int]]:
    """The character ranges [start, end) of the words of `text` whose term occurs in the query."""
    wanted = frozenset(terms(query_text))
    if not wanted:
        return []
    return [word.span() for word in _WORD.finditer(text) if term_of(word.group()) in wanted]


@lru_cache(maxsize=100_000)
def term_of(word: str) -> str:
    """The term of one word, or "" for a function word."""
    folded = _fold(word)
    return "" if folded in STOP_WORDS else _stem(folded)


def _fold(word: str) -> str:
    """Lowercase without accents; ligatures, full-width letters and soft hyphens are undone."""
    if word.isascii():
        return word.lower()
    spread = unicodedata.normalize("NFKD", word.casefold())
    return "".join(c for c in spread if not unicodedata.combining(c) and c != "\u00ad")


def _stem(word: str) -> str:
    # The stemmer keeps its state in itself and is asked from several threads.
    with _stemmer_lock:
        return _stemmer.stemWord(word)
