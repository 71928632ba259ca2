"""Names of people and groups: their words, the split of a line of names into single names without
marks, and of a name into given and family name.

The particles that a parser accepts depend on what it reads: the names on a front page, names in
capitals, or the authors of a cited paper.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from enum import Flag, auto

from domain.papers import Author
from extraction.text.marks import SUPERSCRIPT_MARK
from extraction.vocabulary.front_matter import COUNTRY, FUNCTION_WORDS, OF_TITLES, is_address


class Use(Flag):
    """Where a name particle ("van", "de la") is recognized."""

    FRONT = auto()  # in the authors below a title, in lower case
    FRONT_CAPITAL = auto()  # there, capitalized: part of the family name ("Van Dyke")
    RECASED = auto()  # becomes lower case when a name in capitals is rewritten in mixed case
    CITED = auto()  # in the authors of a cited paper, in lower case
    CITED_CAPITAL = auto()  # there, capitalized


_FRONTS, _CITEDS = Use.FRONT | Use.FRONT_CAPITAL, Use.CITED | Use.CITED_CAPITAL

_PARTICLES: dict[Use, str] = {
    _FRONTS | Use.RECASED | _CITEDS: "van von de del der den da dos du",
    _FRONTS | _CITEDS: "della di la le ten ter",
    _FRONTS | Use.CITED: "el al bin ibn",
    _FRONTS: "st st. san",
    Use.FRONT_CAPITAL: "mac mc",
    Use.FRONT | _CITEDS: "dela das los te",
    Use.FRONT | Use.CITED: "do af zu zum zur y i e 't",
    Use.FRONT: "d' des las ul av of und bint abu ben dal dalla santa",
    _CITEDS: "vom",
}


def _with(use: Use) -> list[str]:
    return [word for uses, words in _PARTICLES.items() if use in uses for word in words.split()]


# Particles of the authors below a title. The words of the first set also occur between two names.
PARTICLES = frozenset(_with(Use.FRONT))
PARTICLES_IN_NAMES = PARTICLES - {"und", "of"}
# Conjunctions of compound family names ("Ortega y Gasset"): a family name does not begin with one.
_CONJUNCTIONS = frozenset({"e", "y", "i"})
CAPITALIZED_PARTICLES = frozenset(particle.capitalize() for particle in _with(Use.FRONT_CAPITAL))
RECASED_PARTICLES = frozenset(_with(Use.RECASED))
_BEFORE_FAMILY = (PARTICLES_IN_NAMES - _CONJUNCTIONS) | CAPITALIZED_PARTICLES
_JOINED_PARTICLES = ("d'", "d’", "al-", "el-")  # in front of a name without a space
# "d'Alembert", "O'Brien" in a bibliography; a regular expression.
ELIDED_PARTICLE = "(?:[dDlLO][’'])"


def _cited(particle: str) -> str:
    first = f"[{particle[0].upper()}{particle[0]}]" if particle in _CAPITAL_CITED else particle[0]
    return first.replace("'", "[’']") + particle[1:]


_CAPITAL_CITED = frozenset(_with(Use.CITED_CAPITAL))
# A regular expression for one particle in the authors of a cited paper.
CITED_PARTICLE = f"(?:{'|'.join(map(_cited, _with(Use.CITED)))})"

# "Jr.", "III" behind a name; alternatives of a regular expression.
GENERATIONS = "Jr|Sr|II|III"

# The nouns in the names of groups of authors; alternatives of a regular expression.
COLLABORATION = "Collaborations?|Consortium"
GROUP = (
    f"{COLLABORATION}|Working Group|Study Group|Investigators|Research Group|Group|Team|Network|"
    "Initiative|Task Force|Committee"
)
_GENERATION = re.compile(rf"(?:{GENERATIONS}|IV|junior|senior)\.?", re.IGNORECASE)
_GROUP = re.compile(rf"\b(?:{GROUP}|collaborators)\b", re.IGNORECASE)

_DEGREES = (
    r"ph\.? ?d|m\.? ?d|d\.? ?phil|m\.? ?phil|m\.? ?sc|b\.? ?sc|d\.? ?sc|sc\.? ?d|m\.? ?p\.? ?h|"
    r"dr\.? ?p\.? ?h|dvm|d\.v\.m|dds|d\.d\.s|dmd|d\.m\.d|pharm\.? ?d|psy\.? ?d|ed\.? ?d|m\.? ?tech|"
    r"b\.? ?tech|m\.b\.b\.s|mbbs|mbchb|m\.b\.ch\.b|mbbch|frcp\w*|frcs\w*|mrcp\w*|facs|facc|faha|"
    r"fesc|faan|fidsa|mba|m\.b\.a|ll\.?[bm]|bpharm|b\.pharm|mpharm|m\.pharm|msph|mhs|mhsc|rn|"
    r"r\.n|bsn|msn|dnp|crna|m\.?s\.?|b\.?s\.?|m\.?a\.?|b\.?a\.?|m\.?d\.?s\.?|esq|pe|p\.e|do|d\.o|"
    r"habil|dipl\.?-?ing|dr\.? ?med|dr\.? ?rer\.? ?nat|md-?phd|mph&tm|cand|cph|scm|mtr|"
    r"pt|d\.?p\.?t|facp|fache|dnb|mch|dch|bds|bpt|mpt|bams|bhms|mca|p\.? ?eng|"
    r"c\.? ?eng|mb,? ?b?ch\.? ?b|m\.? ?s\.? ?pharm|"
    r"ieee|acm|senior member|student member|graduate student member|"
    r"life (?:senior )?(?:fellow|member)|member|fellow|life fellow"
)
# Positions and forms of address that stand between names.
_POSITION = re.compile(
    r"(?:(?:assistant|associate|adjunct|senior|junior|principal|chief|head|full|visiting|"
    r"research|postgraduate|post-?doctoral|ph\.? ?d\.?)\s+)*"
    r"(?:professor|prof|lecturer|reader|scholar|scientist|resident|consultant|student|fellow|"
    r"dr|mrs?|ms|tutor|registrar)\.?",
    re.IGNORECASE,
)
# Letters after a name whose meaning is unknown: "FCCP", "MIMechE", "CPsychol".
_POST_NOMINAL = re.compile(
    r"(?:[A-Z]\.?){2,7}|[A-Z]{1,4}[a-z]{1,5}[A-Z]{1,4}|[A-Z]{2,4}[a-z]{1,6}[A-Z]?[a-z]?"
)
_DEGREE = re.compile(rf"(?:{_DEGREES})\.?", re.IGNORECASE)
_SURE_DEGREE = re.compile(
    r"(?<!\s)\s++"
    r"(?:ph\.? ?d|m\.d|d\.? ?phil|m\.? ?phil|m\.sc|msc|bsc|b\.sc|d\.sc|mph|m\.p\.h|dvm|dds|"
    r"pharm\.? ?d|[bmd]\.? ?pharm|mbbs|m\.b\.b\.s|mbchb|mb b?ch\.? ?b|MD|M\.D|RN|MBA|"
    r"[FM]RC[A-Z]\w{0,6}|FA[CAH][A-Z]{1,3}|FCC[A-Z]|BDS|MDS|DNB|MCh|BPT|MPT|BAMS|BHMS|CEng|PEng|"
    r"[MB]\.? ?Tech|MSW|OBE|CBE|MBE)\.?$",
    re.IGNORECASE,
)
_TITLES = re.compile(
    r"^(?:(?:authors?|written) ?(?:by)?\s*:|by\b|(?:assoc(?:iate|\.)?|assist(?:ant|\.)?|asst\.?|"
    r"adjunct)?\s*prof(?:essor|\.)?(?:\s*dr\.?)?|dr\.?(?:-ing\.?)?|mr\.?|mrs\.?|ms\.|sir|"
    r"miss|smt\.?|shri|kum\.|er\.|engr\.?|ar\.)\s+",
    re.IGNORECASE,
)
_FOR_THE_GROUP = re.compile(
    r"^(?:(?:and|on|in|for|of|behalf|behalves|the)\s+)+(?=\S)", re.IGNORECASE
)
_JOINED_TITLE = re.compile(r"\b(Dr|Prof|Mrs?|Ms|Smt|Er)\.(?=[A-Z])")
_TITLE_IN_BRACKETS = re.compile(r"\((?:dr|mrs?|ms|miss|smt|prof|er)\.?\)", re.IGNORECASE)
# "S.Kumar", "M.K.KHOSLA": initials without a space before the name.
_JOINED_INITIALS = re.compile(r"(?<![^\W\d_])((?:[^\W\d_]\.[ -]?){1,4})(?=[^\W\d_]{2})")
_MARKS = re.compile(
    r"[*†‡§¶‖∥#∗⁎★☆⋆✉✝✢✦◇♦△▲■□●○@$¹²³⁰⁴-⁹ª⁺⁻＊]+|(?<![^\W\d_])[α-ω](?![^\W\d_])|(?<=[^\W\d_])[.]?\s?\d{1,2}(?:\s?[,;]\s?\d{1,2})*(?!\d)|"
    r"(?<![\w.])\d{1,2}(?![\w])|(?<![\w.])\d{1,2}(?=[A-Z][.a-z])|\((?:[^()]{0,40})\)|\[[^\]]{0,20}\]|"
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
_CAPITAL_FAMILY = re.compile(
    r"(?P<family>[A-ZÀ-Þ'’-]{2,}(?: [A-ZÀ-Þ'’-]{2,}){0,2}) (?P<given>[A-ZÀ-Þ][a-zß-þ].*)"
)
_INITIALS = re.compile(r"(?:[^\W\d_]\.?[-‐]?){1,4}\.?")
_LAST_INITIALS = re.compile(r"[^\W\d_](?:\.?[^\W\d_]?\.?)?")
_NO_NAME_WORDS = FUNCTION_WORDS - PARTICLES_IN_NAMES
_NO_NAME_CHARACTERS = re.compile(r"[\d@/\\=<>%_:?!\"“”]")
# Heuristics. Lengths are in characters.
_MAX_WORDS, _MAX_LENGTH = 8, 60  # of a name
_MAX_CJK_LENGTH = 12  # of a Chinese, Japanese or Korean name with its marks
_MIN_WHOLE_CJK, _MAX_WHOLE_CJK = 2, 6  # of a whole one
_MAX_SURNAME_FIRST_CJK = 3  # up to this length the first character is the family name
_MAX_TITLES = 3  # "Prof. Dr. ..." before a name


def is_generation(word: str) -> bool:
    """True for a generational suffix: "Jr.", "III"."""
    return bool(_GENERATION.fullmatch(word))


def is_group(name: str) -> bool:
    """True for the name of a collaboration or a study group, of two words at least."""
    return bool(_GROUP.search(name)) and len(name.split()) > 1


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
    text = _MARKS.sub(SUPERSCRIPT_MARK, _TITLE_IN_BRACKETS.sub("", text))
    text = _JOINED_TITLE.sub(r"\1. ", text)
    names: list[str] = []
    for piece in _SEPARATORS.split(text):
        name = _bare(piece)
        if not name or _is_no_name(name) or (names and _is_post_nominal(name, names[-1])):
            continue
        name = _JOINED_INITIALS.sub(lambda found: f"{found[1].strip()} ", name)
        if is_generation(name) and names:
            names[-1] = f"{names[-1]} {name}"
        else:
            names.append(name)
    return names


def _is_no_name(name: str) -> bool:
    is_other = name.lower() in ("et al", "al", "by", "id", "author", "authors")
    return is_other or bool(_DEGREE.fullmatch(name) or _POSITION.fullmatch(name))


def _is_post_nominal(word: str, name: str) -> bool:
    """True for letters like "FCCP" behind a whole name that is not in capitals."""
    return bool(_POST_NOMINAL.fullmatch(word)) and is_strong_name(name) and not name.isupper()


def _bare(piece: str) -> str:
    name = piece.strip(" .:-–—_'’‘`~^<>")
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
    if OF_TITLES.search(piece) or _NO_NAME_CHARACTERS.search(piece) or COUNTRY.fullmatch(piece):
        return False
    if not _NO_NAME_WORDS.isdisjoint(words):
        return False
    return all(map(_is_name_word, words)) and any(len(word) > 1 for word in words)


def _is_name_word(word: str) -> bool:
    core = word.strip(".,'’‘`-‐")
    if not core:
        return False
    if core.lower() in PARTICLES_IN_NAMES or core.lower().startswith(_JOINED_PARTICLES):
        return True
    return core[0].isupper() or (len(core) > 2 and core[1].isupper()) or not core[0].isalpha()


def is_strong_name(piece: str) -> bool:
    """True if the piece may be a whole name: two words or more, at least one of them no initial."""
    words = piece.split()
    if _CJK.search(piece):
        return _MIN_WHOLE_CJK <= len(piece.replace(" ", "")) <= _MAX_WHOLE_CJK
    return len(words) > 1 and looks_like_name(piece) and not all(map(_is_initial, words))


def _is_initial(word: str) -> bool:
    is_long = len(word.strip(".")) > 1 and not _INITIALS.fullmatch(word)
    return not is_long and (len(word) < 2 or "." in word)


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
    return Author(" ".join([*words, suffix]).strip(), *_parts(words))


def _parts(words: Sequence[str]) -> tuple[str, str]:
    """Returns given and family name of a name of at least two words."""
    last_is_initial = words[-1].isupper() and _LAST_INITIALS.fullmatch(words[-1])
    if last_is_initial and len(words[0]) > 2 and "." not in words[0]:
        return words[-1], " ".join(words[:-1])
    start = len(words) - 1
    while start > 1 and words[start - 1] in _BEFORE_FAMILY:
        start -= 1
    return " ".join(words[:start]), " ".join(words[start:])


def _cjk(name: str) -> Author:
    words = name.replace(",", " ").split()
    if len(words) == 2:
        return Author("".join(words), words[1], words[0])
    whole = "".join(words)
    if _MIN_WHOLE_CJK <= len(whole) <= _MAX_SURNAME_FIRST_CJK:
        return Author(whole, whole[1:], whole[:1])
    return Author(name)


def given_first(name: str) -> str:
    """Returns "Jane DOE" for "DOE Jane", and any other name as it is."""
    found = _CAPITAL_FAMILY.fullmatch(name)
    return f"{found['given']} {found['family']}" if found else name


def has_capital_family_first(name: str) -> bool:
    """True if the name begins with a family name in capitals: "DOE Jane"."""
    return bool(_CAPITAL_FAMILY.fullmatch(name))


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
