"""Finds the journal or book of a bibliography entry."""

from __future__ import annotations

import re

from extraction.citations.cited_names import parse_authors
from extraction.vocabulary.front_matter import MONTHS, SEASONS

_NUMERALS = (
    r"(?<![^\W\d_])(?:vol(?:ume)?s?\.? ?|no\.? ?|bd\.? ?|t\. ?|tome ?)?"
    r"(?:[A-Z]{0,3}-?\d{1,5}[A-Za-z]?\b|\(?\d{4}[a-z]?\)|[XVI]{1,6}\b)"
)
_MAX_VENUE_WORDS = 16  # of a venue's name
_MAX_VENUE_ALONE_WORDS = 12  # of a venue's name in an entry without a title
# A venue and the numbers behind it: "Nature 464, 1", "J. Chem. Phys., vol. 3", "Cell. 2010;4".
VENUE = re.compile(
    rf"(?P<venue>[^\d(\[;“\"]{{2,140}}?(?:\([A-Z][^()\d]{{1,40}}\))?(?:\b2000\b(?= ?\d))?)"
    rf"[ ]?[.,;:]?[ ]?(?P<numbers>\(?{_NUMERALS}.*)",
    re.IGNORECASE | re.DOTALL,
)
_NUMBER_WORDS = re.compile(
    r"vol|volume|no|number|issue|pp|pages?|articles?|art|id|suppl|supplement|part|pt|series|sect|"
    rf"section|paper|{MONTHS}|in|press|and|edn?|edition|{SEASONS}|the|erratum|ibid|special"
)
PUBLISHER = re.compile(
    r"\b(?:Press|Publish\w*|Verlag|Springer|Wiley|Elsevier|Books?|McGraw|Prentice|Addison|Birkh|"
    r"Academic|University|Univ|Sons|Pearson|Routledge|Sage|SAGE|Freeman|Dover|Kluwer|Macmillan|"
    r"Dekker|Hall|Kaufmann|O[’']Reilly|Zenodo|GitHub|arXiv|bioRxiv|medRxiv|preprint|thesis|"
    r"dissertation|Report|[Tt]hesis|Ph\.? ?D|Master)\b"
)
_OF_BOOK = re.compile(
    rf"{PUBLISHER.pattern}|\b(?:Associates|Association|ACM|IEEE|AAAI|PMLR|USENIX|Curran|Society)\b"
)
BARE_YEAR = re.compile(r"(?:\(?(?:1[6-9]|20)\d\d[a-z]?\)?[.,;\s]*)+")
# "Santiago, Chile: IEEE", a sentence, or a name that ends in the middle
_NOT_A_VENUE = re.compile(
    r":\s[A-Z][\w’&-]*$|[.?]\s[A-Z][a-z]{3}[^.]{0,300} [a-z]{4}|\b(?:the|of|on|in|and|for)$"
)
_JOURNAL = re.compile(
    r"\b(?:Journal|Proceedings|Transactions|Annals|Letters|Reviews?|Bulletin|Archives|Notices|"
    r"Magazine|Acta)\b"
)
_EDITORS = re.compile(r"[,.]?\s?[(\[]?\b(?:[Ee]d(?:itor)?s?|Hrsg)\b\.?[)\]]?[.,:]?\s?")
_BOOK = re.compile(
    r"(?P<book>.{3,250}?)(?:[.,”\"]{0,9}\s?\((?:pp|[Vv]ol|\d|[Ee]d|[A-Z][a-z]+[:,)])|"
    r"[,.;”\"]{1,9}\s(?:(?:pp?|pages?|[Vv]ol|[Ee]ds?|[Ee]dited|[Ss]er)\b|\d|[A-Z]\.\s?[A-Z]|"
    r"[A-Z][\w .]{2,30}:\s|[A-Z][a-z]+ (?:Press|Publ|Verlag))|"
    r"[.”\"]{1,9}\s(?=[A-Z])|\s\d+[,:(]|;|,?\s[Vv]ol\.|$)"
)
BEFORE_BOOK = re.compile(r"[Ii]n(?:\s?:\s?|\s+(?=[A-ZÀ-Þ\d“\"]))")


def only_number_words(text: str) -> bool:
    """True when all words of the text belong to numbers, as "vol", "pages" and "May" do."""
    words = re.findall(r"[^\W\d_]{2,}", text.lower())
    return all(_NUMBER_WORDS.fullmatch(word) for word in words)


def find_venue(text: str) -> str | None:
    """Returns the journal or book in the text behind the title, None if uncertain."""
    text = text.strip(" .,;:")
    inside = BEFORE_BOOK.match(text) or re.match(r"(?:Pages?|Pp?\.)\s[\d–-]+\s[Ii]n\s", text)
    if inside is not None:
        return _book(text[inside.end() :])
    if text.startswith(("Proc. ", "Proceedings ", "Advances in ")):
        return _book(text)
    found = VENUE.match(text)
    if found is None or not re.match(r"[^\W\d_]", text):
        return None
    venue = found["venue"].strip(" ,;:([")
    if PUBLISHER.search(venue) or _NOT_A_VENUE.search(venue):
        return None
    venue = re.sub(r"(?<![,.\s])[,.\s]++(?:vol|no|bd|pp?)$", "", venue, flags=re.IGNORECASE)
    return venue if 1 <= len(venue.split()) <= _MAX_VENUE_WORDS and len(venue) > 1 else None


def _book(text: str) -> str | None:
    """The title of the book behind "In", without editors, pages and publisher."""
    text = _without_editors(text).strip(' “".,:')
    found = _BOOK.match(text)
    if found is None:
        return None
    pieces = re.split(r"[,.]\s\(?(?=[A-Z])", found["book"])
    while len(pieces) > 1 and _OF_BOOK.search(pieces[-1]):
        pieces.pop()
    book = re.sub(r"\s\((?:\d{4}\)|[A-Z][\w ]+$)", "", ", ".join(pieces).strip(' ,.;:“”"'))
    return book if re.search(r"[^\W\d_]{3}", book) and not is_numeric(book) else None


def _without_editors(text: str) -> str:
    listed = parse_authors(text)
    role = _EDITORS.match(text, listed.end) if listed else None
    return text[role.end() :] if role else text


def is_venue_alone(rest: str) -> bool:
    """True for an entry without a title: "J. Am. Chem. Soc. 2010, 132, 1", "Nature 464, 1"."""
    found = VENUE.fullmatch(rest)
    if found is None or not is_numeric(found["numbers"]):
        return False
    if BARE_YEAR.fullmatch(found["numbers"]):
        return False
    words = re.findall(r"[^\W\d_]+\.?", found["venue"])
    if len(words) > _MAX_VENUE_ALONE_WORDS:
        return False
    content = [word for word in words if not word.endswith(".") and word[:1].islower()]
    joining = {"of", "and", "the", "in", "for", "on", "de", "der", "et", "und", "für", "la"}
    if any(word not in joining for word in content):
        return False
    first, stop, _ = found["venue"].strip(" .").partition(". ")
    if not stop:
        return "." in first or len(words) <= 4 or bool(_JOURNAL.search(first))
    return " " not in first or first.startswith(("Acta ", "New "))


def is_numeric(text: str) -> bool:
    """True when the text has volume, issue, pages and date only."""
    words = re.findall(r"[^\W\d_]{3,}", text.lower())
    return all(_NUMBER_WORDS.fullmatch(word) for word in words)
