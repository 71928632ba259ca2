"""Headings in letter-spaced capitals are joined to words of the paper's vocabulary."""

from __future__ import annotations

import pytest

from extraction.text.lines import Line
from extraction.text.spaced_letters import join_spaced_letters, join_spaced_lines

WORDS = {"pharmacological", "evaluation", "molecular", "docking", "and", "methods", "materials"}


@pytest.mark.parametrize(
    ("spaced", "words"),
    [
        ("1 | P HA R MACOLOGICAL E VA L UATION", "1 | PHARMACOLOGICAL EVALUATION"),
        ("2 | M AT E RIALS AND M ET H ODS", "2 | MATERIALS AND METHODS"),
        ("M O L E CULAR D OC K ING", "MOLECULAR DOCKING"),
        ("3 | S TA T ISTICAL WO R D S", "3 | S TA T ISTICAL WO R D S"),
        ("USE OF AI IN UK", "USE OF AI IN UK"),
        ("Molecular Docking and Methods", "Molecular Docking and Methods"),
    ],
)
def test_spaced_letters_are_joined_to_known_words(spaced: str, words: str) -> None:
    assert join_spaced_letters(spaced, WORDS) == words


def line(text: str) -> Line:
    return Line(text, 1, 60, 90, 300, 100, 10, 100)


def test_spaced_letters_use_words_of_other_lines() -> None:
    lines = [
        line("1 | I NT RO D U CTION"),
        line("The evaluation of leaves follows."),
        line("E VA L UATION OF L E AV E S"),
        line("R E FE R E N C E S"),
        line("DNA AND RNA IN A PH 7 SET"),
    ]
    join_spaced_lines(lines)
    assert [one.text for one in lines] == [
        "1 | INTRODUCTION",
        "The evaluation of leaves follows.",
        "EVALUATION OF LEAVES",
        "REFERENCES",
        "DNA AND RNA IN A PH 7 SET",
    ]
