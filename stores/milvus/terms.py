"""Text analysis: lowercase, accent folding, stop word removal, stemming (Snowball English).

Index, queries and highlights use the same terms, on every server.
"""

from __future__ import annotations

import re
import threading
from functools import lru_cache

import snowballstemmer

from domain.text_folding import fold

# A word is a run of letters and digits, including combining accents and soft hyphens. Scripts
# without spaces yield one term per character; otherwise a whole sentence would be one term.
_UNSPACED = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_MARKS = r"[\u0300-\u036f\u00ad]"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}](?:[^\W_{_UNSPACED}]+|{_MARKS}+)*")

_STOP_WORDS = """
a about above after again against all am an and any are aren as at be because been before
    being below between both but by can could couldn d did didn do does doesn doing don down during
    each few for from further had hadn has hasn have haven having he her here hers herself him
    himself his how i if in into is isn it its itself just ll m ma me more most must my myself no
    nor not now o of off on once only or other our ours ourselves out over own re s same shall she
    should shouldn so some such t than that the their theirs them themselves then there these they
    this those through to too under until up upon ve very was wasn we were weren what when where
    which while who whom why will with within without would wouldn y you your yours
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())

_stemmer = snowballstemmer.stemmer("english")
_stemmer_lock = threading.Lock()


def terms(text: str) -> list[str]:
    """Returns the terms of a text in order, with repetitions; empty if it has only stop words."""
    return [term for word in _WORD.findall(text) if (term := term_of(word))]


def words(text: str) -> list[str]:
    """Returns the folded words of a text in order, stop words included, not stemmed."""
    return [fold(word) for word in _WORD.findall(text)]


def has_phrase(text: str, phrase: str) -> bool:
    """Returns whether the words of the phrase follow each other in the text, as printed."""
    within, wanted = words(text), words(phrase)
    width = len(wanted)
    return any(within[start : start + width] == wanted for start in range(len(within) - width + 1))


def has_word(text: str, wording: str) -> bool:
    """Returns whether the text has the word in any form, or the phrase as printed."""
    wanted = terms(wording)
    if len(wanted) == 1 and len(words(wording)) == 1:
        return wanted[0] in terms(text)
    return has_phrase(text, wording)


def ignored_words(text: str) -> list[str]:
    """Returns the stop words of a text as printed, each once: a search by words ignores them."""
    return list(dict.fromkeys(word for word in _WORD.findall(text) if not term_of(word)))


def highlights(query_text: str, text: str) -> list[tuple[int, int]]:
    """Returns the character ranges [start, end) of words in `text` whose term is in the query."""
    wanted = frozenset(terms(query_text))
    if not wanted:
        return []
    return [word.span() for word in _WORD.finditer(text) if term_of(word.group()) in wanted]


@lru_cache(maxsize=100_000)
def term_of(word: str) -> str:
    """Returns the term of a word, "" for a stop word."""
    folded = fold(word)
    return "" if folded in STOP_WORDS else _stem(folded)


def _stem(word: str) -> str:
    # The stemmer is stateful and not thread-safe.
    with _stemmer_lock:
        return _stemmer.stemWord(word)
