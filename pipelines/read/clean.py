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
}
_LOOSE_ACCENT = re.compile(r"(?<=\w)([´¨ˆ˜ˇ˚])([A-Za-zı])|(?<![\w)])([´¨ˆ˜ˇ˚])([A-Za-zı])(?=[a-z])")
_LINE_END_HYPHEN = re.compile(r"([^\W\d_]+(?:-[^\W\d_]+)*)[-\u2010\u00ad¬]$")
_FIRST_WORD = re.compile(r"[^\W\d_]+")
_WORD = re.compile(r"[^\W\d_]+(?:[-\u2010][^\W\d_]+)*")


def clean_text(raw: str) -> str:
    """The text with ligatures spelled out, accents on their letters, single spaces and no invisible
    characters.

    A soft hyphen at the very end stays: `join_lines` needs it.
    """
    if raw.isascii():
        return _SPACES.sub(" ", _UNWANTED.sub("", raw)).strip()
    text = _LIGATURES.sub(
        lambda found: unicodedata.normalize("NFKC", found[0]), _UNWANTED.sub("", raw)
    )
    text = _LOOSE_ACCENT.sub(_compose, text)
    text = _SPACES.sub(" ", text).strip()
    ends_soft = text.endswith(SOFT_HYPHEN)
    text = text.replace(SOFT_HYPHEN, "")
    return unicodedata.normalize("NFC", text + SOFT_HYPHEN if ends_soft else text)


def _compose(found: re.Match[str]) -> str:
    # Old TeX fonts print an accent and its letter as two characters, the accent first.
    accent, letter = (found[1], found[2]) if found[1] else (found[3], found[4])
    return unicodedata.normalize("NFC", letter.replace("ı", "i") + _ACCENTS[accent])


def words_of(lines: Iterable[str]) -> set[str]:
    """The lower-case words that stand whole inside lines: the witnesses for `join_lines`."""
    words: set[str] = set()
    for line in lines:
        found = _WORD.findall(line.lower())
        if found and line[-1:] in "-\u2010\u00ad¬":
            found.pop()
        words.update(found)
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


def _with_its_end(line: str, following: str, words: Container[str]) -> str:
    """The line and what stands between it and the next: a space, a hyphen or nothing."""
    if not following:
        return line.rstrip(SOFT_HYPHEN)
    before = _LINE_END_HYPHEN.search(line[-80:]) if line[-1:] in _HYPHENS else None
    if before is None:
        return line if line[-1:] in "/\u2010-" and not line.endswith(" -") else line + " "
    if line.endswith(SOFT_HYPHEN):
        return line[:-1]
    after = _FIRST_WORD.match(following[:80])
    if after is None or not after[0][0].islower():
        return line
    return line if _is_true_hyphen(before[1].lower(), after[0].lower(), words) else line[:-1]


def _is_true_hyphen(left: str, right: str, words: Container[str]) -> bool:
    if left + right in words:
        return False
    if f"{left}-{right}" in words or "-" in left:
        return True
    return len(left) > 3 and len(right) > 2 and left in words and right in words
