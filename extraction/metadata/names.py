"""Splits lines of names into single names without marks, and names into given and family name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from domain.papers import Author
from extraction.person_names import (
    CAPITALIZED_PARTICLES,
    CONJUNCTIONS,
    PARTICLES,
    PARTICLES_IN_NAMES,
    RECASED_PARTICLES,
    is_generation,
    is_group,
)
from extraction.text.lines import SUPERSCRIPT_MARK
from extraction.vocabulary.front_matter import COUNTRY, FUNCTION_WORDS, OF_TITLES, is_address

_DEGREES = (
    r"ph\.? ?d|m\.? ?d|d\.? ?phil|m\.? ?phil|m\.? ?sc|b\.? ?sc|d\.? ?sc|sc\.? ?d|m\.? ?p\.? ?h|"
    r"dr\.? ?p\.? ?h|dvm|d\.v\.m|dds|d\.d\.s|dmd|d\.m\.d|pharm\.? ?d|psy\.? ?d|ed\.? ?d|m\.? ?tech|"
    r"b\.? ?tech|m\.b\.b\.s|mbbs|mbchb|m\.b\.ch\.b|mbbch|frcp\w*|frcs\w*|mrcp\w*|facs|facc|faha|"
    r"fesc|faan|fidsa|mba|m\.b\.a|ll\.?[bm]|bpharm|b\.pharm|mpharm|m\.pharm|msph|mhs|mhsc|rn|"
    r"r\.n|bsn|msn|dnp|crna|m\.?s\.?|b\.?s\.?|m\.?a\.?|b\.?a\.?|m\.?d\.?s\.?|esq|pe|p\.e|do|d\.o|"
    r"habil|dipl\.?-?ing|dr\.? ?med|dr\.? ?rer\.? ?nat|md-?phd|mph&tm|cand|cph|scm|mtr|"
    r"pt|d\.?p\.?t|facp|fache|ieee|acm|senior member|student member|graduate student member|"
    r"life (?:senior )?(?:fellow|member)|member|fellow|life fellow"
)
_DEGREE = re.compile(rf"(?:{_DEGREES})\.?", re.IGNORECASE)
_SURE_DEGREE = re.compile(
    r"(?<!\s)\s++"
    r"(?:ph\.? ?d|m\.d|d\.? ?phil|m\.? ?phil|m\.sc|msc|bsc|b\.sc|d\.sc|mph|m\.p\.h|dvm|dds|"
    r"pharm\.? ?d|mbbs|m\.b\.b\.s|mbchb|MD|M\.D|RN|MBA|FRCP|FRCS|FACS|FACC)\.?$",
    re.IGNORECASE,
)
_TITLES = re.compile(
    r"^(?:(?:authors?|written) ?(?:by)?\s*:|by\b|(?:assoc(?:iate|\.)?|assist(?:ant|\.)?|asst\.?|"
    r"adjunct)?\s*prof(?:essor|\.)?(?:\s*dr\.?)?|dr\.?(?:-ing\.?)?|mr\.?|mrs\.?|ms\.|sir)\s+",
    re.IGNORECASE,
)
_FOR_THE_GROUP = re.compile(
    r"^(?:(?:and|on|in|for|of|behalf|behalves|the)\s+)+(?=\S)", re.IGNORECASE
)
_MARKS = re.compile(
    r"[*†‡§¶‖∥#∗⁎★☆⋆✉✝✢✦◇♦△▲■□●○@¹²³⁰⁴-⁹ª⁺⁻＊]+|(?<=[^\W\d_])[.]?\s?\d{1,2}(?:\s?[,;]\s?\d{1,2})*(?!\d)|"
    r"(?<![\w.])\d{1,2}(?![\w])|\((?:[^()]{0,40})\)|\[[^\]]{0,20}\]|"
    r"\\(?:dagger|ddagger|ast)\b|\b(?:orcid|ORCID)\b(?: iD)?"
)
_CONTACT = re.compile(
    r"(?:\{[^{}]{1,200}\}|(?<![^\s,;<>(){}])[^\s,;<>(){}]+)\s?@\s?[\w.-]+\w|\(?\b\d{4}-\d{4}-\d{4}-\d{3}[\dX]\b\)?|"
    r"(?:https?://)?orcid\.org/\S*|\be-?mails?:",
    re.IGNORECASE,
)
_ICON = re.compile(
    r"(?<=[a-zà-ÿ])i?[iI]D\b|(?<=\s)i?[iI]D(?=\s*(?:$|[,;]|and\b|" + SUPERSCRIPT_MARK + "))"
)
_SEPARATORS = re.compile(
    rf"[{SUPERSCRIPT_MARK},;&•·|⋅∙、，；]|\s[–—/]\s|\b(?:and|und|AND|And|et(?! al))\b|"
    r"(?<!\s)\s++y\s++(?=\S++\s++\S)"
)
_LETTER_MARK = re.compile(r"(?<=\w\w)\s+[a-z](?:\s*,\s*[a-z])*$|^[a-z]\s+(?=[A-Z])")
_CJK = re.compile(r"[\u3400-\u9fff\uac00-\ud7af]")
_INITIALS = re.compile(r"(?:[^\W\d_]\.?[-‐]?){1,4}\.?")
# Heuristics. Lengths are in characters.
_MAX_WORDS, _MAX_LENGTH = 8, 60  # of a name
_MAX_CJK_LENGTH = 12  # of a Chinese, Japanese or Korean name with its marks
_MIN_WHOLE_CJK, _MAX_WHOLE_CJK = 2, 6  # of a whole one
_MAX_SURNAME_FIRST_CJK = 3  # up to this length the first character is the family name
_MAX_TITLES = 3  # "Prof. Dr. ..." before a name


def plain(text: str) -> str:
    """Returns the text in lower-case ASCII letters and single spaces, for comparing names."""
    text = unicodedata.normalize("NFKD", text.replace("ø", "o").replace("ł", "l")).lower()
    letters = "".join(c for c in text if not unicodedata.combining(c))
    return " ".join(re.findall(r"[^\W_]+", letters))


def split_names(text: str) -> list[str]:
    """Returns the pieces between commas, "and" and marks, without marks, titles and degrees.

    A SUPERSCRIPT_MARK counts as mark; "Jr." joins the name before it.
    """
    text = _ICON.sub("", _CONTACT.sub(SUPERSCRIPT_MARK, text))
    text = _MARKS.sub(SUPERSCRIPT_MARK, text)
    names: list[str] = []
    for piece in _SEPARATORS.split(text):
        name = _bare(piece)
        if not name or _DEGREE.fullmatch(name) or name.lower() in ("et al", "al", "by", "id"):
            continue
        if is_generation(name) and names:
            names[-1] = f"{names[-1]} {name}"
        else:
            names.append(name)
    return names


def _bare(piece: str) -> str:
    name = piece.strip(" .:-–—_'’‘`~^")
    name = f"{name}." if re.search(r"(?:^|\s)[^\W\d_]$|\b[JS]r$", name) and "." in piece else name
    name = _LETTER_MARK.sub("", name)
    for _ in range(_MAX_TITLES):
        name = _TITLES.sub("", name)
        while _SURE_DEGREE.search(name):
            name = _SURE_DEGREE.sub("", name).strip(" ,.")
    return name.strip()


def without_contacts(text: str) -> str:
    """Returns the text with SUPERSCRIPT_MARK for e-mail addresses and ORCID ids."""
    return _CONTACT.sub(SUPERSCRIPT_MARK, text)


def looks_like_name(piece: str) -> bool:
    """True if the piece may be a person's name or half of one: capitalized words only."""
    words = piece.split()
    if not words or len(words) > _MAX_WORDS or len(piece) > _MAX_LENGTH:
        return False
    if _CJK.search(piece):
        return len(piece) <= _MAX_CJK_LENGTH and not is_address(piece)
    if OF_TITLES.search(piece):
        return False
    if re.search(r"[\d@/\\=<>%_:?!\"“”]", piece) or COUNTRY.fullmatch(piece):
        return False
    if any(word.lower() in FUNCTION_WORDS and word.islower() for word in words):
        lower = [word for word in words if word.lower() in FUNCTION_WORDS and word.islower()]
        if any(word not in PARTICLES_IN_NAMES for word in lower):
            return False
    return all(_is_name_word(word) for word in words) and any(len(word) > 1 for word in words)


def _is_name_word(word: str) -> bool:
    core = word.strip(".,'’‘`-‐")
    if not core:
        return False
    if core.lower() in PARTICLES_IN_NAMES or core.lower().startswith(("d'", "d’", "al-", "el-")):
        return True
    return core[0].isupper() or (len(core) > 2 and core[1].isupper()) or not core[0].isalpha()


def is_strong_name(piece: str) -> bool:
    """True if the piece may be a whole name: two words or more, at least one of them no initial."""
    words = piece.split()
    if _CJK.search(piece):
        return _MIN_WHOLE_CJK <= len(piece.replace(" ", "")) <= _MAX_WHOLE_CJK
    if len(words) < 2 or not looks_like_name(piece):
        return False
    return any(len(word.strip(".")) > 1 and not _INITIALS.fullmatch(word) for word in words) or any(
        len(word) >= 2 and "." not in word for word in words
    )


def as_author(name: str) -> Author:
    """Returns the author of that name; given and family name are None if their order is unclear."""
    if is_group(name):
        return Author(_FOR_THE_GROUP.sub("", name))
    if _CJK.search(name):
        return _cjk(name)
    if "," in name and not is_generation(name.rsplit(",", 1)[1].strip()):
        family, given = (part.strip() for part in name.split(",", 1))
        return Author(f"{given} {family}".strip(), given or None, family or None)
    words = name.replace(",", " ").split()
    suffix = words.pop() if len(words) > 2 and is_generation(words[-1]) else ""
    if len(words) == 1:
        return Author(name, None, words[0])
    given, family = _parts(words)
    whole = " ".join([*words, suffix]).strip()
    return Author(whole, given, family)


def _parts(words: Sequence[str]) -> tuple[str, str]:
    """Returns given and family name of a name of at least two words."""
    last_is_initial = bool(re.fullmatch(r"[^\W\d_](?:\.?[^\W\d_]?\.?)?", words[-1])) and (
        words[-1].isupper()
    )
    first_is_word = len(words[0].strip(".")) > 2
    if last_is_initial and first_is_word and "." not in words[0]:
        return " ".join(words[1:]) if len(words) == 2 else words[-1], (
            words[0] if len(words) == 2 else " ".join(words[:-1])
        )
    start = len(words) - 1
    while start > 1 and _is_particle(words[start - 1]):
        start -= 1
    return " ".join(words[:start]), " ".join(words[start:])


def _is_particle(word: str) -> bool:
    return (word.islower() and word in PARTICLES_IN_NAMES and word not in CONJUNCTIONS) or (
        word in CAPITALIZED_PARTICLES
    )


def _cjk(name: str) -> Author:
    words = name.split()
    if len(words) == 2:
        return Author("".join(words), words[1], words[0])
    whole = "".join(words)
    if _MIN_WHOLE_CJK <= len(whole) <= _MAX_SURNAME_FIRST_CJK:
        return Author(whole, whole[1:], whole[:1])
    return Author(name)


def recased(name: str) -> str:
    """Returns a name in capitals in mixed case: "J. VAN DER BERG" becomes "J. van der Berg"."""
    words = []
    for number, word in enumerate(name.split()):
        if "." in word or (len(word) <= 2 and word.lower() not in PARTICLES):
            words.append(word)
        elif number and word.lower() in RECASED_PARTICLES:
            words.append(word.lower())
        else:
            words.append(re.sub(r"[^\W\d_]+", lambda part: part[0].capitalize(), word))
    return " ".join(words)
