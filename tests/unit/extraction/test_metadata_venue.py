"""The journal or proceedings of a paper: which lines name it, and which do not."""

from __future__ import annotations

import pytest

from extraction.metadata.file_metadata import read_file_metadata
from extraction.metadata.venue import find_venue
from tests.unit.extraction.test_metadata_year import FOOT, page

VENUES = {
    "year, volume and number": ((30, "Molecules 2018, 23, 2268"), "Molecules"),
    "year in brackets": ((30, "Doe et al. Basil Science (2018) 18:174"), "Basil Science"),
    "volume before the year": (
        (30, "Biochemistry Reports 24 (2020) 100852"),
        "Biochemistry Reports",
    ),
    "pages": ((30, "J. Clin. Basil Nutr., 46, 52–59, January 2010"), "J. Clin. Basil Nutr."),
    "volume with label": (
        (30, "Iranian Journal of Basil Vol.9. No.3. pp: 177-186"),
        "Iranian Journal of Basil",
    ),
    "bar and address": ((FOOT, "Frontiers in Basil | www.example.org"), "Frontiers in Basil"),
    "month": ((30, "Nat Basil. 2014 May ; 46(5): 430–437."), "Nat Basil"),
    "cited in the footer": (
        (FOOT, "Doe et al. (2019). Lipids in rats. Journal of Basil, 2(17), 42."),
        "Journal of Basil",
    ),
    "cite this": (
        (150, "Cite this article: Doe J, Roe J (2013) Lipids in rats. Basil Letters 3(4): e12"),
        "Basil Letters",
    ),
    "proceedings": (
        (FOOT, "Proceedings of the 58th Meeting of the Association, pages 1–10, July 5 - 10, 2020"),
        "Proceedings of the 58th Meeting of the Association",
    ),
    "conference": (
        (30, "34th Conference on Basil Systems, Oslo, Norway."),
        "34th Conference on Basil Systems",
    ),
}
NO_VENUES = (
    (FOOT, "Received 3 March 2011; accepted 4 April 2012"),
    (FOOT, "Copyright 2015 (2) Doe et al."),
    (30, "University of Oslo, Vol. 3"),
    (30, "May 2017, 3, 4"),
    (30, "arXiv:1706.03762v5 [cs.CL] 6 Dec 2017"),
    (400, "Rats were fed as in Oslo 2018, 23, 2268 and weighed"),
    (400, "as the Journal of Basil (2018) 18:174 states"),
)


@pytest.mark.parametrize("line, venue", VENUES.values(), ids=VENUES)
def test_venue_is_read_from_line(line: tuple[float, str], venue: str) -> None:
    metadata = page(line).front().metadata
    assert metadata.venue == venue and metadata.evidence["venue"].confidence >= 0.8


@pytest.mark.parametrize("line", NO_VENUES)
def test_other_lines_name_no_venue(line: tuple[float, str]) -> None:
    assert page(line).front().metadata.venue is None


def test_file_precedes_printed_abbreviation() -> None:
    xmp = "<prism:publicationName>Journal of Basil Science</prism:publicationName>"
    stated = find_venue(
        [], read_file_metadata({"xmp": xmp, "subject": "J Basil, 2018, doi:10.1/x"})
    )
    assert stated and stated[0] == "Journal of Basil Science"
    subject = find_venue([], read_file_metadata({"subject": "Basil Science, doi:10.1000/182"}))
    assert subject and (subject[0], subject[1].source) == ("Basil Science", "file subject")
    assert find_venue([], read_file_metadata({"subject": "The aim was to feed rats, 2018"})) is None
