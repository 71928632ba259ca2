"""Normalizes characters, and joins lines to paragraphs: ligatures, control codes, hyphenation."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Iterable, Sequence
from itertools import accumulate

SOFT_HYPHEN = "\u00ad"
_HYPHENS = ("-", "\u2010", SOFT_HYPHEN, "¬")

# Control characters, lone surrogates, private use, non-characters, direction marks and other
# invisible characters. The joiners U+200C and U+200D stay: they belong to the spelling in Persian
# and in Indic scripts.
_REMOVED_CHARACTERS = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\ufeff\ufff0-\uffff\U000e0000-\U0010ffff]"
)
_SPACES = re.compile(r"\s+")
_LIGATURES = re.compile("[\u0132\u0133\ufb00-\ufb06]")
# Accents as characters of their own, and the combining characters that mean the same.
_SPACING_ACCENTS = "´`¨ˆ˜ˇ˚˙˘˝¯¸˛"
_COMBINING_ACCENTS = (
    "\u0301\u0300\u0308\u0302\u0303\u030c\u030a\u0307\u0306\u030b\u0304\u0327\u0328"
)
_ACCENTS = dict(zip(_SPACING_ACCENTS, _COMBINING_ACCENTS, strict=True))
# Some files print the accent after its letter: "Mu¨ller", "Jose´".
_ACCENT_AFTER_LETTER = re.compile(
    r"([aeiouAEIOU])(´)(?=[bdfghjkmpqrltvwxy]|[nscz][aeiou]|n(?:[dgt´˜]|ch)|s\b)|"
    r"([aeiouAEIOUcrszndtCRSZ])([ˇ˘])(?=[bfghjkmpqvwx])|([aeiouAEIOUı])([¨˝])(?=[b-df-hj-np-tv-z])|"
    r"([ı])([´`¨ˆ])|([o])(˜)(?=es\b)|([a])(˜)(?=o\b)|(?<=[^\W\d_]{2})([aeiou])([´¨])(?![\w´¨])"
)
# Old TeX fonts print an accent and its letter as two characters: the accent first, a cedilla last.
# A space may come between them ("Poincar´ e") or before ("M ¨uller"). An accent that is also a
# mathematical sign ("x ˆ i") must touch its letter.
_ACCENT_BEFORE_LETTER = re.compile(
    r"(?:(?<=[^\W\d_])|(?<=\b[A-Z]) (?=.[a-z])|(?<=\b[A-Z][a-z]) (?=.[a-z])|"
    r"(?<=\b[A-Z][a-z]{2}) (?=.[a-z])|(?<![\w)\]])(?=..?[^\W\d_]{2}))"
    r"(?:([´`¨ˇ˚˘˝])[ ]?|([ˆ˜˙¯]))([A-Za-zıȷ])(?=[^\W\d_]|\b)"
)
_ANY_ACCENT = re.compile(f"[{_SPACING_ACCENTS}]")
_CEDILLA = re.compile(r"([A-Za-z])[ ]?([¸˛])(?=[^\W\d_]|\b)|([¸˛])[ ]?([A-Za-z])")
RIGHT_TO_LEFT = re.compile("[\u05d0-\u05f2\u0620-\u074f\u0750-\u08ff\ufb1d-\ufdfb\ufe70-\ufefc]")
_SPACED_CAPITALS = re.compile(r"[A-Z](?: [A-Z]){4,40}")
_ARTICLE_INFO = re.compile(r"(ARTICLE)(INFO|HISTORY)")
# Chinese and Japanese letters and punctuation: their lines are joined without a space.
_UNSPACED = re.compile("[\u2e80-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff\uff00-\uff65]")
_LINE_END_HYPHEN = re.compile(
    r"(?<![^\W\d_])(?<![^\W\d_]-)([^\W\d_]+(?:-[^\W\d_]+)*)[-\u2010\u00ad¬]$"
)
_FIRST_WORD = re.compile(r"[^\W\d_]+")
_WORD = re.compile(r"[^\W\d_]+(?:[-\u2010][^\W\d_]+)*")


def clean_text(raw: str) -> str:
    """Returns the text with ligatures spelled out, accents composed with their letters, single
    spaces and no invisible characters.

    A soft hyphen at the end of the text is kept: `join_lines` needs it.
    """
    if raw.isascii():
        text = " ".join((raw if raw.isprintable() else _REMOVED_CHARACTERS.sub("", raw)).split())
        return _join_spaced_capitals(text) if text[1:2] == " " == text[3:4] else text
    text = _LIGATURES.sub(
        lambda found: unicodedata.normalize("NFKC", found[0]), _REMOVED_CHARACTERS.sub("", raw)
    )
    if _ANY_ACCENT.search(text):
        for pattern in (_ACCENT_AFTER_LETTER, _ACCENT_BEFORE_LETTER, _CEDILLA):
            text = pattern.sub(_compose, text)
    text = _SPACES.sub(" ", text).strip()
    ends_soft = text.endswith(SOFT_HYPHEN)
    text = text.replace(SOFT_HYPHEN, "")
    return unicodedata.normalize("NFC", text + SOFT_HYPHEN if ends_soft else text)


def is_right_to_left(text: str) -> bool:
    """True if most letters are Hebrew or Arabic."""
    if text.isascii():
        return False
    return 2 * len(RIGHT_TO_LEFT.findall(text)) > sum(map(str.isalpha, text))


def _join_spaced_capitals(text: str) -> str:
    """Joins capitals that are printed with spaces between them ("A B S T R A C T")."""
    if not _SPACED_CAPITALS.fullmatch(text):
        return text
    together = text.replace(" ", "")
    return _ARTICLE_INFO.sub(r"\1 \2", together)


def _compose(found: re.Match[str]) -> str:
    """Returns letter and accent as one character; unchanged if Unicode has none ("x¯", a mean)."""
    letter, accent = sorted(filter(None, found.groups()), key=_ACCENTS.__contains__)
    letter = letter.replace("ı", "i").replace("ȷ", "j")
    letter = unicodedata.normalize("NFC", letter + _ACCENTS[accent])
    return letter if len(letter) == 1 else found[0]


# A font that maps its ligature "Th" to "T" yields "Tis" and "Te".
_MISSING_H = re.compile(
    r"\bT(?=(?:e|is|us|ese|ey|ere|erefore|ereby|ereafter|eir|em|ough|rough|roughout|ose|at|"
    r"ree|ird|is|ymus|ermal|erapy|erapeutic|eory|eoretical)\b)"
)
# Heuristic: minimum number of lines with "Te" or "Tis" that prove such a font, and number of such
# lines above which one line with an intact "The" is tolerated.
_MIN_MISSING_H, _MISSING_H_PER_INTACT = 3, 10


def missing_h_pattern(lines: Sequence[str]) -> re.Pattern[str] | None:
    """Returns the pattern of each "T" that lacks its "h"; None for a text that has its "The".

    Some fonts map the ligature "Th" to "T".
    """
    missing = sum("Te " in line or "Tis " in line for line in lines)
    intact = sum("The " in line for line in lines)
    if missing < _MIN_MISSING_H or intact > missing // _MISSING_H_PER_INTACT:
        return None
    return _MISSING_H


# Second parts of hyphenated compounds. Those of the first set always keep the hyphen, those of the
# second only after a whole word.
_ALWAYS_HYPHENATED = {"associated", "based", "containing", "derived", "induced", "mediated"}
_OFTEN_HYPHENATED = {
    *("bound", "chain", "controlled", "dependent", "fold", "free", "independent", "like", "linked"),
    *("negative", "positive", "related", "resistant", "rich", "sensitive", "specific", "term"),
    *("supplemented", "treated", "type", "wide"),
}
# Characters; a first word that short after a hyphen is the rest of a broken word: "-ness", "-tion".
_MAX_SUFFIX_LENGTH = 4
# Characters; an unhyphenated compound of shorter parts is too likely to be one broken word.
_MIN_COMPOUND_LEFT, _MIN_COMPOUND_RIGHT = 4, 3
# Characters at the end and the start of a line that the patterns search; bounds the run time.
_LINE_EDGE_LENGTH = 80
_MONO_WIDTH = 0.6  # width of a fixed-width letter, in type sizes
_MAX_CODE_INDENT = 60  # spaces


def words_of(lines: Iterable[str]) -> set[str]:
    """Returns the unbroken words of these lines in lower case: evidence for `join_lines`."""
    words: set[str] = set()
    is_broken = False
    for line in lines:
        found = _WORD.findall(line.lower())
        if is_broken and found and len(found[0]) <= _MAX_SUFFIX_LENGTH:
            del found[0]
        is_broken = line[-1:] in "-\u2010\u00ad¬"
        words.update(found[:-1] if is_broken else found)
    return words


def join_lines(lines: Sequence[str], words: Container[str]) -> tuple[str, list[int]]:
    """Returns the paragraph that these lines print, and the offset in it at which each line starts.

    A hyphen at the end of a line is removed unless the words of the document (`words`, lower case)
    support it.
    """
    parts: list[str] = []
    starts: list[int] = []
    length = 0
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        starts.append(length)
        part = _with_separator(line, following, words)
        parts.append(part)
        length += len(part)
    return "".join(parts), starts


def join_listing(lines: Sequence[tuple[float, float, str]]) -> tuple[str, list[int]]:
    """Returns the lines (left border, type size, text) of code, one below the other and indented as
    printed, and the offset at which each starts."""
    left = min(x0 for x0, _, _ in lines)
    indents = (round((x0 - left) / max(1.0, _MONO_WIDTH * size)) for x0, size, _ in lines)
    parts = [
        " " * min(_MAX_CODE_INDENT, indent) + text
        for indent, (_, _, text) in zip(indents, lines, strict=True)
    ]
    starts = accumulate((len(part) + 1 for part in parts[:-1]), initial=0)
    return "\n".join(parts), list(starts)


def _with_separator(line: str, following: str, words: Container[str]) -> str:
    """Returns the line and what separates it from the next one: a space, a hyphen or nothing."""
    if not following:
        return line.rstrip(SOFT_HYPHEN)
    before = _LINE_END_HYPHEN.search(line[-_LINE_EDGE_LENGTH:]) if line[-1:] in _HYPHENS else None
    if before is None:
        if line[-1:] > "\u2e7f" and _UNSPACED.match(line[-1]) and _UNSPACED.match(following[0]):
            return line
        return line if line[-1:] in "/\u2010-" and not line.endswith(" -") else line + " "
    if line.endswith(SOFT_HYPHEN):
        return line[:-1]
    after = _FIRST_WORD.match(following[:_LINE_EDGE_LENGTH])
    if after is None:
        return line
    left, right = before[1].lower(), after[0].lower()
    if len(left) > 1 and before[1].isupper():  # "DNA-" and "binding", but "DISCUS-" and "SION"
        return line[:-1] if after[0].isupper() and left + right in words else line
    if not after[0][0].islower():
        return line
    return line if _is_compound(left, right, words) else line[:-1]


def _is_compound(left: str, right: str, words: Container[str]) -> bool:
    if left + right in words:
        return False
    if f"{left}-{right}" in words or "-" in left or right in _ALWAYS_HYPHENATED:
        return True
    if left in words and right in _OFTEN_HYPHENATED:
        return True
    is_long = len(left) >= _MIN_COMPOUND_LEFT and len(right) >= _MIN_COMPOUND_RIGHT
    return is_long and left in words and right in words
