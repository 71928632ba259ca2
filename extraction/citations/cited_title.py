"""Finds title and venue in the part of a bibliography entry behind its authors."""

from __future__ import annotations

import re
from itertools import pairwise

from extraction.citations.venue import (
    BARE_YEAR,
    BEFORE_BOOK,
    PUBLISHER,
    VENUE,
    find_venue,
    is_numeric,
    is_venue_alone,
    only_number_words,
)

_QUOTES = {"“": "”", "„": "“”", '"': '"', "‘": "’", "«": "»", "``": "''"}
_ABBREVIATED = re.compile(
    r"(?:^|[\s(\[–—-])(?:vs|var|subsp|ssp|cv|cf|e\.g|i\.e|St|Dr|Mr|Mrs|Prof|ca|approx|no|nos|No|vol|"
    r"Vol|Fig|Eq|aff|nov|resp|viz|ed|eds|Ed|Eds|pp|Mt|Ft|vol|pt|ser|[Ss]ect|v)\.$"
)
_WEAK = re.compile(r"(?:^|[\s(])(?:spp?|Linn|Inc|Co|Ltd|al|etc|U\.S|[A-Z]|et al|Jr|comb|nov)\.$")
_STOP = re.compile(
    r"([.?!][\"”’)\]]*|[.?!][\"”’)\]]*\s?\[[^\]]{3,40}\]\.?)\s+(?=[^a-z\s.,;(]|\([A-Z\d])"
)
_BOTANIST = re.compile(r"\b(?!the |and |for |with |from )[a-z]{3,} [A-Z]\.$")

# Title (Publisher, 2009); Title (2nd edn; New York: Springer)
_LAST_YEAR = re.compile(r"[,.]?\s?(?:\((?:1[6-9]|20)\d\d[a-z]?\)|,\s(?:1[6-9]|20)\d\d[a-z]?)\.?$")
_TAILS = re.compile(
    r"(?<!\s)\s*"
    r"(?:\[(?:internet|online|computer software|software|dataset|data set|dissertation|thesis|"
    r"ph\.?d\.? thesis|doctoral dissertation|preprint|abstract|review|letter|editorial|in [a-z]+|"
    r"[a-z]{1,3}|www document|electronic resource|book review|conference paper)\]|"
    r"\((?:\d+(?:st|nd|rd|th) ed[^)]{0,10}|[Vv]ol\. ?\d+|[Vv]ersion [^)]{1,20}|rev\. ed\.|"
    r"[\w ]{3,12} [Ee]dition\.?|pp\.[^)]{1,20}|[Dd]octoral [^)]{3,80}|"
    r"(?:[Ph]h\.?D\.?|[Mm]aster)[^)]{3,80})\)|"
    r"\([a-z][^()]{2,40}: [a-z][^()]{2,60}\)|"
    r"\((?:[^()]{0,80}\b)?(?:press|springer|wiley|elsevier|publish\w*|verlag|university)\b[^()]{0,60}\)|"
    r",? \d+(?:st|nd|rd|th) ed(?:n|ition)?\b\.?)\s*+[.,]?\s*+$",
    re.IGNORECASE,
)

_KIND_OF_WORK = re.compile(
    r"(?:unpublished|private communication|personal communication|in preparation|to appear|to be "
    r"published|submitted|(?:unpublished )?(?:ph\.? ?d\.?|doctoral|master[’']?s?|m\.? ?sc\.?)?"
    r" ?(?:thesis|dissertation|manuscript|results|data|work)|technical report|preprint|"
    r"persönliche mitteilung|communication personnelle|comunicaci[óo]n personal|"
    r"comunica[çc][ãa]o pessoal|comunicazione personale|личное сообщение|"
    r"(?:\w{2,12} )?patents?(?: appl\w*\.?)?(?: nos?\.?)? ?[A-Z]{0,2} ?\d[\d,./]{3,20})\b.{0,60}",
    re.IGNORECASE,
)
_MAX_ABBREVIATION = 24  # characters before a period that are compared with abbreviations
_MAX_PUBLISHER_WORDS = 7  # of a piece behind a book's title (heuristic)
_MIN_TITLE_LETTERS, _MAX_TITLE_CHARACTERS = 3, 600
_MIN_LETTER_SHARE = 0.4  # of a title's characters without spaces (heuristic)
# More authors, or another entry that the reading order mixed in.
_NOT_A_TITLE = re.compile(
    r"^(?:[A-Z]\.,? ?(?:[A-Z]\.|[A-Z][\w’-]+,)|& |and |et al|[\w’-]+, [A-Z]\b[.,]|"
    r"(?:[\w’-]+ [A-Z]{1,3}(?:, |$)){2})|\b[A-Z]\.,? \((?:1[6-9]|20)\d\d[a-z]?\)|et al\. \(\d{4}\)"
)


def title_and_venue(rest: str, *, by_commas: bool) -> tuple[str | None, str | None]:
    """Returns title and venue from the text behind authors and year; None where uncertain.

    `by_commas`: the authors end with a comma, so the title does too ("J. Smith, Title, J. Phys.
    1 (2010)"). Otherwise sentences separate them. Quotes mark a title in each case.
    """
    rest = rest.strip(" .,;:–—")
    quoted = _quoted(rest)
    if quoted is not None:
        return _title(quoted[0]), find_venue(quoted[1])
    if not rest or not re.search(r"[^\W\d_]{3}", rest):
        return None, None
    if BEFORE_BOOK.match(rest) and by_commas:
        return None, find_venue(rest)
    title, slashes, behind = rest.partition(" // ")
    if slashes:  # ГОСТ Р 7.0.5
        return _title(title), find_venue(behind)
    parts = _split_by_commas(rest) if by_commas else _split_by_sentences(rest)
    return _title(parts[0]), find_venue(parts[1])


def _quoted(rest: str) -> tuple[str, str] | None:
    """The quoted beginning and the text behind it; None without a quoted beginning.

    An apostrophe does not close a quote. Where it may be mistaken for one, the comma or period
    before it decides.
    """
    opening = next((mark for mark in _QUOTES if rest.startswith(mark)), None)
    if opening is None:
        return None
    closing = _QUOTES[opening]
    start = len(opening)
    ends = [
        match
        for match in re.finditer(f"[{re.escape(closing)}]{{1,2}}(?=[.,;:]?(?:\\s|$))", rest)
        if match.start() > start + 3
    ]
    marked = [match for match in ends if rest[match.start() - 1] in ".,?!"]
    chosen = (marked or ends)[:1] if opening in '‘"“' else ends[:1]
    if not chosen or _is_word_of_title(rest, chosen[0]):
        return None
    return rest[start : chosen[0].start()], rest[chosen[0].end() :]


def _is_word_of_title(rest: str, closing: re.Match[str]) -> bool:
    """True when only a word of the title is quoted: “Green” nanotechnologies."""
    if rest[closing.start() - 1] in ".,?!":
        return False
    return bool(re.match(r"\s?(?!in\b|In\b)[a-z]{2,}", rest[closing.end() :]))


def _split_by_sentences(rest: str) -> tuple[str | None, str]:
    if is_venue_alone(rest):
        return None, rest
    sentences = _sentences(rest)
    if len(sentences) == 1:
        return _split_at_in(rest) or _split_without_stop(rest)
    taken = 1
    while taken < len(sentences) - 1 and _continues_title(sentences[taken - 1], sentences[taken:]):
        taken += 1
    title = " ".join(sentences[:taken])
    inside = _split_at_in(title)
    if inside is not None:
        return inside[0], " ".join([inside[1], *sentences[taken:]])
    return title, " ".join(sentences[taken:])


def _sentences(text: str) -> list[str]:
    """The sentences of the text.

    A period behind an abbreviation or a single capital does not end a sentence, unless the text
    has no other period.
    """
    strong: list[int] = []
    weak: list[int] = []
    for stop in _STOP.finditer(text):
        before = text[: stop.start() + 1]
        tail = before[-_MAX_ABBREVIATION:]
        if _ABBREVIATED.search(tail) or before.count("(") > before.count(")"):
            continue
        ends = not _WEAK.search(tail) or bool(_BOTANIST.search(tail)) or stop[1][0] != "."
        (strong if ends else weak).append(stop.end())
    cuts = strong or weak[:1]
    places = [0, *cuts, len(text)]
    return [text[a:b].strip() for a, b in pairwise(places) if text[a:b].strip()]


def _continues_title(before: str, following: list[str]) -> bool:
    """True when the next sentence is part of the title: "III.", "Part 2: ...", a second clause."""
    first, then = following[0], following[1]
    if re.fullmatch(r"(?:[IVX]{1,5}|\d{1,2}|[Pp]art [IVX\d]+)\.?", first):
        return True
    if re.fullmatch(r"(?:.*\s)?(?:[IVX]{1,5}|\d)\.", before) and not is_venue_alone(first):
        return is_venue_alone(then) or len(re.findall(r"\b[a-z]{4,}", first)) >= 2
    if BEFORE_BOOK.match(first) or PUBLISHER.search(first) or re.search(r"\d{4}|:\s?[A-Z]", first):
        return False
    plain = [w for w in re.findall(r"\b[a-z]{3,}\b", first) if w not in {"and", "the", "for"}]
    return len(plain) >= 3 and bool(
        re.match(r"[^.?!]*\d|[^.]*[.,] ?\d", then) or len(following) > 2
    )


def _split_at_in(text: str) -> tuple[str, str] | None:
    """Splits "Title, in: Book" or "Title. In Book" into title and book."""
    found = re.search(r"[,.;?]\s(?:in:\s|in\s(?=Proc|Adv|Handb|[A-Z][\w.]+ [A-Z])|In:?\s)", text)
    return (text[: found.start() + 1], text[found.start() + 2 :]) if found else None


def _split_without_stop(rest: str) -> tuple[str | None, str]:
    """Splits a single sentence: a title, with a publisher or the venue's numbers behind commas."""
    rest = _LAST_YEAR.sub("", rest)
    book = re.match(r"([^;]{6,}?);\s(?=[A-Z][^;]*:\s)", rest)
    if book is not None:
        return book[1], rest[book.end() :]
    if re.search(r",\s", rest) and re.search(r"\d", rest):
        return _split_by_commas(rest)
    pieces = re.split(r",\s", rest)
    if len(pieces) > 1 and PUBLISHER.search(", ".join(pieces[1:])):
        return _book_title(pieces), ""
    if re.search(r"(?:[^\W\d_]\s\d+\s|\bpp?\.?\s)\w*\d(?:[–-]\w+)?$", rest):
        return None, ""  # "Title Journal 12 1–9" has no separator
    return rest, ""


def _split_by_commas(rest: str) -> tuple[str | None, str]:
    """Splits title and rest where commas separate the fields.

    In "A. Author, Title of it. Journal 12, 3 (2010)" only the period of a whole word ends the
    title.
    """
    sentences = _sentences(rest)
    whole_word = re.search(r"(?:\s[a-z][\w-]{3,}\.|\?)$", sentences[0])
    if len(sentences) > 1 and whole_word and is_venue_alone(sentences[-1]):
        return _split_by_sentences(rest)
    pieces = re.split(r",\s(?![^()]*\))", rest)
    for index, piece in enumerate(pieces):
        if index and BEFORE_BOOK.match(piece):
            return ", ".join(pieces[:index]), ", ".join(pieces[index:])
    inside = _split_at_in(rest)
    if inside is not None:
        return inside
    place = _venue_piece(pieces)
    if place is not None:
        return (", ".join(pieces[:place]) or None), ", ".join(pieces[place:])
    if len(sentences) > 1 and len(sentences[0].split()) > 2:
        return sentences[0], " ".join(sentences[1:])
    return _book_title(pieces), ""


def _book_title(pieces: list[str]) -> str | None:
    """The first piece as the title of a book, if a publisher or a year alone follows it."""
    first = pieces[0]
    bracket = re.match(
        r"(.{8,}?)\s\([^()]{0,200}?(?::\s|[A-Z]\w{1,60},\s)[^()]{0,200}?\d{4}[^()]*+\)|"
        r"(.{8,}?)\s\([^()]*?:\s",
        first,
    )
    if bracket is not None:
        return bracket[1] or bracket[2]
    behind = ", ".join(pieces[1:])
    if not behind and len(first.split()) > 2 and not re.search(r"\d", first):
        return first
    if len(first.split()) < 2 or any(
        len(piece.split()) > _MAX_PUBLISHER_WORDS for piece in pieces[1:]
    ):
        return None
    if PUBLISHER.search(behind) or (BARE_YEAR.fullmatch(behind) and len(first.split()) > 2):
        return first
    return first if not behind and PUBLISHER.search(first) else None


def _venue_piece(pieces: list[str]) -> int | None:
    """The index of the venue's piece: the last one with words, if only numbers follow.

    None if only a year follows: then the piece is a publisher's place.
    """
    for index in range(len(pieces) - 1, -1, -1):
        if not only_number_words(pieces[index]):
            break
    else:
        return None
    found = VENUE.fullmatch(", ".join(pieces[index:]))
    if found is None or not is_numeric(found["numbers"]):
        return None
    if BARE_YEAR.fullmatch(found["numbers"].strip()):
        return None
    if PUBLISHER.search(found["venue"]) and len(pieces) - index <= 2:
        return None
    return index - _pieces_before(pieces, index)


def _pieces_before(pieces: list[str], index: int) -> int:
    """How many pieces before this one are part of the venue: "Nanotechnology, Biology and Care"."""
    before = 0
    while index - before > 1 and re.search(r"(?:^|\s)(?:and|&)\s", pieces[index]):
        words = re.findall(r"[^\W\d_]{3,}", pieces[index - before - 1])
        if len(words) > 4 or not all(word[0].isupper() for word in words):
            break
        before += 1
    return before


def _title(text: str | None) -> str | None:
    """The title without tails such as "[Internet]" or "(2nd ed.)"; None if it cannot be one."""
    if text is None:
        return None
    before = ""
    while before != text:
        before, text = text, _TAILS.sub("", text).strip(" ,;:.–—")
    letters = re.findall(r"[^\W\d_]", text)
    min_letters = max(_MIN_TITLE_LETTERS, _MIN_LETTER_SHARE * len(text.replace(" ", "")))
    if len(letters) < min_letters or len(text) > _MAX_TITLE_CHARACTERS:
        return None
    if _NOT_A_TITLE.search(text) or _KIND_OF_WORK.fullmatch(text):
        return None
    if text.count("“") != text.count("”"):
        text = text.strip("“”")
    return text
