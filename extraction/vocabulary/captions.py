"""The labels of captions ("Table 2."), told apart from sentences that mention a table or a figure.

A label is a word of `_WORDS` with a number or a letter. A caption begins with a label that is no
mention: it has a capital, and a mark ("Table 2.", "Table 2:") or no sentence behind it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class CaptionKind(StrEnum):
    TABLE = "table"
    FIGURE = "figure"
    OTHER = "other"  # boxes, algorithms, listings, videos


def _spaced(word: str) -> str:
    """The word, also with spaces between its letters, as some journals print it."""
    return r"\s?".join(word)


# By kind and language. An abbreviation that is a word of its own needs its period.
_WORDS: Mapping[CaptionKind, Mapping[str, tuple[str, ...]]] = {
    CaptionKind.TABLE: {
        "English": (_spaced("table"), r"tab\."),
        "German": ("tabelle",),
        "French": ("tableau",),
        "Spanish": ("tabla", "cuadro"),
        "Portuguese": ("tabela", "quadro"),
        "Italian": ("tabella",),
        "Russian": ("таблица", r"табл\."),
    },
    CaptionKind.FIGURE: {
        "English": (
            *(_spaced("figure"), "figures", r"fig(?:s\b)?"),
            *("scheme", "plate", "chart", "graph", "illustration"),
        ),
        "German": ("abbildung", r"abb\."),
        "Spanish, Portuguese, Italian": ("figura",),
        "Russian": ("рисунок", r"рис\."),
    },
    CaptionKind.OTHER: {"English": ("box", "algorithm", "listing", "video", "movie")},
}
_CONTINUED_WORDS = (
    r"continued|continuation|cont(?:['’]?d)?\b\.?|suite|fortsetzung|continuaci[óo]n|"
    r"continua[çc][ãa]o|продолжение"
)
# What follows a label without a mark in a sentence.
_VERBS = (
    r"and|or|to|through|in|of|for|from|by|as|is|are|was|were|has|have|can|may|also|below|above|"
    r"which|that|we|with|the|shows?|showed|presents?|presented|illustrates?|depicts?|displays?|"
    r"provides?|gives?|lists?|contains?|compares?|summari[sz]es?|describes?|demonstrates?|"
    r"indicates?|reports?|represents?|reveals?|plots?|details?|outlines?|suggests?"
)


def _word_pattern(kind: CaptionKind) -> str:
    words = [word for of_language in _WORDS[kind].values() for word in of_language]
    return rf"(?P<{kind}>{'|'.join(words)})"


_LABEL = re.compile(
    rf"(?P<again>(?:{_CONTINUED_WORDS})\s+)?"
    r"(?P<prefix>(?:supplement(?:ary|al)|supporting|extended data|online|appendix|additional)\s+)?"
    rf"(?P<word>{'|'.join(map(_word_pattern, CaptionKind))})"
    r"(?:\s*+[-–—.]\s*+|\s++|(?=[A-Z]?\d))"
    r"(?P<number>(?-i:"
    r"(?:[A-Z]{1,2}[.\-– ]?)?\d{1,3}(?:[.\-–]\d{1,3})*(?![.\-–]\d)[A-Za-z]?|[IVXLC]{1,6}|[A-Z]))"
    r"(?![\w%(/'’])"
    r"(?P<mark>(?:\s*+(?:[.:|│¦–—)]|-(?=\s|$)))*)"
    # Some journals print "(color online)" or "(continued)" before the text.
    rf"(?:\s*+\((?:(?P<continued>{_CONTINUED_WORDS})|see|colou?r)[^)]*+\)[.:]?)?\s*+",
    re.IGNORECASE,
)
_CONTINUED = re.compile(rf"(?:(?<!\W)\W++)?(?:{_CONTINUED_WORDS})\W*+", re.IGNORECASE)
_MENTION = re.compile(rf"(?:{_VERBS})\b")
_NO_CAPTION = frozenset(",;)]")  # behind a label: it stands in a sentence or in parentheses
_FIRST_LETTERS = frozenset("abcefgilmopqstvпрт")  # of the words with which `_LABEL` may begin
_CONTINUED_CHARACTERS = 40  # longer text behind a label is more than "continued"
_KIND_LETTERS = 3  # that "Tab." and "Table", "Fig." and "Figure" have in common


@dataclass(frozen=True, slots=True)
class CaptionLabel:
    """A label at the beginning of a text: `rest` is what follows it and its mark."""

    kind: CaptionKind
    text: str  # as printed, without the mark: "Table 2"
    key: str  # equal for "TABLE 2" and "Tab. 2"
    mark: str
    rest: str
    is_continuation: bool

    @property
    def is_upper(self) -> bool:
        return self.text.isupper()


def caption_label(text: str) -> CaptionLabel | None:
    """Returns the label with which the text begins, whether of a caption or in a sentence."""
    if text[:1].lower() not in _FIRST_LETTERS:
        return None
    match = _LABEL.match(text)
    if match is None:
        return None
    kind = next(kind for kind in CaptionKind if match[kind])
    prefix, word = match["prefix"] or "", "".join(match["word"].split())
    number = text[match.end("word") : match.end("number")]
    rest = text[match.end() :].strip()
    continued = _CONTINUED.match(rest) if len(rest) < _CONTINUED_CHARACTERS else None
    return CaptionLabel(
        kind,
        prefix + word + number,
        re.sub(r"[\W_]+", "", f"{prefix}{word[:_KIND_LETTERS]}{match['number']}").lower(),
        match["mark"].strip(),
        rest[continued.end() :] if continued else rest,
        bool(match["again"] or match["continued"] or continued),
    )


def is_mention(label: CaptionLabel, is_set_off: bool = False) -> bool:
    """True for a label in a sentence. `is_set_off`: its type differs from that of the rest."""
    number = label.text[-2:]
    if not label.text[0].isupper() or label.mark.startswith(")") or label.rest[:1] in _NO_CAPTION:
        return True
    if label.mark or label.is_continuation:
        return False
    is_letter = re.fullmatch(r"\s[A-Z]", number) and number[-1] not in "IVX"
    is_lower = label.rest[:1].islower() and not is_set_off
    return bool(is_letter or is_lower or _MENTION.match(label.rest))


def is_caption(text: str, kind: CaptionKind | None = None, is_set_off: bool = False) -> bool:
    """True for text that begins with the label of a caption, of this kind if one is given.

    `is_set_off`: the type of the label differs from that of the text behind it.
    """
    label = caption_label(text)
    return label is not None and kind in (None, label.kind) and not is_mention(label, is_set_off)


def is_continued(text: str) -> bool:
    """True for "(continued)" alone, as printed below a table."""
    return len(text) < _CONTINUED_CHARACTERS and bool(_CONTINUED.fullmatch(text))
