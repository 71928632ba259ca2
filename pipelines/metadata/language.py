"""The language of a text, by an offline model of letter sequences."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from domain.papers import Evidence

_LEAST_LETTERS = 60
_SURE = 0.8
_MOST = 4000  # characters that are looked at


@lru_cache(maxsize=1)
def _identifier() -> Any:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def find_language(text: str) -> tuple[str, Evidence] | None:
    """The ISO 639-1 code of the language most of the text is in, None for too little text or where
    the model is not sure."""
    text = text[:_MOST]
    if sum(map(str.isalpha, text)) < _LEAST_LETTERS:
        return None
    # The model knows capitals as those of acronyms, which says nothing of a language.
    ranked = _identifier().rank(text.lower() if text.isupper() else text)
    # Those without a code of two letters are kin of one that has it (Wu and Chinese).
    known = [(code, share) for code, share in ranked[:8] if len(code) == 2]
    if not known or (sure := float(known[0][1]) / sum(float(share) for _, share in known)) < _SURE:
        return None
    return str(known[0][0]), Evidence("letters of the text", round(min(0.99, sure), 2))
