"""Text analysis: lowercase, accent folding, stop word removal, stemming (Snowball English).

Index, queries and highlights use the same terms, on every server.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
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

_HYPHENS = ("-", "\u2010", "\u2011", "\u2013")
_NEXT = (" ", *_HYPHENS)
_MAX_CODE, _MAX_COMPOUND = 4, 30  # letters of a short neighbour, and of two words as one
COMPOUND_WEIGHT = 0.3
"""Measured on Cranfield, docs/decisions/0020-terms.md."""
_MIN_PART = 3  # letters of a part of a word
_MAX_CACHED = 4000  # characters of a text whose words are cached
_GREEK_NAMES = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma "
    "sigma tau upsilon phi chi psi omega"
)
_GREEK = "αβγδεζηθικλμνξοπρςστυφχψω"
_NAMES = str.maketrans(dict(zip(_GREEK, _GREEK_NAMES.split(), strict=True)))
# A name of a protein as it is typed without Greek letters: NFkB, TNFa, TGFb1, IL1b.
_TYPED_GREEK = re.compile(r"([A-Z]{2,})-?(\d*)-?([abdgk])([A-Z0-9]*)")
_TYPED_LETTERS = {"a": "alpha", "b": "beta", "d": "delta", "g": "gamma", "k": "kappa"}
# The spelling of a letter with a mark where a keyboard lacks it, besides the letter alone.
_RING = {"å": "aa"}
_UMLAUTS = {"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe"}
_SPELLINGS = (str.maketrans(_RING), str.maketrans({**_RING, **_UMLAUTS}))
_PARTS = re.compile(rf"(?<=[a-z])(?=[A-Z])|([{_GREEK}])")

_stemmer = snowballstemmer.stemmer("english")
_stemmer_lock = threading.Lock()


_Word = tuple[int, int, str, tuple[str, ...]]
"""A word of a text: start, end, its term ("" for a stop word), and the terms of its parts and of
the compound that ends here."""


def terms(text: str) -> list[str]:
    """Returns the terms of a text in order, with repetitions; empty if it has only stop words.

    A hyphen joins: "p-53" and "p53" share a term, so do "on-line" and "online". A Greek letter is
    its name: "TGF-β", "TGFβ" and "TGF-beta" share one. "Århus" shares terms with "Arhus" and
    "Aarhus". A stop word in capitals is a term where it is a code: "influenza A", "IT security".
    """
    found = list[str]()
    for _, _, term, others in _words(text):
        if term:
            found.append(term)
        found += others
    return found


def word_terms(text: str) -> list[str]:
    """Returns one term for each word of a text that is no stop word, without those of compounds."""
    return [term for _, _, term, _ in _words(text) if term]


def query_weights(text: str) -> dict[str, float]:
    """Returns how often each term occurs in a query; empty if it has only stop words.

    Neighbours count as a compound too: "TGF beta" finds "TGF-β", "micro RNA" finds "microRNA". A
    compound of plain words counts COMPOUND_WEIGHT, because more would only rank texts with the
    hyphen first; one with a digit or a Greek letter counts fully. "NFkB" finds "NF-κB".
    """
    weights, before = defaultdict[str, float](float), ""
    weights.update((term_of(name), 1.0) for name in _with_greek_names(text))
    for start, end, term, others in _words(text):
        word = text[start:end]
        weights[term] += bool(term)
        for compound in {*others, *(_joined(before, word) if before and term else ())}:
            weights[compound] += COMPOUND_WEIGHT if compound.isalpha() else 1
        before = word if term else ""
    return {term: weight for term, weight in weights.items() if term}


def _with_greek_names(text: str) -> Iterator[str]:
    """Yields "NFkappaB" for "NFkB", and "TNFalpha" for "TNFa" and "TNF-a"."""
    for word in re.split(r"[^\w-]+", text):
        if typed := _TYPED_GREEK.fullmatch(word):
            yield f"{typed[1]}{typed[2]}{_TYPED_LETTERS[typed[3]]}{typed[4]}"


def words(text: str) -> list[str]:
    """Returns the folded words of a text in order, stop words included, not stemmed."""
    return [fold(word) for word in _WORD.findall(text)]


def has_phrase(text: str, phrase: str) -> bool:
    """Returns whether the words of the phrase follow each other in the text, as printed."""
    within, wanted = words(text), words(phrase)
    width = len(wanted)
    return any(within[start : start + width] == wanted for start in range(len(within) - width + 1))


def phrase_terms(phrase: str) -> frozenset[str]:
    """Returns terms that every text with the phrase has."""
    return frozenset(filter(None, map(term_of, words(phrase))))


def has_word(text: str, wording: str) -> bool:
    """Returns whether the text has the word in any form, or the phrase as printed."""
    wanted = terms(wording)
    if len(wanted) == 1 and len(words(wording)) == 1:
        return wanted[0] in terms(text)
    return has_phrase(text, wording)


def ignored_words(text: str) -> list[str]:
    """Returns the stop words of a text as printed, each once: a search by words ignores them."""
    ignored = (text[start:end] for start, end, term, _ in _words(text) if not term)
    return list(dict.fromkeys(ignored))


def highlights(query_text: str, text: str) -> list[tuple[int, int]]:
    """Returns the character ranges [start, end) of words in `text` whose term is in the query."""
    wanted = _terms_of_query(query_text)
    if not wanted:
        return []
    return [
        (start, end)
        for start, end, term, others in _words(text)
        if term in wanted or (others and not wanted.isdisjoint(others))
    ]


@lru_cache(maxsize=64)
def _terms_of_query(text: str) -> frozenset[str]:
    return frozenset(query_weights(text))  # the same for each hit


def _words(text: str) -> Iterable[_Word]:
    """Returns the words of a text with their terms."""
    return _words_of_passage(text) if len(text) <= _MAX_CACHED else _found_words(text)


@lru_cache(maxsize=256)
def _words_of_passage(text: str) -> tuple[_Word, ...]:
    # A search needs the words of each hit for its relevance, its highlights and its explanation.
    return tuple(_found_words(text))


def _found_words(text: str) -> Iterator[_Word]:
    before, ended = "", -1
    for match in _WORD.finditer(text):
        word = match[0]
        start, end = match.span()
        term, others = _analyzed(word)
        if start == ended + 1 and text[ended] in _HYPHENS and before:
            others = (*others, *_joined(before, word))
        if not term and word.isupper() and _is_code(word, before, text[ended:start], text, end):
            term = fold(word)
        yield start, end, term, others
        before, ended = word, end


@lru_cache(maxsize=100_000)
def _analyzed(word: str) -> tuple[str, tuple[str, ...]]:
    """Returns the term of a word, and the terms of its parts and of its other spelling."""
    return term_of(word), (*_parts(word), *_spelled(word))


def _spelled(word: str) -> tuple[str, ...]:
    """Returns the terms of "Mueller" for "Müller", of "Odegaard" and "Oedegaard" for "Ødegård"."""
    if word.isascii():
        return ()
    lower = unicodedata.normalize("NFC", word.lower())
    spelled = (lower.translate(spelling) for spelling in _SPELLINGS)
    return tuple(dict.fromkeys(term_of(one) for one in spelled if one != lower))


@lru_cache(maxsize=100_000)
def _joined(first: str, second: str) -> tuple[str, ...]:
    """Returns the term of two words as one, if one of them is short or a code.

    "boundary-layer" has none: readers type it as two words, and the term would only rank texts
    with the hyphen first.
    """
    is_code = min(len(first), len(second)) <= _MAX_CODE or not (first + second).isalpha()
    is_range = first.isdigit() and second.isdigit()
    if not is_code or is_range or len(first) + len(second) > _MAX_COMPOUND:
        return ()
    return (term_of(first + second) or fold(first + second),)


def _parts(word: str) -> tuple[str, ...]:
    """Returns the terms of the parts of "microRNA" and "TGFβ"; none for other words."""
    parts = [part for part in _PARTS.split(word) if part]
    if len(parts) < 2 or any(len(part) < _MIN_PART and part not in _GREEK for part in parts):
        return ()
    return tuple(filter(None, map(term_of, parts)))


def _is_code(word: str, before: str, between: str, text: str, end: int) -> bool:
    """Returns whether a stop word in capitals is a code.

    One letter is a code after a word that is none ("influenza A"), more letters among words that
    are not in capitals ("the WHO", but not "RESULTS AND DISCUSSION").
    """
    if len(word) == 1:
        is_next = bool(before) and between in _NEXT
        return is_next and fold(before) not in STOP_WORDS and not before.isdigit()
    following = _WORD.search(text, end)
    neighbours = (before, following.group() if following else "")
    return not any(len(one) > 1 and one.isupper() for one in neighbours)


@lru_cache(maxsize=100_000)
def term_of(word: str) -> str:
    """Returns the term of a word, "" for a stop word."""
    folded = fold(word)
    return "" if folded in STOP_WORDS else _stem(_with_names(folded))


def _with_names(folded: str) -> str:
    """Returns the word with the names of its Greek letters; "μ" of units becomes "u"."""
    if folded.isascii():
        return folded
    if len(folded) > 1:
        folded = folded.replace("μ", "u")
    return folded.translate(_NAMES)


def _stem(word: str) -> str:
    # The stemmer is stateful and not thread-safe.
    with _stemmer_lock:
        return _stemmer.stemWord(word)
