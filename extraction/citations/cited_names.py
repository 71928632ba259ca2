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
from extraction.person_names import (
    CITED_PARTICLE,
    COLLABORATION,
    ELIDED_PARTICLE,
    GENERATIONS,
    GROUP,
)

# "And" between two names, in the languages of Europe; alternatives of a regular expression.
AND = "and|und|et(?![ ]al)|&|y|ed?|och?|og|en|ja|és|ve|[sșş]i|i|oraz|a|и|та|και"
# All uppercase letters: `re` has no class for them.
_U = "".join(chr(code) for code in range(0x41, min(0x1F00, sys.maxunicode)) if chr(code).isupper())
# Accents that a PDF prints beside their letters are part of a name.
_IN_WORD = r"\w’'‐‑–\u0300-\u036f´`¨ˆ˜ˇ˙-"
_WORD = rf"{ELIDED_PARTICLE}?[{_U}][{_IN_WORD}]*[\w\u0300-\u036f´`]"
_FAMILY = (
    rf"(?:{CITED_PARTICLE}[ ]){{0,3}}{_WORD}(?:[ ](?:{CITED_PARTICLE}[ ]){{0,2}}{_WORD}){{0,2}}"
)
_DOTTED = rf"[{_U}][a-z]{{0,2}}\.(?:[ ]?[-‐‑–]?[ ]?[{_U}][a-z]?\.){{0,4}}"
_CAPITALS = rf"(?:[{_U}](?:[-‐–]?[{_U}]){{0,3}}|[{_U}](?:[ ][{_U}]){{1,3}})"
_BARE, _BARE_DOT = rf"{_CAPITALS}(?![\w’'.])", rf"{_CAPITALS}(?![\w’'])"
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
    "full": rf"(?P<given>{_WORD}(?:[ ](?:{_WORD}|{_DOTTED}|[{_U}](?=[ ]))){{0,3}})[ ]"
    rf"(?P<family>(?:{CITED_PARTICLE}[ ]){{0,3}}{_WORD}){_SUFFIX}",
}
# What may follow a name. A name that ends with an initial's period may be followed directly by
# the title; a lower-case word behind it shows that the initial is the title's: "C. elegans".
_BEHIND = (
    rf"(?=[ ]?[,;:(“\"‘]|[ ]?\.(?:[ ,]|$|\d)|[ ]?…|[ ](?:{AND})[ ]|[ ]et[ ]al|[ ]\d{{4}}|"
    r"[ ]\[|[ ]?$|(?<=\.)[ ](?![a-z]))"
)
_MAX_AUTHORS = 3000  # bounds the time for a hostile entry
_JOURNAL = re.compile(r"\.\s[A-Z][^.\d]{2,60}[.,]?\s\(?\d")
# Behind an author list: "J. Chem. Phys. 98", but not "B. Jones. 2010."
_ABBREVIATED_JOURNAL = re.compile(
    r"(?:[A-Z]\w*\.[ ]){2,6}(?:[A-Z][ ]|\([A-Z]\w{1,20}\)[ ])?\(?(?!(?:1[6-9]|20)\d\d[a-z]?[.:)])\d"
)
_J_OF_JOURNAL = re.compile(
    r"(?<=\.)[ ]J\.(?=[ ](?:Am|Chem|Phys|Biol|Org|Inorg|Mater|Med|Mol|Appl|Agric|Clin|Exp|Cell|Gen|"
    r"Opt|Math|Electrochem|Bacteriol|Virol|Immunol|Geophys|Ecol)\.[ ])"
)
_JOURNAL_LOOKAHEAD = 20  # characters behind a name that may show that its "J." is "Journal"
_SINGLE = re.compile(_WORD)
_MIDDLE_NAME = re.compile(r"([^\W\d_]+) ([\w’'-]+)")
_ITEM = {form: re.compile(pattern + _BEHIND) for form, pattern in _FORMS.items()}
_SEPARATOR = re.compile(
    r"(?P<gap>[ ]?,?[ ]?(?:…|\.[ ]\.[ ]\.|\.\.\.)[ ]?,?[ ]?(?:&[ ])?)(?=\w)|"
    rf"\.?[ ]?[,;][ ]?(?P<last>(?:{AND})[ ])?|"
    rf"[ ](?P<and>(?:{AND})[ ])"
)
_AND_BEFORE = re.compile(rf"(?:^|[ ,;])(?:{AND})[ ]$")
_MAX_AND_LENGTH = 6  # characters of `_AND_BEFORE`, and one before it
OTHERS = re.compile(
    r"[ ]?[,;]?[ ]?(?:(?:and|&)[ ])?(?:et[ ]?al\b\.?|others\b\.?|co-?workers|"
    r"and[ ]\d+[ ](?:others|more)|et coll\.|u\.[ ]?a\.|y otros\b|e outros\b|e altri\b|"
    r"m\.[ ]?fl\.|i in\.|и др\.|и соавт\.)|"
    r"[ ]?[,;]?[ ]?(?:…|\.\.\.)(?=[ ]?[(.])"
)
_GROUP = re.compile(
    r"(?:on behalf of |for )?(?:[Tt]he )?(?:[\w’'&/+-]+ ){0,7}"
    rf"(?:{GROUP})(?=[ ]?[,;:.(]|[ ]et al)"
)
_NAMED_GROUP = re.compile(
    rf"(?:[Tt]he )?[\w’'+/-]+(?: [\w’'+/-]+){{0,4}} (?:{COLLABORATION})(?=[ ]?[,;:])"
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
        if (parsed := _ListReader(text, form).read()) and _is_plausible(parsed, text)
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


class _ListReader:
    """Reads a list of names in one order, from the beginning of a text."""

    def __init__(self, text: str, form: str) -> None:
        self.text, self.form = text, form
        self.authors: list[Author] = []

    def read(self) -> AuthorList | None:
        """Returns the list, None if the text does not begin with a name in this order."""
        position = end = 0
        begin, closing, is_joined = 0, False, False
        while len(self.authors) < _MAX_AUTHORS:
            if (item := self._next(position)) is None:
                is_of_title = is_joined and not OTHERS.match(self.text, end)
                if is_of_title and (end := self._without_title(begin, end)) is None:
                    return None
                break
            begin, (author, end) = position, item
            self.authors.append(author)
            separator = _SEPARATOR.match(self.text, end)
            joined = separator and (separator["last"] or separator["and"] or separator["gap"])
            if separator is None or (closing and not joined):
                break
            closing, position = bool(joined), separator.end()
            is_joined = bool(separator["and"])
        if not self.authors:
            return None
        others = OTHERS.match(self.text, end)
        end = others.end() if others else end
        group = _IN_BRACKETS.match(self.text, end)
        if group is not None:
            self.authors.append(Author(group["name"]))
            end = group.end()
        return AuthorList(tuple(self.authors), end, self.form)

    def _without_title(self, begin: int, end: int) -> int | None:
        """Cuts the last author, which begins and ends at these offsets, before the first words of
        a title with an "and": "P. Jones. Soils and Plants". Returns the end of the list, None if
        nothing is left of the author."""
        stop = self.text.rfind(". ", begin, end)
        if stop < 0 or self.text[end - 1] == ".":
            return end
        self.text = self.text[: stop + 1]
        self.authors.pop()
        if (item := self._next(begin)) is None:
            return None
        self.authors.append(item[0])
        return item[1]

    def _next(self, position: int) -> tuple[Author, int] | None:
        """Returns the author at this position and the offset behind it."""
        group = (_GROUP if self.authors else _NAMED_GROUP).match(self.text, position)
        if group is not None:
            return Author(group[0]), group.end()
        for form in self._forms():
            found = _ITEM[form].match(self.text, position)
            if found is None or not self._is_name(form, found):
                continue
            is_later = form == "forward" and self.authors
            is_journal = is_later and _ABBREVIATED_JOURNAL.match(self.text, position)
            if is_journal or ORGANISATION.search(found["family"].strip()):
                return None
            return self._author(form, found)
        return self._single_name(position) if self.authors and self.form != "full" else None

    def _forms(self) -> tuple[str, ...]:
        """Returns the orders that are tried; some styles invert the first name only."""
        if self.form == "full":
            return ("forward", "full")
        if not self.authors or self.form == "initials":
            return (self.form,)
        return ("inverted", "forward", "full") if self.form == "inverted" else ("forward", "full")

    def _is_name(self, form: str, found: re.Match[str]) -> bool:
        """False for a match that may be two names, or a title in capitals."""
        if form == "inverted" and self.authors:
            return not self._is_two_names(found)
        if form != "full" or (self.form == "full" and not self._are_initials()):
            return True
        before = self.text[max(0, found.start() - _MAX_AND_LENGTH) : found.start()]
        if _AND_BEFORE.search(before):
            return True
        return self.form == "inverted" and bool(re.match(r"[ ]?[,.]", self.text[found.end() :]))

    def _is_two_names(self, found: re.Match[str]) -> bool:
        """True when a match is two people: "Noam Shazeer, Niki Parmar" behind "Vaswani, Ashish"."""
        first, family = self.authors[0], found["family"]
        if family.isupper() and (first.family or "").isupper():
            return False
        spelled = len((first.given or "").replace(".", "").split(" ")[0]) > 1
        is_long = sum(word[:1].isupper() for word in family.split()) > 1
        return spelled and is_long and " " in found["given"]

    def _are_initials(self) -> bool:
        given = [author.given or "" for author in self.authors]
        return bool(given) and all("." in name and len(name.split(".")[0]) == 1 for name in given)

    def _author(self, form: str, found: re.Match[str]) -> tuple[Author, int]:
        start, end = found.start("given"), found.end()
        cut = _J_OF_JOURNAL.search(self.text, start, end + _JOURNAL_LOOKAHEAD)
        if form == "inverted" and cut is not None:
            end = min(end, cut.start())
        tail = found["tail"] if form == "inverted" else ""
        given = " ".join((self.text[start : min(end, found.end("given"))] + tail).split())
        family = found["family"].strip()
        is_middle = form == "forward" and self.form == "full"
        if is_middle and (middle := _MIDDLE_NAME.fullmatch(family)):  # C. Ronald MacKenzie
            given, family = f"{given} {middle[1]}", middle[2]
        undotted = form == "initials" and self.authors and "." not in (self.authors[0].given or "")
        if undotted or given[-3:-1].islower():  # the period ends the list
            given = given.rstrip(".")
        printed = {"inverted": f"{family}, {given}", "initials": f"{family} {given}"}
        return Author(printed.get(form, f"{given} {family}"), given, family), end

    def _single_name(self, position: int) -> tuple[Author, int] | None:
        """Returns a word as an author, if another name or the end of the list certainly follows."""
        found = _SINGLE.match(self.text, position)
        if found is None or self.form == "forward":
            return None
        is_last = self.form == "initials" and re.match(r"\.[ ][^a-z]", self.text[found.end() :])
        separator = _SEPARATOR.match(self.text, found.end())
        if is_last or (separator and _ITEM[self.form].match(self.text, separator.end())):
            return Author(found[0]), found.end()
        return None


def _is_plausible(parsed: AuthorList, text: str) -> bool:
    """False where the match may be something else: a journal, a title in capitals."""
    after = text[parsed.end :].lstrip()
    # "Lee DH, Song CS" is two people with initials, not one inverted name.
    cut = {"inverted": r" [A-Z]{1,3}$", "full": r"(?:^| )[A-Z]{1,3}$"}.get(parsed.form)
    if "Patent" in text[: parsed.end]:
        return False
    if cut and any(re.search(cut, author.family or "") for author in parsed.authors):
        return False
    if parsed.form == "full":
        if len(parsed.authors) > 1 or after[:1] in '“"(' or re.match(r"[.,]? ?\(?\d{4}", after):
            return True
        return after.startswith((".", ":")) and not ORGANISATION.search(text[: parsed.end])
    if parsed.form == "forward" and "." not in (parsed.authors[0].given or ""):
        return len(parsed.authors) > 1 or after[:1] in '“"('
    return True
