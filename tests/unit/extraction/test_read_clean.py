"""Cleaning of characters, and joining of lines with hyphenation."""

from __future__ import annotations

import pytest

from extraction.text.clean import (
    clean_text,
    is_right_to_left,
    join_lines,
    join_listing,
    missing_h_pattern,
    words_of,
)


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
        ("G¨odel and Erd˝os", "Gödel and Erdős"),
        ("cafe\u0301", "café"),
        ("unknown \ufffd", "unknown"),
        ("Poincar´ e and M ¨uller", "Poincaré and Müller"),
        ("Ju¨rges, Garcı´a, Herna´ndez", "Jürges, García, Hernández"),
        ("Franc¸ois S¸ahin", "François Şahin"),
        ("Pozna´n, Dvoˇr´ak", "Poznań, Dvořák"),
        ("from 5´ to 3´ end, the ˆ y of x¯ = 3", "from 5´ to 3´ end, the ˆ y of x¯ = 3"),
        ("A B S T R A C T", "ABSTRACT"),
        ("A R T I C L E I N F O", "ARTICLE INFO"),
    ],
)
def test_clean_text_normalizes_characters(raw: str, clean: str) -> None:
    assert clean_text(raw) == clean
    clean_text(raw).encode()


@pytest.mark.parametrize(
    ("lines", "known_words", "text"),
    [
        (["an exam-", "ple of it"], [], "an example of it"),
        (["a well-", "known fact"], ["it is well known"], "a well-known fact"),
        (["a well-", "known fact"], ["a well-known one"], "a well-known fact"),
        (["the over-", "view here"], ["an overview"], "the overview here"),
        (["since COVID-", "19 began"], [], "since COVID-19 began"),
        (["the non-", "Gaussian"], [], "the non-Gaussian"),
        (["soft\u00ad", "ened"], ["soft ened"], "softened"),
        (["see https://doi.org/", "10.1/x"], [], "see https://doi.org/10.1/x"),
        (["DNA-", "binding and STZ-", "induced"], [], "DNA-binding and STZ-induced"),
        (["in the DISCUS-", "SION of it"], ["the discussion"], "in the DISCUSSION of it"),
        (["a real-time RT-", "PCR"], [], "a real-time RT-PCR"),
        (["anthracene-", "induced"], [], "anthracene-induced"),
        (["the cor-", "related ones"], [], "the correlated ones"),
        (["its effective-", "ness is"], ["effective, its kind-", "ness"], "its effectiveness is"),
        (["plain", "lines"], [], "plain lines"),
    ],
)
def test_join_lines_resolves_hyphenation(
    lines: list[str], known_words: list[str], text: str
) -> None:
    assert join_lines(lines, words_of([*lines, *known_words]))[0] == text


def test_join_lines_returns_offset_of_each_line() -> None:
    text, starts = join_lines(["an exam-", "ple of", "it"], set())
    assert [text[start:] for start in starts] == ["an example of it", "ple of it", "it"]


def test_join_lines_adds_no_space_between_chinese_lines() -> None:
    assert (
        join_lines(["这是一个中文段", "落，没有空格。"], set())[0] == "这是一个中文段落，没有空格。"
    )
    assert join_lines(["한국어 문장은", "띄어쓴다"], set())[0] == "한국어 문장은 띄어쓴다"


def test_join_listing_keeps_indentation_of_code() -> None:
    text, starts = join_listing([(50.0, 10.0, "for x in y:"), (74.0, 10.0, "print(x)")])
    assert text == "for x in y:\n    print(x)"
    assert starts == [0, 12]


def test_missing_h_pattern_requires_text_without_the() -> None:
    lost = ["Te aim was this.", "Tis is it. Te end.", "Te plants grew. Ten of them."]
    missing = missing_h_pattern(lost)
    assert missing is not None
    assert missing.sub("Th", lost[2]) == "The plants grew. Ten of them."
    assert missing_h_pattern([*lost, "The rest is well."]) is None


def test_right_to_left_scripts_are_detected() -> None:
    assert is_right_to_left("זהו טקסט בעברית with a word")
    assert not is_right_to_left("naïve text with שלום")
