"""The words of front and back matter that several steps recognize."""

from __future__ import annotations

import re

import pytest

from extraction.vocabulary.front_matter import (
    ABSTRACT_HEADING,
    ABSTRACT_LABEL,
    DATE_LINE,
    FRONT_ENDS,
    FRONT_MATTER_LINE,
    KEYWORDS_LABEL,
    LICENCE,
    MASTHEAD,
    NOTE_AFTER_REFERENCES,
    SMALL_PRINT,
    is_address,
)


@pytest.mark.parametrize("text", ["Abstract", "A B S T R A C T", "Zusammenfassung", "摘 要"])
def test_abstract_label_is_recognized_by_all_front_matter_patterns(text: str) -> None:
    label = ABSTRACT_LABEL.match(text)
    assert label is not None
    assert label["sure"] == text
    assert FRONT_ENDS.match(text)


def test_summary_label_is_weaker_than_abstract() -> None:
    label = ABSTRACT_LABEL.match("Summary")
    assert label is not None
    assert label["sure"] is None
    assert not ABSTRACT_HEADING.fullmatch("Summary")


@pytest.mark.parametrize(
    "date", ["Received 3 May 2019", "Accepted: 2019-05-03", "Revised May 2019"]
)
def test_article_date_is_recognized_as_date_line_and_small_print(date: str) -> None:
    assert DATE_LINE.match(date)
    assert is_address(date)


@pytest.mark.parametrize(
    ("text", "patterns"),
    [
        ("© 2019 The Authors", (LICENCE, SMALL_PRINT, MASTHEAD, NOTE_AFTER_REFERENCES)),
        ("Copyright 2019 by the authors", (LICENCE, SMALL_PRINT, MASTHEAD, NOTE_AFTER_REFERENCES)),
        ("Keywords: lipids; rats", (KEYWORDS_LABEL, FRONT_ENDS, FRONT_MATTER_LINE)),
    ],
)
def test_boilerplate_is_recognized_by_the_patterns_of_each_step(
    text: str, patterns: tuple[re.Pattern[str], ...]
) -> None:
    assert all(pattern.search(text) for pattern in patterns)


def test_country_at_the_end_of_a_line_makes_an_address() -> None:
    assert is_address("Somewhere, Norway")
    assert not is_address("Jane Doe")
