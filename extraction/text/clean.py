"""Clean characters, and lines joined to paragraphs: ligatures, control characters, hyphenation."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Iterable, Sequence

SOFT_HYPHEN = "\u00ad"
_HYPHENS = ("-", "\u2010", SOFT_HYPHEN, "¬")

# Controls, lone surrogates, private use, non-characters, direction marks and other invisible
# characters. The joiners U+200C and U+200D stay: they are letters' parts in Persian and in Indic
# scripts.
_UNWANTED = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\ufeff\ufff0-\uffff\U000e0000-\U0010ffff]"
)
_SPACES = re.compile(r"\s+")
_LIGATURES = re.compile("[\u0132\u0133\ufb00-\ufb06]")
_ACCENTS = {
    "´": "\u0301",
    "`": "\u0300",
    "¨": "\u0308",
    "ˆ": "\u0302",
    "˜": "\u0303",
    "ˇ": "\u030c",
    "˚": "\u030a",
    "˙": "\u0307",
    "˘": "\u0306",
    "˝": "\u030b",
    "¯": "\u0304",
    "¸": "\u0327",
    "˛": "\u0328",
}
# Some print it after: "Mu¨ller", "Jose´".
_LATE_ACCENT = re.compile(
    r"([aeiouAEIOU])(´)(?=[bdfghjkmpqrltvwxy]|[nscz][aeiou]|n(?:[dgt´˜]|ch)|s\b)|"
    r"([aeiouAEIOUcrszndtCRSZ])([ˇ˘])(?=[bfghjkmpqvwx])|([aeiouAEIOUı])([¨˝])(?=[b-df-hj-np-tv-z])|"
    r"([ı])([´`¨ˆ])|([o])(˜)(?=es\b)|([a])(˜)(?=o\b)|(?<=[^\W\d_]{2})([aeiou])([´¨])(?![\w´¨])"
)
# Old TeX fonts print an accent and its letter as two characters: the accent first, a cedilla last.
# A space may come between them ("Poincar´ e") or before ("M ¨uller"); where the accent is one of
# mathematics too ("x ˆ i") it must touch.
_LOOSE_ACCENT = re.compile(
    r"(?:(?<=[^\W\d_])|(?<=\b[A-Z]) (?=.[a-z])|(?<=\b[A-Z][a-z]) (?=.[a-z])|"
    r"(?<=\b[A-Z][a-z]{2}) (?=.[a-z])|(?<![\w)\]])(?=..?[^\W\d_]{2}))"
    r"(?:([´`¨ˇ˚˘˝])[ ]?|([ˆ˜˙¯]))([A-Za-zıȷ])(?=[^\W\d_]|\b)"
)
_ANY_ACCENT = re.compile("[´`¨ˆ˜ˇ˚˙˘˝¯¸˛]")
_CEDILLA = re.compile(r"([A-Za-z])[ ]?([¸˛])(?=[^\W\d_]|\b)|([¸˛])[ ]?([A-Za-z])")
_RIGHT_TO_LEFT = re.compile("[\u05d0-\u05f2\u0620-\u074f\u0750-\u08ff\ufb1d-\ufdfb\ufe70-\ufefc]")
_SET_APART = re.compile(r"[A-Z](?: [A-Z]){4,40}")
_ARTICLE_INFO = re.compile(r"(ARTICLE)(INFO|HISTORY)")
# Chinese and Japanese letters and their punctuation: no space stands between their lines.
_UNSPACED = re.compile("[\u2e80-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff\uff00-\uff65]")
_LINE_END_HYPHEN = re.compile(
    r"(?<![^\W\d_])(?<![^\W\d_]-)([^\W\d_]+(?:-[^\W\d_]+)*)[-\u2010\u00ad¬]$"
)
_FIRST_WORD = re.compile(r"[^\W\d_]+")
_WORD = re.compile(r"[^\W\d_]+(?:[-\u2010][^\W\d_]+)*")


def clean_text(raw: str) -> str:
    """The text with ligatures spelled out, accents on their letters, single spaces and no invisible
    characters.

    A soft hyphen at the very end stays: `join_lines` needs it.
    """
    if raw.isascii():
        text = _SPACES.sub(" ", _UNWANTED.sub("", raw)).strip()
        return _closed_up(text) if text[1:2] == " " == text[3:4] else text
    text = _LIGATURES.sub(
        lambda found: unicodedata.normalize("NFKC", found[0]), _UNWANTED.sub("", raw)
    )
    if _ANY_ACCENT.search(text):
        text = _LATE_ACCENT.sub(_compose_before, text)
        text = _CEDILLA.sub(_compose_below, _LOOSE_ACCENT.sub(_compose, text))
    text = _SPACES.sub(" ", text).strip()
    ends_soft = text.endswith(SOFT_HYPHEN)
    text = text.replace(SOFT_HYPHEN, "")
    return unicodedata.normalize("NFC", text + SOFT_HYPHEN if ends_soft else text)


def is_right_to_left(text: str) -> bool:
    """True when most letters are Hebrew or Arabic."""
    if text.isascii():
        return False
    return 2 * len(_RIGHT_TO_LEFT.findall(text)) > sum(map(str.isalpha, text))


def _closed_up(text: str) -> str:
    """Capitals that are set apart ("A B S T R A C T") as words."""
    if not _SET_APART.fullmatch(text):
        return text
    together = text.replace(" ", "")
    return _ARTICLE_INFO.sub(r"\1 \2", together)


def _compose(found: re.Match[str]) -> str:
    return _one_letter(found, found[1] or found[2], found[3])


def _compose_before(found: re.Match[str]) -> str:
    letter, accent = (part for part in found.groups() if part)
    return _one_letter(found, accent, letter)


def _compose_below(found: re.Match[str]) -> str:
    letter, accent = (found[1], found[2]) if found[1] else (found[4], found[3])
    return _one_letter(found, accent, letter)


def _one_letter(found: re.Match[str], accent: str, letter: str) -> str:
    """Both as one character; as they are where Unicode has none ("x¯", the mean of x)."""
    letter = letter.replace("ı", "i").replace("ȷ", "j")
    letter = unicodedata.normalize("NFC", letter + _ACCENTS[accent])
    return letter if len(letter) == 1 else found[0]


# A font whose ligature "Th" says that it is "T" prints "Tis", "Te".
_LOST_H = re.compile(
    r"\bT(?=(?:e|is|us|ese|ey|ere|erefore|ereby|ereafter|eir|em|ough|rough|roughout|ose|at|"
    r"ree|ird|is|ymus|ermal|erapy|erapeutic|eory|eoretical)\b)"
)


def lost_h(lines: Sequence[str]) -> re.Pattern[str] | None:
    """The pattern of each "T" behind which an "h" is missing, None for a text that has its "The".

    Some fonts have a ligature for "Th" that they say to be "T".
    """
    missing = sum(1 for line in lines if "Te " in line or "Tis " in line)
    if missing < 3 or sum(1 for line in lines if "The " in line) > missing // 10:
        return None
    return _LOST_H


# What words are compounded with by a hyphen; no word ends in one of the first by itself.
_SURELY_SECOND = {"associated", "based", "containing", "derived", "induced", "mediated"}
_SECOND = {
    *("bound", "chain", "controlled", "dependent", "fold", "free", "independent", "like", "linked"),
    *("negative", "positive", "related", "resistant", "rich", "sensitive", "specific", "term"),
    *("supplemented", "treated", "type", "wide"),
}
_LONGEST_SUFFIX = 4  # of a word broken at a line's end: "-ness", "-tion"


def words_of(lines: Iterable[str]) -> set[str]:
    """The lower-case words that stand whole inside lines: the witnesses for `join_lines`."""
    words: set[str] = set()
    is_broken = False
    for line in lines:
        found = _WORD.findall(line.lower())
        if is_broken and found and len(found[0]) <= _LONGEST_SUFFIX:
            del found[0]
        is_broken = line[-1:] in "-\u2010\u00ad¬"
        words.update(found[:-1] if is_broken else found)
    return words


def join_lines(lines: Sequence[str], words: Container[str]) -> tuple[str, list[int]]:
    """The paragraph that these lines print, and where in it each line starts.

    A hyphen at a line's end goes unless the document itself (`words`, lower case) speaks for it.
    """
    parts: list[str] = []
    starts: list[int] = []
    length = 0
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        starts.append(length)
        part = _with_its_end(line, following, words)
        parts.append(part)
        length += len(part)
    text = "".join(parts)
    return text, starts


def join_listing(lines: Sequence[tuple[float, float, str]]) -> tuple[str, list[int]]:
    """The lines (left border, type size, text) of code under one another, set in as printed, and
    where each starts."""
    left = min((x0 for x0, _, _ in lines), default=0.0)
    starts: list[int] = []
    parts: list[str] = []
    length = 0
    for x0, size, text in lines:
        # Letters of fixed width are 0.6 of their size wide.
        part = " " * min(60, round((x0 - left) / max(1.0, 0.6 * size))) + text
        starts.append(length)
        parts.append(part)
        length += len(part) + 1
    return "\n".join(parts), starts


def _with_its_end(line: str, following: str, words: Container[str]) -> str:
    """The line and what stands between it and the next: a space, a hyphen or nothing."""
    if not following:
        return line.rstrip(SOFT_HYPHEN)
    before = _LINE_END_HYPHEN.search(line[-80:]) if line[-1:] in _HYPHENS else None
    if before is None:
        if line[-1:] > "\u2e7f" and _UNSPACED.match(line[-1]) and _UNSPACED.match(following[0]):
            return line
        return line if line[-1:] in "/\u2010-" and not line.endswith(" -") else line + " "
    if line.endswith(SOFT_HYPHEN):
        return line[:-1]
    after = _FIRST_WORD.match(following[:80])
    if after is None:
        return line
    left, right = before[1].lower(), after[0].lower()
    if len(left) > 1 and before[1].isupper():  # "DNA-" and "binding", but "DISCUS-" and "SION"
        return line[:-1] if after[0].isupper() and left + right in words else line
    if not after[0][0].islower():
        return line
    return line if _is_true_hyphen(left, right, words) else line[:-1]


def _is_true_hyphen(left: str, right: str, words: Container[str]) -> bool:
    if left + right in words:
        return False
    if f"{left}-{right}" in words or "-" in left or right in _SURELY_SECOND:
        return True
    if left in words and right in _SECOND:
        return True
    return len(left) > 3 and len(right) > 2 and left in words and right in words
