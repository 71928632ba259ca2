"""Characters are cleaned, and lines joined, as a careful typist would."""

from __future__ import annotations

import pytest

from pipelines.read.clean import clean_text, join_lines, words_of


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("a\x00b\x07 c", "ab c"),
        ("ﬁne eﬀort", "fine effort"),
        ("two\u00a0\u2009words \n", "two words"),
        ("soft\u00adened", "softened"),
        ("ends in soft\u00ad", "ends in soft\u00ad"),
        ("left\u202eright\u200b", "leftright"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("G¨odel and Erd˝os", "Gödel and Erd˝os"),
        ("cafe\u0301", "café"),
        ("unknown \ufffd", "unknown"),
    ],
)
def test_clean_text(raw: str, clean: str) -> None:
    assert clean_text(raw) == clean
    clean_text(raw).encode()


@pytest.mark.parametrize(
    ("lines", "witness", "text"),
    [
        (["an exam-", "ple of it"], [], "an example of it"),
        (["a well-", "known fact"], ["it is well known"], "a well-known fact"),
        (["a well-", "known fact"], ["a well-known one"], "a well-known fact"),
        (["the over-", "view here"], ["an overview"], "the overview here"),
        (["since COVID-", "19 began"], [], "since COVID-19 began"),
        (["the non-", "Gaussian"], [], "the non-Gaussian"),
        (["soft\u00ad", "ened"], ["soft ened"], "softened"),
        (["see https://doi.org/", "10.1/x"], [], "see https://doi.org/10.1/x"),
        (["plain", "lines"], [], "plain lines"),
    ],
)
def test_join_lines(lines: list[str], witness: list[str], text: str) -> None:
    assert join_lines(lines, words_of([*lines, *witness]))[0] == text


def test_join_lines_says_where_each_line_starts() -> None:
    text, starts = join_lines(["an exam-", "ple of", "it"], set())
    assert [text[start:] for start in starts] == ["an example of it", "ple of it", "it"]
