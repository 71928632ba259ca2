"""Parses the author list at the beginning of a bibliography entry.

Supported name orders, by the key of `_FORMS`:

inverted    Smith, J. A., & Jones, K.   Smith, J.A.; Jones, K.   Smith, John, and Kate Jones
initials    Smith JA, Jones K           Smith J.A., Jones K.
forward     J. A. Smith, K. Jones, and L. Brown   JA Smith, K Jones
full        John A. Smith, Kate Jones, and L. Brown
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass

from domain.papers import Author
from extraction.person_names import CITED_PARTICLE, COLLABORATION, GENERATIONS, GROUP

# All uppercase letters: `re` has no class for them.
_U = "".join(chr(code) for code in range(0x41, min(0x1F00, sys.maxunicode)) if chr(code).isupper())
# Accents that a PDF prints beside their letters are part of a name.
_IN_WORD = r"\w’'‐‑–\u0300-\u036f´`¨ˆ˜ˇ˙-"
_WORD = rf"(?:[dDlLO][’'])?[{_U}][{_IN_WORD}]*[\w\u0300-\u036f´`]"
_FAMILY = (
    rf"(?:{CITED_PARTICLE}[ ]){{0,3}}{_WORD}(?:[ ](?:{CITED_PARTICLE}[ ]){{0,2}}{_WORD}){{0,2}}"
)
_DOTTED = rf"[{_U}][a-z]{{0,2}}\.(?:[ ]?[-‐‑–]?[ ]?[{_U}][a-z]?\.){{0,4}}"
_BARE = rf"(?:[{_U}](?:[-‐–]?[{_U}]){{0,3}}|[{_U}](?:[ ][{_U}]){{1,3}})(?![\w’'.])"
_BARE_DOT = rf"(?:[{_U}](?:[-‐–]?[{_U}]){{0,3}}|[{_U}](?:[ ][{_U}]){{1,3}})(?![\w’'])"
_SUFFIX = rf"(?:,?[ ](?:{GENERATIONS}|2nd|3rd|IV)\b\.?)?"
_GIVEN = (
    rf"[{_U}][{_IN_WORD}]*\w(?:[ ](?:[{_U}][{_IN_WORD}]*\w|[{_U}]\.(?:[ ]?[{_U}]\.)*|[{_U}](?!\w)))"
    rf"{{0,3}}\.?"
)
_FORMS = {
    "inverted": rf"(?P<family>{_FAMILY})(?:,[ ](?:{GENERATIONS})\b\.?)?\.?,[ ]?"
    rf"(?P<given>{_DOTTED}|{_BARE}|{_GIVEN})"
    rf"(?P<tail>(?:[ ]{CITED_PARTICLE}(?![ ]?[{_U}\w])){{0,2}}){_SUFFIX}",
    "initials": rf"(?P<family>{_FAMILY})[ ](?P<given>{_DOTTED}|{_BARE_DOT}){_SUFFIX}",
    "forward": rf"(?P<given>{_DOTTED}|[{_U}]{{1,3}}(?=[ ]))[ ]?(?P<family>{_FAMILY}){_SUFFIX}",
    "full": rf"(?P<given>{_WORD}(?:[ ](?:{_WORD}|{_DOTTED})){{0,3}})[ ]"
    rf"(?P<family>(?:{CITED_PARTICLE}[ ]){{0,3}}{_WORD}){_SUFFIX}",
}
# What may follow a name. A name that ends with an initial's period may be followed directly by
# the title; a lower-case word behind it shows that the initial is the title's: "C. elegans".
_BEHIND = (
    r"(?=[ ]?[,;:(“\"‘]|[ ]?\.(?:[ ,]|$|\d)|[ ]?…|[ ](?:and|und|et|&|y)[ ]|[ ]et[ ]al|[ ]\d{4}|"
    r"[ ]\[|[ ]?$|(?<=\.)[ ](?![a-z]))"
)
_MAX_AUTHORS = 3000  # bounds the time for a hostile entry
_JOURNAL = re.compile(r"\.\s[A-Z][^.\d]{2,60}[.,]?\s\(?\d")
# Behind an author list: "J. Chem. Phys. 98", but not "B. Jones. 2010."
_ABBREVIATED_JOURNAL = re.compile(
    r"(?:[A-Z]\w*\.[ ]){2,6}(?:[A-Z][ ])?\(?(?!(?:1[6-9]|20)\d\d[a-z]?[.:)])\d"
)
_J_OF_JOURNAL = re.compile(
    r"(?<=\.)[ ]J\.(?=[ ](?:Am|Chem|Phys|Biol|Org|Inorg|Mater|Med|Mol|Appl|Agric|Clin|Exp|Cell|Gen|"
    r"Opt|Math|Electrochem|Bacteriol|Virol|Immunol|Geophys|Ecol)\.[ ])"
)
_JOURNAL_LOOKAHEAD = 20  # characters behind a name that may show that its "J." is "Journal"
_SINGLE = re.compile(_WORD)
_ITEM = {form: re.compile(pattern + _BEHIND) for form, pattern in _FORMS.items()}
_SEPARATOR = re.compile(
    r"(?P<gap>[ ]?,?[ ]?(?:…|\.[ ]\.[ ]\.|\.\.\.)[ ]?,?[ ]?(?:&[ ])?)(?=\w)|"
    r"\.?[ ]?[,;][ ]?(?P<last>(?:and|und|et(?![ ]al)|&)[ ])?|"
    r"[ ](?P<and>(?:and|und|et(?![ ]al)|&|y)[ ])"
)
_OTHERS = re.compile(
    r"[ ]?[,;]?[ ]?(?:(?:and|&)[ ])?(?:et[ ]?al\b\.?|others\b\.?|co-?workers|"
    r"and[ ]\d+[ ](?:others|more))|"
    r"[ ]?[,;]?[ ]?(?:…|\.\.\.)(?=[ ]?[(.])"
)
_GROUP = re.compile(
    r"(?:on behalf of |for )?(?:[Tt]he )?(?:[\w’'&/+-]+ ){0,7}"
    rf"(?:{GROUP})"
    r"(?=[ ]?[,;:.(]|[ ]et al)"
)
_NAMED_GROUP = re.compile(
    r"(?:[Tt]he )?[\w’'+/-]+(?: [\w’'+/-]+){0,4} "
    rf"(?:{COLLABORATION})(?=[ ]?[,;:])"
)
_IN_BRACKETS = re.compile(rf"[ ]?\((?P<name>[^()]{{2,80}}?(?:{COLLABORATION}|Group))\)")
ORGANISATION = re.compile(
    r"\b(?:Organi[sz]ation|Commission|Committee|Ministry|Institutes?|University|Agency|"
    rf"Associations?|Departments?|Society|Team|{COLLABORATION}|Cent(?:er|re)s?|Council|"
    r"Administration|Foundation|Network|Bureau|Office|Corporation|Inc|Ltd|GmbH|WHO|FAO|OECD|NIST|"
    r"IPCC|UNESCO|UNICEF|CDC|FDA|EFSA|USDA|Nations|Union|Government|Board|Authority|Federation|"
    r"Project|Developers|Contributors|Company|Bank|Group|Service|Survey|Laborator(?:y|ies))\b"
)


@dataclass(frozen=True, slots=True)
class AuthorList:
    """The authors, the offset in the text at which the list ends, and the name order."""

    authors: tuple[Author, ...]
    end: int
    form: str


def parse_authors(text: str) -> AuthorList | None:
    """Returns the author list at the beginning of the text, None if there is none.

    "et al." is skipped. A collaboration among the names becomes an author without name parts. If
    several name orders match, the longest match is chosen, then the one with more authors.
    """
    found = {
        form: parsed
        for form in _FORMS
        if (parsed := _parse_form(text, form)) and _is_plausible(parsed, text)
    }
    if "initials" in found and "full" in found:
        # The title looks like full names: "Lange D. Medicinal and Aromatic Plants: Trade.",
        # "Queiroz K. Species Concepts. Biology. 2007"
        after = text[found["full"].end :]
        if after.startswith(":") or _JOURNAL.match(after):
            del found["full"]
    return max(
        found.values(),
        key=lambda parsed: (len(text[: parsed.end].rstrip(". ")), len(parsed.authors)),
        default=None,
    )


def _parse_form(text: str, form: str) -> AuthorList | None:
    """The author list in this name order, None if the text does not begin with such a name."""
    authors: list[Author] = []
    position = end = 0
    closing = False
    while len(authors) < _MAX_AUTHORS:
        item = _next_name(text, position, form, authors)
        if item is None:
            break
        author, end = item
        authors.append(author)
        separator = _SEPARATOR.match(text, end)
        joined = separator and (separator["last"] or separator["and"] or separator["gap"])
        if separator is None or (closing and not joined):
            break
        closing, position = bool(joined), separator.end()
    if not authors:
        return None
    others = _OTHERS.match(text, end)
    end = others.end() if others else end
    group = _IN_BRACKETS.match(text, end)
    if group is not None:
        authors.append(Author(group["name"]))
        end = group.end()
    return AuthorList(tuple(authors), end, form)


def _next_name(
    text: str, position: int, form: str, before: list[Author]
) -> tuple[Author, int] | None:
    """The author at this position and the offset behind it; `before` are the authors so far.

    `form` is the order of the list; its names may differ from it as `_forms_at` allows.
    """
    group = (_GROUP if before else _NAMED_GROUP).match(text, position)
    if group is not None:
        return Author(group[0]), group.end()
    for item_form in _forms_at(form, before):
        found = _ITEM[item_form].match(text, position)
        if found is None or (item_form == "inverted" and before and _is_two_names(before, found)):
            continue
        if before and item_form == "forward" and _ABBREVIATED_JOURNAL.match(text, position):
            return None
        strict = form != "full" or _are_initials(before)
        if item_form == "full" and strict and not _may_be_full(text, found, form):
            continue
        end = found.end()
        cut = _J_OF_JOURNAL.search(
            text, found.start("given"), min(len(text), end + _JOURNAL_LOOKAHEAD)
        )
        if item_form == "inverted" and cut is not None and cut.start() < end:
            end = cut.start()
        given = " ".join(
            (
                text[found.start("given") : min(end, found.end("given"))]
                + (found.groupdict().get("tail") or "")
            ).split()
        )
        family = found["family"].strip()
        if ORGANISATION.search(family):
            return None
        if (
            item_form == "forward"
            and form == "full"
            and re.fullmatch(r"[^\W\d_]+ [\w’'-]+", family)
        ):
            given, family = f"{given} {family.split()[0]}", family.split()[1]  # C. Ronald MacKenzie
        undotted = item_form == "initials" and before and "." not in (before[0].given or "")
        if undotted or given[-3:-1].islower():  # the period ends the list
            given = given.rstrip(".")
        return Author(_as_printed(item_form, given, family), given, family), end
    return _single_name(text, position, form) if before and form != "full" else None


def _single_name(text: str, position: int, form: str) -> tuple[Author, int] | None:
    """A single word as an author, if another name or the end of the list certainly follows."""
    found = _SINGLE.match(text, position)
    if found is None or form == "forward":
        return None
    if form == "initials" and re.match(r"\.[ ][^a-z]", text[found.end() :]):
        return Author(found[0]), found.end()
    separator = _SEPARATOR.match(text, found.end())
    if separator and _ITEM[form].match(text, separator.end()):
        return Author(found[0]), found.end()
    return None


def _forms_at(form: str, before: list[Author]) -> tuple[str, ...]:
    """The orders in which the next name may be printed; some styles invert the first one only."""
    if form == "full":
        return ("forward", "full")
    if not before or form == "initials":
        return (form,)
    return ("inverted", "forward", "full") if form == "inverted" else ("forward", "full")


def _is_two_names(before: list[Author], found: re.Match[str]) -> bool:
    """True when a match is two people: "Noam Shazeer, Niki Parmar" behind "Vaswani, Ashish"."""
    spelled = len((before[0].given or "").replace(".", "").split(" ")[0]) > 1
    if found["family"].isupper() and (before[0].family or "").isupper():
        return False
    return spelled and _is_long(found["family"]) and " " in found["given"]


def _is_long(family: str) -> bool:
    return sum(word[:1].isupper() for word in family.split()) > 1


def _may_be_full(text: str, found: re.Match[str], form: str) -> bool:
    """True for a full name in a list; False for a title in capitals that looks like one."""
    before = text[max(0, found.start() - 4) : found.start()]
    if before.endswith(("and ", "& ")):
        return True
    return form == "inverted" and bool(re.match(r"[ ]?[,.]", text[found.end() :]))


def _are_initials(before: list[Author]) -> bool:
    return bool(before) and all(
        len((author.given or "").split(".")[0]) == 1 and "." in (author.given or "")
        for author in before
    )


def _as_printed(form: str, given: str, family: str) -> str:
    if form == "inverted":
        return f"{family}, {given}"
    return f"{family} {given}" if form == "initials" else f"{given} {family}"


def _is_plausible(parsed: AuthorList, text: str) -> bool:
    """False where the match may be something else: a journal, a title in capitals."""
    after = text[parsed.end :].lstrip()
    # "Lee DH, Song CS" is two people with initials, not one inverted name.
    cut = {"inverted": r" [A-Z]{1,3}$", "full": r"(?:^| )[A-Z]{1,3}$"}.get(parsed.form)
    if cut and any(re.search(cut, author.family or "") for author in parsed.authors):
        return False
    if parsed.form == "full":
        if len(parsed.authors) > 1 or after[:1] in '“"(' or re.match(r"[.,]? ?\(?\d{4}", after):
            return True
        return after.startswith((".", ":")) and not ORGANISATION.search(text[: parsed.end])
    if parsed.form == "forward" and "." not in (parsed.authors[0].given or ""):
        return len(parsed.authors) > 1 or after[:1] in '“"('
    return True
