"""The year of publication: which lines determine it, and which years do not count."""

from __future__ import annotations

import pytest

from tests.pdf_builder.front_pages import HEIGHT, FrontPage, simple


def page(*lines: tuple[float, str]) -> FrontPage:
    made = simple(["Jane Doe and John Roe"])
    made.first()
    for y, text in lines:
        made.put(60, y, text, 8)
    return made


FOOT = HEIGHT - 40
YEARS = {
    "published": (
        (FOOT, "Received: 1 May 2016; Accepted: 2 December 2016; Published: 5 January 2017"),
        2017,
    ),
    "volume": ((30, "Molecules 2018, 23, 2268"), 2018),
    "volume in brackets": ((30, "Biochemistry Reports 24 (2020) 100852"), 2020),
    "issue": ((30, "J. Clin. Basil Nutr., 46, 52–59, January 2010"), 2010),
    "manuscript": ((30, "Nat Basil. 2014 May ; 46(5): 430–437."), 2014),
    "volume after a bar": ((FOOT, "J Basil 2015 | vol. 22 | iss. 1 | e17 | p. 1"), 2015),
    "month before the volume": ((FOOT, "Journal of Basil. 2023 Jul, Vol-10(7): FF01-FF05"), 2023),
    "copyright": ((FOOT, "© 2015 Doe et al. This is an open access article."), 2015),
    "ieee": ((FOOT, "978-1-5386-1234-5/18/$31.00 ©2018 IEEE"), 2018),
    "proceedings": (
        (FOOT, "Proceedings of the 58th Meeting of the Association, pages 1–10, July 5 - 10, 2020"),
        2020,
    ),
    "cite": ((150, "Cite this article: Doe J, Roe J (2013) Lipids in rats. Basil 3:4"), 2013),
    "software journal": (
        (FOOT, "Doe et al. (2019). Lipids in rats. Journal of Basil, 2(17), 42."),
        2019,
    ),
    "accepted": ((FOOT, "Received 3 March 2011; accepted 4 April 2012"), 2012),
    "online": ((FOOT, "Received 3 March 2011; available online 4 April 2012"), 2012),
    "date line": ((150, "March 3, 2017"), 2017),
}


@pytest.mark.parametrize("line, year", YEARS.values(), ids=YEARS)
def test_year_is_read_from_publication_line(line: tuple[float, str], year: int) -> None:
    assert page(line).front().metadata.year == year


@pytest.mark.parametrize(
    "notice",
    [
        "Downloaded from https://journal.org on 03 March 2021",
        "Downloaded by guest on March 3, 2021",
        "This article was downloaded from journal.org, vol. 3, 2021",
    ],
)
def test_year_is_not_the_date_of_a_download(notice: str) -> None:
    assert page((FOOT, notice)).front().metadata.year is None
    made = page((30, "Molecules 2018, 23, 2268"), (FOOT, notice)).front().metadata
    assert made.year == 2018
    assert made.evidence["year"].confidence > 0.8


def test_year_falls_back_to_stamp_and_file_metadata() -> None:
    made = page()
    created = made.front({"creationDate": "D:20140102"}).metadata
    assert created.year == 2014
    assert created.evidence["year"].confidence < 0.5
    made.stamp("arXiv:2005.01234v2 [cs.CL] 3 Jan 2021")
    assert made.front({"creationDate": "D:20140102"}).metadata.year == 2021


def test_year_ignores_cited_papers() -> None:
    made = page((FOOT, "© 2018 Doe et al."))
    made.page = made.document[1]
    made.put(60, HEIGHT - 120, "References", 12)
    made.put(60, HEIGHT - 40, "[7] J. Roe. Rats by lamp light. Basil 5, 2 (2011) 1-9.", 8)
    assert made.front().metadata.year == 2018


def test_year_ignores_received_date() -> None:
    assert page((FOOT, "Received 3 March 2011; revised 4 May 2011")).front().metadata.year is None


def test_year_of_volume_precedes_acceptance_and_copyright() -> None:
    made = page(
        (30, "Biochemistry Reports 24 (2020) 100852"),
        (FOOT, "Received 5 May 2019; Accepted 30 December 2019"),
    )
    assert made.front().metadata.year == 2020


def test_year_confidence_rises_with_agreeing_lines() -> None:
    single = page((30, "Molecules 2018, 23, 2268")).front().metadata.evidence["year"]
    two = page((30, "Molecules 2018, 23, 2268"), (FOOT, "Published: 5 May 2018")).front()
    assert two.metadata.evidence["year"].confidence > single.confidence


def test_year_is_none_without_dates() -> None:
    assert page().front().metadata.year is None
